/* UNROLL(n) before a loop of at most n rounds: each becomes its own code, so that an array of
   sums that it goes through is kept in registers. */
#ifndef SKDIGITNET_UNROLL_H
#define SKDIGITNET_UNROLL_H

#define PRAGMA(text) _Pragma(#text)
#ifdef __clang__
#define UNROLL(n) PRAGMA(clang loop unroll(full))
#else
#define UNROLL(n) PRAGMA(GCC unroll n)
#endif

/* Before a loop that compilers vectorise: how many of its vectors make a round. On Arm GCC
   would make it one, and count and jump for each. */
#if defined __aarch64__ && !defined __clang__
#define UNROLL_VECTORS(n) PRAGMA(GCC unroll n)
#else
#define UNROLL_VECTORS(n)
#endif

#endif
