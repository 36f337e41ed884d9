# cython: cdivision=True
"""The output layer: loss of one row and its derivative by the pre-activation z.

For a whole block of rows ``exponentials`` comes first. Then every function takes a row's
pre-activations z and targets t (each of length n), finds the exponentials in delta and
overwrites them with d loss / d z, and returns the loss. Log losses are computed from z
itself, so no probability is ever clipped (Goodfellow, Bengio and Courville, "Deep
Learning", 2016, section 6.2.2).

Cython makes a C switch of a chain of if and elif over one enum, and a switch that leaves a
loss out does not compile (-Werror=switch and switch-enum in pyproject.toml).
"""

from libc.math cimport log, log1p

from .arithmetic cimport exp_array
from .real cimport real

cdef enum OutputLoss:
    SOFTMAX_LOG_LOSS
    LOGISTIC_LOG_LOSS
    SOFTMAX_SQUARED_ERROR
    LOGISTIC_SQUARED_ERROR
    IDENTITY_SQUARED_ERROR


cdef inline real row_max(const real* z, Py_ssize_t n) noexcept nogil:
    cdef:
        Py_ssize_t k
        real largest = z[0]
    for k in range(1, n):
        largest = z[k] if z[k] > largest else largest
    return largest


cdef inline void exponentials(
    OutputLoss f, const real* z, Py_ssize_t m, Py_ssize_t n, real* out
) noexcept nogil:
    """out_ik = exp(z_ik - max_j z_ij) for softmax, exp(-|z_ik|) for logistic outputs."""
    cdef:
        Py_ssize_t i, k
        real largest
    if f == SOFTMAX_LOG_LOSS or f == SOFTMAX_SQUARED_ERROR:
        for i in range(m):
            largest = row_max(z + i * n, n)
            for k in range(n):
                out[i * n + k] = z[i * n + k] - largest
    elif f == LOGISTIC_LOG_LOSS or f == LOGISTIC_SQUARED_ERROR:
        for i in range(m * n):
            out[i] = -z[i] if z[i] > 0 else z[i]
    elif f == IDENTITY_SQUARED_ERROR:
        return
    exp_array(out, m * n)


cdef inline real divide_by_sum(real* p, Py_ssize_t n) noexcept nogil:
    """p <- p / sum_k p_k. Return the sum."""
    cdef:
        Py_ssize_t k
        real total = 0
    for k in range(n):
        total += p[k]
    for k in range(n):
        p[k] /= total
    return total


cdef inline real sigmoid(real z, real e) noexcept nogil:
    """1 / (1 + exp(-z)), given e = exp(-|z|)."""
    return (1 if z > 0 else e) / (1 + e)


cdef inline double softmax_log_loss(
    const real* z, const real* t, Py_ssize_t n, real* delta
) noexcept nogil:
    """-sum_k t_k log p_k, p = softmax(z), sum_k t_k = 1; derivative p - t."""
    cdef:
        Py_ssize_t k
        double loss = 0
        real largest = row_max(z, n)
    for k in range(n):
        loss += t[k] * <double> (largest - z[k])
    loss += log(<double> divide_by_sum(delta, n))
    for k in range(n):
        delta[k] -= t[k]
    return loss


cdef inline double logistic_log_loss(
    const real* z, const real* t, Py_ssize_t n, real* delta
) noexcept nogil:
    """-sum_k t_k log a_k + (1 - t_k) log(1 - a_k), a = sigmoid(z); derivative a - t."""
    cdef:
        Py_ssize_t k
        double loss = 0
    for k in range(n):
        # log(1 + exp(z)) - t z, with the exponent never positive
        loss += (z[k] if z[k] > 0 else 0) - t[k] * <double> z[k]
        loss += log1p(<double> delta[k])
        delta[k] = sigmoid(z[k], delta[k]) - t[k]
    return loss


cdef inline double softmax_squared_error(
    const real* z, const real* t, Py_ssize_t n, real* delta
) noexcept nogil:
    """1/2 ||p - t||^2, p = softmax(z); derivative p * (p - t - <p, p - t>)."""
    cdef:
        Py_ssize_t k
        double loss = 0
        real inner = 0
        real* p = delta
    divide_by_sum(p, n)
    for k in range(n):
        loss += (p[k] - t[k]) * <double> (p[k] - t[k])
        inner += p[k] * (p[k] - t[k])
    for k in range(n):
        delta[k] = p[k] * (p[k] - t[k] - inner)
    return loss / 2


cdef inline double logistic_squared_error(
    const real* z, const real* t, Py_ssize_t n, real* delta
) noexcept nogil:
    """1/2 ||a - t||^2, a = sigmoid(z); derivative (a - t) a (1 - a)."""
    cdef:
        Py_ssize_t k
        double loss = 0
        real a
    for k in range(n):
        a = sigmoid(z[k], delta[k])
        loss += (a - t[k]) * <double> (a - t[k])
        # sigmoid(-z) is 1 - a without its cancellation
        delta[k] = (a - t[k]) * a * sigmoid(-z[k], delta[k])
    return loss / 2


cdef inline double identity_squared_error(
    const real* z, const real* t, Py_ssize_t n, real* delta
) noexcept nogil:
    """1/2 ||z - t||^2; derivative z - t."""
    cdef:
        Py_ssize_t k
        double loss = 0
    for k in range(n):
        delta[k] = z[k] - t[k]
        loss += delta[k] * <double> delta[k]
    return loss / 2


cdef inline double loss_and_derivative(
    OutputLoss f, const real* z, const real* t, Py_ssize_t n, real* delta
) noexcept nogil:
    if f == SOFTMAX_LOG_LOSS:
        return softmax_log_loss(z, t, n, delta)
    elif f == LOGISTIC_LOG_LOSS:
        return logistic_log_loss(z, t, n, delta)
    elif f == SOFTMAX_SQUARED_ERROR:
        return softmax_squared_error(z, t, n, delta)
    elif f == LOGISTIC_SQUARED_ERROR:
        return logistic_squared_error(z, t, n, delta)
    elif f == IDENTITY_SQUARED_ERROR:
        return identity_squared_error(z, t, n, delta)
