"""Checks of what the user passes to fit, before anything is changed."""

from __future__ import annotations

import copy
import sys
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.utils.validation import check_array, check_consistent_length

from skdigitnet._arguments import check_features, check_indices, naming
from skdigitnet._backprop import OUTPUT_LOSSES
from skdigitnet._labels import Labels, check_target
from skdigitnet._network import Network


def check_hidden_layer_sizes(hidden_layer_sizes) -> tuple[int, ...]:
    """The sizes as a tuple of positive ints; one int stands for one layer."""
    several = isinstance(hidden_layer_sizes, list | tuple | range) or (
        isinstance(hidden_layer_sizes, np.ndarray) and hidden_layer_sizes.ndim == 1
    )
    sizes = list(hidden_layer_sizes) if several else [hidden_layer_sizes]
    if all(
        isinstance(size, Integral) and not isinstance(size, bool) and int(size) > 0
        for size in sizes
    ):
        return tuple(int(size) for size in sizes)
    raise ValueError(
        f"hidden_layer_sizes={hidden_layer_sizes!r}: every hidden layer must have a"
        " positive whole number of units. Give an int for one layer, a sequence of ints"
        " for several, or () for none."
    )


def _as_floats(name: str, value) -> np.ndarray:
    """Value as an array of finite float64, or a ValueError that names the argument."""
    try:
        array = np.asarray(value)
        if array.dtype.kind == "c":
            raise TypeError("complex numbers have no order")
        array = np.asarray(array, dtype=np.float64, order="C")
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"{name} must be real numbers; got {value!r:.100}.") from error
    if not np.isfinite(array).all():
        what = "NaN" if np.isnan(array).any() else "infinity"
        raise ValueError(f"{name} contains {what}; every number must be finite.")
    return array


@dataclass(frozen=True)
class Rows:
    """X, y and sample_weight as checked.

    Attributes
    ----------
    X : ndarray or CSR of shape (n_samples, n_features), float32 or float64
    y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
    sample_weight : ndarray of shape (n_samples,), float64
    """

    X: Any
    y: np.ndarray
    sample_weight: np.ndarray

    @property
    def numbers(self) -> list:
        """All there is to hash, without what SciPy notes in a sparse X as it is used."""
        X = self.X
        inputs = [X.shape, X.indptr, X.indices, X.data] if sparse.issparse(X) else [X]
        return [*inputs, self.y, self.sample_weight]


@dataclass(frozen=True)
class TrainingRows(Rows):
    """Training rows, and what an estimator notes of X's columns.

    Attributes
    ----------
    features : dict
        ``n_features_in_`` and, where X has them, ``feature_names_in_``.
    """

    features: dict


def check_training_rows(estimator, X, y, sample_weight, *, reset: bool) -> TrainingRows:
    """Check what fit is given and leave the estimator as it is.

    Parameters
    ----------
    estimator : BackpropMLPClassifier
    X, y, sample_weight : as passed to fit
    reset : bool
        False if X must have the features of the estimator's last fit.
    """
    # scikit-learn notes the features before it looks at the values
    scratch = copy.copy(estimator)
    X, y = _check_rows(scratch, X, y, dtype=(np.float64, np.float32), reset=reset)
    noted = ("n_features_in_", "feature_names_in_")
    return TrainingRows(
        X=X,
        y=y,
        sample_weight=check_sample_weight(sample_weight, X),
        features={name: value for name, value in vars(scratch).items() if name in noted},
    )


def _check_rows(estimator, X, y, *, dtype, reset: bool) -> tuple[Any, np.ndarray]:
    """X as a dense array or CSR and y as labels or an indicator matrix, of as many rows."""
    if y is None:
        name = type(estimator).__name__
        raise ValueError(f"{name} requires y to be passed, but the target y is None.")
    X = check_features(
        estimator, X, accept_sparse=("csr", "csc"), dtype=dtype, order="C", reset=reset
    )
    with naming("y"):
        check_indices(y)
        y = check_array(
            y,
            accept_sparse="csr",
            ensure_2d=False,
            dtype=None,
            input_name="y",
            estimator=estimator,
        )
        y = check_target(y)
    with naming("X", "y"):
        check_consistent_length(X, y)
    return X.tocsr() if sparse.issparse(X) else X, y


class ValidationRows(Rows):
    """The user's validation rows."""


def check_validation_rows(
    estimator, rows: TrainingRows, labels: Labels, X_val, y_val, sample_weight_val
) -> ValidationRows | None:
    """Check validation rows against the training rows; None if none are given.

    Raises
    ------
    ValueError
        If X_val comes without y_val or the reverse, has other features than X, or y_val
        a label that y has not.
    """
    if X_val is None and y_val is None:
        if sample_weight_val is not None:
            raise ValueError("sample_weight_val is given without X_val and y_val.")
        return None
    if X_val is None or y_val is None:
        given, missing = ("X_val", "y_val") if y_val is None else ("y_val", "X_val")
        raise ValueError(f"{given} is given without {missing}; give both.")
    scratch = copy.copy(estimator)
    vars(scratch).pop("feature_names_in_", None)  # of an earlier fit
    vars(scratch).update(rows.features)
    try:
        X, y = _check_rows(scratch, X_val, y_val, dtype=rows.X.dtype, reset=False)
        labels.indices(y)
    except (TypeError, ValueError) as error:
        raise ValueError(f"X_val or y_val cannot be used: {error}") from error
    return ValidationRows(
        X=X,
        y=y,
        sample_weight=check_sample_weight(sample_weight_val, X, "sample_weight_val"),
    )


def check_sample_weight(sample_weight, X, name: str = "sample_weight") -> np.ndarray:
    """Weights of shape (n_samples,), float64: ones where None is given.

    Raises
    ------
    ValueError
        If a weight is negative, not finite, or if all are zero.
    """
    n_samples = X.shape[0]
    if sample_weight is None:
        return np.ones(n_samples)
    weight = _as_floats(name, sample_weight)
    if weight.ndim != 1:
        raise ValueError(
            f"{name} must be 1-dimensional, one weight a row; got {weight.ndim} dimensions."
        )
    if len(weight) != n_samples:
        raise ValueError(f"{name} has {len(weight)} weights for {n_samples} rows of X.")
    if (weight < 0).any():
        raise ValueError(f"{name} must not be negative; its smallest value is {weight.min()}.")
    if not weight.any():
        raise ValueError(f"{name} is zero for every row; at least one must be positive.")
    _check_total(name, weight)
    return weight


def _check_total(name: str, weight: np.ndarray) -> None:
    """Raise ValueError unless a weighted mean can be taken."""
    with np.errstate(over="ignore"):
        total = weight.sum()
        usable = np.isfinite(total) and np.isfinite(1 / total)
    if not usable:
        total = "infinity" if np.isinf(total) else total
        raise ValueError(f"{name} sums to {total}; multiply it by a constant to be near one.")


def apply_class_weight(class_weight, y: np.ndarray, labels: Labels, weight) -> np.ndarray:
    """Sample weights times the weights of their classes.

    "balanced" is scikit-learn's W / (n_classes * W_k) with W_k the summed sample
    weights of class k. For multilabel y it is taken for each output's two values, or a
    list with a dict of them for each output is given, and a row's weights multiply.

    Raises
    ------
    ValueError
        If class_weight names a class that does not exist, or a negative weight.
    """
    if class_weight is None:
        return weight
    with np.errstate(over="ignore"):
        product = weight * _label_weights(class_weight, y, labels, weight)
    if not product.any():
        raise ValueError(
            f"class_weight={class_weight!r} leaves no row of positive weight; give a positive"
            " weight to a class that y holds."
        )
    _check_total("class_weight times sample_weight", product)
    return product


def _label_weights(class_weight, y, labels: Labels, weight):
    """The weight of each row's class, or of its labels together."""
    if not labels.multilabel:
        if not isinstance(class_weight, dict | str):
            raise ValueError(
                f"class_weight={class_weight!r}: a list is for multilabel y only; give a dict"
                ' or "balanced".'
            )
        return _column_weight(class_weight, labels.classes, y, weight)
    per_output = [class_weight] * y.shape[1] if class_weight == "balanced" else class_weight
    if (
        not isinstance(per_output, list)
        or len(per_output) != y.shape[1]
        or not all(output == "balanced" or isinstance(output, dict) for output in per_output)
    ):
        raise ValueError(
            f'class_weight={class_weight!r}: for multilabel y give "balanced" or a list of'
            f" {y.shape[1]} dicts, one for each output, such as {{0: 1, 1: 5}}."
        )
    columns = zip(per_output, y.T, strict=True)
    of_columns = [
        _column_weight(output, np.arange(2), column, weight) for output, column in columns
    ]
    return np.prod(of_columns, axis=0)


def _column_weight(class_weight, classes, y, weight):
    indices = np.searchsorted(classes, y)
    if class_weight == "balanced":
        totals = np.bincount(indices, weights=weight, minlength=len(classes))
        present = totals > 0
        of_class = np.zeros(len(classes))
        of_class[present] = weight.sum() / (present.sum() * totals[present])
        return of_class[indices]
    unknown = sorted(set(class_weight) - set(classes.tolist()), key=str)
    if unknown:
        raise ValueError(
            f"class_weight names {unknown}, not among the classes {classes.tolist()}."
        )
    of_class = [class_weight.get(k, 1.0) for k in classes.tolist()]
    largest = sys.float_info.max
    if not all(isinstance(w, Real) and 0 <= w <= largest for w in of_class):
        raise ValueError(
            f"class_weight={class_weight!r}: weights must be finite numbers, not negative."
        )
    return np.array(of_class, dtype=np.float64)[indices]


def check_dropout(dropout, network: Network, solver: str) -> tuple[float, ...]:
    """The share of units to drop of each hidden layer; empty for none.

    Raises
    ------
    ValueError
        If a share is not in [0, 1), if there is not one for each hidden layer, or if
        the solver cannot do it.
    """
    n_hidden = len(network.layer_sizes) - 2
    rates = _as_floats("dropout", dropout)
    if rates.ndim == 0:
        rates = np.full(n_hidden, rates)
    if rates.shape != (n_hidden,) or not ((rates >= 0) & (rates < 1)).all():
        raise ValueError(
            f"dropout={dropout!r} must be a number in [0, 1), or a list of {n_hidden}, one for"
            " each hidden layer."
        )
    if not rates.any():
        return ()
    if solver == "lbfgs":
        raise ValueError(
            f"dropout={dropout!r} does not go with solver='lbfgs', whose objective must stay"
            " the same from one evaluation to the next; use solver='sgd' or 'adam'."
        )
    return tuple(rates.tolist())


def make_network(
    n_features: int,
    labels: Labels,
    *,
    hidden_layer_sizes,
    activation: str,
    loss: str,
    output_activation: str,
) -> Network:
    """The network that the estimator's parameters and the labels call for.

    Raises
    ------
    ValueError
        If the parameters do not go together with each other or with the labels.
    """
    out_activation = output_activation
    n_classes = len(labels.classes)
    if out_activation == "auto":
        out_activation = "logistic" if labels.multilabel or n_classes == 2 else "softmax"
    if (loss, out_activation) not in OUTPUT_LOSSES:
        raise ValueError(
            f"output_activation={out_activation!r} does not go with loss={loss!r}; use"
            " loss='squared_error', or another output_activation."
        )
    if labels.multilabel and out_activation == "softmax":
        raise ValueError(
            "output_activation='softmax' is for one label a row, and y has several; use"
            " 'auto' or 'logistic'."
        )
    one_output = n_classes == 2 and not labels.multilabel and out_activation != "softmax"
    hidden = check_hidden_layer_sizes(hidden_layer_sizes)
    layer_sizes = (n_features, *hidden, 1 if one_output else n_classes)
    return Network(layer_sizes, activation, out_activation)


def check_initial(
    network: Network, coef_init, intercept_init, dtype
) -> tuple[list[np.ndarray] | None, list[np.ndarray] | None]:
    """The user's initial coefs and intercepts, each None where not given.

    Raises
    ------
    ValueError
        If their shapes do not fit the network, or a number is not finite in ``dtype``.
    """
    return (
        _check_arrays("coef_init", coef_init, network.coef_shapes, dtype),
        _check_arrays("intercept_init", intercept_init, network.intercept_shapes, dtype),
    )


def _check_arrays(name: str, arrays, shapes: list, dtype) -> list[np.ndarray] | None:
    if arrays is None:
        return None
    if np.ndim(arrays[0] if isinstance(arrays, list | tuple) and arrays else 0) == 0:
        raise ValueError(f"{name} must be a list of arrays of shapes {shapes}, one a layer.")
    checked = [_as_floats(name, array) for array in arrays]
    got = [array.shape for array in checked]
    if got != shapes:
        raise ValueError(f"{name} must be arrays of shapes {shapes}, one a layer; got {got}.")
    largest = max(np.abs(array).max() for array in checked)
    if largest > np.finfo(dtype).max:
        raise ValueError(f"{name} has a number as large as {largest}, too large for {dtype}.")
    return checked
