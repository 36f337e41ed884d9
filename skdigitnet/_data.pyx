# cython: language_level=3, boundscheck=False, wraparound=False
"""A training set as the kernels read it: pointers, and the arrays they point to."""

from libc.stdint cimport INT32_MAX

import numpy as np


cdef class Data:
    """A training set as the kernels read it; holds its arrays alive.

    Parameters
    ----------
    X : ndarray or CSR of shape (n_rows, n_features)
        float32 or float64; copied if it is not C-contiguous.
    y : ndarray of shape (n_rows,) of intp, or (n_rows, n_outputs) of uint8
        Class indices, whose one-hot rows are never stored, or an indicator matrix.
    sample_weight : ndarray of shape (n_rows,) of float64
    """

    def __cinit__(self, X, y, sample_weight):
        cdef:
            const double[::1] weight = sample_weight
            const Py_ssize_t[::1] labels
            const unsigned char[:, ::1] indicator
        self.n_rows, self.n_features = X.shape
        self.dtype = X.dtype
        self.sample_weight = sample_weight
        self.weight = &weight[0]
        if y.ndim == 1:
            labels = y
            self.labels = &labels[0]
        else:
            indicator = y
            self.indicator = &indicator[0, 0]
        if weight.shape[0] != self.n_rows or y.shape[0] != self.n_rows:
            raise ValueError("X, y and sample_weight must have the same number of rows")
        self.arrays = (X, y, sample_weight)
        self.is_sparse = not isinstance(X, np.ndarray)
        if self.is_sparse:
            self._point_to_sparse(X)
        else:
            self._point_to_values(np.ascontiguousarray(X).reshape(-1))

    cdef _point_to_values(self, flat):
        cdef const unsigned char[::1] values = flat.view(np.uint8)
        self.arrays += (flat,)
        self.values = &values[0]

    cdef _point_to_sparse(self, X):
        if X.shape[1] > INT32_MAX:
            raise ValueError(
                f"sparse X has {X.shape[1]} features; at most {INT32_MAX} are supported"
            )
        X.check_format(full_check=True)  # an index out of range would be followed
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
