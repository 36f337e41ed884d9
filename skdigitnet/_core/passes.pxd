# cython: cdivision=True
"""A block of rows through the whole network, forward and backward to the deltas."""

from libc.math cimport NAN
from libc.stdint cimport uint64_t
from libc.string cimport memset

from .arithmetic cimport activate, gemm, multiply_by_derivative
from .blocks cimport Block, Share, gather
from .dropout cimport drop_units
from .layers cimport affine, affine_sparse
from .losses cimport OutputLoss, exponentials, loss_and_derivative
from .plan cimport PACKED_COLUMNS, Layer, Workspace
from .real cimport real
from .rows cimport Targets
from .team cimport wait_for_team


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
