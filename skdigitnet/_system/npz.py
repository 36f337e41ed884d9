"""A strict reader of arrays of numbers and strings in an uncompressed npz file."""

from __future__ import annotations

import re
import struct
import zlib
from io import BufferedReader
from math import prod

import numpy as np

# the headers of a zip file: of a member, of its entry in the directory, and at the end
MEMBER = struct.Struct("<4s5H3L2H")
ENTRY = struct.Struct("<4s6H3L5H2L")
END = struct.Struct("<4s4H2LH")
ZIP64_END_SIZE = 56 + 20  # what stands before the end of a zip64 file
ZIP64_SIZES = struct.Struct("<2H2Q")
UTF_8_NAME = 0x800
# the header of an npy file of version 1.0, after the magic number and its own length
NPY_MAGIC = b"\x93NUMPY\1\0"
NPY_HEADER = re.compile(
    rb"\{'descr': '(\|b1|\|[iu]1|[<>](?:[iu][248]|f[248]|U[1-9]\d{0,5}))', "
    rb"'fortran_order': False,"
    rb" 'shape': \((\d{1,18},|\d{1,18}(?:, \d{1,18})+|)\), \} *\n"
)
# the largest value of kinds for which not every bit pattern is one
LARGEST = {"b": ("u1", 1), "U": ("u4", 0x10FFFF)}


def arrays_in(file: BufferedReader, n_bytes: int) -> dict[str, np.ndarray]:
    """The arrays in a file of that many bytes, open at its beginning, by their names.

    The members are read one after the other, as they lie in the file, and the directory
    at its end is compared with them. So they cannot overlap, each byte is read once, and
    no memory is taken that the rest of the file could not fill. The headers of the arrays
    are matched with what NumPy writes, and not evaluated.

    Raises
    ------
    ValueError
        If it is not as :func:`numpy.savez` writes arrays of numbers or strings in C order.

    Notes
    -----
    The formats are those of [1]_, sections 4.3 and 4.5.3, and :mod:`numpy.lib.format`.

    References
    ----------
    .. [1] PKWARE, "APPNOTE.TXT - .ZIP File Format Specification", version 6.3.10.
    """
    arrays: dict[str, np.ndarray] = {}
    checksums = {}
    while (header := file.read(MEMBER.size)).startswith(b"PK\3\4"):
        name, size, checksum = _member(file, header)
        if size > n_bytes - file.tell():
            raise ValueError(f"{name!r} is longer than the file")
        if name in checksums or not name.endswith(b".npy"):
            raise ValueError(f"the name {name!r} occurs twice, or does not end in .npy")
        arrays[name.decode().removesuffix(".npy")] = _array(file, name, size, checksum)
        checksums[name] = checksum
    file.seek(-len(header), 1)
    _check_directory(file, checksums)
    return arrays


def _take(file: BufferedReader, n_bytes: int) -> bytes:
    content = file.read(n_bytes)
    if len(content) < n_bytes:
        raise ValueError("it is truncated")
    return content


def _member(file: BufferedReader, header: bytes) -> tuple[bytes, int, int]:
    """Name, size and checksum of the member whose header has just been read."""
    header += _take(file, MEMBER.size - len(header))
    (_, _, flags, method, *_, checksum, packed, size, n_name, n_extra) = MEMBER.unpack(header)
    name, extra = _take(file, n_name), _take(file, n_extra)
    if size == packed == 2**32 - 1:
        if len(extra) != ZIP64_SIZES.size or not extra.startswith(b"\1\0\x10\0"):
            raise ValueError(f"{name!r} has no size")
        _, _, size, packed = ZIP64_SIZES.unpack(extra)
    if method != 0 or flags & ~UTF_8_NAME or size != packed:
        raise ValueError(f"{name!r} is compressed or encrypted")
    return name, size, checksum


def _array(file: BufferedReader, name: bytes, size: int, checksum: int) -> np.ndarray:
    """The array in the npy file of that size that begins here."""
    start = _take(file, len(NPY_MAGIC) + 2)
    header = _take(file, int.from_bytes(start[-2:], "little"))
    match = NPY_HEADER.fullmatch(header)
    if match is None or not start.startswith(NPY_MAGIC):
        raise ValueError(
            f"{name!r} is not an array of numbers in C order, in version 1.0 of npy"
        )
    dtype = np.dtype(match[1].decode())
    shape = tuple(int(n) for n in match[2].split(b",") if n.strip())
    n_left = size - len(start) - len(header)
    # an empty array could have any length, and cost Python a list for each row of it
    if prod(shape) * dtype.itemsize != n_left or max(shape, default=0) > size:
        raise ValueError(f"{name!r} has {size} bytes for shape {shape} of {dtype}")
    array = np.empty(shape, dtype)
    content = array.reshape(-1).view(np.uint8).data
    if file.readinto(content) < len(content):
        raise ValueError("it is truncated")
    if zlib.crc32(content, zlib.crc32(start + header)) != checksum:
        raise ValueError(f"{name!r} has a wrong checksum")
    if dtype.kind in LARGEST:
        unit, largest = LARGEST[dtype.kind]
        if array.reshape(-1).view(dtype.byteorder + unit).max(initial=0) > largest:
            raise ValueError(f"{name!r} has a value that is not a boolean or a character")
    return array


def _check_directory(file: BufferedReader, checksums: dict[bytes, int]) -> None:
    """Raise ValueError if what is left is not the directory of members with these names."""
    start = file.tell()
    for name, checksum in checksums.items():
        entry = ENTRY.unpack(_take(file, ENTRY.size))
        n_name, n_extra, n_comment = entry[10:13]
        found = entry[0], entry[7], _take(file, n_name)
        if found != (b"PK\1\2", checksum, name):
            raise ValueError(f"its directory does not have {name!r}")
        _take(file, n_extra + n_comment)
    n_bytes, n_members = file.tell() - start, min(len(checksums), 2**16 - 1)
    end = file.read(ZIP64_END_SIZE + END.size + 1)
    if len(end) == ZIP64_END_SIZE + END.size and end.startswith(b"PK\6\6"):
        end = end[ZIP64_END_SIZE:]
    sizes = (min(n, 2**32 - 1) for n in (n_bytes, start))
    if end != END.pack(b"PK\5\6", 0, 0, n_members, n_members, *sizes, 0):
        raise ValueError("it does not end with its directory")
