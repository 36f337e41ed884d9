"""A training state in a file."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import joblib
import numpy as np

from skdigitnet._files import read_arrays, write_arrays
from skdigitnet._schedules import SCHEDULES
from skdigitnet._state import TrainingState
from skdigitnet._training import Training

FORMAT = 1
HEADER = "header"
# what changes no bit of the result
WITHOUT_EFFECT = ("verbose", "warm_start", "n_jobs")


def fingerprint(estimator, training: Training) -> str:
    """The same for two fits if and only if they give the same bits.

    It is taken over the parameters, the rows, the stopping rule and any initial weights
    that are not drawn. ``max_iter`` is left out, where no schedule depends on it, so that
    a fit can be gone on from with a larger one.

    Raises
    ------
    ValueError
        If a parameter cannot be pickled.
    """
    parameters = estimator.get_params(deep=False)
    for name in WITHOUT_EFFECT:
        del parameters[name]
    if parameters["learning_rate"] not in SCHEDULES and not callable(
        parameters["learning_rate"]
    ):
        del parameters["max_iter"]
    rows = training.rows
    theta = None if training.is_drawn else training.state.theta
    hashed = [parameters, rows.X, rows.y, rows.sample_weight, training.rule, theta]
    try:
        return str(joblib.hash(hashed))
    except Exception as error:  # pickle has no one kind of error
        raise ValueError(
            f"Checkpoint cannot tell this fit from others: {error}. Every parameter must be"
            " one that can be pickled; a function must be defined by name in a module."
        ) from error


def write_state(path: Path, state: TrainingState, key: str) -> None:
    """Write the state of the fit with this fingerprint."""
    numbers: dict[str, Any] = {"format": FORMAT, "fingerprint": key}
    arrays = {}
    for field in fields(state):
        value = getattr(state, field.name)
        if field.name == "gradient" and not state.is_within_batch:
            value = None
        if isinstance(value, np.ndarray | list):
            arrays[field.name] = np.asarray(value)
        else:
            numbers[field.name] = _without_arrays(field.name, value, arrays)
    header = np.frombuffer(json.dumps(numbers).encode(), dtype=np.uint8)
    write_arrays(path, {HEADER: header, **arrays})


def read_state(path: Path, key: str) -> TrainingState:
    """The inverse of :func:`write_state`.

    Raises
    ------
    ValueError
        If the file is damaged, of another version of the format or of another fit.
    """
    arrays = read_arrays(path)
    try:
        numbers = json.loads(arrays.pop(HEADER).tobytes())
        found = numbers.pop("format"), numbers.pop("fingerprint")
    except (KeyError, AttributeError, TypeError, ValueError) as error:
        raise ValueError(f"{path} is no checkpoint: it has no header.") from error
    if found != (FORMAT, key):
        raise ValueError(
            f"{path} is a checkpoint of format {found[0]} and fit {found[1]}; this is format"
            f" {FORMAT} and fit {key}. Remove it to train from the start."
        )
    try:
        values = _with_arrays("", numbers, arrays)
        return TrainingState(
            **{f.name: _checked(f.name, values) for f in fields(TrainingState)}
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path} is a damaged checkpoint: {error!r}.") from error


def _without_arrays(name: str, value, arrays: dict[str, np.ndarray]):
    """``value``, its arrays at whatever depth moved to ``arrays`` under a path of names."""
    if isinstance(value, dict):
        return {k: _without_arrays(f"{name}/{k}", v, arrays) for k, v in value.items()}
    if isinstance(value, np.ndarray):
        arrays[name] = value
        return None
    return value


def _with_arrays(name: str, value, arrays: dict[str, np.ndarray]):
    """The inverse of :func:`_without_arrays`; on the outermost level, all of ``arrays`` too."""
    if isinstance(value, dict):
        path = f"{name}/" if name else ""
        inner = {k: _with_arrays(f"{path}{k}", v, arrays) for k, v in value.items()}
        return inner if name else {**arrays, **inner}
    return arrays.get(name, value)


def _checked(name: str, values: dict):
    """A field of the state, of the type that its default has."""
    value, default = values[name], getattr(EMPTY, name)
    if isinstance(default, list):
        return [tuple(v) if isinstance(v, list) else v for v in value.tolist()]
    if isinstance(default, np.ndarray):
        if not isinstance(value, np.ndarray) or value.ndim != 1:
            raise TypeError(f"{name} is {value!r}")
    elif default is not None and type(value) is not type(default):
        raise TypeError(f"{name} is {value!r}")
    return value


EMPTY = TrainingState(np.empty(0))
