/*
 * One function of the headers in skdigitnet/_core/c, called as often as is asked, for
 * instructions.py to count the instructions of:
 *
 *     instructions SET FUNCTION REAL REPEATS M N K
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "elementwise.h"
#include "gemm.h"
#include "updates.h"

static int is(const char *one, const char *other)
{
    return strcmp(one, other) == 0;
}

static void *array(ptrdiff_t size, size_t element)
{
    void *start = calloc(size, element); /* zeros cost what other numbers cost */
    if (start == NULL)
        exit(2);
    return start;
}

static const char *const update_names[] = {"gradient_descent", "momentum", "nesterov", "adam"};

static UpdateRule rule_named(const char *name)
{
    UpdateRule rule = {.learning_rate = 0.1, .momentum = 0.9, .beta_1 = 0.9, .beta_2 = 0.99,
                       .epsilon = 1e-8, .n_steps = 1};
    for (int kind = GRADIENT_DESCENT; kind <= ADAM; kind++)
        if (is(name, update_names[kind]))
            rule.kind = (UpdateKind)kind;
    return rule;
}

#define REPEAT(call) \
    for (long i = 0; i < repeats; i++) \
        call

/* Every second entry of a is stored, and a is as good as dense for `gemm`. */
#define DEFINE_CALL(real) \
    static int call_##real(int set, const char *name, long repeats, ptrdiff_t m, ptrdiff_t n, \
                           ptrdiff_t k) \
    { \
        real *a = array(m * k, sizeof *a), *b = array(k * n, sizeof *b); \
        real *c = array(m * n, sizeof *c), *d = array(m * n, sizeof *d); \
        real *first = array(m * n, sizeof *first), *second = array(m * n, sizeof *second); \
        int *indices = array(m * k, sizeof *indices); \
        ptrdiff_t *begin = array(m + 1, sizeof *begin); \
        const UpdateRule rule = rule_named(name); \
        for (ptrdiff_t i = 0; i < m; i++) { \
            for (ptrdiff_t p = 0; p < k / 2; p++) \
                indices[i * (k / 2) + p] = (int)(2 * p); \
            begin[i + 1] = (i + 1) * (k / 2); \
        } \
        if (is(name, "forward")) \
            REPEAT(gemm_##real(set, m, n, k, a, k, 1, b, 1, d, 0, c)); \
        else if (is(name, "gradient")) \
            REPEAT(gemm_##real(set, m, n, k, a, 1, m, b, 1, c, n, c)); \
        else if (is(name, "sparse")) \
            REPEAT(spmm_##real(set, m, n, k, a, indices, begin, begin + 1, b, 1, d, 0, c, \
                               NULL)); \
        else if (is(name, "logistic")) \
            REPEAT(map_##real(set, LOGISTIC, c, m * n)); \
        else if (is(name, "tanh")) \
            REPEAT(map_##real(set, TANH, c, m * n)); \
        else if (is(name, "relu")) \
            REPEAT(map_##real(set, RELU, c, m * n)); \
        else if (is(name, "exp")) \
            REPEAT(map_##real(set, EXPONENTIAL, c, m * n)); \
        else if (is(name, "logistic'")) \
            REPEAT(multiply_by_derivative_##real(set, LOGISTIC, c, d, m * n)); \
        else if (is(name, "tanh'")) \
            REPEAT(multiply_by_derivative_##real(set, TANH, c, d, m * n)); \
        else if (is(name, "relu'")) \
            REPEAT(multiply_by_derivative_##real(set, RELU, c, d, m * n)); \
        else if (is(name, "squared_norm")) \
            REPEAT(*d += (real)squared_norm_##real(set, c, m * n)); \
        else if (is(name, update_names[rule.kind])) \
            REPEAT(update_##real(set, &rule, m * n, 0.1, 0.1, d, first, second, c)); \
        else \
            return 3; \
        return c[0] + d[0] > 1e30; \
    }
DEFINE_CALL(float)
DEFINE_CALL(double)

int main(int count, char **argument)
{
    if (count != 8)
        return 4;
    for (int set = 0; set < N_INSTRUCTION_SETS; set++)
        if (is(argument[1], instruction_set_names[set]))
            return (is(argument[3], "float") ? call_float : call_double)(
                set, argument[2], atol(argument[4]), atol(argument[5]), atol(argument[6]),
                atol(argument[7]));
    return 5;
}
