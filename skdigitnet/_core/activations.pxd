# cython: cdivision=True
"""Hidden-layer activations, in place, and their derivatives.

Each derivative is written in terms of the activation a = f(z), so that the
pre-activation z need not be kept.
"""

from .real cimport real

cdef extern from "c/elementwise.h" nogil:
    ctypedef enum Activation "Function":
        IDENTITY
        LOGISTIC
        TANH
        RELU

    void map_float(int instruction_set, Activation f, float* z, Py_ssize_t size)
    void map_double(int instruction_set, Activation f, double* z, Py_ssize_t size)
    void multiply_by_derivative_float(
        int instruction_set, Activation f, const float* a, float* delta, Py_ssize_t size)
    void multiply_by_derivative_double(
        int instruction_set, Activation f, const double* a, double* delta, Py_ssize_t size)


cdef inline void activate(
    int instruction_set, Activation f, real* z, Py_ssize_t size
) noexcept nogil:
    """z <- f(z)."""
    if real is float:
        map_float(instruction_set, f, z, size)
    else:
        map_double(instruction_set, f, z, size)


cdef inline void multiply_by_derivative(
    int instruction_set, Activation f, const real* a, real* delta, Py_ssize_t size
) noexcept nogil:
    """delta <- delta * f'(z), given a = f(z)."""
    if real is float:
        multiply_by_derivative_float(instruction_set, f, a, delta, size)
    else:
        multiply_by_derivative_double(instruction_set, f, a, delta, size)
