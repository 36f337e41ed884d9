/* Prefetching: memory is brought into the caches before it is needed. */
#ifndef SKDIGITNET_PREFETCH_H
#define SKDIGITNET_PREFETCH_H

#include <stddef.h>

enum { CACHE_LINE = 64 };

/* Bring this many bytes into the caches. The empty assembly keeps GCC from taking a
   function that only prefetches for one without effect, whose call it may leave out. */
static inline void prefetch(const void *start, ptrdiff_t size)
{
    for (ptrdiff_t i = 0; i <= size / CACHE_LINE; i++)
        __builtin_prefetch((const char *)start + i * CACHE_LINE);
    __asm__ volatile("");
}

#endif
