"""One step of gradient descent, momentum, Nesterov's momentum or Adam."""

from libc.math cimport pow, sqrt

from ._gemm cimport real

cdef enum UpdateKind:
    GRADIENT_DESCENT
    MOMENTUM
    NESTEROV
    ADAM

cdef struct UpdateRule:
    UpdateKind kind
    double learning_rate
    double momentum
    double beta_1
    double beta_2
    double epsilon
    Py_ssize_t n_steps


cdef inline void apply_update(
    UpdateRule* rule, Py_ssize_t size, const real* gradient, real* moments, real* theta
) noexcept nogil:
    """Plain, momentum and Nesterov steps as MLPClassifier takes them; Adam after
    Kingma and Ba, "Adam: a method for stochastic optimization", 2015, algorithm 1
    with the bias corrections folded into the step size (end of section 2).
    """
    cdef:
        Py_ssize_t i
        real lr = <real> rule.learning_rate, mu = <real> rule.momentum
        real beta_1 = <real> rule.beta_1, beta_2 = <real> rule.beta_2
        real rest_1 = <real> (1 - rule.beta_1), rest_2 = <real> (1 - rule.beta_2)
        real epsilon = <real> rule.epsilon
        real* velocity = moments
        real* second = moments + size
    rule.n_steps += 1
    if rule.kind == GRADIENT_DESCENT:
        for i in range(size):
            theta[i] -= lr * gradient[i]
    elif rule.kind == MOMENTUM:
        for i in range(size):
            velocity[i] = mu * velocity[i] - lr * gradient[i]
            theta[i] += velocity[i]
    elif rule.kind == NESTEROV:
        for i in range(size):
            velocity[i] = mu * velocity[i] - lr * gradient[i]
            theta[i] += mu * velocity[i] - lr * gradient[i]
    else:
        lr = <real> (
            rule.learning_rate
            * sqrt(1 - pow(rule.beta_2, <double> rule.n_steps))
            / (1 - pow(rule.beta_1, <double> rule.n_steps))
        )
        for i in range(size):
            moments[i] = beta_1 * moments[i] + rest_1 * gradient[i]
            second[i] = beta_2 * second[i] + rest_2 * gradient[i] * gradient[i]
            theta[i] -= lr * moments[i] / (<real> sqrt(second[i]) + epsilon)
