"""Errors that name their argument, and checks that scikit-learn and SciPy lack."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from scipy import sparse
from sklearn.utils.validation import validate_data

# dtypes of X that need no conversion; any other is converted to the first
FLOATS = (np.float64, np.float32)


@contextmanager
def naming(*names: str) -> Iterator[None]:
    """Make a ValueError or TypeError raised within name one of these arguments.

    NumPy's warnings are off meanwhile: overflow is found by the check for non-finite
    numbers.
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
    """Raise ValueError if an index of sparse X is out of bounds; SciPy would follow it.

    X is left unchanged, while SciPy's own check shortens its arrays.
    """
    if not sparse.issparse(X):
        return
    if X.format in ("csr", "csc", "bsr"):
        parts = (X.data, X.indices, X.indptr)
        type(X)(parts, shape=X.shape).check_format(full_check=True)
    elif X.format == "coo":
        type(X)((X.data, X.coords), shape=X.shape)


def check_features(estimator, X, *, dtype, **options):
    """X validated by ``validate_data`` with these options, in native byte order."""
    with naming("X"):
        check_indices(X)
        if dtype is FLOATS and _is_float32_frame(X):
            dtype = np.float32
        X = validate_data(estimator, X, dtype=dtype, **options)
        check_indices(X)  # for formats that store indices in another form
    return X.astype(X.dtype.newbyteorder("="), copy=False)


def _is_float32_frame(X) -> bool:
    """Whether X is a data frame of float32 columns.

    scikit-learn recognises them only in a pandas frame of NumPy dtypes.
    """
    if not hasattr(type(X), "columns"):
        return False
    if not hasattr(X, "iloc"):  # Polars, PyArrow
        return np.asarray(X[:0]).dtype == np.float32
    # nullable, Arrow-backed and sparse columns name the NumPy dtype of their values
    return all(
        getattr(dtype, "numpy_dtype", getattr(dtype, "subtype", dtype)) == np.float32
        for dtype in X.dtypes
    )


def as_floats(name: str, value) -> np.ndarray:
    """The value as an array of finite float64; a ValueError names the argument."""
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
