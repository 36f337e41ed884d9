"""IDX files: exact round trips, and a ValueError for whatever is wrong with one."""

import gzip
import os
import struct
import tracemalloc
import zlib
from contextlib import contextmanager

import numpy as np
import pytest
from idx_files import CODES, assert_same_bits, slow_reader

from skdigitnet.datasets import _idx, read_idx, write_idx

SHAPES = [(), (0,), (1,), (7,), (3, 0, 2), (0, 2**32 - 1), (4, 5), (2, 3, 4), (2, 1, 3, 2)]
SHAPES += [(2, 3, 1, 2, 2)]
MAX_DIMS = 64 if np.lib.NumpyVersion(np.__version__) >= "2.0.0" else 32
MIB = 2**20
SUFFIXES = ["", ".gz"]


def idx_bytes(array, shape=None, code=None):
    """A file's bytes; ``shape`` and ``code`` can be made to differ from the array's."""
    shape = array.shape if shape is None else shape
    code = CODES[array.dtype.name] if code is None else code
    header = struct.pack(f">BBBB{len(shape)}I", 0, 0, code, len(shape), *shape)
    return header + array.astype(array.dtype.newbyteorder(">")).tobytes()


def random_array(dtype, shape, seed=0):
    """Of any bits, as far as they are numbers: NaN, infinities and -0 are among them."""
    n_bytes = int(np.prod(shape)) * np.dtype(dtype).itemsize
    return np.frombuffer(np.random.default_rng(seed).bytes(n_bytes), dtype).reshape(shape)


def assert_rejected(path, content, match, **parameters):
    path.write_bytes(content)
    with pytest.raises(ValueError, match=match) as caught:
        read_idx(path, **parameters)
    assert str(caught.value).startswith(f"{path}: ")


@contextmanager
def memory_below(n_bytes):
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < n_bytes
    finally:
        tracemalloc.stop()


# Round trips


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("dtype", CODES)
def test_round_trip(tmp_path, dtype, shape, suffix):
    path = tmp_path / f"array{suffix}"
    array = random_array(dtype, shape)
    write_idx(path, array)
    assert_same_bits(read_idx(path), array)
    stored = path.read_bytes()
    assert (gzip.decompress(stored) if suffix else stored) == idx_bytes(array)


@pytest.mark.parametrize("dtype", CODES)
def test_bytes_on_disk_do_not_depend_on_the_layout_in_memory(tmp_path, dtype):
    array = random_array(dtype, (4, 6, 3))
    layouts = [
        array.astype(array.dtype.newbyteorder(">")),
        array.astype(array.dtype.newbyteorder("<")),
        np.asfortranarray(array),
        np.repeat(array, 2, axis=1)[:, ::2],
        array[::-1][::-1],
    ]
    for same in layouts:
        write_idx(tmp_path / "array", same)
        assert (tmp_path / "array").read_bytes() == idx_bytes(array)


def test_arrays_longer_than_one_piece(tmp_path):
    array = np.arange(_idx.CHUNK + 3, dtype=np.int32)
    write_idx(tmp_path / "array", array)
    assert_same_bits(read_idx(tmp_path / "array"), array)


def test_known_bytes(tmp_path):
    path = tmp_path / "by-hand"
    path.write_bytes(bytes.fromhex("0000 0B02 00000002 00000003 0001 FFFF 0100 7FFF 8000 0000"))
    expected = np.array([[1, -1, 256], [32767, -32768, 0]], dtype=np.int16)
    assert_same_bits(read_idx(path), expected)
    path.write_bytes(bytes.fromhex("0000 0E00 3FF8000000000000"))
    assert_same_bits(read_idx(path), np.array(1.5))
    path.write_bytes(bytes.fromhex("0000 0D01 00000001 C0200000"))
    assert_same_bits(read_idx(path), np.array([-2.5], dtype=np.float32))


def test_paths_as_text_and_lists_as_arrays(tmp_path):
    path = os.fspath(tmp_path / "list.gz")
    write_idx(path, [0.5, 1.0])
    np.testing.assert_array_equal(read_idx(path), [0.5, 1.0])


def test_as_many_dimensions_as_numpy_has(tmp_path):
    array = np.arange(2, dtype=np.uint8).reshape((1,) * (MAX_DIMS - 1) + (2,))
    write_idx(tmp_path / "array", array)
    assert_same_bits(read_idx(tmp_path / "array"), array)
    for n_dims in (MAX_DIMS + 1, 255):
        content = idx_bytes(np.zeros(1, np.uint8), shape=(1,) * n_dims)
        assert_rejected(tmp_path / "more", content, f"hold an array of its {n_dims} dimensions")


# gzip


def test_compression_is_seen_from_the_content(tmp_path):
    array = np.arange(5, dtype=np.uint8)
    (tmp_path / "plain.gz").write_bytes(idx_bytes(array))
    (tmp_path / "compressed").write_bytes(gzip.compress(idx_bytes(array)))
    for name in ("plain.gz", "compressed"):
        assert_same_bits(read_idx(tmp_path / name), array)


def test_members_that_follow_each_other_are_one_stream(tmp_path):
    array = random_array("int32", (50,))
    content = idx_bytes(array)
    pieces = [content[:3], b"", content[3:9], content[9:101], content[101:], b""]
    path = tmp_path / "members"
    path.write_bytes(b"".join(map(gzip.compress, pieces)))
    assert_same_bits(read_idx(path), array)


def test_zero_padding_after_the_stream_is_allowed(tmp_path):
    array = np.arange(5, dtype=np.uint8)
    (tmp_path / "padded").write_bytes(gzip.compress(idx_bytes(array)) + bytes(512))
    assert_same_bits(read_idx(tmp_path / "padded"), array)


def test_same_array_gives_the_same_compressed_bytes(tmp_path, monkeypatch):
    array = random_array("float32", (100,))
    write_idx(tmp_path / "one.gz", array)
    monkeypatch.setattr("time.time", lambda: 1e9)
    write_idx(tmp_path / "other.gz", array)
    assert (tmp_path / "one.gz").read_bytes() == (tmp_path / "other.gz").read_bytes()


# Damage

BYTES = np.arange(12, dtype=np.uint8).reshape(3, 4)
WHOLE = idx_bytes(BYTES)
PACKED = gzip.compress(WHOLE, mtime=0)


def of_the_message(value):
    return value if isinstance(value, str) else ""


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (b"", r"not an IDX file: it begins with the bytes \(none\)"),
        (b"\0", "not an IDX file.* 00,"),
        (WHOLE[:3], "not an IDX file.* 00 00 08,"),
        (b"\x01" + WHOLE[1:], "not an IDX file.* 01 00 08 02,"),
        (b"\0\x01" + WHOLE[2:], "not an IDX file.* 00 01 08 02,"),
        (b"\x89PNG\r\n\x1a\n", "not an IDX file.* 89 50 4e 47,"),
        (b"<!DOCTYPE html>", "not an IDX file.*0x08, 0x09, 0x0b, 0x0c, 0x0d, 0x0e"),
        (WHOLE[:4], "ends within the sizes of its 2 dimensions"),
        (WHOLE[:11], "ends within the sizes of its 2 dimensions"),
        (WHOLE[:12], r"says 12 \+ 12 bytes, but there is room for 12: it is truncated"),
        (WHOLE[:-1], r"says 12 \+ 12 bytes, but there is room for 23: it is truncated"),
        (WHOLE + b"\0", r"says 12 \+ 12 bytes, but it has more: it is too long"),
        (WHOLE + WHOLE, "it is too long"),
    ],
    ids=of_the_message,
)
def test_damaged_files(tmp_path, content, match):
    assert_rejected(tmp_path / "plain", content, match)


@pytest.mark.parametrize("code", sorted(set(range(256)) - set(CODES.values())))
def test_codes_that_the_format_does_not_have(tmp_path, code):
    content = idx_bytes(BYTES, code=code)
    assert_rejected(tmp_path / "file", content, f"not an IDX file.* 00 00 {code:02x} 02,")


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (gzip.compress(b""), "not an IDX file"),
        (gzip.compress(b"text"), "not an IDX file.*74 65 78 74"),
        (gzip.compress(WHOLE[:9]), "ends within the sizes"),
        (gzip.compress(WHOLE[:-1]), r"says 12 \+ 12 bytes, but it has 23: it is truncated"),
        (gzip.compress(WHOLE + b"\0"), "it is too long"),
        (gzip.compress(WHOLE) * 2, "it is too long"),
        (gzip.compress(PACKED), "not an IDX file.*1f 8b"),
        (PACKED[:2], "the gzip stream is damaged"),
        (PACKED[:15], "the gzip stream is damaged"),
        (PACKED[:-1], "the gzip stream is damaged"),
        (PACKED[:-8], "the gzip stream is damaged"),
        (PACKED[:-8] + bytes(4) + PACKED[-4:], "the gzip stream is damaged: CRC"),
        (PACKED[:-4] + bytes(4), "the gzip stream is damaged: .*length"),
        (PACKED[:2] + b"\7" + PACKED[3:], "the gzip stream is damaged: .*method"),
        (PACKED[:10] + b"\xff" * 10, "the gzip stream is damaged"),
        (PACKED + b"rest", "the gzip stream is damaged"),
    ],
    ids=of_the_message,
)
def test_damaged_gzip_streams(tmp_path, content, match):
    assert_rejected(tmp_path / "file.gz", content, match)


def test_every_truncation_is_rejected(tmp_path):
    for whole in (WHOLE, PACKED):
        for n_bytes in range(len(whole)):
            assert_rejected(tmp_path / "file", whole[:n_bytes], ".")


def test_sizes_whose_product_overflows(tmp_path):
    for shape in [(2**32 - 1,) * 3, (2**31, 2**31, 4), (2**16,) * 4, (2**32 - 1,) * 255]:
        content = idx_bytes(BYTES, shape=shape)
        assert_rejected(tmp_path / "plain", content, "it is truncated")
        assert_rejected(tmp_path / "packed", gzip.compress(content), "it is truncated")
    empty = idx_bytes(BYTES[:0], shape=(0, *(2**32 - 1,) * 3))
    assert_rejected(tmp_path / "empty", empty, "hold an array of its 4 dimensions")


def test_max_bytes(tmp_path):
    path = tmp_path / "file"
    for content in (WHOLE, PACKED):
        assert_rejected(
            path, content, "max_bytes=11 is the limit.*raise max_bytes", max_bytes=11
        )
        assert_same_bits(read_idx(path, max_bytes=12), BYTES)


def test_files_that_cannot_be_opened(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        read_idx(tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError, match="nowhere"):
        write_idx(tmp_path / "nowhere" / "array", BYTES)


# Memory


@pytest.fixture(scope="module")
def bomb():
    """A function of a shape: the gzip bytes of that header and 64 MiB of zeros."""

    def with_header(*shape):
        packer = zlib.compressobj(9, zlib.DEFLATED, 31)
        pieces = [packer.compress(idx_bytes(np.zeros(0, np.uint8), shape=shape))]
        pieces += [packer.compress(bytes(MIB)) for _ in range(64)]
        content = b"".join([*pieces, packer.flush()])
        assert 64 * MIB / len(content) > 1000
        return content

    return with_header


@pytest.mark.parametrize(
    ("shape", "match", "parameters"),
    [
        ((10,), "too long", {}),
        ((2**20, 2**20), "room for", {}),
        ((64, MIB), "max_bytes=1048576 is", {"max_bytes": MIB}),
    ],
    ids=["small", "2**40", "max_bytes"],
)
def test_bombs_are_not_unpacked(tmp_path, bomb, shape, match, parameters):
    content = bomb(*shape)
    with memory_below(MIB):
        assert_rejected(tmp_path / "bomb", content, match, **parameters)


def test_memory_is_that_of_what_is_there_not_of_what_is_declared(tmp_path):
    rest = random_array("uint8", (100_000,))
    packed = gzip.compress(idx_bytes(rest, shape=(90, MIB)))
    with memory_below(2 * len(rest) + 2 * MIB):
        assert_rejected(tmp_path / "packed", packed, "but it has 100012: it is truncated")
    with memory_below(MIB):
        content = idx_bytes(rest, shape=(90, MIB))
        assert_rejected(tmp_path / "plain", content, "room for 100012: it is truncated")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_memory_of_a_good_file(tmp_path, suffix):
    array = np.zeros(MIB, dtype=np.float64)
    write_idx(tmp_path / f"array{suffix}", array)
    with memory_below(2 * array.nbytes + 2 * MIB):
        read_idx(tmp_path / f"array{suffix}")


# Mutations: the reader agrees with a slow, plain one on what is a file, and on its array


def seeds():
    """Files of every dtype, plain and packed in several ways."""
    contents = []
    for i, dtype in enumerate(CODES):
        shape = [(), (6,), (2, 3), (3, 1, 2), (0, 3), (2, 2, 2, 2)][i]
        array = np.arange(int(np.prod(shape)), dtype=dtype).reshape(shape)
        contents.append(idx_bytes(array))
    packed = [gzip.compress(content, i, mtime=0) for i, content in enumerate(contents)]
    packed.append(gzip.compress(WHOLE[:7], mtime=0) + gzip.compress(WHOLE[7:], mtime=0))
    extra, name = b"\x02\0xy", b"name\0"
    packed.append(PACKED[:3] + b"\x0c" + PACKED[4:10] + extra + name + PACKED[10:])
    return contents + packed


def mutated(content, others, rng):
    """These bytes with one to three of the things that happen to files."""
    for _ in range(rng.integers(1, 4)):
        n_bytes = len(content)
        at = int(rng.integers(n_bytes + 1))
        start = min(at, int(rng.integers(24)))
        kind = rng.integers(9)
        if kind == 0:
            content = content[:at]
        elif kind == 1:  # one bit
            flipped = bytearray(content or b"\0")
            flipped[at % len(flipped)] ^= 1 << int(rng.integers(8))
            content = bytes(flipped)
        elif kind == 2:  # a byte of the header
            content = content[:start] + rng.bytes(1) + content[start + 1 :]
        elif kind == 3:  # a size, near to the right one or far from it
            sizes = [0, 1, 2, 3, 4, 6, 12, 2**16, 2**31, 2**32 - 1]
            place = 4 + 4 * int(rng.integers(3))
            size = struct.pack(">I", sizes[rng.integers(len(sizes))])
            content = content[:place] + size + content[place + 4 :]
        elif kind == 4:
            content += rng.bytes(int(rng.integers(1, 9)))
        elif kind == 5:
            content = content[:at] + content[at + int(rng.integers(1, 9)) :]
        elif kind == 6:
            content = content[:at] + bytes(4) + content[at:]
        elif kind == 7:
            content = gzip.compress(content, mtime=0)
        else:
            content = content[:at] + others[rng.integers(len(others))][at:]
    return content


def test_mutated_files_are_read_right_or_rejected(tmp_path):
    rng = np.random.default_rng(0)
    contents = seeds()
    path = tmp_path / "mutated"
    n_read = 0
    with memory_below(4 * MIB):
        for i in range(2000):
            content = mutated(contents[i % len(contents)], contents, rng)
            expected = slow_reader(content)
            if expected is None:
                assert_rejected(path, content, ".")
            else:
                path.write_bytes(content)
                assert_same_bits(read_idx(path), expected)
                n_read += 1
    assert 50 < n_read < 1000  # both happen often


# Writing


@pytest.mark.parametrize(
    "array",
    [
        np.array([True, False]),
        np.array([1, 2], dtype=np.int64),
        np.array([1, 2], dtype=np.uint16),
        np.array([1, 2], dtype=np.float16),
        np.array([1j]),
        np.array(["text"]),
        np.array([b"text"]),
        np.array([None]),
        np.zeros(2, dtype=[("a", np.uint8)]),
        np.zeros(2, dtype="datetime64[s]"),
    ],
    ids=lambda array: array.dtype.name,
)
def test_dtypes_that_the_format_does_not_have(tmp_path, array):
    with pytest.raises(ValueError, match=r"array has dtype .*allowed are uint8, int8, int16"):
        write_idx(tmp_path / "array", array)
    assert not list(tmp_path.iterdir())


def test_dimensions_that_do_not_fit(tmp_path):
    with pytest.raises(ValueError, match=r"shape \(0, 4294967296\); .* at most 2\*\*32 - 1"):
        write_idx(tmp_path / "array", np.empty((0, 2**32), dtype=np.uint8))
    assert not list(tmp_path.iterdir())


@pytest.fixture(params=SUFFIXES, ids=["plain", "gzip"])
def old_file(request, tmp_path):
    """The path of a file with BYTES, which is all there is afterwards."""
    path = tmp_path / f"array{request.param}"
    write_idx(path, BYTES)
    yield path
    assert list(tmp_path.iterdir()) == [path]
    assert_same_bits(read_idx(path), BYTES)


def test_a_full_disk_leaves_the_old_file(old_file):
    resource = pytest.importorskip("resource")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    array = random_array("uint8", (3 * MIB,))
    resource.setrlimit(resource.RLIMIT_FSIZE, (MIB, limits[1]))
    try:
        with pytest.raises(OSError, match="too large"):
            write_idx(old_file, array)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_ctrl_c_in_the_middle_leaves_the_old_file(old_file, monkeypatch):
    def interrupted(file, header, array):
        file.write(header)
        raise KeyboardInterrupt

    monkeypatch.setattr(_idx, "_write", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_idx(old_file, BYTES + 1)


def test_the_old_file_is_there_until_the_new_one_is_whole(old_file, monkeypatch):
    def refuse(new, old):
        assert_same_bits(read_idx(old), BYTES)
        assert_same_bits(read_idx(new), BYTES + 1)
        raise PermissionError("in use")

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(PermissionError, match="in use"):
        write_idx(old_file, BYTES + 1)


def test_an_old_file_is_replaced(tmp_path):
    path = tmp_path / "array"
    write_idx(path, np.arange(100, dtype=np.int32))
    write_idx(path, BYTES)
    assert_same_bits(read_idx(path), BYTES)
    assert list(tmp_path.iterdir()) == [path]
