"""SciPy's L-BFGS-B on the whole training set."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.optimize import OptimizeResult, minimize

from skdigitnet._problem.objective import MAX_BLOCK_ROWS, Objective
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

    max_iter: int
    max_fun: int
    tol: float
    unit: ClassVar[str] = "iteration"

    @property
    def n_passes(self) -> int:
        """How often each row may be gone through, if no iteration needs a second look."""
        return self.max_iter

    def step_rows(self, n_rows: int) -> int:
        """How many rows go through the network together."""
        return min(MAX_BLOCK_ROWS, n_rows)

    def solve(
        self,
        objective: Objective,
        state: TrainingState,
        watch: Watch,
        random_state: np.random.RandomState,
    ) -> str | None:
        """Minimise the objective; see :meth:`StochasticSolver.solve`.

        ``tol`` bounds the largest element of the gradient. With a validation score it is
        the stopping rule's instead, and the score is taken after every iteration. On a plateau
        it is much smaller, until the plateau is left.
        """
        with watch.interrupts.held:
            state.begin_updates("")
        if watch.stopped:
            return None
        if state.n_iter_of_fit >= self.max_iter:
            return self._max_iter_reached()
        descent = _Descent(objective, state, watch)
        tolerance = {"gtol": self.tol if watch.score is None else DEFAULT_GTOL}
        with single_threaded_blas():
            result = self._minimize(descent, tolerance)
            if result.success and watch.plateau.holds(result.fun):
                descent.ends_off_plateau = True
                result = self._minimize(descent, PLATEAU_TOLERANCE)
                if descent.is_off_plateau:
                    descent.ends_off_plateau = False
                    result = self._minimize(descent, tolerance)
        state.loss = float(result.fun)
        theta = result.x.astype(state.theta.dtype)
        watch.divergence.check(state.loss, theta, f"after {state.n_iter} iterations")
        if watch.stopped:
            return None
        state.stopped = bool(result.success) or state.n_iter_of_fit < self.max_iter
        return None if result.success else self._warning(result, descent)

    def _minimize(self, descent: _Descent, tolerance: dict[str, float]) -> OptimizeResult:
        """Minimise from the state's weights on, with what is left of the limits."""
        state = descent.state
        return minimize(
            descent.loss_and_gradient,
            state.theta.astype(np.float64),
            method="L-BFGS-B",
            jac=True,
            callback=descent.iteration_ends,
            options={
                "maxiter": self.max_iter - state.n_iter_of_fit,
                "maxfun": self.max_fun - descent.n_evaluations,
                **tolerance,
            },
        )

    def _warning(self, result: OptimizeResult, descent: _Descent) -> str:
        if descent.state.n_iter_of_fit >= self.max_iter:
            return self._max_iter_reached()
        if descent.n_evaluations >= self.max_fun:
            return (
                f"L-BFGS reached max_fun={self.max_fun} evaluations of the loss and has not"
                " converged yet. Raise max_fun, or scale X."
            )
        return f"L-BFGS stopped without converging: {result.message}. Scale X, or raise tol."

    def _max_iter_reached(self) -> str:
        return (
            f"L-BFGS reached max_iter={self.max_iter} iterations and has not converged"
            " yet. Raise max_iter, or scale X."
        )


class _Descent:
    """What SciPy calls: the objective, and the end of an iteration.

    Attributes
    ----------
    n_evaluations : int
        Of the objective, so far.
    ends_off_plateau : bool
        Whether to end where the loss falls below the plateau.
    is_off_plateau : bool
        Whether it has ended there.
    """

    def __init__(self, objective: Objective, state: TrainingState, watch: Watch):
        self.objective, self.state, self.watch = objective, state, watch
        self.n_evaluations = 0
        self.ends_off_plateau = self.is_off_plateau = False

    def loss_and_gradient(self, theta: np.ndarray) -> tuple[float, np.ndarray]:
        self.watch.epoch_begins()
        self.n_evaluations += 1
        loss, gradient = self.objective.loss_and_gradient(theta)
        return loss, gradient.astype(np.float64, copy=False)

    def iteration_ends(self, intermediate_result: OptimizeResult) -> None:
        state, watch = self.state, self.watch
        state.theta = intermediate_result.x.astype(state.theta.dtype)
        loss = float(intermediate_result.fun)
        watch.epoch_ends(loss, lambda: watch.score is not None and watch.is_exhausted)
        self.is_off_plateau = self.ends_off_plateau and not watch.plateau.holds(loss)
        if watch.stopped or self.is_off_plateau:
            raise StopIteration
