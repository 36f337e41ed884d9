"""Inputs and targets as the kernels read them."""

cdef class Inputs:
    cdef:
        const void* values               # dense: rows one after the other; CSR: data
        const int* indices
        const Py_ssize_t* indptr
        readonly Py_ssize_t n_rows, n_features, itemsize
        Py_ssize_t row_bytes             # of memory, on average
        readonly bint is_sparse
        readonly object dtype
        tuple arrays

    cdef _point_to_values(self, flat)
    cdef _point_to_sparse(self, X)
    cdef Py_ssize_t largest_block(self, Py_ssize_t n_rows)


cdef class Targets:
    cdef:
        const double* weight
        const Py_ssize_t* labels         # class indices, or NULL:
        const unsigned char* indicator   # (n_rows, n_outputs)
        readonly Py_ssize_t n_rows
        readonly object y, sample_weight


cdef class Samples:
    cdef:
        readonly Inputs inputs
        readonly Targets targets
