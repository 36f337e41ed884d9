# cython: cdivision=True
"""The gradient of a panel of weights, from the deltas that a pass has left."""

from .arithmetic cimport gemm, spmm
from .blocks cimport Block, Share
from .layers cimport column_sums, transpose_entries
from .passes cimport is_worth_packing
from .plan cimport Layer, Panel, Workspace
from .real cimport real


cdef inline Py_ssize_t end_of_span(
    Workspace workspace, const Block* block, Py_ssize_t first, Py_ssize_t last
) noexcept nogil:
    """Of these panels, the first that is not among those whose gradient is computed at once.

    That is one panel's, while it is in the nearest cache. Rows that remain sparse give
    several panels', for which spmm copies the deltas once.
    """
    if block.inputs != NULL or first >= workspace.plan.n_sparse_panels:
        return first + 1
    return min(first + workspace.plan.span_panels, workspace.plan.n_sparse_panels, last)


cdef inline void gather_columns(
    Workspace workspace, const Block* block, Share panels, const real* values
) noexcept nogil:
    """Find the entries in these panels' columns of rows that remain sparse."""
    cdef:
        Layer* layer = &workspace.plan.layers[0]
        Py_ssize_t entries = block.thread * workspace.max_entries
        Py_ssize_t first = min(panels.first * layer.panel_rows, layer.n_in)
        Py_ssize_t last = min(panels.last * layer.panel_rows, layer.n_in)
    if block.inputs == NULL and first < last:
        transpose_entries(
            values, workspace.inputs.indices,
            workspace.row_begin, workspace.row_end, block.m, first, last,
            <real*> workspace.column_values + entries, workspace.column_rows + entries,
            workspace.column_begin, workspace.column_end,
        )


cdef inline void sparse_product(
    Workspace workspace, const Block* block, const Panel* panel, real keep, real* out
) noexcept nogil:
    """out <- keep * out + X^T delta_0, of a panel of gathered columns."""
    cdef:
        Layer* layer = &workspace.plan.layers[0]
        Py_ssize_t n_rows = panel.last - panel.first, packed_size = workspace.plan.packed_size
        Py_ssize_t entries = block.thread * workspace.max_entries
        const Py_ssize_t* begin = workspace.column_begin + panel.first
        const Py_ssize_t* end = workspace.column_end + panel.first
        real* work = <real*> workspace.reals
        real* packed = work + workspace.plan.packed + block.thread * packed_size
    if not is_worth_packing(begin, end, n_rows, block.m, packed_size):
        packed = NULL
    spmm(
        n_rows, layer.n_out, block.m,
        <const real*> workspace.column_values + entries, workspace.column_rows + entries,
        begin, end, work + layer.delta, keep, out, layer.n_out, out, packed,
    )


cdef inline void panel_gradient(
    Workspace workspace, const Block* block, const Panel* panel,
    real keep, real* out, real keep_intercepts, real* out_intercepts,
) noexcept nogil:
    """out <- keep * out + gradient, of a panel, and with a layer's first of its intercepts.

    d loss / d W_l = A_l^T delta_l, and d loss / d b_l is the sum of delta_l's rows.
    ``out`` may be theta's, which is no longer read when the deltas are there.
    """
    cdef:
        real* work = <real*> workspace.reals
        Layer* layer = &workspace.plan.layers[panel.layer]
        const real* delta = work + layer.delta
        const real* a = <const real*> block.inputs
    if panel.layer > 0:
        a = work + workspace.plan.layers[panel.layer - 1].dropped
    if a == NULL:
        sparse_product(workspace, block, panel, keep, out)
    else:
        gemm(
            panel.last - panel.first, layer.n_out, block.m,
            a + panel.first, 1, layer.n_in, delta, keep, out, layer.n_out, out,
        )
    if panel.first == 0:
        column_sums(delta, block.m, layer.n_out, keep_intercepts, out_intercepts)
