/* The instruction set of this processor, detected at run time on x86-64. */
#ifndef SKDIGITNET_INSTRUCTION_SET_H
#define SKDIGITNET_INSTRUCTION_SET_H

#ifndef __GNUC__
#error "skdigitnet uses the vector types of GCC and Clang; on Windows build it with clang-cl"
#endif

/* PORTABLE is what the compiler is told to build for: on Arm that includes NEON. */
enum instruction_set { PORTABLE, AVX2, AVX512 };

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
#endif
    return PORTABLE;
}

#endif
