/* The instruction set of this processor, detected at run time on x86-64. */
#ifndef SKDIGITNET_INSTRUCTION_SET_H
#define SKDIGITNET_INSTRUCTION_SET_H

#include "platform.h"

/* PORTABLE is what the compiler is told to build for: on Arm that includes NEON. */
enum instruction_set { PORTABLE, AVX2, AVX512 };

#define COMPILED_FOR_AVX2 COMPILED_FOR("avx2,fma")
#define COMPILED_FOR_AVX512 COMPILED_FOR("avx512f,avx512vl,avx512dq,fma")

static int best_instruction_set(void)
{
#ifdef __x86_64__
    if (processor_has_avx512())
        return AVX512;
    if (processor_has_avx2())
        return AVX2;
#endif
    return PORTABLE;
}

#endif
