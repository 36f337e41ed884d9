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
        the stopping rule's instead, and the score is taken after every iteration.
        """
        dtype = state.theta.dtype
        n_iterations = self.max_iter - state.n_iter_of_fit
        with watch.interrupts.held:
            state.optimiser.begin("", state.theta)
        if watch.stopped:
            return None
        if n_iterations < 1:
            return self._max_iter_reached()

        def loss_and_gradient(theta):
            watch.epoch_begins()
            loss, gradient = objective.loss_and_gradient(theta)
            return loss, gradient.astype(np.float64, copy=False)

        def iteration_ends(intermediate_result: OptimizeResult):
            state.theta = intermediate_result.x.astype(dtype)
            loss = float(intermediate_result.fun)
            watch.epoch_ends(loss, lambda: watch.score is not None and watch.is_exhausted)
            if watch.stopped:
                raise StopIteration

        with single_threaded_blas():
            result = minimize(
                loss_and_gradient,
                state.theta.astype(np.float64),
                method="L-BFGS-B",
                jac=True,
                callback=iteration_ends,
                options={
                    "maxiter": n_iterations,
                    "maxfun": self.max_fun,
                    "gtol": self.tol if watch.score is None else DEFAULT_GTOL,
                },
            )
        state.curve.last = float(result.fun)
        theta = result.x.astype(dtype)
        watch.divergence.check(state.curve.last, theta, f"after {state.n_iter} iterations")
        if watch.stopped:
            return None
        state.stopped = bool(result.success) or result.nit < n_iterations
        return None if result.success else self._warning(result, n_iterations)

    def _warning(self, result: OptimizeResult, n_iterations: int) -> str:
        if result.nit >= n_iterations:
            return self._max_iter_reached()
        if result.nfev >= self.max_fun:
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
