/* The instruction sets of this architecture, and the best that this processor has. */
#ifndef SKDIGITNET_INSTRUCTION_SET_H
#define SKDIGITNET_INSTRUCTION_SET_H

#ifndef __GNUC__
#error "skdigitnet uses the vector types of GCC and Clang; on Windows build it with clang-cl"
#endif

/* In rising order. PORTABLE is what the compiler is told to build for. */
#if defined __x86_64__
enum instruction_set { PORTABLE, AVX2, AVX512, N_INSTRUCTION_SETS };
#define INSTRUCTION_SET_NAMES {"portable", "avx2", "avx512"}
#elif defined __aarch64__
enum instruction_set { PORTABLE, NEON, N_INSTRUCTION_SETS };
#define INSTRUCTION_SET_NAMES {"portable", "neon"}
#else
enum instruction_set { PORTABLE, N_INSTRUCTION_SETS };
#define INSTRUCTION_SET_NAMES {"portable"}
#endif

static const char *const instruction_set_names[N_INSTRUCTION_SETS] = INSTRUCTION_SET_NAMES;

/* Whether what is built for everyone multiplies and adds in one instruction; on Arm not all
   compilers define __FP_FAST_FMA. */
#if defined __FP_FAST_FMA || defined __aarch64__
#define PORTABLE_IS_FUSED
#endif

#define COMPILED_FOR_AVX2 __attribute__((target("avx2,fma")))
#define COMPILED_FOR_AVX512 __attribute__((target("avx512f,avx512vl,avx512dq,fma")))

static int best_instruction_set(void)
{
#ifdef __x86_64__
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl")
        && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("fma"))
        return AVX512;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        return AVX2;
#elif defined __aarch64__
    return NEON; /* every 64-bit Arm processor has it */
#endif
    return PORTABLE;
}

#endif
