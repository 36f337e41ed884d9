# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
# cython: initializedcheck=False
"""Forward pass, backward pass, update and epoch: no Python, no GIL, no allocation.

Everything is row-major. A *block* is a run of m rows that go through the network
together; a mini-batch is one block or several. In comments l counts the weight
layers from 0, A_l is the input of layer l (A_0 = X), Z_l = A_l W_l + b_l and
delta_l = d J / d Z_l; the equations are those of Rumelhart, Hinton and Williams,
"Learning representations by back-propagating errors", Nature 323, 1986.
"""

from libc.math cimport pow, sqrt
from libc.stdint cimport INT32_MAX
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy, memset

from ._activations cimport (
    IDENTITY, LOGISTIC, RELU, TANH, Activation, activate, multiply_by_derivative,
)
from ._elementwise cimport squared_norm
from ._gemm cimport gemm, real
from ._losses cimport (
    IDENTITY_SQUARED_ERROR, LOGISTIC_LOG_LOSS, LOGISTIC_SQUARED_ERROR,
    SOFTMAX_LOG_LOSS, SOFTMAX_SQUARED_ERROR, OutputLoss, loss_and_derivative,
)

import numpy as np

ACTIVATIONS = {"identity": IDENTITY, "logistic": LOGISTIC, "tanh": TANH, "relu": RELU}

OUTPUT_LOSSES = {
    ("log_loss", "softmax"): SOFTMAX_LOG_LOSS,
    ("log_loss", "logistic"): LOGISTIC_LOG_LOSS,
    ("squared_error", "softmax"): SOFTMAX_SQUARED_ERROR,
    ("squared_error", "logistic"): LOGISTIC_SQUARED_ERROR,
    ("squared_error", "identity"): IDENTITY_SQUARED_ERROR,
}

cdef extern from "_instruction_set.h" nogil:
    enum: PORTABLE, AVX2, AVX512
    int best_instruction_set()

cdef enum UpdateRule:
    GRADIENT_DESCENT
    MOMENTUM
    NESTEROV
    ADAM

UPDATE_RULES = {
    "gradient_descent": GRADIENT_DESCENT, "momentum": MOMENTUM,
    "nesterov": NESTEROV, "adam": ADAM,
}


cdef struct Layer:
    Py_ssize_t n_in
    Py_ssize_t n_out
    Py_ssize_t coefs       # where W_l starts in theta
    Py_ssize_t intercepts  # where b_l starts in theta
    Py_ssize_t outputs     # where A_{l+1} starts in the workspace


cdef class Backprop:
    """The plan of one forward and backward pass: what lies where.

    theta holds every W_l, then every b_l. The workspace, one flat array of
    ``workspace_size`` elements in theta's dtype, holds all that a pass over one
    block of at most ``block_size`` rows writes.
    """

    cdef:
        Layer* layers
        Activation activation
        OutputLoss output_loss
        # where they start in the workspace
        Py_ssize_t inputs, targets, weights, delta, delta_below, transposed
        readonly Py_ssize_t n_layers, n_coefs, n_params, block_size, workspace_size

    def __cinit__(
        self, layer_sizes, str activation, str loss, str out_activation,
        Py_ssize_t block_size, bint sparse,
    ):
        cdef Py_ssize_t l
        cdef Layer* layer
        self.activation = ACTIVATIONS[activation]
        self.output_loss = OUTPUT_LOSSES[loss, out_activation]
        self.n_layers = len(layer_sizes) - 1
        self.layers = <Layer*> calloc(self.n_layers, sizeof(Layer))
        if self.layers == NULL:
            raise MemoryError
        for l in range(self.n_layers):
            layer = &self.layers[l]
            layer.n_in, layer.n_out = layer_sizes[l], layer_sizes[l + 1]
            layer.coefs = self.n_coefs
            self.n_coefs += layer.n_in * layer.n_out
        self.n_params = self.n_coefs
        for l in range(self.n_layers):
            self.layers[l].intercepts = self.n_params
            self.n_params += self.layers[l].n_out
        self._lay_out_workspace(block_size, 0 if sparse else layer_sizes[0])

    cdef _lay_out_workspace(self, Py_ssize_t block_size, Py_ssize_t n_gathered):
        cdef Py_ssize_t l, end = 0, widest = 0, largest = 0
        self.block_size = block_size
        for l in range(self.n_layers):
            self.layers[l].outputs = end
            end += block_size * self.layers[l].n_out
            widest = max(widest, self.layers[l].n_out)
            if l > 0:
                largest = max(largest, self.layers[l].n_in * self.layers[l].n_out)
        self.inputs = end
        self.targets = self.inputs + block_size * n_gathered
        self.weights = self.targets + block_size * self.layers[self.n_layers - 1].n_out
        self.delta = self.weights + block_size
        self.delta_below = self.delta + block_size * widest
        self.transposed = self.delta_below + block_size * widest
        self.workspace_size = self.transposed + largest

    def __dealloc__(self):
        free(self.layers)


cdef class Data:
    """A training set as the kernels read it; holds its arrays alive.

    Parameters
    ----------
    X : ndarray or CSR of shape (n_rows, n_features)
        float32 or float64; copied if it is not C-contiguous.
    y : ndarray of shape (n_rows,) of intp, or (n_rows, n_outputs) of uint8
        Class indices, whose one-hot rows are never stored, or an indicator matrix.
    sample_weight : ndarray of shape (n_rows,) of float64
    """

    cdef:
        tuple arrays
        const void* values
        const int* indices
        const Py_ssize_t* indptr
        const Py_ssize_t* labels    # NULL when y is an indicator matrix
        const unsigned char* indicator
        const double* weight
        readonly Py_ssize_t n_rows, n_features
        readonly bint is_sparse
        readonly object dtype, sample_weight

    def __cinit__(self, X, y, sample_weight):
        cdef:
            const double[::1] weight = sample_weight
            const Py_ssize_t[::1] labels
            const unsigned char[:, ::1] indicator
        self.n_rows, self.n_features = X.shape
        self.dtype = X.dtype
        self.sample_weight = sample_weight
        self.weight = &weight[0]
        if y.ndim == 1:
            labels = y
            self.labels = &labels[0]
        else:
            indicator = y
            self.indicator = &indicator[0, 0]
        if weight.shape[0] != self.n_rows or y.shape[0] != self.n_rows:
            raise ValueError("X, y and sample_weight must have the same number of rows")
        self.arrays = (X, y, sample_weight)
        self.is_sparse = not isinstance(X, np.ndarray)
        if self.is_sparse:
            self._point_to_sparse(X)
        else:
            self._point_to_values(np.ascontiguousarray(X).reshape(-1))

    cdef _point_to_values(self, flat):
        cdef const unsigned char[::1] values = flat.view(np.uint8)
        self.arrays += (flat,)
        self.values = &values[0]

    cdef _point_to_sparse(self, X):
        if X.shape[1] > INT32_MAX:
            raise ValueError(
                f"sparse X has {X.shape[1]} features; at most {INT32_MAX} are supported"
            )
        X.check_format(full_check=True)  # an index out of range would be followed
        arrays = tuple(
            np.ascontiguousarray(a, dtype=t)
            for a, t in ((X.data, X.dtype), (X.indices, np.int32), (X.indptr, np.intp))
        )
        cdef:
            const int[::1] indices = arrays[1]
            const Py_ssize_t[::1] indptr = arrays[2]
        self.indices = &indices[0]
        self.indptr = &indptr[0]
        self.arrays += arrays
        self._point_to_values(arrays[0])


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


# One layer forward

cdef void affine(
    const real* a, const real* W, const real* b,
    Py_ssize_t m, Py_ssize_t n_in, Py_ssize_t n_out, real* z,
) noexcept nogil:
    """z = a @ W + b."""
    cdef Py_ssize_t i
    for i in range(m):
        memcpy(z + i * n_out, b, n_out * sizeof(real))
    gemm(instruction_set, m, n_out, n_in, a, n_in, 1, W, <real> 1, z)


cdef void affine_sparse(
    const real* values, const int* indices, const Py_ssize_t* indptr,
    const Py_ssize_t* rows, const real* weight, const real* W, const real* b,
    Py_ssize_t m, Py_ssize_t n_out, real* z,
) noexcept nogil:
    """z = X[rows] @ W + b for X in CSR form, a row of no weight taken as zeros."""
    cdef Py_ssize_t i, j, p
    cdef const real* w
    for i in range(m):
        memcpy(z + i * n_out, b, n_out * sizeof(real))
        if weight[i] == 0:
            continue
        for p in range(indptr[rows[i]], indptr[rows[i] + 1]):
            w = W + indices[p] * n_out
            for j in range(n_out):
                z[i * n_out + j] += values[p] * w[j]


# One layer's gradient

cdef void transpose(
    const real* W, Py_ssize_t n_in, Py_ssize_t n_out, real* out
) noexcept nogil:
    """out = W.T, in squares that stay in cache."""
    cdef Py_ssize_t i, j, first_i, first_j
    for first_i in range(0, n_in, 16):
        for first_j in range(0, n_out, 16):
            for j in range(first_j, min(first_j + 16, n_out)):
                for i in range(first_i, min(first_i + 16, n_in)):
                    out[j * n_in + i] = W[i * n_out + j]


cdef inline void scale(real factor, real* x, Py_ssize_t size) noexcept nogil:
    """x <- factor * x; what x held before is not read when factor is 0."""
    cdef Py_ssize_t i
    if factor == 0:
        memset(x, 0, size * sizeof(real))
    elif factor != 1:
        for i in range(size):
            x[i] *= factor


cdef void add_outer_sparse(
    const real* values, const int* indices, const Py_ssize_t* indptr,
    const Py_ssize_t* rows, const real* weight, const real* delta,
    Py_ssize_t m, Py_ssize_t n_out, real* out,
) noexcept nogil:
    """out += X[rows].T @ delta for X in CSR form, a row of no weight left out."""
    cdef Py_ssize_t i, j, p
    cdef real* o
    for i in range(m):
        if weight[i] == 0:
            continue
        for p in range(indptr[rows[i]], indptr[rows[i] + 1]):
            o = out + indices[p] * n_out
            for j in range(n_out):
                o[j] += values[p] * delta[i * n_out + j]


cdef void add_column_sums(
    const real* delta, Py_ssize_t m, Py_ssize_t n_out, real* out
) noexcept nogil:
    """out += sum_i delta_i."""
    cdef Py_ssize_t i, j
    for i in range(m):
        for j in range(n_out):
            out[j] += delta[i * n_out + j]


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
                a, theta + layer.coefs, theta + layer.intercepts,
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


# The update

cdef class Update:
    """The update rule of theta, its constants and its step count.

    ``n_moments`` is how many numbers the rule keeps for each parameter: the velocity
    of momentum, the first and second moment of Adam.
    """

    cdef:
        UpdateRule rule
        double momentum, beta_1, beta_2, epsilon
        public double learning_rate
        public Py_ssize_t n_steps
        readonly Py_ssize_t n_moments

    def __cinit__(
        self, str rule, *, double learning_rate, double momentum=0.0,
        double beta_1=0.9, double beta_2=0.999, double epsilon=1e-8,
    ):
        self.rule = UPDATE_RULES[rule]
        self.n_moments = {GRADIENT_DESCENT: 0, ADAM: 2}.get(self.rule, 1)
        self.learning_rate, self.momentum = learning_rate, momentum
        self.beta_1, self.beta_2, self.epsilon = beta_1, beta_2, epsilon


cdef void apply_update(
    Update update, Py_ssize_t size, const real* gradient, real* moments, real* theta
) noexcept nogil:
    """Plain, momentum and Nesterov steps as MLPClassifier takes them; Adam after
    Kingma and Ba, "Adam: a method for stochastic optimization", 2015, algorithm 1
    with the bias corrections folded into the step size (end of section 2).
    """
    cdef:
        Py_ssize_t i
        real lr = <real> update.learning_rate, mu = <real> update.momentum
        real beta_1 = <real> update.beta_1, beta_2 = <real> update.beta_2
        real rest_1 = <real> (1 - update.beta_1), rest_2 = <real> (1 - update.beta_2)
        real epsilon = <real> update.epsilon
        real* velocity = moments
        real* second = moments + size
    update.n_steps += 1
    if update.rule == GRADIENT_DESCENT:
        for i in range(size):
            theta[i] -= lr * gradient[i]
    elif update.rule == MOMENTUM:
        for i in range(size):
            velocity[i] = mu * velocity[i] - lr * gradient[i]
            theta[i] += velocity[i]
    elif update.rule == NESTEROV:
        for i in range(size):
            velocity[i] = mu * velocity[i] - lr * gradient[i]
            theta[i] += mu * velocity[i] - lr * gradient[i]
    else:
        lr = <real> (
            update.learning_rate
            * sqrt(1 - pow(update.beta_2, <double> update.n_steps))
            / (1 - pow(update.beta_1, <double> update.n_steps))
        )
        for i in range(size):
            moments[i] = beta_1 * moments[i] + rest_1 * gradient[i]
            second[i] = beta_2 * second[i] + rest_2 * gradient[i] * gradient[i]
            theta[i] -= lr * moments[i] / (<real> sqrt(second[i]) + epsilon)


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
        bint starts, ends, direct = update.rule == GRADIENT_DESCENT
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
                    -update.learning_rate, 1 - update.learning_rate * decay, 1, &theta[0],
                )
                update.n_steps += 1
            else:
                loss = backpropagate(
                    net, data, &order[i], m, weight_scale, &theta[0], &work[0],
                    1, 0 if starts else 1, 0 if starts else 1, &gradient[0],
                )
                if ends:
                    add_penalty_gradient(net, decay, &theta[0], &gradient[0])
                    apply_update(update, net.n_params, &gradient[0], moment, &theta[0])
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
        affine(&a[0, 0], &W[0, 0], &b[0], m, n, k, &out[0, 0])
        activate(instruction_set, f, &out[0, 0], m * k)
    return out.base


def apply_activation(str activation, real[:, ::1] z):
    """z <- f(z)."""
    cdef Activation f = ACTIVATIONS[activation]
    with nogil:
        activate(instruction_set, f, &z[0, 0], z.shape[0] * z.shape[1])
