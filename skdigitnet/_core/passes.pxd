# cython: cdivision=True
"""A block of rows through the whole network, forward and backward.

The threads of a team divide a block's rows among them, and then every layer's weights; each
number is computed by one thread, in the same order whatever the team's size.
"""

from libc.math cimport NAN
from libc.stdint cimport uint64_t
from libc.string cimport memcpy, memset

from .arithmetic cimport activate, gemm, multiply_by_derivative, spmm
from .dropout cimport drop_units
from .layers cimport affine, affine_sparse, column_sums, make_dense, transpose_entries
from .losses cimport OutputLoss, exponentials, loss_and_derivative
from .plan cimport PACKED_COLUMNS, Layer, Panel, Workspace, max_expanded_rows, panel_of
from .real cimport real
from .rows cimport Inputs, Targets
from .team cimport wait_for_team

cdef extern from "c/prefetch.h" nogil:
    void prefetch(const void* start, Py_ssize_t size)

cdef enum:
    SHARED_ROWS = 8  # rows of a block are divided in units of this many, a tile of the products

cdef struct Share:
    Py_ssize_t first
    Py_ssize_t last


# A block as one thread of the team sees it.
cdef struct Block:
    const Py_ssize_t* rows
    Py_ssize_t m
    const void* inputs            # of the rows, one after the other; NULL if they stay sparse
    Share share                   # which of them are this thread's
    int thread
    const Py_ssize_t* next_rows   # that are worth prefetching
    const Py_ssize_t* end_of_next
    double weight_scale           # each row counts weight_scale * sample_weight
    Py_ssize_t position           # of the first row in its epoch
    uint64_t dropout_key


cdef inline Share share_of(
    Py_ssize_t size, Py_ssize_t unit, int thread, int n_threads
) noexcept nogil:
    """This thread's part of range(size), in whole units."""
    cdef Py_ssize_t n_units = (size + unit - 1) // unit
    return Share(
        min(size, n_units * thread // n_threads * unit),
        min(size, n_units * (thread + 1) // n_threads * unit),
    )


cdef inline Share share_of_panels(Workspace workspace, int thread) noexcept nogil:
    """This thread's panels: those that begin in its part of the weights."""
    cdef:
        Py_ssize_t i, start, n_coefs = workspace.plan.n_coefs
        Share share = Share(0, 0)
        Panel panel
        Layer* layer
    for i in range(workspace.plan.n_panels):
        panel = panel_of(workspace.plan, i)
        layer = &workspace.plan.layers[panel.layer]
        start = layer.coefs + panel.first * layer.n_out
        share.first += start * workspace.n_threads < n_coefs * thread
        share.last += start * workspace.n_threads < n_coefs * (thread + 1)
    return share


# Rows and targets

cdef inline bint is_consecutive(Targets targets, const Block* block) noexcept nogil:
    """Whether the rows are consecutive, and none has zero weight."""
    cdef Py_ssize_t i
    for i in range(block.m):
        if block.rows[i] != block.rows[0] + i or targets.weight[block.rows[i]] == 0:
            return False
    return True


cdef inline const real* dense_inputs(
    Workspace workspace, Targets targets, const Block* block, real* work
) noexcept nogil:
    """Where the block's rows are or will be gathered, or NULL if they remain sparse."""
    cdef Layer* layer = &workspace.plan.layers[0]
    if workspace.inputs.is_sparse:
        if block.m > max_expanded_rows(layer.n_in, layer.n_out):
            return NULL
    elif is_consecutive(targets, block):
        return <const real*> workspace.inputs.values + block.rows[0] * layer.n_in
    return work + workspace.plan.inputs


cdef inline void gather_targets(
    Workspace workspace, Targets targets, const Block* block, real* work
) noexcept nogil:
    """Leave weights and targets of this thread's rows in the workspace."""
    cdef:
        Py_ssize_t i, K = workspace.plan.layers[workspace.plan.n_layers - 1].n_out
        Share share = block.share
        real* w = work + workspace.plan.weights
        real* t = work + workspace.plan.targets
    for i in range(share.first, share.last):
        w[i] = <real> (targets.weight[block.rows[i]] * block.weight_scale)
    if targets.labels != NULL:
        memset(t + share.first * K, 0, (share.last - share.first) * K * sizeof(real))
        for i in range(share.first, share.last):
            t[i * K + targets.labels[block.rows[i]]] = 1
    else:
        for i in range(share.first * K, share.last * K):
            t[i] = targets.indicator[block.rows[i // K] * K + i % K]


cdef inline void gather_dense(
    Inputs inputs, Targets targets, const Block* block, real* out
) noexcept nogil:
    """Copy this thread's rows of the block.

    A row of zero weight is taken as zeros, so that it cannot overflow and spoil the
    others' sums.
    """
    cdef:
        Py_ssize_t i, row, n = inputs.n_features
        const real* X = <const real*> inputs.values
    for i in range(block.share.first, block.share.last):
        row = block.rows[i]
        if block.next_rows + i < block.end_of_next:
            prefetch(X + block.next_rows[i] * n, n * sizeof(real))
        if targets.weight[row] == 0:
            memset(out + i * n, 0, n * sizeof(real))
        else:
            memcpy(out + i * n, X + row * n, n * sizeof(real))


cdef inline void gather_sparse(
    Workspace workspace, Targets targets, const Block* block, real* out
) noexcept nogil:
    """Find the entries of this thread's rows, and make them dense where ``out`` is not NULL.

    A row of zero weight is taken as zeros.
    """
    cdef:
        Py_ssize_t i, row, begin, end, n = workspace.inputs.n_features
        const Py_ssize_t* indptr = workspace.inputs.indptr
    for i in range(block.share.first, block.share.last):
        row = block.rows[i]
        begin, end = indptr[row], indptr[row + (targets.weight[row] != 0)]
        workspace.row_begin[i], workspace.row_end[i] = begin, end
        if out != NULL:
            make_dense(
                <const real*> workspace.inputs.values + begin, workspace.inputs.indices + begin,
                end - begin, n, out + i * n,
            )


cdef inline void prefetch_sparse(Inputs inputs, const Block* block) noexcept nogil:
    """Prefetch the entries of the next block's rows while this one is computed."""
    cdef:
        Py_ssize_t i, row, begin, size
        const char* values = <const char*> inputs.values
    for i in range(block.share.first, block.share.last):
        if block.next_rows + i >= block.end_of_next:
            break
        row = block.next_rows[i]
        begin, size = inputs.indptr[row], inputs.indptr[row + 1] - inputs.indptr[row]
        prefetch(inputs.indices + begin, size * sizeof(int))
        prefetch(values + begin * inputs.itemsize, size * inputs.itemsize)


cdef inline void gather(
    Workspace workspace, Targets targets, const Block* block, real* work
) noexcept nogil:
    """Put this thread's rows and their targets where the passes read them."""
    gather_targets(workspace, targets, block, work)
    if workspace.inputs.is_sparse:
        prefetch_sparse(workspace.inputs, block)
        gather_sparse(workspace, targets, block, <real*> block.inputs)
    elif block.inputs == work + workspace.plan.inputs:
        gather_dense(workspace.inputs, targets, block, <real*> block.inputs)


# Forward and backward

cdef inline bint is_worth_packing(
    const Py_ssize_t* begin, const Py_ssize_t* end, Py_ssize_t m, Py_ssize_t k,
    Py_ssize_t packed_size,
) noexcept nogil:
    """Whether m sparse rows have enough entries for spmm to copy a (k, n) matrix."""
    cdef Py_ssize_t i, entries = 0
    for i in range(m):
        entries += end[i] - begin[i]
    return 4 * k <= entries and k * PACKED_COLUMNS <= packed_size


cdef inline void drop_units_of(
    Workspace workspace, const Layer* layer, const Block* block, const real* a, real* out
) noexcept nogil:
    """out = a with the layer's dropout, for this thread's rows; key 0 drops none."""
    cdef uint64_t n_units = workspace.plan.n_hidden_units
    drop_units(
        block.dropout_key,
        <uint64_t> (block.position + block.share.first) * n_units + layer.first_unit,
        n_units, block.share.last - block.share.first, layer.n_out,
        layer.dropout if block.dropout_key != 0 else 0, a, out,
    )


cdef inline void forward(
    Workspace workspace, const Block* block, const real* theta, real* work
) noexcept nogil:
    """Leave A_1, A_2, ... and the last layer's Z of this thread's rows in the workspace."""
    cdef:
        Py_ssize_t l, first = block.share.first, m = block.share.last - first
        Py_ssize_t n_layers = workspace.plan.n_layers
        Py_ssize_t packed_size = workspace.plan.packed_size
        Layer* layer = workspace.plan.layers
        real* z
        real* packed = work + workspace.plan.packed + block.thread * packed_size
        const real* a = NULL
    if block.inputs != NULL:
        a = <const real*> block.inputs + first * layer.n_in
    for l in range(n_layers):
        layer = &workspace.plan.layers[l]
        z = work + layer.outputs + first * layer.n_out
        if l == 0 and workspace.inputs.is_sparse:
            if not is_worth_packing(
                workspace.row_begin + first, workspace.row_end + first, m,
                layer.n_in, packed_size,
            ):
                packed = NULL
            affine_sparse(
                <const real*> workspace.inputs.values, workspace.inputs.indices,
                workspace.row_begin + first, workspace.row_end + first,
                theta + layer.coefs, theta + layer.intercepts,
                m, layer.n_in, layer.n_out, z, packed,
            )
        else:
            affine(
                a, theta + layer.coefs, theta + layer.intercepts,
                m, layer.n_in, layer.n_out, z,
            )
        if l < n_layers - 1:
            activate(workspace.plan.activation, z, m * layer.n_out)
        a = z
        if layer.dropout > 0:
            z = work + layer.dropped + first * layer.n_out
            drop_units_of(workspace, layer, block, a, z)
            a = z


cdef inline void output_delta(
    Workspace workspace, Share share, real step, real* work
) noexcept nogil:
    """``step`` times the output layer's delta, and the weighted loss, of these rows."""
    cdef:
        Layer* layer = &workspace.plan.layers[workspace.plan.n_layers - 1]
        OutputLoss loss = workspace.plan.output_loss
        Py_ssize_t i, k, K = layer.n_out
        real* delta = work + layer.delta
        const real* z = work + layer.outputs
        const real* t = work + workspace.plan.targets
        real w
    exponentials(
        loss, z + share.first * K, share.last - share.first, K, delta + share.first * K
    )
    for i in range(share.first, share.last):
        w = work[workspace.plan.weights + i]
        # a row of zero weight must not count, even when its loss is infinite
        if w == 0:
            workspace.losses[i] = 0
            memset(delta + i * K, 0, K * sizeof(real))
            continue
        workspace.losses[i] = w * loss_and_derivative(
            loss, z + i * K, t + i * K, K, delta + i * K
        )
        for k in range(K):
            delta[i * K + k] *= w * step


cdef inline void hidden_deltas(
    Workspace workspace, const Block* block, real* work
) noexcept nogil:
    """delta_{l-1} = (delta_l W_l^T) * f'(Z_{l-1}), for this thread's rows and every layer.

    Dropout multiplies delta_{l-1} by the factors of A_l.
    """
    cdef:
        Py_ssize_t l, first = block.share.first, m = block.share.last - first
        Layer* layer
        Layer* lower
        real* below
    for l in range(workspace.plan.n_layers - 1, 0, -1):
        layer, lower = &workspace.plan.layers[l], &workspace.plan.layers[l - 1]
        below = work + lower.delta + first * layer.n_in
        gemm(
            m, layer.n_in, layer.n_out,
            work + layer.delta + first * layer.n_out, layer.n_out, 1,
            work + layer.transposed, <real> 0, below, layer.n_in, below,
        )
        multiply_by_derivative(
            workspace.plan.activation, work + lower.outputs + first * layer.n_in, below,
            m * layer.n_in,
        )
        if lower.dropout > 0:
            drop_units_of(workspace, lower, block, below, below)


cdef inline double total_loss(Workspace workspace, Py_ssize_t m) noexcept nogil:
    """The loss of a block of m rows, once every thread has computed its part.

    NaN if the team was abandoned.
    """
    cdef:
        Py_ssize_t i
        double loss = 0
    if not wait_for_team(&workspace.team):
        return NAN
    for i in range(m):
        loss += workspace.losses[i]
    return loss


cdef inline double forward_to_loss(
    Workspace workspace, Targets targets, const Block* block, const real* theta
) noexcept nogil:
    """The loss of a block; NaN if the team was abandoned."""
    cdef real* work = <real*> workspace.reals
    gather(workspace, targets, block, work)
    forward(workspace, block, theta, work)
    output_delta(workspace, block.share, <real> 1, work)
    return total_loss(workspace, block.m)


cdef inline double backward_to_deltas(
    Workspace workspace, Targets targets, const Block* block, const real* theta, double step
) noexcept nogil:
    """Leave ``step`` times every delta of a block in the workspace; return its loss.

    NaN if the team was abandoned.
    """
    cdef real* work = <real*> workspace.reals
    gather(workspace, targets, block, work)
    forward(workspace, block, theta, work)
    output_delta(workspace, block.share, <real> step, work)
    hidden_deltas(workspace, block, work)
    return total_loss(workspace, block.m)


# Gradients

cdef inline void sparse_gradient(
    Workspace workspace, const Block* block, Share panels, real keep, real* out
) noexcept nogil:
    """out <- keep * out + X^T delta_0, of these panels, for rows that remain sparse."""
    cdef:
        Layer* layer = &workspace.plan.layers[0]
        Py_ssize_t packed_size = workspace.plan.packed_size
        real* work = <real*> workspace.reals
        real* packed = work + workspace.plan.packed + block.thread * packed_size
        Py_ssize_t entries = block.thread * workspace.max_entries
        real* values = <real*> workspace.column_values + entries
        int* rows = workspace.column_rows + entries
        Py_ssize_t* begin
        Py_ssize_t* end
        Py_ssize_t first = min(panels.first * layer.panel_rows, layer.n_in)
        Py_ssize_t last = min(panels.last * layer.panel_rows, layer.n_in)
    if first == last:
        return
    transpose_entries(
        <const real*> workspace.inputs.values, workspace.inputs.indices,
        workspace.row_begin, workspace.row_end, block.m, first, last,
        values, rows, workspace.column_begin, workspace.column_end,
    )
    begin, end = workspace.column_begin + first, workspace.column_end + first
    if not is_worth_packing(begin, end, last - first, block.m, packed_size):
        packed = NULL
    out += layer.coefs + first * layer.n_out
    spmm(
        last - first, layer.n_out, block.m, values, rows, begin, end,
        work + layer.delta, keep, out, layer.n_out, out, packed,
    )


cdef inline void panel_gradient(
    Workspace workspace, const Block* block, const Panel* panel,
    real keep_coefs, real keep_intercepts, real* out,
) noexcept nogil:
    """out <- keep * out + gradient, of a panel, and with a layer's first of its intercepts.

    d loss / d W_l = A_l^T delta_l, and d loss / d b_l is the sum of delta_l's rows. For
    sparse rows :func:`sparse_gradient` has made that of W_0. ``out`` is all of the
    gradient; or theta, which is no longer read when the deltas are there.
    """
    cdef:
        real* work = <real*> workspace.reals
        Layer* layer = &workspace.plan.layers[panel.layer]
        const real* delta = work + layer.delta
        const real* a = <const real*> block.inputs
        real* out_coefs = out + layer.coefs + panel.first * layer.n_out
    if panel.layer > 0:
        a = work + workspace.plan.layers[panel.layer - 1].dropped
    if a != NULL:
        gemm(
            panel.last - panel.first, layer.n_out, block.m,
            a + panel.first, 1, layer.n_in, delta, keep_coefs, out_coefs, layer.n_out,
            out_coefs,
        )
    if panel.first == 0:
        column_sums(delta, block.m, layer.n_out, keep_intercepts, out + layer.intercepts)
