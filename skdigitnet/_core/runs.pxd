"""What training works on: a network with its update rule, and the order of the rows."""

from libc.stdint cimport uint64_t

from .arithmetic cimport UpdateRule
from .plan cimport Workspace
from .rows cimport Targets

cdef class Update:
    cdef:
        UpdateRule rule
        readonly Py_ssize_t n_moments


cdef class Run:
    cdef:
        Targets targets
        Update update
        double decay
        void* theta
        void* gradient
        void* moments
        tuple arrays

    cdef check(self, Workspace workspace, Py_ssize_t batch_size)


cdef class Epoch:
    cdef:
        const Py_ssize_t[::1] order
        Py_ssize_t batch_size, first
        uint64_t dropout_key
