# cython: language_level=3, freethreading_compatible=True
"""Matrix products, functions of arrays and update steps, and the instruction set in use.

The C templates are compiled here and nowhere else: what other modules call is declared in
``arithmetic.pxd``.
"""

cdef extern from "c/instruction_set.h" nogil:
    enum: N_INSTRUCTION_SETS
    const char** instruction_set_names
    int best_instruction_set()

cdef extern from "c/gemm.h" nogil:
    void gemm_float(
        int instruction_set, Py_ssize_t m, Py_ssize_t n, Py_ssize_t k,
        const float* a, Py_ssize_t a_row, Py_ssize_t a_col, const float* b,
        float beta, const float* d, Py_ssize_t d_row, float* c)
    void gemm_double(
        int instruction_set, Py_ssize_t m, Py_ssize_t n, Py_ssize_t k,
        const double* a, Py_ssize_t a_row, Py_ssize_t a_col, const double* b,
        double beta, const double* d, Py_ssize_t d_row, double* c)
    void spmm_float(
        int instruction_set, Py_ssize_t m, Py_ssize_t n, Py_ssize_t k,
        const float* values, const int* indices,
        const Py_ssize_t* begin, const Py_ssize_t* end, const float* b,
        float beta, const float* d, Py_ssize_t d_row, float* c, float* packed)
    void spmm_double(
        int instruction_set, Py_ssize_t m, Py_ssize_t n, Py_ssize_t k,
        const double* values, const int* indices,
        const Py_ssize_t* begin, const Py_ssize_t* end, const double* b,
        double beta, const double* d, Py_ssize_t d_row, double* c, double* packed)

cdef extern from "c/elementwise.h" nogil:
    enum: EXPONENTIAL
    void map_float(int instruction_set, Activation f, float* z, Py_ssize_t size)
    void map_double(int instruction_set, Activation f, double* z, Py_ssize_t size)
    void multiply_by_derivative_float(
        int instruction_set, Activation f, const float* a, float* delta, Py_ssize_t size)
    void multiply_by_derivative_double(
        int instruction_set, Activation f, const double* a, double* delta, Py_ssize_t size)
    double squared_norm_float(int instruction_set, const float* x, Py_ssize_t size)
    double squared_norm_double(int instruction_set, const double* x, Py_ssize_t size)

cdef extern from "c/updates.h" nogil:
    void update_float(
        int instruction_set, const UpdateRule* rule, Py_ssize_t size, double rate,
        double decay, const float* gradient, float* first, float* second, float* theta)
    void update_double(
        int instruction_set, const UpdateRule* rule, Py_ssize_t size, double rate,
        double decay, const double* gradient, double* first, double* second, double* theta)

# those that are compiled for this architecture, in rising order
INSTRUCTION_SETS = {
    instruction_set_names[number].decode(): number for number in range(N_INSTRUCTION_SETS)
}

cdef int in_use = best_instruction_set()


def use_instruction_set(str name=None):
    """Use this instruction set from now on, the best one by default.

    Returns
    -------
    name : str
        The one now in use: the best of this processor, if it lacks the one asked for.
    """
    global in_use
    wanted = N_INSTRUCTION_SETS if name is None else INSTRUCTION_SETS[name]
    in_use = min(best_instruction_set(), wanted)
    return list(INSTRUCTION_SETS)[in_use]


cdef void gemm(
    Py_ssize_t m, Py_ssize_t n, Py_ssize_t k,
    const real* a, Py_ssize_t a_row, Py_ssize_t a_col, const real* b,
    real beta, const real* d, Py_ssize_t d_row, real* c,
) noexcept nogil:
    if real is float:
        gemm_float(in_use, m, n, k, a, a_row, a_col, b, beta, d, d_row, c)
    else:
        gemm_double(in_use, m, n, k, a, a_row, a_col, b, beta, d, d_row, c)


cdef void spmm(
    Py_ssize_t m, Py_ssize_t n, Py_ssize_t k,
    const real* values, const int* indices,
    const Py_ssize_t* begin, const Py_ssize_t* end, const real* b,
    real beta, const real* d, Py_ssize_t d_row, real* c, real* packed,
) noexcept nogil:
    if real is float:
        spmm_float(in_use, m, n, k, values, indices, begin, end, b, beta, d, d_row, c, packed)
    else:
        spmm_double(in_use, m, n, k, values, indices, begin, end, b, beta, d, d_row, c, packed)


cdef void activate(Activation f, real* z, Py_ssize_t size) noexcept nogil:
    if real is float:
        map_float(in_use, f, z, size)
    else:
        map_double(in_use, f, z, size)


cdef void multiply_by_derivative(
    Activation f, const real* a, real* delta, Py_ssize_t size
) noexcept nogil:
    if real is float:
        multiply_by_derivative_float(in_use, f, a, delta, size)
    else:
        multiply_by_derivative_double(in_use, f, a, delta, size)


cdef void exp_array(real* x, Py_ssize_t size) noexcept nogil:
    activate(<Activation> EXPONENTIAL, x, size)


cdef double squared_norm(const real* x, Py_ssize_t size) noexcept nogil:
    if real is float:
        return squared_norm_float(in_use, x, size)
    else:
        return squared_norm_double(in_use, x, size)


cdef void apply_update(
    const UpdateRule* rule, Py_ssize_t size, double rate, double decay,
    const real* gradient, real* first, real* second, real* theta,
) noexcept nogil:
    if real is float:
        update_float(in_use, rule, size, rate, decay, gradient, first, second, theta)
    else:
        update_double(in_use, rule, size, rate, decay, gradient, first, second, theta)
