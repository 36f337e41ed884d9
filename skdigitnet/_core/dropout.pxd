# cython: cdivision=True
"""Dropout: which hidden units are dropped for a row.

Each unit of each row of an epoch has its own random number, the same in the forward and the
backward pass, whatever the blocks and the threads.
"""

from libc.stdint cimport uint64_t

from .random cimport split_mix
from .real cimport real

cdef enum:
    MAX_SHARE_BITS = 53  # those of the share dropped that a double can hold


cdef inline void drop_units(
    uint64_t key, uint64_t first, uint64_t stride, Py_ssize_t m, Py_ssize_t n, double share,
    const real* a, real* out,
) noexcept nogil:
    """out = a / (1 - share), or 0 where a unit is dropped; shapes (m, n).

    Row i's units have the numbers from ``first + i * stride`` on. ``a`` may be ``out``.
    """
    cdef:
        Py_ssize_t i, j
        uint64_t dropped_below = <uint64_t> (share * <double> (<uint64_t> 1 << MAX_SHARE_BITS))
        real scale = <real> (1 / (1 - share))
    for i in range(m):
        for j in range(n):
            if split_mix(key, first + i * stride + j) >> (64 - MAX_SHARE_BITS) < dropped_below:
                out[i * n + j] = 0
            else:
                out[i * n + j] = a[i * n + j] * scale
