# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
# cython: initializedcheck=False, freethreading_compatible=True
"""Training: forward pass, backward pass, update and epoch, without Python or the GIL.

Everything is row-major. A *block* is a run of m rows that go through the network
together; a mini-batch is one block or several. In comments l counts the weight
layers from 0, A_l is the input of layer l (A_0 = X), Z_l = A_l W_l + b_l and
delta_l = d J / d Z_l; the equations are those of Rumelhart, Hinton and Williams,
"Learning representations by back-propagating errors", Nature 323, 1986.

A kernel is called by every thread of the workspace's team at once, with the same
arguments but for its number, and gives the same bits whatever the team's size.
"""

from libc.stdint cimport uint64_t

from .arithmetic cimport (
    ADAM, GRADIENT_DESCENT, MOMENTUM, NESTEROV, UpdateRule, apply_update, squared_norm,
    step_size,
)
from .layers cimport transpose
from .passes cimport (
    Block, Share, backward_to_deltas, dense_inputs, panel_gradient, share_of_panels,
    sparse_gradient,
)
from .plan cimport Layer, Panel, Plan, Workspace, panel_of
from .real cimport real
from .rows cimport Samples
from .team cimport is_abandoned, wait_for_team

UPDATE_RULES = {
    "gradient_descent": GRADIENT_DESCENT,
    "momentum": MOMENTUM,
    "nesterov": NESTEROV,
    "adam": ADAM,
}


# The next block's rows are fetched meanwhile if they leave room in the second cache.
cdef enum:
    MAX_PREFETCHED_BYTES = 1 << 20


# The penalty

cdef double penalty(Plan plan, double decay, const real* theta) noexcept nogil:
    """decay / 2 * sum_l ||W_l||^2."""
    return decay / 2 * squared_norm(theta, plan.n_coefs) if decay != 0 else 0


cdef void add_penalty_gradient(
    Plan plan, double decay, const real* theta, real* gradient
) noexcept nogil:
    cdef Py_ssize_t i
    cdef real factor = <real> decay
    if decay != 0:
        for i in range(plan.n_coefs):
            gradient[i] += factor * theta[i]


cdef void finish_panel(
    Plan plan, Workspace workspace, Py_ssize_t i, double decay, const real* theta
) noexcept nogil:
    """Leave what the next block needs of panel i's weights: penalty, and W_l^T."""
    cdef:
        Panel panel = panel_of(plan, i)
        Layer* layer = &plan.layers[panel.layer]
        const real* W = theta + layer.coefs
    if decay != 0:
        workspace.penalties[i] = decay / 2 * squared_norm(
            W + panel.first * layer.n_out,
            (panel.last - panel.first) * layer.n_out,
        )
    if panel.layer > 0:
        transpose(
            W, layer.n_in, panel.first, panel.last, layer.n_out,
            <real*> workspace.reals + layer.transposed,
        )


cdef void finish_weights(
    Plan plan, Workspace workspace, int thread, double decay, const real* theta
) noexcept nogil:
    """Leave what the first block needs of this thread's weights."""
    cdef:
        Share share = share_of_panels(plan, workspace, thread)
        Py_ssize_t i
    for i in range(share.first, share.last):
        finish_panel(plan, workspace, i, decay, theta)


cdef double total_penalty(Plan plan, Workspace workspace, double decay) noexcept nogil:
    cdef:
        Py_ssize_t panel
        double total = 0
    if decay != 0:
        for panel in range(plan.n_panels):
            total += workspace.penalties[panel]
    return total


# The update

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


cdef void update_panel(
    Plan plan, const Panel* panel, const UpdateRule* rule, double rate, double decay,
    const real* gradient, real* moments, real* theta,
) noexcept nogil:
    """One step of a panel's weights, and with a layer's first of its intercepts."""
    cdef:
        Layer* layer = &plan.layers[panel.layer]
        Py_ssize_t start = layer.coefs + panel.first * layer.n_out
        real* second = moments + (plan.n_params if rule.kind == ADAM else 0)
    apply_update(
        rule, (panel.last - panel.first) * layer.n_out, rate, decay,
        gradient + start, moments + start, second + start, theta + start,
    )
    if panel.first == 0:
        start = layer.intercepts
        apply_update(
            rule, layer.n_out, rate, 0,
            gradient + start, moments + start, second + start, theta + start,
        )


# What Python calls

cdef check_buffers(
    Workspace workspace, int thread, Py_ssize_t itemsize, Py_ssize_t theta, Py_ssize_t gradient
):
    """Raise ValueError if an array does not fit the plan: the kernels do not look."""
    cdef Py_ssize_t n_params = workspace.plan.n_params
    if workspace.samples.itemsize != itemsize:
        raise ValueError(f"theta is not of the samples' {workspace.samples.dtype}")
    if not 0 <= thread < workspace.n_threads:
        raise ValueError(f"thread {thread} of {workspace.n_threads}")
    if (theta, gradient) != (n_params, n_params):
        raise ValueError(
            f"theta and gradient have {theta} and {gradient} elements, not {n_params}"
        )


cdef double one_over_weight(
    Samples samples, const Py_ssize_t[::1] order, Py_ssize_t first, Py_ssize_t last
) noexcept nogil:
    """1 / the sum of these rows' weights, or 0 if they have none."""
    cdef:
        Py_ssize_t i
        double total = 0
    for i in range(first, last):
        total += samples.weight[order[i]]
    return 1 / total if total > 0 else 0


cdef Block next_block(
    Plan plan, Samples samples, const Py_ssize_t[::1] order, Py_ssize_t i, Py_ssize_t last,
    double weight_scale, uint64_t dropout_key,
) noexcept nogil:
    """The rows of ``order`` from i to ``last``, as many as fit."""
    cdef:
        Py_ssize_t m = min(last - i, plan.block_size)
        const Py_ssize_t* rows = &order[i]
        const Py_ssize_t* end_of_next = rows + m
    if m * samples.row_bytes <= MAX_PREFETCHED_BYTES:
        end_of_next = &order[0] + order.shape[0]
    return Block(rows, m, rows + m, end_of_next, weight_scale, i, dropout_key)


def train(
    Workspace workspace not None, Update update not None,
    const Py_ssize_t[::1] order, Py_ssize_t start, Py_ssize_t stop,
    Py_ssize_t batch_size, double decay,
    real[::1] theta, real[::1] gradient, real[::1] moments, uint64_t dropout_key=0,
    *, int thread=0,
):
    """Go through the rows ``order[start:stop]``, updating after every mini-batch.

    Batches are counted from ``order[0]``, the last one may be shorter. A batch of
    more than ``plan.block_size`` rows gathers its gradient block by block, so
    ``start`` may lie within a batch; the block that holds row ``stop - 1`` is
    finished.

    Parameters
    ----------
    workspace : INOUT, with the network's plan and the samples
    update : INOUT, its ``n_steps`` is counted on
    order : IN, ndarray of shape (n_training_rows,), rows of samples, each once
    start, stop, batch_size : int, in positions of ``order``
    decay : float, alpha / W
    theta : INOUT, ndarray of shape (n_params,)
    gradient : INOUT, ndarray of shape (n_params,)
    moments : INOUT, ndarray of shape (update.n_moments * n_params,)
    dropout_key : int, says which units every row goes without; 0 for none
    thread : int, which of its threads this is

    Returns
    -------
    position : int
        The position of ``order`` to go on from.
    loss : float
        Sum over the rows gone through of their batch's objective.
    """
    cdef:
        Plan plan = workspace.plan
        Samples samples = workspace.samples
        Py_ssize_t i = start, j, n = order.shape[0], first = 0, last = 0
        double total = 0, weight_scale = 0, loss, rate, keep, keep_intercepts
        UpdateRule rule = update.rule
        bint starts, ends, in_place
        Share share
        Panel panel
        # gradient descent keeps none and touches none
        real* moment = &moments[0] if moments.shape[0] > 0 else &gradient[0]
        real* out
        const real* inputs
        Block block
    check_buffers(workspace, thread, sizeof(real), theta.shape[0], gradient.shape[0])
    if batch_size < 1 or moments.shape[0] != update.n_moments * plan.n_params:
        raise ValueError(f"batch_size={batch_size}, moments of {moments.shape[0]} elements")
    share = share_of_panels(plan, workspace, thread)
    with nogil:
        finish_weights(plan, workspace, thread, decay, &theta[0])
        while wait_for_team(&workspace.team) and i < stop:
            if i >= last:
                first = i - i % batch_size
                last = min(first + batch_size, n)
                weight_scale = one_over_weight(samples, order, first, last)
            block = next_block(plan, samples, order, i, last, weight_scale, dropout_key)
            inputs = dense_inputs(plan, samples, &block, <real*> workspace.reals)
            starts, ends = i == first, i + block.m == last
            if starts:
                total += (last - first) * total_penalty(plan, workspace, decay)
            in_place = rule.kind == GRADIENT_DESCENT and starts and ends
            loss = backward_to_deltas(
                plan, samples, workspace, thread, &block, inputs, &theta[0],
                -rule.learning_rate if in_place else 1,
            )
            if is_abandoned(&workspace.team):
                break
            rule.n_steps += ends
            rate = step_size(&rule)
            # in place the step is in the deltas, and the penalty's in what is kept of theta
            keep = 1 - rate * decay if in_place else not starts
            keep_intercepts = 1 if in_place else not starts
            out = &theta[0] if in_place else &gradient[0]
            if inputs == NULL:
                sparse_gradient(
                    plan, samples, workspace, thread, share, block.m,
                    <real> keep, out,
                )
            for j in range(share.first, share.last):
                panel = panel_of(plan, j)
                panel_gradient(
                    plan, workspace, inputs, block.m, &panel,
                    <real> keep, <real> keep_intercepts, out,
                )
                if ends and not in_place:
                    update_panel(
                        plan, &panel, &rule, rate, decay, &gradient[0], moment, &theta[0]
                    )
                if ends:
                    finish_panel(plan, workspace, j, decay, &theta[0])
            total += (last - first) * loss
            i += block.m
    if thread == 0:
        update.rule.n_steps = rule.n_steps
    return i, total


def add_loss_gradient(
    Workspace workspace not None,
    const Py_ssize_t[::1] order, Py_ssize_t start, Py_ssize_t stop, double weight_scale,
    const real[::1] theta, real[::1] gradient, *, int thread=0,
):
    """Add the gradient of the loss to ``gradient`` (INOUT); return the loss.

    The rows are ``order[start:stop]``, taken block by block, each weighted by
    ``weight_scale * sample_weight``; the penalty is not included.
    """
    cdef:
        Plan plan = workspace.plan
        Samples samples = workspace.samples
        Py_ssize_t i = start, j
        double loss = 0
        Share share
        Panel panel
        const real* inputs
        Block block
    check_buffers(workspace, thread, sizeof(real), theta.shape[0], gradient.shape[0])
    share = share_of_panels(plan, workspace, thread)
    with nogil:
        finish_weights(plan, workspace, thread, 0, &theta[0])
        while wait_for_team(&workspace.team) and i < stop:
            block = next_block(plan, samples, order, i, stop, weight_scale, 0)
            inputs = dense_inputs(plan, samples, &block, <real*> workspace.reals)
            loss += backward_to_deltas(
                plan, samples, workspace, thread, &block, inputs, &theta[0], 1
            )
            if is_abandoned(&workspace.team):
                break
            if inputs == NULL:
                sparse_gradient(
                    plan, samples, workspace, thread, share, block.m,
                    <real> 1, &gradient[0],
                )
            for j in range(share.first, share.last):
                panel = panel_of(plan, j)
                panel_gradient(
                    plan, workspace, inputs, block.m, &panel,
                    <real> 1, <real> 1, &gradient[0],
                )
            i += block.m
    return loss


def add_penalty(
    Plan plan not None, double decay, const real[::1] theta, real[::1] gradient
):
    """Add the penalty's gradient to ``gradient`` (INOUT); return the penalty."""
    if theta.shape[0] != plan.n_params or gradient.shape[0] != plan.n_params:
        raise ValueError(f"theta and gradient must have {plan.n_params} elements")
    add_penalty_gradient(plan, decay, &theta[0], &gradient[0])
    return penalty(plan, decay, &theta[0])
