"""Whether training has diverged."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from skdigitnet._problem.initial_weights import draw_weights
from skdigitnet._problem.objective import Objective
from skdigitnet._problem.output_layer import map_outputs

# Of over a thousand fits, those that came to good weights in the end had outputs up to 600
# times those of fresh weights on the way, and a learning rate of 1e6 gave 17,000 times or more.
# Slower divergence ends where a number is not finite, or by the stopping rule.
MAX_GROWTH = 1e4
# Above it neighbouring numbers are further apart than one, and exp(x) has no right digit.
MAX_SIZE = 1 / np.finfo(np.float64).eps
# Below it steps cannot have been so large, and the outputs need no look.
USUAL_WEIGHT = 1e3


class Divergence:
    """Tells whether weights are past help, at the end of an epoch or iteration.

    They are if the loss or a weight is not finite. They are too if predictions are worse
    than the best constant and the outputs have jumped to many times what they were, or X is
    so large that it means nothing: units that have bounds, and losses that have bounds, keep
    every number finite then, and training would go on to the end and publish a model that is
    none.

    Parameters
    ----------
    objective : Objective
        On the training rows.
    X : ndarray or CSR of shape (n_rows, n_features)
    constant : float
        The best constant's loss.
    theta : ndarray of shape (n_params,)
        The weights that training begins with.
    """

    def __init__(self, objective: Objective, X, constant: float, first):
        self.objective, self.network, self.X = objective, objective.network, X
        self.constant, self.rows = constant, objective.sample()
        self._x_size = _typical_size(X[self.rows[:: -(-len(self.rows) // 100)]])
        self._first_weights = first
        self._usual_output = 1.0
        self._knows_first = False

    def check(self, loss: float, theta: np.ndarray, when: str) -> None:
        """Raise ValueError if training has diverged.

        Parameters
        ----------
        loss : float
            As seen on the way; ``theta`` may have had one step more.
        theta : ndarray of shape (n_params,)
        when : str
            Such as "after epoch 3".
        """
        problem = self._problem(loss, theta)
        if problem:
            raise ValueError(
                f"Training diverged: {problem} {when}. The usual causes are an X that is not"
                " scaled (scale it, for example with StandardScaler) and, for SGD and Adam, a"
                " learning_rate_init that is too large."
            )

    def _problem(self, loss: float, theta: np.ndarray) -> str:
        """What is wrong, or nothing."""
        largest = max(theta.max(), -theta.min())  # NaN if one is
        if not (np.isfinite(loss) and np.isfinite(largest)):
            return "the loss or the weights are not finite"
        hopeless = self._x_size > MAX_SIZE
        if loss <= self.constant and largest < USUAL_WEIGHT and not hopeless:
            return ""
        if hopeless:
            cause = f"an X as large as {self._x_size:.0e}"
        else:
            typical = self._typical_output(*self.network.unpack(theta))
            if not self._is_a_jump(typical):
                return ""
            cause = f"outputs as large as {typical:.0e}"
        if self._loss(theta) <= self.constant:
            return ""
        return f"predictions are worse than a constant, from {cause},"

    def _is_a_jump(self, typical: float) -> bool:
        """Whether outputs are many times the largest so far, drawn weights' among them."""
        if typical >= MAX_GROWTH * self._usual_output and not self._knows_first:
            # not before, since drawing them takes longer than an epoch of few rows
            drawn = draw_weights(self.network, "auto", np.random.RandomState(0), self.X.dtype)
            both = (self._first_weights, self.network.unpack(drawn))
            self._usual_output = max(
                self._usual_output, *(self._typical_output(*weights) for weights in both)
            )
            self._knows_first = True
        if typical >= MAX_GROWTH * self._usual_output:
            return True
        self._usual_output = max(typical, self._usual_output)
        return False

    def _loss(self, theta: np.ndarray) -> float:
        """The loss as the weights are now, without the penalty."""
        return self.objective.over(self.rows).loss(theta)

    def _typical_output(self, coefs, intercepts) -> float:
        """The median of the outputs' pre-activations, without their signs."""
        X = self.X[self.rows]
        try:
            z = map_outputs(coefs, intercepts, self.network.activation, X, np.abs)
        except ValueError:  # not finite
            return np.inf
        return _median(z)


def _typical_size(X) -> float:
    """The largest element of a typical row, without its sign."""
    largest = abs(X).max(axis=1)
    return _median(largest.toarray() if sparse.issparse(X) else largest)


def _median(values) -> float:
    with np.errstate(over="ignore"):  # of the sum of the two in the middle
        return float(np.median(values))
