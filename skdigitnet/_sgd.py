"""Stochastic gradient descent and Adam: epochs over mini-batches."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from skdigitnet import _kernels
from skdigitnet._objective import CALL_OPERATIONS, MAX_BLOCK_ROWS, Objective
from skdigitnet._stopping import TrainingState, check_finite

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
    learning_rate: str
    learning_rate_init: float | str
    power_t: float
    max_iter: int
    shuffle: bool
    tol: float
    verbose: bool | int
    momentum: float
    nesterovs_momentum: bool
    beta_1: float
    beta_2: float
    epsilon: float
    n_iter_no_change: float
    n_epochs: int | None = None  # max_iter by default

    def solve(
        self,
        objective: Objective,
        state: TrainingState,
        validation_score: Callable[[np.ndarray], float] | None,
        random_state: np.random.RandomState,
    ) -> str | None:
        """Train until the stopping rule holds, ``n_epochs`` at most.

        Parameters
        ----------
        objective : Objective
        state : TrainingState
            Brought forward in place.
        validation_score : callable or None
            Score of a theta on the held-out rows, for early stopping.
        random_state : RandomState
            Shuffles the rows.

        Returns
        -------
        warning : str or None
            Why training has not converged, if it has not.

        Raises
        ------
        ValueError
            At the end of the epoch in which training diverges.
        """
        update = self._start(objective, state)
        gradient = np.empty_like(state.theta)
        try:
            for _ in range(self.n_passes):
                loss = self._epoch(objective, state, update, gradient, random_state)
                check_finite(loss, state.theta, f"after epoch {len(state.loss_curve) + 1}")
                score = None if validation_score is None else validation_score(state.theta)
                state.record(loss, score, self.tol)
                if self.verbose:
                    state.report()
                if self._stops(objective, state):
                    return None
        finally:
            state.n_steps = update.n_steps
            state.random_state = random_state.get_state()
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

    def _start(self, objective: Objective, state: TrainingState) -> _kernels.Update:
        update = _kernels.Update(
            self._update_rule(),
            learning_rate=self._rate(objective, state),
            momentum=self.momentum,
            beta_1=self.beta_1,
            beta_2=self.beta_2,
            epsilon=self.epsilon,
        )
        if state.update_rule != self._update_rule():
            state.update_rule, state.n_steps = self._update_rule(), 0
            state.moments = np.zeros(update.n_moments * len(state.theta), state.theta.dtype)
        update.n_steps = state.n_steps
        return update

    def _update_rule(self) -> str:
        if self.solver == "adam":
            return "adam"
        if self.momentum == 0:
            return "gradient_descent"
        return "nesterov" if self.nesterovs_momentum else "momentum"

    def _epoch(self, objective, state, update, gradient, random_state) -> float:
        """One pass over the training rows; the mean of the batches' objectives."""
        n_rows = len(state.order)
        if self.shuffle:
            # the draws of sklearn.utils.shuffle, without its checks
            state.order = state.order[random_state.permutation(n_rows)]
        update.learning_rate = self._rate(objective, state)
        batch_size = min(self._batch_rows(), n_rows)
        n_params = len(state.theta)
        # forward and backward pass for every row, an update for every batch
        row_operations = objective.row_operations
        row_operations += (BATCH_OPERATIONS + 20 * n_params) // batch_size
        call_rows = max(1, CALL_OPERATIONS // row_operations)
        position, total = 0, 0.0
        while position < n_rows:
            position, loss = objective.team.run(
                _kernels.train,
                objective.workspace,
                update,
                state.order,
                position,
                min(position + call_rows, n_rows),
                batch_size,
                objective.decay,
                state.theta,
                gradient,
                state.moments,
            )
            total += loss
        state.n_samples_seen += n_rows
        state.weight_seen += objective.total_weight
        return total / n_rows

    def _rate(self, objective: Objective, state: TrainingState) -> float:
        """The learning rate of the next epoch."""
        unbounded = objective.network.out_activation == "identity"
        if isinstance(self.learning_rate_init, str):
            initial = AUTO_RATE[self.solver, unbounded]
        else:
            initial = self.learning_rate_init
        if self.learning_rate == "linear":
            return initial * (1 - len(state.loss_curve) % self.max_iter / self.max_iter)
        if self.solver == "sgd" and self.learning_rate == "invscaling":
            return initial / (state.weight_seen + 1) ** self.power_t
        if self._is_adaptive():
            # one by one, as MLPClassifier does: the last bit decides when to stop
            for _ in range(state.n_rate_cuts):
                initial /= RATE_CUT
        return initial

    def _is_adaptive(self) -> bool:
        return self.solver == "sgd" and self.learning_rate == "adaptive"

    def _stops(self, objective: Objective, state: TrainingState) -> bool:
        if state.n_no_improvement <= self.n_iter_no_change:
            return False
        what = "Training loss" if state.held_out is None else "Validation score"
        message = (
            f"{what} did not improve more than tol={self.tol:f} for"
            f" {self.n_iter_no_change} consecutive epochs."
        )
        if not self._is_adaptive() or self._rate(objective, state) <= MIN_ADAPTIVE_RATE:
            self._say(f"{message} Stopping.")
            return True
        state.n_rate_cuts += 1
        state.n_no_improvement = 0
        self._say(f"{message} Setting learning rate to {self._rate(objective, state):f}")
        return False

    def _say(self, message: str) -> None:
        if self.verbose:
            print(message)
