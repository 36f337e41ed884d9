# cython: cdivision=True
"""What one layer does with a block of m rows: forward, and its gradient.

Dense rows are (m, n_in), C-contiguous. Sparse ones are lists of entries, as
:func:`spmm` takes them.
"""

from libc.string cimport memset

from .arithmetic cimport gemm, spmm
from .real cimport real


cdef inline void affine(
    const real* a, const real* W, const real* b,
    Py_ssize_t m, Py_ssize_t n_in, Py_ssize_t n_out, real* z,
) noexcept nogil:
    """z = a @ W + b."""
    gemm(m, n_out, n_in, a, n_in, 1, W, <real> 1, b, 0, z)


cdef inline void affine_sparse(
    const real* values, const int* indices,
    const Py_ssize_t* begin, const Py_ssize_t* end, const real* W, const real* b,
    Py_ssize_t m, Py_ssize_t n_in, Py_ssize_t n_out, real* z, real* packed,
) noexcept nogil:
    """z = a @ W + b for sparse a."""
    spmm(
        m, n_out, n_in, values, indices, begin, end, W, <real> 1, b, 0, z,
        packed,
    )


cdef inline void column_sums(
    const real* delta, Py_ssize_t m, Py_ssize_t n_out, real keep,
    real* out,
) noexcept nogil:
    """out <- keep * out + sum_i delta_i."""
    cdef real one = 1
    gemm(1, n_out, m, &one, 0, 0, delta, keep, out, n_out, out)


cdef inline void make_dense(
    const real* values, const int* indices, Py_ssize_t n_entries, Py_ssize_t n, real* out
) noexcept nogil:
    """out, of n elements, is the sparse row of these entries."""
    cdef Py_ssize_t p
    memset(out, 0, n * sizeof(real))
    for p in range(n_entries):
        out[indices[p]] = values[p]


cdef inline void transpose(
    const real* W, Py_ssize_t n_in, Py_ssize_t first, Py_ssize_t last, Py_ssize_t n_out,
    real* out,
) noexcept nogil:
    """out = W.T, of W's rows first to last, in squares that stay in cache."""
    cdef Py_ssize_t i, j, first_i, first_j
    for first_i in range(first, last, 16):
        for first_j in range(0, n_out, 16):
            for j in range(first_j, min(first_j + 16, n_out)):
                for i in range(first_i, min(first_i + 16, last)):
                    out[j * n_in + i] = W[i * n_out + j]


cdef inline Py_ssize_t skip_columns(
    const int* indices, Py_ssize_t begin, Py_ssize_t end, Py_ssize_t first
) noexcept nogil:
    """Where a row's entries reach column ``first``."""
    while begin < end and indices[begin] < first:
        begin += 1
    return begin


cdef inline void transpose_entries(
    const real* values, const int* indices, const Py_ssize_t* begin, const Py_ssize_t* end,
    Py_ssize_t m, Py_ssize_t first, Py_ssize_t last,
    real* column_values, int* column_rows, Py_ssize_t* column_begin, Py_ssize_t* column_end,
) noexcept nogil:
    """The entries of m sparse rows, column by column from first to last."""
    cdef Py_ssize_t i, j, p, place = 0
    memset(column_end + first, 0, (last - first) * sizeof(Py_ssize_t))
    for i in range(m):
        for p in range(skip_columns(indices, begin[i], end[i], first), end[i]):
            if indices[p] >= last:
                break
            column_end[indices[p]] += 1
    for j in range(first, last):
        column_begin[j] = place
        place += column_end[j]
        column_end[j] = column_begin[j]
    for i in range(m):
        for p in range(skip_columns(indices, begin[i], end[i], first), end[i]):
            j = indices[p]
            if j >= last:
                break
            column_values[column_end[j]] = values[p]
            column_rows[column_end[j]] = <int> i
            column_end[j] += 1
