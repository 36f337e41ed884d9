"""Stochastic gradient descent and Adam: epochs over mini-batches of shuffled rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from skdigitnet._core.plan import Workspace
from skdigitnet._core.runs import Epoch, Run, Update
from skdigitnet._core.train import train
from skdigitnet._problem.cost import training_call_rows
from skdigitnet._problem.objective import Objective
from skdigitnet._training.auto import auto_batch_size, auto_learning_rate
from skdigitnet._training.monitor import Watch
from skdigitnet._training.schedules import SCHEDULES, factor_of
from skdigitnet._training.state import TrainingState

MIN_ADAPTIVE_RATE = 1e-6
RATE_CUT = 5.0
AUTO_RATE_CUTS = 2


@dataclass(frozen=True)
class StochasticSolver:
    """Mini-batch descent with the estimator's parameters of the same names.

    ``schedule_length`` is the number of epochs that a schedule such as "cosine" takes, and
    ``dropout`` the share of each hidden layer's units to drop, empty for none.
    The order of the rows, the schedules, the update rules and the stopping rule are
    MLPClassifier's, except that the penalty does not depend on the batch size.
    """

    solver: str
    batch_size: int | str
    learning_rate: str | Callable[[float], float]
    learning_rate_init: float | str
    power_t: float
    schedule_length: int
    shuffle: bool
    momentum: float
    nesterovs_momentum: bool
    beta_1: float
    beta_2: float
    epsilon: float
    dropout: tuple[float, ...]
    unit: ClassVar[str] = "epoch"
    has_partial_fit: ClassVar[bool] = True
    has_dropout: ClassVar[bool] = True

    def start(
        self,
        objective: Objective,
        state: TrainingState,
        watch: Watch,
        random_state: np.random.RandomState,
    ) -> StochasticRun:
        """Begin to train; see :meth:`Solver.start`."""
        with watch.interrupts.held:
            return StochasticRun(self, objective, state, watch, random_state)

    def batch_rows(self, n_rows: int) -> int:
        """Rows of a mini-batch; see :meth:`Solver.batch_rows`."""
        return auto_batch_size(n_rows) if isinstance(self.batch_size, str) else self.batch_size

    @property
    def update_rule(self) -> str:
        if self.solver != "sgd":
            return self.solver
        if self.momentum == 0:
            return "gradient_descent"
        return "nesterov" if self.nesterovs_momentum else "momentum"

    @property
    def is_adaptive(self) -> bool:
        return self.solver == "sgd" and self.learning_rate == "adaptive"

    @property
    def cuts_rate(self) -> bool:
        """Whether the learning rate is divided before the stopping rule ends training."""
        return self.learning_rate == "auto" or self.is_adaptive

    def rate(self, objective: Objective, state: TrainingState) -> float:
        """The learning rate of the next epoch."""
        if isinstance(self.learning_rate_init, str):
            initial = auto_learning_rate(self.solver, objective.network)
        else:
            initial = self.learning_rate_init
        schedule = self.learning_rate
        if isinstance(schedule, str):
            schedule = SCHEDULES.get(schedule, schedule)
        if callable(schedule):
            length = self.schedule_length
            return initial * factor_of(schedule, state.n_iter % length / length)
        if self.solver == "sgd" and self.learning_rate == "invscaling":
            try:
                return initial / (state.weight_seen + 1) ** self.power_t
            except OverflowError:  # divided by more than any float
                return 0.0
        if self.cuts_rate:
            # one by one, as MLPClassifier does: the last bit decides when to stop
            for _ in range(state.optimiser.n_rate_cuts):
                initial /= RATE_CUT
        return initial


class StochasticRun:
    """One run of mini-batch descent, with the parameters of :meth:`Solver.start`."""

    def __init__(
        self,
        solver: StochasticSolver,
        objective: Objective,
        state: TrainingState,
        watch: Watch,
        random_state: np.random.RandomState,
    ):
        self.solver, self.objective, self.state = solver, objective, state
        self.watch, self.random_state = watch, random_state
        self.workspace: Workspace | None = None
        self.update = Update(
            solver.update_rule,
            learning_rate=self._rate(),
            momentum=solver.momentum,
            beta_1=solver.beta_1,
            beta_2=solver.beta_2,
            epsilon=solver.epsilon,
        )
        state.optimiser.begin(solver.update_rule, state.theta)
        self.update.n_steps = state.optimiser.n_steps
        if state.epoch.batch_size != solver.batch_rows(len(state.epoch.order)):
            state.epoch.position = None  # an epoch cannot resume with another batch size

    def advance(self, n_epochs: int) -> None:
        """Continue training; see :meth:`SolverRun.advance`."""
        state, watch = self.state, self.watch
        last = state.n_iter + n_epochs
        while not watch.stopped and state.n_iter < last:
            watch.epoch_begins()
            loss = self._finish_epoch()
            watch.learning_rate = self.update.learning_rate
            watch.epoch_ends(loss, self._stops)

    def warning(self) -> str | None:
        """Why training has not converged; see :meth:`SolverRun.warning`."""
        if self.watch.stopped or self.watch.rule.patience == np.inf:  # no rule, no convergence
            return None
        return (
            f"max_iter={self.state.n_iter_of_fit} epochs reached and training has not converged"
            " yet. Raise max_iter, or learning_rate_init if the loss still falls slowly."
        )

    def _rate(self) -> float:
        return self.solver.rate(self.objective, self.state)

    def _finish_epoch(self) -> float:
        """Train on the rest of the epoch's rows; return their batches' mean objective."""
        objective, state, update = self.objective, self.state, self.update
        n_rows = len(state.epoch.order)
        batch_size = min(self.solver.batch_rows(n_rows), n_rows)
        if state.epoch.position is None:
            with self.watch.interrupts.held:
                self._begin_epoch()
        update.learning_rate = self._rate()
        call_rows = training_call_rows(objective.network, batch_size)
        moments = state.optimiser.moments
        assert moments is not None
        position, workspace = state.epoch.position or 0, self.workspace
        with objective.samples.windows(
            state.epoch.order, position, batch_size, state.epoch.dropout_key
        ) as windows:
            for window in windows:
                workspace = objective.workspace_on(
                    window.samples.inputs, batch_size, workspace, self.solver.dropout
                )
                if state.epoch.gradient is None and batch_size > workspace.plan.block_size:
                    state.epoch.gradient = np.empty_like(state.theta)
                run = Run(
                    window.samples.targets,
                    update,
                    objective.decay,
                    state.theta,
                    state.epoch.gradient,
                    moments,
                )
                epoch = Epoch(window.order, batch_size, state.epoch.dropout_key, window.first)
                while position < window.stop:
                    with self.watch.interrupts.held:
                        begin = position - window.first
                        end, loss = objective.team.run(
                            train,
                            workspace,
                            run,
                            epoch,
                            begin,
                            min(begin + call_rows, len(window.order)),
                        )
                        state.epoch.position = position = window.first + end
                        state.epoch.loss += loss
                        state.optimiser.n_steps = update.n_steps
        self.workspace = objective.to_keep(workspace)
        return state.epoch.loss / n_rows

    def _begin_epoch(self) -> None:
        epoch, samples, key = self.state.epoch, self.objective.samples, 0
        order = epoch.order
        if self.solver.shuffle:
            order = samples.shuffled(order, self.random_state)
        if self.solver.dropout or samples.is_drawn:
            key = int(self.random_state.randint(1, 2**63 - 1, dtype=np.int64))
        epoch.begin(order, self.solver.batch_rows(len(order)), key)

    def _stops(self) -> bool:
        watch = self.watch
        if not watch.is_exhausted:
            return False
        message = (
            f"{watch.what} did not improve more than tol={watch.rule.tol:f} for"
            f" {watch.rule.patience} consecutive epochs."
        )
        if not self._may_cut_rate():
            watch.say(f"{message} Stopping.")
            return True
        self.state.optimiser.n_rate_cuts += 1
        self.state.best.n_no_improvement = 0
        watch.say(f"{message} Setting learning rate to {self._rate():f}")
        return False

    def _may_cut_rate(self) -> bool:
        """Whether a smaller learning rate may still help."""
        state, solver = self.state, self.solver
        if solver.is_adaptive:
            return self._rate() > MIN_ADAPTIVE_RATE
        # what has learned nothing has nothing to refine
        is_on_plateau = self.watch.plateau.holds(state.curve.last)
        return (
            solver.cuts_rate
            and state.optimiser.n_rate_cuts < AUTO_RATE_CUTS
            and not is_on_plateau
        )
