# cython: language_level=3, freethreading_compatible=True
"""The plan of one forward and backward pass, and the memory that it works in."""

from libc.stdint cimport uintptr_t
from libc.stdlib cimport calloc, free

import numpy as np

from ._activations cimport IDENTITY, LOGISTIC, RELU, TANH
from ._losses cimport (
    IDENTITY_SQUARED_ERROR, LOGISTIC_LOG_LOSS, LOGISTIC_SQUARED_ERROR,
    SOFTMAX_LOG_LOSS, SOFTMAX_SQUARED_ERROR,
)
from ._team cimport abandon, start_team

ACTIVATIONS = {"identity": IDENTITY, "logistic": LOGISTIC, "tanh": TANH, "relu": RELU}

OUTPUT_LOSSES = {
    ("log_loss", "softmax"): SOFTMAX_LOG_LOSS,
    ("log_loss", "logistic"): LOGISTIC_LOG_LOSS,
    ("squared_error", "softmax"): SOFTMAX_SQUARED_ERROR,
    ("squared_error", "logistic"): LOGISTIC_SQUARED_ERROR,
    ("squared_error", "identity"): IDENTITY_SQUARED_ERROR,
}

# A panel has elements few enough to stay in the nearest cache while they are updated, but
# rows enough for the product that gives its gradient.
cdef enum:
    PANEL_SIZE = 4096
    MIN_PANEL_ROWS = 32
    CACHE_LINE = 64
    MAX_PACKED_ROWS = 4096


cdef class Backprop:
    """The plan of one forward and backward pass: what lies where.

    theta holds every W_l, then every b_l. Each W_l is divided into panels of rows, the
    units that threads share out among them. A :class:`Workspace` holds all that a
    pass over one block of at most ``block_size`` rows writes. ``dropout`` has the share
    of units that each hidden layer drops in training; it is empty for none.
    """

    def __cinit__(
        self, layer_sizes, str activation, str loss, str out_activation,
        Py_ssize_t block_size, bint sparse, dropout=(),
    ):
        cdef Py_ssize_t l, n_inputs = block_size
        cdef Layer* layer
        self.activation = ACTIVATIONS[activation]
        self.output_loss = OUTPUT_LOSSES[loss, out_activation]
        self.block_size, self.is_sparse = block_size, sparse
        self.n_layers = len(layer_sizes) - 1
        self.layers = <Layer*> calloc(self.n_layers, sizeof(Layer))
        if self.layers == NULL:
            raise MemoryError
        for l in range(self.n_layers):
            layer = &self.layers[l]
            layer.n_in, layer.n_out = layer_sizes[l], layer_sizes[l + 1]
            layer.coefs = self.n_coefs
            self.n_coefs += layer.n_in * layer.n_out
        self.n_params = self.n_coefs
        for l in range(self.n_layers):
            self.layers[l].intercepts = self.n_params
            self.n_params += self.layers[l].n_out
        for l, share in enumerate(dropout):
            self.layers[l].dropout = share
        for l in range(self.n_layers - 1):
            self.layers[l].first_unit = self.n_hidden_units
            self.n_hidden_units += self.layers[l].n_out
        self._divide_into_panels()
        if sparse:
            layer = &self.layers[0]
            n_inputs = min(block_size, max_expanded_rows(layer.n_in, layer.n_out))
            self.packed_size = PACKED_COLUMNS * max(
                block_size, layer.n_in if layer.n_in <= MAX_PACKED_ROWS else 0
            )
        self._lay_out(n_inputs)

    cdef _divide_into_panels(self):
        cdef Py_ssize_t i, l, rows, first, last
        cdef Layer* layer
        panels = []
        for l in range(self.n_layers):
            layer = &self.layers[l]
            rows = max(PANEL_SIZE // layer.n_out, MIN_PANEL_ROWS)
            panels += [
                (l, first, min(first + rows, layer.n_in))
                for first in range(0, layer.n_in, rows)
            ]
        self.n_panels = len(panels)
        self.panels = <Panel*> calloc(self.n_panels, sizeof(Panel))
        if self.panels == NULL:
            raise MemoryError
        for i, (l, first, last) in enumerate(panels):
            self.panels[i] = Panel(l, first, last)

    cdef _lay_out(self, Py_ssize_t n_inputs):
        """Give every part of the workspace its place; of ``inputs`` there are so many rows."""
        cdef Py_ssize_t l, m = self.block_size
        cdef Layer* layer
        for l in range(self.n_layers):
            layer = &self.layers[l]
            layer.outputs = self._reserve(m * layer.n_out)
            layer.dropped = layer.outputs
            if layer.dropout > 0:
                layer.dropped = self._reserve(m * layer.n_out)
            layer.delta = self._reserve(m * layer.n_out)
            layer.transposed = self._reserve(layer.n_in * layer.n_out if l > 0 else 0)
        self.inputs = self._reserve(n_inputs * self.layers[0].n_in)
        self.targets = self._reserve(m * self.layers[self.n_layers - 1].n_out)
        self.weights = self._reserve(m)
        self.packed = self._reserve(0)

    def _reserve(self, Py_ssize_t size):
        """Where the next ``size`` elements start, on a cache line; 8 doubles fill one."""
        cdef Py_ssize_t start = self.n_reals
        self.n_reals += -(-size // (CACHE_LINE // 4)) * (CACHE_LINE // 4)
        return start

    def __dealloc__(self):
        free(self.layers)
        free(self.panels)


cdef class Workspace:
    """All that a pass over one block writes, and the team of threads that make it.

    Parameters
    ----------
    net : Backprop
    data : Data
    n_threads : int
        Each of which is to call the kernel, with its number from 0.

    Attributes
    ----------
    real_array : ndarray
        What is of the data's dtype.
    """

    def __cinit__(self, Backprop net not None, Data data not None, int n_threads=1):
        cdef Py_ssize_t entries
        if data.n_features != net.layers[0].n_in:
            raise ValueError(
                f"the data have {data.n_features} features, not {net.layers[0].n_in}"
            )
        if data.is_sparse != net.is_sparse:
            raise ValueError("the plan is for sparse X and the data are dense, or vice versa")
        if n_threads < 1:
            raise ValueError(f"n_threads={n_threads}")
        start_team(&self.team, n_threads)
        self.n_threads = n_threads
        self.plan, self.data = net, data
        self.arrays = []
        self.real_array = self._array(net.n_reals + n_threads * net.packed_size, data.dtype)
        self.reals = self._pointer(self.real_array)
        self.losses = <double*> self._new(net.block_size, np.float64)
        self.penalties = <double*> self._new(net.n_panels, np.float64)
        if data.is_sparse:
            self.max_entries = entries = data.largest_block(net.block_size)
            self.row_begin = <Py_ssize_t*> self._new(net.block_size, np.intp)
            self.row_end = <Py_ssize_t*> self._new(net.block_size, np.intp)
            self.column_begin = <Py_ssize_t*> self._new(data.n_features, np.intp)
            self.column_end = <Py_ssize_t*> self._new(data.n_features, np.intp)
            self.column_rows = <int*> self._new(n_threads * entries, np.int32)
            self.column_values = self._new(n_threads * entries, data.dtype)

    def _array(self, size, dtype):
        """A new array whose first element is on a cache line."""
        dtype = np.dtype(dtype)
        raw = np.empty(size * dtype.itemsize + CACHE_LINE, dtype=np.uint8)
        offset = -raw.ctypes.data % CACHE_LINE
        array = raw[offset : offset + size * dtype.itemsize].view(dtype)
        self.arrays.append(array)
        return array

    cdef void* _pointer(self, array):
        return <void*> <uintptr_t> array.ctypes.data

    cdef void* _new(self, size, dtype):
        return self._pointer(self._array(size, dtype))

    def abandon(self):
        """Make every thread that waits for the others, now or later, give up."""
        abandon(&self.team)
