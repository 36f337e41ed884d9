# cython: language_level=3
"""The plan of one forward and backward pass: the network's layers, what lies where."""

from libc.stdlib cimport calloc, free

from ._activations cimport IDENTITY, LOGISTIC, RELU, TANH
from ._losses cimport (
    IDENTITY_SQUARED_ERROR, LOGISTIC_LOG_LOSS, LOGISTIC_SQUARED_ERROR,
    SOFTMAX_LOG_LOSS, SOFTMAX_SQUARED_ERROR,
)

ACTIVATIONS = {"identity": IDENTITY, "logistic": LOGISTIC, "tanh": TANH, "relu": RELU}

OUTPUT_LOSSES = {
    ("log_loss", "softmax"): SOFTMAX_LOG_LOSS,
    ("log_loss", "logistic"): LOGISTIC_LOG_LOSS,
    ("squared_error", "softmax"): SOFTMAX_SQUARED_ERROR,
    ("squared_error", "logistic"): LOGISTIC_SQUARED_ERROR,
    ("squared_error", "identity"): IDENTITY_SQUARED_ERROR,
}


cdef class Backprop:
    """The plan of one forward and backward pass: what lies where.

    theta holds every W_l, then every b_l. The workspace, one flat array of
    ``workspace_size`` elements in theta's dtype, holds all that a pass over one
    block of at most ``block_size`` rows writes.
    """

    def __cinit__(
        self, layer_sizes, str activation, str loss, str out_activation,
        Py_ssize_t block_size, bint sparse,
    ):
        cdef Py_ssize_t l
        cdef Layer* layer
        self.activation = ACTIVATIONS[activation]
        self.output_loss = OUTPUT_LOSSES[loss, out_activation]
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
        self._lay_out_workspace(block_size, 0 if sparse else layer_sizes[0])

    cdef _lay_out_workspace(self, Py_ssize_t block_size, Py_ssize_t n_gathered):
        cdef Py_ssize_t l, end = 0, widest = 0, largest = 0
        self.block_size = block_size
        for l in range(self.n_layers):
            self.layers[l].outputs = end
            end += block_size * self.layers[l].n_out
            widest = max(widest, self.layers[l].n_out)
            if l > 0:
                largest = max(largest, self.layers[l].n_in * self.layers[l].n_out)
        self.inputs = end
        self.targets = self.inputs + block_size * n_gathered
        self.weights = self.targets + block_size * self.layers[self.n_layers - 1].n_out
        self.delta = self.weights + block_size
        self.delta_below = self.delta + block_size * widest
        self.transposed = self.delta_below + block_size * widest
        self.workspace_size = self.transposed + largest

    def __dealloc__(self):
        free(self.layers)
