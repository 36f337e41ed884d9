"""Errors that name their argument, and the checks that scikit-learn and SciPy leave out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from scipy import sparse
from sklearn.utils.validation import validate_data


@contextmanager
def naming(*names: str) -> Iterator[None]:
    """What is raised within is a ValueError or TypeError that names one of these arguments.

    NumPy is silent meanwhile: an overflow that it would warn of is found when the numbers
    are looked at.
    """
    try:
        with np.errstate(all="ignore"):
            yield
    except (ValueError, TypeError, OverflowError) as error:
        if re.search(rf"\b({'|'.join(names)})\b", str(error)) and not isinstance(
            error, OverflowError
        ):
            raise
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(f"{' or '.join(names)}: {error}") from error


def check_indices(X) -> None:
    """Raise ValueError if sparse X has an index that points out of it: SciPy would follow it.

    X stays as it is, while SciPy's own check shortens its arrays.
    """
    if not sparse.issparse(X):
        return
    if X.format in ("csr", "csc", "bsr"):
        parts = (X.data, X.indices, X.indptr)
        type(X)(parts, shape=X.shape).check_format(full_check=True)
    elif X.format == "coo":
        type(X)((X.data, X.coords), shape=X.shape)


def check_features(estimator, X, **options):
    """X by ``validate_data`` with these options, in the byte order of this machine."""
    with naming("X"):
        check_indices(X)
        X = validate_data(estimator, X, **options)
        check_indices(X)  # of a format that has its indices in another form
    return X.astype(X.dtype.newbyteorder("="), copy=False)


def twin(estimator):
    """An estimator with the same attributes, which others can be given.

    ``copy.copy`` copies what grows with training too, as it does for a pickle.
    """
    other = object.__new__(type(estimator))
    vars(other).update(vars(estimator))
    return other


def as_floats(name: str, value) -> np.ndarray:
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
