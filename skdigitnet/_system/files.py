"""Files that are written atomically, and records in them that execute no code."""

from __future__ import annotations

import json
import os
import secrets
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np

from skdigitnet._system.interrupts import uninterrupted
from skdigitnet._system.npz import arrays_in
from skdigitnet._system.versions import check_saved_by, saved_by_us

HEADER = "header"
MAX_HEADER = 2**16  # bytes; JSON can take thirty times its size in memory
MAX_PATH = 1000  # characters; every level of a header has its own path
TEMPORARY = ".tmp"
STALE_SECONDS = 3600  # no process can still be writing a file that old
# Windows replaces no file that somebody has open: a reader, or a scanner for viruses
REPLACE_SECONDS = 5.0 if os.name == "nt" else 0.0


@contextmanager
def replacing(path: Path):
    """A binary file to write to, which replaces ``path`` if the block succeeds.

    Whatever happens, even to the machine, ``path`` is complete: the old file or the new
    one. If the block raises, nothing is left behind.
    """
    temporary = path.with_name(f"{path.name}.{secrets.token_hex(8)}{TEMPORARY}")
    try:
        with open(temporary, "xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        _replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def _replace(source: Path, target: Path) -> None:
    """Rename a file, once those who have the target open are done."""
    deadline = time.monotonic() + REPLACE_SECONDS
    while True:
        try:
            os.replace(source, target)
            return
        except PermissionError:
            if time.monotonic() >= deadline:
                raise
            time.sleep(0.01)


def remove_stale(path: Path) -> None:
    """Remove temporary files of ``path`` whose writer was killed long ago."""
    for left_over in path.parent.glob(f"{path.name}.*{TEMPORARY}"):
        with suppress(FileNotFoundError):  # its writer has just finished
            if time.time() - left_over.stat().st_mtime > STALE_SECONDS:
                left_over.unlink()


def sync_folder(folder: Path) -> None:
    """Flush the new name to disk too, where the system can."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def write_arrays(path: Path, arrays: dict[str, np.ndarray]) -> None:
    """Write arrays of numbers as an uncompressed npz file."""
    with replacing(path) as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """What :func:`write_arrays` wrote.

    Safe for untrusted files: no code is executed, and memory never exceeds twice the size
    of the file, plus 2 MiB.

    Raises
    ------
    ValueError
        If it is not such a file, or damaged.
    """
    try:
        with uninterrupted(), open(path, "rb") as file:  # or Ctrl-C may leave it open
            return arrays_in(file, os.fstat(file.fileno()).st_size)
    except FileNotFoundError:
        raise
    except (OSError, ValueError) as error:
        raise ValueError(
            f"{path} is damaged, or not a file of this package: {error}"
        ) from error


def write_record(path: Path, kind: str, record: dict[str, Any]) -> None:
    """Write a record of that kind (see :data:`FORMATS`) as an uncompressed npz file.

    Parameters
    ----------
    path : Path
    kind : str
    record : dict
        Arrays and whatever JSON can carry, in dicts at any depth. An entry that is None
        counts as missing.
    """
    header, arrays = taken_apart({**saved_by_us(kind), **record})
    text = np.frombuffer(json.dumps(header).encode(), dtype=np.uint8)
    write_arrays(path, {HEADER: text, **arrays})


def read_record(path: Path, kind: str) -> dict[str, Any]:
    """What :func:`write_record` wrote; as safe as :func:`read_arrays`.

    Nothing is promised of the values but their types: arrays of numbers or strings, and
    what JSON can carry.

    Raises
    ------
    ValueError
        If it is not such a file, damaged, of another kind or of a newer version.
    """
    arrays = read_arrays(path)
    try:
        header = json.loads(arrays.pop(HEADER)[:MAX_HEADER].tobytes().decode())
        note = {name: header.pop(name) for name in saved_by_us(kind)}
    except Exception as error:  # a foreign file may raise anything
        raise ValueError(f"{path} is not a {kind} of skdigitnet: it has no header.") from error
    check_saved_by(note, kind, str(path))
    try:
        record = _put_together(header, arrays)
        if arrays:
            raise ValueError(f"its header does not know {min(arrays)}")
    except Exception as error:  # see above
        raise ValueError(f"{path} is a damaged {kind}: {error!r}.") from error
    return record


def taken_apart(
    record: dict[str, Any], path: str = ""
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """The record, with None for each array and without entries of None, and the arrays."""
    header: dict[str, Any] = {}
    arrays: dict[str, np.ndarray] = {}
    for name, value in record.items():
        if isinstance(value, dict):
            header[name], inner = taken_apart(value, f"{path}{name}/")
            arrays |= inner
        elif isinstance(value, np.ndarray):
            header[name], arrays[path + name] = None, value
        elif value is not None:
            header[name] = value
    return header, arrays


def _put_together(
    header: dict[str, Any], arrays: dict[str, np.ndarray], path: str = ""
) -> dict[str, Any]:
    """The inverse of :func:`taken_apart`; it takes the arrays out of ``arrays``."""
    if len(path) > MAX_PATH:
        raise ValueError(f"its header nests {path[:40]}...")
    record = dict(header)
    for name, value in header.items():
        if isinstance(value, dict):
            record[name] = _put_together(value, arrays, f"{path}{name}/")
        elif value is None:
            record[name] = arrays.pop(path + name)
    return record
