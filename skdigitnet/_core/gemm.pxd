"""Row-major matrix products for float and double."""

from .real cimport real

cdef extern from "c/gemm.h" nogil:
    void gemm_float(
        int instruction_set, Py_ssize_t m, Py_ssize_t n, Py_ssize_t k,
        const float* a, Py_ssize_t a_row, Py_ssize_t a_col, const float* b,
        float beta, const float* d, Py_ssize_t d_row, float* c)
    void gemm_double(
        int instruction_set, Py_ssize_t m, Py_ssize_t n, Py_ssize_t k,
        const double* a, Py_ssize_t a_row, Py_ssize_t a_col, const double* b,
        double beta, const double* d, Py_ssize_t d_row, double* c)
    void spmm_float(
        int instruction_set, Py_ssize_t m, Py_ssize_t n, Py_ssize_t k,
        const float* values, const int* indices,
        const Py_ssize_t* begin, const Py_ssize_t* end, const float* b,
        float beta, const float* d, Py_ssize_t d_row, float* c, float* packed)
    void spmm_double(
        int instruction_set, Py_ssize_t m, Py_ssize_t n, Py_ssize_t k,
        const double* values, const int* indices,
        const Py_ssize_t* begin, const Py_ssize_t* end, const double* b,
        double beta, const double* d, Py_ssize_t d_row, double* c, double* packed)


cdef inline void gemm(
    int instruction_set, Py_ssize_t m, Py_ssize_t n, Py_ssize_t k,
    const real* a, Py_ssize_t a_row, Py_ssize_t a_col, const real* b,
    real beta, const real* d, Py_ssize_t d_row, real* c,
) noexcept nogil:
    """c = a @ b + beta * d; a is (m, k), b is (k, n), c and d are (m, n).

    Element (i, p) of a is at ``a[i * a_row + p * a_col]``, so a may be a transpose; b
    and c are C-contiguous, and so are d's rows, ``d_row`` elements apart. d may be c, or
    with ``d_row = 0`` one row for all. With ``beta = 0`` d is not read.
    """
    if real is float:
        gemm_float(instruction_set, m, n, k, a, a_row, a_col, b, beta, d, d_row, c)
    else:
        gemm_double(instruction_set, m, n, k, a, a_row, a_col, b, beta, d, d_row, c)


cdef inline void spmm(
    int instruction_set, Py_ssize_t m, Py_ssize_t n, Py_ssize_t k,
    const real* values, const int* indices,
    const Py_ssize_t* begin, const Py_ssize_t* end, const real* b,
    real beta, const real* d, Py_ssize_t d_row, real* c, real* packed,
) noexcept nogil:
    """c = a @ b + beta * d, to the bit as :func:`gemm`, for sparse a.

    Row i of a has ``values[p]`` in column ``indices[p]`` for p from ``begin[i]`` to
    ``end[i]``, the columns in rising order. ``packed``, of 64 * k elements, is
    for a copy of parts of b, worth its time if a has several entries a column; or NULL.
    """
    if real is float:
        spmm_float(
            instruction_set, m, n, k, values, indices, begin, end, b, beta, d, d_row, c,
            packed,
        )
    else:
        spmm_double(
            instruction_set, m, n, k, values, indices, begin, end, b, beta, d, d_row, c,
            packed,
        )
