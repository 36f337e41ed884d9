"""What an IDX file is, by a reader that takes its time."""

import gzip
import struct
import zlib

import numpy as np

CODES = {"uint8": 8, "int8": 9, "int16": 0x0B, "int32": 0x0C, "float32": 0x0D, "float64": 0x0E}


def assert_same_bits(found, expected):
    assert (found.shape, found.dtype) == (expected.shape, expected.dtype)
    assert found.dtype.isnative
    assert found.flags.writeable
    assert found.flags.c_contiguous
    assert found.tobytes() == expected.tobytes()


def slow_reader(content):
    """The array in these bytes, or None."""
    if content[:2] == b"\x1f\x8b":
        try:
            content = gzip.decompress(content)
        except (EOFError, OSError, zlib.error):
            return None
    dtypes = {code: np.dtype(name) for name, code in CODES.items()}
    if len(content) < 4 or content[:2] != b"\0\0" or content[2] not in dtypes:
        return None
    dtype, start = dtypes[content[2]], 4 + 4 * content[3]
    if len(content) < start:
        return None
    shape = struct.unpack(f">{content[3]}I", content[4:start])
    n_items = 1
    for size in shape:
        n_items *= size
    if len(content) != start + n_items * dtype.itemsize:
        return None
    try:
        size = dtype.itemsize
        items = (content[i : i + size][::-1] for i in range(start, len(content), size))
        items = np.frombuffer(b"".join(items), dtype.newbyteorder("<"))
        return items.astype(dtype).reshape(shape)
    except ValueError:  # too many dimensions for NumPy
        return None
