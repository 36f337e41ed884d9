"""Arrays in the IDX format, the format of MNIST's four files."""

from __future__ import annotations

import gzip
import math
import os
import zlib
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np

from skdigitnet._system.files import replacing

DTYPES: dict[int, np.dtype] = {
    0x08: np.dtype(np.uint8),
    0x09: np.dtype(np.int8),
    0x0B: np.dtype(np.int16),
    0x0C: np.dtype(np.int32),
    0x0D: np.dtype(np.float32),
    0x0E: np.dtype(np.float64),
}
TYPE_CODES = {dtype: code for code, dtype in DTYPES.items()}
GZIP_MAGIC = b"\x1f\x8b"
MAX_RATIO = 1032  # deflate: 2 bits code at most 258 bytes
CHUNK = 2**20


def read_idx(path, *, max_bytes: int = 2**31) -> np.ndarray:
    """The array in an IDX file, plain or compressed with gzip.

    Compression is detected from the content, not from the name. Untrusted files are
    safe to read: the header is checked against the size of the file before it is used,
    and a compressed file is unpacked no further than the size that it declares. Memory
    never exceeds twice the bytes that the file really holds, or unpacks to, plus 2 MiB,
    whatever its header says.

    Parameters
    ----------
    path : str or path-like
    max_bytes : int, default=2**31
        Size of the largest array that is read; 2 GiB by default, more than any known
        file in MNIST's format needs.

    Returns
    -------
    array : ndarray
        Of dtype uint8, int8, int16, int32, float32 or float64 in the machine's byte
        order, writeable. A file without dimensions holds one item and gives an array
        of shape (); a dimension of size 0 gives an empty array.

    Raises
    ------
    ValueError
        If the file is not IDX, is shorter or longer than its header says, is damaged,
        is larger than ``max_bytes``, or has more dimensions than NumPy can hold (64; 32
        before NumPy 2).
    OSError
        If the file cannot be opened or read.

    See Also
    --------
    write_idx : The inverse.

    Notes
    -----
    The format, from the page of MNIST [1]_: two bytes of zero, a byte for the type, a
    byte for the number of dimensions, the size of each dimension (four bytes, read as
    unsigned), and the items with the last dimension changing fastest. All numbers are
    big-endian.

    References
    ----------
    .. [1] Y. LeCun, C. Cortes, C. J. C. Burges, "The MNIST database of handwritten
           digits", http://yann.lecun.com/exdb/mnist/

    Examples
    --------
    >>> import os, tempfile
    >>> import numpy as np
    >>> from skdigitnet.datasets import read_idx, write_idx
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "squares.gz")
    ...     write_idx(path, np.arange(4, dtype=np.int16) ** 2)
    ...     read_idx(path)
    array([0, 1, 4, 9], dtype=int16)
    """
    with open(path, "rb") as file, _named_errors(path):
        file_size = os.fstat(file.fileno()).st_size
        compressed = file.read(2) == GZIP_MAGIC
        file.seek(0)
        if not compressed:
            return _read(file, file_size, max_bytes)
        with gzip.open(file) as unpacked:
            return _read(unpacked, MAX_RATIO * file_size, max_bytes)


@contextmanager
def _named_errors(path):
    """Turn any error about the content into a ValueError that names the file."""
    try:
        yield
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise ValueError(f"{os.fspath(path)}: the gzip stream is damaged: {error}") from error
    except ValueError as error:
        raise ValueError(f"{os.fspath(path)}: {error}") from error


def _read(file, capacity: int, max_bytes: int) -> np.ndarray:
    """The array in an open file that cannot deliver more than ``capacity`` bytes."""
    dtype, shape, header_size = _read_header(file)
    n_bytes = math.prod(shape) * dtype.itemsize  # of Python's integers: no overflow
    declared = f"its header says {header_size} + {n_bytes} bytes"
    if header_size + n_bytes > capacity:
        raise ValueError(f"{declared}, but there is room for {capacity}: it is truncated.")
    if n_bytes > max_bytes:
        raise ValueError(
            f"{declared}, and max_bytes={max_bytes} is the limit. If the file is to be"
            " trusted, raise max_bytes."
        )
    items = _read_bytes(file, n_bytes)
    if len(items) < n_bytes:
        raise ValueError(f"{declared}, but it has {header_size + len(items)}: it is truncated.")
    if file.read(1):  # at the end of a gzip stream this also checks its CRC
        raise ValueError(f"{declared}, but it has more: it is too long.")
    array = np.frombuffer(items, dtype=dtype)
    if not dtype.newbyteorder(">").isnative:
        array.byteswap(inplace=True)
    try:
        return array.reshape(shape)
    except ValueError as error:
        raise ValueError(
            f"NumPy cannot hold an array of its {len(shape)} dimensions: {error}."
        ) from error


def _read_header(file) -> tuple[np.dtype, tuple[int, ...], int]:
    magic = file.read(4)
    if len(magic) < 4 or magic[:2] != b"\0\0" or magic[2] not in DTYPES:
        codes = ", ".join(f"0x{code:02x}" for code in DTYPES)
        raise ValueError(
            f"not an IDX file: it begins with the bytes {magic.hex(' ') or '(none)'}, and"
            f" should begin with 00 00, one of {codes}, and the number of dimensions."
        )
    sizes = file.read(4 * magic[3])
    if len(sizes) < 4 * magic[3]:
        raise ValueError(f"it ends within the sizes of its {magic[3]} dimensions.")
    shape = tuple(np.frombuffer(sizes, dtype=">u4").tolist())
    return DTYPES[magic[2]], shape, len(magic) + len(sizes)


def _read_bytes(file, n_bytes: int) -> bytearray:
    """At most ``n_bytes`` bytes, in memory that grows with what the file delivers."""
    content = bytearray()
    while chunk := file.read(min(CHUNK, n_bytes - len(content))):
        content += chunk
    return content


def write_idx(path, array) -> None:
    """Write an array as an IDX file atomically.

    The file is written under another name in the same folder, flushed to the disk and
    then renamed. An error leaves no partial file, and an existing file unchanged.

    Parameters
    ----------
    path : str or path-like
        A name that ends in ``.gz`` gives a file compressed with gzip, without a time
        stamp, so that the same array gives the same bytes.
    array : array-like
        Of any shape, and dtype uint8, int8, int16, int32, float32 or float64.

    Raises
    ------
    ValueError
        If the format has no code for the dtype, or a dimension is larger than 2**32 - 1.
    OSError
        If the file cannot be written.

    See Also
    --------
    read_idx : The inverse.
    """
    path = Path(path)
    array = np.asarray(array, order="C")
    header = _header(array)
    with replacing(path) as file:
        if path.suffix == ".gz":
            with gzip.GzipFile("", "wb", 6, file, mtime=0) as packed:
                _write(packed, header, array)
        else:
            _write(file, header, array)


def _header(array: np.ndarray) -> bytes:
    code = TYPE_CODES.get(array.dtype.newbyteorder("="))
    if code is None:
        allowed = ", ".join(dtype.name for dtype in TYPE_CODES)
        raise ValueError(
            f"array has dtype {array.dtype}, which the IDX format does not support; allowed are"
            f" {allowed}. Convert it first, for example array.astype(np.uint8) for bool or"
            " for small integers."
        )
    if max(array.shape, default=0) >= 2**32:
        raise ValueError(
            f"array has shape {array.shape}; a dimension of an IDX file is at most 2**32 - 1."
        )
    return bytes([0, 0, code, array.ndim]) + np.array(array.shape, dtype=">u4").tobytes()


def _write(file: BinaryIO | gzip.GzipFile, header: bytes, array: np.ndarray) -> None:
    """Header and items, converted to big-endian piece by piece."""
    file.write(header)
    items = array.reshape(-1)
    for start in range(0, len(items), CHUNK):
        piece = items[start : start + CHUNK]
        file.write(piece.astype(array.dtype.newbyteorder(">"), copy=False).tobytes())
