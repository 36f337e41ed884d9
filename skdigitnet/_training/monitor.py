"""What happens around every epoch or iteration, whatever the solver."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from skdigitnet._problem.objective import Objective
from skdigitnet._system.interrupts import Interrupts
from skdigitnet._training.callback_bridge import FitTask
from skdigitnet._training.divergence import Divergence
from skdigitnet._training.plateau import Plateau
from skdigitnet._training.state import TrainingState
from skdigitnet._training.stopping import StoppingRule


@dataclass(frozen=True)
class Judges:
    """What judges the weights.

    Attributes
    ----------
    rule : StoppingRule
    divergence : Divergence
    plateau : Plateau
    score : callable or None
        Score of a theta on the validation rows.
    """

    rule: StoppingRule
    divergence: Divergence
    plateau: Plateau
    score: Callable[[np.ndarray], float] | None


class Watch:
    """Scores, records and prints each epoch, tells the callbacks, and decides when to stop.

    Parameters
    ----------
    state : TrainingState
    objective : Objective
    judges : Judges
    task : FitTask
    interrupts : Interrupts
    verbose : bool or int
    unit : {"epoch", "iteration"}

    Attributes
    ----------
    began, epoch_began : float
        When, in seconds of :func:`time.monotonic`.
    learning_rate : float
        Of the last epoch; NaN where there is none.
    stopped : bool
        Whether the rule or a callback has stopped training.
    """

    def __init__(
        self,
        state: TrainingState,
        objective: Objective,
        judges: Judges,
        task: FitTask,
        interrupts: Interrupts,
        *,
        verbose: bool | int,
        unit: str,
    ):
        self.state, self.objective = state, objective
        self.rule, self.score = judges.rule, judges.score
        self.divergence, self.plateau = judges.divergence, judges.plateau
        self.task, self.interrupts, self.verbose, self.unit = task, interrupts, verbose, unit
        self.began = self.epoch_began = time.monotonic()
        self.learning_rate, self.stopped = np.nan, state.stopped

    @property
    def what(self) -> str:
        """What the stopping rule monitors."""
        return "Training loss" if self.score is None else "Validation score"

    @property
    def is_exhausted(self) -> bool:
        patience = self.plateau.patience(self.rule.patience, self.state.curve.last)
        return self.state.best.n_no_improvement > patience

    def say(self, message: str) -> None:
        if self.verbose:
            print(message)

    def epoch_begins(self) -> None:
        """Tell the callbacks, unless the epoch has begun already."""
        self.task.begin_epoch()

    def epoch_ends(self, loss: float, rule_stops: Callable[[], bool]) -> None:
        """Record an epoch or iteration, and whether training stops.

        Parameters
        ----------
        loss : float
        rule_stops : callable
            Whether the solver's own rule stops, once the epoch is recorded.

        Raises
        ------
        ValueError
            If training has diverged.
        """
        state, objective = self.state, self.objective
        self.divergence.check(loss, state.theta, f"after {self.unit} {state.n_iter + 1}")
        score = None if self.score is None else self.score(state.theta)
        with self.interrupts.held:
            state.end_epoch(loss, score, objective.n_rows, objective.total_weight)
            self.rule.judge(state, loss, score)
            self.say(f"Iteration {state.n_iter}, loss = {loss:.8f}")
            if score is not None:
                self.say(f"Validation score: {score:f}")
            state.stopped = rule_stops()
        # a callback's stop is not part of the state, so that training can resume from it
        self.stopped = self.task.end_epoch() or state.stopped
        self.epoch_began = time.monotonic()
