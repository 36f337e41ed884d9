"""The arithmetic that is compiled for every instruction set; calls use the one in use."""

from .real cimport real

cdef extern from "c/function.h" nogil:
    ctypedef enum Activation "Function":
        IDENTITY
        LOGISTIC
        TANH
        RELU

cdef extern from "c/update_rule.h" nogil:
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


# c = a @ b + beta * d; a is (m, k), b is (k, n), c and d are (m, n).
# Element (i, p) of a is at a[i * a_row + p * a_col], so a may be a transpose; b and c are
# C-contiguous, and so are d's rows, d_row elements apart. d may be c, or with d_row = 0 one
# row for all. With beta = 0 d is not read.
cdef void gemm(
    Py_ssize_t m, Py_ssize_t n, Py_ssize_t k,
    const real* a, Py_ssize_t a_row, Py_ssize_t a_col, const real* b,
    real beta, const real* d, Py_ssize_t d_row, real* c,
) noexcept nogil

# c = a @ b + beta * d, to the bit as gemm, for sparse a.
# Row i of a has values[p] in column indices[p] for p from begin[i] to end[i], the columns in
# rising order. `packed`, of 64 * k elements, is for a copy of parts of b, worth its time if a
# has several entries a column; or NULL.
cdef void spmm(
    Py_ssize_t m, Py_ssize_t n, Py_ssize_t k,
    const real* values, const int* indices,
    const Py_ssize_t* begin, const Py_ssize_t* end, const real* b,
    real beta, const real* d, Py_ssize_t d_row, real* c, real* packed,
) noexcept nogil

# z <- f(z)
cdef void activate(Activation f, real* z, Py_ssize_t size) noexcept nogil

# delta <- delta * f'(z), given a = f(z): so the pre-activation z need not be kept
cdef void multiply_by_derivative(
    Activation f, const real* a, real* delta, Py_ssize_t size
) noexcept nogil

# x <- exp(x) for x <= 0
cdef void exp_array(real* x, Py_ssize_t size) noexcept nogil

# ||x||^2
cdef double squared_norm(const real* x, Py_ssize_t size) noexcept nogil

# One step at the given rate for parameters penalised with `decay`.
# Plain, momentum and Nesterov steps as MLPClassifier takes them; Adam after Kingma and Ba,
# "Adam: a method for stochastic optimization", 2015, algorithm 1. `first` is the velocity or
# Adam's first moment, `second` its second.
cdef void apply_update(
    const UpdateRule* rule, Py_ssize_t size, double rate, double decay,
    const real* gradient, real* first, real* second, real* theta,
) noexcept nogil
