# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
# cython: initializedcheck=False, freethreading_compatible=True
"""Training: forward pass, backward pass, update and epoch, without Python or the GIL.

Everything is row-major. A *block* is a run of m rows that go through the network
together; a mini-batch is one block or several. In comments l counts the weight
layers from 0, A_l is the input of layer l (A_0 = X), Z_l = A_l W_l + b_l and
delta_l = d J / d Z_l; the equations are those of Rumelhart, Hinton and Williams,
"Learning representations by back-propagating errors", Nature 323, 1986.

Every thread of the workspace's team calls a kernel at the same time, with the same
arguments except its number; the bits are the same whatever the team's size.
"""

from .arithmetic cimport GRADIENT_DESCENT, UpdateRule, apply_update, squared_norm, step_size
from .blocks cimport SHARED_ROWS, Block, Share, dense_inputs, share_of, share_of_panels
from .gradients cimport end_of_span, gather_columns, panel_gradient
from .layers cimport transpose
from .passes cimport backward_to_deltas, forward_to_loss
from .plan cimport Layer, Panel, Plan, Workspace, panel_of, panel_start, span_of
from .real cimport real
from .rows cimport Targets
from .runs cimport Epoch, Run
from .team cimport is_abandoned, wait_for_team

# The next block's rows are prefetched if they leave room in the second-level cache.
cdef enum:
    MAX_PREFETCHED_BYTES = 1 << 20


# The penalty

cdef check_penalised(Plan plan, Py_ssize_t theta, Py_ssize_t gradient):
    if theta != plan.n_params or gradient != plan.n_params:
        raise ValueError(f"theta and gradient must have {plan.n_params} elements")


cdef double penalty_of(double decay, const real* coefs, Py_ssize_t size) noexcept nogil:
    return decay / 2 * squared_norm(coefs, size) if decay != 0 else 0


cdef void add_penalty_gradient(
    Plan plan, double decay, const real* theta, real* gradient
) noexcept nogil:
    cdef Py_ssize_t i
    cdef real factor = <real> decay
    if decay != 0:
        for i in range(plan.n_coefs):
            gradient[i] += factor * theta[i]


# What the next block needs of the weights

cdef void finish_panel(
    Workspace workspace, Py_ssize_t i, double decay, const real* theta
) noexcept nogil:
    """Leave what the next block needs of panel i's weights: penalty, and W_l^T."""
    cdef:
        Panel panel = panel_of(workspace.plan, i)
        Layer* layer = &workspace.plan.layers[panel.layer]
        const real* W = theta + layer.coefs
    workspace.penalties[i] = penalty_of(
        decay, W + panel.first * layer.n_out, (panel.last - panel.first) * layer.n_out
    )
    if panel.layer > 0:
        transpose(
            W, layer.n_in, panel.first, panel.last, layer.n_out,
            <real*> workspace.reals + layer.transposed,
        )


cdef void finish_weights(
    Workspace workspace, Share panels, double decay, const real* theta
) noexcept nogil:
    """Leave what the first block needs of these panels' weights."""
    cdef Py_ssize_t i
    for i in range(panels.first, panels.last):
        finish_panel(workspace, i, decay, theta)


cdef double total_penalty(Workspace workspace) noexcept nogil:
    cdef:
        Py_ssize_t panel
        double total = 0
    for panel in range(workspace.plan.n_panels):
        total += workspace.penalties[panel]
    return total


# Blocks

cdef double one_over_weight(
    Targets targets, const Py_ssize_t[::1] order, Py_ssize_t first, Py_ssize_t last
) noexcept nogil:
    """1 / the sum of these rows' weights, or 0 if they have none."""
    cdef:
        Py_ssize_t i
        double total = 0
    for i in range(first, last):
        total += targets.weight[order[i]]
    return 1 / total if total > 0 else 0


cdef Block next_block(
    Workspace workspace, Targets targets, const Py_ssize_t[::1] order, Py_ssize_t i,
    Py_ssize_t last, double weight_scale, int thread, real* work,
) noexcept nogil:
    """The rows of ``order`` from i to ``last``, as many as fit, without dropout."""
    cdef:
        Py_ssize_t m = min(last - i, workspace.plan.block_size)
        const Py_ssize_t* rows = &order[i]
        const Py_ssize_t* end_of_next = rows + m
        Share share = share_of(m, SHARED_ROWS, thread, workspace.n_threads)
        Block block
    if m * workspace.inputs.row_bytes <= MAX_PREFETCHED_BYTES:
        end_of_next = &order[0] + order.shape[0]
    block = Block(rows, m, NULL, share, thread, rows + m, end_of_next, weight_scale, i, 0)
    block.inputs = dense_inputs(workspace, targets, &block, work)
    return block


cdef void update_panel(
    Workspace workspace, Run run, const UpdateRule* rule, const Panel* panel, double rate,
    const real* gradient, const real* gradient_intercepts, real* theta,
) noexcept nogil:
    """One step of a panel's weights, and with a layer's first of its intercepts."""
    cdef:
        const Layer* layer = &workspace.plan.layers[panel.layer]
        Py_ssize_t start = panel_start(workspace.plan, panel)
        real* first = <real*> run.moments
        real* second = first + (workspace.plan.n_params if run.update.n_moments > 1 else 0)
    apply_update(
        rule, (panel.last - panel.first) * layer.n_out, rate, run.decay,
        gradient, first + start, second + start, theta + start,
    )
    if panel.first == 0:
        start = layer.intercepts
        apply_update(
            rule, layer.n_out, rate, 0,
            gradient_intercepts, first + start, second + start, theta + start,
        )


cdef double train_on_block(
    Workspace workspace, Run run, UpdateRule* rule, const Block* block, Share panels,
    bint starts, bint ends, real* theta,
) noexcept nogil:
    """Add a block to its batch's gradient, and with a batch's last block update theta.

    ``starts`` and ``ends`` say whether it is the batch's first and its last block.
    Returns the block's loss; NaN if the team was abandoned.
    """
    cdef:
        bint in_place = rule.kind == GRADIENT_DESCENT and starts and ends
        double loss = backward_to_deltas(
            workspace, run.targets, block, theta, -rule.learning_rate if in_place else 1
        )
        double rate, keep, keep_intercepts
        real* flat = theta if in_place else <real*> run.gradient
        real* out
        real* out_intercepts
        Panel span, panel
        Py_ssize_t i, j = panels.first, end
    if is_abandoned(&workspace.team):
        return loss
    rule.n_steps += ends
    rate = step_size(rule)
    # in place the step is in the deltas, and the penalty's in what is kept of theta
    keep = 1 - rate * run.decay if in_place else not starts
    keep_intercepts = 1 if in_place else not starts
    gather_columns(workspace, block, panels, <const real*> workspace.inputs.values)
    while j < panels.last:
        end = end_of_span(workspace, block, j, panels.last)
        span = span_of(workspace.plan, j, end)
        out = flat + panel_start(workspace.plan, &span)
        out_intercepts = flat + workspace.plan.layers[span.layer].intercepts
        if starts and ends and not in_place:
            # no other block adds to it: it need not leave the caches
            out = <real*> workspace.gradients + block.thread * workspace.plan.span_size
            out_intercepts = out + workspace.plan.max_span_coefs
        panel_gradient(
            workspace, block, &span, <real> keep, out, <real> keep_intercepts, out_intercepts
        )
        for i in range(j, end if ends else j):
            panel = panel_of(workspace.plan, i)
            if not in_place:
                update_panel(
                    workspace, run, rule, &panel, rate,
                    out + (panel.first - span.first) * workspace.plan.layers[span.layer].n_out,
                    out_intercepts, theta,
                )
            finish_panel(workspace, i, run.decay, theta)
        j = end
    return loss


cdef (Py_ssize_t, double) train_on_rows(
    Workspace workspace, Run run, Epoch epoch, Py_ssize_t start, Py_ssize_t stop, int thread,
    real* theta,
) noexcept nogil:
    """What :func:`train` does and returns."""
    cdef:
        Py_ssize_t i = start, n = epoch.order.shape[0], first = 0, last = 0
        double total = 0, weight_scale = 0, loss
        UpdateRule rule = run.update.rule
        Share panels = share_of_panels(workspace, thread)
        bint starts
        Block block
    finish_weights(workspace, panels, run.decay, theta)
    while wait_for_team(&workspace.team) and i < stop:
        if i >= last:
            first = i - i % epoch.batch_size
            last = min(first + epoch.batch_size, n)
            weight_scale = one_over_weight(run.targets, epoch.order, first, last)
        block = next_block(
            workspace, run.targets, epoch.order, i, last, weight_scale, thread,
            <real*> workspace.reals,
        )
        block.position += epoch.first
        block.dropout_key = epoch.dropout_key
        starts = i == first
        if starts:
            total += (last - first) * total_penalty(workspace)
        i += block.m
        loss = train_on_block(
            workspace, run, &rule, &block, panels, starts, i == last, theta
        )
        if is_abandoned(&workspace.team):
            break
        total += (last - first) * loss
    if thread == 0:
        run.update.rule.n_steps = rule.n_steps
    return i, total


# What Python calls

def train(
    Workspace workspace not None, Run run not None, Epoch epoch not None,
    Py_ssize_t start, Py_ssize_t stop, *, int thread=0,
):
    """Train on the rows ``order[start:stop]``, updating after every mini-batch.

    A batch of more than ``plan.block_size`` rows sums its gradient block by block, so
    ``start`` may lie within a batch; the block that holds row ``stop - 1`` is finished.

    Parameters
    ----------
    workspace : Workspace
        With the network's plan and the inputs.
    run : Run
        The network, trained in place.
    epoch : Epoch
        With the order and the size of the batches.
    start, stop : int
        Positions of the epoch's order.
    thread : int, default=0
        Which of the workspace's threads this is.

    Returns
    -------
    position : int
        The position of ``order`` to continue from.
    loss : float
        Sum over these rows of their batch's objective.
    """
    cdef (Py_ssize_t, double) result
    run.check(workspace, epoch.batch_size)
    workspace.check_thread(thread)
    if workspace.inputs.itemsize == sizeof(float):
        with nogil:
            result = train_on_rows(
                workspace, run, epoch, start, stop, thread, <float*> run.theta
            )
    else:
        with nogil:
            result = train_on_rows(
                workspace, run, epoch, start, stop, thread, <double*> run.theta
            )
    return result


cdef double loss_of_rows(
    Workspace workspace, Targets targets, const Py_ssize_t[::1] order, Py_ssize_t start,
    Py_ssize_t stop, double weight_scale, int thread, const real* theta, real* gradient,
) noexcept nogil:
    """The loss, its gradient added to ``gradient`` unless that is NULL."""
    cdef:
        Py_ssize_t i = start, j, end
        double loss = 0
        Share panels = share_of_panels(workspace, thread)
        Panel span
        Block block
    if gradient != NULL:
        finish_weights(workspace, panels, 0, theta)
    while wait_for_team(&workspace.team) and i < stop:
        block = next_block(
            workspace, targets, order, i, stop, weight_scale, thread, <real*> workspace.reals
        )
        i += block.m
        if gradient == NULL:
            loss += forward_to_loss(workspace, targets, &block, theta)
            continue
        loss += backward_to_deltas(workspace, targets, &block, theta, 1)
        if is_abandoned(&workspace.team):
            break
        gather_columns(workspace, &block, panels, <const real*> workspace.inputs.values)
        j = panels.first
        while j < panels.last:
            end = end_of_span(workspace, &block, j, panels.last)
            span = span_of(workspace.plan, j, end)
            panel_gradient(
                workspace, &block, &span, <real> 1,
                gradient + panel_start(workspace.plan, &span), <real> 1,
                gradient + workspace.plan.layers[span.layer].intercepts,
            )
            j = end
    return loss


def add_loss_gradient(
    Workspace workspace not None, Targets targets not None,
    const Py_ssize_t[::1] order, Py_ssize_t start, Py_ssize_t stop, double weight_scale,
    const real[::1] theta, real[::1] gradient, *, int thread=0,
):
    """Add the gradient of the loss to ``gradient`` (INOUT); return the loss.

    The rows are ``order[start:stop]``, taken block by block, each weighted by
    ``weight_scale * sample_weight``; the penalty is not included.
    """
    cdef double loss
    workspace.check(targets, sizeof(real), theta.shape[0], gradient.shape[0])
    workspace.check_thread(thread)
    with nogil:
        loss = loss_of_rows(
            workspace, targets, order, start, stop, weight_scale, thread,
            &theta[0], &gradient[0],
        )
    return loss


def sum_loss(
    Workspace workspace not None, Targets targets not None,
    const Py_ssize_t[::1] order, Py_ssize_t start, Py_ssize_t stop, double weight_scale,
    const real[::1] theta, *, int thread=0,
):
    """The loss that :func:`add_loss_gradient` returns, to the bit, without a gradient."""
    cdef:
        double loss
        real* no_gradient = NULL
    workspace.check(targets, sizeof(real), theta.shape[0], theta.shape[0])
    workspace.check_thread(thread)
    with nogil:
        loss = loss_of_rows(
            workspace, targets, order, start, stop, weight_scale, thread,
            &theta[0], no_gradient,
        )
    return loss


def penalty(Plan plan not None, double decay, const real[::1] theta):
    """decay / 2 * sum_l ||W_l||^2."""
    check_penalised(plan, theta.shape[0], theta.shape[0])
    return penalty_of(decay, &theta[0], plan.n_coefs)


def add_penalty(
    Plan plan not None, double decay, const real[::1] theta, real[::1] gradient
):
    """Add the penalty's gradient to ``gradient`` (INOUT); return the penalty."""
    check_penalised(plan, theta.shape[0], gradient.shape[0])
    add_penalty_gradient(plan, decay, &theta[0], &gradient[0])
    return penalty_of(decay, &theta[0], plan.n_coefs)
