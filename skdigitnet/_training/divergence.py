"""Whether training has diverged."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from skdigitnet._problem.initial_weights import draw_weights
from skdigitnet._problem.objective import Objective
from skdigitnet._problem.output_layer import map_outputs
from skdigitnet._problem.row_blocks import some_rows

# In over a thousand fits, those that ended with good weights had outputs at most 600 times
# those of freshly drawn weights on the way; a learning rate of 1e6 gave 17,000 times or more.
# Slower divergence ends with a non-finite number, or by the stopping rule.
MAX_GROWTH = 1e4
# Above it neighbouring numbers are further apart than one, and exp(x) has no correct digit.
MAX_SIZE = 1 / np.finfo(np.float64).eps
# Below it no step can have been that large, and the outputs need no check.
USUAL_WEIGHT = 1e3
TYPICAL_ROWS = 100  # enough for a median


@dataclass
class Usual:
    """How large the outputs have been so far; kept when training pauses and resumes.

    Attributes
    ----------
    output : float
        The largest typical one so far.
    knows_first : bool
        Whether those of the first weights are counted.
    """

    output: float = 1.0
    knows_first: bool = False


class Divergence:
    """Checks for divergence at the end of each epoch or iteration.

    Training has diverged if the loss or a weight is non-finite. It has also diverged if
    predictions are worse than the best constant and the outputs have jumped to many times
    their former size, or X is too large to mean anything: bounded units and losses then keep
    every number finite, and training would continue to the end and publish a useless model.

    Parameters
    ----------
    objective : Objective
        On the training rows.
    x_size : float
        The :func:`typical_size` of X.
    constant : float
        The best constant's loss.
    first : pair of lists of ndarray
        The coefs and intercepts that training begins with.
    usual : Usual
        Updated in place.
    """

    def __init__(
        self, objective: Objective, x_size: float, constant: float, first, usual: Usual
    ):
        self.objective, self.network = objective, objective.network
        self.constant, self._x_size, self._first_weights = constant, x_size, first
        self._usual = usual

    def check(self, loss: float, theta: np.ndarray, when: str) -> None:
        """Raise ValueError if training has diverged.

        Parameters
        ----------
        loss : float
            Of the epoch or iteration; ``theta`` may be one step ahead of it.
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
        """What is wrong; empty if nothing is."""
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
        """Whether outputs are many times the largest so far, drawn weights' included."""
        usual = self._usual
        if typical >= MAX_GROWTH * usual.output and not usual.knows_first:
            # only now, since drawing weights takes longer than an epoch of few rows
            drawn = draw_weights(
                self.network, "auto", np.random.RandomState(0), self.objective.samples.dtype
            )
            both = (self._first_weights, self.network.unpack(drawn))
            usual.output = max(
                usual.output, *(self._typical_output(*weights) for weights in both)
            )
            usual.knows_first = True
        if typical >= MAX_GROWTH * usual.output:
            return True
        usual.output = max(typical, usual.output)
        return False

    def _loss(self, theta: np.ndarray) -> float:
        """The loss of these weights, without the penalty."""
        return self.objective.over(self.objective.sample()).loss(theta)

    def _typical_output(self, coefs, intercepts) -> float:
        """The median magnitude of the outputs' pre-activations."""
        X = self.objective.samples.take(_few(self.objective.sample()))
        try:
            z = map_outputs(coefs, intercepts, self.network.activation, X, np.abs)
        except ValueError:  # not finite
            return np.inf
        return _median(z)


def typical_size(X) -> float:
    """The largest magnitude in a typical row."""
    largest = abs(some_rows(X, TYPICAL_ROWS)).max(axis=1)
    return _median(largest.toarray() if sparse.issparse(X) else largest)


def _few(rows: np.ndarray) -> np.ndarray:
    return rows[:: -(-len(rows) // TYPICAL_ROWS)]


def _median(values) -> float:
    with np.errstate(over="ignore"):  # of the sum of the two in the middle
        return float(np.median(values))
