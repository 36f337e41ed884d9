"""Models saved by every released version load in this one and predict the same."""

import json
import pickle

import joblib
import numpy as np
import pytest
import skops.io
from golden import CHECKPOINT_KEY, GOLDEN, main, make, models, outputs, rows, save

from skdigitnet import BackpropMLPClassifier, __version__
from skdigitnet._system.files import read_arrays
from skdigitnet._system.versions import FORMATS
from skdigitnet._training.checkpoint import read_state, write_state

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

VERSIONS = sorted(path.name for path in GOLDEN.iterdir() if (path / "expected.npz").exists())
MODELS = ("sgd_float32", "adam_multilabel", "lbfgs_strings", "identity_objects", "warm_start")
LOAD = {
    ".pkl": lambda path: pickle.loads(path.read_bytes()),
    ".joblib": joblib.load,
    ".skops": lambda path: skops.io.load(path, trusted=[OURS]),
    ".npz": lambda path: BackpropMLPClassifier().load_weights(path),
}
OURS = "skdigitnet._classifier.BackpropMLPClassifier"


def expected(version):
    with np.load(GOLDEN / version / "expected.npz") as arrays:
        return {**arrays}


def assert_close(one, other):
    """As two processors may train the same: rounding, and what grows of it."""
    np.testing.assert_allclose(one, other, rtol=0, atol=1e-7)


def assert_rounded_alike(one, other):
    """As two processors predict with the same weights."""
    np.testing.assert_allclose(one, other, rtol=0, atol=1e-12)


def test_this_version_has_its_models():
    assert __version__ in VERSIONS


@pytest.mark.parametrize("version", VERSIONS)
def test_every_version_has_every_model(version):
    names = {path.name for path in (GOLDEN / version).iterdir()}
    assert names == {f"{m}{end}" for m in MODELS for end in LOAD} | {
        "checkpoint.npz",
        "expected.npz",
    }
    assert sum(path.stat().st_size for path in (GOLDEN / version).iterdir()) < 150_000


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("form", LOAD)
def test_saved_model_predicts_the_same(instruction_set, form, name, version):
    clf = LOAD[form](GOLDEN / version / f"{name}{form}")
    known = expected(version)
    assert_rounded_alike(outputs(clf, known["X"]), known[f"{name}/outputs"])
    np.testing.assert_array_equal(clf.predict(known["X"]).astype(str), known[f"{name}/labels"])
    assert clf.get_params().keys() == BackpropMLPClassifier().get_params().keys()


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("form", [".pkl", ".joblib", ".skops"])
def test_saved_training_continues_the_same(form, version):
    clf = LOAD[form](GOLDEN / version / f"warm_start{form}")
    known = expected(version)
    n_before = clf.n_iter_
    clf.fit(known["X"], known["y"])
    assert clf.n_iter_ > n_before
    assert_close(outputs(clf, known["X"]), known["warm_start/next_outputs"])


@pytest.mark.parametrize("version", VERSIONS)
def test_checkpoint_is_the_state_of_the_saved_model(version):
    known = expected(version)
    clf = BackpropMLPClassifier().load_weights(GOLDEN / version / "warm_start.npz")
    state = read_state(GOLDEN / version / "checkpoint.npz", CHECKPOINT_KEY)
    assert_close(state.published_theta[: clf.coefs_[0].size], clf.coefs_[0].ravel())
    resumed = pickle.loads((GOLDEN / version / "warm_start.pkl").read_bytes())
    resumed._training_state = state
    resumed.fit(known["X"], known["y"])
    assert_close(outputs(resumed, known["X"]), known["warm_start/next_outputs"])


# What is saved changes with its format only: otherwise an older version misreads it. Where one
# of these fails, raise the number in skdigitnet._system.versions.FORMATS.


def assert_changed_with_the_format(kind, old, new):
    (old_names, number), (new_names, _) = old, new
    assert number < FORMATS[kind] or set(old_names) == set(new_names)


def names_in(record):
    """Of a dict's entries and those of the dicts in it."""
    for name, value in record.items():
        inner = names_in(value) if type(value) is dict else ()
        yield from (name, *(f"{name}/{within}" for within in inner))


def names_in_pickle(path, monkeypatch):
    """The parameters and the fields of the training state in a pickle; its format."""
    found = []
    with monkeypatch.context() as patch:
        patch.setattr(
            BackpropMLPClassifier, "__setstate__", lambda _, state: found.append(state)
        )
        pickle.loads(path.read_bytes())
    (state,) = found
    parameters = {name for name in state if not (name.startswith("_") or name.endswith("_"))}
    training = state.get("_training_state") or {}
    return parameters | set(names_in(training)), state["_saved_by"]["format"]


def names_in_npz(path):
    header = json.loads(read_arrays(path)["header"].tobytes())
    return set(names_in(header)), header["format"]


@pytest.mark.parametrize("version", VERSIONS)
def test_models_and_weights_change_with_the_format(version, tmp_path, monkeypatch):
    for name, clf in models(*rows()).items():
        save(clf, tmp_path, name)
        pickles = (folder / f"{name}.pkl" for folder in (GOLDEN / version, tmp_path))
        files = (folder / f"{name}.npz" for folder in (GOLDEN / version, tmp_path))
        assert_changed_with_the_format(
            "model", *(names_in_pickle(path, monkeypatch) for path in pickles)
        )
        assert_changed_with_the_format("weights file", *(names_in_npz(path) for path in files))


@pytest.mark.parametrize("version", VERSIONS)
def test_checkpoints_change_with_the_format(version, tmp_path):
    path = GOLDEN / version / "checkpoint.npz"
    write_state(tmp_path / "new.npz", read_state(path, CHECKPOINT_KEY), CHECKPOINT_KEY)
    assert_changed_with_the_format(
        "checkpoint", names_in_npz(path), names_in_npz(tmp_path / "new.npz")
    )


# The script


def test_models_are_made_once(tmp_path):
    make(tmp_path / "new")
    assert {path.name for path in (tmp_path / "new").iterdir()} == {
        path.name for path in (GOLDEN / __version__).iterdir()
    }
    with pytest.raises(SystemExit, match=f"{__version__} exists"):
        main()
