"""Estimators in pickles, joblib's files and skops' files: what is kept, by which version."""

import copy
import pickle
import pickletools

import joblib
import numpy as np
import pandas as pd
import pytest
import skops.io
from children import script
from estimators import weights
from resuming import assert_same_training, digits, halving, make
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skdigitnet import BackpropMLPClassifier, __version__
from skdigitnet._system.versions import FORMATS
from skdigitnet._training.state import TrainingState

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, y, X_val, y_val = digits()
ODD_AND_LARGE = np.column_stack([y % 2, y > 4]).astype(int)
OURS = "skdigitnet._classifier.BackpropMLPClassifier"


def fit(X=X, y=y, **parameters):
    return make(max_iter=3, **parameters).fit(X, y)


FITTED = {
    "plain": fit,
    "float32": lambda: fit(X.astype(np.float32), solver="adam"),
    "lbfgs": lambda: fit(solver="lbfgs", warm_start=True),
    "strings": lambda: fit(y=y.astype(str)),
    "objects": lambda: fit(y=y.astype(str).astype(object)),
    "booleans": lambda: fit(y=y > 4),
    "multilabel": lambda: fit(y=ODD_AND_LARGE, class_weight=[{0: 1, 1: 2}] * 2),
    "names": lambda: fit(pd.DataFrame(X).add_prefix("pixel ")),
    "early stopping": lambda: fit(early_stopping=True, scoring="f1_macro"),
    "warm start": lambda: fit(warm_start=True, early_stopping=True, dropout=[0.2]),
    "generator": lambda: fit(random_state=np.random.RandomState(3), warm_start=True),
    "partial fit": lambda: make(solver="adam").partial_fit(X, y, range(10)),
    "infinity": lambda: fit(n_iter_no_change=np.inf, class_weight={3: 2.0}),
    "numpy's numbers": lambda: fit(alpha=np.float64(0.1), hidden_layer_sizes=np.array([3, 2])),
}


def rows(case):
    return pd.DataFrame(X).add_prefix("pixel ") if case == "names" else X


def assert_same_model(one, other, X=X):
    """To the bit, in its training too."""
    np.testing.assert_array_equal(one.predict_proba(X), other.predict_proba(X))
    np.testing.assert_array_equal(one.predict(X), other.predict(X))
    assert one.classes_.dtype == other.classes_.dtype
    assert vars(one).keys() == vars(other).keys()
    assert_same_training(one, other)


# Other processes


WAYS = {
    **{
        f"protocol{n}.pkl": lambda clf, path, n=n: path.write_bytes(pickle.dumps(clf, n))
        for n in range(2, pickle.HIGHEST_PROTOCOL + 1)
    },
    "plain.joblib": joblib.dump,
    "compressed.joblib": lambda clf, path: joblib.dump(clf, path, compress=3),
}
IN_ANOTHER_PROCESS = """
import pathlib, pickle, joblib, numpy as np
for path in pathlib.Path("..").glob("*[lb]"):
    clf = pickle.loads(path.read_bytes()) if path.suffix == ".pkl" else joblib.load(path)
    p = clf.predict_proba(np.load("../X.npy"))
    clf.set_params(max_iter=2, warm_start=True).fit(np.load("../X.npy"), np.load("../y.npy"))
    np.savez(path.name + ".out.npz", p=p, next=clf.coefs_[0])
"""


def test_another_process_predicts_and_trains_the_same(tmp_path):
    clf = fit(warm_start=True)
    for name, way in WAYS.items():
        way(clf, tmp_path / name)
    np.save(tmp_path / "X.npy", X)
    np.save(tmp_path / "y.npy", y)
    (tmp_path / "elsewhere").mkdir()
    variables = {"PYTHONHASHSEED": "77"}
    script(IN_ANOTHER_PROCESS, cwd=tmp_path / "elsewhere", variables=variables)
    p = clf.predict_proba(X)
    clf.set_params(max_iter=2).fit(X, y)
    for name in WAYS:
        with np.load(tmp_path / "elsewhere" / f"{name}.out.npz") as out:
            np.testing.assert_array_equal(out["p"], p)
            np.testing.assert_array_equal(out["next"], clf.coefs_[0])


def test_processes_of_a_parallel_call_predict_the_same():
    clf = fit(learning_rate=lambda done: 1 - done / 2, warm_start=True)
    found = joblib.Parallel(n_jobs=2, backend="loky")(
        joblib.delayed(BackpropMLPClassifier.predict_proba)(clf, X[i:]) for i in (0, 50)
    )
    np.testing.assert_array_equal(found[0], clf.predict_proba(X))
    np.testing.assert_array_equal(found[1], clf.predict_proba(X[50:]))


@pytest.mark.parametrize("case", ["plain", "warm start", "lbfgs", "partial fit", "generator"])
def test_memory_maps_of_the_weights_can_be_used_and_trained(case, tmp_path):
    clf = FITTED[case]()
    joblib.dump(clf, tmp_path / "clf.joblib")
    mapped = joblib.load(tmp_path / "clf.joblib", mmap_mode="r")
    assert isinstance(mapped.coefs_[0], np.memmap)
    assert not mapped.coefs_[0].flags.writeable
    assert_same_model(mapped, clf)
    for one in (mapped, clf):
        one.set_params(warm_start=True).fit(X, y)
        if one.solver != "lbfgs":
            one.partial_fit(X, y)
    assert_same_model(mapped, clf)
    assert mapped.coefs_[0].flags.writeable
    assert type(mapped.coefs_[0]) is np.ndarray


# skops


@pytest.mark.parametrize("case", FITTED)
def test_skops_has_one_type_to_trust(case):
    clf = FITTED[case]()
    content = skops.io.dumps(clf)
    assert skops.io.get_untrusted_types(data=content) == [OURS]
    assert_same_model(skops.io.loads(content, trusted=[OURS]), clf, rows(case))


def test_skops_of_a_pipeline_and_of_a_function():
    clf = fit(learning_rate=halving, warm_start=True)
    pipeline = make_pipeline(StandardScaler(), clf).fit(X, y)
    content = skops.io.dumps(pipeline)
    types = skops.io.get_untrusted_types(data=content)
    assert set(types) == {OURS, "resuming.halving"}  # the user's own
    again = skops.io.loads(content, trusted=types)
    np.testing.assert_array_equal(again.predict_proba(X), pipeline.predict_proba(X))
    assert_same_model(again[-1], clf, again[0].transform(X))


def test_skops_of_one_that_is_not_fitted():
    clf = BackpropMLPClassifier(alpha=0.5)
    again = skops.io.loads(skops.io.dumps(clf), trusted=[OURS])
    assert vars(again) == vars(clf)


def test_training_continues_from_skops():
    clf = fit(warm_start=True, early_stopping=True, dropout=0.2)
    again = skops.io.loads(skops.io.dumps(clf), trusted=[OURS])
    assert isinstance(again._training_state, TrainingState)
    assert_same_model(again.fit(X, y), clf.fit(X, y))


# Which version


def saved_by(version, number=FORMATS["model"], without=(), clf=None):
    """What pickle keeps of an estimator, as if another version had done so."""
    state = (fit(warm_start=True) if clf is None else clf).__getstate__()
    state["_saved_by"] = {"kind": "model", "format": number, "version": version}
    training = state["_training_state"]
    for holder in (state, training, training["epoch"], training["optimiser"]):
        for name in without:
            holder.pop(name, None)
    return state


def restored(state):
    clf = BackpropMLPClassifier.__new__(BackpropMLPClassifier)
    clf.__setstate__(state)
    return clf


def test_pickle_says_which_version_made_it():
    note = make().__getstate__()["_saved_by"]
    assert note == {"kind": "model", "format": FORMATS["model"], "version": __version__}
    assert "_saved_by" not in vars(pickle.loads(pickle.dumps(make())))


def test_newer_pickle_is_refused_and_names_both_versions():
    newer = saved_by("12.3.4", FORMATS["model"] + 1)
    message = (
        rf"This BackpropMLPClassifier was saved by skdigitnet 12\.3\.4 .*; this is skdigitnet"
        rf" {__version__}, .* Install skdigitnet 12\.3\.4 or newer"
    )
    with pytest.raises(ValueError, match=message):
        restored(newer)


def test_newer_version_of_the_same_format_is_loaded():
    clf = fit(warm_start=True)
    assert_same_model(restored(saved_by("12.3.4", clf=clf)), clf)


def test_fields_that_an_older_version_lacked_get_their_defaults():
    older = saved_by("0.0.1", without=("dropout", "n_jobs", "dropout_key", "n_rate_cuts"))
    clf = restored(older)
    assert clf.get_params() == make(max_iter=3, warm_start=True).get_params()
    assert clf._training_state.epoch.dropout_key == 0
    assert_same_model(clf, fit(warm_start=True))
    clf.fit(X, y)
    assert clf.n_iter_ == 6


@pytest.mark.parametrize("note", [None, {}, "0.1.0", {"kind": "model", "version": "0.1.0"}])
def test_pickle_that_names_no_version_is_refused(note):
    state = saved_by("0.1.0")
    state["_saved_by"] = note
    with pytest.raises(ValueError, match="does not say which version"):
        restored(state)
    del state["_saved_by"]
    with pytest.raises(ValueError, match="does not say which version"):
        restored(state)


def test_pickle_names_no_private_class_but_the_estimators():
    names = [
        argument
        for opcode, argument, _ in pickletools.genops(pickle.dumps(fit(warm_start=True), 2))
        if opcode.name == "GLOBAL"
    ]
    ours = {name for name in names if name.startswith("skdigitnet")}
    assert ours == {"skdigitnet._classifier BackpropMLPClassifier"}


def test_copies_and_clones_are_as_they_were():
    clf = fit(warm_start=True)
    for again in (copy.copy(clf), copy.deepcopy(clf)):
        assert_same_model(again, clf)
    deep = copy.deepcopy(clf)
    assert not np.shares_memory(deep._training_state.theta, clf._training_state.theta)
    assert vars(clone(clf)) == vars(make(max_iter=3, warm_start=True))
    assert joblib.hash(clf) == joblib.hash(pickle.loads(pickle.dumps(clf)))


def test_a_copy_goes_its_own_way():
    clf = fit(warm_start=True)
    before, loss_curve = [part.copy() for part in weights(clf)], list(clf.loss_curve_)
    expected = copy.deepcopy(clf).fit(X, y)
    other = copy.copy(clf).fit(X, y)
    for left, right in zip(weights(clf), before, strict=True):
        np.testing.assert_array_equal(left, right)
    assert clf.loss_curve_ == loss_curve
    assert_same_model(other, expected)
    assert_same_model(clf.fit(X, y), expected)
