"""Row-major matrix product: the only door to ``scipy.linalg.cython_blas``."""

ctypedef fused real:
    float
    double

cpdef enum Op:
    N  # the matrix as it stands
    T  # its transpose

cdef void gemm(
    Op op_a, Op op_b,
    Py_ssize_t m, Py_ssize_t n, Py_ssize_t k,
    real alpha, const real* a, const real* b,
    real beta, real* c,
) noexcept nogil
