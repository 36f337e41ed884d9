# cython: language_level=3, freethreading_compatible=True
"""The plan of one forward and backward pass, and the memory that it works in."""

from libc.stdint cimport INT32_MAX, uintptr_t
from libc.stdlib cimport calloc, free

from itertools import pairwise

import numpy as np

from .arithmetic cimport IDENTITY, LOGISTIC, RELU, TANH
from .losses cimport (
    IDENTITY_SQUARED_ERROR, LOGISTIC_LOG_LOSS, LOGISTIC_SQUARED_ERROR,
    SOFTMAX_LOG_LOSS, SOFTMAX_SQUARED_ERROR,
)
from .team cimport abandon, start_team

# Of hidden layers; and the losses, by loss and activation of the outputs.
ACTIVATIONS = {"identity": IDENTITY, "logistic": LOGISTIC, "tanh": TANH, "relu": RELU}

OUTPUT_LOSSES = {
    ("log_loss", "softmax"): SOFTMAX_LOG_LOSS,
    ("log_loss", "logistic"): LOGISTIC_LOG_LOSS,
    ("squared_error", "softmax"): SOFTMAX_SQUARED_ERROR,
    ("squared_error", "logistic"): LOGISTIC_SQUARED_ERROR,
    ("squared_error", "identity"): IDENTITY_SQUARED_ERROR,
}

# A panel is small enough to stay in the nearest cache while it is updated, and has enough
# rows for the product that gives its gradient.
cdef enum:
    PANEL_SIZE = 4096
    MIN_PANEL_ROWS = 32
    SPAN_SIZE = 1 << 19  # weights whose gradient sparse rows give at once
    CACHE_LINE = 64
    MAX_PACKED_ROWS = 4096


def _whole_lines(size):
    """So many elements, or a few more that fill whole cache lines; 8 doubles fill one."""
    return -(-size // (CACHE_LINE // 4)) * (CACHE_LINE // 4)


cdef class Plan:
    """The plan of one forward and backward pass: what lies where in memory.

    theta holds every W_l, then every b_l. Each W_l is divided into panels of rows, the
    units that threads divide among them. A :class:`Workspace` holds all that a
    pass over one block of at most ``block_size`` rows writes. ``dropout`` has the share
    of units that each hidden layer drops in training, and is empty if none does.

    Raises
    ------
    OverflowError
        If a size or an offset does not fit Py_ssize_t.
    """

    def __cinit__(
        self, layer_sizes, str activation, str loss, str out_activation,
        block_size, bint sparse, dropout=(),
    ):
        self.activation = ACTIVATIONS[activation]
        self.output_loss = OUTPUT_LOSSES[loss, out_activation]
        self.is_sparse = sparse
        self.n_layers = len(layer_sizes) - 1
        self.layers = <Layer*> calloc(self.n_layers, sizeof(Layer))
        if self.layers == NULL:
            raise MemoryError
        for l, share in enumerate(dropout):
            self.layers[l].dropout = share
        if block_size > INT32_MAX:  # a row's place in its block is an int in some lists
            raise OverflowError(f"blocks of {block_size} rows; at most {INT32_MAX} can be used")
        self.block_size = block_size
        try:
            self._divide_theta(layer_sizes)
            self._divide_workspace()
        except OverflowError as error:
            raise OverflowError(
                f"layers of {layer_sizes} units, in blocks of {block_size} rows, need more"
                " memory than can be addressed"
            ) from error

    # In what follows, Python's integers do not wrap: as objects they are multiplied and
    # added, and an OverflowError is raised where one does not fit Py_ssize_t.

    cdef _divide_theta(self, layer_sizes):
        """Give every W_l and b_l its place in theta, and every panel and unit its number."""
        cdef object n_in, n_out
        cdef Layer* layer
        for l, (n_in, n_out) in enumerate(pairwise(layer_sizes)):
            layer = &self.layers[l]
            layer.n_in, layer.n_out = n_in, n_out
            layer.coefs = self.n_coefs
            self.n_coefs += n_in * n_out
            layer.panel_rows = max(PANEL_SIZE // n_out, MIN_PANEL_ROWS)
            layer.first_panel = self.n_panels
            self.n_panels += -(-n_in // layer.panel_rows)
            n_rows = layer.panel_rows
            if self.is_sparse and l == 0:
                self.n_sparse_panels = self.n_panels
                self.span_panels = max(SPAN_SIZE // (n_rows * n_out), 1)
                n_rows *= self.span_panels
            n_coefs = _whole_lines(min(n_rows, n_in) * n_out)
            self.max_span_coefs = max(self.max_span_coefs, n_coefs)
        self.span_size = self.max_span_coefs + _whole_lines(max(layer_sizes[1:]))
        self.n_params = self.n_coefs
        for l, n_out in enumerate(layer_sizes[1:]):
            self.layers[l].intercepts = self.n_params
            self.n_params += n_out
        for l, n_out in enumerate(layer_sizes[1:-1]):
            self.layers[l].first_unit = self.n_hidden_units
            self.n_hidden_units += n_out

    cdef _divide_workspace(self):
        """Give every part of the workspace its place."""
        cdef object n_in, n_out, m = self.block_size, n_inputs = m
        cdef Layer* layer
        self.gaps = []
        for l in range(self.n_layers):
            layer = &self.layers[l]
            n_in, n_out = layer.n_in, layer.n_out
            layer.outputs = self._reserve(m * n_out)
            layer.dropped = layer.outputs
            if layer.dropout > 0:
                layer.dropped = self._reserve(m * n_out)
            layer.delta = self._reserve(m * n_out)
            layer.transposed = self._reserve(n_in * n_out if l > 0 else 0)
        layer = &self.layers[0]
        if self.is_sparse:
            n_inputs = min(m, max_expanded_rows(layer.n_in, layer.n_out))
            self.packed_size = PACKED_COLUMNS * max(
                m, layer.n_in if layer.n_in <= MAX_PACKED_ROWS else 0
            )
        self.inputs = self._reserve(n_inputs * layer.n_in)
        self.targets = self._reserve(m * self.layers[self.n_layers - 1].n_out)
        self.weights = self._reserve(m)
        self.packed = self.n_reals

    def _reserve(self, size):
        """Where the next ``size`` elements start, on a cache line."""
        cdef object start = self.n_reals, end = start + size
        self.n_reals = _whole_lines(end) + RED_ZONE
        if RED_ZONE:
            self.gaps.append((end, self.n_reals))
        return start

    def __dealloc__(self):
        free(self.layers)


cdef class Workspace:
    """The memory that a pass over one block writes to, and the team of threads that runs it.

    Parameters
    ----------
    plan : Plan
    inputs : Inputs
    n_threads : int
        Threads of the team. Each calls the kernel with its own number, from 0.

    Attributes
    ----------
    real_array : ndarray
        The part of the memory that has the inputs' dtype.
    """

    def __cinit__(self, Plan plan not None, Inputs inputs not None, int n_threads=1):
        cdef object entries, n_packed, n_span
        if inputs.n_features != plan.layers[0].n_in:
            raise ValueError(
                f"the inputs have {inputs.n_features} features, not {plan.layers[0].n_in}"
            )
        if inputs.is_sparse != plan.is_sparse:
            raise ValueError("the plan is for sparse X and the inputs are dense, or vice versa")
        if n_threads < 1:
            raise ValueError(f"n_threads={n_threads}")
        start_team(&self.team, n_threads)
        self.n_threads = n_threads
        self.plan, self.inputs = plan, inputs
        self.arrays = []
        n_packed, n_span = plan.packed_size, plan.span_size
        self.real_array = self._array(plan.n_reals + n_threads * n_packed, inputs.dtype)
        for first, last in plan.gaps:
            self._forbid(self.real_array, first, last)
        self.reals = self._pointer(self.real_array)
        self.losses = <double*> self._new(plan.block_size, np.float64)
        self.penalties = <double*> self._new(plan.n_panels, np.float64)
        self.gradients = self._new(n_threads * n_span, inputs.dtype)
        if inputs.is_sparse:
            self.max_entries = entries = inputs.largest_block(plan.block_size)
            self.row_begin = <Py_ssize_t*> self._new(plan.block_size, np.intp)
            self.row_end = <Py_ssize_t*> self._new(plan.block_size, np.intp)
            self.column_begin = <Py_ssize_t*> self._new(inputs.n_features, np.intp)
            self.column_end = <Py_ssize_t*> self._new(inputs.n_features, np.intp)
            self.column_rows = <int*> self._new(n_threads * entries, np.int32)
            self.column_values = self._new(n_threads * entries, inputs.dtype)

    def _array(self, size, dtype):
        """A new array whose first element is on a cache line."""
        dtype = np.dtype(dtype)
        n_bytes = size * dtype.itemsize
        raw = np.empty(n_bytes + CACHE_LINE + RED_ZONE, dtype=np.uint8)
        start = -raw.ctypes.data % CACHE_LINE
        if RED_ZONE:
            self._forbid(raw, 0, start)
            self._forbid(raw, start + n_bytes, len(raw))
        array = raw[start : start + n_bytes].view(dtype)
        self.arrays.append(array)
        return array

    cdef _forbid(self, array, first, last):
        """Have AddressSanitizer report any access to these elements."""
        part = array[first:last]
        forbid(self._pointer(part), part.nbytes)

    cdef void* _pointer(self, array):
        return <void*> <uintptr_t> array.ctypes.data

    cdef void* _new(self, size, dtype):
        return self._pointer(self._array(size, dtype))

    cdef check(
        self, Targets targets, Py_ssize_t itemsize, Py_ssize_t theta, Py_ssize_t gradient
    ):
        """Raise ValueError if a kernel's arrays do not fit: the kernels do not check."""
        cdef Py_ssize_t n_params = self.plan.n_params
        if self.inputs.itemsize != itemsize:
            raise ValueError(f"theta is not of the inputs' {self.inputs.dtype}")
        if self.inputs.n_rows != targets.n_rows:
            raise ValueError(
                f"there are {self.inputs.n_rows} rows and targets of {targets.n_rows}"
            )
        if (theta, gradient) != (n_params, n_params):
            raise ValueError(
                f"theta and gradient have {theta} and {gradient} elements, not {n_params}"
            )

    cdef check_thread(self, int thread):
        if not 0 <= thread < self.n_threads:
            raise ValueError(f"thread {thread} of {self.n_threads}")

    def abandon(self):
        """Make every thread that waits for the others, now or later, give up."""
        abandon(&self.team)
