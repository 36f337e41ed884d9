"""Values as bytes and back, to the last bit, by a reader that executes nothing."""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np

from skdigitnet._system.npz import LARGEST

LENGTH = struct.Struct("<Q")
MAX_TEXT = 2**20  # bytes; JSON can take thirty times its size in memory
DTYPE = re.compile(r"\|b1|\|[iu]1|[<>](?:[iu][248]|f[248]|c(?:8|16)|U[1-9]\d{0,5})")


def pack(value: Any) -> bytes:
    """A value as bytes; :func:`unpack` returns it with the same types and the same bits.

    Parameters
    ----------
    value : None, bool, int, float, str, ndarray or NumPy scalar of those, list, tuple or dict
        A dict has strings for keys. An array comes back in C order.

    Raises
    ------
    TypeError
        If a value is of another type.
    ValueError
        If what is no array is longer than a megabyte.
    """
    arrays: list[bytes] = []
    text = json.dumps(_tree(value, arrays), separators=(",", ":")).encode()
    if len(text) > MAX_TEXT:
        raise ValueError(f"it has {len(text)} bytes without its arrays; {MAX_TEXT} is the most")
    return b"".join([LENGTH.pack(len(text)), text, *arrays])


def unpack(content: bytes) -> Any:
    """The inverse of :func:`pack`; safe for bytes from a stranger.

    Raises
    ------
    ValueError
        If :func:`pack` has not made them.
    """
    end = LENGTH.size + int.from_bytes(content[: LENGTH.size], "little")
    if not LENGTH.size <= end <= min(len(content), LENGTH.size + MAX_TEXT):
        raise ValueError("its text is longer than it is")
    try:
        reader = _Reader(content, end)
        value = reader.value(json.loads(content[LENGTH.size : end].decode()))
    except Exception as error:  # what was not packed here raises nearly anything
        raise ValueError(f"it was not written here: {error!r:.200}") from error
    if reader.position != len(content):
        raise ValueError("there is more than its text knows")
    return value


def _tree(value: Any, arrays: list[bytes]) -> Any:
    """What JSON carries of a value; the bytes of arrays go to ``arrays``.

    What JSON has no type for, or loses bits of, is an object of one entry, named for it.
    """
    if value is None or type(value) in (bool, int, str):
        return value
    if type(value) is float:
        return {"float": struct.pack(">d", value).hex()}
    if type(value) is list:
        return [_tree(item, arrays) for item in value]
    if type(value) is tuple:
        return {"tuple": [_tree(item, arrays) for item in value]}
    if isinstance(value, dict) and all(type(name) is str for name in value):
        return {"dict": {name: _tree(item, arrays) for name, item in value.items()}}
    if isinstance(value, np.ndarray | np.generic) and DTYPE.fullmatch(value.dtype.str):
        arrays.append(value.tobytes())
        kind = "array" if isinstance(value, np.ndarray) else "scalar"
        return {kind: [value.dtype.str, *value.shape]}
    raise TypeError(f"{value!r:.100} is of type {type(value).__name__}")


class _Reader:
    """Takes the arrays from where they lie in the content, one after the other."""

    def __init__(self, content: bytes, position: int):
        self._content, self.position = content, position
        self._kinds: dict[str, Callable[[Any], Any]] = {
            "float": self._float,
            "tuple": self._tuple,
            "dict": self._dict,
            "scalar": self._scalar,
            "array": self._array,
        }

    def value(self, tree: Any) -> Any:
        if type(tree) is list:
            return [self.value(item) for item in tree]
        if type(tree) is not dict:
            if type(tree) is float:
                raise ValueError(f"{tree} is written as its bits")
            return tree
        ((kind, inner),) = tree.items()
        return self._kinds[kind](inner)

    def _float(self, digits: str) -> float:
        return struct.unpack(">d", bytes.fromhex(digits))[0]

    def _tuple(self, items: list) -> tuple:
        return tuple([self.value(item) for item in items])

    def _dict(self, items: dict) -> dict:
        return {name: self.value(item) for name, item in items.items()}

    def _scalar(self, parts: list) -> Any:
        return self._array(parts)[()]

    def _array(self, parts: list) -> np.ndarray:
        name, *shape = parts
        if DTYPE.fullmatch(name) is None or not all(type(n) is int and n >= 0 for n in shape):
            raise ValueError(f"{parts} is no array")
        dtype, start = np.dtype(name), self.position
        self.position += prod(shape) * dtype.itemsize
        if self.position > len(self._content) or max(shape, default=0) > len(self._content):
            raise ValueError(f"{parts} is longer than what is there")
        content = bytearray(self._content[start : self.position])
        array = np.frombuffer(content, dtype).reshape(shape)
        if dtype.kind in LARGEST:
            unit, largest = LARGEST[dtype.kind]
            if np.frombuffer(content, dtype.byteorder + unit).max(initial=0) > largest:
                raise ValueError(f"{parts} has what is no truth value, or no character")
        return array
