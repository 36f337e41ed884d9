# cython: cdivision=True
"""A block of rows through the whole network, forward and backward.

A block's rows are shared out among the threads of a team, and then every layer's weights
are; each number is computed by one thread, in the same order whatever the team's size.
"""

from libc.math cimport NAN
from libc.stdint cimport uint64_t
from libc.string cimport memcpy, memset

from .arithmetic cimport activate, gemm, multiply_by_derivative, spmm
from .dropout cimport drop_units
from .layers cimport affine, affine_sparse, column_sums, make_dense, transpose_entries
from .losses cimport exponentials, loss_and_derivative
from .plan cimport (
    PACKED_COLUMNS, Layer, Panel, Plan, Workspace, max_expanded_rows, panel_of,
)
from .real cimport real
from .rows cimport Samples
from .team cimport wait_for_team

cdef extern from "c/prefetch.h" nogil:
    void prefetch(const void* start, Py_ssize_t size)

cdef enum:
    SHARED_ROWS = 8  # rows of a block are shared out by this many, a tile of the products

cdef struct Block:
    const Py_ssize_t* rows
    Py_ssize_t m
    const Py_ssize_t* next_rows   # that are worth to be fetched meanwhile
    const Py_ssize_t* end_of_next
    double weight_scale           # each row counts weight_scale * sample_weight
    Py_ssize_t position           # of the first row in its epoch
    uint64_t dropout_key

cdef struct Share:
    Py_ssize_t first
    Py_ssize_t last


cdef inline Share share_of(
    Py_ssize_t size, Py_ssize_t unit, int thread, int n_threads
) noexcept nogil:
    """What of range(size) is this thread's, in whole units."""
    cdef Py_ssize_t n_units = (size + unit - 1) // unit
    return Share(
        min(size, n_units * thread // n_threads * unit),
        min(size, n_units * (thread + 1) // n_threads * unit),
    )


cdef inline Share share_of_panels(
    Plan plan, Workspace workspace, int thread
) noexcept nogil:
    """The panels that are this thread's: those that begin in its part of the weights."""
    cdef:
        Py_ssize_t i, start
        Share share = Share(0, 0)
        Panel panel
    for i in range(plan.n_panels):
        panel = panel_of(plan, i)
        start = plan.layers[panel.layer].coefs + panel.first * plan.layers[panel.layer].n_out
        share.first += start * workspace.n_threads < plan.n_coefs * thread
        share.last += start * workspace.n_threads < plan.n_coefs * (thread + 1)
    return share


cdef inline bint is_consecutive(Samples samples, const Block* block) noexcept nogil:
    """Whether the rows lie side by side, none without weight."""
    cdef Py_ssize_t i
    for i in range(block.m):
        if block.rows[i] != block.rows[0] + i or samples.weight[block.rows[i]] == 0:
            return False
    return True


cdef inline const real* dense_inputs(
    Plan plan, Samples samples, const Block* block, real* work
) noexcept nogil:
    """Where the block's rows are, or NULL if they remain sparse."""
    cdef Layer* layer = &plan.layers[0]
    if samples.is_sparse:
        if block.m > max_expanded_rows(layer.n_in, layer.n_out):
            return NULL
    elif is_consecutive(samples, block):
        return <const real*> samples.values + block.rows[0] * samples.n_features
    return work + plan.inputs


cdef inline void gather_targets(
    Plan plan, Samples samples, const Block* block, Share share, real* work
) noexcept nogil:
    """Weights and targets of these rows of the block."""
    cdef:
        Py_ssize_t i, K = plan.layers[plan.n_layers - 1].n_out
        real* t = work + plan.targets
    for i in range(share.first, share.last):
        work[plan.weights + i] = <real> (samples.weight[block.rows[i]] * block.weight_scale)
    if samples.labels != NULL:
        memset(t + share.first * K, 0, (share.last - share.first) * K * sizeof(real))
        for i in range(share.first, share.last):
            t[i * K + samples.labels[block.rows[i]]] = 1
    else:
        for i in range(share.first * K, share.last * K):
            t[i] = samples.indicator[block.rows[i // K] * K + i % K]


cdef inline void gather_dense(
    Samples samples, const Block* block, Share share, real* inputs
) noexcept nogil:
    """Copy these rows of the block.

    A row of no weight is taken as zeros, so that it cannot overflow and spoil the
    others' sums.
    """
    cdef:
        Py_ssize_t i, row, n = samples.n_features
        const real* X = <const real*> samples.values
    for i in range(share.first, share.last):
        row = block.rows[i]
        if block.next_rows + i < block.end_of_next:
            prefetch(X + block.next_rows[i] * n, n * sizeof(real))
        if samples.weight[row] == 0:
            memset(inputs + i * n, 0, n * sizeof(real))
        else:
            memcpy(inputs + i * n, X + row * n, n * sizeof(real))


cdef inline void gather_sparse(
    Samples samples, Workspace workspace, const Block* block, Share share, real* inputs,
) noexcept nogil:
    """Find these rows' entries, and make them dense where ``inputs`` is not NULL.

    A row of no weight is taken as zeros.
    """
    cdef:
        Py_ssize_t i, row, begin, end, n = samples.n_features
    for i in range(share.first, share.last):
        row = block.rows[i]
        begin, end = samples.indptr[row], samples.indptr[row + (samples.weight[row] != 0)]
        workspace.row_begin[i], workspace.row_end[i] = begin, end
        if inputs != NULL:
            make_dense(
                <const real*> samples.values + begin, samples.indices + begin, end - begin, n,
                inputs + i * n,
            )


cdef inline void prefetch_sparse(
    Samples samples, const Block* block, Share share
) noexcept nogil:
    """Have the entries of the next block's rows fetched while this one is computed."""
    cdef:
        Py_ssize_t i, row, begin, size
        const char* values = <const char*> samples.values
    for i in range(share.first, share.last):
        if block.next_rows + i >= block.end_of_next:
            break
        row = block.next_rows[i]
        begin, size = samples.indptr[row], samples.indptr[row + 1] - samples.indptr[row]
        prefetch(samples.indices + begin, size * sizeof(int))
        prefetch(values + begin * samples.itemsize, size * samples.itemsize)


cdef inline bint is_worth_packing(
    const Py_ssize_t* begin, const Py_ssize_t* end, Py_ssize_t m, Py_ssize_t k,
    Py_ssize_t packed_size,
) noexcept nogil:
    """Whether m sparse rows have entries enough for spmm to copy a (k, n) matrix."""
    cdef Py_ssize_t i, entries = 0
    for i in range(m):
        entries += end[i] - begin[i]
    return 4 * k <= entries and k * PACKED_COLUMNS <= packed_size


cdef inline void drop_units_of(
    Plan plan, const Layer* layer, const Block* block, Share share, const real* a, real* out
) noexcept nogil:
    """out = a with the layer's dropout, for these rows of the block; key 0 drops none."""
    drop_units(
        block.dropout_key,
        <uint64_t> (block.position + share.first) * plan.n_hidden_units + layer.first_unit,
        plan.n_hidden_units, share.last - share.first, layer.n_out,
        layer.dropout if block.dropout_key != 0 else 0, a, out,
    )


cdef inline void forward(
    Plan plan, Samples samples, Workspace workspace, int thread,
    const Block* block, const real* inputs, Share share, const real* theta, real* work,
) noexcept nogil:
    """Leave A_1, A_2, ... and the last layer's Z of these rows in the workspace."""
    cdef:
        Py_ssize_t l, first = share.first, m = share.last - share.first
        Layer* layer
        real* z
        real* packed = work + plan.packed + thread * plan.packed_size
        const real* a = NULL if inputs == NULL else inputs + first * plan.layers[0].n_in
    for l in range(plan.n_layers):
        layer = &plan.layers[l]
        z = work + layer.outputs + first * layer.n_out
        if l == 0 and samples.is_sparse:
            if not is_worth_packing(
                workspace.row_begin + first, workspace.row_end + first, m,
                layer.n_in, plan.packed_size,
            ):
                packed = NULL
            affine_sparse(
                <const real*> samples.values, samples.indices,
                workspace.row_begin + first, workspace.row_end + first,
                theta + layer.coefs, theta + layer.intercepts,
                m, layer.n_in, layer.n_out, z, packed,
            )
        else:
            affine(
                a, theta + layer.coefs, theta + layer.intercepts,
                m, layer.n_in, layer.n_out, z,
            )
        if l < plan.n_layers - 1:
            activate(plan.activation, z, m * layer.n_out)
        a = z
        if layer.dropout > 0:
            z = work + layer.dropped + first * layer.n_out
            drop_units_of(plan, layer, block, share, a, z)
            a = z


cdef inline void output_delta(
    Plan plan, Workspace workspace, Share share, real step, real* work
) noexcept nogil:
    """``step`` times the output layer's delta, and the weighted loss, of these rows."""
    cdef:
        Py_ssize_t i, k, last = plan.n_layers - 1, K = plan.layers[last].n_out
        real* delta = work + plan.layers[last].delta
        const real* z = work + plan.layers[last].outputs
        real w
    exponentials(
        plan.output_loss, z + share.first * K, share.last - share.first, K,
        delta + share.first * K,
    )
    for i in range(share.first, share.last):
        w = work[plan.weights + i]
        # a row of no weight must not count, not even when its loss is infinite
        if w == 0:
            workspace.losses[i] = 0
            memset(delta + i * K, 0, K * sizeof(real))
            continue
        workspace.losses[i] = w * loss_and_derivative(
            plan.output_loss, z + i * K, work + plan.targets + i * K, K, delta + i * K
        )
        for k in range(K):
            delta[i * K + k] *= w * step


cdef inline void hidden_deltas(
    Plan plan, const Block* block, Share share, real* work
) noexcept nogil:
    """delta_{l-1} = (delta_l W_l^T) * f'(Z_{l-1}), for these rows and every layer.

    What dropout has multiplied A_l by, it multiplies delta_{l-1} by.
    """
    cdef:
        Py_ssize_t l, first = share.first, m = share.last - share.first
        Layer* layer
        real* below
    for l in range(plan.n_layers - 1, 0, -1):
        layer = &plan.layers[l]
        below = work + plan.layers[l - 1].delta + first * layer.n_in
        gemm(
            m, layer.n_in, layer.n_out,
            work + layer.delta + first * layer.n_out, layer.n_out, 1,
            work + layer.transposed, <real> 0, below, layer.n_in, below,
        )
        multiply_by_derivative(
            plan.activation,
            work + plan.layers[l - 1].outputs + first * layer.n_in, below, m * layer.n_in,
        )
        if plan.layers[l - 1].dropout > 0:
            drop_units_of(plan, &plan.layers[l - 1], block, share, below, below)


cdef inline double backward_to_deltas(
    Plan plan, Samples samples, Workspace workspace, int thread,
    const Block* block, const real* inputs, const real* theta, double step,
) noexcept nogil:
    """Leave ``step`` times every delta of a block in the workspace; return its loss.

    ``inputs`` is what :func:`dense_inputs` says. NaN if the team was abandoned.
    """
    cdef:
        Py_ssize_t i
        Share share = share_of(block.m, SHARED_ROWS, thread, workspace.n_threads)
        real* work = <real*> workspace.reals
        double loss = 0
    gather_targets(plan, samples, block, share, work)
    if samples.is_sparse:
        prefetch_sparse(samples, block, share)
        gather_sparse(samples, workspace, block, share, <real*> inputs)
    elif inputs == work + plan.inputs:
        gather_dense(samples, block, share, <real*> inputs)
    forward(
        plan, samples, workspace, thread, block, inputs, share, theta, work
    )
    output_delta(plan, workspace, share, <real> step, work)
    hidden_deltas(plan, block, share, work)
    if not wait_for_team(&workspace.team):
        return NAN
    for i in range(block.m):
        loss += workspace.losses[i]
    return loss


cdef inline void sparse_gradient(
    Plan plan, Samples samples, Workspace workspace, int thread,
    Share panels, Py_ssize_t m, real keep, real* out,
) noexcept nogil:
    """out <- keep * out + X^T delta_0, of these panels, for m rows that remain sparse."""
    cdef:
        Layer* layer = &plan.layers[0]
        real* work = <real*> workspace.reals
        real* packed = work + plan.packed + thread * plan.packed_size
        real* values = <real*> workspace.column_values + thread * workspace.max_entries
        int* rows = workspace.column_rows + thread * workspace.max_entries
        Py_ssize_t* begin
        Py_ssize_t* end
        Py_ssize_t first = min(panels.first * layer.panel_rows, layer.n_in)
        Py_ssize_t last = min(panels.last * layer.panel_rows, layer.n_in)
    if first == last:
        return
    transpose_entries(
        <const real*> samples.values, samples.indices, workspace.row_begin, workspace.row_end,
        m, first, last, values, rows, workspace.column_begin, workspace.column_end,
    )
    begin, end = workspace.column_begin + first, workspace.column_end + first
    if not is_worth_packing(begin, end, last - first, m, plan.packed_size):
        packed = NULL
    out += layer.coefs + first * layer.n_out
    spmm(
        last - first, layer.n_out, m, values, rows, begin, end,
        work + layer.delta, keep, out, layer.n_out, out, packed,
    )


cdef inline void panel_gradient(
    Plan plan, Workspace workspace, const real* inputs,
    Py_ssize_t m, const Panel* panel, real keep_coefs, real keep_intercepts, real* out,
) noexcept nogil:
    """out <- keep * out + gradient, of a panel, and with a layer's first of its intercepts.

    d loss / d W_l = A_l^T delta_l, and d loss / d b_l is the sum of delta_l's rows. For
    sparse rows :func:`sparse_gradient` has made that of W_0. ``out`` is all of the
    gradient; or theta, which is no longer read when the deltas are there.
    """
    cdef:
        real* work = <real*> workspace.reals
        Layer* layer = &plan.layers[panel.layer]
        const real* delta = work + layer.delta
        const real* a = inputs
        real* out_coefs = out + layer.coefs + panel.first * layer.n_out
    if panel.layer > 0:
        a = work + plan.layers[panel.layer - 1].dropped
    if a != NULL:
        gemm(
            panel.last - panel.first, layer.n_out, m,
            a + panel.first, 1, layer.n_in, delta, keep_coefs, out_coefs, layer.n_out,
            out_coefs,
        )
    if panel.first == 0:
        column_sums(
            delta, m, layer.n_out, keep_intercepts,
            out + layer.intercepts,
        )
