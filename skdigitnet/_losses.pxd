"""The output layer: loss of one row and its derivative by the pre-activation z.

Every function takes the row's pre-activations z and targets t (each of length
n), overwrites z with d loss / d z, and returns the loss. Log losses are computed
from z itself, so no probability is ever clipped (Goodfellow, Bengio and
Courville, "Deep Learning", 2016, section 6.2.2).
"""

from libc.math cimport fabs, log, log1p

from ._elementwise cimport exp, sigmoid
from ._gemm cimport real

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


cdef inline double softmax(real* z, Py_ssize_t n) noexcept nogil:
    """z <- softmax(z). Return log sum_k exp(z_k - max_j z_j)."""
    cdef:
        Py_ssize_t k
        real largest = row_max(z, n), total = 0
    for k in range(n):
        z[k] = exp(z[k] - largest)
        total += z[k]
    for k in range(n):
        z[k] /= total
    return log(<double> total)


cdef inline double softmax_log_loss(real* z, const real* t, Py_ssize_t n) noexcept nogil:
    """-sum_k t_k log p_k, p = softmax(z), sum_k t_k = 1; derivative p - t."""
    cdef:
        Py_ssize_t k
        double loss = 0
        real largest = row_max(z, n)
    for k in range(n):
        loss += t[k] * <double> (largest - z[k])
    loss += softmax(z, n)
    for k in range(n):
        z[k] -= t[k]
    return loss


cdef inline double logistic_log_loss(real* z, const real* t, Py_ssize_t n) noexcept nogil:
    """-sum_k t_k log a_k + (1 - t_k) log(1 - a_k), a = sigmoid(z); derivative a - t."""
    cdef:
        Py_ssize_t k
        double loss = 0
    for k in range(n):
        # log(1 + exp(z)) - t z, with the exponent never positive
        loss += (z[k] if z[k] > 0 else 0) - t[k] * <double> z[k]
        loss += log1p(<double> exp(<real> -fabs(z[k])))
        z[k] = sigmoid(z[k]) - t[k]
    return loss


cdef inline double softmax_squared_error(real* z, const real* t, Py_ssize_t n) noexcept nogil:
    """1/2 ||p - t||^2, p = softmax(z); derivative p * (p - t - <p, p - t>)."""
    cdef:
        Py_ssize_t k
        double loss = 0
        real inner = 0
    softmax(z, n)
    for k in range(n):
        loss += (z[k] - t[k]) * <double> (z[k] - t[k])
        inner += z[k] * (z[k] - t[k])
    for k in range(n):
        z[k] *= z[k] - t[k] - inner
    return loss / 2


cdef inline double logistic_squared_error(real* z, const real* t, Py_ssize_t n) noexcept nogil:
    """1/2 ||a - t||^2, a = sigmoid(z); derivative (a - t) a (1 - a)."""
    cdef:
        Py_ssize_t k
        double loss = 0
        real a
    for k in range(n):
        a = sigmoid(z[k])
        loss += (a - t[k]) * <double> (a - t[k])
        # sigmoid(-z) is 1 - a without its cancellation
        z[k] = (a - t[k]) * a * sigmoid(-z[k])
    return loss / 2


cdef inline double identity_squared_error(real* z, const real* t, Py_ssize_t n) noexcept nogil:
    """1/2 ||z - t||^2; derivative z - t."""
    cdef:
        Py_ssize_t k
        double loss = 0
    for k in range(n):
        z[k] -= t[k]
        loss += z[k] * <double> z[k]
    return loss / 2


cdef inline double loss_and_derivative(
    OutputLoss f, real* z, const real* t, Py_ssize_t n
) noexcept nogil:
    if f == SOFTMAX_LOG_LOSS:
        return softmax_log_loss(z, t, n)
    if f == LOGISTIC_LOG_LOSS:
        return logistic_log_loss(z, t, n)
    if f == SOFTMAX_SQUARED_ERROR:
        return softmax_squared_error(z, t, n)
    if f == LOGISTIC_SQUARED_ERROR:
        return logistic_squared_error(z, t, n)
    return identity_squared_error(z, t, n)
