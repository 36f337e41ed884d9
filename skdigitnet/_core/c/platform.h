/*
 * What systems and compilers do each in their own way: code for an instruction set, what a
 * processor has, and how a thread lets others run. Whatever else is compiled here is C11, with
 * the vector types and built-in functions that GCC and Clang share, clang-cl among them.
 */
#ifndef SKDIGITNET_PLATFORM_H
#define SKDIGITNET_PLATFORM_H

#if !defined __GNUC__ && !defined __clang__ /* which clang-cl alone defines */
#error "skdigitnet uses vector types, which MSVC lacks: build it with clang-cl, GCC or Clang"
#endif

#ifdef __x86_64__
#include <immintrin.h>
#if defined __clang__ && defined _MSC_VER /* there it leaves out what is not built for */
#include <smmintrin.h>
#include <avxintrin.h>
#include <avx512fintrin.h>
#endif
#endif

#ifdef _WIN32
#ifndef WIN32_LEAN_AND_MEAN
#define WIN32_LEAN_AND_MEAN
#endif
#include <windows.h>
#else
#include <sched.h>
#endif

/* A function with this attribute may use these instructions, whatever else is built for. */
#define COMPILED_FOR(instructions) __attribute__((target(instructions)))

/* The processor, which is done with this turn of a loop that waits, may rest a moment. */
static inline void relax(void)
{
#ifdef __x86_64__
    __builtin_ia32_pause();
#endif
}

/* Let another thread run on this core. */
static inline void yield(void)
{
#ifdef _WIN32
    SwitchToThread();
#else
    sched_yield();
#endif
}

#ifdef __x86_64__
#ifdef _WIN32
/* __builtin_cpu_supports calls a library of Clang's that MSVC's linker does not know of. */
#include <cpuid.h>

enum {
    /* of leaf 1, ecx */
    FMA_BIT = 1 << 12, XGETBV_BIT = 1 << 27,
    /* of leaf 7, ebx */
    AVX2_BIT = 1 << 5, AVX512F_BIT = 1 << 16, AVX512DQ_BIT = 1 << 17,
    /* what the system saves of a thread: registers of 16, 32 and 64 bytes, and masks */
    AVX_STATE = 0x6, AVX512_STATE = 0xE6
};
static const unsigned AVX512VL_BIT = 1u << 31;

static inline int processor_has(unsigned bits_of_leaf_7, unsigned state)
{
    unsigned eax, ebx, ecx, edx, saved, rest;
    const unsigned needed = FMA_BIT | XGETBV_BIT;
    if (!__get_cpuid(1, &eax, &ebx, &ecx, &edx) || (ecx & needed) != needed)
        return 0;
    __asm__ volatile("xgetbv" : "=a"(saved), "=d"(rest) : "c"(0));
    return (saved & state) == state && __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx)
        && (ebx & bits_of_leaf_7) == bits_of_leaf_7;
}

static inline int processor_has_avx2(void)
{
    return processor_has(AVX2_BIT, AVX_STATE);
}

static inline int processor_has_avx512(void)
{
    return processor_has(AVX512F_BIT | AVX512DQ_BIT | AVX512VL_BIT, AVX512_STATE);
}
#else
static inline int processor_has_avx2(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

static inline int processor_has_avx512(void)
{
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl")
        && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("fma");
}
#endif
#endif

#endif
