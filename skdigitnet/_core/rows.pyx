# cython: language_level=3, boundscheck=False, wraparound=False
# cython: freethreading_compatible=True
"""Inputs and targets as the kernels read them: pointers, and the arrays they point to."""

from libc.math cimport isfinite
from libc.stdint cimport INT32_MAX

import numpy as np

from .arithmetic cimport squared_norm
from .real cimport real

MAX_SPARSE_FEATURES = INT32_MAX  # column indices are C ints


cdef class Inputs:
    """The rows of X as the kernels read them; keeps their arrays alive.

    Parameters
    ----------
    X : ndarray or CSR of shape (n_rows, n_features)
        float32 or float64; copied if it is not C-contiguous.
    """

    def __cinit__(self, X):
        self.n_rows, self.n_features = X.shape
        self.dtype, self.itemsize = X.dtype, X.dtype.itemsize
        self.arrays = (X,)
        self.is_sparse = not isinstance(X, np.ndarray)
        if self.is_sparse:
            self._point_to_sparse(X)
        else:
            self._point_to_values(np.ascontiguousarray(X).reshape(-1))

    cdef _point_to_values(self, flat):
        cdef const unsigned char[::1] values = flat.view(np.uint8)
        bytes_per_value = self.itemsize + (sizeof(int) if self.is_sparse else 0)
        self.row_bytes = len(flat) * bytes_per_value // self.n_rows
        self.arrays += (flat,)
        self.values = &values[0]

    cdef _point_to_sparse(self, X):
        if X.shape[1] > MAX_SPARSE_FEATURES:
            raise ValueError(
                f"sparse X has {X.shape[1]} features; at most {MAX_SPARSE_FEATURES} are"
                " supported"
            )
        if not isinstance(X, Compressed):
            X.check_format(full_check=True)  # an index out of range would be followed
            if not X.has_canonical_format:  # sums are taken in the order of the columns
                X = X.copy()
                X.sum_duplicates()
        arrays = tuple(
            np.ascontiguousarray(a, dtype=t)
            for a, t in ((X.data, X.dtype), (X.indices, np.int32), (X.indptr, np.intp))
        )
        cdef:
            const int[::1] indices = arrays[1]
            const Py_ssize_t[::1] indptr = arrays[2]
        self.indices = &indices[0]
        self.indptr = &indptr[0]
        self.arrays += arrays
        self._point_to_values(arrays[0])

    cdef Py_ssize_t largest_block(self, Py_ssize_t n_rows):
        """The largest number of entries that this many sparse rows can have."""
        return n_rows * self.max_row_entries

    @property
    def row_elements(self):
        """The largest number of elements in a row; for a sparse copy, those of a dense row.

        What is summed together depends on it, and must not depend on whether there is a
        copy.
        """
        is_copy = isinstance(self.arrays[0], Compressed)
        return self.n_features if is_copy else self.max_row_entries

    @property
    def max_row_entries(self):
        """The largest number of entries in a sparse row; all features of a dense one."""
        return int(np.diff(self.arrays[3]).max()) if self.is_sparse else self.n_features


cdef class Targets:
    """The targets and weights of rows as the kernels read them; keeps their arrays alive.

    Parameters
    ----------
    y : ndarray of shape (n_rows,) of intp, or (n_rows, n_outputs) of uint8
        Class indices, whose one-hot rows are never stored, or an indicator matrix.
    sample_weight : ndarray of shape (n_rows,) of float64
    """

    def __cinit__(self, y, sample_weight):
        cdef:
            const double[::1] weight = sample_weight
            const Py_ssize_t[::1] labels
            const unsigned char[:, ::1] indicator
        if len(y) != len(sample_weight):
            raise ValueError(
                f"y has {len(y)} rows and sample_weight {len(sample_weight)}; they must have"
                " the same number of rows"
            )
        self.y, self.sample_weight = y, sample_weight
        self.n_rows = len(y)
        self.weight = &weight[0]
        if y.ndim == 1:
            labels = y
            self.labels = &labels[0]
        else:
            indicator = y
            self.indicator = &indicator[0, 0]


cdef class Samples:
    """Inputs and their targets, row by row.

    Parameters
    ----------
    X : ndarray or CSR of shape (n_rows, n_features)
    y : ndarray of shape (n_rows,) or (n_rows, n_outputs)
    sample_weight : ndarray of shape (n_rows,)
        All as :class:`Inputs` and :class:`Targets` take them.
    """

    def __cinit__(self, X, y, sample_weight):
        self.inputs, self.targets = Inputs(X), Targets(y, sample_weight)
        if self.inputs.n_rows != self.targets.n_rows:
            raise ValueError(
                f"X has {self.inputs.n_rows} rows and y {self.targets.n_rows}; they must have"
                " the same number of rows"
            )


def is_surely_finite(const real[:, ::1] X):
    """Whether the sum of the squares is finite, and so every element."""
    cdef double total = 0
    if X.shape[0] > 0 and X.shape[1] > 0:
        with nogil:
            total = squared_norm(&X[0, 0], X.shape[0] * X.shape[1])
    return isfinite(total)


def density(const real[:, ::1] X, Py_ssize_t n_rows):
    """Share of non-zero elements in ``n_rows`` evenly spaced rows of X."""
    cdef Py_ssize_t i, j, count = 0, m = min(n_rows, X.shape[0]), step = X.shape[0] // m
    with nogil:
        for i in range(m):
            for j in range(X.shape[1]):
                count += X[i * step, j] != 0
    return <double> count / (m * X.shape[1])


class Compressed:
    """CSR rows that :func:`compress` has made, with the attributes of SciPy's."""

    def __init__(self, data, indices, indptr, n_features):
        self.data, self.indices, self.indptr = data, indices, indptr
        self.shape, self.dtype = (len(indptr) - 1, n_features), data.dtype


def compress(const real[:, ::1] X, double expected_density):
    """X in CSR form, in one pass; memory grows if there are more entries than expected."""
    cdef:
        Py_ssize_t i = 0, j, place = 0, n_rows = X.shape[0], n_features = X.shape[1]
        Py_ssize_t capacity = n_features + <Py_ssize_t> (expected_density * n_rows * n_features)
        Py_ssize_t[::1] indptr = np.zeros(n_rows + 1, dtype=np.intp)
        int[::1] indices = np.empty(capacity, dtype=np.int32)
        real[::1] values = np.empty(capacity, np.float32 if real is float else np.float64)
        const real* x
    while True:
        with nogil:
            while i < n_rows and place + n_features <= capacity:
                # every element is written to the next free place; those that are not
                # zero take it
                x = &X[i, 0]
                for j in range(n_features):
                    indices[place], values[place] = <int> j, x[j]
                    place += x[j] != 0
                i += 1
                indptr[i] = place
        if i == n_rows:
            break
        capacity += capacity // 2 + n_features
        indices = _longer(indices.base, capacity, place)
        values = _longer(values.base, capacity, place)
    return Compressed(
        values.base[:place], indices.base[:place], indptr.base, n_features
    )


def _longer(array, Py_ssize_t size, Py_ssize_t n_used):
    longer = np.empty(size, dtype=array.dtype)
    longer[:n_used] = array[:n_used]
    return longer
