# cython: cdivision=True
"""What one layer does with a block of m rows: forward, and its gradient.

Dense rows are (m, n_in), C-contiguous. Sparse ones are lists of entries, as
:func:`spmm` takes them.
"""

from libc.string cimport memset

from .activations cimport Activation, activate
from .gemm cimport gemm, spmm
from .real cimport real

# One layer's weights, of the type of its inputs.
cdef struct Affine:
    const void* W
    const void* b
    Py_ssize_t n_in
    Py_ssize_t n_out


cdef inline void affine(
    int instruction_set, const real* a, const real* W, const real* b,
    Py_ssize_t m, Py_ssize_t n_in, Py_ssize_t n_out, real* z,
) noexcept nogil:
    """z = a @ W + b."""
    gemm(instruction_set, m, n_out, n_in, a, n_in, 1, W, <real> 1, b, 0, z)


cdef inline void affine_sparse(
    int instruction_set, const real* values, const int* indices,
    const Py_ssize_t* begin, const Py_ssize_t* end, const real* W, const real* b,
    Py_ssize_t m, Py_ssize_t n_in, Py_ssize_t n_out, real* z, real* packed,
) noexcept nogil:
    """z = a @ W + b for sparse a."""
    spmm(
        instruction_set, m, n_out, n_in, values, indices, begin, end, W, <real> 1, b, 0, z,
        packed,
    )


cdef inline void column_sums(
    int instruction_set, const real* delta, Py_ssize_t m, Py_ssize_t n_out, real keep,
    real* out,
) noexcept nogil:
    """out <- keep * out + sum_i delta_i."""
    cdef real one = 1
    gemm(instruction_set, 1, n_out, m, &one, 0, 0, delta, keep, out, n_out, out)


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


cdef inline bint all_finite(const real* z, Py_ssize_t size) noexcept nogil:
    """Whether no element is NaN or infinite; the difference from itself is NaN then."""
    cdef Py_ssize_t i
    cdef bint finite = True
    for i in range(size):
        finite &= z[i] - z[i] == 0
    return finite


cdef inline bint forward(
    int instruction_set, const Affine* layers, Py_ssize_t n_layers, Activation activation,
    const real* a, Py_ssize_t m, real* hidden, Py_ssize_t hidden_size, real* z,
) noexcept nogil:
    """z of the last layer; return whether it and the first layer's are all finite.

    ``hidden`` has room for ``hidden_size`` outputs twice, of one layer and the next.
    """
    cdef:
        Py_ssize_t l, size
        bint finite = True, is_last
        real* out
    for l in range(n_layers):
        is_last, size = l == n_layers - 1, m * layers[l].n_out
        out = z if is_last else hidden + l % 2 * hidden_size
        affine(
            instruction_set, a, <const real*> layers[l].W, <const real*> layers[l].b,
            m, layers[l].n_in, layers[l].n_out, out,
        )
        if l == 0 or is_last:
            finite &= all_finite(out, size)
        if not is_last:
            activate(instruction_set, activation, out, size)
        a = out
    return finite
