"""A study's journal: whole after any death of its writer, right or refused after any damage."""

import io
import os
import struct
import sys
from contextlib import suppress

import numpy as np
import pandas as pd
import pytest
from children import child_of
from effort import effort
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from skdigitnet._system import records
from skdigitnet._system.packing import MAX_TEXT, pack, unpack
from skdigitnet._system.records import RecordFile, records_in
from skdigitnet.model_selection import read_journal
from skdigitnet.model_selection._identity import StudyKey
from skdigitnet.model_selection._journal import MAGIC, Journal, rows_in

STUDY = StudyKey({"X": ["0f", ""], "alpha of the estimator": ["a1", "0.1"]})
KEYS = [bytes([i]) * 32 for i in range(4)]
NOT_A_NUMBER = struct.unpack(">d", bytes.fromhex("fff8000000000123"))[0]
RESULTS = [
    {"test_scores": {"score": np.float64(NOT_A_NUMBER)}, "fit_error": None},
    {"test_scores": {"score": 0.1}, "curve": np.array([[-0.0, 2], [1e-320, np.inf]], "<f4")},
    {"test_scores": {"score": -0.0}, "n_test_samples": 10**20, "fit_error": "é\ud800"},
    {"test_scores": {"score": 1.0}, "labels": np.array(["a", "bc"]), "shape": (1, [])},
]


def cell(i):
    return KEYS[i], RESULTS[i], {"params": {"alpha": 0.1 * i, "f": print}, "split": i}


@pytest.fixture
def without_waiting(monkeypatch):
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "study.journal"


@pytest.fixture
def content(path, without_waiting):
    """A journal's bytes, and where each append has ended: the header, 0, (1, 2), 3."""
    with Journal(path, STUDY) as journal:
        ends = [path.stat().st_size]
        for part in ([0], [1, 2], [3]):
            journal.extend(cell(i) for i in part)
            ends.append(path.stat().st_size)
    content = path.read_bytes()
    path.unlink()
    return content, ends


def assert_same(found, expected):
    """The same types and the same bits."""
    assert type(found) is type(expected)
    if isinstance(expected, dict):
        assert list(found) == list(expected)
        found, expected = list(found.values()), list(expected.values())
    if isinstance(expected, list | tuple):
        for item, other in zip(found, expected, strict=True):
            assert_same(item, other)
    elif isinstance(expected, np.ndarray | np.generic):
        assert (found.dtype, found.shape) == (expected.dtype, expected.shape)
        assert found.tobytes() == expected.tobytes()
    elif isinstance(expected, float):
        assert struct.pack("<d", found) == struct.pack("<d", expected)
    else:
        assert found == expected


def assert_holds(path, n_cells):
    """It has the first cells, as they were, for its next writer and for readers."""
    assert len(rows_in(path)) == n_cells
    with Journal(path, STUDY) as journal:
        assert [key in journal for key in KEYS] == [i < n_cells for i in range(4)]
        assert len(journal) == n_cells
        for key, result in list(zip(KEYS, RESULTS, strict=True))[:n_cells]:
            assert_same(journal[key], result)


NUMBERS = st.sampled_from(["<f8", ">f8", "<f4", "<f2", "<i8", "|u1", "|b1", "<c16"])
DTYPES = NUMBERS | st.just("<U3")
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
SCALARS |= npst.arrays(NUMBERS, ()).map(lambda array: array[()])
SCALARS |= DTYPES.flatmap(lambda dtype: npst.arrays(dtype, npst.array_shapes(min_side=0)))
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner) | st.lists(inner).map(tuple) | st.dictionaries(st.text(), inner)
    ),
    max_leaves=8,
)


@settings(max_examples=effort(100, 1000), deadline=None, derandomize=True)
@given(VALUES)
def test_values_come_back_to_the_bit(value):
    assert_same(unpack(pack(value)), value)


def test_what_cannot_be_kept_is_refused():
    for value in (object(), {1: 2}, np.array([None]), {"a": {1}}, np.longdouble(1)):
        with pytest.raises(TypeError, match=r"is of type (object|dict|ndarray|set|longdouble)"):
            pack(value)
    with pytest.raises(ValueError, match="1048576 is the most"):
        pack("a" * MAX_TEXT)


@settings(max_examples=effort(150, 2000), deadline=None, derandomize=True)
@given(st.binary(max_size=60), VALUES, st.data())
def test_any_bytes_are_a_value_or_refused(content, value, data):
    packed = pack({"result": value})
    start = data.draw(st.integers(0, len(packed)))
    for hostile in (content, packed[:start] + content + packed[start + len(content) :]):
        with suppress(ValueError):
            unpack(hostile)


@pytest.mark.parametrize("text", [
    "", "1 1", "[" * 5000, "NaN", "1e9", "9" * 9000, "{}", '{"__class__":1}', '{"float":"00"}',
    '{"tuple":1}', '{"dict":[]}', '{"array":[1,2]}', '{"array":["|O",1]}',
    '{"array":["<f8",99999999]}', '{"array":["<f8",0,99999999999]}', '{"scalar":["<f8",-1]}',
    '{"array":["<U1",2]}', '{"array":["|b1",8]}', '{"array":["<f4",1]}',
])  # fmt: skip
def test_hostile_text_is_refused(text):
    with pytest.raises(ValueError, match=r"it was not written here|there is more than"):
        unpack(struct.pack("<Q", len(text)) + text.encode() + b"\xff" * 8)
    with pytest.raises(ValueError, match="its text is longer than it is"):
        unpack(struct.pack("<Q", len(text) + 1) + text.encode())


def test_torn_at_every_byte(path, content):
    whole, ends = content
    n_after = [0, 1, 3, 4]
    for size in range(len(whole) + 1):
        path.write_bytes(whole[:size])
        n_cells = max([n for n, end in zip(n_after, ends, strict=True) if end <= size] + [0])
        assert_holds(path, n_cells)
        with Journal(path, STUDY) as journal:
            journal.extend(cell(i) for i in range(n_cells, 4))
        assert len(rows_in(path)) == 4
    path.write_bytes(whole[: ends[2]] + bytes(len(whole) - ends[2]))  # of a power failure
    assert_holds(path, 3)


def test_every_flipped_bit_is_found(path, content):
    """A bit of the last append makes that torn; any other makes the file damaged."""
    whole, ends = content
    for position in range(len(whole)):
        for bit in effort([position % 8], range(8)):
            damaged = bytearray(whole)
            damaged[position] ^= 1 << bit
            path.write_bytes(damaged)
            if position >= ends[-2]:
                assert_holds(path, 3)
                continue
            for read in (rows_in, lambda path: Journal(path, STUDY)):
                with pytest.raises(ValueError, match=r"damaged|another kind of file") as error:
                    read(path)
                assert str(error.value).startswith(str(path))
            assert path.read_bytes() == damaged


def test_of_two_studies_the_message_says_in_what_they_differ(path):
    Journal(path, STUDY).close()
    before = path.read_bytes()
    other = StudyKey({"X": ["0e", ""], "alpha of the estimator": ["a2", "1"], "y": ["1", ""]})
    with pytest.raises(ValueError, match="journal of another study") as error:
        Journal(path, other)
    for part in (str(path), "X differs", "alpha of the estimator was 0.1 and is 1", "y is new"):
        assert part in str(error.value)
    with pytest.raises(ValueError, match="alpha of the estimator is missing"):
        Journal(path, StudyKey({"X": ["0f", ""]}))
    assert path.read_bytes() == before
    path.unlink()
    Journal(path, StudyKey({"\ud800": ["0", "\ud800"], "X": ["0", "\ud800"]})).close()
    with pytest.raises(ValueError, match=r"X was \\ud800 and is 1; \\ud800 is missing"):
        Journal(path, StudyKey({"X": ["1", "1"]}))
    with pytest.raises(ValueError, match="X differs"):
        Journal(path, StudyKey({"X": ["1", ""]}))


def archive():
    file = io.BytesIO()
    np.savez(file, a=1)
    return file.getvalue()


@pytest.mark.parametrize("found", [b"a,b\n1,2\n", b"skdigitnet joy", archive(), bytes(99)])
def test_another_kind_of_file_is_left_alone(path, found):
    path.write_bytes(found)
    for read in (read_journal, lambda path: Journal(path, STUDY)):
        with pytest.raises(ValueError, match="another kind of file"):
            read(path)
    assert path.read_bytes() == found


@pytest.mark.parametrize("header", [b"", pack(None), pack({"kind": "journal"}),
    pack({"kind": "journal", "format": 1, "version": "1", "study": {"X": 1}}),
    pack({"kind": "journal", "format": 2, "version": "99.0", "study": {}}),
    pack({"kind": "checkpoint", "format": 1, "version": "1", "study": {}})])  # fmt: skip
def test_hostile_header(path, header):
    RecordFile(path, MAGIC, header, None).close()
    for read in (read_journal, lambda path: Journal(path, STUDY)):
        with pytest.raises(ValueError, match=str(path)):
            read(path)


@pytest.mark.parametrize("record", [b"", b"a" * 31, b"a" * 32, b"a" * 32 + pack(1),
    b"a" * 32 + pack({"result": 1, "about": {}}), b"a" * 32 + b"\xff" * 40])  # fmt: skip
def test_hostile_records(path, record):
    Journal(path, STUDY).close()
    file = RecordFile(path, MAGIC, b"", lambda header: None)
    file.append([record])
    file.close()
    with pytest.raises(ValueError, match=f"{path} is a damaged journal"):
        read_journal(path)
    with pytest.raises(ValueError, match=f"{path} is a damaged journal"):  # noqa: SIM117
        with Journal(path, STUDY) as journal:
            journal[b"a" * 32]


@pytest.mark.parametrize("body", [b"\1", struct.pack("<Q", 9) + b"a", struct.pack("<Q", 2**63)])
def test_hostile_lengths_within_right_checksums(path, body):
    checksum = records.blake2b(body, digest_size=16).digest()
    path.write_bytes(MAGIC + records._header(len(body), checksum) + body)
    with pytest.raises(ValueError, match=f"{path} is damaged"):
        list(records_in(path, MAGIC))


def test_an_append_that_has_returned_is_on_disk(path, monkeypatch):
    synced, sync = [], os.fsync

    def fsync(descriptor):
        sync(descriptor)
        synced.append(os.fstat(descriptor).st_ino)

    monkeypatch.setattr(os, "fsync", fsync)
    with Journal(path, STUDY) as journal:
        file, folder = path.stat().st_ino, path.parent.stat().st_ino
        assert synced == [file, folder]
        journal.extend(cell(i) for i in range(3))
        journal.extend([])
        journal.append(*cell(3))
        assert synced == [file, folder, file, file]
        assert len(read_journal(path)) == 4


def test_a_full_disk_leaves_what_was_there(path):
    resource = pytest.importorskip("resource")
    with Journal(path, STUDY) as journal:
        journal.append(*cell(0))
        size = path.stat().st_size
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + 50, limits[1]))
        try:
            with pytest.raises(OSError, match="too large"):
                journal.append(KEYS[1], {"curve": np.zeros(99)}, {})
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        assert path.stat().st_size == size
        assert KEYS[1] not in journal
        journal.append(*cell(1))
    assert_holds(path, 2)


def test_a_killed_writer_loses_nothing_that_was_done(path):
    for _ in range(effort(1, 20)):
        with child_of("journals.write_until_killed", str(path)) as child:
            lasts = [int(child.stdout.readline()) for _ in range(9)]
            read_journal(path)
            child.kill()
            lasts += [int(line) for line in child.stdout]
        n_cells = max(lasts) + 1
        assert set(range(n_cells)) <= set(read_journal(path)["number"])
        with Journal(path, StudyKey({})) as journal:
            for i in range(n_cells):
                assert_same(journal[i.to_bytes(32, "big")], {"curve": np.full(500, i)})


def test_the_first_of_two_results_of_a_cell_stays(path):
    for score in (0.1, 0.2):
        with Journal(path, STUDY) as journal:
            journal.append(KEYS[0], {"test_scores": score}, {})
            assert journal[KEYS[0]] == {"test_scores": 0.1}
    assert read_journal(path)["test_score"].tolist() == [0.1]


def test_read_journal(path):
    with Journal(path, STUDY) as journal:
        assert read_journal(path).empty
        journal.append(*cell(1))
        result = {"test_scores": 0.5, "train_scores": {"a": 1.0}, "fit_time": 2.0}
        journal.append(KEYS[2], result, {"params": {"alpha": 3}, "split": 0})
        frame = read_journal(path)
    expected = pd.DataFrame(
        {
            "param_alpha": [0.1, 3.0],
            "param_f": [repr(print), np.nan],
            "split": [1, 0],
            "test_score": [0.1, 0.5],
            "train_a": [np.nan, 1.0],
            "fit_time": [np.nan, 2.0],
        }
    )
    pd.testing.assert_frame_equal(frame, expected, check_dtype=False)
    with pytest.raises(FileNotFoundError):
        read_journal(path.with_name("other"))


def test_without_pandas(path, monkeypatch):
    Journal(path, STUDY).close()
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match="read_journal needs pandas: pip install pandas"):
        read_journal(path)
