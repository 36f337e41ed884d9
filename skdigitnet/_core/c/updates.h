/*
 * One step of gradient descent, momentum, Nesterov's momentum or Adam, with the penalty's
 * gradient added on the way, as updates_template.h says: one pass over memory.
 */
#ifndef SKDIGITNET_UPDATES_H
#define SKDIGITNET_UPDATES_H

#include <stddef.h>

#include "update_rule.h"

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
