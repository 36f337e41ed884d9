# cython: cdivision=True
"""exp and sum of squares for float and double."""

from .real cimport real

cdef extern from "c/elementwise.h" nogil:
    ctypedef enum Function:
        EXPONENTIAL

    void map_float(int instruction_set, Function f, float* z, Py_ssize_t size)
    void map_double(int instruction_set, Function f, double* z, Py_ssize_t size)
    double squared_norm_float(int instruction_set, const float* x, Py_ssize_t size)
    double squared_norm_double(int instruction_set, const double* x, Py_ssize_t size)


cdef inline void exp_array(int instruction_set, real* x, Py_ssize_t size) noexcept nogil:
    """x <- exp(x) for x <= 0."""
    if real is float:
        map_float(instruction_set, EXPONENTIAL, x, size)
    else:
        map_double(instruction_set, EXPONENTIAL, x, size)


cdef inline double squared_norm(
    int instruction_set, const real* x, Py_ssize_t size
) noexcept nogil:
    """||x||^2."""
    if real is float:
        return squared_norm_float(instruction_set, x, size)
    else:
        return squared_norm_double(instruction_set, x, size)
