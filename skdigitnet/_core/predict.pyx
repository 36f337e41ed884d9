# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
# cython: initializedcheck=False, freethreading_compatible=True
"""Prediction: rows through a network whose weights are lists of arrays, without the GIL."""

from .arithmetic cimport Activation, activate
from .layers cimport affine
from .losses cimport SOFTMAX_LOG_LOSS, divide_by_sum, exponentials
from .real cimport real

import numpy as np

from skdigitnet._core.plan import ACTIVATIONS

# One layer's weights, of the type of its inputs.
cdef struct Affine:
    const void* W
    const void* b
    Py_ssize_t n_in
    Py_ssize_t n_out


cdef bint all_finite(const real* z, Py_ssize_t size) noexcept nogil:
    """Whether every element is finite; z - z is NaN where one is not."""
    cdef Py_ssize_t i
    cdef bint finite = True
    for i in range(size):
        finite &= z[i] - z[i] == 0
    return finite


cdef bint block_outputs(
    const Affine* layers, Py_ssize_t n_layers, Activation activation,
    const real* a, Py_ssize_t m, real* hidden, Py_ssize_t hidden_size, real* z,
) noexcept nogil:
    """z of the last layer; return whether it and the first layer's are all finite.

    ``hidden`` has room for ``hidden_size`` outputs twice, of one layer and the next.
    """
    cdef:
        Py_ssize_t l, size
        bint finite = True, is_last
        real* out
    for l in range(n_layers):
        is_last, size = l == n_layers - 1, m * layers[l].n_out
        out = z if is_last else hidden + l % 2 * hidden_size
        affine(
            a, <const real*> layers[l].W, <const real*> layers[l].b,
            m, layers[l].n_in, layers[l].n_out, out,
        )
        if l == 0 or is_last:
            finite &= all_finite(out, size)
        if not is_last:
            activate(activation, out, size)
        a = out
    return finite


def network_outputs(
    const real[:, ::1] X, list coefs, list intercepts, str activation, Py_ssize_t block_size
):
    """z of the output layer, computed block by block in one call without the GIL.

    Returns
    -------
    z : ndarray of shape (n_rows, n_outputs)
    is_finite : bool
        Whether every z of the first and of the last layer is finite. A non-finite x makes
        every z of its row in the first layer non-finite.
    """
    cdef:
        Activation f = ACTIVATIONS[activation]
        Py_ssize_t n_layers = len(coefs), n_rows = X.shape[0], n_in = X.shape[1]
        Py_ssize_t i = 0, l, m, hidden_size = 1
        bytearray memory = bytearray(n_layers * sizeof(Affine))
        Affine* layers = <Affine*> <char*> memory
        const real[:, ::1] W
        const real[::1] b
        real[::1] hidden
        real[:, ::1] z
        bint is_finite = True
    block_size = min(block_size, n_rows)
    for l in range(n_layers):
        W, b = coefs[l], intercepts[l]
        if W.shape[0] != n_in or b.shape[0] != W.shape[1]:
            raise ValueError(
                f"layer {l} has {n_in} inputs, weights of shape ({W.shape[0]}, {W.shape[1]})"
                f" and {b.shape[0]} intercepts, which do not fit"
            )
        layers[l] = Affine(&W[0, 0], &b[0], n_in, W.shape[1])
        n_in = W.shape[1]
        if l < n_layers - 1:
            hidden_size = max(hidden_size, block_size * n_in)
    dtype = np.float32 if real is float else np.float64
    hidden, z = np.empty(2 * hidden_size, dtype), np.empty((n_rows, n_in), dtype)
    with nogil:
        while i < n_rows:
            m = min(block_size, n_rows - i)
            is_finite &= block_outputs(
                layers, n_layers, f, &X[i, 0], m, &hidden[0], hidden_size, &z[i, 0]
            )
            i += m
    return z.base, is_finite


def apply_activation(str activation, real[:, ::1] z):
    """z <- f(z)."""
    cdef Activation f = ACTIVATIONS[activation]
    with nogil:
        activate(f, &z[0, 0], z.shape[0] * z.shape[1])


def softmax(const real[:, ::1] z, real low, real high):
    """softmax(z) row by row, every element moved to between ``low`` and ``high``."""
    cdef:
        Py_ssize_t i, m = z.shape[0], n = z.shape[1]
        real[:, ::1] p = np.empty((m, n), np.float32 if real is float else np.float64)
        real* element
    with nogil:
        exponentials(SOFTMAX_LOG_LOSS, &z[0, 0], m, n, &p[0, 0])
        for i in range(m):
            divide_by_sum(&p[i, 0], n)
        element = &p[0, 0]
        for i in range(m * n):
            element[i] = low if element[i] < low else high if element[i] > high else element[i]
    return p.base
