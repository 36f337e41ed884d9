# cython: cdivision=True
"""One step of gradient descent, momentum, Nesterov's momentum or Adam."""

from .real cimport real

cdef extern from "c/updates.h" nogil:
    ctypedef enum UpdateKind:
        GRADIENT_DESCENT
        MOMENTUM
        NESTEROV
        ADAM

    ctypedef struct UpdateRule:
        UpdateKind kind
        double learning_rate
        double momentum
        double beta_1
        double beta_2
        double epsilon
        Py_ssize_t n_steps

    double step_size(const UpdateRule* rule)
    void update_float(
        int instruction_set, const UpdateRule* rule, Py_ssize_t size, double rate,
        double decay, const float* gradient, float* first, float* second, float* theta)
    void update_double(
        int instruction_set, const UpdateRule* rule, Py_ssize_t size, double rate,
        double decay, const double* gradient, double* first, double* second, double* theta)


cdef inline void apply_update(
    int instruction_set, const UpdateRule* rule, Py_ssize_t size, double rate, double decay,
    const real* gradient, real* first, real* second, real* theta,
) noexcept nogil:
    """One step at the given rate for parameters penalised with ``decay``.

    Plain, momentum and Nesterov steps as MLPClassifier takes them; Adam after
    Kingma and Ba, "Adam: a method for stochastic optimization", 2015, algorithm 1.
    ``first`` is the velocity or Adam's first moment, ``second`` its second.
    """
    if real is float:
        update_float(
            instruction_set, rule, size, rate, decay, gradient, first, second, theta
        )
    else:
        update_double(
            instruction_set, rule, size, rate, decay, gradient, first, second, theta
        )
