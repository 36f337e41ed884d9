"""What one layer does with a block of m rows: forward, and its gradient.

Dense rows are (m, n_in), C-contiguous. Sparse ones are the rows ``rows`` of a CSR matrix
given by ``values``, ``indices`` and ``indptr``, and ``weight`` says which of them count.
"""

from libc.string cimport memcpy, memset

from ._gemm cimport gemm, real


cdef inline void affine(
    int instruction_set, const real* a, const real* W, const real* b,
    Py_ssize_t m, Py_ssize_t n_in, Py_ssize_t n_out, real* z,
) noexcept nogil:
    """z = a @ W + b."""
    cdef Py_ssize_t i
    for i in range(m):
        memcpy(z + i * n_out, b, n_out * sizeof(real))
    gemm(instruction_set, m, n_out, n_in, a, n_in, 1, W, <real> 1, z)


cdef inline void affine_sparse(
    const real* values, const int* indices, const Py_ssize_t* indptr,
    const Py_ssize_t* rows, const real* weight, const real* W, const real* b,
    Py_ssize_t m, Py_ssize_t n_out, real* z,
) noexcept nogil:
    """z = X[rows] @ W + b for X in CSR form, a row of no weight taken as zeros."""
    cdef Py_ssize_t i, j, p
    cdef const real* w
    for i in range(m):
        memcpy(z + i * n_out, b, n_out * sizeof(real))
        if weight[i] == 0:
            continue
        for p in range(indptr[rows[i]], indptr[rows[i] + 1]):
            w = W + indices[p] * n_out
            for j in range(n_out):
                z[i * n_out + j] += values[p] * w[j]


cdef inline void transpose(
    const real* W, Py_ssize_t n_in, Py_ssize_t n_out, real* out
) noexcept nogil:
    """out = W.T, in squares that stay in cache."""
    cdef Py_ssize_t i, j, first_i, first_j
    for first_i in range(0, n_in, 16):
        for first_j in range(0, n_out, 16):
            for j in range(first_j, min(first_j + 16, n_out)):
                for i in range(first_i, min(first_i + 16, n_in)):
                    out[j * n_in + i] = W[i * n_out + j]


cdef inline void scale(real factor, real* x, Py_ssize_t size) noexcept nogil:
    """x <- factor * x; what x held before is not read when factor is 0."""
    cdef Py_ssize_t i
    if factor == 0:
        memset(x, 0, size * sizeof(real))
    elif factor != 1:
        for i in range(size):
            x[i] *= factor


cdef inline void add_outer_sparse(
    const real* values, const int* indices, const Py_ssize_t* indptr,
    const Py_ssize_t* rows, const real* weight, const real* delta,
    Py_ssize_t m, Py_ssize_t n_out, real* out,
) noexcept nogil:
    """out += X[rows].T @ delta for X in CSR form, a row of no weight left out."""
    cdef Py_ssize_t i, j, p
    cdef real* o
    for i in range(m):
        if weight[i] == 0:
            continue
        for p in range(indptr[rows[i]], indptr[rows[i] + 1]):
            o = out + indices[p] * n_out
            for j in range(n_out):
                o[j] += values[p] * delta[i * n_out + j]


cdef inline void add_column_sums(
    const real* delta, Py_ssize_t m, Py_ssize_t n_out, real* out
) noexcept nogil:
    """out += sum_i delta_i."""
    cdef Py_ssize_t i, j
    for i in range(m):
        for j in range(n_out):
            out[j] += delta[i * n_out + j]
