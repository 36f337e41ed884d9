"""A file that grows by whole records, and loses at most the one that was being written."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable, Iterator, Sequence
from hashlib import blake2b
from io import FileIO
from pathlib import Path

from skdigitnet._system.files import sync_folder
from skdigitnet._system.interrupts import uninterrupted

# An append is a header, and each record after its length. The header has a mark, how many
# bytes follow it, their checksum, and the checksum of all this.
MARK = b"\xf5\x0dR+"
HEADER = struct.Struct("<4sQ16s8s")
LENGTH = struct.Struct("<Q")
Place = tuple[int, int]  # where a record begins in the file, and how many bytes it has


class RecordFile:
    """Opens a file of records to append to, and makes it if it is not there.

    What was torn off by the death of its last writer is removed. There is no lock, so there
    may be one writer at a time: if one of two is killed, the file can count as damaged.

    Parameters
    ----------
    path : Path
    magic : bytes
        What such a file begins with.
    first : bytes
        The first record of a new file.
    check : callable
        Is given the first record of a file that is there, before the file is changed, and
        raises an error if it is not to be.

    Attributes
    ----------
    places : list of (int, int)
        Of the records that are there, the first one among them; for :meth:`read`.

    Raises
    ------
    ValueError
        If it is no such file, or damaged before its end.
    """

    def __init__(self, path: Path, magic: bytes, first: bytes, check: Callable[[bytes], None]):
        self.path = path
        with uninterrupted():  # or Ctrl-C may leave it open
            self._file = open(path, "a+b", buffering=0)  # noqa: SIM115, close() closes it
            try:
                self.places, end = _places(self._file, path, magic)
                if self.places:
                    check(self.read(self.places[0]))
                self._file.truncate(end)
                if not self.places:
                    self._write((b"" if end else magic) + _framed([first]), end)
                    sync_folder(path.parent)
                    start = len(magic) + HEADER.size + LENGTH.size
                    self.places = [(start, len(first))]
            except BaseException:
                self._file.close()
                raise

    def append(self, records: Sequence[bytes]) -> list[Place]:
        """Append records, all or none of them; they are on disk when this returns."""
        with uninterrupted():
            start = os.fstat(self._file.fileno()).st_size
            self._write(_framed(records), start)
        places, start = [], start + HEADER.size
        for record in records:
            start += LENGTH.size
            places.append((start, len(record)))
            start += len(record)
        return places

    def _write(self, content: bytes, start: int) -> None:
        """Write it at the end, which is ``start``, or nothing at all."""
        left = memoryview(content)
        try:
            while left:
                left = left[self._file.write(left) :]
            os.fsync(self._file.fileno())
        except BaseException:  # such as a full disk; another append may still fit
            self._file.truncate(start)
            raise

    def read(self, place: Place) -> bytes:
        """The record at that place."""
        start, size = place
        self._file.seek(start)
        return _take(self._file, size)

    def close(self) -> None:
        self._file.close()


def records_in(path: Path, magic: bytes) -> Iterator[bytes]:
    """The records of a file, which another process may be appending to.

    No more memory is taken than the file has bytes.

    Raises
    ------
    ValueError
        If it is no such file, or damaged before its end.
    """
    with open(path, "rb", buffering=0) as file:
        places, _ = _places(file, path, magic)
        for start, size in places:
            file.seek(start)
            yield _take(file, size)


def _framed(records: Sequence[bytes]) -> bytes:
    body = b"".join(part for r in records for part in (LENGTH.pack(len(r)), r))
    return _header(len(body), blake2b(body, digest_size=16).digest()) + body


def _header(size: int, checksum: bytes) -> bytes:
    start = HEADER.pack(MARK, size, checksum, b"")[:-8]
    return start + blake2b(start, digest_size=8).digest()


def _is_header(content: bytes) -> bool:
    return len(content) == HEADER.size and content == _header(*HEADER.unpack(content)[1:3])


def _places(file: FileIO, path: Path, magic: bytes) -> tuple[list[Place], int]:
    """Where the records are, and where the last whole append ends."""
    n_bytes = os.fstat(file.fileno()).st_size
    file.seek(0)
    found = _take(file, min(len(magic), n_bytes))
    if not magic.startswith(found):
        raise ValueError(f"{path} is another kind of file: it begins with {found[:20]!a}.")
    places: list[Place] = []
    end = len(found) if found == magic else 0
    while (body := _body(file, n_bytes - end)) is not None:
        places += _places_within(body, end + HEADER.size, path)
        end += HEADER.size + len(body)
    file.seek(end)
    if _has_a_header(_take(file, n_bytes - end)[1:]):
        raise ValueError(
            f"{path} is damaged: its first {end} bytes are sound, what follows is not as it"
            " was written, and more was written after it. Cut off after those bytes it can be"
            " read."
        )
    return places, end


def _body(file: FileIO, n_left: int) -> bytes | None:
    """What the append that begins here has written, or None if that is not whole."""
    if n_left < HEADER.size:
        return None
    header = _take(file, HEADER.size)
    _, size, checksum, _ = HEADER.unpack(header)
    if not _is_header(header) or size > n_left - HEADER.size:
        return None
    body = _take(file, size)
    return body if blake2b(body, digest_size=16).digest() == checksum else None


def _places_within(body: bytes, start: int, path: Path) -> Iterator[Place]:
    """Where the records of an append are whose body begins at ``start`` in the file."""
    position = 0
    while position < len(body):
        size = int.from_bytes(body[position : position + LENGTH.size], "little")
        position += LENGTH.size
        if size > len(body) - position:
            raise ValueError(f"{path} is damaged: a record is longer than what holds it.")
        yield start + position, size
        position += size


def _has_a_header(content: bytes) -> bool:
    position = content.find(MARK)
    while position >= 0 and not _is_header(content[position : position + HEADER.size]):
        position = content.find(MARK, position + 1)
    return position >= 0


def _take(file: FileIO, n_bytes: int) -> bytes:
    parts = []
    while n_bytes > 0 and (part := file.read(n_bytes)):
        parts.append(part)
        n_bytes -= len(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)
