/* The update rules, their constants and the size of their next step. */
#ifndef SKDIGITNET_UPDATE_RULE_H
#define SKDIGITNET_UPDATE_RULE_H

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
    switch (rule->kind) {
    case GRADIENT_DESCENT:
    case MOMENTUM:
    case NESTEROV:
        return rule->learning_rate;
    case ADAM:
        return rule->learning_rate * sqrt(1 - pow(rule->beta_2, n_steps))
            / (1 - pow(rule->beta_1, n_steps));
    }
    __builtin_unreachable();
}

#endif
