"""Keys that are the same, in any process, for what gives the same results."""

from __future__ import annotations

import datetime
import functools
import inspect
import os
import struct
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from hashlib import sha256
from numbers import Number
from types import BuiltinFunctionType, CodeType, EllipsisType, FunctionType, MethodType
from typing import Any

import numpy as np
import scipy
import sklearn
from scipy import sparse
from sklearn.base import BaseEstimator
from sklearn.metrics._scorer import _PassthroughScorer

from skdigitnet._system.versions import VERSION

KEY_SIZE = 32  # bytes of a sha256
BLOCK = 2**20  # bytes that are copied at a time from an array that is not in C order
MAX_TEXT = 60  # characters of a value in a message
# parameters that change no result, of whatever estimator
WITHOUT_EFFECT = ("n_jobs", "verbose", "memory")
# what else an estimator or a scorer has that does
BESIDE_PARAMETERS = ("_metadata_request", "_skl_callbacks", "_sklearn_output_config")
CLONE = BaseEstimator.__sklearn_clone__
UFUNCS = ("numpy", "scipy.special")  # modules where a ufunc may have its name


class UnidentifiedError(ValueError):
    """A value that no later process could recognise."""


@dataclass(frozen=True)
class StudyKey:
    """What a study is, but for its candidates.

    Attributes
    ----------
    parts : dict
        By name, such as "X" or "alpha of the estimator": a digest in hexadecimal and, for
        messages, a text, or "" where that would say nothing.
    unidentified : dict
        Why the estimator's value of that parameter has no digest. Each candidate has to
        set it.
    digest : bytes
        Of all the parts.
    """

    parts: dict[str, list[str]]
    unidentified: dict[str, str] = field(default_factory=dict)

    digest: bytes = field(init=False)

    def __post_init__(self) -> None:
        digests = {name: digest for name, (digest, _) in self.parts.items()}
        object.__setattr__(self, "digest", _digest(digests))

    def differences_from(self, parts: Mapping[str, list[str]]) -> list[str]:
        """In what a study with these parts is another one, in words."""
        found = []
        for name, (digest, text) in self.parts.items():
            other, other_text = parts.get(name, ["", ""])
            if not other:
                found.append(f"{name} is new")
            elif other != digest and "" not in (text, other_text) and text != other_text:
                found.append(f"{name} was {_ascii(other_text)} and is {text}")
            elif other != digest:
                found.append(f"{name} differs")
        missing = sorted(parts.keys() - self.parts.keys())
        return found + [f"{_ascii(name)} is missing" for name in missing]


def study_key(
    X,
    y,
    fit_params: Mapping[str, Any],
    splits: Iterable[tuple[Any, Any]],
    scorers: Any,
    estimator: Any,
    settings: Mapping[str, Any] | None = None,
) -> StudyKey:
    """The key of a study: the same if and only if its cells would come out the same.

    Data count by their content and dtype, not by their order in memory, and splits by
    their rows. Estimators count by their class and parameters, other than ``n_jobs``,
    ``verbose`` and ``memory``, which change no result; classes by their name; functions by
    their name and, where Python has it, their code, but not the code of what they call.
    The versions of skdigitnet, scikit-learn, SciPy and NumPy count too.

    Parameters
    ----------
    X, y : the data, as they were given to fit
    fit_params : dict
        Whatever else was, such as ``sample_weight``.
    splits : iterable of (train, test)
        Indices of rows. A splitter is not part of the key, so it may be random.
    scorers : callable or dict of str to callable
    estimator : estimator
        What candidates are made from.
    settings : dict, default=None
        What else of the search changes a cell, such as ``return_train_score``.

    Raises
    ------
    ValueError
        If something cannot be identified, such as a lambda as scorer. The message says what
        to do. For a parameter of the estimator it is :func:`cell_key` that raises it, if
        the candidate does not set the parameter.
    """
    values: dict[str, Any] = {"X": X, "y": y}
    values |= {f"{name} of fit": value for name, value in fit_params.items()}
    values["the splits"] = [(_rows(train), _rows(test)) for train, test in splits]
    by_name = scorers if isinstance(scorers, Mapping) else {"score": scorers}
    values |= {f"the scorer {name!r}": scorer for name, scorer in by_name.items()}
    values |= {f"{name} of the search": value for name, value in (settings or {}).items()}
    values |= {f"the version of {name}": version for name, version in versions().items()}
    parts = {name: _part(name, value) for name, value in values.items()}
    is_sound = _is_cloned_by_parameters(estimator)
    parts["the estimator"] = _part("the estimator", type(estimator) if is_sound else estimator)
    unidentified = {}
    for name, value in _parameters(estimator):
        label = f"{name} of the estimator"
        try:
            parts[label] = _part(name, value)
        except UnidentifiedError as error:
            unidentified[name] = str(error)
            parts[label] = ["unidentified", ""]
    return StudyKey(parts, unidentified)


def cell_key(study: StudyKey, params: Mapping[str, Any], split_index: int) -> bytes:
    """The key of one candidate on one split of a study.

    Parameters
    ----------
    study : StudyKey
    params : dict
        The parameters that the candidate sets, as in ``cv_results_["params"]``.
    split_index : int

    Raises
    ------
    ValueError
        If a parameter of the candidate, or one of the estimator that it does not set,
        cannot be identified. The message says what to do.
    """
    digests = {}
    for own, value in params.items():
        for name, part in _named({own: value}):
            # what is set apart counts, as in {"mlp": BackpropMLPClassifier(), "mlp__alpha": 1}
            if name == own or name not in params:
                digests[own, name] = _digest_of(name, part)
    for name, reason in study.unidentified.items():
        if not any(name == own or name.startswith(f"{own}__") for own in params):
            raise UnidentifiedError(reason)
    return _digest((study.digest, digests, int(split_index)))


def _ascii(text: str) -> str:
    """A text from a file, which may be a stranger's, for a message."""
    return text[:MAX_TEXT].encode("ascii", "backslashreplace").decode()


def _rows(indices: Any) -> np.ndarray:
    indices = np.asarray(indices)
    return np.flatnonzero(indices) if indices.dtype == bool else indices.astype(np.int64)


def versions() -> dict[str, str]:
    """Of what computes the results."""
    return {
        "skdigitnet": VERSION,
        "scikit-learn": sklearn.__version__,
        "SciPy": scipy.__version__,
        "NumPy": np.__version__,
    }


def _part(name: str, value: Any) -> list[str]:
    """The digest of a part of a study, and what it is in words if that is short."""
    short = value is None or isinstance(value, Number | str | tuple | list | type)
    text = repr(value) if short else ""
    if isinstance(value, type):
        text = value.__qualname__
    return [_digest_of(name, value).hex(), text if len(text) <= MAX_TEXT else ""]


def _digest_of(name: str, value: Any) -> bytes:
    """The digest of what has that name.

    Raises
    ------
    UnidentifiedError
        With a message that begins with the name.
    """
    try:
        _check_random_state(name, value)
        return _digest(value)
    except RecursionError:
        reason = "it contains itself"
    except UnidentifiedError as error:
        reason = str(error)
    raise UnidentifiedError(
        f"A journal cannot tell {name} of this study from that of another one: {reason}. To"
        " search without a journal set journal=None."
    )


# Estimators, parameter by parameter


def _parameters(estimator: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """The parameters of an estimator, and of those within it, with scikit-learn's names."""
    params = estimator.get_params(deep=False)
    yield from _named({f"{prefix}{name}": value for name, value in params.items()})
    for name in BESIDE_PARAMETERS:
        if (value := _beside(estimator, name)) is not None:
            yield f"{prefix}{name.strip('_')}", value


def _named(params: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """These parameters; an estimator's class instead of it, and then its own parameters."""
    for name, value in params.items():
        outer, separator, last = name.rpartition("__")
        if last in WITHOUT_EFFECT:
            continue
        if _is_estimator(value) and _is_cloned_by_parameters(value):
            yield name, type(value)
            yield from _parameters(value, f"{name}__")
        elif _is_composition(value):
            # as in a Pipeline: the steps are parameters too, under their own names
            yield name, [[x for x in step if not _is_estimator(x)] for step in value]
            start = outer + separator
            steps = {f"{start}{step[0]}": x for step in value for x in step if _is_estimator(x)}
            yield from _named(steps)
        else:
            yield name, value


def _is_estimator(value: Any) -> bool:
    return hasattr(value, "get_params") and not isinstance(value, type)


def _is_cloned_by_parameters(estimator: Any) -> bool:
    """Whether a clone is what the parameters make it, unlike that of a FrozenEstimator."""
    return getattr(type(estimator), "__sklearn_clone__", CLONE) is CLONE


def _is_composition(value: Any) -> bool:
    """Whether it is a list of (name, estimator) or, of columns, (name, estimator, columns)."""
    return (
        isinstance(value, list | tuple)
        and len(value) > 0
        and all(isinstance(step, tuple | list) and len(step) > 1 for step in value)
        and all(type(step[0]) is str for step in value)
        and any(_is_estimator(x) for step in value for x in step)
    )


def _beside(value: Any, name: str) -> Any:
    found = getattr(value, name, None)
    if name != "_metadata_request" or found is None:
        return found
    return {method: requests.requests for method, requests in _requests(found)}


def _requests(metadata_request: Any) -> Iterator[tuple[str, Any]]:
    return (item for item in vars(metadata_request).items() if hasattr(item[1], "requests"))


def _check_random_state(name: str, value: Any) -> None:
    if name.rpartition("__")[2] == "random_state" and value is None:
        raise UnidentifiedError("it is None, so every fit differs; set it to an int")


# Any value: what is fed to the hash begins with its kind, and how much follows

Feed = Callable[[Any], None]


def _digest(value: Any) -> bytes:
    digest = sha256()
    _feed(value, digest.update)
    return digest.digest()


def _feed_parts(kind: str, parts: Iterable[Any], feed: Feed) -> None:
    parts = list(parts)
    feed(f"{kind} {len(parts)}\n".encode())
    for part in parts:
        _feed(part, feed)


def _feed_bytes(kind: str, content: bytes, feed: Feed) -> None:
    feed(f"{kind} {len(content)}\n".encode())
    feed(content)


@functools.singledispatch
def _feed(value: Any, feed: Feed) -> None:
    """Feed a hash with whatever tells this value from others."""
    kind = type(value)
    if _is_frame_like(value):
        _feed_frame(value, feed)
    elif _is_estimator(value):
        if not _is_cloned_by_parameters(value):
            raise UnidentifiedError(
                f"{value!r:.60} is more than its parameters; take it unfitted"
            )
        parameters = dict(_parameters(value))
        for name, parameter in parameters.items():
            _check_random_state(name, parameter)
        _feed_parts("estimator", [kind, parameters], feed)
    elif kind.__module__.startswith("pandas.") and str(value) in ("<NA>", "NaT"):
        feed(f"{value}\n".encode())
    elif callable(value) and hasattr(value, "__qualname__"):  # a function that is compiled
        _feed_parts("function", [_name_of(value), None], feed)
    else:
        _feed_object(value, feed)


def _feed_object(value: Any, feed: Feed) -> None:
    """An instance whose attributes are all that it is, as pickle would take it."""
    kind = type(value)
    plain = ("__reduce_ex__", "__reduce__", "__getstate__")
    if (
        any(getattr(kind, name, None) is not getattr(object, name, None) for name in plain)
        or not hasattr(value, "__dict__")
        or any("__slots__" in vars(each) and vars(each)["__slots__"] for each in kind.__mro__)
        or kind.__itemsize__
    ):
        raise UnidentifiedError(
            f"{value!r:.60} is of type {kind.__qualname__}, which has no lasting identity; use"
            " numbers, text, arrays, estimators, or functions and classes that can be imported"
        )
    attributes = dict(vars(value))
    if getattr(value, "shuffle", True) is not False:  # a splitter that draws nothing
        for name, attribute in attributes.items():
            _check_random_state(name, attribute)
    if "_metadata_request" in attributes:
        attributes["_metadata_request"] = _beside(value, "_metadata_request")
    _feed_parts("object", [kind, attributes], feed)


@_feed.register(type(None))
@_feed.register(bool)
@_feed.register(int)
@_feed.register(EllipsisType)
def _(value, feed: Feed) -> None:
    feed(f"{type(value).__name__} {value!r}\n".encode())


@_feed.register
def _(value: float, feed: Feed) -> None:
    _feed_bytes("float", struct.pack("<d", value), feed)


@_feed.register
def _(value: complex, feed: Feed) -> None:
    _feed_bytes("complex", struct.pack("<2d", value.real, value.imag), feed)


@_feed.register
def _(value: str, feed: Feed) -> None:
    _feed_bytes("str", value.encode("utf-8", "surrogatepass"), feed)


@_feed.register
def _(value: bytes, feed: Feed) -> None:
    _feed_bytes("bytes", value, feed)


@_feed.register(list)
@_feed.register(tuple)
def _(value, feed: Feed) -> None:
    name = type(value).__name__ if type(value) in (list, tuple) else _name_of(type(value))
    _feed_parts(name, value, feed)


@_feed.register(set)
@_feed.register(frozenset)
def _(value, feed: Feed) -> None:
    _feed_parts("set", sorted(_digest(item) for item in value), feed)


@_feed.register
def _(value: Mapping, feed: Feed) -> None:
    items = sorted((_digest(name), _digest(item)) for name, item in value.items())
    _feed_parts("dict", items, feed)


@_feed.register
def _(value: range, feed: Feed) -> None:
    _feed_parts("range", (value.start, value.stop, value.step), feed)


@_feed.register
def _(value: slice, feed: Feed) -> None:
    _feed_parts("slice", (value.start, value.stop, value.step), feed)


@_feed.register
def _(value: os.PathLike, feed: Feed) -> None:
    _feed_parts("path", [os.fspath(value)], feed)


@_feed.register
def _(value: Enum, feed: Feed) -> None:
    _feed_parts("enum", [type(value), value.name], feed)


@_feed.register(datetime.date)
@_feed.register(datetime.time)
@_feed.register(datetime.timedelta)
def _(value, feed: Feed) -> None:
    _feed_parts("time", [type(value).__name__, str(value)], feed)


# Arrays, sparse arrays and frames


@_feed.register
def _(value: np.generic, feed: Feed) -> None:
    """A scalar of NumPy is the number of Python that it equals."""
    item = value.item()
    _feed(np.asarray(value) if isinstance(item, np.generic | tuple) else item, feed)


@_feed.register
def _(value: np.ndarray, feed: Feed) -> None:
    if isinstance(value, np.ma.MaskedArray):
        raise UnidentifiedError("it is a masked array; fill it")
    array = np.asarray(value)
    if array.dtype.names is not None:  # there may be anything in the gaps between fields
        fields = [(name, np.ascontiguousarray(array[name])) for name in array.dtype.names]
        _feed_parts("fields", fields, feed)
    elif array.dtype.kind in "OT":
        _feed_parts("array", [array.dtype.kind, array.shape], feed)
        for item in array.flat:
            _feed(item, feed)
    else:
        _feed_parts("array", [array.dtype.str, array.shape], feed)
        for block in _blocks(array):
            feed(block.reshape(-1).view(np.uint8).data)


def _blocks(array: np.ndarray) -> Iterator[np.ndarray]:
    """The array in C order, copied bit by bit where that is not how it lies in memory."""
    if array.size == 0:
        return
    if array.flags.c_contiguous:
        yield array
        return
    n_rows = max(1, BLOCK // (array[:1].nbytes or 1))
    for start in range(0, len(array), n_rows):
        yield np.ascontiguousarray(array[start : start + n_rows])


@_feed.register(sparse.sparray)
@_feed.register(sparse.spmatrix)
def _(value, feed: Feed) -> None:
    compressed = value if value.format in ("csr", "csc") else value.tocsr()
    parts = [compressed.format, compressed.shape, compressed.data]
    # SciPy takes 32 or 64 bits for the same indices as it likes
    parts += [a.astype(np.int64, copy=False) for a in (compressed.indptr, compressed.indices)]
    _feed_parts("sparse", parts, feed)


def _is_frame_like(value: Any) -> bool:
    """Whether it is a frame or a series, of pandas, Polars or whatever has their methods."""
    kind = type(value)  # a column may be called dtype
    return hasattr(kind, "to_numpy") and hasattr(kind, "dtype") != hasattr(kind, "columns")


def _feed_frame(value: Any, feed: Feed) -> None:
    """A frame by its columns' names, dtypes and values; not by its index, as scikit-learn."""
    if hasattr(type(value), "columns"):
        names = list(value.columns)
        _feed_parts("frame", [names], feed)
        get = value.iloc.__getitem__ if hasattr(value, "iloc") else None
        for i, name in enumerate(names):  # two columns may have the same name
            _feed_frame(value[name] if get is None else get((slice(None), i)), feed)
        return
    dtype = value.dtype
    categories = getattr(dtype, "categories", None)
    if categories is not None:
        categories = np.asarray(categories)
    missing = getattr(value, "isna", None) or getattr(value, "is_null", None)
    is_missing = None if missing is None else np.asarray(missing())
    parts = [str(dtype) if categories is None else "category", getattr(value, "name", None)]
    parts += [categories, getattr(dtype, "ordered", None), is_missing, value.to_numpy()]
    _feed_parts("series", parts, feed)


# What is known by its name


@_feed.register
def _(value: type, feed: Feed) -> None:
    _feed_parts("class", [_name_of(value)], feed)


@_feed.register(BuiltinFunctionType)
@_feed.register(FunctionType)
def _(value, feed: Feed) -> None:
    if getattr(value, "__self__", None) is not None and not inspect.ismodule(value.__self__):
        _feed_parts("method", [value.__self__, value.__name__], feed)
        return
    own = inspect.unwrap(value)
    code = [getattr(own, f"__{name}__", None) for name in ("code", "defaults", "kwdefaults")]
    _feed_parts("function", [_name_of(value), *code], feed)


@_feed.register
def _(value: MethodType, feed: Feed) -> None:
    _feed_parts("method", [value.__self__, value.__func__.__name__], feed)


@_feed.register
def _(value: functools.partial, feed: Feed) -> None:
    _feed_parts("partial", [value.func, value.args, value.keywords], feed)


@_feed.register
def _(value: np.ufunc, feed: Feed) -> None:
    for module in UFUNCS:
        if getattr(sys.modules.get(module), value.__name__, None) is value:
            _feed_parts("ufunc", [f"{module}.{value.__name__}"], feed)
            return
    raise UnidentifiedError(f"{value!r} has no name in {' or '.join(UFUNCS)}")


@_feed.register
def _(value: _PassthroughScorer, feed: Feed) -> None:
    """The estimator's own ``score``; which that is, the estimator says."""
    _feed_parts("scorer", [type(value), _beside(value, "_metadata_request")], feed)


@_feed.register
def _(value: CodeType, feed: Feed) -> None:
    names = [value.co_names, value.co_varnames, value.co_freevars, value.co_cellvars]
    _feed_parts("code", [value.co_code, value.co_consts, *names], feed)


@_feed.register(np.random.RandomState)
@_feed.register(np.random.Generator)
@_feed.register(np.random.BitGenerator)
def _(value, feed: Feed) -> None:
    raise UnidentifiedError(f"{value!r:.60} draws other numbers each time; set it to an int")


def _name_of(value: Any) -> str:
    """The name by which a class or function can be imported."""
    module, name = getattr(value, "__module__", None), getattr(value, "__qualname__", "")
    found: Any = sys.modules.get(module or "")
    for part in name.split("."):
        found = getattr(found, part, None)
    if found is not value:
        raise UnidentifiedError(
            f"{value!r:.60} cannot be imported by its name; define it with def or class in a"
            " module, not within a function and not as a lambda"
        )
    return f"{module}.{name}"
