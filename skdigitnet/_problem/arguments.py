"""Errors that name their argument, and checks that scikit-learn and SciPy lack."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from numbers import Integral, Real
from types import SimpleNamespace

import numpy as np
from scipy import sparse
from sklearn.utils._param_validation import validate_parameter_constraints
from sklearn.utils.validation import validate_data

from skdigitnet._core.rows import is_surely_finite
from skdigitnet._problem.row_blocks import RowBlocks, in_blocks

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


def is_plain(X) -> bool:
    """Whether X needs no conversion, only a look at whether it is finite."""
    return type(X) is np.ndarray and X.ndim == 2 and X.dtype in FLOATS and X.size > 0


def _take_plain(estimator, X, *, reset: bool) -> bool:
    """Check a plain X that can be used as it is, if X is one, and record its features.

    scikit-learn's validation does no more with it and takes longer than an epoch of a small
    fit, the first time, when it looks for data frame libraries, longer than ten.
    """
    if not (is_plain(X) and X.flags.c_contiguous and X.flags.aligned and is_surely_finite(X)):
        return False
    if reset:
        estimator.n_features_in_ = X.shape[1]
        vars(estimator).pop("feature_names_in_", None)
        return True
    has_names = hasattr(estimator, "feature_names_in_")
    return X.shape[1] == estimator.n_features_in_ and not has_names


def check_features(estimator, X, *, dtype, reset, **options):
    """X validated by ``validate_data`` with these options, in native byte order.

    Of :class:`RowBlocks` the features alone are checked now, each number when it is read.
    """
    with naming("X"):
        if dtype is FLOATS and _take_plain(estimator, X, reset=reset):
            return X
        X = in_blocks(X)
        if isinstance(X, RowBlocks):
            return validate_data(estimator, X, reset=reset, skip_check_array=True)
        check_indices(X)
        if dtype is FLOATS and _is_float32_frame(X):
            dtype = np.float32
        X = validate_data(estimator, X, dtype=dtype, reset=reset, **options)
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


def plain(value):
    """A parameter as Python has it: of NumPy's scalars, and of subclasses of str, the value.

    A float32 would round what it meets, and a member of an enumeration is not found where
    its string is.
    """
    if isinstance(value, str):
        return str.__str__(value)
    return value.item() if isinstance(value, np.generic) else value


def plain_parameters(estimator) -> SimpleNamespace:
    """The parameters as training and prediction take them: what :func:`plain` makes of each."""
    # get_params looks for their names in the signature, which takes longer than a step
    names = estimator._parameter_constraints
    return SimpleNamespace(**{name: plain(getattr(estimator, name)) for name in names})


def check_parameters(estimator, parameters: SimpleNamespace) -> None:
    """scikit-learn's check, which takes numbers for real that NumPy cannot take."""
    for name, value in vars(parameters).items():
        if not isinstance(value, Real):
            continue
        if not isinstance(value, Integral | float | np.floating):
            kind = type(value).__name__
            raise ValueError(f"{name} must be an int or a float; got a {kind}, {value}.")
        if isinstance(value, Integral) and abs(int(value)) > sys.float_info.max:
            raise ValueError(f"{name} is an int larger than any float.")
    validate_parameter_constraints(
        estimator._parameter_constraints,
        vars(parameters),
        caller_name=type(estimator).__name__,
    )


def twin(estimator):
    """An estimator with the same attributes, which others can be given.

    ``copy.copy`` copies what grows with training too, as it does for a pickle.
    """
    other = object.__new__(type(estimator))
    vars(other).update(vars(estimator))
    return other


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
