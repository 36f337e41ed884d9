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
    order : ndarray of shape (n_training_rows,) or None
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
    order: np.ndarray | None = None
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
        return (
            self.order is not None
            and len(self.order) + n_held_out == n_rows
            and (self.held_out is not None) == early_stopping
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


def check_finite(loss: float, theta: np.ndarray, step: str) -> None:
    """Raise ValueError if training has diverged by this step ("iteration 3")."""
    if np.isfinite(loss) and np.isfinite(theta).all():
        return
    raise ValueError(
        f"Training diverged: the loss or the weights are not finite after {step}. The"
        " usual causes are a learning_rate_init that is too large and an X that is not"
        " scaled; lower the one or scale the other, for example with StandardScaler."
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
    labels = y.ravel() if y.ndim == 1 or two_classes else np.zeros(len(y), dtype=np.intp)
    members = [np.flatnonzero((labels == k) & (weight > 0)) for k in np.unique(labels)]
    if all(len(rows) < 2 for rows in members):
        raise ValueError(
            "early_stopping=True needs a class with two rows or more, one to train on"
            f" and one to hold out; y has {len(y)} rows of {len(members)} classes. Give"
            " more rows, or set early_stopping=False."
        )
    rows = np.arange(len(y))
    split = {"test_size": validation_fraction, "random_state": random_state}
    try:
        training, held_out = train_test_split(
            rows, stratify=labels if two_classes else None, **split
        )
    except ValueError:  # a class of one row, or fewer held-out rows than classes
        size = min(max(1, round(validation_fraction * len(y))), len(y) - 1)
        held_out = random_state.permutation(len(y))[:size]
        training = np.setdiff1d(rows, held_out)
    for class_rows in members:
        if not np.isin(class_rows, training).any():
            training, held_out = _move(class_rows[:1], training, held_out)
        elif len(class_rows) > 1 and not np.isin(class_rows, held_out).any():
            held_out, training = _move(class_rows[:1], held_out, training)
    return training, held_out


def _move(rows, to, source):
    return np.append(to, rows), source[~np.isin(source, rows)]
