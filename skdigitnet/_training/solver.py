"""What a solver is, and what it declares that it can do."""

from __future__ import annotations

from typing import ClassVar, Protocol

import numpy as np

from skdigitnet._problem.objective import Objective
from skdigitnet._training.monitor import Watch
from skdigitnet._training.state import TrainingState


class SolverRun(Protocol):
    """A solver at work; :meth:`advance` may be called again, to go on."""

    def advance(self, n_epochs: int) -> None:
        """Train until the watch says stop or so many epochs or iterations are done.

        Parameters
        ----------
        n_epochs : int
            An epoch that has begun is finished and counts as one.

        Raises
        ------
        ValueError
            At the end of the epoch or iteration in which training diverges.
        """

    def warning(self) -> str | None:
        """Why training, which has had all its epochs, has not converged, if it has not."""


class Solver(Protocol):
    """A way to minimise the objective, with its own of the estimator's parameters.

    Attributes
    ----------
    unit : {"epoch", "iteration"}
    has_partial_fit : bool
        Whether it can train for an epoch on some of the rows.
    has_dropout : bool
        Whether its objective may change from one evaluation to the next.
    """

    unit: ClassVar[str]
    has_partial_fit: ClassVar[bool]
    has_dropout: ClassVar[bool]

    def batch_rows(self, n_rows: int) -> int:
        """Rows between two updates of the weights, unless there are fewer than that."""

    def start(
        self,
        objective: Objective,
        state: TrainingState,
        watch: Watch,
        random_state: np.random.RandomState,
    ) -> SolverRun:
        """Begin to train.

        Parameters
        ----------
        objective : Objective
        state : TrainingState
            Brought forward in place.
        watch : Watch
            Is told of every epoch or iteration.
        random_state : RandomState
            Shuffles the rows, and draws the units that are dropped.
        """
