"""Npz files: what NumPy writes is read to the bit, and nothing else is."""

import tracemalloc
import zipfile
from math import prod

import numpy as np
import pytest
from npz_mutations import HOSTILE_HEADERS, npy, npy_file, npy_of
from zip_mutations import Member, zip_file

from skdigitnet._system.files import read_arrays, write_arrays

MIB = 2**20
DTYPES = ["|b1", "|i1", "|u1", "<i2", "<u4", ">i8", "<f2", "<f4", ">f8", "<U1", "<U7", ">U3"]
SHAPES = [(), (0,), (1,), (7,), (3, 0, 2), (2, 3), (2, 3, 4), (1,) * 32]


def random_array(dtype, shape):
    """Of any bits that the dtype has."""
    dtype = np.dtype(dtype)
    random = np.random.default_rng(0)
    if dtype.kind in "bU":
        return random.integers(2, size=shape).astype(dtype)
    return np.frombuffer(random.bytes(prod(shape) * dtype.itemsize), dtype).reshape(shape)


def assert_same_arrays(found, expected):
    assert list(found) == list(expected)
    for name, array in expected.items():
        assert (found[name].dtype, found[name].shape) == (array.dtype, array.shape)
        assert found[name].tobytes() == array.tobytes()
        assert found[name].flags.writeable


ARRAYS = {
    f"{i}": random_array(dtype, shape)
    for i, (dtype, shape) in enumerate(zip(DTYPES, SHAPES, strict=False))
}


@pytest.mark.parametrize("dtype", DTYPES)
def test_arrays_come_back_to_the_bit(dtype, tmp_path):
    arrays = {f"a/{shape}": random_array(dtype, shape) for shape in SHAPES}
    write_arrays(tmp_path / "file", arrays)
    assert_same_arrays(read_arrays(tmp_path / "file"), arrays)


def test_names_outside_ascii(tmp_path):
    arrays = {"\N{SNOWMAN}": np.ones(2), "": np.zeros(1), "a b": np.ones(1)}
    write_arrays(tmp_path / "file", arrays)
    assert_same_arrays(read_arrays(tmp_path / "file"), arrays)


def test_no_arrays(tmp_path):
    write_arrays(tmp_path / "file", {})
    assert read_arrays(tmp_path / "file") == {}


def test_large_files_have_another_end(tmp_path, monkeypatch):
    monkeypatch.setattr(zipfile, "ZIP64_LIMIT", 100)
    write_arrays(tmp_path / "file", ARRAYS)
    assert b"PK\6\6" in (tmp_path / "file").read_bytes()
    assert_same_arrays(read_arrays(tmp_path / "file"), ARRAYS)


def test_sizes_of_four_bytes(tmp_path):
    """Other programs do not write them in eight."""
    with zipfile.ZipFile(tmp_path / "file", "w") as archive:
        for name, array in ARRAYS.items():
            archive.writestr(f"{name}.npy", npy(array))
    assert_same_arrays(read_arrays(tmp_path / "file"), ARRAYS)


# Files that are refused

EIGHT = npy_file(b"'<f8'", b"(1,)", bytes(8))


def assert_refused(path, content):
    """At once, without a warning, and in little memory."""
    path.write_bytes(content)
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=str(path)):
            read_arrays(path)
        assert tracemalloc.get_traced_memory()[1] < 2 * len(content) + 2 * MIB
    finally:
        tracemalloc.stop()


def declaring(**fields):
    return Member(b"a.npy", EIGHT, header=fields, entry=fields)


MEMBERS = {
    "size of 4 GiB": [declaring(size=2**32 - 2, packed=2**32 - 2)],
    "size without an extra field": [declaring(size=2**32 - 1, packed=2**32 - 1)],
    "compressed": [declaring(method=8)],
    "other size unpacked": [declaring(size=len(EIGHT) + 1)],
    "encrypted": [declaring(flags=1)],
    "size after the content": [declaring(flags=8)],
    "wrong checksum": [declaring(checksum=0)],
    "wrong checksum in the directory": [Member(b"a.npy", EIGHT, entry={"checksum": 0})],
    "name without an end": [Member(b"a", EIGHT)],
    "name that is no text": [Member(b"\xff.npy", EIGHT)],
    "name twice": [Member(b"a.npy", EIGHT), Member(b"a.npy", EIGHT)],
    "entry for nothing": [Member(b"a.npy", EIGHT), Member(b"b.npy", EIGHT, is_there=False)],
    "another order": [Member(b"a.npy", EIGHT), Member(b"b.npy", EIGHT, entry={"n_name": 4})],
    "signature": [Member(b"a.npy", EIGHT, entry={"signature": b"PK\1\3"})],
}


@pytest.mark.parametrize("members", MEMBERS.values(), ids=MEMBERS)
def test_members_that_numpy_does_not_write(members, tmp_path):
    (tmp_path / "right").write_bytes(zip_file([Member(b"a.npy", EIGHT)]))
    assert len(read_arrays(tmp_path / "right")) == 1
    assert_refused(tmp_path / "file", zip_file(members))


def test_entries_for_the_same_bytes(tmp_path):
    """A file of one MB, of which a reader that trusts the directory reads a hundred."""
    large = Member(b"0.npy", npy(np.zeros(2**17)))
    entries = [Member(b"0.npy", b"", entry=large.fields(), is_there=False) for _ in range(100)]
    assert_refused(tmp_path / "file", zip_file([large, *entries]))


def test_many_small_members(tmp_path):
    """Neither for what is refused nor for what is read more than twice the file is taken."""
    assert_refused(tmp_path / "file", zip_file([Member(b"%d" % i, b"") for i in range(9000)]))
    small = npy_of(b"{'descr': '|u1', 'fortran_order': False, 'shape': (), }\n", b"0")
    content = zip_file([Member(b"%x.npy" % i, small) for i in range(30_000)])
    (tmp_path / "file").write_bytes(content)
    tracemalloc.start()
    assert len(read_arrays(tmp_path / "file")) == 30_000
    assert tracemalloc.get_traced_memory()[1] < 2 * len(content) + 2 * MIB
    tracemalloc.stop()


ARRAY_FILES = [
    *(npy_of(header) for header in HOSTILE_HEADERS),
    *(npy_of(header + b"\n") for header in HOSTILE_HEADERS),
    b"",
    EIGHT[:-1],
    EIGHT + b"\0",
    EIGHT.replace(b"\1\0", b"\2\0", 1),
    EIGHT.replace(b"NUMPY", b"numpy"),
    npy_file(b"'|O'", b"(1,)", bytes(8)),
    npy_file(b"'<c8'", b"(1,)", bytes(8)),
    npy_file(b"'<M8[s]'", b"(1,)", bytes(8)),
    npy_file(b"'<U0'", b"(999999999999999999,)"),
    npy_file(b"'<f8'", b"(-1, -1)", bytes(8)),
    npy_file(b"'<f8'", b"(1000000000, 0)"),
    npy_file(b"'<f8'", b"(0, 999999999999999999, 999999999999999999)"),
    npy_file(b"'<f8'", b"(%b0)" % (b"0, " * 64)),
    npy_file(b"'<f8'", b"(1,)", bytes(8), order=b"True"),
    npy_file(b"'|b1'", b"(2,)", b"\0\2"),
    npy_file(b"'<U1'", b"(1,)", b"\0\0\x11\0"),
    npy_file(b"'>U1'", b"(1,)", b"\0\x11\0\0"),
]


@pytest.mark.parametrize("content", ARRAY_FILES, ids=lambda content: ascii(content[10:60]))
def test_arrays_that_numpy_does_not_write_of_numbers(content, tmp_path):
    assert_refused(tmp_path / "file", zip_file([Member(b"a.npy", content)]))


def test_whatever_is_cut_off_or_comes_after(tmp_path):
    write_arrays(tmp_path / "right", {"a": np.arange(3.0), "b": np.arange(2)})
    content = (tmp_path / "right").read_bytes()
    for n_bytes in range(len(content)):
        assert_refused(tmp_path / "file", content[:n_bytes])
    assert_refused(tmp_path / "file", content + b"\0")
    assert_refused(tmp_path / "file", content + content)


@pytest.mark.parametrize(
    "field", ["n_here", "n_members", "n_bytes", "offset", "n_comment", "disk"]
)
def test_ends_that_say_something_else(field, tmp_path):
    assert_refused(tmp_path / "file", zip_file([Member(b"a.npy", EIGHT)], {field: 7}))


def test_file_that_cannot_be_opened(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        read_arrays(tmp_path / "nowhere")
    with pytest.raises(ValueError, match="directory"):
        read_arrays(tmp_path)
