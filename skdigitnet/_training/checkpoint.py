"""A training state in a file."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import joblib
import numpy as np

from skdigitnet._system.files import read_record, taken_apart, write_record
from skdigitnet._training.run import Training, restored_generator
from skdigitnet._training.schedules import SCHEDULES
from skdigitnet._training.state import HISTORY, TrainingState

KIND = "checkpoint"
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
    numbers, arrays = taken_apart(_record_of(state))
    return [numbers, [(k, v.dtype.str, v.tobytes()) for k, v in arrays.items()]]


def _record_of(state: TrainingState) -> dict[str, Any]:
    record = {field.name: getattr(state, field.name) for field in fields(state)}
    if not state.is_within_batch:
        record["gradient"] = None
    return {k: np.asarray(v) if isinstance(v, list) else v for k, v in record.items()}


def write_state(path: Path, state: TrainingState, key: str) -> None:
    """Write the state of the fit with this fingerprint."""
    write_record(path, KIND, {"fingerprint": key, **_record_of(state)})


def read_state(path: Path, key: str) -> TrainingState:
    """The inverse of :func:`write_state`.

    Safe for a file from a stranger: nothing is executed, and memory stays below sixteen
    times the bytes of the file, plus 2 MiB.

    Raises
    ------
    ValueError
        If the file is damaged, of a newer version or of another fit.
    """
    record = read_record(path, KIND)
    found = record.get("fingerprint")
    if type(found) is not str or found != key:  # an array has no one truth value
        found = f"{found!a:.40}" if type(found) is str else "unknown"
        raise ValueError(
            f"{path} is a checkpoint of fit {found}; this is fit {key}. Remove it to"
            " train from the start."
        )
    try:
        names = {field.name for field in fields(TrainingState)} & record.keys()
        values = {name: _checked(name, record[name]) for name in names}
        _check_generator(values["random_state"])
        return TrainingState(**values)
    except Exception as error:  # what was not written here raises nearly anything
        raise ValueError(f"{path} is a damaged checkpoint: {error!r}.") from error


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
    if name == "history" and len(value) > 0:
        return _checked_history(value)
    return value.tolist() if kind is list else value


def _checked_history(rows: np.ndarray) -> list[tuple[float, ...]]:
    """Its rows, if a frame can be made of them."""
    epochs = rows[:, 0]
    if rows.shape[1] != len(HISTORY) or not ((epochs >= 0) & (epochs < 2**53)).all():
        raise ValueError(f"history has rows such as {rows[0]}")
    return [tuple(row) for row in rows.tolist()]


def _check_generator(state: dict) -> None:
    """Raise an error if NumPy does not take this state, or would but should not."""
    restored_generator(state)
    position = state["state"]["pos"] if state["bit_generator"] == "MT19937" else 0
    if not (0 <= position <= 624 and 0 <= state.get("buffer_pos", 0) <= 4):
        raise ValueError("random_state points out of its own numbers")
    # with an even increment a PCG64 can be stuck at one number, and NumPy then draws it forever
    if state["state"].get("inc", 1) % 2 == 0:
        raise ValueError("random_state has a period that is too short")


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
