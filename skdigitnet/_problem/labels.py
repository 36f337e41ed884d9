"""The classes, checks of y, and y in the form that the network trains on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse
from sklearn.utils import assert_all_finite, check_array, column_or_1d
from sklearn.utils.multiclass import check_classification_targets

from skdigitnet._problem.arguments import check_indices


@dataclass(frozen=True)
class Labels:
    """The classes, and whether y is multilabel.

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
        """The labels of y, which is as :func:`check_target` returns it."""
        if y.ndim == 2:
            return cls(np.arange(y.shape[1]), multilabel=True)
        return cls(_unique(y, "y"), multilabel=False)

    @classmethod
    def given(cls, classes, y) -> Labels:
        """The labels that the user lists in the first call to ``partial_fit``."""
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

    def check_several(self, indices: np.ndarray, sample_weight) -> None:
        """Raise ValueError unless two classes are in the rows of positive weight.

        ``indices`` are those of y, as :meth:`indices` has them.
        """
        if self.multilabel:
            return
        is_present = np.bincount(indices[sample_weight > 0], minlength=len(self.classes)) > 0
        if is_present.sum() < 2:
            rows = "" if sample_weight.all() else " among the rows of positive sample_weight"
            raise ValueError(
                f"y has one class only{rows}: {self.classes[is_present].tolist()}. A classifier"
                " needs two classes or more."
            )

    def indices(self, y) -> np.ndarray:
        """y as class indices (n_rows,), or the indicator matrix as uint8.

        Raises
        ------
        ValueError
            If y has a label that is not a class, or is multilabel and was not before, or
            the reverse.
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
        found, places = np.unique(y, return_inverse=True)
        unseen = sorted(set(found.tolist()) - set(self.classes.tolist()), key=str)
        if unseen:
            raise ValueError(
                f"y has labels {unseen}, which are not among the classes"
                f" {self.classes.tolist()}. Call fit with warm_start=False, or list"
                " every class in the first call to partial_fit."
            )
        return np.searchsorted(self.classes, found).astype(np.intp, copy=False)[places]

    def decode(self, indices: np.ndarray) -> np.ndarray:
        """The labels for class indices; the inverse of :meth:`indices`."""
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
    classes = np.asarray(_as_stored(classes))
    if classes.ndim != 1:
        raise ValueError(
            f"classes must be 1-dimensional, one entry a class; its shape is {classes.shape}."
        )
    _check_no_label_is_missing(classes, "classes")
    _check_objects(classes, "classes")
    return _unique(classes, "classes")


def as_labels(y, estimator):
    """y as an array or CSR without a missing label.

    Raises
    ------
    TypeError, ValueError
        If y lacks labels, mixes types of labels or holds objects that are not strings.
    """
    check_indices(y)
    y = check_array(
        _as_stored(y),
        accept_sparse="csr",
        ensure_2d=False,
        dtype=None,
        ensure_all_finite=False,
        input_name="y",
        estimator=estimator,
    )
    if not sparse.issparse(y):
        _check_no_label_is_missing(y, "y")
        _check_objects(y, "y")
    assert_all_finite(y, input_name="y")
    return y


def check_target(y, estimator):
    """y as an array of labels (n,), or as a dense indicator matrix (n, n_outputs).

    Raises
    ------
    TypeError, ValueError
        As :func:`as_labels`; and if y is continuous, or has several columns that are not
        indicators.
    """
    if _is_plain(y):
        return y
    y = as_labels(y, estimator)
    check_classification_targets(y)
    if sparse.issparse(y):
        y = y.toarray()
    elif y.ndim == 1 or y.shape[1] == 1:
        return column_or_1d(y, warn=True)
    if y.shape[1] == 1 or not np.isin(y, (0, 1)).all():
        raise ValueError(
            f"y has shape {y.shape} and is not an indicator matrix. Give a 1-dimensional y for"
            " one label a row, or a matrix of 0 and 1 with a column for each of several labels."
        )
    return y


def _is_plain(y) -> bool:
    """Whether y is an array of integers that needs no conversion and no warning.

    scikit-learn warns of more classes than half the rows; so many need as large a range.
    """
    if not (type(y) is np.ndarray and y.ndim == 1 and y.dtype.kind in "biu" and y.size > 0):
        return False
    is_ready = y.flags.c_contiguous and y.dtype.isnative
    return is_ready and int(y.max()) - int(y.min()) < len(y) // 2


def _as_stored(y):
    """A pandas y as an array of its integers, booleans or categories.

    ``check_array`` converts nullable and Arrow-backed dtypes to float, which can express
    missing values. A y with missing values, and any other y, is returned unchanged.
    """
    is_frame = hasattr(type(y), "iloc") and y.ndim == 2
    dtypes = list(y.dtypes) if is_frame else [getattr(y, "dtype", None)]
    if [str(dtype) for dtype in dtypes] == ["category"]:
        return np.asarray(y)
    stored = [getattr(dtype, "numpy_dtype", np.dtype(object)) for dtype in dtypes]
    if any(dtype.kind not in "biu" for dtype in stored) or np.any(y.isna()):
        return y
    return np.asarray(y, dtype=np.result_type(*stored))


def _check_no_label_is_missing(labels: np.ndarray, name: str) -> None:
    if labels.dtype == object:
        missing = [label for label in labels.flat if _is_missing(label)]
    else:
        missing = list(labels[labels != labels])
    if missing:
        raise ValueError(
            f"{name} has missing labels, {len(missing)} of {labels.size} ({missing[0]}). Drop"
            " them, or give them a label of their own."
        )


def _is_missing(label) -> bool:
    try:
        return label is None or bool(label != label)
    except TypeError:  # pandas.NA is neither equal nor unequal
        return True


def _check_objects(labels: np.ndarray, name: str) -> None:
    """Raise ValueError if labels are Python objects other than strings.

    scikit-learn takes those for a regression target, here and in its metrics.
    """
    if labels.dtype != object or labels.size == 0:
        return
    _unique(labels.ravel(), name)
    if isinstance(labels.flat[0], Sequence):  # strings, or what scikit-learn's error explains
        return
    kinds = sorted({type(label).__name__ for label in labels.flat})
    kind = np.asarray(labels.ravel().tolist()).dtype.kind
    dtype = {"b": "bool", "i": "int", "f": "float"}.get(kind, "str")
    raise ValueError(
        f"{name}: Unknown label type: dtype object with labels of type {', '.join(kinds)}."
        f" Convert it, for example by {name}.astype({dtype})."
    )
