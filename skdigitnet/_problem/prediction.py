"""Outputs of a fitted network: all that prediction reads of the estimator."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from sklearn.utils.validation import check_is_fitted

from skdigitnet._core.plan import ACTIVATIONS
from skdigitnet._problem.arguments import FLOATS, check_features, is_plain, plain
from skdigitnet._problem.labels import Labels
from skdigitnet._problem.output_layer import OutputLayer, map_outputs


def has_probabilities(estimator) -> bool:
    """Whether predict_proba exists: the condition of ``available_if``."""
    out_activation = getattr(estimator, "out_activation_", estimator.output_activation)
    if not (isinstance(out_activation, str) and out_activation == "identity"):
        return True
    raise AttributeError(
        "output_activation='identity' gives no probabilities; use decision_function, or another"
        " output_activation."
    )


def labels_of(estimator) -> Labels:
    """The classes of a fitted estimator."""
    if not hasattr(estimator, "classes_"):
        check_is_fitted(estimator)
    return Labels(estimator.classes_, estimator._multilabel)


def output_layer_of(estimator) -> OutputLayer:
    """How to read the outputs of a fitted estimator."""
    if not hasattr(estimator, "out_activation_"):
        check_is_fitted(estimator)
    return OutputLayer(estimator.out_activation_, estimator._multilabel)


def read_outputs(
    estimator, X, function: Callable[[OutputLayer, np.ndarray], np.ndarray]
) -> np.ndarray:
    """What a method of :class:`OutputLayer` returns for X, block by block."""
    layer = output_layer_of(estimator)
    activation = plain(estimator.activation)
    if not (isinstance(activation, str) and activation in ACTIVATIONS):
        raise ValueError(f"activation={activation!r} must be one of {', '.join(ACTIVATIONS)}.")

    def check(X):
        return check_features(estimator, X, accept_sparse="csr", dtype=FLOATS, reset=False)

    if _is_plain(estimator, X):
        check_rows = check
    else:
        X, check_rows = check(X), None
    return map_outputs(
        estimator.coefs_,
        estimator.intercepts_,
        activation,
        X,
        lambda z: function(layer, z),
        check_rows,
    )


def _is_plain(estimator, X) -> bool:
    """Whether X is plain, and has the features of the last fit.

    scikit-learn's validation takes longer than a row's prediction.
    """
    return (
        is_plain(X)
        and X.shape[1] == estimator.n_features_in_
        and not hasattr(estimator, "feature_names_in_")
    )
