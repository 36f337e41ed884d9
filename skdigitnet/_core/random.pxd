"""Random numbers that are computed from their place alone, so that nothing is stored.

SplitMix64 (G. L. Steele, D. Lea and C. H. Flood, "Fast splittable pseudorandom number
generators", OOPSLA 2014) computes its n-th number from n alone.
"""

from libc.stdint cimport uint64_t


cdef inline uint64_t split_mix(uint64_t key, uint64_t n) noexcept nogil:
    """The n-th number of the stream that begins at ``key``."""
    cdef uint64_t z = key + (n + 1) * <uint64_t> 0x9E3779B97F4A7C15
    z = (z ^ (z >> 30)) * <uint64_t> 0xBF58476D1CE4E5B9
    z = (z ^ (z >> 27)) * <uint64_t> 0x94D049BB133111EB
    return z ^ (z >> 31)
