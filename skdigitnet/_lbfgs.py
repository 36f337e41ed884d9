"""SciPy's L-BFGS-B on the whole training set."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import OptimizeResult, minimize

from skdigitnet._objective import MAX_BLOCK_ROWS, Objective
from skdigitnet._stopping import TrainingState, check_finite
from skdigitnet._threads import single_threaded_blas

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
    verbose: bool | int
    n_iter_no_change: float

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
        validation_score: Callable[[np.ndarray], float] | None,
        random_state: np.random.RandomState,
    ) -> str | None:
        """Minimise the objective; see :meth:`StochasticSolver.solve`.

        ``tol`` bounds the largest element of the gradient. With a held-out part it is
        the stopping rule's instead, and the score is taken after every iteration.
        """
        dtype = state.theta.dtype
        gtol = self.tol if validation_score is None else DEFAULT_GTOL

        def loss_and_gradient(theta):
            loss, gradient = objective.loss_and_gradient(theta)
            return loss, gradient.astype(np.float64, copy=False)

        def stops_early():
            return (
                validation_score is not None and state.n_no_improvement > self.n_iter_no_change
            )

        def iteration_ends(intermediate_result: OptimizeResult):
            loss = float(intermediate_result.fun)
            state.theta = intermediate_result.x.astype(dtype)
            check_finite(loss, state.theta, f"after iteration {len(state.loss_curve) + 1}")
            state.n_samples_seen += len(objective.rows)
            score = None if validation_score is None else validation_score(state.theta)
            state.record(loss, score, self.tol)
            if self.verbose:
                state.report()
            if stops_early():
                raise StopIteration

        with single_threaded_blas():
            result = minimize(
                loss_and_gradient,
                state.theta.astype(np.float64),
                method="L-BFGS-B",
                jac=True,
                callback=iteration_ends,
                options={"maxiter": self.max_iter, "maxfun": self.max_fun, "gtol": gtol},
            )
        state.loss = float(result.fun)
        check_finite(state.loss, result.x, f"after {len(state.loss_curve)} iterations")
        return None if result.success or stops_early() else self._warning(result)

    def _warning(self, result: OptimizeResult) -> str:
        if result.nit >= self.max_iter:
            return (
                f"L-BFGS reached max_iter={self.max_iter} iterations and has not converged"
                " yet. Raise max_iter, or scale X."
            )
        if result.nfev >= self.max_fun:
            return (
                f"L-BFGS reached max_fun={self.max_fun} evaluations of the loss and has not"
                " converged yet. Raise max_fun, or scale X."
            )
        return f"L-BFGS stopped without converging: {result.message}. Scale X, or raise tol."
