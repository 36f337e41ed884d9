# cython: cdivision=True
"""A block of rows: what of it is a thread's, and its inputs and targets in the workspace.

The threads of a team divide a block's rows among them, and then every layer's weights; each
number is computed by one thread, in the same order whatever the team's size.
"""

from libc.stdint cimport uint64_t
from libc.string cimport memcpy, memset

from .layers cimport make_dense
from .plan cimport Layer, Panel, Workspace, max_expanded_rows, panel_of
from .real cimport real
from .rows cimport Inputs, Targets

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
