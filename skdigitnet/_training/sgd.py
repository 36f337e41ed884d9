"""Stochastic gradient descent and Adam: epochs over mini-batches."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from skdigitnet._core import kernels
from skdigitnet._problem.objective import CALL_OPERATIONS, MAX_BLOCK_ROWS, Objective
from skdigitnet._training.monitor import Watch
from skdigitnet._training.schedules import SCHEDULES, factor_of
from skdigitnet._training.state import TrainingState

BATCH_OPERATIONS = 5000  # what a batch costs at least
# by solver and whether the outputs are unbounded, where SGD's larger step diverges
AUTO_RATE = {
    ("sgd", False): 0.2,
    ("sgd", True): 0.02,
    ("adam", False): 0.01,
    ("adam", True): 0.01,
}
AUTO_BATCH = 200
MIN_ADAPTIVE_RATE = 1e-6
RATE_CUT = 5.0


@dataclass(frozen=True)
class StochasticSolver:
    """Mini-batch descent with the estimator's parameters of the same names.

    The order of the rows, the schedules, the update rules and the stopping rule are
    MLPClassifier's, except that the penalty does not depend on the batch size.
    """

    solver: str
    batch_size: int | str
    learning_rate: str | Callable[[float], float]
    learning_rate_init: float | str
    power_t: float
    max_iter: int
    shuffle: bool
    momentum: float
    nesterovs_momentum: bool
    beta_1: float
    beta_2: float
    epsilon: float
    n_epochs: int | None = None  # max_iter by default
    unit: ClassVar[str] = "epoch"

    def solve(
        self,
        objective: Objective,
        state: TrainingState,
        watch: Watch,
        random_state: np.random.RandomState,
    ) -> str | None:
        """Train until the watch says stop or ``n_passes`` epochs are done.

        Parameters
        ----------
        objective : Objective
        state : TrainingState
            Brought forward in place; an epoch that it has begun is finished first.
        watch : Watch
            Is told of every epoch.
        random_state : RandomState
            Shuffles the rows, and draws the units that are dropped.

        Returns
        -------
        warning : str or None
            Why training has not converged, if it has not.

        Raises
        ------
        ValueError
            At the end of the epoch in which training diverges.
        """
        with watch.interrupts.held:
            update = self._start(objective, state)
        while not watch.stopped and state.n_iter_of_fit < self.n_passes:
            watch.epoch_begins()
            loss = self._epoch(objective, state, update, watch, random_state)
            watch.learning_rate = update.learning_rate
            watch.epoch_ends(loss, lambda: self._stops(objective, state, watch))
        if watch.stopped or watch.rule.patience == np.inf:  # no rule, no convergence
            return None
        return (
            f"max_iter={self.max_iter} epochs reached and training has not converged yet."
            " Raise max_iter, or learning_rate_init if the loss still falls slowly."
        )

    def step_rows(self, n_rows: int) -> int:
        """How many rows go through the network together."""
        return min(self._batch_rows(), MAX_BLOCK_ROWS, n_rows)

    @property
    def n_passes(self) -> int:
        """How often each row may be gone through."""
        return self.max_iter if self.n_epochs is None else self.n_epochs

    def _batch_rows(self) -> int:
        return AUTO_BATCH if isinstance(self.batch_size, str) else self.batch_size

    def _start(self, objective: Objective, state: TrainingState) -> kernels.Update:
        update = kernels.Update(
            self._update_rule(),
            learning_rate=self._rate(objective, state),
            momentum=self.momentum,
            beta_1=self.beta_1,
            beta_2=self.beta_2,
            epsilon=self.epsilon,
        )
        state.optimiser.begin(self._update_rule(), state.theta)
        update.n_steps = state.optimiser.n_steps
        if state.epoch.gradient is None:
            state.epoch.gradient = np.empty_like(state.theta)
        if state.epoch.batch_size != self._batch_rows():
            state.epoch.position = None  # batches of another size cannot be gone on with
        return update

    def _update_rule(self) -> str:
        if self.solver == "adam":
            return "adam"
        if self.momentum == 0:
            return "gradient_descent"
        return "nesterov" if self.nesterovs_momentum else "momentum"

    def _epoch(self, objective, state, update, watch, random_state) -> float:
        """The rest of a pass over the training rows; its batches' mean objective."""
        n_rows = len(state.epoch.order)
        batch_size = min(self._batch_rows(), n_rows)
        if state.epoch.position is None:
            with watch.interrupts.held:
                self._begin_epoch(objective, state, random_state)
        update.learning_rate = self._rate(objective, state)
        # forward and backward pass for every row, an update for every batch
        row_operations = objective.row_operations
        row_operations += (BATCH_OPERATIONS + 20 * len(state.theta)) // batch_size
        call_rows = max(1, CALL_OPERATIONS // row_operations)
        while state.epoch.position < n_rows:
            with watch.interrupts.held:
                state.epoch.position, loss = objective.team.run(
                    kernels.train,
                    objective.workspace,
                    update,
                    state.epoch.order,
                    state.epoch.position,
                    min(state.epoch.position + call_rows, n_rows),
                    batch_size,
                    objective.decay,
                    state.theta,
                    state.epoch.gradient,
                    state.optimiser.moments,
                    state.epoch.dropout_key,
                )
                state.epoch.loss += loss
                state.optimiser.n_steps = update.n_steps
        return state.epoch.loss / n_rows

    def _begin_epoch(self, objective, state, random_state) -> None:
        order, key = state.epoch.order, 0
        if self.shuffle:
            # the draws of sklearn.utils.shuffle, without its checks
            order = order[random_state.permutation(len(order))]
        if any(objective.dropout):
            key = int(random_state.randint(1, 2**63 - 1, dtype=np.int64))
        state.epoch.begin(order, self._batch_rows(), key)

    def _rate(self, objective: Objective, state: TrainingState) -> float:
        """The learning rate of the next epoch."""
        unbounded = objective.network.out_activation == "identity"
        if isinstance(self.learning_rate_init, str):
            initial = AUTO_RATE[self.solver, unbounded]
        else:
            initial = self.learning_rate_init
        schedule = self.learning_rate
        if isinstance(schedule, str):
            schedule = SCHEDULES.get(schedule, schedule)
        if callable(schedule):
            return initial * factor_of(schedule, state.n_iter % self.max_iter / self.max_iter)
        if self.solver == "sgd" and self.learning_rate == "invscaling":
            try:
                return initial / (state.weight_seen + 1) ** self.power_t
            except OverflowError:  # divided by more than any float
                return 0.0
        if self._is_adaptive():
            # one by one, as MLPClassifier does: the last bit decides when to stop
            for _ in range(state.optimiser.n_rate_cuts):
                initial /= RATE_CUT
        return initial

    def _is_adaptive(self) -> bool:
        return self.solver == "sgd" and self.learning_rate == "adaptive"

    def _stops(self, objective: Objective, state: TrainingState, watch: Watch) -> bool:
        if not watch.is_exhausted:
            return False
        message = (
            f"{watch.what} did not improve more than tol={watch.rule.tol:f} for"
            f" {watch.rule.patience} consecutive epochs."
        )
        if not self._is_adaptive() or self._rate(objective, state) <= MIN_ADAPTIVE_RATE:
            watch.say(f"{message} Stopping.")
            return True
        state.optimiser.n_rate_cuts += 1
        state.best.n_no_improvement = 0
        watch.say(f"{message} Setting learning rate to {self._rate(objective, state):f}")
        return False
