"""SciPy's L-BFGS-B on the whole training set."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.optimize import OptimizeResult, minimize

from skdigitnet._problem.objective import Objective
from skdigitnet._system.blas import single_threaded_blas
from skdigitnet._training.monitor import Watch
from skdigitnet._training.state import TrainingState

DEFAULT_GTOL = 1e-5  # SciPy's own
# A plateau is flat without being low: neither a small gradient nor a small decrease means much.
PLATEAU_TOLERANCE = {"gtol": 1e-9, "ftol": 0.0}


@dataclass(frozen=True)
class LBFGSSolver:
    """L-BFGS-B [1]_ with the estimator's parameters of the same names.

    References
    ----------
    .. [1] R. H. Byrd, P. Lu, J. Nocedal and C. Zhu, "A limited memory algorithm for
       bound constrained optimization", SIAM J. Sci. Comput. 16, 1995.
    """

    max_fun: int
    tol: float
    unit: ClassVar[str] = "iteration"
    has_partial_fit: ClassVar[bool] = False
    has_dropout: ClassVar[bool] = False

    def batch_rows(self, n_rows: int) -> int:
        """All rows; see :meth:`Solver.batch_rows`."""
        return n_rows

    def start(
        self,
        objective: Objective,
        state: TrainingState,
        watch: Watch,
        random_state: np.random.RandomState,
    ) -> LBFGSRun:
        """Begin to train; see :meth:`Solver.start`.

        ``tol`` bounds the largest element of the gradient. With a validation score it is
        the stopping rule's instead, and the score is computed after every iteration. On a
        plateau the bound is much smaller.
        """
        with watch.interrupts.held:
            state.optimiser.begin("", state.theta)
        return LBFGSRun(self, objective, state, watch)


class LBFGSRun:
    """One run of L-BFGS-B; each call to advance starts without memory of past gradients."""

    def __init__(
        self, solver: LBFGSSolver, objective: Objective, state: TrainingState, watch: Watch
    ):
        self.solver, self.objective, self.state, self.watch = solver, objective, state, watch
        self._warning: str | None = None
        self._has_ended = False
        self._n_evaluations = 0
        self._ends_off_plateau = False

    def advance(self, n_epochs: int) -> None:
        """Continue training; see :meth:`SolverRun.advance`."""
        self._has_ended = False
        self._advance(n_epochs)
        self._has_ended = True

    def _advance(self, n_epochs: int) -> None:
        state, watch = self.state, self.watch
        if watch.stopped:
            return
        if n_epochs < 1:
            self._warning = self._max_iter_reached()
            return
        if self._n_evaluations >= self.solver.max_fun:
            state.stopped = watch.stopped = True
            self._warning = self._max_fun_reached()
            return
        last = state.n_iter + n_epochs
        usual = {"gtol": self.solver.tol if watch.score is None else DEFAULT_GTOL}
        with single_threaded_blas():
            result = self._minimize(last, usual)
            if result.success and watch.plateau.holds(result.fun):
                self._ends_off_plateau = True
                result = self._minimize(last, PLATEAU_TOLERANCE)
                self._ends_off_plateau = False
                if not watch.stopped and not watch.plateau.holds(result.fun):
                    result = self._minimize(last, usual)
        state.curve.last = float(result.fun)
        theta = result.x.astype(state.theta.dtype)
        watch.divergence.check(state.curve.last, theta, f"after {state.n_iter} iterations")
        if watch.stopped:
            return
        state.stopped = watch.stopped = bool(result.success) or state.n_iter < last
        self._warning = None if result.success else self._reason(result, last)

    def _minimize(self, last: int, tolerance: dict[str, float]) -> OptimizeResult:
        """Minimise from the state's weights, up to iteration ``last``."""
        result = minimize(
            self._loss_and_gradient,
            self.state.theta.astype(np.float64),
            method="L-BFGS-B",
            jac=True,
            callback=self._iteration_ends,
            options={
                "maxiter": last - self.state.n_iter,
                "maxfun": self.solver.max_fun - self._n_evaluations,
                **tolerance,
            },
        )
        self._n_evaluations += result.nfev
        return result

    def warning(self) -> str | None:
        """Why training has not converged; see :meth:`SolverRun.warning`."""
        return self._warning if self._has_ended else self._max_iter_reached()

    def _loss_and_gradient(self, theta: np.ndarray) -> tuple[float, np.ndarray]:
        self.watch.epoch_begins()
        loss, gradient = self.objective.loss_and_gradient(theta)
        return loss, gradient.astype(np.float64, copy=False)

    def _iteration_ends(self, intermediate_result: OptimizeResult) -> None:
        state, watch = self.state, self.watch
        state.theta = intermediate_result.x.astype(state.theta.dtype)
        loss = float(intermediate_result.fun)
        watch.epoch_ends(loss, lambda: watch.score is not None and watch.is_exhausted)
        if watch.stopped or (self._ends_off_plateau and not watch.plateau.holds(loss)):
            raise StopIteration

    def _reason(self, result: OptimizeResult, last: int) -> str:
        if self.state.n_iter >= last:
            return self._max_iter_reached()
        if self._n_evaluations >= self.solver.max_fun:
            return self._max_fun_reached()
        return f"L-BFGS stopped without converging: {result.message}. Scale X, or raise tol."

    def _max_fun_reached(self) -> str:
        return (
            f"L-BFGS reached max_fun={self.solver.max_fun} evaluations of the loss and has not"
            " converged yet. Raise max_fun, or scale X."
        )

    def _max_iter_reached(self) -> str:
        return (
            f"L-BFGS reached max_iter={self.state.n_iter_of_fit} iterations and has not"
            " converged yet. Raise max_iter, or scale X."
        )
