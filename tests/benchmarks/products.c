/*
 * The products of gemm.h, BLAS's, and the most multiply-adds that this processor can do in
 * registers, each repeated and timed without Python; for products.py.
 */
#include <time.h>

#include "gemm.h"

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + 1e-9 * t.tv_nsec;
}

int instruction_set(void)
{
    return best_instruction_set();
}

/* Operations a second: multiply-adds of as many vectors as hide the latency of one. */
#define PEAK(real, name, ATTRIBUTES, bytes) \
    ATTRIBUTES double peak_##real##_##name(long repeats, real x, real *result) \
    { \
        enum { LANES = bytes / sizeof(real), SUMS = 12 }; \
        typedef real vector __attribute__((vector_size(bytes))); \
        vector sum[SUMS]; \
        for (int i = 0; i < SUMS; i++) \
            sum[i] = (vector){0} + (real)i; \
        const vector factor = (vector){0} + x; \
        const double start = now(); \
        for (long k = 0; k < repeats; k++) \
            _Pragma("GCC unroll 16") \
            for (int i = 0; i < SUMS; i++) \
                sum[i] = sum[i] * factor + factor; \
        const double seconds = now() - start; \
        for (int i = 0; i < SUMS; i++) \
            *result += sum[i][0]; \
        return 2.0 * SUMS * LANES * repeats / seconds; \
    }
PEAK(float, portable, , 16)
PEAK(double, portable, , 16)
#ifdef __x86_64__
PEAK(float, avx2, COMPILED_FOR_AVX2, 32)
PEAK(double, avx2, COMPILED_FOR_AVX2, 32)
PEAK(float, avx512, COMPILED_FOR_AVX512, 64)
PEAK(double, avx512, COMPILED_FOR_AVX512, 64)
#elif defined __aarch64__
PEAK(float, neon, , 16)
PEAK(double, neon, , 16)
#endif

/* c = a @ b, or a.T @ b + c with a of shape (k, m); b is Fortran's first factor */
#define TIME(real) \
    double ours_##real( \
        int set, int transposed, ptrdiff_t m, ptrdiff_t n, ptrdiff_t k, long repeats, \
        const real *a, const real *b, real *c) \
    { \
        const double start = now(); \
        for (long i = 0; i < repeats; i++) \
            gemm_##real(set, m, n, k, a, transposed ? 1 : k, transposed ? m : 1, b, \
                        transposed, c, n, c); \
        return now() - start; \
    } \
    double blas_##real( \
        void (*gemm)(const char *, const char *, const int *, const int *, const int *, \
                     const real *, const real *, const int *, const real *, const int *, \
                     const real *, real *, const int *), \
        int transposed, int m, int n, int k, long repeats, \
        const real *a, const real *b, real *c) \
    { \
        const real one = 1, beta = transposed; \
        const int a_row = transposed ? m : k; \
        const double start = now(); \
        for (long i = 0; i < repeats; i++) \
            gemm("N", transposed ? "T" : "N", &n, &m, &k, &one, b, &n, a, &a_row, &beta, \
                 c, &n); \
        return now() - start; \
    }
TIME(float)
TIME(double)
