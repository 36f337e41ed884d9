"""The stopping rule: when training stops, and which weights it keeps."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import joblib

from skdigitnet._problem.rows import ValidationRows
from skdigitnet._training.state import TrainingState


@dataclass(frozen=True)
class StoppingRule:
    """When training no longer improves, what shows it, and which weights are kept.

    Parameters
    ----------
    tol : float
        An improvement is at least this much.
    patience : float
        Training continues for this many consecutive epochs without one.
    scoring : str, callable or None, default=None
        The score on validation rows to monitor; None monitors the training loss.
    validation_fraction : float, default=0.1
        Share of the training rows to hold out where no others are given.
    restore_best : bool, default=True
        Whether the weights of the best score are those to publish.
    ends_training : bool, default=True
        Whether training has ended after the last epoch; not after that of partial_fit.
    """

    tol: float
    patience: float
    scoring: str | Callable | None = None
    validation_fraction: float = 0.1
    restore_best: bool = True
    ends_training: bool = True

    def judge(self, state: TrainingState, loss: float, score: float | None) -> None:
        """Record whether an epoch or iteration was an improvement, and the best one.

        The rule is MLPClassifier's: no improvement is a value below the best so far plus
        ``tol``, and any higher value, however little, is the new best.
        """
        best, value = state.best, -loss if score is None else score
        improved = value >= best.value + self.tol
        best.n_no_improvement = 0 if improved else best.n_no_improvement + 1
        if value > best.value:
            best.value, best.iteration = value, state.n_iter
            if score is not None and self.restore_best:
                best.theta = state.theta.copy()

    def criterion(self, validation: ValidationRows | None) -> str:
        """A name for what is monitored, and whether the best weights are restored.

        It covers all that these depend on. ``validation`` are the rows of the score, None if
        they are held out. A callable is identified by its name: its own state does not
        matter, nor what SciPy caches in sparse rows.
        """
        if self.scoring is None:
            return "loss"
        name = re.sub(r" at 0x[0-9a-fA-F]+", "", repr(self.scoring))
        rows = None if validation is None else validation.numbers
        return str(joblib.hash([name, rows, self.restore_best]))
