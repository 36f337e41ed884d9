"""A multilayer perceptron in plain NumPy, one equation a line.

The network is z_l = a_l W_l + b_l, a_{l+1} = f(z_l) for the layers l = 0, 1, ...,
with a_0 = X; the last z goes into the loss. ``theta`` is one flat vector of every
W_l and then every b_l. Targets t are (n_rows, n_outputs), weights w (n_rows,).

Everything is computed in float64 and nothing with an eye to speed: the compiled
kernels are tested against it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.special import expit, logsumexp, softmax

Array = np.ndarray

# Hidden activations f(z) and their derivatives f'(z)

ACTIVATIONS: dict[str, Callable[[Array], Array]] = {
    "identity": lambda z: z,
    "logistic": expit,
    "tanh": np.tanh,
    "relu": lambda z: np.where(z > 0, z, 0.0),
}

DERIVATIVES: dict[str, Callable[[Array], Array]] = {
    "identity": np.ones_like,
    "logistic": lambda z: expit(z) * expit(-z),
    "tanh": lambda z: 1 - np.tanh(z) ** 2,
    "relu": lambda z: np.where(z > 0, 1.0, 0.0),
}


# Losses of each row, by its logits z and targets t, and their derivatives by z


def softmax_log_loss(z, t):
    """-sum_k t_k log p_k with p = softmax(z) and sum_k t_k = 1."""
    loss = logsumexp(z, axis=1) - (t * z).sum(axis=1)
    derivative = softmax(z, axis=1) - t
    return loss, derivative


def logistic_log_loss(z, t):
    """-sum_k t_k log a_k + (1 - t_k) log(1 - a_k) with a = sigmoid(z)."""
    loss = (t * np.logaddexp(0, -z) + (1 - t) * np.logaddexp(0, z)).sum(axis=1)
    derivative = expit(z) - t
    return loss, derivative


def softmax_squared_error(z, t):
    """1/2 sum_k (p_k - t_k)^2 with p = softmax(z), dp_k / dz_j = p_k (1[j = k] - p_j)."""
    p = softmax(z, axis=1)
    loss = ((p - t) ** 2).sum(axis=1) / 2
    dp_dz = p[:, :, np.newaxis] * (np.eye(z.shape[1]) - p[:, np.newaxis, :])
    derivative = np.einsum("ik,ikj->ij", p - t, dp_dz)
    return loss, derivative


def logistic_squared_error(z, t):
    """1/2 sum_k (a_k - t_k)^2 with a = sigmoid(z), da/dz = a (1 - a)."""
    a = expit(z)
    loss = ((a - t) ** 2).sum(axis=1) / 2
    derivative = (a - t) * expit(z) * expit(-z)
    return loss, derivative


def identity_squared_error(z, t):
    """1/2 sum_k (z_k - t_k)^2."""
    loss = ((z - t) ** 2).sum(axis=1) / 2
    derivative = z - t
    return loss, derivative


LOSSES = {
    ("log_loss", "softmax"): softmax_log_loss,
    ("log_loss", "logistic"): logistic_log_loss,
    ("squared_error", "softmax"): softmax_squared_error,
    ("squared_error", "logistic"): logistic_squared_error,
    ("squared_error", "identity"): identity_squared_error,
}


# The network


@dataclass(frozen=True)
class Network:
    """Layer sizes and functions; loss and out_activation are a key of ``LOSSES``."""

    layer_sizes: tuple[int, ...]
    activation: str = "logistic"
    loss: str = "log_loss"
    out_activation: str = "softmax"

    @property
    def n_params(self) -> int:
        return sum(n_in * n_out + n_out for n_in, n_out in pairwise(self.layer_sizes))

    def unpack(self, theta: Array) -> tuple[list[Array], list[Array]]:
        """Every W_l, of shape (n_in, n_out), and every b_l, of shape (n_out,)."""
        rest, coefs, intercepts = np.asarray(theta, dtype=float), [], []
        for n_in, n_out in pairwise(self.layer_sizes):
            coefs.append(rest[: n_in * n_out].reshape(n_in, n_out))
            rest = rest[n_in * n_out :]
        for n_out in self.layer_sizes[1:]:
            intercepts.append(rest[:n_out])
            rest = rest[n_out:]
        return coefs, intercepts

    def pack(self, coefs: list[Array], intercepts: list[Array]) -> Array:
        return np.concatenate([part.ravel() for part in (*coefs, *intercepts)])

    def without_dropout(self, n_rows: int) -> list[Array]:
        return [np.ones((n_rows, size)) for size in self.layer_sizes[1:-1]]

    def forward(
        self, theta: Array, X: Array, masks: list[Array] | None = None
    ) -> tuple[list[Array], list[Array]]:
        """Every layer's input a_l and pre-activation z_l; masks as dropout_masks gives."""
        f = ACTIVATIONS[self.activation]
        masks = self.without_dropout(len(X)) if masks is None else masks
        a, z = [np.asarray(X, dtype=float)], []
        for W, b, mask in zip(*self.unpack(theta), [*masks, 1.0], strict=True):
            z.append(a[-1] @ W + b)
            a.append(f(z[-1]) * mask)
        return a[:-1], z

    def objective(
        self, theta: Array, X: Array, t: Array, w: Array, decay: float,
        masks: list[Array] | None = None,
    ) -> tuple[float, Array]:  # fmt: skip
        """J and its gradient: the weighted mean of the loss, and the penalty.

        J = sum_i w_i loss_i / sum_i w_i + decay / 2 sum_l ||W_l||^2, where decay is
        alpha / W with W the weights' sum over the whole training set.
        """
        coefs, _ = self.unpack(theta)
        masks = self.without_dropout(len(X)) if masks is None else masks
        a, z = self.forward(theta, X, masks)
        loss, delta = LOSSES[self.loss, self.out_activation](z[-1], t)
        share = w / w.sum() if w.any() else np.zeros_like(w, dtype=float)
        J = share @ loss + decay / 2 * sum((W**2).sum() for W in coefs)

        delta = share[:, np.newaxis] * delta  # dJ / dz of the last layer
        dW: list[Array] = []
        db: list[Array] = []
        for layer in reversed(range(len(coefs))):
            dW.insert(0, a[layer].T @ delta + decay * coefs[layer])
            db.insert(0, delta.sum(axis=0))
            if layer > 0:
                f_prime = DERIVATIVES[self.activation](z[layer - 1])
                delta = (delta @ coefs[layer].T) * masks[layer - 1] * f_prime
        return J, self.pack(dW, db)


def one_hot(indices: Array, n_classes: int) -> Array:
    return np.eye(n_classes)[indices]


# Dropout


def split_mix(key: int, n: Array) -> Array:
    """The n-th numbers of SplitMix64 from ``key`` on, n of dtype uint64, modulo 2^64.

    G. L. Steele, D. Lea and C. H. Flood, "Fast splittable pseudorandom number
    generators", OOPSLA 2014.
    """
    z = np.uint64(key) + (n + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def dropout_masks(
    key: int, n_rows: int, sizes: tuple[int, ...], shares: tuple[float, ...]
) -> list[Array]:
    """What an epoch multiplies the outputs of its hidden layers by, (n_rows, size) each.

    Unit j of the layers' units, counted through, has the uniform number of index
    i * n_units + j in the i-th row of the epoch; below the layer's share it is dropped.
    """
    numbers = split_mix(key, np.arange(n_rows * sum(sizes), dtype=np.uint64))
    uniform = (numbers >> np.uint64(11)).astype(float) / 2**53
    of_layers = np.split(uniform.reshape(n_rows, sum(sizes)), np.cumsum(sizes)[:-1], axis=1)
    return [(u >= p) / (1 - p) for u, p in zip(of_layers, shares, strict=True)]


# Update rules: each a function of a gradient that returns the step of theta


def gradient_descent(*, learning_rate: float):
    return lambda g: -learning_rate * g


def momentum(*, learning_rate: float, momentum: float, nesterov: bool = False):
    v = 0.0

    def step(g):
        nonlocal v
        v = momentum * v - learning_rate * g
        return momentum * v - learning_rate * g if nesterov else v

    return step


def adam(*, learning_rate: float, beta_1: float, beta_2: float, epsilon: float):
    """With both bias corrections in the learning rate, so that epsilon is not corrected."""
    m, v, n_steps = 0.0, 0.0, 0

    def step(g):
        nonlocal m, v, n_steps
        n_steps += 1
        m = beta_1 * m + (1 - beta_1) * g
        v = beta_2 * v + (1 - beta_2) * g**2
        rate = learning_rate * np.sqrt(1 - beta_2**n_steps) / (1 - beta_1**n_steps)
        return -rate * m / (np.sqrt(v) + epsilon)

    return step


def train(
    network: Network, theta: Array, X: Array, t: Array, w: Array,
    *, alpha: float, orders: list[Array], batch_size: int, step: Callable[[Array], Array],
    masks: list[list[Array]] | None = None,
) -> Iterator[tuple[float, Array]]:  # fmt: skip
    """After each order, that is epoch: the mean over rows of their batch's J, and theta.

    ``masks`` are each epoch's, with a row for each of its rows in their order.
    """
    masks = [network.without_dropout(len(X)) for _ in orders] if masks is None else masks
    for order, of_epoch in zip(orders, masks, strict=True):
        total = 0.0
        for start in range(0, len(order), batch_size):
            part = slice(start, start + batch_size)
            batch = order[part]
            J, gradient = network.objective(
                theta, X[batch], t[batch], w[batch], alpha / w[order].sum(),
                [mask[part] for mask in of_epoch],
            )  # fmt: skip
            theta = theta + step(gradient)
            total += len(batch) * J
        yield total / len(order), theta


# The same for one network, row by row


def exercise_cost(
    theta: Array, X: Array, y: Array, alpha: float, hidden: int = 25, n_classes: int = 10
) -> tuple[float, Array]:
    """Cost and gradient of the course exercise's network, one row after the other.

    One hidden layer, logistic units throughout, and one yes-or-no output a class:
    J = 1/m sum_i sum_k [-y_k log h_k - (1 - y_k) log(1 - h_k)] + alpha / (2 m) (||W_1||^2
    + ||W_2||^2). It shares nothing with the above but the order of theta.
    """
    m, n = X.shape
    W1, W2, b1, b2 = np.split(theta, np.cumsum([n * hidden, hidden * n_classes, hidden]))
    W1, W2 = W1.reshape(n, hidden), W2.reshape(hidden, n_classes)

    def sigmoid(z):
        return 1 / (1 + np.exp(-z))

    J = 0.0
    dW1, dW2 = np.zeros_like(W1), np.zeros_like(W2)
    db1, db2 = np.zeros_like(b1), np.zeros_like(b2)
    for x, label in zip(X, y, strict=True):
        target = np.zeros(n_classes)
        target[label] = 1
        a = sigmoid(x @ W1 + b1)
        z = a @ W2 + b2
        h = sigmoid(z)
        J += np.sum(-target * np.log(h) - (1 - target) * np.log(sigmoid(-z)))
        delta2 = h - target
        delta1 = (W2 @ delta2) * a * (1 - a)
        dW2 += np.outer(a, delta2)
        db2 += delta2
        dW1 += np.outer(x, delta1)
        db1 += delta1
    J = J / m + alpha / (2 * m) * (np.sum(W1**2) + np.sum(W2**2))
    gradient = [dW1 + alpha * W1, dW2 + alpha * W2, db1, db2]
    return J, np.concatenate([g.ravel() for g in gradient]) / m
