/*
 * gemm and spmm for float and double: c = a @ b + beta * d, as gemm_template.h says.
 *
 * The instruction set is chosen at run time; within it, the widest vectors that are no wider
 * than a row of c, or of AVX-512 part of a vector.
 */
#ifndef SKDIGITNET_GEMM_H
#define SKDIGITNET_GEMM_H

#include <stddef.h>

#include "instruction_set.h"
#include "planted.h"
#include "unroll.h"

/* The fewest parts of at most `most`: n_larger of size + 1, then the rest of `size`. */
struct parts {
    ptrdiff_t n, size, n_larger;
};

static inline struct parts equal_parts(ptrdiff_t total, ptrdiff_t most)
{
    const ptrdiff_t n = (total + most - 1) / most;
    return n > 0 ? (struct parts){n, total / n, total % n} : (struct parts){0, 0, 0};
}

#define TEMPLATE "gemm_template.h"
#include "for_each_vector.h"
#undef TEMPLATE

#ifdef __x86_64__
#define CHOOSE_FLOAT(f, set, n) \
    ((set) == AVX512 ? ((n) >= 16 ? f##_float_avx512_16 : f##_float_avx512_masked) : \
     (set) == AVX2 ? ((n) >= 8 ? f##_float_avx2_8 : \
                      (n) >= 4 ? f##_float_avx2_4 : f##_float_avx2_1) : \
     (n) >= 4 ? f##_float_portable_4 : f##_float_portable_1)
#define CHOOSE_DOUBLE(f, set, n) \
    ((set) == AVX512 ? ((n) >= 8 ? f##_double_avx512_8 : f##_double_avx512_masked) : \
     (set) == AVX2 ? ((n) >= 4 ? f##_double_avx2_4 : \
                      (n) >= 2 ? f##_double_avx2_2 : f##_double_avx2_1) : \
     (n) >= 2 ? f##_double_portable_2 : f##_double_portable_1)
#elif defined __aarch64__
#define CHOOSE_FLOAT(f, set, n) \
    ((set) == NEON ? ((n) >= 4 ? f##_float_neon_4 : f##_float_neon_1) : \
     (n) >= 4 ? f##_float_portable_4 : f##_float_portable_1)
#define CHOOSE_DOUBLE(f, set, n) \
    ((set) == NEON ? ((n) >= 2 ? f##_double_neon_2 : f##_double_neon_1) : \
     (n) >= 2 ? f##_double_portable_2 : f##_double_portable_1)
#else
#define CHOOSE_FLOAT(f, set, n) ((n) >= 4 ? f##_float_portable_4 : f##_float_portable_1)
#define CHOOSE_DOUBLE(f, set, n) ((n) >= 2 ? f##_double_portable_2 : f##_double_portable_1)
#endif

#define DEFINE_PRODUCTS(real, CHOOSE) \
    static inline void gemm_##real( \
        int set, ptrdiff_t m, ptrdiff_t n, ptrdiff_t k, \
        const real *a, ptrdiff_t a_row, ptrdiff_t a_col, const real *b, \
        real beta, const real *d, ptrdiff_t d_row, real *c) \
    { \
        (void)set; \
        CHOOSE(gemm, set, n)( \
            m, n, k + planted("out-of-bounds read"), a, a_row, a_col, b, \
            beta, d, d_row, c); \
    } \
    static inline void spmm_##real( \
        int set, ptrdiff_t m, ptrdiff_t n, ptrdiff_t k, \
        const real *values, const int *indices, const ptrdiff_t *begin, \
        const ptrdiff_t *end, const real *b, \
        real beta, const real *d, ptrdiff_t d_row, real *c, real *packed) \
    { \
        (void)set; \
        CHOOSE(spmm, set, n)( \
            m, n, k, values, indices, begin, end, b, beta, d, d_row, c, packed); \
    }

DEFINE_PRODUCTS(float, CHOOSE_FLOAT)
DEFINE_PRODUCTS(double, CHOOSE_DOUBLE)

#undef DEFINE_PRODUCTS
#undef CHOOSE_FLOAT
#undef CHOOSE_DOUBLE

#endif
