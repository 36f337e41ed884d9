"""Whether a network is better than the best constant, and the warning if it is not."""

from __future__ import annotations

import numpy as np
from scipy import sparse
from scipy.special import xlogy

from skdigitnet._problem.network import Network
from skdigitnet._problem.objective import Objective
from skdigitnet._training.state import TrainingState

# The share of the best constant's loss above which training is on a plateau.
MAX_LOSS_SHARE = 0.95
# Below this share the loss of the last epoch, seen while weights changed, is proof enough, and
# so is that of a sample of the rows.
SURE_LOSS_SHARE = 0.8
# How many times as long the stopping rule waits on a plateau.
PLATEAU_PATIENCE = 10
# A column with values this far from 0 drives units into saturation.
LARGE_COLUMN = 10.0
SMALL_COLUMN = 0.1


def constant_loss(
    loss: str, network: Network, targets: np.ndarray, weight: np.ndarray, rows=slice(None)
) -> float:
    r"""The smallest loss of outputs that are the same for every row.

    They are the classes' or labels' shares :math:`s_k` of the weight. The squared error is
    :math:`\frac{1}{2} \sum_k s_k (1 - s_k)` and the cross-entropy
    :math:`-\sum_k s_k \log s_k`, to which logistic outputs, each yes or no, add
    :math:`-\sum_k (1 - s_k) \log (1 - s_k)`.

    Parameters
    ----------
    loss : {"log_loss", "squared_error"}
    network : Network
    targets : ndarray of shape (n_rows,) or (n_rows, n_outputs)
        Class indices, or an indicator matrix.
    weight : ndarray of shape (n_rows,)
    rows : ndarray of int or slice, default=slice(None)
        The rows to include.
    """
    targets, weight = targets[rows], weight[rows]
    if targets.ndim == 1:
        totals = np.bincount(targets, weight, network.n_outputs)
    else:
        totals = weight @ targets
    share = totals / weight.sum()
    if loss == "squared_error":
        return float((share * (1 - share)).sum() / 2)
    assert loss == "log_loss", loss
    entropy = -xlogy(share, share).sum()
    if network.out_activation == "logistic":
        entropy -= xlogy(1 - share, 1 - share).sum()
    return float(entropy)


class Plateau:
    """The region where a network is no better than the best constant.

    Sigmoid networks begin there, with outputs that hardly depend on X, and the loss may stay
    flat for many epochs before it falls: that is not convergence.

    Parameters
    ----------
    objective : Objective
        On the training rows.
    constant : float
        The best constant's loss; see :func:`constant_loss`.
    """

    def __init__(self, objective: Objective, constant: float):
        self.objective, self.constant = objective, constant

    def holds(self, loss: float) -> bool:
        """Whether this loss is not clearly below the best constant's."""
        return not loss <= MAX_LOSS_SHARE * self.constant

    def patience(self, patience: float, loss: float) -> float:
        """Epochs without improvement to allow at this loss."""
        return PLATEAU_PATIENCE * patience if self.holds(loss) else patience

    def warning(self, state: TrainingState, names: np.ndarray | None) -> str | None:
        """What to tell the user if training has ended on the plateau; None if it has not.

        Parameters
        ----------
        state : TrainingState
        names : ndarray of shape (n_features,) or None
            Names of X's columns.
        """
        is_of_last_weights = state.best.theta is None and not state.epoch.dropout_key
        if is_of_last_weights and self._is_surely_left(state.curve.last):
            return None
        if self._is_surely_left(self._loss(state, self.objective.sample())):
            return None
        loss = self._loss(state, self.objective.rows)
        if not self.holds(loss):
            return None
        return (
            "The network predicts no better than a constant: its loss on the training rows is"
            f" {loss:.4g}, and the best constant's is {self.constant:.4g}."
            f" {_advice(self.objective.samples.take(self.objective.sample()), names)}"
        )

    def _loss(self, state: TrainingState, rows: np.ndarray) -> float:
        """The published weights' loss on these rows, without the penalty."""
        return self.objective.over(rows).loss(state.published_theta)

    def _is_surely_left(self, loss: float) -> bool:
        return loss <= SURE_LOSS_SHARE * self.constant


def _advice(X, names: np.ndarray | None) -> str:
    """What to do, by the scale of X's columns."""
    size = _column_sizes(X)
    largest = int(size.argmax())
    column = f"column {largest}" if names is None else f"column {names[largest]!r}"
    if size[largest] > LARGE_COLUMN:
        return (
            f"X is not scaled: {column} has the largest values, about {size[largest]:.2g}."
            " Scale X, for example with StandardScaler."
        )
    if size[largest] < SMALL_COLUMN:
        return (
            f"X is not scaled: even {column}, which has the largest values, is only about"
            f" {size[largest]:.2g}. Scale X, for example with StandardScaler."
        )
    return (
        "Try a smaller batch_size or alpha, another learning_rate_init, or a larger max_iter or"
        " n_iter_no_change; it may also be that X does not tell the classes apart."
    )


def _column_sizes(X) -> np.ndarray:
    """The root mean square of each column."""
    with np.errstate(over="ignore"):
        if sparse.issparse(X):
            squares = np.asarray(X.multiply(X).sum(axis=0), dtype=np.float64).ravel()
        else:
            squares = np.einsum("ij,ij->j", X, X, dtype=np.float64)  # without an array of them
        return np.sqrt(squares / X.shape[0])
