# cython: cdivision=True
"""The gradient of a panel of weights, from the deltas that a pass has left."""

from .arithmetic cimport gemm, spmm
from .blocks cimport Block, Share
from .layers cimport column_sums, transpose_entries
from .passes cimport is_worth_packing
from .plan cimport Layer, Panel, Workspace
from .real cimport real


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
