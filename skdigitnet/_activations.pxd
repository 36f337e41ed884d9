"""Hidden-layer activations, in place, and their derivatives.

Each derivative is written in terms of the activation a = f(z), so that the
pre-activation z need not be kept.
"""

from libc.math cimport tanh, tanhf

from ._elementwise cimport sigmoid_array
from ._gemm cimport real

cdef enum Activation:
    IDENTITY
    LOGISTIC
    TANH
    RELU


cdef inline void activate(
    int instruction_set, Activation f, real* z, Py_ssize_t size
) noexcept nogil:
    """z <- f(z)."""
    cdef Py_ssize_t i
    if f == LOGISTIC:
        sigmoid_array(instruction_set, z, size)
    elif f == TANH:
        for i in range(size):
            z[i] = tanhf(z[i]) if real is float else tanh(z[i])
    elif f == RELU:
        for i in range(size):
            # a NaN stays a NaN, so that divergence is seen
            z[i] = 0 if z[i] < 0 else z[i]


cdef inline void multiply_by_derivative(
    Activation f, const real* a, real* delta, Py_ssize_t size
) noexcept nogil:
    """delta <- delta * f'(z), given a = f(z)."""
    cdef Py_ssize_t i
    if f == LOGISTIC:
        for i in range(size):
            delta[i] *= a[i] * (1 - a[i])
    elif f == TANH:
        for i in range(size):
            delta[i] *= 1 - a[i] * a[i]
    elif f == RELU:
        for i in range(size):
            delta[i] = 0 if a[i] == 0 else delta[i]
