# cython: language_level=3, boundscheck=False, wraparound=False
from scipy.linalg.cython_blas cimport dgemm, sgemm


cdef void gemm(
    Op op_a, Op op_b,
    Py_ssize_t m, Py_ssize_t n, Py_ssize_t k,
    real alpha, const real* a, const real* b,
    real beta, real* c,
) noexcept nogil:
    """c = alpha * op_a(a) @ op_b(b) + beta * c, every matrix C-contiguous.

    op_a(a) is (m, k), op_b(b) is (k, n), c is (m, n). With ``beta = 0`` what c
    held before is not read.
    """
    # BLAS is column-major, so a row-major matrix is its own transpose there, and
    # c^T = op_b(b)^T @ op_a(a)^T.
    cdef:
        int rows = <int> n, cols = <int> m, inner = <int> k
        int lda = inner if op_a == N else cols
        int ldb = rows if op_b == N else inner
        char trans_a = b"n" if op_a == N else b"t"
        char trans_b = b"n" if op_b == N else b"t"
    if real is float:
        sgemm(
            &trans_b, &trans_a, &rows, &cols, &inner,
            &alpha, <float*> b, &ldb, <float*> a, &lda, &beta, c, &rows,
        )
    else:
        dgemm(
            &trans_b, &trans_a, &rows, &cols, &inner,
            &alpha, <double*> b, &ldb, <double*> a, &lda, &beta, c, &rows,
        )
