"""Weights in a file: what is restored, what trains further, and what is refused."""

import json
import os

import numpy as np
import pandas as pd
import pytest
from children import script
from effort import effort
from estimators import weights
from resuming import digits, make
from sklearn.exceptions import NotFittedError

from skdigitnet import BackpropMLPClassifier, __version__
from skdigitnet._system.files import read_arrays, read_record, write_arrays, write_record

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, y, *_ = digits()
NAMES = [f"pixel {i}" for i in range(64)]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "weights.npz"


def fit(X=X, y=y, **parameters):
    return make(max_iter=3, **parameters).fit(X, y)


def assert_same_predictions(one, other, X=X):
    for name in ("predict", "predict_proba", "predict_log_proba", "decision_function"):
        assert hasattr(one, name) == hasattr(other, name)
        if hasattr(one, name):
            left, right = getattr(one, name)(X), getattr(other, name)(X)
            assert left.dtype == right.dtype
            np.testing.assert_array_equal(left, right)


FITTED = {
    "softmax": fit,
    "float32": lambda: fit(X.astype(np.float32)),
    "adam": lambda: fit(solver="adam", activation="relu", hidden_layer_sizes=(5, 3)),
    "lbfgs": lambda: fit(solver="lbfgs", activation="tanh"),
    "no hidden layer": lambda: fit(hidden_layer_sizes=(), activation="identity"),
    "early stopping": lambda: fit(early_stopping=True, warm_start=True),
    "int8 labels": lambda: fit(y=y.astype(np.int8)),
    "float32 labels": lambda: fit(y=y.astype(np.float32)),
    "strings": lambda: fit(y=np.array([f"Ziffer {k}, «{k}»" for k in y])),
    "wide strings": lambda: fit(y=y.astype("U30")),
    "objects": lambda: fit(y=y.astype(str).astype(object)),
    "booleans": lambda: fit(y=y > 4),
    "two softmax": lambda: fit(y=y > 4, output_activation="softmax"),
    "ten logistic": lambda: fit(output_activation="logistic"),
    "squared": lambda: fit(loss="squared_error", output_activation="softmax"),
    "identity": lambda: fit(loss="squared_error", output_activation="identity"),
    "one identity": lambda: fit(y=y > 4, loss="squared_error", output_activation="identity"),
    "multilabel": lambda: fit(y=np.column_stack([y > 4, y % 2, y < 3]).astype(int)),
    "multilabel of names": lambda: make().partial_fit(
        X, np.column_stack([y > 4, y % 2]), classes=["large", "odd"]
    ),
    "names": lambda: fit(pd.DataFrame(X, columns=NAMES)),
    "edited": lambda: edited(fit()),
}


def edited(clf):
    """With weights as a user may put them there."""
    clf.coefs_[0] = np.asfortranarray(clf.coefs_[0] * 2)
    clf.intercepts_[0] = clf.intercepts_[0].astype(np.float32)
    return clf


@pytest.mark.parametrize("case", FITTED)
def test_loaded_weights_predict_the_same_bits(case, path):
    clf = FITTED[case]()
    rows = pd.DataFrame(X, columns=NAMES) if case == "names" else X
    clf.save_weights(path)
    loaded = BackpropMLPClassifier().load_weights(str(path))
    assert_same_predictions(clf, loaded, rows)
    assert loaded.classes_.dtype == clf.classes_.dtype
    assert [*map(type, loaded.classes_.tolist())] == [*map(type, clf.classes_.tolist())]
    np.testing.assert_array_equal(loaded.classes_, clf.classes_)
    for name in ("n_features_in_", "n_layers_", "n_outputs_", "out_activation_"):
        assert getattr(loaded, name) == getattr(clf, name)
    assert hasattr(loaded, "feature_names_in_") == (case == "names")


def test_names_of_features_are_kept(path):
    frame = pd.DataFrame(X, columns=NAMES)
    fit(frame).save_weights(path)
    loaded = BackpropMLPClassifier().load_weights(path)
    assert loaded.feature_names_in_.dtype == object
    assert loaded.feature_names_in_.tolist() == NAMES
    with pytest.raises(ValueError, match="feature names"):
        loaded.predict(frame.rename(columns=str.upper))


def test_another_process_predicts_the_same_bits(path, tmp_path):
    clf = fit(y=y.astype(str))
    clf.save_weights(path)
    np.save(tmp_path / "X.npy", X)
    source = """
import numpy as np
from skdigitnet import BackpropMLPClassifier
clf = BackpropMLPClassifier().load_weights("weights.npz")
np.savez("out.npz", p=clf.predict_proba(np.load("X.npy")), y=clf.predict(np.load("X.npy")))
"""
    script(source, cwd=tmp_path)
    with np.load(tmp_path / "out.npz") as out:
        np.testing.assert_array_equal(out["p"], clf.predict_proba(X))
        np.testing.assert_array_equal(out["y"], clf.predict(X))


def test_numpy_opens_the_file(path):
    clf = fit()
    clf.save_weights(path)
    with np.load(path) as file:
        for i in range(2):
            np.testing.assert_array_equal(file[f"coefs_{i}"], clf.coefs_[i])
            np.testing.assert_array_equal(file[f"intercepts_{i}"], clf.intercepts_[i])
        np.testing.assert_array_equal(file["classes"], clf.classes_)
        assert json.loads(file["header"].tobytes())["version"] == __version__


def test_the_name_is_taken_as_it_is_and_the_file_replaced(tmp_path):
    fit().save_weights(tmp_path / "model")
    clf = fit(hidden_layer_sizes=(3,))
    clf.save_weights(tmp_path / "model")
    assert os.listdir(tmp_path) == ["model"]
    assert_same_predictions(BackpropMLPClassifier().load_weights(tmp_path / "model"), clf)


# The loaded estimator


def test_parameters_of_the_network_are_taken_and_the_others_stay(path):
    fit(loss="squared_error", activation="tanh", hidden_layer_sizes=(5, 3)).save_weights(path)
    clf = BackpropMLPClassifier(solver="adam", alpha=0.5, warm_start=True)
    expected = clf.get_params() | {
        "loss": "squared_error",
        "activation": "tanh",
        "hidden_layer_sizes": (5, 3),
        "output_activation": "softmax",
    }
    assert clf.load_weights(path) is clf
    assert clf.get_params() == expected


def test_nothing_of_an_earlier_fit_stays(path):
    fit().save_weights(path)
    frame = pd.DataFrame(X, columns=NAMES)
    clf = fit(frame, early_stopping=True, warm_start=True)
    loaded, fresh = clf.load_weights(path), BackpropMLPClassifier().load_weights(path)
    assert vars(loaded).keys() == vars(fresh).keys()
    for one in (loaded, fresh):
        assert (one.n_iter_, one.t_, one.loss_curve_) == (0, 0, [])
        assert np.isnan(one.loss_)
        assert one.validation_scores_ is one.best_iteration_ is None


@pytest.mark.parametrize("solver", ["sgd", "adam", "lbfgs"])
def test_warm_start_goes_on_from_the_weights(solver, path):
    clf = fit()
    clf.save_weights(path)
    start = {"coef_init": clf.coefs_, "intercept_init": clf.intercepts_}
    given = make(solver=solver, max_iter=2, shuffle=False).fit(X, y, **start)
    loaded = make(solver=solver, max_iter=2, shuffle=False, warm_start=True)
    loaded.load_weights(path).fit(X, y)
    assert loaded.n_iter_ == 2
    assert loaded.loss_curve_ == given.loss_curve_
    for left, right in zip(weights(loaded), weights(given), strict=True):
        np.testing.assert_array_equal(left, right)


def test_partial_fit_goes_on_from_the_weights(path):
    clf = fit()
    clf.save_weights(path)
    loaded = make().load_weights(path).partial_fit(X, y)
    assert loaded.n_iter_ == 1
    assert loaded.loss_ < clf.loss_
    with pytest.raises(ValueError, match=r"labels \[10, 11\]"):
        loaded.partial_fit(X, y + 2)


def test_fit_without_warm_start_trains_a_new_network(path):
    fit(y=y > 4).save_weights(path)
    clf = make(max_iter=3, output_activation="logistic").load_weights(path)
    clf.fit(X, y)
    assert_same_predictions(clf, fit(output_activation="logistic"))


# What cannot be kept


def test_estimator_that_is_not_fitted(path):
    with pytest.raises(NotFittedError):
        BackpropMLPClassifier().save_weights(path)
    with pytest.raises(FileNotFoundError):
        BackpropMLPClassifier().load_weights(path)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.datetime64("2026-01-01") + y, "of datetime64"),
        (y.astype(np.longdouble), "numbers of up to 64 bits"),
        (np.array(["a", "b\0"], dtype=object)[y % 2], "classes_ has strings that end in NUL"),
    ],
)
def test_labels_that_a_file_cannot_have(labels, message, path):
    clf = fit(y=labels)
    with pytest.raises(ValueError, match=message):
        clf.save_weights(path)
    assert not path.exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda clf: clf.coefs_[0].fill(np.nan), "finite"),
        (lambda clf: clf.coefs_.__setitem__(0, clf.coefs_[0][:, 1:]), "shapes"),
        (lambda clf: clf.set_params(loss="squared_error", activation="sine"), "sine"),
    ],
)
def test_weights_that_could_not_be_loaded_are_not_saved(change, message, path):
    clf = fit()
    change(clf)
    with pytest.raises(ValueError, match=message):
        clf.save_weights(path)
    assert not path.exists()


# Untrusted files


def record(path):
    return read_record(path, "weights file")


def with_changes(record, changes):
    """A record with other values; ABSENT ones are left out."""
    changed = {**record}
    for name, value in changes.items():
        changed[name] = value(record[name]) if callable(value) else value
        if value is ABSENT:
            del changed[name]
    return changed


ABSENT = object()


def load_into_a_fitted_one(path):
    """Load, and see that an estimator that refuses to stays as it was."""
    clf = fit(warm_start=True)
    before = {**vars(clf)}
    try:
        return clf.load_weights(path)
    except ValueError:
        assert vars(clf).keys() == before.keys()
        assert all(vars(clf)[name] is before[name] for name in before)
        raise


@pytest.mark.parametrize(
    "changes",
    [
        *({name: ABSENT} for name in ("classes", "coefs_0", "intercepts_1", "loss")),
        *({name: ABSENT} for name in ("multilabel", "activation", "out_activation")),
        {"coefs_0": ABSENT, "coefs_1": ABSENT, "intercepts_0": ABSENT, "intercepts_1": ABSENT},
        {"coefs_0": lambda W: W[:, 1:]},
        {"coefs_0": lambda W: W[:0]},
        {"coefs_0": lambda W: W.ravel()},
        {"coefs_0": lambda W: W[None]},
        {"coefs_0": lambda W: W.astype(int)},
        {"coefs_0": lambda W: W.astype(">f8")},
        {"coefs_0": lambda W: W.astype(np.float16)},
        {"coefs_0": lambda W: W.astype(str)},
        {"coefs_0": lambda W: W * np.nan},
        {"coefs_0": lambda W: W + np.inf},
        {"coefs_0": 1.0},
        {"coefs_0": [[1.0]]},
        {"coefs_2": np.ones((10, 10))},
        {"intercepts_1": lambda b: b[:, None]},
        {"intercepts_1": lambda b: b[1:]},
        {"classes": lambda k: k[1:]},
        {"classes": lambda k: k[:1]},
        {"classes": lambda k: k[::-1]},
        {"classes": lambda k: k * 0},
        {"classes": lambda k: np.where(k, k, np.nan)},
        {"classes": lambda k: k[:, None]},
        {"classes": lambda k: np.array(7)},
        {"classes": list(range(10))},
        {"classes": {"a": 1}},
        {"classes_are_objects": True},
        {"classes_are_objects": "yes"},
        {"multilabel": 0},
        {"multilabel": "no"},
        {"multilabel": True},
        {"activation": "sine"},
        {"activation": []},
        {"activation": 3},
        {"out_activation": "auto"},
        {"out_activation": "identity"},
        {"out_activation": {}},
        {"loss": "hinge"},
        {"loss": ["log_loss"]},
        {"feature_names": "a" * 64},
        {"feature_names": np.arange(64)},
        {"feature_names": np.array(["a"] * 63)},
        {"feature_names": np.array(["a"] * 64).reshape(1, 64)},
        {"feature_names": {"0": "a"}},
        {"format": 0},
        {"format": True},
        {"format": "1"},
        {"format": [1]},
        {"version": 1},
        {"kind": "checkpoint"},
        {"kind": ["weights file"]},
    ],
    ids="-".join,
)
def test_file_with_impossible_contents_is_refused(changes, path):
    fit().save_weights(path)
    write_record(path, "weights file", with_changes(record(path), changes))
    with pytest.raises(ValueError, match="weights"):
        load_into_a_fitted_one(path)


def test_characters_that_do_not_exist(path):
    fit(y=y.astype(str)).save_weights(path)
    arrays = read_arrays(path)
    arrays["classes"].view(np.uint32)[-1] = 0x110000
    write_arrays(path, arrays)
    with pytest.raises(ValueError, match=path.name):
        load_into_a_fitted_one(path)


def save_header(text, path):
    write_arrays(path, {"header": np.frombuffer(text, dtype=np.uint8)})


SOUND = b'{"kind": "weights file", "format": 1, "version": "0.1.0", '


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b"[" * 60_000,
        b'{"a":' * 10_000 + b"0" + b"}" * 10_000,
        SOUND + b'"a":' + b"9" * 5000 + b"}",
        SOUND + b'"a": ' + b"[[],[]," * 100_000,
        SOUND + b'"header": null}',
        SOUND + b'"coefs_0": NaN, "intercepts_0": Infinity, "classes": null}',
        "{}".encode("utf-16"),
    ],
    ids=lambda text: repr(text[:60]),
)
def test_header_that_is_no_description_is_refused(text, path):
    save_header(text, path)
    with pytest.raises(ValueError, match=path.name):
        load_into_a_fitted_one(path)


def test_array_that_the_header_does_not_know_is_refused(path):
    fit().save_weights(path)
    write_arrays(path, {**read_arrays(path), "more": np.zeros(3)})
    with pytest.raises(ValueError, match="more"):
        load_into_a_fitted_one(path)


def test_other_files_are_refused(path):
    for content in (b"", b"no zip file", b"PK\x05\x06" + bytes(18)):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=path.name):
            load_into_a_fitted_one(path)
    np.savez(path, X=X)
    with pytest.raises(ValueError, match="is not a weights file of skdigitnet"):
        load_into_a_fitted_one(path)


def test_a_checkpoint_is_no_weights_file(path):
    write_record(path, "checkpoint", {"fingerprint": "0"})
    with pytest.raises(ValueError, match="is a checkpoint of skdigitnet, not a weights file"):
        load_into_a_fitted_one(path)


def test_file_of_a_newer_version_names_both(path):
    fit().save_weights(path)
    changes = {"format": 2, "version": "7.5.1", "classes": ABSENT}
    write_record(path, "weights file", with_changes(record(path), changes))
    with pytest.raises(ValueError, match=rf"7\.5\.1 in format 2.* {__version__}"):
        load_into_a_fitted_one(path)


def test_file_of_another_version_of_the_same_format_is_loaded(path):
    clf = fit()
    clf.save_weights(path)
    write_record(path, "weights file", with_changes(record(path), {"version": "0.1.9"}))
    assert_same_predictions(load_into_a_fitted_one(path), clf)


def test_flipped_bits_and_cuts_are_noticed(path):
    clf = fit()
    clf.save_weights(path)
    whole, random, n_refused = path.read_bytes(), np.random.RandomState(0), 0
    n_rounds = effort(300, 20_000)
    for _ in range(n_rounds):
        content = bytearray(whole)
        content[random.randint(len(content))] ^= 1 << random.randint(8)
        path.write_bytes(content)
        try:
            loaded = BackpropMLPClassifier().load_weights(path)
        except ValueError:
            n_refused += 1
        else:  # it was in no array: in the time of writing, for example
            assert_same_predictions(loaded, clf)
    assert n_refused > 0.7 * n_rounds
    for n_bytes in range(0, len(whole), 97):
        path.write_bytes(whole[:n_bytes])
        with pytest.raises(ValueError, match=path.name):
            BackpropMLPClassifier().load_weights(path)
