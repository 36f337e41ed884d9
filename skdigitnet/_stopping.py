"""What a solver works on and returns, when it stops, and what it holds out for that."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from sklearn.model_selection import train_test_split


@dataclass
class TrainingState:
    """Everything that the next epoch or iteration depends on, and what came of it.

    Arrays, numbers and strings only. A solver is handed a state, brings it forward
    in place and so returns its result; a state that is kept can be gone on from.

    Attributes
    ----------
    theta : ndarray of shape (n_params,)
        The weights.
    loss : float
        The last loss; NaN before there is one.
    loss_curve : list of float
        The loss after each epoch or iteration.
    n_samples_seen : int
        Training rows gone through so far.
    weight_seen : float
        Their summed weights, which the "invscaling" schedule counts.
    best : float
        The stopping rule's best value: validation score, or minus the loss.
    n_no_improvement : int
        How many times in a row that value has not improved by ``tol``.
    validation_scores : list of float
        With a held-out part, its score after each epoch or iteration.
    best_theta : ndarray of shape (n_params,) or None
        With a held-out part, the weights of the best score.
    held_out : ndarray of shape (n_held_out,) or None
        The held-out rows.
    order : ndarray of shape (n_training_rows,)
        The training rows in the order of the last epoch.
    random_state : tuple, dict or None
        ``get_state()`` of the generator that shuffles them.
    update_rule : str
    moments : ndarray of shape (0, 1 or 2 times n_params,)
        Momentum's velocity, or Adam's first and second moments.
    n_steps : int
        Updates made so far, which Adam's bias correction counts.
    n_rate_cuts : int
        How often the adaptive schedule has divided the learning rate.
    """

    theta: np.ndarray
    loss: float = np.nan
    loss_curve: list[float] = field(default_factory=list)
    n_samples_seen: int = 0
    weight_seen: float = 0.0
    best: float = -np.inf
    n_no_improvement: int = 0
    validation_scores: list[float] = field(default_factory=list)
    best_theta: np.ndarray | None = None
    held_out: np.ndarray | None = None
    order: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=np.intp))
    random_state: Any = None
    update_rule: str = ""
    moments: np.ndarray | None = None
    n_steps: int = 0
    n_rate_cuts: int = 0

    def record(self, loss: float, score: float | None, tol: float) -> None:
        """Note one epoch's loss and score, and whether they were an improvement.

        The rule is MLPClassifier's: no improvement is a value below the best so
        far plus ``tol``, and any higher value, however little, is the new best.
        """
        self.loss = loss
        self.loss_curve.append(loss)
        value = -loss
        if score is not None:
            self.validation_scores.append(score)
            value = score
        self.n_no_improvement = self.n_no_improvement + 1 if value < self.best + tol else 0
        if value > self.best:
            self.best = value
            if score is not None:
                self.best_theta = self.theta.copy()

    def report(self) -> None:
        """Print the last epoch's or iteration's loss and score."""
        print(f"Iteration {len(self.loss_curve)}, loss = {self.loss_curve[-1]:.8f}")
        if self.validation_scores:
            print(f"Validation score: {self.validation_scores[-1]:f}")

    def fits_rows(self, n_rows: int, early_stopping: bool) -> bool:
        """Whether ``order`` and ``held_out`` are a split of that many rows."""
        n_held_out = 0 if self.held_out is None else len(self.held_out)
        return len(self.order) + n_held_out == n_rows and early_stopping == (
            self.held_out is not None
        )

    def start_on_rows(self, order: np.ndarray, held_out: np.ndarray | None) -> None:
        """Go on with other rows from the published weights; forget the earlier best."""
        self.theta = self.published_theta
        self.order, self.held_out = order, held_out
        self.forget_best()

    def forget_best(self) -> None:
        self.best, self.best_theta, self.n_no_improvement = -np.inf, None, 0

    def copy_as(self, dtype) -> TrainingState:
        """A copy that shares nothing, its weights and moments of that dtype."""
        state = copy.deepcopy(self)
        for name in ("theta", "best_theta", "moments"):
            if getattr(state, name) is not None:
                setattr(state, name, getattr(state, name).astype(dtype, copy=False))
        return state

    @property
    def published_theta(self) -> np.ndarray:
        """The weights to predict with: those of the best score, else the last."""
        return self.theta if self.best_theta is None else self.best_theta


def check_finite(loss: float, theta: np.ndarray, when: str) -> None:
    """Raise ValueError if training has diverged (``when`` is "after epoch 3")."""
    if np.isfinite(loss) and np.isfinite(theta).all():
        return
    raise ValueError(
        f"Training diverged: the loss or the weights are not finite {when}. The usual causes"
        " are an X that is not scaled (scale it, for example with StandardScaler) and, for"
        " SGD and Adam, a learning_rate_init that is too large."
    )


def hold_out(
    y: np.ndarray,
    weight: np.ndarray,
    validation_fraction: float,
    random_state: np.random.RandomState,
) -> tuple[np.ndarray, np.ndarray]:
    """Split the rows into training and held-out rows.

    The split is MLPClassifier's: stratified for two classes, at random otherwise.
    Where that fails, or leaves a class without a row on either side, the fewest
    rows change sides so that every class trains and every class that can spare a
    row is held out. Rows of no weight do not count as rows of their class.

    Parameters
    ----------
    y : ndarray of shape (n_rows,) or (n_rows, n_outputs)
        Class indices, or an indicator matrix of one column (two classes) or more
        (multilabel, where no class need be on both sides).
    weight : ndarray of shape (n_rows,)
    validation_fraction : float
    random_state : RandomState

    Returns
    -------
    training, held_out : ndarray of shape (n_training_rows,) and (n_held_out,)

    Raises
    ------
    ValueError
        If no class can spare a row.
    """
    two_classes = y.ndim == 2 and y.shape[1] == 1
    rows = np.arange(len(y))
    split = {"test_size": validation_fraction, "random_state": random_state}
    try:
        training, held_out = train_test_split(
            rows, stratify=y.ravel() if two_classes else None, **split
        )
    except ValueError:  # a class of one row, or fewer held-out rows than classes
        size = min(max(1, round(validation_fraction * len(y))), len(y) - 1)
        held_out = random_state.permutation(len(y))[:size]
        training = np.setdiff1d(rows, held_out)
    return spread_classes(y, weight, training, held_out)


def spread_classes(
    y: np.ndarray, weight: np.ndarray, training: np.ndarray, held_out: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Move the fewest rows, so that every class trains and is held out if it can be.

    Parameters and what is raised are those of :func:`hold_out`; the same arrays come
    back if nothing has to be moved.
    """
    several_labels = y.ndim == 2 and y.shape[1] > 1
    labels = np.zeros(len(y), dtype=np.intp) if several_labels else y.ravel()
    members = [np.flatnonzero((labels == k) & (weight > 0)) for k in np.unique(labels)]
    if all(len(rows) < 2 for rows in members):
        raise ValueError(
            "early_stopping=True needs a class with two rows or more, one to train on"
            f" and one to hold out; y has {len(y)} rows of {len(members)} classes. Give"
            " more rows, or set early_stopping=False."
        )
    for rows in members:
        if len(rows) > 0 and not np.isin(rows, training).any():
            training, held_out = _move(rows[:1], training, held_out)
        elif len(rows) > 1 and not np.isin(rows, held_out).any():
            held_out, training = _move(rows[:1], held_out, training)
    return training, held_out


def _move(rows, to, source):
    return np.append(to, rows), source[~np.isin(source, rows)]
