"""Checkpoints: a training state in a file, and which fit it belongs to."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path
from types import UnionType
from typing import Any, get_args, get_origin

import joblib
import numpy as np

from skdigitnet._problem.arguments import plain_parameters
from skdigitnet._system.files import read_record, write_record
from skdigitnet._training.pickled import defaults
from skdigitnet._training.run import Training, restored_generator
from skdigitnet._training.schedules import SCHEDULES
from skdigitnet._training.state import N_MOMENTS, Epoch, TrainingState, from_dict, to_dict

KIND = "checkpoint"
# parameters that change no bit of the result
WITHOUT_EFFECT = ("verbose", "warm_start", "n_jobs")


def fingerprint(estimator, training: Training) -> str:
    """The same for two fits if and only if they give the same bits.

    It covers the parameters, the rows, the stopping rule and, unless the weights are drawn,
    the initial state. ``max_iter`` is left out unless a schedule depends on it, so that a fit
    can be resumed with a larger one. Values equal to their defaults are left out too, so that
    a version with more parameters finds the files of this one.

    Raises
    ------
    ValueError
        If a parameter cannot be pickled.
    """
    parameters = vars(plain_parameters(estimator))
    schedule = parameters["learning_rate"]
    is_shaped = callable(schedule) or schedule in SCHEDULES
    for name in (*WITHOUT_EFFECT, *(() if is_shaped else ("max_iter",))):
        del parameters[name]
    rule = training.rule
    start = None if training.is_drawn else _bytes_of(replace(training.state, records={}))
    validation = None if training.validation is None else training.validation.numbers
    rows = [training.rows.numbers, validation]
    try:
        hashed = [
            _not_default(parameters, defaults(type(estimator))),
            start,
            _not_default(vars(rule), {f.name: f.default for f in fields(rule)}),
            rows,
        ]
        return str(joblib.hash(hashed))
    except Exception as error:  # pickle has no one kind of error
        raise ValueError(
            f"Checkpoint cannot tell this fit from others: {error}. Every parameter must be"
            " one that can be pickled; a function must be defined by name in a module."
        ) from error


def _not_default(values: dict[str, Any], defaults: dict[str, Any]) -> dict[str, Any]:
    """The values that differ from their defaults."""
    return {
        name: value
        for name, value in values.items()
        if name not in defaults or joblib.hash(value) != joblib.hash(defaults[name])
    }


def _bytes_of(state: TrainingState) -> list:
    """Equal for equal states, whatever the strides of an empty array."""
    untrained = _flat(_record_of(TrainingState(np.empty(0))))
    values = _flat(_record_of(state))
    return sorted(item for item in values.items() if untrained.get(item[0]) != item[1])


def _flat(record: dict[str, Any], path: str = "") -> dict[str, Any]:
    """The values of nested dicts by path, arrays as their bytes."""
    flat: dict[str, Any] = {}
    for name, value in record.items():
        if isinstance(value, dict):
            flat |= _flat(value, f"{path}{name}/")
        else:
            is_array = isinstance(value, np.ndarray)
            flat[path + name] = (value.dtype.str, value.tobytes()) if is_array else value
    return flat


def _record_of(state: TrainingState) -> dict[str, Any]:
    """The state as the file holds it, with arrays for lists of numbers."""
    record = _with_arrays(to_dict(state))
    if not state.epoch.is_within_batch:
        record["epoch"]["gradient"] = None
    return record


def _with_arrays(values: dict[str, Any]) -> dict[str, Any]:
    made: dict[type, Any] = {dict: _with_arrays, list: np.asarray}
    return {name: made.get(type(v), lambda v: v)(v) for name, v in values.items()}


def write_state(path: Path, state: TrainingState, key: str) -> None:
    """Write the state of the fit with this fingerprint."""
    write_record(path, KIND, {"fingerprint": key, **_record_of(state)})


def read_state(path: Path, key: str) -> TrainingState:
    """The inverse of :func:`write_state`.

    Safe for untrusted files: no code is executed, and memory stays below sixteen times the
    size of the file, plus 2 MiB.

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
        state = from_dict(TrainingState, record, _checked)
        _check_generator(state.random_state)
        return state
    except Exception as error:  # a foreign file may raise anything
        raise ValueError(f"{path} is a damaged checkpoint: {error!r}.") from error


def _checked(name: str, hint: Any, value: Any) -> Any:
    """A value of the file, converted to the type of its field."""
    if get_origin(hint) is UnionType:
        hint, _ = get_args(hint)  # the other is None, which a file leaves out
    kind = get_origin(hint) or hint
    if name == "records":
        return {callback: _rows(rows) for callback, rows in value.items()}
    stored = np.ndarray if kind is list else kind
    if (
        type(value) is not stored
        or (stored is np.ndarray and value.ndim != 1)
        or (kind is list and value.dtype != np.float64)
        or (kind is int and not 0 <= value < 2**63)
    ):
        raise TypeError(f"{name} is {value!r}")
    return value.tolist() if kind is list else value


def _rows(array: np.ndarray) -> list[tuple[float, ...]]:
    """The rows that a callback recorded."""
    if array.ndim != 2 or array.shape[1] == 0 or array.dtype != np.float64:
        raise TypeError(f"a callback's rows are {array!r}")
    return [tuple(row) for row in array.tolist()]


def suits(state: TrainingState, n_params: int, X) -> bool:
    """Whether this state fits a network of ``n_params`` weights and the rows of X."""
    epoch, optimiser = state.epoch, state.optimiser
    of_params = (state.theta, state.best.theta, epoch.gradient)
    given = [array for array in of_params if array is not None]
    moments = np.empty(0, X.dtype) if optimiser.moments is None else optimiser.moments
    held_out = np.empty(0, np.intp) if epoch.held_out is None else epoch.held_out
    rows = np.concatenate([epoch.order, held_out])
    return (
        all(array.dtype == X.dtype for array in (*given, moments))
        and all(len(array) == n_params for array in given)
        and len(moments) == N_MOMENTS.get(optimiser.rule, -1) * n_params
        and epoch.order.dtype == held_out.dtype == np.intp
        and (len(rows) == 0 or np.array_equal(np.sort(rows), np.arange(X.shape[0])))
        and max(state.n_before, state.best.iteration, optimiser.n_rate_cuts) <= state.n_iter
        and max(state.n_samples_seen, optimiser.n_steps) < 2**62  # room to keep counting
        and state.weight_seen >= 0
        and has_a_sound_position(epoch)
    )


def has_a_sound_position(epoch: Epoch) -> bool:
    """Whether the rest of the epoch can be trained."""
    if epoch.position is None:
        return True
    if epoch.batch_size < 1 or epoch.position > len(epoch.order):
        return False
    return not epoch.is_within_batch or epoch.gradient is not None


def _check_generator(state: Any) -> None:
    """Raise an error for a state that NumPy rejects, or accepts but should not."""
    restored_generator(state)
    position = state["state"]["pos"] if state["bit_generator"] == "MT19937" else 0
    if not (0 <= position <= 624 and 0 <= state.get("buffer_pos", 0) <= 4):
        raise ValueError("random_state has a position outside its numbers")
    # with an even increment PCG64 can repeat one number, and NumPy would draw it forever
    if state["state"].get("inc", 1) % 2 == 0:
        raise ValueError("random_state has a period that is too short")
