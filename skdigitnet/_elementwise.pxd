"""exp, sigmoid and sum of squares for float and double."""

from ._gemm cimport real

cdef extern from "_elementwise.h" nogil:
    float exp_float_portable(float x)
    double exp_double_portable(double x)
    void sigmoid_float(int instruction_set, float* z, Py_ssize_t size)
    void sigmoid_double(int instruction_set, double* z, Py_ssize_t size)
    double squared_norm_float(int instruction_set, const float* x, Py_ssize_t size)
    double squared_norm_double(int instruction_set, const double* x, Py_ssize_t size)


cdef inline real exp(real x) noexcept nogil:
    return exp_float_portable(x) if real is float else exp_double_portable(x)


cdef inline real sigmoid(real z) noexcept nogil:
    # exp never overflows: its argument is never positive
    cdef real e = exp(-z if z > 0 else z)
    return (1 if z > 0 else e) / (1 + e)


cdef inline void sigmoid_array(int instruction_set, real* z, Py_ssize_t size) noexcept nogil:
    """z <- sigmoid(z)."""
    if real is float:
        sigmoid_float(instruction_set, z, size)
    else:
        sigmoid_double(instruction_set, z, size)


cdef inline double squared_norm(
    int instruction_set, const real* x, Py_ssize_t size
) noexcept nogil:
    """||x||^2."""
    if real is float:
        return squared_norm_float(instruction_set, x, size)
    return squared_norm_double(instruction_set, x, size)
