"""Keys of studies and cells: the same for the same work, in any process, and for no other."""

import datetime
import functools
import os
import tracemalloc
import types

import numpy as np
import pandas as pd
import pytest
from children import in_child
from effort import effort
from hypothesis import given, settings
from hypothesis import strategies as st
from journals import accuracy, keys
from scipy import sparse
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import (
    accuracy_score,
    check_scoring,
    f1_score,
    get_scorer,
    get_scorer_names,
    make_scorer,
)
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, StandardScaler

from skdigitnet import BackpropMLPClassifier
from skdigitnet.model_selection import _identity
from skdigitnet.model_selection._identity import _digest, cell_key, study_key

X = np.arange(24.0).reshape(8, 3)
Y = np.array([0, 1] * 4)
SPLITS = list(KFold(2).split(X))
NET = BackpropMLPClassifier(random_state=0)


def key(**changes):
    """The digest of a study that differs in so much from the one without changes."""
    arguments = {"X": X, "y": Y, "fit_params": {}, "splits": SPLITS, "estimator": NET}
    return study_key(**(arguments | {"scorers": accuracy} | changes)).digest


def test_every_process_has_the_same_keys():
    seed = "2" if os.environ.get("PYTHONHASHSEED") == "1" else "1"
    there = in_child("journals.keys", variables={"PYTHONHASHSEED": seed})
    assert there == keys()
    assert len(set(there)) == len(there)


NAMES = pd.DataFrame(X, columns=["a", "b", "c"])
SAME = [
    (X, np.asfortranarray(X)),
    (X, np.repeat(X, 2, axis=1)[:, ::2]),
    (X, X[::-1][::-1].view(np.ndarray)),
    (np.float64(0.5), 0.5),
    (np.int8(1), 1),
    (np.bool_(True), True),
    (np.str_("a"), "a"),
    ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
    (sparse.csr_array(X), sparse.csr_matrix(X)),
    (sparse.csr_array(X), sparse.coo_array(X)),
    (NAMES, NAMES.set_index(np.arange(8)[::-1])),
    (NET, BackpropMLPClassifier(random_state=np.int64(0), verbose=True, n_jobs=2)),
    (make_pipeline(NET), make_pipeline(NET, verbose=True, memory="folder")),
    (get_scorer("accuracy"), make_scorer(accuracy_score)),
    (check_scoring(NET), check_scoring(BackpropMLPClassifier())),  # says nothing of its own
]


@pytest.mark.parametrize("i", range(len(SAME)))
def test_the_same(i):
    one, other = SAME[i]
    assert _digest(one) == _digest(other)


long_indices = sparse.csr_array(X)
long_indices.indices = long_indices.indices.astype(np.int64)
long_indices.indptr = long_indices.indptr.astype(np.int64)


def test_indices_of_32_and_64_bits_are_the_same():
    assert _digest(long_indices) == _digest(sparse.csr_array(X))


DIFFERENT = [
    None, False, 0, 0.0, -0.0, "", b"", (), [], {}, set(), "0", 1, 1.0, 1j, True, "a", ["a"],
    ("a",), {"a"}, ["a", "b"], [["a"], "b"], ["ab"], [["a", "b"]], {"a": "b"}, {"b": "a"},
    float("nan"), range(1), slice(1), ..., np.int64, int, datetime.date(2020, 1, 1),
    datetime.timedelta(1), X, X.astype(np.float32), X.astype(">f8"), X.T, X.ravel(), X + 0j,
    np.zeros(3), np.zeros(3, int), ["a", "bstr\nc"], ["astr\nb", "c"], X[:0],
    X[:, :0], np.array(["a"]), np.array(["a"], dtype=object), np.array([b"a"]), X * -0.0,
    np.array([(1, 2.0)], "i4,f8"), np.array([(1, 2.0)], [("a", "i4"), ("f1", "f8")]),
    np.array(["2020"], "M8[D]"), np.array(["2020"], "M8[s]"), sparse.csr_array(X),
    sparse.csc_array(X), sparse.csr_array(X.astype(np.float32)), sparse.csr_array(X[:, ::-1]),
    sparse.csr_array((3, 4)), sparse.csr_array((3, 5)), NAMES, NAMES.rename(columns={"a": "d"}),
    NAMES[["b", "a", "c"]], NAMES.astype({"a": np.float32}), NAMES["a"], NAMES["b"],
    pd.Series(["x", "y"], dtype="category"), pd.Series(["x", "y"]), pd.Series([1, None]),
    pd.Series([1, None], dtype="Int64"), pd.Series([1, 0], dtype="Int64"),
    pd.Series(pd.Categorical(["x", "y"], ["y", "x"])),
    pd.Series(pd.to_datetime(["2020-01-01", None])), accuracy, accuracy_score, f1_score, np.log,
    len, np.mean, X.mean, functools.partial(accuracy_score), KFold(), KFold(3),
    functools.partial(accuracy_score, normalize=False), StratifiedKFold(), NET, NET.score,
    BackpropMLPClassifier(random_state=1), BackpropMLPClassifier,
    LogisticRegression(random_state=0),
    BackpropMLPClassifier(random_state=0, alpha=1), make_pipeline(NET),
    make_pipeline("passthrough", NET), make_pipeline(StandardScaler(), NET),
    make_pipeline(MinMaxScaler(), NET),
    make_pipeline(StandardScaler(with_std=False), NET), FunctionTransformer(np.log1p),
    ColumnTransformer([("a", StandardScaler(), [0])]), FunctionTransformer(np.expm1),
    ColumnTransformer([("a", StandardScaler(), [1])]), check_scoring(NET),
    make_scorer(f1_score), make_scorer(f1_score, average="micro"),
    make_scorer(f1_score, greater_is_better=False),
    make_scorer(f1_score, response_method="predict_proba"),
    make_pipeline(StandardScaler(), NET).set_output(transform="pandas"),
]  # fmt: skip


def test_different():
    """Each of these is itself, and no two are the same."""
    digests = [_digest(value) for value in DIFFERENT]
    twice = [i for i, digest in enumerate(digests) if digests.index(digest) != i]
    assert twice == []


# Few, so that two trees are often the same
LEAVES = st.sampled_from([None, True, 0, 1, 1.0, "", "a", "1"])
TREES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.lists(inner, max_size=3).map(tuple),
    max_leaves=5,
)


@settings(max_examples=effort(300, 5000), deadline=None, derandomize=True)
@given(TREES, TREES)
def test_trees_are_the_same_if_they_read_the_same(one, other):
    assert (_digest(one) == _digest(other)) == (repr(one) == repr(other))


def test_frames_of_polars():
    """For NumPy, what is missing is NaN as well."""
    polars = pytest.importorskip("polars")
    columns = [
        {"a": [1.0, None]},
        {"a": [1.0, float("nan")]},
        {"b": [1.0, None]},
        {"a": [1, 0]},
    ]
    frames = [polars.DataFrame(each) for each in columns]
    values = [*frames, *(frame[frame.columns[0]] for frame in frames)]
    assert len({_digest(value) for value in values}) == len(values)
    assert _digest(frames[0]) == _digest(polars.DataFrame(columns[0]))


def test_scorers_differ_by_name():
    names = get_scorer_names()
    assert len({_digest(get_scorer(name)) for name in names}) == len(names)


@pytest.mark.parametrize(
    "change",
    [
        {"X": X + 1},
        {"y": 1 - Y},
        {"fit_params": {"sample_weight": X[:, 0]}},
        {"splits": SPLITS[::-1]},
        {"splits": [(test, train) for train, test in SPLITS]},
        {"scorers": get_scorer("f1")},
        {"scorers": {"a": accuracy}},
        {"estimator": BackpropMLPClassifier(random_state=0, alpha=1)},
        {"estimator": make_pipeline(NET)},
        {"settings": {"return_train_score": True}},
    ],
    ids=lambda change: "-".join(change),
)
def test_a_change_makes_another_study(change):
    assert key(**change) != key()


def test_a_study_is_the_same_with_the_same_rows():
    masks = [(np.isin(np.arange(8), train), test.astype(np.int32)) for train, test in SPLITS]
    for splits in (iter(SPLITS), masks, [(train.tolist(), test) for train, test in SPLITS]):
        assert key(splits=splits) == key()


def test_another_version_is_another_study(monkeypatch):
    before = key()
    for module in (_identity.np, _identity.scipy, _identity.sklearn):
        with monkeypatch.context() as patch:
            patch.setattr(module, "__version__", "0.0")
            assert key() != before
    monkeypatch.setattr(_identity, "VERSION", "0.0")
    assert key() != before


def test_differences_are_named():
    pipeline = make_pipeline(StandardScaler(), NET)
    other = make_pipeline(MinMaxScaler(), BackpropMLPClassifier((9,), random_state=0))
    other.steps[0] = ("standardscaler", MinMaxScaler())
    scorers = {"accuracy": get_scorer("accuracy")}
    study = study_key(X, Y, {}, SPLITS, scorers, pipeline)
    changed = study_key(X + 1, Y, {}, SPLITS, {"accuracy": accuracy}, other)
    name = "backpropmlpclassifier__hidden_layer_sizes"
    found = changed.differences_from(study.parts)
    assert {"X differs", "the scorer 'accuracy' differs"} <= set(found)
    assert f"{name} of the estimator was (100,) and is (9,)" in found
    assert "standardscaler of the estimator was StandardScaler and is MinMaxScaler" in found
    assert not any("the splits" in text or "y " in text for text in found)
    assert study.differences_from(study.parts) == []


def function(source):
    module = types.ModuleType("written_later")
    exec(source, vars(module))
    return module


@pytest.mark.parametrize(
    ("source", "is_same"),
    [
        ("\n# a remark\ndef score(e, X, y, k=1):\n    return k + 1", True),
        ("def score(e, X, y, k=1):\n return k + 2", False),
        ("def score(e, X, y, k=2):\n return k + 1", False),
        ("def score(e, X, y, k=1):\n return [k + i for i in y if i < 2]", False),
        ("def score(e, X, y, k=1):\n return [k + i for i in y if i < 3]", False),
    ],
)
def test_a_function_that_was_edited_is_another_one(source, is_same, monkeypatch):
    digests = []
    for text in ("def score(e, X, y, k=1):\n return k + 1", source):
        module = function(text)
        monkeypatch.setitem(_identity.sys.modules, "written_later", module)
        digests.append(_digest(module.score))
    assert (digests[0] == digests[1]) == is_same


def local():
    def scorer(estimator, X, y):
        return 0.0

    return scorer


class Slotted:
    __slots__ = ("a",)


LOOP: list = []
LOOP.append(LOOP)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (lambda estimator, X, y: 0.0, "define it with def or class in a module"),
        (local(), "define it with def or class in a module"),
        (make_scorer(local()), "define it with def or class in a module"),
        (functools.partial(local()), "define it with def or class in a module"),
        (np.random.RandomState(0), "set it to an int"),
        (np.random.default_rng(0), "set it to an int"),
        (KFold(shuffle=True), "set it to an int"),
        (BackpropMLPClassifier(), "set it to an int"),
        (make_pipeline(PCA(), NET), "set it to an int"),
        (FrozenEstimator(NET), "take it unfitted"),
        (np.ma.masked_array([1]), "fill it"),
        (np.frompyfunc(abs, 1, 1), "has no name in numpy"),
        ((i for i in range(3)), "has no lasting identity"),
        (Slotted(), "has no lasting identity"),
        (object(), "has no lasting identity"),
        (LOOP, "it contains itself"),
    ],
)
def test_what_has_no_identity_is_named(value, reason):
    with pytest.raises(ValueError, match="A journal cannot tell the scorer 'score'") as error:
        key(scorers=value)
    assert reason in str(error.value)
    with pytest.raises(ValueError, match="A journal cannot tell extra") as error:
        cell_key(study_key(X, Y, {}, SPLITS, accuracy, NET), {"extra": value}, 0)
    assert reason in str(error.value)


def test_a_candidate_may_set_what_the_estimator_leaves_open():
    study = study_key(X, Y, {}, SPLITS, accuracy, BackpropMLPClassifier())
    with pytest.raises(ValueError, match=r"cannot tell random_state of this study.*to an int"):
        cell_key(study, {"alpha": 1.0}, 0)
    with pytest.raises(ValueError, match=r"cannot tell random_state of this study.*to an int"):
        cell_key(study, {"random_state": None}, 0)
    assert cell_key(study, {"random_state": 0}, 0) != cell_key(study, {"random_state": 1}, 0)
    pipeline = make_pipeline(StandardScaler(), BackpropMLPClassifier())
    study = study_key(X, Y, {}, SPLITS, accuracy, pipeline)
    step = "backpropmlpclassifier"
    with pytest.raises(ValueError, match=f"cannot tell {step}__random_state"):
        cell_key(study, {}, 0)
    with pytest.raises(ValueError, match=f"cannot tell {step}__random_state"):
        cell_key(study, {step: BackpropMLPClassifier()}, 0)
    cell_key(study, {step: NET}, 0)
    cell_key(study, {step: BackpropMLPClassifier(), f"{step}__random_state": 0}, 0)


def test_cells_differ_by_study_candidate_and_split():
    study = study_key(X, Y, {}, SPLITS, accuracy, NET)
    other = study_key(X, 1 - Y, {}, SPLITS, accuracy, NET)
    params = [{}, {"alpha": 0.1}, {"alpha": 0.2}, {"tol": 0.1}, {"alpha": 0.1, "tol": 0.1}]
    params += [{"base": NET}, {"base": LogisticRegression(random_state=0)}]
    params += [{"x": PCA(1, random_state=0), "steps": [("x", PCA(3, random_state=0))]}]
    params += [{"x": PCA(2, random_state=0), "steps": [("x", PCA(3, random_state=0))]}]
    params += [{"a__steps": [("x", NET)], "x": 1}, {"a__steps": [("x", NET)], "x__alpha": 0.1}]
    cells = {cell_key(s, p, i) for s in (study, other) for p in params for i in (0, 1)}
    assert len(cells) == 2 * 2 * len(params)
    one, two = {"alpha": 0.1, "tol": 1}, {"tol": np.int64(1), "alpha": np.float64(0.1)}
    assert cell_key(study, one, 0) == cell_key(study, two, np.int64(0))


def test_data_are_not_copied():
    for array in (np.ones((1000, 2000)), np.ones((1000, 2000), order="F")):
        for value in (array, array[:, ::2]):
            tracemalloc.start()
            _digest(value)
            assert tracemalloc.get_traced_memory()[1] < 4 * 2**20
            tracemalloc.stop()
