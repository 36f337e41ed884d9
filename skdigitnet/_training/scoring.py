"""The score of a theta on validation rows; higher is better."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.metrics import check_scoring

from skdigitnet._problem.arguments import naming
from skdigitnet._problem.network import Network
from skdigitnet._problem.objective import Objective
from skdigitnet._problem.output_layer import OutputLayer, map_outputs
from skdigitnet._problem.samples import Samples

Score = Callable[[np.ndarray], float]


def accuracy_on(
    network: Network, output_layer: OutputLayer, X, indices: np.ndarray, weight: np.ndarray
) -> Score:
    """The weighted accuracy on these rows, as a function of theta.

    Parameters
    ----------
    network : Network
    output_layer : OutputLayer
    X : ndarray or CSR of shape (n_rows, n_features)
    indices : ndarray of shape (n_rows,) or (n_rows, n_outputs)
        As :meth:`OutputLayer.indices` predicts them; a multilabel row counts when
        every label is right.
    weight : ndarray of shape (n_rows,)
    """

    def accuracy(theta: np.ndarray) -> float:
        coefs, intercepts = network.unpack(theta)
        predicted = map_outputs(coefs, intercepts, network.activation, X, output_layer.indices)
        right = predicted == indices
        right = right.all(axis=1) if right.ndim == 2 else right
        return float(np.average(right, weights=weight))

    return accuracy


def minus_loss_on(network: Network, loss: str, samples: Samples) -> Score:
    """Minus the weighted mean loss on these rows, without the penalty."""
    rows = np.arange(samples.targets.n_rows, dtype=np.intp)
    objective = Objective(network, loss, 0.0, samples, rows)
    return lambda theta: -objective.loss(theta)


def scorer_on(
    scoring: str | Callable,
    fitted: Callable[[np.ndarray], Any],
    X,
    y: np.ndarray,
    weight: np.ndarray,
) -> Score:
    """The value of a scikit-learn scorer for the estimator with the weights theta.

    Parameters
    ----------
    scoring : str or callable
    fitted : callable
        Maps theta to a fitted estimator.
    X, y : the rows and their labels
    weight : ndarray of shape (n_rows,)
        Passed to the scorer unless every weight is one.
    """
    weights = {} if (weight == 1).all() else {"sample_weight": weight}

    def score(theta: np.ndarray) -> float:
        estimator = fitted(theta)
        with naming("scoring"):
            value = float(check_scoring(estimator, scoring)(estimator, X, y, **weights))
        if not np.isfinite(value):
            raise ValueError(
                f"scoring={scoring!r} gave {value} on the validation rows; early stopping"
                " needs a finite score."
            )
        return value

    return score
