/* The instruction sets of this architecture, and the best that this processor has. */
#ifndef SKDIGITNET_INSTRUCTION_SET_H
#define SKDIGITNET_INSTRUCTION_SET_H

#include "platform.h"

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

#define COMPILED_FOR_AVX2 COMPILED_FOR("avx2,fma")
#define COMPILED_FOR_AVX512 COMPILED_FOR("avx512f,avx512vl,avx512dq,fma")

static int best_instruction_set(void)
{
#ifdef __x86_64__
    if (processor_has_avx512())
        return AVX512;
    if (processor_has_avx2())
        return AVX2;
#elif defined __aarch64__
    return NEON; /* every 64-bit Arm processor has it */
#endif
    return PORTABLE;
}

#endif
