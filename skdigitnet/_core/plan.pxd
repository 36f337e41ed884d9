# cython: cdivision=True
"""The plan of one forward and backward pass, and the memory that it works in."""

from .arithmetic cimport Activation
from .losses cimport OutputLoss
from .rows cimport Inputs, Targets
from .team cimport Team

cdef extern from "c/red_zones.h" nogil:
    enum: RED_ZONE
    void forbid(void* start, Py_ssize_t size)

cdef enum:
    PACKED_COLUMNS = 64  # the most that spmm packs

cdef struct Layer:
    Py_ssize_t n_in
    Py_ssize_t n_out
    Py_ssize_t coefs        # where W_l starts in theta
    Py_ssize_t intercepts   # where b_l starts in theta
    # where they start in the workspace
    Py_ssize_t outputs      # A_{l+1}
    Py_ssize_t delta        # delta_l
    Py_ssize_t transposed   # W_l^T, for l > 0
    Py_ssize_t dropped      # A_{l+1} after dropout; A_{l+1} itself without
    # of the layer's outputs in training
    double dropout          # the share of units that are dropped
    Py_ssize_t first_unit   # the number of its first unit among all hidden ones
    # how W_l is divided
    Py_ssize_t panel_rows
    Py_ssize_t first_panel  # the number of its first panel among all


# Rows of a W_l that one thread computes and updates at a time.
cdef struct Panel:
    Py_ssize_t layer
    Py_ssize_t first
    Py_ssize_t last


cdef class Plan:
    cdef:
        Layer* layers
        Activation activation
        OutputLoss output_loss
        # where they start in the workspace
        Py_ssize_t inputs, targets, weights, packed, packed_size
        # how many panels of the first layer sparse rows have, and of how many the gradient
        # is computed at once; what a gradient computed at once takes, coefs and intercepts
        Py_ssize_t n_sparse_panels, span_panels, max_span_coefs, span_size
        readonly bint is_sparse
        readonly Py_ssize_t n_layers, n_coefs, n_params, n_panels, block_size, n_reals
        Py_ssize_t n_hidden_units
        list gaps  # of the workspace, with RED_ZONE: where each begins and ends

    cdef _divide_theta(self, layer_sizes)
    cdef _divide_workspace(self)


cdef class Workspace:
    cdef:
        readonly Plan plan
        readonly Inputs inputs
        void* reals
        double* losses      # of each row of the block
        double* penalties   # of each panel
        void* gradients     # of each thread, what it computes at once
        # for sparse X, where in its entries each row of the block begins and ends
        Py_ssize_t* row_begin
        Py_ssize_t* row_end
        # and the block by columns: a list of entries for each thread
        Py_ssize_t* column_begin
        Py_ssize_t* column_end
        int* column_rows
        void* column_values
        Py_ssize_t max_entries
        Team team
        readonly int n_threads
        readonly object real_array
        object arrays

    cdef check(
        self, Targets targets, Py_ssize_t itemsize, Py_ssize_t theta, Py_ssize_t gradient
    )
    cdef check_thread(self, int thread)
    cdef _forbid(self, array, first, last)
    cdef void* _pointer(self, array)
    cdef void* _new(self, size, dtype)


cdef inline Panel panel_of(Plan plan, Py_ssize_t i) noexcept nogil:
    """The i-th panel of all."""
    cdef:
        Py_ssize_t l = plan.n_layers - 1, first
        Layer* layer
    while plan.layers[l].first_panel > i:
        l -= 1
    layer = &plan.layers[l]
    first = (i - layer.first_panel) * layer.panel_rows
    return Panel(l, first, min(first + layer.panel_rows, layer.n_in))


cdef inline Panel span_of(Plan plan, Py_ssize_t first, Py_ssize_t end) noexcept nogil:
    """Consecutive panels of one layer as one."""
    cdef Panel panel = panel_of(plan, first)
    return Panel(panel.layer, panel.first, panel_of(plan, end - 1).last)


cdef inline Py_ssize_t panel_start(Plan plan, const Panel* panel) noexcept nogil:
    """Where a panel's weights start in theta."""
    cdef Layer* layer = &plan.layers[panel.layer]
    return layer.coefs + panel.first * layer.n_out


cdef inline Py_ssize_t max_expanded_rows(
    Py_ssize_t n_features, Py_ssize_t n_out
) noexcept nogil:
    """The largest block of sparse rows whose gradient is computed from dense ones.

    Few rows leave so few entries a column that lists of them are not worth making.
    """
    return min(1024 // n_out, 65536 // n_features)
