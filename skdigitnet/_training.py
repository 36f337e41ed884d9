"""One call to fit: from checked rows to a state brought forward."""

from __future__ import annotations

import numpy as np
from sklearn.utils import check_random_state

from skdigitnet._kernels import Data
from skdigitnet._lbfgs import LBFGSSolver
from skdigitnet._network import Network
from skdigitnet._objective import Objective
from skdigitnet._outputs import OutputLayer, accuracy_on
from skdigitnet._sgd import StochasticSolver
from skdigitnet._stopping import TrainingState, hold_out
from skdigitnet._validation import Labels, TrainingRows, apply_class_weight


def new_state(network: Network, dtype, random_state):
    """A state with freshly drawn weights, and the generator that drew them."""
    random_state = check_random_state(random_state)
    return TrainingState(network.initial_theta(random_state, dtype)), random_state


def continued_state(kept: TrainingState, theta: np.ndarray, random_state):
    """A copy of a kept state, and its generator or else a new one.

    ``theta`` are the weights as they stand: if they are not those that the state has
    published, somebody has set them, and training goes on from there.
    """
    state = kept.copy_as(theta.dtype)
    if not np.array_equal(theta, state.published_theta):
        state.theta = theta
        state.forget_best()
    if state.random_state is None:
        return state, check_random_state(random_state)
    generator = np.random.RandomState()
    generator.set_state(state.random_state)
    return state, generator


def train(
    rows: TrainingRows,
    labels: Labels,
    network: Network,
    state: TrainingState,
    random_state: np.random.RandomState,
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
    rows, labels, network : as checked
    state : TrainingState
        Brought forward in place.
    random_state : RandomState
        Splits and shuffles.
    solver : StochasticSolver or LBFGSSolver
    loss, alpha, class_weight : the estimator's parameters
    validation_fraction : float or None
        Share of the rows to hold out for early stopping; None for no early stopping.
    """
    indices = labels.indices(rows.y)
    targets = indices
    if network.n_outputs == 1:
        targets = indices.astype(np.uint8).reshape(-1, 1)
    weight = apply_class_weight(class_weight, rows.y, labels, rows.sample_weight)
    if not state.fits_rows(len(indices), validation_fraction is not None):
        order, held_out = np.arange(len(indices), dtype=np.intp), None
        if validation_fraction is not None:
            order, held_out = hold_out(targets, weight, validation_fraction, random_state)
        state.start_on_rows(order, held_out)
    objective = Objective(network, loss, alpha, Data(rows.X, targets, weight), state.order)
    validation_score = None
    if state.held_out is not None:
        validation_score = accuracy_on(
            network,
            OutputLayer(network.out_activation, labels.multilabel),
            rows.X[state.held_out],
            indices[state.held_out],
            rows.sample_weight[state.held_out],
        )
    return solver.solve(objective, state, validation_score, random_state)
