"""What a checkpoint's file may hold, and how it is written."""

import errno
import functools
import json
import os
import pickle
import time
import tracemalloc
import zipfile
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from checkpointing import file_in, files_in, fit, fit_killed, state_in
from resuming import assert_same_training, cut_calls_short, digits, fit_until_call, make

from skdigitnet._system import files
from skdigitnet._system.files import read_arrays, write_arrays
from skdigitnet._training.checkpoint import read_state, write_state
from skdigitnet._training.state import Curve, TrainingState
from skdigitnet.callbacks import Checkpoint, HistoryFrame

pytest.importorskip("sklearn.callback", reason="callbacks need scikit-learn 1.9")

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, y, *_ = digits()
FIT = {"max_iter": 6, "early_stopping": True, "dropout": 0.2, "solver": "adam"}


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "checkpoints"


# Reading


@pytest.fixture
def damaged(folder, monkeypatch):
    """The file of a fit in the middle of an epoch, to be damaged."""
    cut_calls_short(monkeypatch.setattr)
    clf = make(**FIT).set_callbacks(HistoryFrame(), Checkpoint(folder))
    fit_until_call(clf, {"X": X, "y": y}, 20)
    assert state_in(folder).epoch.is_within_batch
    return file_in(folder)


def assert_refused(path):
    before = path.read_bytes() if path.is_file() else None
    with pytest.raises(ValueError, match=path.name) as caught:
        fit(path.parent, HistoryFrame(), **FIT)
    assert str(caught.value).encode()  # it can be printed
    assert before is None or path.read_bytes() == before


def rewrite(path, changes):
    """Replace arrays, and values of the header; REMOVED removes an array."""
    arrays = read_arrays(path)
    header = json.loads(arrays.pop("header").tobytes())
    for name, value in changes.items():
        if value is REMOVED:
            del arrays[name]
        elif isinstance(value, np.ndarray):
            arrays[name] = value
        elif callable(value):
            arrays[name] = value(arrays[name])
        else:
            *parts, last = name.split("/")
            functools.reduce(dict.__getitem__, parts, header)[last] = value
    header = np.frombuffer(json.dumps(header).encode(), dtype=np.uint8)
    write_arrays(path, {"header": header, **arrays})


REMOVED = object()


def test_rewritten_file_without_a_change_is_read(damaged):
    rewrite(damaged, {})
    assert_same_training(fit(damaged.parent, **FIT), make(**FIT).fit(X, y))


NEWER = ("epoch/dropout_key", "optimiser/n_rate_cuts", "records", "stopped")


@pytest.mark.parametrize("name", NEWER)
def test_fields_that_an_older_version_lacked_get_their_defaults(folder, name):
    fit_killed(folder, 3)
    path = file_in(folder)
    arrays = read_arrays(path)
    header = json.loads(arrays.pop("header").tobytes())
    *parts, last = name.split("/")
    del functools.reduce(dict.__getitem__, parts, header)[last]
    header = np.frombuffer(json.dumps(header).encode(), dtype=np.uint8)
    write_arrays(path, {"header": header, **arrays})
    assert_same_training(fit(folder), make(max_iter=6).fit(X, y))


GENERATOR = {"bit_generator": "MT19937", "has_gauss": 0, "gauss": 0.0}


@pytest.mark.parametrize(
    "changes",
    [
        {"format": 2},
        {"format": None},
        {"fingerprint": "0" * 32},
        {"epoch/position": "1"},
        {"epoch/position": 1.5},
        {"epoch/position": True},
        {"epoch/position": -1},
        {"epoch/position": 91},
        {"epoch/position": 10**30},
        {"epoch/batch_size": 0},
        {"epoch/batch_size": None},
        {"optimiser/n_steps": -1},
        {"optimiser/n_steps": 2**64},
        {"optimiser/n_steps": 2**63 - 1},
        {"n_samples_seen": 2**63 - 1},
        {"epoch/dropout_key": 2**64},
        {"optimiser/n_rate_cuts": 10**18},
        {"n_before": 7},
        {"best/iteration": 7},
        {"weight_seen": -1.0},
        {"weight_seen": "1"},
        {"curve/last": [1.0]},
        {"interrupted": 0},
        {"stopped": "no"},
        {"optimiser/rule": "sgd"},
        {"optimiser/rule": "momentum"},
        {"optimiser/rule": None},
        {"curve/losses": REMOVED, "records/HistoryFrame": 3},
        {"curve/losses": {"a": 1}},
        {"theta": {"a": 1}},
        {"curve": 3},
        {"epoch": "order"},
        {"records": [1]},
        {"records/HistoryFrame": lambda a: a[0]},
        {"records/HistoryFrame": lambda a: a.astype(np.float32)},
        {"random_state": None},
        {"random_state": 3},
        {"random_state": {"bit_generator": "seed"}},
        {"random_state": {"bit_generator": "RandomState"}},
        {"random_state": {"bit_generator": "MT19937"}},
        {"random_state": {**GENERATOR, "state": {"key": None, "pos": 625}}},
        {"random_state": {**GENERATOR, "state": {"key": None, "pos": -(10**6)}}},
        {"theta": REMOVED},
        {"epoch/order": REMOVED},
        {"optimiser/moments": REMOVED},
        {"epoch/gradient": REMOVED},
        {"curve/losses": REMOVED},
        {"random_state/state/key": REMOVED},
        {"theta": lambda a: a[:-1]},
        {"theta": lambda a: a.astype(np.float32)},
        {"theta": lambda a: a.astype(">f8")},
        {"theta": lambda a: a[:, None]},
        {"theta": lambda a: np.append(a, 0)},
        {"best/theta": lambda a: a[:1]},
        {"epoch/gradient": lambda a: a[:0]},
        {"optimiser/moments": lambda a: a[: len(a) // 2]},
        {"optimiser/moments": lambda a: a.astype(np.float32)},
        {"optimiser/moments": lambda a: a.reshape(2, -1)},
        {"epoch/order": lambda a: a + 1},
        {"epoch/order": lambda a: a - 1},
        {"epoch/order": lambda a: np.zeros_like(a)},
        {"epoch/order": lambda a: np.full_like(a, 2**62)},
        {"epoch/order": lambda a: a[:-1]},
        {"epoch/order": lambda a: a.astype(np.int32)},
        {"epoch/order": lambda a: a.astype(float)},
        {"epoch/held_out": lambda a: a[::-1] * 0},
        {"epoch/held_out": lambda a: a[:, None]},
        {"curve/losses": lambda a: a.astype(int)},
        {"curve/losses": lambda a: a[:, None]},
        {"curve/losses": lambda a: a[0]},
        {"records/HistoryFrame": lambda a: np.zeros((6, 5))},
        {"records/HistoryFrame": lambda a: np.zeros((6, 7))},
        {"records/HistoryFrame": lambda a: np.full((6, 6), np.nan)},
        {"records/HistoryFrame": lambda a: np.full((6, 6), 1e300)},
        {"records/HistoryFrame": lambda a: np.empty((10**9, 0))},
        {"curve/scores": lambda a: a > 0},
        {"random_state/state/key": lambda a: a[:10]},
    ],
    ids="-".join,
)
def test_file_with_impossible_contents_is_refused(damaged, changes):
    rewrite(damaged, changes)
    assert_refused(damaged)


def save_compressed(path):
    arrays = read_arrays(path)
    with path.open("wb") as file:
        np.savez_compressed(file, **arrays)


def save_objects(path):
    arrays = read_arrays(path)
    with path.open("wb") as file:
        np.savez(file, **{**arrays, "theta": np.array([Exploding()])})


class Exploding:
    def __reduce__(self):
        return os.mkdir, ("exploded",)


NOTED = b'{"kind": "checkpoint", "format": 1, "version": "0", "fingerprint": %b}'


def save_header(content):
    def save(path):
        write_arrays(path, {"header": np.frombuffer(content, dtype=np.uint8)})

    return save


def save_array_as_fingerprint(path):
    header = np.frombuffer(NOTED % b"null", dtype=np.uint8)
    write_arrays(path, {"header": header, "fingerprint": np.zeros(2)})


def save_member(name, content):
    def save(path):
        with zipfile.ZipFile(path, "a") as archive:
            archive.writestr(name, content)

    return save


def npy(shape, dtype="<f8", version=1):
    header = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}}}".ljust(117)
    return (
        b"\x93NUMPY"
        + bytes([version, 0])
        + (118).to_bytes(2, "little")
        + header.encode()
        + b"\n"
    )


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_bytes(b""),
        lambda path: path.write_text("not a zip file"),
        lambda path: path.write_bytes(pickle.dumps(Exploding())),
        lambda path: zipfile.ZipFile(path, "w").close(),
        lambda path: (path.unlink(), path.mkdir()),
        save_compressed,
        save_objects,
        save_header(b""),
        save_header(b"\xff\xfe"),
        save_header(b"3"),
        save_header(b"[]"),
        save_header(b"{}"),
        save_header(b"[" * 100_000),
        save_header(NOTED % (b"[" * 900 + b"]" * 900)),
        save_header(NOTED % b'"\\ud800"'),
        save_header((NOTED % b"0").replace(b'1, "version": "0', b'2, "version": "\\ud800')),
        save_array_as_fingerprint,
        save_header((NOTED % b"0").decode().encode("utf-16")),
        save_member("more.npy", b"no array"),
        save_member("more.npy", npy("(1,)")),
        save_member("more.npy", npy(f"({2**40},)")),
        save_member("more.npy", npy("(-1, -1)") + bytes(8)),
        save_member("more.npy", npy("(0,)", dtype="|O")),
        save_member("more.npy", npy("(0,)", version=2)),
    ],
)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_file_that_is_no_checkpoint_is_refused(damaged, damage, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    damage(damaged)
    assert_refused(damaged)
    assert not Path("exploded").exists()


def assert_same_state(one, other):
    np.testing.assert_equal(asdict(one), asdict(other))


def is_refused(path):
    try:
        state_in(path.parent)
    except ValueError as error:
        return path.name in str(error)
    return False


def test_flipped_bits_are_noticed(damaged):
    whole, state = damaged.read_bytes(), state_in(damaged.parent)
    random, n_refused = np.random.RandomState(0), 0
    for _ in range(500):
        content = bytearray(whole)
        content[random.randint(len(content))] ^= 1 << random.randint(8)
        damaged.write_bytes(content)
        if is_refused(damaged):
            n_refused += 1
        else:  # it was in no array: in the time of writing, for example
            assert_same_state(state_in(damaged.parent), state)
    assert n_refused > 400


def test_file_that_is_cut_short_is_refused(damaged):
    whole = damaged.read_bytes()
    for n_bytes in range(0, len(whole), 499):
        damaged.write_bytes(whole[:n_bytes])
        assert is_refused(damaged)


def test_header_of_many_lists_takes_little_memory(tmp_path):
    text = b"[" + b"[]," * 10**5 + b"[]]"
    write_arrays(tmp_path / "file", {"header": np.frombuffer(text, dtype=np.uint8)})
    tracemalloc.start()
    with pytest.raises(ValueError, match="file"):
        read_state(tmp_path / "file", "key")
    assert tracemalloc.get_traced_memory()[1] < 2 * len(text) + 2 * 2**20
    tracemalloc.stop()


LOSSES = [0.5] * 10**5
LONG = {
    "losses": {"curve": Curve(LOSSES, lowest=0.5, last=0.5)},
    "records": {"records": {"HistoryFrame": [tuple(np.arange(6.0))] * 10**4}},
}


@pytest.mark.parametrize("parts", LONG.values(), ids=LONG)
def test_many_epochs_take_memory_as_documented(parts, tmp_path):
    """A list of Python's numbers takes more than the array."""
    generator = np.random.RandomState(0).get_state(legacy=False)
    state = TrainingState(np.zeros(1), random_state=generator, **parts)
    write_state(tmp_path / "file", state, "key")
    n_bytes = (tmp_path / "file").stat().st_size
    tracemalloc.start()
    again = read_state(tmp_path / "file", "key")
    assert tracemalloc.get_traced_memory()[1] < 16 * n_bytes + 2 * 2**20
    tracemalloc.stop()
    assert all(getattr(again, name) == part for name, part in parts.items())


def test_header_that_nests_takes_little_memory(tmp_path):
    """Each level has a path, and with it a copy of a long name."""
    text = NOTED % (b'{"%b": ' % (b"a" * 50_000) + b'{"a":' * 900 + b"0" + b"}" * 901)
    write_arrays(tmp_path / "file", {"header": np.frombuffer(text, dtype=np.uint8)})
    tracemalloc.start()
    with pytest.raises(ValueError, match=r"file .*nests"):
        read_state(tmp_path / "file", "key")
    assert tracemalloc.get_traced_memory()[1] < 2 * len(text) + 2 * 2**20
    tracemalloc.stop()


@pytest.mark.parametrize("kind", ["PCG64", "PCG64DXSM"])
def test_generator_that_draws_one_number_forever_is_refused(kind, tmp_path):
    """Else the first shuffle would never end, nor hear Ctrl-C."""
    generator = np.random.RandomState(getattr(np.random, kind)(0))
    for increment, is_sound in [(1, True), (3, True), (0, False), (2**127, False)]:
        random_state = generator.get_state(legacy=False)
        random_state["state"]["inc"] = increment
        state = TrainingState(np.zeros(1), random_state=random_state)
        write_state(tmp_path / "file", state, "key")
        if is_sound:
            read_state(tmp_path / "file", "key")
        else:
            with pytest.raises(ValueError, match=r"file .*period"):
                read_state(tmp_path / "file", "key")


# Writing


def full_disk(*_, **__):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("failing", [(os, "fsync"), (np, "savez"), (os, "replace")])
def test_failed_write_leaves_the_last_file_and_nothing_else(folder, failing, monkeypatch):
    fit_killed(folder, 3)
    before = file_in(folder).read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(*failing, full_disk)
        with pytest.raises(OSError, match="No space left"):
            fit(folder)
    assert [path.read_bytes() for path in folder.iterdir()] == [before]
    assert_same_training(fit(folder), make(max_iter=6).fit(X, y))


@pytest.mark.parametrize("seconds", [0, 60])
def test_a_file_that_others_have_open_is_replaced_once_they_are_done(
    folder, seconds, monkeypatch
):
    """On Windows; elsewhere the error is of another kind, and is raised at once."""
    fit_killed(folder, 3)
    before, replace, refusals = file_in(folder).read_bytes(), os.replace, iter(range(3))

    def refuse_for_a_while(*paths):
        if next(refusals, None) is not None:
            raise PermissionError(errno.EACCES, "it is open")
        replace(*paths)

    with monkeypatch.context() as patch:
        patch.setattr(files, "REPLACE_SECONDS", seconds)
        patch.setattr(os, "replace", refuse_for_a_while)
        if seconds == 0:
            with pytest.raises(PermissionError, match="it is open"):
                fit(folder)
            assert [path.read_bytes() for path in folder.iterdir()] == [before]
        else:
            fit(folder)
            assert file_in(folder).read_bytes() != before


def test_folder_is_made_and_may_be_a_string(tmp_path):
    fit(str(tmp_path / "one" / "two"))
    assert len(files_in(tmp_path / "one" / "two")) == 1


def test_folder_that_is_a_file(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(FileExistsError, match="file"):
        fit(tmp_path / "file")


def test_what_killed_writers_left_is_removed_after_an_hour(folder):
    fit(folder, max_iter=1)
    name = file_in(folder).name
    young, old, foreign = (folder / n for n in (f"{name}.a.tmp", f"{name}.b.tmp", "other.tmp"))
    for path in (young, old, foreign):
        path.touch()
    for path in (old, foreign):
        os.utime(path, times=(time.time() - 3700,) * 2)
    fit(folder, max_iter=1)
    assert young.exists()
    assert foreign.exists()
    assert not old.exists()


def test_writer_that_ends_while_left_overs_are_looked_for(folder, monkeypatch):
    monkeypatch.setattr(Path, "glob", lambda folder, pattern: [folder / "renamed.tmp"])
    assert fit(folder, max_iter=1).n_iter_ == 1


def test_files_are_synchronised_before_they_are_renamed(folder, monkeypatch):
    calls = []
    for name in ("fsync", "replace"):
        function = getattr(os, name)

        def noted(*arguments, name=name, function=function):
            calls.append(name)
            return function(*arguments)

        monkeypatch.setattr(files.os, name, noted)
    fit(folder, max_iter=1)
    folder_synced = ["fsync"] if os.name == "posix" else []
    assert calls == ["fsync", "replace", *folder_synced] * 2  # after the epoch, and the fit


@pytest.mark.parametrize("every", [0, -1, 1.5])
def test_bad_every(every):
    with pytest.raises(ValueError, match="every"):
        Checkpoint("folder", every=every)
