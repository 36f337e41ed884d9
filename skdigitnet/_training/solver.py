"""What a solver must implement, and what it declares that it can do."""

from __future__ import annotations

from typing import ClassVar, Protocol

import numpy as np

from skdigitnet._problem.objective import Objective
from skdigitnet._training.monitor import Watch
from skdigitnet._training.state import TrainingState


class SolverRun(Protocol):
    """One run of a solver; :meth:`advance` may be called again, to continue."""

    def advance(self, n_epochs: int) -> None:
        """Train until the watch stops it, or for this many epochs or iterations.

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
        """Why training has not converged after all its epochs, if it has not.

        At the end of an epoch or iteration within :meth:`advance`, what it would be if that
        were the last one.
        """


class Solver(Protocol):
    """A way to minimise the objective; its fields are parameters of the estimator.

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
            Advanced in place.
        watch : Watch
            Told of every epoch or iteration.
        random_state : RandomState
            Shuffles the rows, and draws the units that are dropped.
        """
