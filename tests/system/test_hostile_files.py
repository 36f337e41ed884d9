"""Untrusted files: read right or refused, at once, in little memory, with no code executed."""

import json
import tracemalloc
from dataclasses import fields

import numpy as np
import pytest
from children import in_child
from effort import effort
from hypothesis import given, settings
from hypothesis import strategies as st
from idx_files import assert_same_bits, slow_reader
from mutations import TYPES, idx_file

from skdigitnet import BackpropMLPClassifier
from skdigitnet._system.files import read_arrays, write_arrays
from skdigitnet._training.checkpoint import read_state, write_state
from skdigitnet._training.state import Best, Curve, Epoch, Optimiser, TrainingState
from skdigitnet.datasets import read_idx

pytest.importorskip("resource", reason="the children's memory is limited")

CHILD_FILES = 1000  # a child's numbers of files


def results_of(call, *arguments, n_files, folder):
    """What the children return who share these files, a list for each.

    A failure names the file that is left in the folder: calling the function with its
    number makes it again.
    """
    for first in range(0, n_files, CHILD_FILES):
        last = min(first + CHILD_FILES, n_files)
        try:
            yield in_child(call, *arguments, first, last, str(folder), cwd=folder)
        except AssertionError as error:
            error.add_note(f"left in the folder: {sorted(p.name for p in folder.iterdir())}")
            raise


@pytest.mark.parametrize("kind", ["idx", "gzip", "checkpoint", "weights", "journal"])
def test_mutated_files_are_read_right_or_refused(kind, tmp_path):
    n_files = effort(250, 25_000)
    results = results_of("hostile.read_files", kind, n_files=n_files, folder=tmp_path)
    n_read, n_refused, seconds, shares = zip(*results, strict=True)
    print(f"{kind}: {sum(n_read)} read, {sum(n_refused)} refused, the longest in")
    print(f"{max(seconds):.3f} s, the largest with {max(shares):.1%} of the memory documented")
    assert sum(n_read) + sum(n_refused) == n_files
    assert 0.05 * n_files < sum(n_read) < 0.95 * n_files
    assert not list(tmp_path.iterdir())


def test_training_from_mutated_checkpoints_ends_well_or_is_refused(tmp_path):
    pytest.importorskip("sklearn.callback", reason="callbacks need scikit-learn 1.9")
    n_files = effort(100, 10_000)
    results = results_of("hostile.train_from_files", n_files=n_files, folder=tmp_path)
    n_trained, n_refused = (sum(counts) for counts in zip(*results, strict=True))
    print(f"{n_trained} trained, {n_refused} refused")
    assert n_trained + n_refused == n_files
    assert n_trained > 0.05 * n_files


def result_of(read, path, *arguments):
    """What is read, or None if that is refused with the file's name."""
    try:
        return read(path, *arguments)
    except ValueError as error:
        assert str(error).startswith(str(path))  # noqa: PT017, of whichever file
        return None


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_weights_with_many_names_take_memory_as_documented(tmp_path):
    """A string of Python takes seven times what it does in the file."""
    path, n_names = tmp_path / "weights.npz", 100_000
    clf = BackpropMLPClassifier(max_iter=1, hidden_layer_sizes=()).fit(
        [[0.0], [1.0]], ["a", "b"]
    )
    clf.save_weights(path)
    arrays = read_arrays(path)
    header = json.loads(arrays["header"].tobytes()) | {"feature_names": None}
    arrays["header"] = np.frombuffer(json.dumps(header).encode(), dtype=np.uint8)
    names = [chr(300 + i // 1000) + chr(300 + i % 1000) for i in range(n_names)]
    for n_features in (1, n_names):
        arrays |= {"feature_names": np.array(names), "coefs_0": np.ones((n_features, 1))}
        write_arrays(path, arrays)
        tracemalloc.start()
        loaded = result_of(BackpropMLPClassifier().load_weights, path)
        assert tracemalloc.get_traced_memory()[1] < 16 * path.stat().st_size + 2 * 2**20
        tracemalloc.stop()
        assert (loaded is None) == (n_features == 1)


# Files by their grammar

by_grammar = settings(max_examples=effort(100, 5000), deadline=None, derandomize=True)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("grammar") / "file"


@by_grammar
@given(
    code=st.sampled_from(list(TYPES)) | st.integers(0, 255),
    shape=st.lists(st.integers(0, 3) | st.integers(0, 2**32 - 1), max_size=6),
    n_more_dims=st.just(0) | st.integers(0, 3),
    items=st.binary(max_size=100),
)
def test_idx_files_by_grammar(path, code, shape, n_more_dims, items):
    content = idx_file(code, len(shape) + n_more_dims, shape, items)
    path.write_bytes(content)
    array, expected = result_of(read_idx, path), slow_reader(content)
    assert (array is None) == (expected is None)
    if array is not None:
        assert_same_bits(array, expected)


PARTS = (TrainingState, Curve, Best, Epoch, Optimiser)
FIELDS = [field.name for part in PARTS for field in fields(part)]
NAMES = st.sampled_from([*FIELDS, "kind", "format", "version"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | NAMES, inner),
    max_leaves=10,
)


@by_grammar
@given(changes=st.dictionaries(NAMES | st.text(), VALUES, max_size=3))
def test_headers_of_checkpoints_by_grammar(path, changes):
    generator = np.random.RandomState(0).get_state(legacy=False)
    write_state(path, TrainingState(np.zeros(3), random_state=generator), "key")
    arrays = read_arrays(path)
    header = json.loads(arrays["header"].tobytes()) | changes
    arrays["header"] = np.frombuffer(json.dumps(header).encode(), dtype=np.uint8)
    write_arrays(path, arrays)
    state = result_of(read_state, path, "key")
    assert state is None or isinstance(state, TrainingState)
