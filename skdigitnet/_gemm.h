/*
 * gemm_float and gemm_double: c = a @ b + beta * c, as _gemm_template.h says.
 *
 * The instruction set is chosen at run time on x86-64 and is the compiler's own
 * elsewhere; within it, the widest vectors that are no wider than a row of c.
 */
#ifndef SKDIGITNET_GEMM_H
#define SKDIGITNET_GEMM_H

#include <stddef.h>

#include "_instruction_set.h"

#define FUSED(x, y, z) (sizeof(x) == 4 ? __builtin_fmaf(x, y, z) : __builtin_fma(x, y, z))

/* AVX-512 has 32 vector registers and room for 8 rows of sums, the others have 16. */
#ifdef __x86_64__
#define TARGET avx512
#define ATTRIBUTES COMPILED_FOR_AVX512
#define ROWS 8
#define SCALAR_MULTIPLY_ADD FUSED
#define REAL float
#define LANES 16
#include "_gemm_template.h"
#undef LANES
#define LANES 8
#include "_gemm_template.h"
#undef LANES
#define LANES 4
#include "_gemm_template.h"
#undef LANES
#define LANES 1
#include "_gemm_template.h"
#undef LANES
#undef REAL
#define REAL double
#define LANES 8
#include "_gemm_template.h"
#undef LANES
#define LANES 4
#include "_gemm_template.h"
#undef LANES
#define LANES 2
#include "_gemm_template.h"
#undef LANES
#define LANES 1
#include "_gemm_template.h"
#undef LANES
#undef REAL
#undef SCALAR_MULTIPLY_ADD
#undef ROWS
#undef ATTRIBUTES
#undef TARGET

#define TARGET avx2
#define ATTRIBUTES COMPILED_FOR_AVX2
#define ROWS 4
#define SCALAR_MULTIPLY_ADD FUSED
#define REAL float
#define LANES 8
#include "_gemm_template.h"
#undef LANES
#define LANES 4
#include "_gemm_template.h"
#undef LANES
#define LANES 1
#include "_gemm_template.h"
#undef LANES
#undef REAL
#define REAL double
#define LANES 4
#include "_gemm_template.h"
#undef LANES
#define LANES 2
#include "_gemm_template.h"
#undef LANES
#define LANES 1
#include "_gemm_template.h"
#undef LANES
#undef REAL
#undef SCALAR_MULTIPLY_ADD
#undef ROWS
#undef ATTRIBUTES
#undef TARGET
#endif

#define TARGET portable
#define ATTRIBUTES
#define ROWS 4
#ifdef __FP_FAST_FMA
#define SCALAR_MULTIPLY_ADD FUSED
#else
#define SCALAR_MULTIPLY_ADD(x, y, z) ((x) * (y) + (z))
#endif
#define REAL float
#define LANES 4
#include "_gemm_template.h"
#undef LANES
#define LANES 1
#include "_gemm_template.h"
#undef LANES
#undef REAL
#define REAL double
#define LANES 2
#include "_gemm_template.h"
#undef LANES
#define LANES 1
#include "_gemm_template.h"
#undef LANES
#undef REAL
#undef SCALAR_MULTIPLY_ADD
#undef ROWS
#undef ATTRIBUTES
#undef TARGET

typedef void (*gemm_float_kernel)(
    ptrdiff_t, ptrdiff_t, ptrdiff_t, const float *, ptrdiff_t, ptrdiff_t,
    const float *, float, float *);

static gemm_float_kernel choose_float(int set, ptrdiff_t n)
{
#ifdef __x86_64__
    if (set == AVX512)
        return n >= 16 ? gemm_float_avx512_16 : n >= 8 ? gemm_float_avx512_8 :
               n >= 4 ? gemm_float_avx512_4 : gemm_float_avx512_1;
    if (set == AVX2)
        return n >= 8 ? gemm_float_avx2_8 : n >= 4 ? gemm_float_avx2_4 : gemm_float_avx2_1;
#endif
    (void)set;
    return n >= 4 ? gemm_float_portable_4 : gemm_float_portable_1;
}

typedef void (*gemm_double_kernel)(
    ptrdiff_t, ptrdiff_t, ptrdiff_t, const double *, ptrdiff_t, ptrdiff_t,
    const double *, double, double *);

static gemm_double_kernel choose_double(int set, ptrdiff_t n)
{
#ifdef __x86_64__
    if (set == AVX512)
        return n >= 8 ? gemm_double_avx512_8 : n >= 4 ? gemm_double_avx512_4 :
               n >= 2 ? gemm_double_avx512_2 : gemm_double_avx512_1;
    if (set == AVX2)
        return n >= 4 ? gemm_double_avx2_4 : n >= 2 ? gemm_double_avx2_2 : gemm_double_avx2_1;
#endif
    (void)set;
    return n >= 2 ? gemm_double_portable_2 : gemm_double_portable_1;
}

#endif
