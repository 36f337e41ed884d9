"""Reading untrusted files under watch, in a process that one may kill."""

import functools
import gzip
import io
import json
import os
import resource
import sys
import time
import tracemalloc
import warnings
import zlib
from collections import Counter
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import mutations
import npz_mutations
import numpy as np
import pandas as pd
import psutil
from checkpointing import file_in
from idx_files import assert_same_bits, slow_reader
from resuming import cut_calls_short, digits, fit_until_call, make

from skdigitnet import BackpropMLPClassifier
from skdigitnet._system.packing import pack
from skdigitnet._system.records import _framed
from skdigitnet._system.versions import saved_by_us
from skdigitnet._training.checkpoint import has_a_sound_position, read_state, write_state
from skdigitnet.callbacks import Checkpoint, HistoryFrame
from skdigitnet.datasets import read_idx
from skdigitnet.model_selection._journal import MAGIC, rows_in

MIB = 2**20
MAX_SECONDS = 1.0
KEY = "0" * 32

os.fsync = lambda descriptor: None  # nothing here outlives the machine


# What is read, and what may come of it


@dataclass
class Kind:
    """How files of a kind are made, read and judged."""

    make: object  # of a generator
    read: object  # of a path
    check: object  # of a content and of its reading, or of None if it was refused
    factor: int = 16  # how often the file's bytes may be taken in memory, plus 2 MiB
    holds: object = len  # of a content: how many bytes it has, or unpacks to


def unpacked_size(content):
    """How many bytes a file holds, or unpacks to before it is damaged."""
    n_bytes = 0
    with suppress(EOFError, OSError, zlib.error), gzip.open(io.BytesIO(content)) as unpacked:
        while piece := unpacked.read1(1024):
            n_bytes += len(piece)
    return max(n_bytes, len(content))


def check_array(content, array):
    expected = slow_reader(content)
    if array is None:
        assert expected is None, "refused, and is right"
    else:
        assert expected is not None, "read, and is wrong"
        assert_same_bits(array, expected)


def numpy_arrays(content):
    """What NumPy reads from an npz file, or None."""
    try:
        with warnings.catch_warnings(action="ignore"), np.load(io.BytesIO(content)) as archive:
            return {name: archive[name] for name in archive.files}
    except Exception:  # it may raise anything for a damaged file
        return None


def checkpoint_contents(folder):
    """The numbers and arrays of training in and between epochs, with several generators."""
    X, y, *_ = digits()
    cut_calls_short()
    settings = [
        {"solver": "adam", "early_stopping": True, "dropout": 0.2},
        {
            "random_state": np.random.RandomState(np.random.PCG64(0)),
            "learning_rate": "adaptive",
        },
        {"momentum": 0, "random_state": np.random.RandomState(np.random.Philox(0))},
    ]
    for i, setting in enumerate(settings):
        clf = fit_until_call(make(warm_start=True, **setting), {"X": X, "y": y}, 20 + 4 * i)
        path = Path(folder, "right.npz")
        write_state(path, clf._training_state, KEY)
        yield taken_apart(path)
        path.unlink()


def taken_apart(path):
    """The numbers and the arrays in a file of ours."""
    arrays = numpy_arrays(path.read_bytes())
    return json.loads(arrays.pop("header").tobytes()), arrays


def check_state(content, state):
    """Its arrays are those that NumPy reads, and it is written and read as it is."""
    if state is None:
        return
    arrays = numpy_arrays(content) or {}
    parts = asdict(state)
    for path in arrays.keys() - {"header"}:
        try:
            found = functools.reduce(dict.__getitem__, path.split("/"), parts)
        except KeyError:  # no version of ours has written it
            continue
        np.testing.assert_array_equal(found, arrays[path], strict=False)
    if not has_a_sound_position(state.epoch):
        return  # Checkpoint refuses it when it knows the rows
    path = Path("again.npz")
    write_state(path, state, KEY)
    again = read_state(path, KEY)
    path.unlink()
    if not state.epoch.is_within_batch:
        state.epoch.gradient = None
    np.testing.assert_equal(asdict(again), asdict(state))


def checkpoints(folder):
    states = list(checkpoint_contents(folder))
    return Kind(
        make=lambda rng: npz_mutations.npz(*rng.choice(states), rng),
        read=lambda path: read_state(path, KEY),
        check=check_state,
    )


def weight_files(folder):
    rights = list(weight_contents(folder))
    return Kind(
        make=lambda rng: npz_mutations.npz(*rng.choice(rights), rng),
        read=lambda path: BackpropMLPClassifier().load_weights(path),
        check=check_network,
    )


def weight_contents(folder):
    """The numbers and arrays of networks with all kinds of labels, outputs and names."""
    X, y, *_ = digits()
    frame = pd.DataFrame(X, columns=[f"pixel {i}" for i in range(X.shape[1])])
    for parameters, rows, labels in [
        ({}, X, y),
        ({"hidden_layer_sizes": ()}, X.astype(np.float32), y > 4),
        ({"activation": "relu", "output_activation": "logistic"}, frame, y.astype(str)),
        ({"loss": "squared_error"}, X, np.char.add("digit ", y.astype(str)).astype(object)),
        ({"hidden_layer_sizes": (3, 4)}, X, np.eye(10, dtype=int)[y]),
    ]:
        path = Path(folder, "right.npz")
        make(max_iter=1, **parameters).fit(rows, labels).save_weights(path)
        yield taken_apart(path)
        path.unlink()


def check_network(content, clf):
    """Its weights are those that NumPy reads; it predicts, and is written and read as it is."""
    if clf is None:
        return
    arrays = numpy_arrays(content) or {}
    for kind in ("coefs", "intercepts"):
        for i, values in enumerate(getattr(clf, f"{kind}_")):
            expected = arrays.get(f"{kind}_{i}", values)
            np.testing.assert_array_equal(values, expected)  # which may be of another dtype
            assert values.shape == expected.shape
    path = Path("again.npz")
    clf.save_weights(path)
    again = BackpropMLPClassifier().load_weights(path)
    path.unlink()
    X = np.ones((3, clf.n_features_in_))
    assert (again.predict(X) == clf.predict(X)).all()
    assert len(clf.predict(X)) == 3


def journals(folder):
    """Journals of all kinds of values, whose records, and the bytes around, are changed."""
    header = pack({**saved_by_us("journal"), "study": {"X": ["0f", ""]}})
    about = {"params": {"alpha": 0.1, "size": (3, 4)}, "split": 1}
    result = {"test_scores": {"a": np.float64(np.nan)}, "curve": np.ones((3, 2)), "error": "é"}
    records = [bytes([i]) * 32 + pack({"result": result, "about": about}) for i in range(3)]

    def make(rng):
        changed = [mutations.bytes_changed(each, rng, share=0.2) for each in [header, *records]]
        whole = MAGIC + b"".join(_framed([each]) for each in changed)
        return mutations.bytes_changed(whole, rng, share=0.3)

    def check(content, rows):
        """It can be printed; a frame of pandas would take more memory than is left."""
        assert repr(rows).encode()
        assert all(type(name) is str for row in rows or () for name in row)

    return Kind(make=make, read=rows_in, check=check)


# by name; files may be made in the folder
KINDS = {
    "idx": lambda folder: Kind(mutations.idx, read_idx, check_array, 2),
    "gzip": lambda folder: Kind(mutations.gzipped, read_idx, check_array, 2, unpacked_size),
    "checkpoint": checkpoints,
    "weights": weight_files,
    "journal": journals,
}


# The watch


class Watch:
    """Calls a function and records what it did that reading a file should not do."""

    def __init__(self):
        self.is_on, self.forbidden = False, []
        sys.addaudithook(self._hear)
        room = psutil.Process().memory_info().vms + 1024 * MIB
        resource.setrlimit(resource.RLIMIT_AS, (room, room))

    def _hear(self, event, arguments):
        """Nothing but opening a file for reading, and NumPy's repr of an array in a message."""
        is_reading = event == "open" and arguments[1] in ("r", "rb")
        if self.is_on and not is_reading and event != "builtins.id":
            self.forbidden.append(f"{event} {arguments!r:.200}")

    def __call__(self, function, *arguments):
        """Result or ValueError of a call, its seconds of CPU, and the largest sum of memory."""
        self.forbidden.clear()
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            tracemalloc.start()
            began = time.process_time()
            self.is_on = True
            try:
                result = function(*arguments)
            except ValueError as error:
                result = error
            finally:
                self.is_on = False
            seconds = time.process_time() - began
            n_bytes = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
        assert not self.forbidden, self.forbidden
        assert not caught, caught[0].message
        return result, seconds, n_bytes


def read_files(name, first, last, folder):
    """Make, read and judge the files of a kind with these numbers.

    A file that something is wrong with is left in the folder. Returns how many were read
    and how many refused, the longest time, and the largest memory as a share of what is
    documented.
    """
    kind, watch = KINDS[name](folder), Watch()
    counts, longest, largest = Counter(), 0.0, 0.0
    for number in range(first, last):
        content = kind.make(mutations.generator(name, number))
        path = write(content, Path(folder, f"{name}-{number}"))
        result, seconds, n_bytes = watch(kind.read, path)
        assert seconds < MAX_SECONDS, f"{seconds} s"
        share = n_bytes / (kind.factor * kind.holds(content) + 2 * MIB)
        assert share < 1, f"{n_bytes} bytes of memory, {share} of what is documented"
        is_refused = isinstance(result, ValueError)
        if is_refused:
            assert str(result).startswith(str(path)), result
            assert str(result).encode()  # it can be printed
        kind.check(content, None if is_refused else result)
        path.unlink()
        counts["refused" if is_refused else "read"] += 1
        longest, largest = max(longest, seconds), max(largest, share)
    return counts["read"], counts["refused"], longest, largest


def write(content, path):
    path.write_bytes(content)
    return path


# Training that resumes from what was accepted

SETTINGS = [
    {"solver": "adam", "early_stopping": True, "dropout": 0.2},
    {"solver": "sgd", "learning_rate": "adaptive", "n_iter_no_change": 1, "tol": 0.1},
    {"solver": "adam", "random_state": 3, "shuffle": False},
    {"solver": "lbfgs"},
]
ROWS = dict(zip(["X", "y"], digits(), strict=False))


def classifier(setting, folder, max_iter=6):
    return make(max_iter=max_iter, **setting).set_callbacks(
        HistoryFrame(), Checkpoint(folder, every=100)
    )


def begun(setting, folder):
    """The path, numbers and arrays of a fit that has been begun, in the middle of a batch."""
    if setting["solver"] == "lbfgs":
        classifier(setting, folder, max_iter=3).fit(**ROWS)
    else:
        cut_calls_short()
        fit_until_call(classifier(setting, folder), ROWS, 20)
    return file_in(folder), *taken_apart(file_in(folder))


def train_from_files(first, last, folder):
    """Go on training from checkpoints of the right fit whose contents have been changed.

    Each fit has to end well or with a ValueError that names the file or says that training
    diverged. Returns how many did which. If one does not, an empty file has its number.
    """
    fits = [
        (setting, *begun(setting, Path(folder, str(i)))) for i, setting in enumerate(SETTINGS)
    ]
    counts = Counter()
    for number in range(first, last):
        rng = mutations.generator("training", number)
        setting, path, right, arrays = rng.choice(fits)
        numbers, arrays = npz_mutations.content_changed(right, arrays, rng, rng.choice([1, 2]))
        numbers |= {name: right[name] for name in ("kind", "format", "version", "fingerprint")}
        np.savez(path, header=np.frombuffer(json.dumps(numbers).encode(), np.uint8), **arrays)
        Path(path.parent.parent, f"training-{number}").touch()
        counts[outcome(setting, path)] += 1
        Path(path.parent.parent, f"training-{number}").unlink()
    return counts["trained"], counts["refused"]


def outcome(setting, path):
    try:
        clf = classifier(setting, path.parent).fit(**ROWS)
    except ValueError as error:
        if path.name in str(error) or str(error).startswith("Training diverged"):
            return "refused"
        raise
    assert np.isfinite(clf.predict_proba(ROWS["X"])).all()
    read_state(path, path.stem)
    return "trained"
