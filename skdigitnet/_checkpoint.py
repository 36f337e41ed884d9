"""A training state in a file."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import joblib
import numpy as np

from skdigitnet._files import read_arrays, write_arrays
from skdigitnet._schedules import SCHEDULES
from skdigitnet._state import TrainingState
from skdigitnet._training import Training, restored_generator

FORMAT = 1
HEADER = "header"
# what changes no bit of the result
WITHOUT_EFFECT = ("verbose", "warm_start", "n_jobs")


def fingerprint(estimator, training: Training) -> str:
    """The same for two fits if and only if they give the same bits.

    It is taken over the parameters, the rows, the stopping rule and, unless the weights
    are drawn, the state to begin with. ``max_iter`` is left out, where no schedule depends
    on it, so that a fit can be gone on from with a larger one.

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
    rule = training.rule
    start = None if training.is_drawn else _bytes_of(replace(training.state, history=[]))
    validation = None if rule.validation is None else rule.validation.numbers
    rows = [training.rows.numbers, validation]
    hashed = [parameters, start, replace(rule, validation=None), rows]
    try:
        return str(joblib.hash(hashed))
    except Exception as error:  # pickle has no one kind of error
        raise ValueError(
            f"Checkpoint cannot tell this fit from others: {error}. Every parameter must be"
            " one that can be pickled; a function must be defined by name in a module."
        ) from error


def _bytes_of(state: TrainingState) -> list:
    """The same for states that are equal, whatever the strides of an empty array are."""
    numbers, arrays = _taken_apart(state)
    return [numbers, [(k, v.dtype.str, v.tobytes()) for k, v in arrays.items()]]


def write_state(path: Path, state: TrainingState, key: str) -> None:
    """Write the state of the fit with this fingerprint."""
    numbers, arrays = _taken_apart(state)
    numbers |= {"format": FORMAT, "fingerprint": key}
    header = np.frombuffer(json.dumps(numbers).encode(), dtype=np.uint8)
    write_arrays(path, {HEADER: header, **arrays})


def _taken_apart(state: TrainingState) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """What JSON can carry of the state, and the arrays."""
    numbers, arrays = {}, {}
    for field in fields(state):
        value = getattr(state, field.name)
        if field.name == "gradient" and not state.is_within_batch:
            value = None
        if isinstance(value, np.ndarray | list):
            arrays[field.name] = np.asarray(value)
        else:
            numbers[field.name] = _without_arrays(field.name, value, arrays)
    return numbers, arrays


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
    except Exception as error:  # what was not written here raises nearly anything
        raise ValueError(f"{path} is no checkpoint: it has no header.") from error
    if found != (FORMAT, key):
        raise ValueError(
            f"{path} is a checkpoint of format {found[0]} and fit {found[1]}; this is format"
            f" {FORMAT} and fit {key}. Remove it to train from the start."
        )
    try:
        values = _with_arrays("", numbers, arrays)
        checked = {f.name: _checked(f.name, values[f.name]) for f in fields(TrainingState)}
        _check_generator(checked["random_state"])
        return TrainingState(**checked)
    except Exception as error:  # what was not written here raises nearly anything
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


def _checked(name: str, value) -> Any:
    """A field of the state, if it is of the type that it must have."""
    default = getattr(EMPTY, name)
    if value is None and default is None:
        return None
    kind: Any = OPTIONAL.get(name, type(default))
    stored = np.ndarray if kind is list else kind
    n_dimensions = 2 if name == "history" and len(value) > 0 else 1
    if (
        type(value) is not stored
        or (stored is np.ndarray and value.ndim != n_dimensions)
        or (kind is list and value.dtype != np.float64)
        or (kind is int and not 0 <= value < 2**63)
    ):
        raise TypeError(f"{name} is {value!r}")
    if name == "history":
        return [tuple(row) for row in value.tolist()]
    return value.tolist() if kind is list else value


def _check_generator(state: dict) -> None:
    """Raise an error if NumPy does not take this state, or would but should not."""
    restored_generator(state)
    position = state["state"]["pos"] if state["bit_generator"] == "MT19937" else 0
    if not (0 <= position <= 624 and 0 <= state.get("buffer_pos", 0) <= 4):
        raise ValueError("random_state points out of its own numbers")


EMPTY = TrainingState(np.empty(0))
# what the fields are that may be None
OPTIONAL = {
    "best_theta": np.ndarray,
    "held_out": np.ndarray,
    "gradient": np.ndarray,
    "moments": np.ndarray,
    "position": int,
    "random_state": dict,
}
