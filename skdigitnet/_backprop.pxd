"""The plan of one forward and backward pass."""

from ._activations cimport Activation
from ._losses cimport OutputLoss

cdef struct Layer:
    Py_ssize_t n_in
    Py_ssize_t n_out
    Py_ssize_t coefs       # where W_l starts in theta
    Py_ssize_t intercepts  # where b_l starts in theta
    Py_ssize_t outputs     # where A_{l+1} starts in the workspace


cdef class Backprop:
    cdef:
        Layer* layers
        Activation activation
        OutputLoss output_loss
        # where they start in the workspace
        Py_ssize_t inputs, targets, weights, delta, delta_below, transposed
        readonly Py_ssize_t n_layers, n_coefs, n_params, block_size, workspace_size

    cdef _lay_out_workspace(self, Py_ssize_t block_size, Py_ssize_t n_gathered)
