"""A training set as the kernels read it."""

cdef class Data:
    cdef:
        tuple arrays
        const void* values
        const int* indices
        const Py_ssize_t* indptr
        const Py_ssize_t* labels    # NULL when y is an indicator matrix
        const unsigned char* indicator
        const double* weight
        readonly Py_ssize_t n_rows, n_features
        readonly bint is_sparse
        readonly object dtype, sample_weight
    cdef _point_to_values(self, flat)
    cdef _point_to_sparse(self, X)
