/*
 * One step, included for every REAL and TARGET. In each loop g is the loss's gradient and the
 * penalty's, decay theta.
 */

#define JOIN_(f, real, target) f##_##real##_##target
#define JOIN(f, real, target) JOIN_(f, real, target)
#define NAME(f) JOIN(f, REAL, TARGET)

static inline ATTRIBUTES void NAME(gradient_descent)(
    ptrdiff_t size, REAL rate, REAL decay,
    const REAL *restrict gradient, REAL *restrict theta)
{
    for (ptrdiff_t i = 0; i < size; i++) {
        const REAL g = MULTIPLY_ADD(decay, theta[i], gradient[i]);
        theta[i] = MULTIPLY_ADD(-rate, g, theta[i]);
    }
}

static inline ATTRIBUTES void NAME(momentum)(
    ptrdiff_t size, REAL rate, REAL mu, REAL decay,
    const REAL *restrict gradient, REAL *restrict velocity, REAL *restrict theta)
{
    for (ptrdiff_t i = 0; i < size; i++) {
        const REAL g = MULTIPLY_ADD(decay, theta[i], gradient[i]);
        const REAL step = -rate * g;
        velocity[i] = MULTIPLY_ADD(mu, velocity[i], step);
        theta[i] += velocity[i];
    }
}

static inline ATTRIBUTES void NAME(nesterov)(
    ptrdiff_t size, REAL rate, REAL mu, REAL decay,
    const REAL *restrict gradient, REAL *restrict velocity, REAL *restrict theta)
{
    for (ptrdiff_t i = 0; i < size; i++) {
        const REAL g = MULTIPLY_ADD(decay, theta[i], gradient[i]);
        const REAL step = -rate * g;
        velocity[i] = MULTIPLY_ADD(mu, velocity[i], step);
        theta[i] += MULTIPLY_ADD(mu, velocity[i], step);
    }
}

static inline ATTRIBUTES void NAME(adam)(
    ptrdiff_t size, REAL rate, const UpdateRule *rule, REAL decay,
    const REAL *restrict gradient, REAL *restrict mean, REAL *restrict square,
    REAL *restrict theta)
{
    const REAL beta_1 = rule->beta_1, rest_1 = 1 - rule->beta_1;
    const REAL beta_2 = rule->beta_2, rest_2 = 1 - rule->beta_2;
    const REAL epsilon = rule->epsilon;
    for (ptrdiff_t i = 0; i < size; i++) {
        const REAL g = MULTIPLY_ADD(decay, theta[i], gradient[i]);
        mean[i] = MULTIPLY_ADD(beta_1, mean[i], rest_1 * g);
        square[i] = MULTIPLY_ADD(beta_2, square[i], rest_2 * g * g);
        theta[i] -= rate * mean[i] / (BUILTIN(sqrt)(square[i]) + epsilon);
    }
}

static inline ATTRIBUTES void NAME(update)(
    const UpdateRule *rule, ptrdiff_t size, REAL rate, REAL decay,
    const REAL *gradient, REAL *first, REAL *second, REAL *theta)
{
    const REAL mu = rule->momentum;
    switch (rule->kind) {
    case GRADIENT_DESCENT:
        NAME(gradient_descent)(size, rate, decay, gradient, theta);
        break;
    case MOMENTUM:
        NAME(momentum)(size, rate, mu, decay, gradient, first, theta);
        break;
    case NESTEROV:
        NAME(nesterov)(size, rate, mu, decay, gradient, first, theta);
        break;
    case ADAM:
        NAME(adam)(size, rate, rule, decay, gradient, first, second, theta);
        break;
    }
}

#undef NAME
#undef JOIN
#undef JOIN_
