"""The rows that fit is given: checked before anything is changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.utils.validation import check_consistent_length

from skdigitnet._problem.arguments import FLOATS, as_floats, check_features, naming, twin
from skdigitnet._problem.labels import Labels, check_target
from skdigitnet._problem.row_blocks import RowBlocks, in_blocks


@dataclass(frozen=True)
class Rows:
    """X, y and sample_weight as checked.

    Attributes
    ----------
    X : ndarray, CSR or RowBlocks of shape (n_samples, n_features), float32 or float64
    y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
    sample_weight : ndarray of shape (n_samples,), float64
    """

    X: Any
    y: np.ndarray
    sample_weight: np.ndarray

    @property
    def numbers(self) -> list:
        """The arrays to hash, without what SciPy caches in a sparse X."""
        X = self.X
        if isinstance(X, RowBlocks):
            return [*X.identity, self.y, self.sample_weight]
        inputs = [X.shape, X.indptr, X.indices, X.data] if sparse.issparse(X) else [X]
        return [*inputs, self.y, self.sample_weight]


@dataclass(frozen=True)
class TrainingRows(Rows):
    """Training rows, and what the estimator records about X's columns.

    Attributes
    ----------
    features : dict
        ``n_features_in_`` and, where X has them, ``feature_names_in_``.
    """

    features: dict


def check_training_rows(estimator, X, y, sample_weight, *, reset: bool) -> TrainingRows:
    """Check the arguments of fit without changing the estimator.

    Parameters
    ----------
    estimator : BackpropMLPClassifier
    X, y, sample_weight : as passed to fit
    reset : bool
        False if X must have the features of the last fit.
    """
    # scikit-learn records the features before it checks the values
    scratch = twin(estimator)
    X, y = _check_rows(scratch, X, y, dtype=FLOATS, reset=reset)
    recorded = ("n_features_in_", "feature_names_in_")
    return TrainingRows(
        X=X,
        y=y,
        sample_weight=check_sample_weight(sample_weight, X),
        features={name: value for name, value in vars(scratch).items() if name in recorded},
    )


def _check_rows(estimator, X, y, *, dtype, reset: bool) -> tuple[Any, np.ndarray]:
    """X as a dense array or CSR, and y as labels or indicator matrix, of the same length."""
    if y is None:
        name = type(estimator).__name__
        raise ValueError(f"{name} requires y to be passed, but the target y is None.")
    X = check_features(
        estimator, X, accept_sparse=("csr", "csc"), dtype=dtype, order="C", reset=reset
    )
    with naming("y"):
        y = check_target(y, estimator)
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
        If only one of X_val and y_val is given, if their features differ from X's, or if
        y_val has a label that y lacks.
    """
    if not has_validation_rows(X_val, y_val, sample_weight_val):
        return None
    if isinstance(in_blocks(X_val), RowBlocks):
        raise ValueError(
            "X_val is to be read in blocks; it must be in memory. Give some of its rows, for"
            " example ten thousand, as an array."
        )
    scratch = twin(estimator)
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


def has_validation_rows(X_val, y_val, sample_weight_val) -> bool:
    """Whether validation rows are given.

    Raises
    ------
    ValueError
        If only one of X_val and y_val is given, or only sample_weight_val.
    """
    if X_val is None and y_val is None:
        if sample_weight_val is not None:
            raise ValueError("sample_weight_val is given without X_val and y_val.")
        return False
    if X_val is None or y_val is None:
        given, missing = ("X_val", "y_val") if y_val is None else ("y_val", "X_val")
        raise ValueError(f"{given} is given without {missing}; give both.")
    return True


def check_sample_weight(sample_weight, X, name: str = "sample_weight") -> np.ndarray:
    """Weights of shape (n_samples,), float64: ones where None is given.

    Raises
    ------
    ValueError
        If a weight is negative or non-finite, or all are zero.
    """
    n_samples = X.shape[0]
    if sample_weight is None:
        return np.ones(n_samples)
    weight = as_floats(name, sample_weight)
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
    check_total(name, weight)
    return weight


def check_total(name: str, weight: np.ndarray) -> None:
    """Raise ValueError if the sum is unusable for a weighted mean."""
    with np.errstate(over="ignore"):
        total = weight.sum()
        usable = np.isfinite(total) and np.isfinite(1 / total)
    if not usable:
        total = "infinity" if np.isinf(total) else total
        raise ValueError(f"{name} sums to {total}; multiply it by a constant to be near one.")
