"""One call to fit: from checked rows to a state brought forward."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from scipy import sparse
from sklearn.utils import check_random_state

from skdigitnet._data import Data, compress, density
from skdigitnet._lbfgs import LBFGSSolver
from skdigitnet._network import Network
from skdigitnet._objective import Objective
from skdigitnet._outputs import OutputLayer, accuracy_on
from skdigitnet._sgd import StochasticSolver
from skdigitnet._stopping import TrainingState, hold_out, spread_classes
from skdigitnet._team import Team, n_threads
from skdigitnet._validation import (
    Labels,
    TrainingRows,
    apply_class_weight,
)

# Above this share of elements that are not zero the dense products are faster, and below
# so many passes over the rows a sparse copy is not worth its time.
MAX_DENSITY = 0.25
MIN_PASSES = 3
SAMPLED_ROWS = 1000


def faster_form(X, n_passes: int):
    """X, or a sparse copy of dense X with few entries: the kernels' bits are the same."""
    if sparse.issparse(X) or n_passes < MIN_PASSES:
        return X
    X = np.ascontiguousarray(X)
    share = density(X, SAMPLED_ROWS)
    return compress(X, 1.1 * share) if share <= MAX_DENSITY else X


def row_operations(network: Network, X) -> float:
    """About how much arithmetic a row takes, forward and backward, in the form that X has."""
    used = 1.0 if isinstance(X, np.ndarray) else len(X.data) / (X.shape[0] * X.shape[1])
    n_in, n_out = network.coef_shapes[0]
    return 6 * (network.n_params - (1 - used) * n_in * n_out)


@contextmanager
def unchanged_on_error(random_state):
    """Put a RandomState that the user has passed back as it was if an error is raised."""
    if not isinstance(random_state, np.random.RandomState):
        yield
        return
    state = random_state.get_state()
    try:
        yield
    except Exception:
        random_state.set_state(state)
        raise


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

    def set_weights(self, coefs, intercepts) -> None:
        """Put initial weights, where they are not None, in place of the drawn ones."""
        drawn = self.network.unpack(self.state.theta)
        coefs = drawn[0] if coefs is None else coefs
        intercepts = drawn[1] if intercepts is None else intercepts
        self.state.theta = self.network.pack(coefs, intercepts, self.state.theta.dtype)

    def run(
        self,
        solver: StochasticSolver | LBFGSSolver,
        *,
        loss: str,
        alpha: float,
        class_weight,
        validation_fraction: float | None,
        n_jobs: int | None,
    ) -> str | None:
        """Bring the state forward; return why training has not converged, if it has not.

        Parameters
        ----------
        solver : StochasticSolver or LBFGSSolver
        loss, alpha, class_weight : the estimator's parameters
        validation_fraction : float or None
            Share of the rows to hold out for early stopping; None for no early stopping.
        n_jobs : int or None
            Threads to train with, as scikit-learn means it.
        """
        rows, labels, network, state = self.rows, self.labels, self.network, self.state
        indices = labels.indices(rows.y)
        targets = indices
        if network.n_outputs == 1:
            targets = indices.astype(np.uint8).reshape(-1, 1)
        weight = apply_class_weight(class_weight, rows.y, labels, rows.sample_weight)
        self._split(targets, weight, validation_fraction)
        X = faster_form(rows.X, solver.n_passes)
        data = Data(X, targets, weight)
        validation_score = None
        if state.held_out is not None:
            validation_score = accuracy_on(
                network,
                OutputLayer(network.out_activation, labels.multilabel),
                rows.X[state.held_out],
                indices[state.held_out],
                weight[state.held_out],
            )
        operations = solver.step_rows(len(state.order)) * row_operations(network, X)
        with Team(n_threads(n_jobs, operations)) as team:
            objective = Objective(network, loss, alpha, data, state.order, team)
            return solver.solve(objective, state, validation_score, self.random_state)

    def _split(self, targets, weight, validation_fraction) -> None:
        """Give the state its training and held-out rows, unless it has them."""
        state, early_stopping = self.state, validation_fraction is not None
        order, held_out = state.order, state.held_out
        if not state.fits_rows(len(targets), early_stopping):
            order, held_out = np.arange(len(targets), dtype=np.intp), None
            if early_stopping:
                order, held_out = hold_out(
                    targets, weight, validation_fraction, self.random_state
                )
        elif held_out is not None:
            order, held_out = spread_classes(targets, weight, order, held_out)
        if order is not state.order:
            state.start_on_rows(order, held_out)
