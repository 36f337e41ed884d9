"""Checks of what the user passes to fit, before anything is changed."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.utils import column_or_1d
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import validate_data

from skdigitnet._backprop import OUTPUT_LOSSES
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
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} must be real numbers; got {value!r:.100}.") from error
    if not np.isfinite(array).all():
        what = "NaN" if np.isnan(array).any() else "infinity"
        raise ValueError(f"{name} contains {what}; every number must be finite.")
    return array


@dataclass(frozen=True)
class Labels:
    """The classes, and how y names them.

    Attributes
    ----------
    classes : ndarray of shape (n_classes,)
        Sorted; the column indices when y is a multilabel indicator matrix.
    multilabel : bool
    """

    classes: np.ndarray
    multilabel: bool

    @classmethod
    def of(cls, y) -> Labels:
        """Those that y holds; y as :func:`check_target` returns it."""
        if y.ndim == 2:
            return cls(np.arange(y.shape[1]), multilabel=True)
        return cls(_unique(y, "y"), multilabel=False)

    @classmethod
    def given(cls, classes, y) -> Labels:
        """Those that the user lists in the first call to ``partial_fit``."""
        if classes is None:
            raise ValueError("classes must be passed on the first call to partial_fit.")
        classes = _check_classes(classes)
        if len(classes) < 2:
            raise ValueError(
                f"classes={classes.tolist()} has one class only; list every class that any"
                " later y may hold, two at least."
            )
        return cls(classes, multilabel=y.ndim == 2)

    def check_same(self, classes) -> None:
        """Raise unless ``classes`` is None or names these classes."""
        if classes is None or np.array_equal(_check_classes(classes), self.classes):
            return
        raise ValueError(
            f"classes={np.asarray(classes).tolist()} is not the same as on the first call,"
            f" where it was {self.classes.tolist()}. Leave it out, or train a new estimator."
        )

    def check_complete(self, y) -> None:
        """Raise unless y, the rows that count, holds every class, and two at least."""
        if self.multilabel:
            return
        present = _unique(y, "y")
        if len(self.classes) < 2 or len(present) < 2:
            raise ValueError(
                f"y has one class only among the rows of positive sample_weight:"
                f" {present.tolist()}. A classifier needs two classes or more."
            )

    def indices(self, y) -> np.ndarray:
        """y as class indices (n_rows,), or the indicator matrix as uint8.

        Raises
        ------
        ValueError
            If y holds a label that is not a class, or has another form.
        """
        if self.multilabel != (y.ndim == 2):
            form = "an indicator matrix" if self.multilabel else "one label a row"
            raise ValueError(f"y must be {form} as in the first fit; its shape is {y.shape}.")
        if self.multilabel and y.shape[1] != len(self.classes):
            raise ValueError(
                f"y has {y.shape[1]} columns; it must have one for each of the"
                f" {len(self.classes)} classes."
            )
        if self.multilabel:
            return np.ascontiguousarray(y, dtype=np.uint8)
        unseen = sorted(set(_unique(y, "y").tolist()) - set(self.classes.tolist()), key=str)
        if unseen:
            raise ValueError(
                f"y has labels {unseen}, which are not among the classes"
                f" {self.classes.tolist()}. Train anew with fit and warm_start=False, or list"
                " every class in the first call to partial_fit."
            )
        return np.searchsorted(self.classes, y).astype(np.intp, copy=False)

    def decode(self, indices: np.ndarray) -> np.ndarray:
        """The labels of indices; the inverse of :meth:`indices`."""
        return indices if self.multilabel else self.classes[indices]


def _unique(labels, name: str) -> np.ndarray:
    try:
        return np.unique(labels)
    except TypeError:
        kinds = sorted({type(label).__name__ for label in labels})
        raise ValueError(
            f"{name} mixes labels of types {', '.join(kinds)}, which have no common order."
            " Use labels of one type, for example strings."
        ) from None


def _check_classes(classes) -> np.ndarray:
    """The user's list of classes, sorted."""
    classes = np.asarray(classes)
    if classes.ndim != 1:
        raise ValueError(
            f"classes must be 1-dimensional, one entry a class; its shape is {classes.shape}."
        )
    if (classes != classes).any():
        raise ValueError(f"classes={classes.tolist()} must not have NaN.")
    return _unique(classes, "classes")


def check_target(y):
    """y as an array of labels (n,), or as a dense indicator matrix (n, n_outputs).

    Raises
    ------
    ValueError
        If y is continuous, mixes types of labels, or has several columns that are not
        indicators.
    """
    if y.dtype == object and not sparse.issparse(y):
        _unique(y.ravel(), "y")
    check_classification_targets(y)
    if sparse.issparse(y):
        y = y.toarray()
    elif y.ndim == 1 or y.shape[1] == 1:
        return column_or_1d(y, warn=True)
    if y.shape[1] == 1 or not np.isin(y, (0, 1)).all():
        raise ValueError(
            f"y has shape {y.shape} and is no indicator matrix. Give a 1-dimensional y for one"
            " label a row, or a matrix of 0 and 1 with a column for each of several labels."
        )
    return y


@dataclass(frozen=True)
class TrainingRows:
    """X, y and sample_weight as checked, and what an estimator notes of X's columns.

    Attributes
    ----------
    X : ndarray or CSR of shape (n_samples, n_features), float32 or float64
    y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
    sample_weight : ndarray of shape (n_samples,), float64
    features : dict
        ``n_features_in_`` and, where X has them, ``feature_names_in_``.
    """

    X: Any
    y: np.ndarray
    sample_weight: np.ndarray
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
    X, y = validate_data(
        scratch,
        X,
        y,
        accept_sparse=("csr", "csc"),
        dtype=(np.float64, np.float32),
        order="C",
        multi_output=True,
        reset=reset,
    )
    noted = ("n_features_in_", "feature_names_in_")
    return TrainingRows(
        X=X.tocsr() if sparse.issparse(X) else X,
        y=check_target(y),
        sample_weight=check_sample_weight(sample_weight, X),
        features={name: value for name, value in vars(scratch).items() if name in noted},
    )


def check_sample_weight(sample_weight, X) -> np.ndarray:
    """Weights of shape (n_samples,), float64: ones where None is given.

    Raises
    ------
    ValueError
        If a weight is negative, not finite, or if all are zero.
    """
    n_samples = X.shape[0]
    if sample_weight is None:
        return np.ones(n_samples)
    weight = _as_floats("sample_weight", sample_weight)
    if weight.ndim != 1:
        raise ValueError(
            f"sample_weight must be 1-dimensional, one weight a row; got {weight.ndim}"
            " dimensions."
        )
    if len(weight) != n_samples:
        raise ValueError(f"sample_weight has {len(weight)} weights for {n_samples} rows of X.")
    if (weight < 0).any():
        raise ValueError(
            f"sample_weight must not be negative; its smallest value is {weight.min()}."
        )
    if not weight.any():
        raise ValueError("sample_weight is zero for every row; at least one must be positive.")
    _check_total("sample_weight", weight)
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
    if not all(isinstance(w, Real) and 0 <= w < np.inf for w in of_class):
        raise ValueError(
            f"class_weight={class_weight!r}: weights must be finite numbers, not negative."
        )
    return np.array(of_class, dtype=np.float64)[indices]


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
