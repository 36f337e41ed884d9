/*
 * Includes TEMPLATE, a file of functions on REAL, once for every instruction set. The template
 * sees TARGET, for its functions' names; ATTRIBUTES, for their declarations; and MULTIPLY_ADD,
 * fused wherever that is one instruction. It must be written out: were it left to the compiler
 * which product to fuse with which sum, an element's bits might depend on its place. CHOOSE
 * calls the function for an instruction set.
 */
#include "instruction_set.h"

#ifdef __x86_64__
#define TARGET avx512
#define ATTRIBUTES COMPILED_FOR_AVX512
#define MULTIPLY_ADD(x, y, z) BUILTIN(fma)(x, y, z)
#include TEMPLATE
#undef MULTIPLY_ADD
#undef ATTRIBUTES
#undef TARGET
#define TARGET avx2
#define ATTRIBUTES COMPILED_FOR_AVX2
#define MULTIPLY_ADD(x, y, z) BUILTIN(fma)(x, y, z)
#include TEMPLATE
#undef MULTIPLY_ADD
#undef ATTRIBUTES
#undef TARGET
#endif
#ifdef __aarch64__
#define TARGET neon
#define ATTRIBUTES
#define MULTIPLY_ADD(x, y, z) BUILTIN(fma)(x, y, z)
#include TEMPLATE
#undef MULTIPLY_ADD
#undef ATTRIBUTES
#undef TARGET
#endif
#define TARGET portable
#define ATTRIBUTES
#ifdef PORTABLE_IS_FUSED
#define MULTIPLY_ADD(x, y, z) BUILTIN(fma)(x, y, z)
#else
#define MULTIPLY_ADD(x, y, z) ((x) * (y) + (z))
#endif
#include TEMPLATE
#undef MULTIPLY_ADD
#undef ATTRIBUTES
#undef TARGET

#ifndef CHOOSE
#ifdef __x86_64__
#define CHOOSE(set, function, arguments) \
    ((set) == AVX512 ? function##_avx512 arguments \
     : (set) == AVX2 ? function##_avx2 arguments : function##_portable arguments)
#elif defined __aarch64__
#define CHOOSE(set, function, arguments) \
    ((set) == NEON ? function##_neon arguments : function##_portable arguments)
#else
#define CHOOSE(set, function, arguments) ((void)(set), function##_portable arguments)
#endif
#endif
