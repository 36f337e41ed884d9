/*
 * Hidden-layer activations and their derivatives, exp and a sum of squares, as
 * elementwise_template.h says: loops that compilers vectorise. They call no C library, so
 * that every one gives the same bits.
 */
#ifndef SKDIGITNET_ELEMENTWISE_H
#define SKDIGITNET_ELEMENTWISE_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "function.h"
#include "unroll.h"

#define TEMPLATE "elementwise_template.h"

/* exp(LOWEST) is below half the smallest subnormal: zero. The coefficients are those of
   expm1(r) = r + r^2 (C0 + C1 r + ...) for |r| <= ln(2) / 2, of the least largest relative
   error (1.5e-8 for float, 3.4e-17 for double once rounded), by E. Remez's exchange. */
#define REAL float
#define BUILTIN(name) __builtin_##name##f
#define UINT uint32_t
#define MANTISSA_BITS 23
#define SHIFT 64
#define MAGIC (12582912 + 127 + SHIFT)
#define UNSHIFT 0x1p-64f
#define LOWEST -104
#define LOG2_E 1.44269504f
#define LN2_HIGH 0.693145751953125f
#define LN2_LOW 1.42860682e-6f
#define COEFFICIENTS \
    {0.5f, 0x1.5554a0p-3f, 0x1.555448p-5f, 0x1.12342ap-7f, 0x1.6e4fecp-10f}
#include "for_each_instruction_set.h"
#undef REAL
#undef BUILTIN
#undef UINT
#undef MANTISSA_BITS
#undef SHIFT
#undef MAGIC
#undef UNSHIFT
#undef LOWEST
#undef LOG2_E
#undef LN2_HIGH
#undef LN2_LOW
#undef COEFFICIENTS

#define REAL double
#define BUILTIN(name) __builtin_##name
#define UINT uint64_t
#define MANTISSA_BITS 52
#define SHIFT 512
#define MAGIC (6755399441055744 + 1023 + SHIFT)
#define UNSHIFT 0x1p-512
#define LOWEST -746
#define LOG2_E 1.4426950408889634
#define LN2_HIGH 0.6931471803691238
#define LN2_LOW 1.9082149292705877e-10
#define COEFFICIENTS \
    {0x1.0000000000005p-1, 0x1.5555555555539p-3, 0x1.55555555522a9p-5, 0x1.1111111118fd0p-7, \
     0x1.6c16c17edfce7p-10, 0x1.a01a01750b204p-13, 0x1.a019a761ff726p-16, \
     0x1.71de8812cb530p-19, 0x1.28a1ede462ac7p-22, 0x1.ae6ba75f6dd9cp-26}
#include "for_each_instruction_set.h"
#undef REAL
#undef BUILTIN
#undef UINT
#undef MANTISSA_BITS
#undef SHIFT
#undef MAGIC
#undef UNSHIFT
#undef LOWEST
#undef LOG2_E
#undef LN2_HIGH
#undef LN2_LOW
#undef COEFFICIENTS

#undef TEMPLATE

static inline void map_float(int set, Function f, float *z, ptrdiff_t size)
{
    CHOOSE(set, map_float, (f, z, size));
}

static inline void map_double(int set, Function f, double *z, ptrdiff_t size)
{
    CHOOSE(set, map_double, (f, z, size));
}

static inline void multiply_by_derivative_float(
    int set, Function f, const float *a, float *delta, ptrdiff_t size)
{
    CHOOSE(set, multiply_by_derivative_float, (f, a, delta, size));
}

static inline void multiply_by_derivative_double(
    int set, Function f, const double *a, double *delta, ptrdiff_t size)
{
    CHOOSE(set, multiply_by_derivative_double, (f, a, delta, size));
}

static inline double squared_norm_float(int set, const float *x, ptrdiff_t size)
{
    return CHOOSE(set, squared_norm_float, (x, size));
}

static inline double squared_norm_double(int set, const double *x, ptrdiff_t size)
{
    return CHOOSE(set, squared_norm_double, (x, size));
}

#endif
