"""Dask's collections as arrays of known size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import dask
import numpy as np

from skdigitnet._problem.arguments import FLOATS


def as_array(name: str, collection, ndim: int):
    """A Dask array of that many dimensions; chunks of a frame have unknown sizes."""
    if not dask.is_dask_collection(collection):
        raise TypeError(
            f"{name} must be a Dask array or frame; got {type(collection).__name__}. For rows"
            " in memory use BackpropMLPClassifier."
        )
    if hasattr(collection, "to_dask_array"):
        collection = collection.to_dask_array()
    if collection.ndim == 2 and ndim == 1 and collection.shape[1] == 1:
        collection = collection[:, 0]
    if collection.ndim != ndim:
        raise ValueError(
            f"{name} must have {ndim} dimension{'s' * (ndim > 1)}; it has {collection.ndim}."
        )
    return collection


def features_of(X) -> dict:
    """What a fitted estimator records of X's columns."""
    columns = getattr(X, "columns", None)
    if columns is None:
        return {"n_features_in_": X.shape[1]} if getattr(X, "ndim", 0) == 2 else {}
    others = [str(name) for name, dtype in X.dtypes.items() if not _is_number(dtype)]
    if others:
        raise ValueError(
            f"X has columns that are not numbers: {', '.join(others[:5])}. Encode them first,"
            " for example with dask.dataframe.get_dummies, or leave them out."
        )
    features: dict[str, Any] = {"n_features_in_": len(columns)}
    if all(isinstance(name, str) for name in columns):
        features["feature_names_in_"] = np.asarray(columns, dtype=object)
    return features


def check_same_features(features: dict, others: dict) -> None:
    """Raise ValueError if these rows have other columns than the training rows."""
    if others["n_features_in_"] != features["n_features_in_"]:
        raise ValueError(
            f"they have {others['n_features_in_']} columns; X has {features['n_features_in_']}."
        )
    names, other_names = (each.get("feature_names_in_") for each in (features, others))
    if names is not None and other_names is not None and list(names) != list(other_names):
        raise ValueError(f"their columns are {list(other_names)}; X's are {list(names)}.")


def _is_number(dtype) -> bool:
    return getattr(dtype, "kind", "O") in "biuf"


def dtype_of(X) -> np.dtype:
    if X.dtype.kind not in "biuf":
        raise ValueError(f"X must be numbers; its dtype is {X.dtype}.")
    return X.dtype if X.dtype in FLOATS else np.dtype(np.float64)


def with_known_chunks(array):
    return array.compute_chunk_sizes() if np.isnan(array.shape[0]) else array


def check_lengths(arrays: Sequence) -> None:
    lengths = [array.shape[0] for array in arrays]
    if len(set(lengths)) > 1:
        raise ValueError(f"X, y and sample_weight must have as many rows; they have {lengths}.")
    if lengths[0] == 0:
        raise ValueError("X has no rows; at least one is required.")
