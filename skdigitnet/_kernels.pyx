# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
# cython: initializedcheck=False
"""Forward pass, backward pass, update and epoch: no Python, no GIL, no allocation.

Everything is row-major. A *block* is a run of m rows that go through the network
together; a mini-batch is one block or several. In comments l counts the weight
layers from 0, A_l is the input of layer l (A_0 = X), Z_l = A_l W_l + b_l and
delta_l = d J / d Z_l; the equations are those of Rumelhart, Hinton and Williams,
"Learning representations by back-propagating errors", Nature 323, 1986.
"""

from libc.string cimport memcpy, memset

from ._activations cimport Activation, activate, multiply_by_derivative
from ._backprop cimport Backprop, Layer
from ._data cimport Data
from ._elementwise cimport squared_norm
from ._gemm cimport gemm, real
from ._layers cimport (
    add_column_sums, add_outer_sparse, affine, affine_sparse, scale, transpose,
)
from ._losses cimport loss_and_derivative
from ._updates cimport (
    ADAM, GRADIENT_DESCENT, MOMENTUM, NESTEROV, UpdateRule, apply_update,
)

import numpy as np

from skdigitnet._backprop import ACTIVATIONS

cdef extern from "_instruction_set.h" nogil:
    enum: PORTABLE, AVX2, AVX512
    int best_instruction_set()

UPDATE_RULES = {
    "gradient_descent": GRADIENT_DESCENT,
    "momentum": MOMENTUM,
    "nesterov": NESTEROV,
    "adam": ADAM,
}


cdef int instruction_set = best_instruction_set()

INSTRUCTION_SETS = {"portable": PORTABLE, "avx2": AVX2, "avx512": AVX512}


def use_instruction_set(str name=None):
    """Compute with this instruction set from now on, the best one by default.

    Returns
    -------
    name : str
        The one in use: the best that this processor has, if it lacks the wanted one.
    """
    global instruction_set
    instruction_set = min(best_instruction_set(), INSTRUCTION_SETS.get(name, AVX512))
    return {code: name for name, code in INSTRUCTION_SETS.items()}[instruction_set]


# A block through the whole network

cdef const real* gather(
    Backprop net, Data data, const Py_ssize_t* rows, Py_ssize_t m,
    double weight_scale, real* work,
) noexcept nogil:
    """Copy targets, weights and inputs of these rows; return where the inputs are.

    Rows that already lie side by side are not copied, nor is a sparse X. A row of no
    weight is taken as zeros, so that it cannot overflow and spoil the others' sums.
    """
    cdef:
        Py_ssize_t i, n = data.n_features, K = net.layers[net.n_layers - 1].n_out
        bint consecutive = True
        const real* X = <const real*> data.values
        real* t = work + net.targets
    for i in range(m):
        work[net.weights + i] = <real> (data.weight[rows[i]] * weight_scale)
        consecutive = consecutive and rows[i] == rows[0] + i and work[net.weights + i] != 0
    if data.labels != NULL:
        memset(t, 0, m * K * sizeof(real))
        for i in range(m):
            t[i * K + data.labels[rows[i]]] = 1
    else:
        for i in range(m * K):
            t[i] = data.indicator[rows[i // K] * K + i % K]
    if data.is_sparse:
        return NULL
    if consecutive:
        return X + rows[0] * n
    for i in range(m):
        if work[net.weights + i] == 0:
            memset(work + net.inputs + i * n, 0, n * sizeof(real))
        else:
            memcpy(work + net.inputs + i * n, X + rows[i] * n, n * sizeof(real))
    return work + net.inputs


cdef void forward(
    Backprop net, Data data, const real* X, const Py_ssize_t* rows, Py_ssize_t m,
    const real* theta, real* work,
) noexcept nogil:
    """Leave A_1, A_2, ... and the last layer's Z in the workspace."""
    cdef:
        Py_ssize_t l
        Layer* layer
        real* z
        const real* a = X
    for l in range(net.n_layers):
        layer = &net.layers[l]
        z = work + layer.outputs
        if a == NULL:
            affine_sparse(
                <const real*> data.values, data.indices, data.indptr, rows,
                work + net.weights, theta + layer.coefs, theta + layer.intercepts,
                m, layer.n_out, z,
            )
        else:
            affine(
                instruction_set, a, theta + layer.coefs, theta + layer.intercepts,
                m, layer.n_in, layer.n_out, z,
            )
        if l < net.n_layers - 1:
            activate(instruction_set, net.activation, z, m * layer.n_out)
        a = z


cdef double output_delta(
    Backprop net, Py_ssize_t m, real step, real* work
) noexcept nogil:
    """Put ``step`` times the output layer's delta in place; return the weighted loss."""
    cdef:
        Py_ssize_t i, k, last = net.n_layers - 1, K = net.layers[last].n_out
        double loss = 0
        real* delta = work + net.delta
        real w
    memcpy(delta, work + net.layers[last].outputs, m * K * sizeof(real))
    for i in range(m):
        w = work[net.weights + i]
        # a row of no weight must not count, not even when its loss is infinite
        if w == 0:
            memset(delta + i * K, 0, K * sizeof(real))
            continue
        loss += w * loss_and_derivative(
            net.output_loss, delta + i * K, work + net.targets + i * K, K
        )
        for k in range(K):
            delta[i * K + k] *= w * step
    return loss


cdef void backward(
    Backprop net, Data data, const real* X, const Py_ssize_t* rows, Py_ssize_t m,
    const real* theta, real* work, real keep_coefs, real keep_intercepts, real* out,
) noexcept nogil:
    """out <- keep * out + gradient of the block's loss, as scaled by the output's delta.

    ``out`` may be theta itself (plain gradient descent without a gradient array),
    since layer l's weights are read for delta_{l-1} before they are written.
    """
    cdef:
        Py_ssize_t l
        Layer* layer
        const real* a
        real* delta = work + net.delta
        real* delta_below = work + net.delta_below
        real* transposed = work + net.transposed
    for l in range(net.n_layers - 1, -1, -1):
        layer = &net.layers[l]
        a = work + net.layers[l - 1].outputs if l > 0 else X
        if l > 0:
            # delta_{l-1} = (delta_l W_l^T) * f'(Z_{l-1})
            transpose(theta + layer.coefs, layer.n_in, layer.n_out, transposed)
            gemm(
                instruction_set, m, layer.n_in, layer.n_out,
                delta, layer.n_out, 1, transposed, <real> 0, delta_below,
            )
            multiply_by_derivative(net.activation, a, delta_below, m * layer.n_in)
        # d loss / d W_l = A_l^T delta_l
        if a == NULL:
            scale(keep_coefs, out + layer.coefs, layer.n_in * layer.n_out)
            add_outer_sparse(
                <const real*> data.values, data.indices, data.indptr, rows,
                work + net.weights, delta, m, layer.n_out, out + layer.coefs,
            )
        else:
            gemm(
                instruction_set, layer.n_in, layer.n_out, m,
                a, 1, layer.n_in, delta, keep_coefs, out + layer.coefs,
            )
        # d loss / d b_l = sum of delta_l's rows
        scale(keep_intercepts, out + layer.intercepts, layer.n_out)
        add_column_sums(delta, m, layer.n_out, out + layer.intercepts)
        delta, delta_below = delta_below, delta


cdef double backpropagate(
    Backprop net, Data data, const Py_ssize_t* rows, Py_ssize_t m, double weight_scale,
    const real* theta, real* work,
    double step, double keep_coefs, double keep_intercepts, real* out,
) noexcept nogil:
    """Loss of a block, its rows weighted by ``weight_scale * sample_weight``.

    ``out`` receives ``keep * out + step * gradient``.
    """
    cdef:
        const real* X = gather(net, data, rows, m, weight_scale, work)
        double loss
    forward(net, data, X, rows, m, theta, work)
    loss = output_delta(net, m, <real> step, work)
    backward(
        net, data, X, rows, m, theta, work, <real> keep_coefs, <real> keep_intercepts, out,
    )
    return loss


# The penalty

cdef double penalty(Backprop net, double decay, const real* theta) noexcept nogil:
    """decay / 2 * sum_l ||W_l||^2."""
    return decay / 2 * squared_norm(instruction_set, theta, net.n_coefs) if decay != 0 else 0


cdef void add_penalty_gradient(
    Backprop net, double decay, const real* theta, real* gradient
) noexcept nogil:
    cdef Py_ssize_t i
    cdef real factor = <real> decay
    if decay != 0:
        for i in range(net.n_coefs):
            gradient[i] += factor * theta[i]


cdef class Update:
    """The update rule of theta, its constants and its step count.

    ``n_moments`` is how many numbers the rule keeps for each parameter: the velocity
    of momentum, the first and second moment of Adam.
    """

    cdef UpdateRule rule
    cdef readonly Py_ssize_t n_moments

    def __cinit__(
        self, str rule, *, double learning_rate, double momentum=0.0,
        double beta_1=0.9, double beta_2=0.999, double epsilon=1e-8,
    ):
        self.rule = UpdateRule(
            UPDATE_RULES[rule], learning_rate, momentum, beta_1, beta_2, epsilon, n_steps=0
        )
        self.n_moments = {GRADIENT_DESCENT: 0, ADAM: 2}.get(self.rule.kind, 1)

    @property
    def learning_rate(self):
        return self.rule.learning_rate

    @learning_rate.setter
    def learning_rate(self, double value):
        self.rule.learning_rate = value

    @property
    def n_steps(self):
        return self.rule.n_steps

    @n_steps.setter
    def n_steps(self, Py_ssize_t value):
        self.rule.n_steps = value


# What Python calls

cdef check_buffers(
    Backprop net, Data data, Py_ssize_t itemsize, Py_ssize_t theta, Py_ssize_t gradient,
    Py_ssize_t work,
):
    """Raise ValueError if an array does not fit the plan: the kernels do not look."""
    if data.dtype.itemsize != itemsize:
        raise ValueError(f"theta is not of the data's {data.dtype}")
    if data.n_features != net.layers[0].n_in:
        raise ValueError(f"the data have {data.n_features} features, not {net.layers[0].n_in}")
    if not data.is_sparse and net.targets - net.inputs < net.block_size * data.n_features:
        raise ValueError("the plan is for sparse X and the data are dense")
    if (theta, gradient, work) != (net.n_params, net.n_params, net.workspace_size):
        raise ValueError(
            f"theta, gradient and work have {theta}, {gradient} and {work} elements, not"
            f" {net.n_params}, {net.n_params} and {net.workspace_size}"
        )


def train(
    Backprop net not None, Data data not None, Update update not None,
    const Py_ssize_t[::1] order, Py_ssize_t start, Py_ssize_t stop,
    Py_ssize_t batch_size, double decay,
    real[::1] theta, real[::1] gradient, real[::1] moments, real[::1] work,
):
    """Go through the rows ``order[start:stop]``, updating after every mini-batch.

    Batches are counted from ``order[0]``, the last one may be shorter. A batch of
    more than ``net.block_size`` rows gathers its gradient block by block, so
    ``start`` may lie within a batch; the block that holds row ``stop - 1`` is
    finished.

    Parameters
    ----------
    net, data : IN
    update : INOUT, its ``n_steps`` is counted on
    order : IN, ndarray of shape (n_training_rows,), rows of data
    start, stop, batch_size : int, in positions of ``order``
    decay : float, alpha / W
    theta : INOUT, ndarray of shape (n_params,)
    gradient : INOUT, ndarray of shape (n_params,)
    moments : INOUT, ndarray of shape (update.n_moments * n_params,)
    work : OUT, ndarray of shape (workspace_size,)

    Returns
    -------
    position : int
        The position of ``order`` to go on from.
    loss : float
        Sum over the rows gone through of their batch's objective.
    """
    cdef:
        Py_ssize_t i = start, j, m, n = order.shape[0], first = 0, last = 0
        double total = 0, weight_sum, weight_scale = 0, loss
        double learning_rate = update.rule.learning_rate
        bint starts, ends, direct = update.rule.kind == GRADIENT_DESCENT
        real* moment = &moments[0] if moments.shape[0] > 0 else NULL
    check_buffers(
        net, data, sizeof(real), theta.shape[0], gradient.shape[0], work.shape[0]
    )
    if batch_size < 1 or moments.shape[0] != update.n_moments * net.n_params:
        raise ValueError(f"batch_size={batch_size}, moments of {moments.shape[0]} elements")
    with nogil:
        while i < stop:
            if i >= last:
                first = i - i % batch_size
                last = min(first + batch_size, n)
                weight_sum = 0
                for j in range(first, last):
                    weight_sum += data.weight[order[j]]
                weight_scale = 1 / weight_sum if weight_sum > 0 else 0
            m = min(last - i, net.block_size)
            starts, ends = i == first, i + m == last
            if starts:
                total += (last - first) * penalty(net, decay, &theta[0])
            if direct and starts and ends:
                loss = backpropagate(
                    net, data, &order[i], m, weight_scale, &theta[0], &work[0],
                    -learning_rate, 1 - learning_rate * decay, 1, &theta[0],
                )
                update.rule.n_steps += 1
            else:
                loss = backpropagate(
                    net, data, &order[i], m, weight_scale, &theta[0], &work[0],
                    1, 0 if starts else 1, 0 if starts else 1, &gradient[0],
                )
                if ends:
                    add_penalty_gradient(net, decay, &theta[0], &gradient[0])
                    apply_update(&update.rule, net.n_params, &gradient[0], moment, &theta[0])
            total += (last - first) * loss
            i += m
    return i, total


def add_loss_gradient(
    Backprop net not None, Data data not None,
    const Py_ssize_t[::1] order, Py_ssize_t start, Py_ssize_t stop, double weight_scale,
    const real[::1] theta, real[::1] gradient, real[::1] work,
):
    """Add the gradient of one block's loss to ``gradient`` (INOUT); return the loss.

    The rows are ``order[start:stop]``, at most ``net.block_size`` of them, each
    weighted by ``weight_scale * sample_weight``; the penalty is not included.
    """
    cdef double loss
    check_buffers(
        net, data, sizeof(real), theta.shape[0], gradient.shape[0], work.shape[0]
    )
    with nogil:
        loss = backpropagate(
            net, data, &order[start], min(stop - start, net.block_size), weight_scale,
            &theta[0], &work[0], 1, 1, 1, &gradient[0],
        )
    return loss


def add_penalty(
    Backprop net not None, double decay, const real[::1] theta, real[::1] gradient
):
    """Add the penalty's gradient to ``gradient`` (INOUT); return the penalty."""
    if theta.shape[0] != net.n_params or gradient.shape[0] != net.n_params:
        raise ValueError(f"theta and gradient must have {net.n_params} elements")
    add_penalty_gradient(net, decay, &theta[0], &gradient[0])
    return penalty(net, decay, &theta[0])


def layer_forward(
    const real[:, ::1] a, const real[:, ::1] W, const real[::1] b, str activation
):
    """f(a @ W + b) for a block of rows; shapes (m, n), (n, k), (k,) to (m, k)."""
    cdef:
        Activation f = ACTIVATIONS[activation]
        Py_ssize_t m = a.shape[0], n = W.shape[0], k = W.shape[1]
        real[:, ::1] out = np.empty((m, k), np.float32 if real is float else np.float64)
    if a.shape[1] != n or b.shape[0] != k:
        raise ValueError(f"shapes ({m}, {a.shape[1]}), ({n}, {k}), ({b.shape[0]},) do not fit")
    with nogil:
        affine(instruction_set, &a[0, 0], &W[0, 0], &b[0], m, n, k, &out[0, 0])
        activate(instruction_set, f, &out[0, 0], m * k)
    return out.base


def apply_activation(str activation, real[:, ::1] z):
    """z <- f(z)."""
    cdef Activation f = ACTIVATIONS[activation]
    with nogil:
        activate(instruction_set, f, &z[0, 0], z.shape[0] * z.shape[1])
