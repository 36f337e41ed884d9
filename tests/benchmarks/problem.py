"""What every peer is given: the data, one objective, and the same random draws."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from configs import SOLVERS, Config
from data import load, mnist

ALPHA = 1e-4
N_CLASSES = 10
# steps that suit standardised pixels, whose squares sum to seven times as much
STANDARDISED_RATE = 0.1

Weights = tuple[list[np.ndarray], list[np.ndarray]]


@dataclass(frozen=True)
class Problem:
    """A network of one logistic hidden layer and ten softmax outputs, to be trained.

    Minimised is the mean cross-entropy plus ``decay / 2`` times the sum of the squared
    coefs. A batch takes the mean over its own rows and the same penalty.

    Attributes
    ----------
    X : ndarray or CSR of shape (n_rows, n_features)
    y : ndarray of int of shape (n_rows,)
        Classes from 0 to 9.
    hidden : int
    batch : int or None
    max_iter : int
    solver : dict
        Parameters of the solver, by scikit-learn's names.
    X_test : ndarray or None
        Rows to predict.
    n_threads : int
    seed : int
    """

    X: np.ndarray
    y: np.ndarray
    hidden: int
    batch: int | None
    max_iter: int
    solver: dict
    X_test: np.ndarray | None = None
    n_threads: int = 1
    seed: int = 0

    @classmethod
    def of(cls, config: Config, n_threads: int = 1) -> Problem:
        X, y = load(config.data)
        solver = dict(SOLVERS[config.solver])
        if config.data == "standardised":
            solver["learning_rate_init"] *= STANDARDISED_RATE
        X_test = None if config.task == "fit" else mnist("t10k")[0]
        return cls(
            X, y, config.hidden, config.batch, config.max_iter, solver, X_test, n_threads
        )

    @property
    def decay(self) -> float:
        return ALPHA / self.X.shape[0]

    def draws(self) -> tuple[Weights, Iterator[np.ndarray]]:
        """Initial weights, and the order of the rows epoch after epoch.

        Those that MLPClassifier draws from the same seed: for every layer the coefs,
        then the intercepts, uniform; then a permutation of the last order an epoch.
        """
        random_state = np.random.RandomState(self.seed)
        coefs, intercepts = [], []
        for n_in, n_out in pairwise((self.X.shape[1], self.hidden, N_CLASSES)):
            bound = np.sqrt(2 / (n_in + n_out))
            coefs.append(random_state.uniform(-bound, bound, (n_in, n_out)))
            intercepts.append(random_state.uniform(-bound, bound, n_out))
        dtype = self.X.dtype
        weights = [c.astype(dtype) for c in coefs], [b.astype(dtype) for b in intercepts]
        return weights, orders(random_state, len(self.X))

    def evaluate(self, weights: Weights) -> tuple[float, float]:
        """The objective and the accuracy over all training rows, in plain NumPy."""
        (C1, C2), (b1, b2) = weights
        z = 1 / (1 + np.exp(-(self.X @ C1 + b1))) @ C2 + b2
        z = z.astype(np.float64)
        log_sum = np.log(np.exp(z - z.max(axis=1, keepdims=True)).sum(axis=1)) + z.max(axis=1)
        data_loss = np.mean(log_sum - z[np.arange(len(z)), self.y])
        squares = sum(float(np.vdot(C, C)) for C in (C1, C2))
        accuracy = np.mean(z.argmax(axis=1) == self.y)
        return float(data_loss + self.decay / 2 * squares), float(accuracy)


def orders(random_state: np.random.RandomState, n_rows: int) -> Iterator[np.ndarray]:
    order = np.arange(n_rows)
    while True:
        order = order[random_state.permutation(n_rows)]
        yield order
