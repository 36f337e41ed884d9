"""JAX on the CPU: a whole epoch in one compiled call, lax.scan over its mini-batches.

Of what was tried, a gather in every step was the fastest: gathering all rows first is
slower, and unrolling the scan changes nothing.
"""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from measure import seconds_of
from problem import Problem, Weights

jax.config.update("jax_platforms", "cpu")
jax.config.update("jax_enable_x64", True)  # allows float64; float32 stays float32


def logits(params, X):
    (C1, C2), (b1, b2) = params
    return jax.nn.sigmoid(X @ C1 + b1) @ C2 + b2


def objective(params, X, y, decay):
    log_probabilities = jax.nn.log_softmax(logits(params, X))
    data_loss = -jnp.take_along_axis(log_probabilities, y[:, None], axis=1).mean()
    return data_loss + decay / 2 * sum(jnp.vdot(coef, coef) for coef in params[0])


def sgd_step(params, moments, gradient, t, solver):
    """Gradient descent, with momentum or Nesterov's momentum if the solver has it."""
    rate, momentum = solver["learning_rate_init"], solver.get("momentum", 0.9)
    if momentum == 0:
        return jax.tree.map(lambda p, g: p - rate * g, params, gradient), moments
    velocity = jax.tree.map(lambda v, g: momentum * v - rate * g, moments[0], gradient)
    step = velocity
    if solver.get("nesterovs_momentum", True):
        step = jax.tree.map(lambda v, g: momentum * v - rate * g, velocity, gradient)
    return jax.tree.map(jnp.add, params, step), (velocity, moments[1])


def adam_step(params, moments, gradient, t, solver):
    beta_1, beta_2 = 0.9, 0.999
    m = jax.tree.map(lambda m, g: beta_1 * m + (1 - beta_1) * g, moments[0], gradient)
    v = jax.tree.map(lambda v, g: beta_2 * v + (1 - beta_2) * g * g, moments[1], gradient)
    rate = solver["learning_rate_init"] * jnp.sqrt(1 - beta_2**t) / (1 - beta_1**t)
    params = jax.tree.map(
        lambda p, m, v: p - (rate * m / (jnp.sqrt(v) + 1e-8)).astype(p.dtype), params, m, v
    )
    return params, (m, v)


def epoch(state, X, y, order, *, batch_size, solver, decay):
    """The state (params, moments, steps) after one pass over the rows in this order."""
    optimiser_step = adam_step if solver["solver"] == "adam" else sgd_step

    def step(state, batch):
        params, moments, t = state
        gradient = jax.grad(objective)(params, X[batch], y[batch], decay)
        t = t + 1
        params, moments = optimiser_step(params, moments, gradient, t, solver)
        return (params, moments, t), None

    whole = len(order) // batch_size * batch_size
    state, _ = jax.lax.scan(step, state, order[:whole].reshape(-1, batch_size))
    return step(state, order[whole:])[0] if whole < len(order) else state


class JaxPeer:
    same_order = True
    solvers = ("sgd", "adam")

    def __init__(self, problem: Problem):
        self.problem = problem
        self.X = jax.device_put(problem.X)
        self.y = jax.device_put(problem.y.astype(np.int32))
        traced = jax.jit(
            partial(
                epoch,
                batch_size=problem.batch,
                solver=problem.solver,
                decay=problem.decay,
            ),
            donate_argnums=0,
        )
        state, orders = self.start()
        order = next(orders).astype(np.int32)

        def compile_epoch():
            self.epoch = traced.lower(state, self.X, self.y, order).compile()

        self.compile_seconds = seconds_of(compile_epoch)
        self.predict_labels = jax.jit(lambda params, X: logits(params, X).argmax(axis=1))

    def start(self):
        """The state before the first epoch, and the orders."""
        weights, orders = self.problem.draws()
        params = jax.tree.map(jnp.array, weights)
        zeros = [jax.tree.map(jnp.zeros_like, params) for _ in range(2)]
        t_dtype = self.problem.X.dtype
        return (params, tuple(zeros), jnp.zeros((), t_dtype)), orders

    def fit(self, max_iter: int) -> None:
        state, orders = self.start()
        for _ in range(max_iter):
            state = self.epoch(state, self.X, self.y, next(orders).astype(np.int32))
        self.params = jax.block_until_ready(state[0])

    def predict(self, X: np.ndarray) -> np.ndarray:
        return np.asarray(self.predict_labels(self.params, X))

    def weights(self) -> Weights:
        return jax.tree.map(np.asarray, self.params)
