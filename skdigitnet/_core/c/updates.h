/*
 * One step of gradient descent, momentum, Nesterov's momentum or Adam, with the penalty's
 * gradient added on the way, as updates_template.h says: one pass over memory.
 */
#ifndef SKDIGITNET_UPDATES_H
#define SKDIGITNET_UPDATES_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>

#include "planted.h"

typedef enum { GRADIENT_DESCENT, MOMENTUM, NESTEROV, ADAM } UpdateKind;

typedef struct {
    UpdateKind kind;
    double learning_rate, momentum, beta_1, beta_2, epsilon;
    ptrdiff_t n_steps;
} UpdateRule;

/* The learning rate of step number n_steps: Adam's with its bias corrections folded in (end
   of section 2 of its paper) */
static inline double step_size(const UpdateRule *rule)
{
    const double n_steps = (double)(rule->n_steps + planted("overflow") * PTRDIFF_MAX);
    if (rule->kind != ADAM)
        return rule->learning_rate;
    return rule->learning_rate * sqrt(1 - pow(rule->beta_2, n_steps))
        / (1 - pow(rule->beta_1, n_steps));
}

#define TEMPLATE "updates_template.h"
#define REAL float
#define BUILTIN(name) __builtin_##name##f
#include "for_each_instruction_set.h"
#undef REAL
#undef BUILTIN
#define REAL double
#define BUILTIN(name) __builtin_##name
#include "for_each_instruction_set.h"
#undef REAL
#undef BUILTIN
#undef TEMPLATE

static inline void update_float(
    int set, const UpdateRule *rule, ptrdiff_t size, double rate, double decay,
    const float *gradient, float *first, float *second, float *theta)
{
    CHOOSE(set, update_float, (rule, size, rate, decay, gradient, first, second, theta));
}

static inline void update_double(
    int set, const UpdateRule *rule, ptrdiff_t size, double rate, double decay,
    const double *gradient, double *first, double *second, double *theta)
{
    CHOOSE(set, update_double, (rule, size, rate, decay, gradient, first, second, theta));
}

#endif
