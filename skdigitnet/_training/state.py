"""What training has come to, and all that its next step depends on."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from skdigitnet._training.stopping import StoppingRule

# how many numbers an update rule keeps for each weight
N_MOMENTS = {"": 0, "gradient_descent": 0, "momentum": 1, "nesterov": 1, "adam": 2}

# the columns of the callback HistoryFrame
HISTORY = ("epoch", "loss", "validation_score", "learning_rate", "gradient_norm", "seconds")


@dataclass
class TrainingState:
    """Everything that the next epoch or iteration depends on, and what came of it.

    Arrays, numbers and strings only. A solver is handed a state, brings it forward
    in place and so returns its result; a state that is kept can be gone on from, in
    the middle of an epoch too.

    Attributes
    ----------
    theta : ndarray of shape (n_params,)
        The weights.
    loss : float
        The last loss; NaN before there is one.
    loss_curve : list of float
        The loss after each epoch or iteration.
    best_loss : float
        The smallest of them; infinity before there is one.
    history : list of tuple of float
        What the callback HistoryFrame has noted after each.
    n_samples_seen : int
        Training rows gone through in whole epochs.
    weight_seen : float
        Their summed weights, which the "invscaling" schedule counts.
    n_before : int
        Epochs or iterations before the last call to fit.
    interrupted : bool
        Whether that call was interrupted, so that the next one finishes it.
    stopped : bool
        Whether it has ended before ``max_iter``, by the stopping rule or the solver's own.
    criterion : str
        What the stopping rule's values are of; see :attr:`StoppingRule.criterion`.
    best : float
        Its best value: validation score, or minus the loss.
    best_iteration : int
        The epoch or iteration of that value, from 1; 0 before there is one.
    best_theta : ndarray of shape (n_params,) or None
        With a validation score, the weights of the best one.
    n_no_improvement : int
        How many times in a row that value has not improved by ``tol``.
    validation_scores : list of float
        With a validation score, its values after each epoch or iteration.
    held_out : ndarray of shape (n_held_out,) or None
        The held-out rows.
    order : ndarray of shape (n_training_rows,)
        The training rows in the order of the last epoch.
    position : int or None
        How many of them the running epoch has gone through; None between epochs.
    batch_size : int
        The running epoch's.
    epoch_loss : float
        Sum over its rows so far of their batch's objective.
    dropout_key : int
        What its dropped units are drawn from.
    gradient : ndarray of shape (n_params,) or None
        Within a batch, the gradient of its rows so far.
    random_state : dict or None
        ``get_state(legacy=False)`` of the generator that shuffles the rows.
    update_rule : str
        Of SGD and Adam; empty for L-BFGS and before there is one.
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
    best_loss: float = np.inf
    history: list[tuple[float, ...]] = field(default_factory=list)
    n_samples_seen: int = 0
    weight_seen: float = 0.0
    n_before: int = 0
    interrupted: bool = False
    stopped: bool = False
    criterion: str = ""
    best: float = -np.inf
    best_iteration: int = 0
    best_theta: np.ndarray | None = None
    n_no_improvement: int = 0
    validation_scores: list[float] = field(default_factory=list)
    held_out: np.ndarray | None = None
    order: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=np.intp))
    position: int | None = None
    batch_size: int = 0
    epoch_loss: float = 0.0
    dropout_key: int = 0
    gradient: np.ndarray | None = None
    random_state: Any = None
    update_rule: str = ""
    moments: np.ndarray | None = None
    n_steps: int = 0
    n_rate_cuts: int = 0

    @property
    def n_iter(self) -> int:
        """Epochs or iterations so far."""
        return len(self.loss_curve)

    @property
    def n_iter_of_fit(self) -> int:
        """Those of the last call to fit."""
        return self.n_iter - self.n_before

    @property
    def published_theta(self) -> np.ndarray:
        """The weights to predict with: those of the best score, else the last."""
        return self.theta if self.best_theta is None else self.best_theta

    def begin_fit(self, *, finish_last: bool) -> None:
        """Make ready for another call to fit, or to finish one that was interrupted."""
        if not (finish_last and self.interrupted):
            self.n_before, self.stopped = self.n_iter, False
        self.interrupted = False

    def begin_updates(self, rule: str) -> None:
        """Begin without moments, if those there are have come from another update rule."""
        if rule != self.update_rule:
            self.update_rule, self.n_steps = rule, 0
            n_moments = N_MOMENTS[rule] * len(self.theta)
            self.moments = np.zeros(n_moments, self.theta.dtype)

    def begin_epoch(self, order: np.ndarray, batch_size: int, dropout_key: int) -> None:
        self.order, self.batch_size, self.dropout_key = order, batch_size, dropout_key
        self.position, self.epoch_loss = 0, 0.0

    def record(
        self,
        loss: float,
        score: float | None,
        rule: StoppingRule,
        n_rows: int,
        weight: float,
    ) -> None:
        """Note what an epoch or iteration came to, and whether it was an improvement.

        The rule is MLPClassifier's: no improvement is a value below the best so
        far plus ``tol``, and any higher value, however little, is the new best.
        """
        self.position = None
        self.n_samples_seen += n_rows
        self.weight_seen += weight
        self.loss = loss
        self.loss_curve.append(loss)
        self.best_loss = min(self.best_loss, loss)
        value = -loss
        if score is not None:
            self.validation_scores.append(score)
            value = score
        improved = value >= self.best + rule.tol
        self.n_no_improvement = 0 if improved else self.n_no_improvement + 1
        if value > self.best:
            self.best, self.best_iteration = value, self.n_iter
            if score is not None and rule.restore_best:
                self.best_theta = self.theta.copy()

    def report(self, score: float | None) -> None:
        """Print the last epoch's or iteration's loss and score."""
        print(f"Iteration {self.n_iter}, loss = {self.loss_curve[-1]:.8f}")
        if score is not None:
            print(f"Validation score: {score:f}")

    def fits_rows(self, n_rows: int, holds_out: bool) -> bool:
        """Whether ``order`` and ``held_out`` are a split of that many rows."""
        n_held_out = 0 if self.held_out is None else len(self.held_out)
        return len(self.order) + n_held_out == n_rows and holds_out == (
            self.held_out is not None
        )

    def start_on_rows(self, order: np.ndarray, held_out: np.ndarray | None) -> None:
        """Go on with other rows from the published weights; forget the earlier best."""
        self.order, self.held_out = order, held_out
        self._start_from_best()

    def judge_by(self, criterion: str) -> None:
        """The same if that is another criterion: its values cannot be compared."""
        if criterion != self.criterion:
            self.criterion = criterion
            self._start_from_best()

    def _start_from_best(self) -> None:
        if self.best_theta is not None:
            self.theta = self.best_theta.copy()
        self.position = None
        self.forget_best()

    def forget_best(self) -> None:
        self.best, self.best_theta, self.n_no_improvement = -np.inf, None, 0
        self.best_iteration = 0

    @property
    def is_within_batch(self) -> bool:
        """Whether ``gradient`` has rows of a batch that has not ended."""
        return self.position is not None and self.position % self.batch_size != 0

    def suits(self, n_params: int, X) -> bool:
        """Whether the kernels can be handed this state with a network and rows."""
        given = [a for a in (self.theta, self.best_theta, self.gradient) if a is not None]
        moments = np.empty(0, X.dtype) if self.moments is None else self.moments
        held_out = np.empty(0, np.intp) if self.held_out is None else self.held_out
        rows = np.concatenate([self.order, held_out])
        return (
            all(array.dtype == X.dtype for array in (*given, moments))
            and all(len(array) == n_params for array in given)
            and len(moments) == N_MOMENTS.get(self.update_rule, -1) * n_params
            and self.order.dtype == held_out.dtype == np.intp
            and (len(rows) == 0 or np.array_equal(np.sort(rows), np.arange(X.shape[0])))
            and max(self.n_before, self.best_iteration, self.n_rate_cuts) <= self.n_iter
            and max(self.n_samples_seen, self.n_steps) < 2**62  # there is room to count on
            and self.weight_seen >= 0
            and self._has_a_sound_position()
        )

    def _has_a_sound_position(self) -> bool:
        if self.position is None:
            return True
        if self.batch_size < 1 or self.position > len(self.order):
            return False
        return not self.is_within_batch or self.gradient is not None

    @property
    def lists(self) -> tuple[list, ...]:
        """What an epoch or iteration appends to."""
        return self.loss_curve, self.validation_scores, self.history

    def copy_to_train(self, theta: np.ndarray) -> TrainingState:
        """A state to bring forward from these weights, while this one stays as it is.

        Arrays that a solver writes into are copied, in the precision of ``theta``. The
        lists are shared, since they only grow, and what was appended can be taken back.
        """
        state = replace(self, theta=theta)
        for name in ("moments", "gradient"):
            if getattr(self, name) is not None:
                setattr(state, name, getattr(self, name).astype(theta.dtype))
        if self.best_theta is not None:
            state.best_theta = self.best_theta.astype(theta.dtype, copy=False)
        return state

    def snapshot(self, theta: np.ndarray) -> TrainingState:
        """As it is now but for its weights, of which this one is to be published."""
        loss_curve, scores, history = map(list, self.lists)
        return replace(
            self,
            theta=theta,
            best_theta=None,
            loss_curve=loss_curve,
            validation_scores=scores,
            history=history,
        )
