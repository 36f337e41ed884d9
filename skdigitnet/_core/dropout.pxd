# cython: cdivision=True
"""Dropout: which hidden units are dropped for a row.

SplitMix64 (G. L. Steele, D. Lea and C. H. Flood, "Fast splittable pseudorandom number
generators", OOPSLA 2014) computes its n-th number from n alone. So each unit of each row of
an epoch has its own number, the same in the forward and the backward pass, whatever the
blocks and the threads, and nothing is stored.
"""

from libc.stdint cimport uint64_t

from .real cimport real

cdef enum:
    MAX_SHARE_BITS = 53  # those of the share dropped that a double can hold


cdef inline uint64_t split_mix(uint64_t key, uint64_t n) noexcept nogil:
    """The n-th number of the stream that begins at ``key``."""
    cdef uint64_t z = key + (n + 1) * <uint64_t> 0x9E3779B97F4A7C15
    z = (z ^ (z >> 30)) * <uint64_t> 0xBF58476D1CE4E5B9
    z = (z ^ (z >> 27)) * <uint64_t> 0x94D049BB133111EB
    return z ^ (z >> 31)


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
