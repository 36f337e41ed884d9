"""The training state: its results so far, and all that the next step depends on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import Any, get_type_hints

import numpy as np

from skdigitnet._core.runs import UPDATE_RULES

# how many numbers an update rule keeps for each weight; L-BFGS has no rule
N_MOMENTS = {"": 0, **{rule: n_moments for rule, (_, n_moments) in UPDATE_RULES.items()}}


@dataclass
class Curve:
    """Loss and score of each epoch or iteration.

    Attributes
    ----------
    losses : list of float
    lowest : float
        The smallest of them; infinity before there is one.
    last : float
        The last loss, which L-BFGS may lower after its last iteration; NaN before there
        is one.
    scores : list of float
        On validation rows, after each epoch or iteration that had any.
    """

    losses: list[float] = field(default_factory=list)
    lowest: float = np.inf
    last: float = np.nan
    scores: list[float] = field(default_factory=list)

    def append(self, loss: float, score: float | None) -> None:
        self.losses.append(loss)
        self.last, self.lowest = loss, min(self.lowest, loss)
        if score is not None:
            self.scores.append(score)


@dataclass
class Best:
    """The best so far, as the stopping rule has seen it.

    Attributes
    ----------
    criterion : str
        What ``value`` measures; see :attr:`StoppingRule.criterion`.
    value : float
        Validation score, or minus the loss.
    iteration : int
        The epoch or iteration of that value, from 1; 0 before there is one.
    theta : ndarray of shape (n_params,) or None
        The weights of ``value``, if it is a validation score.
    n_no_improvement : int
        How many times in a row the value has not improved by ``tol``.
    """

    criterion: str = ""
    value: float = -np.inf
    iteration: int = 0
    theta: np.ndarray | None = None
    n_no_improvement: int = 0

    def forget(self) -> None:
        self.value, self.theta, self.n_no_improvement, self.iteration = -np.inf, None, 0, 0


@dataclass
class Epoch:
    """The rows of the current or last epoch, and how far it has got.

    Attributes
    ----------
    order : ndarray of shape (n_training_rows,)
        The training rows in the order in which they are taken.
    held_out : ndarray of shape (n_held_out,) or None
        The held-out rows.
    position : int or None
        How many rows of ``order`` are done; None between epochs.
    batch_size : int
    loss : float
        Sum over the rows so far of their batch's objective.
    dropout_key : int
        What the dropped units, and the changes to blocks of rows, are drawn from.
    gradient : ndarray of shape (n_params,) or None
        Within a batch, the gradient of its rows so far.
    """

    order: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=np.intp))
    held_out: np.ndarray | None = None
    position: int | None = None
    batch_size: int = 0
    loss: float = 0.0
    dropout_key: int = 0
    gradient: np.ndarray | None = None

    def begin(self, order: np.ndarray, batch_size: int, dropout_key: int) -> None:
        self.order, self.batch_size, self.dropout_key = order, batch_size, dropout_key
        self.position, self.loss = 0, 0.0

    def fits_rows(self, n_rows: int, holds_out: bool) -> bool:
        """Whether ``order`` and ``held_out`` are a split of that many rows."""
        n_held_out = 0 if self.held_out is None else len(self.held_out)
        return len(self.order) + n_held_out == n_rows and holds_out == (
            self.held_out is not None
        )

    @property
    def is_within_batch(self) -> bool:
        """Whether ``gradient`` is that of an unfinished batch."""
        return self.position is not None and self.position % self.batch_size != 0


@dataclass
class Optimiser:
    """What SGD and Adam remember from update to update.

    Attributes
    ----------
    rule : str
        Empty for L-BFGS and before there is one.
    moments : ndarray of shape (0, 1 or 2 times n_params,) or None
        Momentum's velocity, or Adam's first and second moments.
    n_steps : int
        Updates made so far, which Adam's bias correction counts.
    n_rate_cuts : int
        How often the stopping rule has divided the learning rate.
    """

    rule: str = ""
    moments: np.ndarray | None = None
    n_steps: int = 0
    n_rate_cuts: int = 0

    def begin(self, rule: str, theta: np.ndarray) -> None:
        """Start with moments of zero, unless they are this rule's already."""
        if rule != self.rule:
            self.rule, self.n_steps = rule, 0
            self.moments = np.zeros(N_MOMENTS[rule] * len(theta), theta.dtype)


@dataclass
class TrainingState:
    """Everything that the next epoch or iteration depends on, and the results so far.

    Arrays, numbers and strings only, in parts that change together. A solver advances a
    state in place. Training can resume from a state that was kept, even in the middle of an
    epoch.

    Attributes
    ----------
    theta : ndarray of shape (n_params,)
        The weights.
    curve : Curve
    best : Best
    epoch : Epoch
    optimiser : Optimiser
    random_state : dict or None
        ``get_state(legacy=False)`` of the generator that shuffles the rows.
    n_samples_seen : int
        Training rows processed in whole epochs.
    weight_seen : float
        Their summed weights, which the "invscaling" schedule counts.
    n_before : int
        Epochs or iterations before the last call to fit.
    interrupted : bool
        Whether that call was interrupted, so that the next one finishes it.
    stopped : bool
        Whether it has ended before ``max_iter``, by the stopping rule or the solver's own.
    records : dict of list of tuple of float
        By the name of a callback, the row of numbers that it recorded after each epoch or
        iteration.
    """

    theta: np.ndarray
    curve: Curve = field(default_factory=Curve)
    best: Best = field(default_factory=Best)
    epoch: Epoch = field(default_factory=Epoch)
    optimiser: Optimiser = field(default_factory=Optimiser)
    random_state: dict[str, Any] | None = None
    n_samples_seen: int = 0
    weight_seen: float = 0.0
    n_before: int = 0
    interrupted: bool = False
    stopped: bool = False
    records: dict[str, list[tuple[float, ...]]] = field(default_factory=dict)

    @property
    def n_iter(self) -> int:
        """Epochs or iterations so far."""
        return len(self.curve.losses)

    @property
    def n_iter_of_fit(self) -> int:
        """Epochs or iterations of the last call to fit."""
        return self.n_iter - self.n_before

    @property
    def published_theta(self) -> np.ndarray:
        """The weights to predict with: those of the best score, else the last."""
        return self.theta if self.best.theta is None else self.best.theta

    @property
    def lists(self) -> tuple[list, ...]:
        """The lists that an epoch or iteration appends to."""
        return self.curve.losses, self.curve.scores, *self.records.values()

    def begin_fit(self, *, finish_last: bool) -> None:
        """Prepare for another call to fit, or to finish one that was interrupted."""
        if not (finish_last and self.interrupted):
            if self.stopped:
                self.optimiser.n_rate_cuts = 0
            self.n_before, self.stopped = self.n_iter, False
        self.interrupted = False

    def end_epoch(self, loss: float, score: float | None, n_rows: int, weight: float) -> None:
        """Record an epoch or iteration over this many rows, of this total weight."""
        self.epoch.position = None
        self.n_samples_seen += n_rows
        self.weight_seen += weight
        self.curve.append(loss, score)

    def start_on_rows(self, order: np.ndarray, held_out: np.ndarray | None) -> None:
        """Continue on other rows from the published weights; forget the earlier best."""
        self.epoch.order, self.epoch.held_out = order, held_out
        self._start_from_best()

    def judge_by(self, criterion: str) -> None:
        """Do the same for a new criterion, whose values cannot be compared with the old."""
        if criterion != self.best.criterion:
            self.best.criterion = criterion
            self._start_from_best()

    def _start_from_best(self) -> None:
        if self.best.theta is not None:
            self.theta = self.best.theta.copy()
        self.epoch.position = None
        self.best.forget()

    def copy_to_train(self, theta: np.ndarray) -> TrainingState:
        """A state to train from these weights, while this one stays unchanged.

        Arrays that a solver writes into are copied, in the precision of ``theta``. The
        lists are shared, since they only grow, and what was appended can be removed.
        """
        dtype, best = theta.dtype, self.best.theta
        return replace(
            self,
            theta=theta,
            curve=replace(self.curve),
            best=replace(
                self.best, theta=None if best is None else best.astype(dtype, copy=False)
            ),
            epoch=replace(self.epoch, gradient=_copy_as(self.epoch.gradient, dtype)),
            optimiser=replace(self.optimiser, moments=_copy_as(self.optimiser.moments, dtype)),
            records=dict(self.records),
        )

    def with_own_lists(self) -> TrainingState:
        """A state whose lists do not grow with this one's."""
        curve = replace(
            self.curve, losses=list(self.curve.losses), scores=list(self.curve.scores)
        )
        records = {name: list(rows) for name, rows in self.records.items()}
        return replace(self, curve=curve, records=records)

    def with_weights(self, theta: np.ndarray) -> TrainingState:
        """The same state with other weights, to be published."""
        return replace(self, theta=theta, best=replace(self.best, theta=None))


def _copy_as(array: np.ndarray | None, dtype) -> np.ndarray | None:
    return None if array is None else array.astype(dtype)


# of the fields; resolved at import, since that evaluates code, and reading a file must not
TYPES: dict[type, dict[str, Any]] = {
    kind: get_type_hints(kind) for kind in (TrainingState, Curve, Best, Epoch, Optimiser)
}


def to_dict(part) -> dict[str, Any]:
    """A state, or a part of one, as a dict with a dict for each of its parts."""
    values = ((f.name, getattr(part, f.name)) for f in fields(part))
    return {name: to_dict(v) if is_dataclass(v) else v for name, v in values}


def from_dict(
    kind: type, values: dict[str, Any], check: Callable[[str, Any, Any], Any] | None = None
) -> Any:
    """The inverse of :func:`to_dict`; missing fields get their defaults.

    Parameters
    ----------
    kind : type
        :class:`TrainingState`, or the type of a part of it.
    values : dict
    check : callable or None
        Maps the name, type and value of a field to the value to set.
    """
    if not isinstance(values, dict):
        raise TypeError(f"{kind.__name__} is {values!r:.40}")
    known = {}
    for name, hint in TYPES[kind].items():
        if name not in values:
            continue
        value = values[name]
        if isinstance(hint, type) and is_dataclass(hint):
            known[name] = from_dict(hint, value, check)
        else:
            known[name] = value if check is None else check(name, hint, value)
    return kind(**known)
