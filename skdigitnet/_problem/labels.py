"""The classes, and y as the network takes it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse
from sklearn.utils import column_or_1d
from sklearn.utils.multiclass import check_classification_targets


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
