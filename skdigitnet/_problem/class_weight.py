"""Weights of classes, multiplied into the sample weights."""

from __future__ import annotations

import sys
from numbers import Real

import numpy as np

from skdigitnet._problem.labels import Labels
from skdigitnet._problem.rows import check_total


def apply_class_weight(class_weight, y: np.ndarray, labels: Labels, weight) -> np.ndarray:
    """Sample weights times the weights of their classes.

    "balanced" is scikit-learn's W / (n_classes * W_k), where W_k is the sum of the sample
    weights of class k. For multilabel y, "balanced" applies to the two values of each
    output; otherwise class_weight is a list of one dict per output. The weights of a
    row's labels multiply.

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
    check_total("class_weight times sample_weight", product)
    return product


def class_factors(class_weight, labels: Labels, totals: np.ndarray) -> np.ndarray:
    """What :func:`apply_class_weight` multiplies the weights of each class by.

    Parameters
    ----------
    class_weight : dict or "balanced"
    labels : Labels
        Of one label a row.
    totals : ndarray of shape (n_classes,)
        The summed sample weight of each class.

    Raises
    ------
    ValueError
        As :func:`apply_class_weight`.
    """
    # one row of each class, with all of its weight, has the same factors
    apply_class_weight(class_weight, labels.classes, labels, totals)
    return _label_weights(class_weight, labels.classes, labels, totals)


def _label_weights(class_weight, y, labels: Labels, weight):
    """The weight of each row's class, or the product over its labels."""
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
