"""Row-major matrix product for float and double."""

ctypedef fused real:
    float
    double

cdef extern from "_gemm.h" nogil:
    ctypedef void (*gemm_float_kernel)(
        Py_ssize_t, Py_ssize_t, Py_ssize_t, const float*, Py_ssize_t, Py_ssize_t,
        const float*, float, float*) noexcept nogil
    ctypedef void (*gemm_double_kernel)(
        Py_ssize_t, Py_ssize_t, Py_ssize_t, const double*, Py_ssize_t, Py_ssize_t,
        const double*, double, double*) noexcept nogil
    gemm_float_kernel choose_float(int instruction_set, Py_ssize_t n)
    gemm_double_kernel choose_double(int instruction_set, Py_ssize_t n)


cdef inline void gemm(
    int instruction_set, Py_ssize_t m, Py_ssize_t n, Py_ssize_t k,
    const real* a, Py_ssize_t a_row, Py_ssize_t a_col, const real* b,
    real beta, real* c,
) noexcept nogil:
    """c = a @ b + beta * c; a is (m, k), b is (k, n), c is (m, n).

    Element (i, p) of a is at ``a[i * a_row + p * a_col]``, so a may be a transpose; b
    and c are C-contiguous. With ``beta = 0`` what c held before is not read.
    """
    if real is float:
        choose_float(instruction_set, n)(m, n, k, a, a_row, a_col, b, beta, c)
    else:
        choose_double(instruction_set, n)(m, n, k, a, a_row, a_col, b, beta, c)
