/*
 * exp, the logistic sigmoid and a sum of squares, as _elementwise_template.h says: loops
 * that compilers vectorise. They call no C library, so that every one gives the same bits.
 */
#ifndef SKDIGITNET_ELEMENTWISE_H
#define SKDIGITNET_ELEMENTWISE_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "_instruction_set.h"

/* Below LOWEST exp is zero, above HIGHEST infinity; the first omitted term of the series is
   below 6e-9 (float) and 5e-18 (double). */
#define REAL float
#define UINT uint32_t
#define MANTISSA_BITS 23
#define BIAS 127
#define MAGIC 12582912.0f
#define LOWEST -104.0f
#define HIGHEST 89.0f
#define LN2_HIGH 0.693359375f
#define LN2_LOW -2.12194440e-4f
#define TERMS 7
#ifdef __x86_64__
#define TARGET avx512
#define ATTRIBUTES COMPILED_FOR_AVX512
#include "_elementwise_template.h"
#undef ATTRIBUTES
#undef TARGET
#define TARGET avx2
#define ATTRIBUTES COMPILED_FOR_AVX2
#include "_elementwise_template.h"
#undef ATTRIBUTES
#undef TARGET
#endif
#define TARGET portable
#define ATTRIBUTES
#include "_elementwise_template.h"
#undef ATTRIBUTES
#undef TARGET
#undef REAL
#undef UINT
#undef MANTISSA_BITS
#undef BIAS
#undef MAGIC
#undef LOWEST
#undef HIGHEST
#undef LN2_HIGH
#undef LN2_LOW
#undef TERMS

#define REAL double
#define UINT uint64_t
#define MANTISSA_BITS 52
#define BIAS 1023
#define MAGIC 6755399441055744.0
#define LOWEST -746.0
#define HIGHEST 710.0
#define LN2_HIGH 0.6931471803691238
#define LN2_LOW 1.9082149292705877e-10
#define TERMS 13
#ifdef __x86_64__
#define TARGET avx512
#define ATTRIBUTES COMPILED_FOR_AVX512
#include "_elementwise_template.h"
#undef ATTRIBUTES
#undef TARGET
#define TARGET avx2
#define ATTRIBUTES COMPILED_FOR_AVX2
#include "_elementwise_template.h"
#undef ATTRIBUTES
#undef TARGET
#endif
#define TARGET portable
#define ATTRIBUTES
#include "_elementwise_template.h"
#undef ATTRIBUTES
#undef TARGET
#undef REAL
#undef UINT
#undef MANTISSA_BITS
#undef BIAS
#undef MAGIC
#undef LOWEST
#undef HIGHEST
#undef LN2_HIGH
#undef LN2_LOW
#undef TERMS

#ifdef __x86_64__
#define CHOOSE(set, function, arguments) \
    ((set) == AVX512 ? function##_avx512 arguments \
     : (set) == AVX2 ? function##_avx2 arguments : function##_portable arguments)
#else
#define CHOOSE(set, function, arguments) ((void)(set), function##_portable arguments)
#endif

static inline void sigmoid_float(int set, float *z, ptrdiff_t size)
{
    CHOOSE(set, sigmoid_float, (z, size));
}

static inline void sigmoid_double(int set, double *z, ptrdiff_t size)
{
    CHOOSE(set, sigmoid_double, (z, size));
}

static inline double squared_norm_float(int set, const float *x, ptrdiff_t size)
{
    return CHOOSE(set, squared_norm_float, (x, size));
}

static inline double squared_norm_double(int set, const double *x, ptrdiff_t size)
{
    return CHOOSE(set, squared_norm_double, (x, size));
}

#undef CHOOSE

#endif
