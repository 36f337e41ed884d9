"""One call to fit: from checked rows to a state brought forward."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sklearn.utils import check_random_state

from skdigitnet._kernels import Data
from skdigitnet._lbfgs import LBFGSSolver
from skdigitnet._network import Network
from skdigitnet._objective import Objective
from skdigitnet._outputs import OutputLayer, accuracy_on
from skdigitnet._sgd import StochasticSolver
from skdigitnet._stopping import TrainingState, hold_out
from skdigitnet._validation import (
    Labels,
    TrainingRows,
    apply_class_weight,
    replace_initial,
)


@dataclass
class Training:
    """What a call to fit works on.

    Attributes
    ----------
    rows : TrainingRows
    labels : Labels
    network : Network
    state : TrainingState
        Brought forward by :meth:`run`.
    random_state : RandomState
        Has drawn the initial weights; splits and shuffles the rows.
    """

    rows: TrainingRows
    labels: Labels
    network: Network
    state: TrainingState
    random_state: np.random.RandomState

    @classmethod
    def new(cls, rows, labels, network, random_state) -> Training:
        """Start with freshly drawn weights."""
        random_state = check_random_state(random_state)
        theta = network.initial_theta(random_state, rows.X.dtype)
        return cls(rows, labels, network, TrainingState(theta), random_state)

    @classmethod
    def continued(cls, rows, labels, network, kept, theta, random_state) -> Training:
        """Go on from a copy of the state ``kept`` and from its random generator.

        ``theta`` are the estimator's weights as they stand. If they are not those that
        the state published, somebody has set them, and training goes on from them.
        """
        state = kept.copy_as(theta.dtype)
        if not np.array_equal(theta, state.published_theta):
            state.theta = theta
            state.forget_best()
        if state.random_state is None:
            return cls(rows, labels, network, state, check_random_state(random_state))
        generator = np.random.RandomState()
        generator.set_state(state.random_state)
        return cls(rows, labels, network, state, generator)

    def set_weights(self, coef_init, intercept_init) -> None:
        """Put the user's initial weights, where given, in place of the drawn ones."""
        self.state.theta = replace_initial(
            self.network, self.state.theta, coef_init, intercept_init
        )

    def run(
        self,
        solver: StochasticSolver | LBFGSSolver,
        *,
        loss: str,
        alpha: float,
        class_weight,
        validation_fraction: float | None,
    ) -> str | None:
        """Bring the state forward; return why training has not converged, if it has not.

        Parameters
        ----------
        solver : StochasticSolver or LBFGSSolver
        loss, alpha, class_weight : the estimator's parameters
        validation_fraction : float or None
            Share of the rows to hold out for early stopping; None for no early stopping.
        """
        rows, labels, network, state = self.rows, self.labels, self.network, self.state
        indices = labels.indices(rows.y)
        targets = indices
        if network.n_outputs == 1:
            targets = indices.astype(np.uint8).reshape(-1, 1)
        weight = apply_class_weight(class_weight, rows.y, labels, rows.sample_weight)
        if not state.fits_rows(len(indices), validation_fraction is not None):
            state.start_on_rows(*self._split(targets, weight, validation_fraction))
        data = Data(rows.X, targets, weight)
        objective = Objective(network, loss, alpha, data, state.order)
        validation_score = None
        if state.held_out is not None:
            validation_score = accuracy_on(
                network,
                OutputLayer(network.out_activation, labels.multilabel),
                rows.X[state.held_out],
                indices[state.held_out],
                weight[state.held_out],
            )
        return solver.solve(objective, state, validation_score, self.random_state)

    def _split(self, targets, weight, validation_fraction):
        """Training and held-out rows, the latter None without early stopping."""
        if validation_fraction is None:
            return np.arange(len(targets), dtype=np.intp), None
        return hold_out(targets, weight, validation_fraction, self.random_state)
