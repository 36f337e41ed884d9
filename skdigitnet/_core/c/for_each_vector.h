/*
 * Includes TEMPLATE for every TARGET (instruction set), REAL (float, double) and LANES
 * (elements of a vector). AVX-512 and NEON have 32 vector registers, the others 16: AVX-512 has
 * room for 8 ROWS of 3 vectors of sums, NEON for 7, since a register of its own holds every
 * factor, and for two rows of 8 SPARSE_VECTORS. AVX-512 can load and store part of a vector,
 * for rows shorter than one. Vectors are contracted to fused multiply-adds wherever there are
 * any; scalars, which the compiler may gather into vectors before it contracts, are told so.
 */
#define FUSED(x, y, z) (sizeof(x) == 4 ? __builtin_fmaf(x, y, z) : __builtin_fma(x, y, z))

#ifdef __x86_64__
#define TARGET avx512
#define ATTRIBUTES COMPILED_FOR_AVX512
#define ROWS 8
#define SPARSE_VECTORS 4
#define SCALAR_MULTIPLY_ADD FUSED
#define REAL float
#define LANES 16
#include TEMPLATE
#define MASKED_LOAD(mask, p) _mm512_maskz_loadu_ps(mask, p)
#define MASKED_STORE(mask, p, x) _mm512_mask_storeu_ps(p, mask, x)
#include TEMPLATE
#undef MASKED_STORE
#undef MASKED_LOAD
#undef LANES
#undef REAL
#define REAL double
#define LANES 8
#include TEMPLATE
#define MASKED_LOAD(mask, p) _mm512_maskz_loadu_pd(mask, p)
#define MASKED_STORE(mask, p, x) _mm512_mask_storeu_pd(p, mask, x)
#include TEMPLATE
#undef MASKED_STORE
#undef MASKED_LOAD
#undef LANES
#undef REAL
#undef SCALAR_MULTIPLY_ADD
#undef SPARSE_VECTORS
#undef ROWS
#undef ATTRIBUTES
#undef TARGET

#define TARGET avx2
#define ATTRIBUTES COMPILED_FOR_AVX2
#define ROWS 4
#define SPARSE_VECTORS 4
#define SCALAR_MULTIPLY_ADD FUSED
#define REAL float
#define LANES 8
#include TEMPLATE
#undef LANES
#define LANES 4
#include TEMPLATE
#undef LANES
#define LANES 1
#include TEMPLATE
#undef LANES
#undef REAL
#define REAL double
#define LANES 4
#include TEMPLATE
#undef LANES
#define LANES 2
#include TEMPLATE
#undef LANES
#define LANES 1
#include TEMPLATE
#undef LANES
#undef REAL
#undef SCALAR_MULTIPLY_ADD
#undef SPARSE_VECTORS
#undef ROWS
#undef ATTRIBUTES
#undef TARGET
#endif

#ifdef __aarch64__
#define TARGET neon
#define ATTRIBUTES
#define ROWS 7
#define SPARSE_VECTORS 8
#define SCALAR_MULTIPLY_ADD FUSED
#define REAL float
#define LANES 4
#include TEMPLATE
#undef LANES
#define LANES 1
#include TEMPLATE
#undef LANES
#undef REAL
#define REAL double
#define LANES 2
#include TEMPLATE
#undef LANES
#define LANES 1
#include TEMPLATE
#undef LANES
#undef REAL
#undef SCALAR_MULTIPLY_ADD
#undef SPARSE_VECTORS
#undef ROWS
#undef ATTRIBUTES
#undef TARGET
#endif

#define TARGET portable
#define ATTRIBUTES
#define ROWS 4
#define SPARSE_VECTORS 4
#ifdef PORTABLE_IS_FUSED
#define SCALAR_MULTIPLY_ADD FUSED
#else
#define SCALAR_MULTIPLY_ADD(x, y, z) ((x) * (y) + (z))
#endif
#define REAL float
#define LANES 4
#include TEMPLATE
#undef LANES
#define LANES 1
#include TEMPLATE
#undef LANES
#undef REAL
#define REAL double
#define LANES 2
#include TEMPLATE
#undef LANES
#define LANES 1
#include TEMPLATE
#undef LANES
#undef REAL
#undef SCALAR_MULTIPLY_ADD
#undef SPARSE_VECTORS
#undef ROWS
#undef ATTRIBUTES
#undef TARGET

#undef FUSED
