"""Files that are never seen half written, and arrays in them that execute nothing."""

from __future__ import annotations

import os
import secrets
import time
import zipfile
from contextlib import contextmanager, suppress
from math import prod
from pathlib import Path

import numpy as np

TEMPORARY = ".tmp"
STALE_SECONDS = 3600  # nobody can still be writing a file that old


@contextmanager
def replacing(path: Path):
    """A binary file to write to, which becomes ``path`` when the block ends well.

    Whatever happens, even to the machine, ``path`` is what it was before or the new
    file, whole. If the block raises, nothing is left behind.
    """
    temporary = path.with_name(f"{path.name}.{secrets.token_hex(8)}{TEMPORARY}")
    try:
        with open(temporary, "xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def remove_stale(path: Path) -> None:
    """Remove what was to become ``path`` when its writer was killed, long ago."""
    for left_over in path.parent.glob(f"{path.name}.*{TEMPORARY}"):
        with suppress(FileNotFoundError):  # its writer is alive, and has just ended
            if time.time() - left_over.stat().st_mtime > STALE_SECONDS:
                left_over.unlink()


def _sync_folder(folder: Path) -> None:
    """Have the new name on disk too, where the system can."""
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
    """What :func:`write_arrays` has written.

    Safe for a file from a stranger: nothing is executed, and no more memory is taken
    than the file has bytes.

    Raises
    ------
    ValueError
        If it is not such a file, or damaged.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return {
                member.filename.removesuffix(".npy"): _read_array(archive, member)
                for member in archive.infolist()
            }
    except FileNotFoundError:
        raise
    except Exception as error:  # a damaged zip file raises nearly anything
        raise ValueError(f"{path} is damaged, or no file of this package: {error}") from error


def _read_array(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> np.ndarray:
    if member.compress_type != zipfile.ZIP_STORED:
        raise ValueError(f"{member.filename} is compressed")
    with archive.open(member) as file:
        if np.lib.format.read_magic(file) != (1, 0):
            raise ValueError(f"{member.filename} has an unknown version")
        shape, is_fortran, dtype = np.lib.format.read_array_header_1_0(file)
        values = file.read()
    if dtype.kind not in "biuf" or is_fortran:
        raise ValueError(f"{member.filename} is of {dtype}")
    if len(values) != prod(shape) * dtype.itemsize:
        raise ValueError(f"{member.filename} has {len(values)} bytes for shape {shape}")
    return np.frombuffer(values, dtype=dtype).reshape(shape).copy()
