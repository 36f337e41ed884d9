# cython: cdivision=True
"""What one layer does with a block of m rows: forward, and its gradient.

Dense rows are (m, n_in), C-contiguous. Sparse ones are lists of entries, as
:func:`spmm` takes them.
"""

from libc.string cimport memcpy, memset

from ._gemm cimport gemm, spmm
from ._real cimport real


cdef inline void repeat_row(
    const real* b, Py_ssize_t m, Py_ssize_t n_out, real* z
) noexcept nogil:
    """z = b, in every row."""
    cdef Py_ssize_t i
    for i in range(m):
        memcpy(z + i * n_out, b, n_out * sizeof(real))


cdef inline void affine(
    int instruction_set, const real* a, const real* W, const real* b,
    Py_ssize_t m, Py_ssize_t n_in, Py_ssize_t n_out, real* z,
) noexcept nogil:
    """z = a @ W + b."""
    repeat_row(b, m, n_out, z)
    gemm(instruction_set, m, n_out, n_in, a, n_in, 1, W, <real> 1, z)


cdef inline void affine_sparse(
    int instruction_set, const real* values, const int* indices,
    const Py_ssize_t* begin, const Py_ssize_t* end, const real* W, const real* b,
    Py_ssize_t m, Py_ssize_t n_in, Py_ssize_t n_out, real* z, real* packed,
) noexcept nogil:
    """z = a @ W + b for sparse a."""
    repeat_row(b, m, n_out, z)
    spmm(
        instruction_set, m, n_out, n_in, values, indices, begin, end, W, <real> 1, z, packed
    )


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


cdef inline void transpose_entries(
    const real* values, const int* indices, const Py_ssize_t* begin, const Py_ssize_t* end,
    Py_ssize_t m, Py_ssize_t first, Py_ssize_t last,
    real* column_values, int* column_rows, Py_ssize_t* column_begin, Py_ssize_t* column_end,
) noexcept nogil:
    """The entries of m sparse rows, column by column from first to last."""
    cdef Py_ssize_t i, j, p, place = 0
    memset(column_end + first, 0, (last - first) * sizeof(Py_ssize_t))
    for i in range(m):
        for p in range(begin[i], end[i]):
            if first <= indices[p] < last:
                column_end[indices[p]] += 1
    for j in range(first, last):
        column_begin[j] = place
        place += column_end[j]
        column_end[j] = column_begin[j]
    for i in range(m):
        for p in range(begin[i], end[i]):
            j = indices[p]
            if first <= j < last:
                column_values[column_end[j]] = values[p]
                column_rows[column_end[j]] = <int> i
                column_end[j] += 1


cdef inline void scale(real factor, real* x, Py_ssize_t size) noexcept nogil:
    """x <- factor * x; what x held before is not read when factor is 0."""
    cdef Py_ssize_t i
    if factor == 0:
        memset(x, 0, size * sizeof(real))
    elif factor != 1:
        for i in range(size):
            x[i] *= factor


cdef inline void add_column_sums(
    const real* delta, Py_ssize_t m, Py_ssize_t n_out, real* out
) noexcept nogil:
    """out += sum_i delta_i."""
    cdef Py_ssize_t i, j
    for i in range(m):
        for j in range(n_out):
            out[j] += delta[i * n_out + j]
