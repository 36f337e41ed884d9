"""A search gives what GridSearchCV gives, to the bit, however few trainings it needs."""

import pickle

import joblib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from sklearn.decomposition import PCA
from sklearn.feature_selection import SelectKBest
from sklearn.metrics import f1_score, make_scorer
from sklearn.model_selection import GridSearchCV, GroupKFold, RandomizedSearchCV, ShuffleSplit
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MaxAbsScaler, StandardScaler

from effort import effort
from searches import assert_same_results, fitted, make_rows
from skdigitnet import BackpropMLPClassifier
from skdigitnet.model_selection import EpochGridSearchCV, EpochRandomizedSearchCV


def depth(estimator, X, y, sample_weight=None):
    """A scorer that needs the whole fitted estimator."""
    last = estimator.steps[-1][1] if isinstance(estimator, Pipeline) else estimator
    return float(last.max_iter + last.n_iter_ + last.coefs_[0].sum() + len(last.loss_curve_))


def several(estimator, X, y, sample_weight=None):
    return {"accuracy": estimator.score(X, y), "depth": depth(estimator, X, y)}


def wrong_unless_short(estimator, X, y, sample_weight=None):
    if depth(estimator, X, y) > 8:
        raise ValueError("too deep")
    return 1.0


# the values of a parameter in the grid
GRIDS = st.fixed_dictionaries(
    {"max_iter": st.sampled_from([[1, 4], [6, 2, 3], [3, 3], [np.int64(5), 2], [4], [0, 2]])},
    optional={
        "alpha": st.sampled_from([[0.1, 1.0], [0.0, -1.0]]),
        "solver": st.sampled_from([["sgd"], ["adam"], ["lbfgs"], ["lbfgs", "adam"], ["none"]]),
        "learning_rate": st.sampled_from(
            [["constant"], ["invscaling"], ["adaptive"], ["cosine"], ["linear", "constant"]]
        ),
        "learning_rate_init": st.sampled_from([[0.5, 1e7], [0.01]]),
        "early_stopping": st.sampled_from([[True], [True, False]]),
        "scoring": st.sampled_from(
            [["accuracy"], ["loss"], [make_scorer(f1_score, average="macro")], [depth]]
        ),
        "tol": st.sampled_from([[0.5, 1e-4]]),
        "n_iter_no_change": st.sampled_from([[1], [np.inf]]),
        "dropout": st.sampled_from([[0.0, 0.3]]),
        "random_state": st.sampled_from([[0, 1], [np.random.RandomState(3)]]),
        "class_weight": st.sampled_from([["balanced", None]]),
        "hidden_layer_sizes": st.sampled_from([[(), (3,)], [(2, 2)]]),
        "max_fun": st.sampled_from([[3, 100]]),
        "activation": st.sampled_from([["relu", "tanh"]]),
    },
)
SCORINGS = st.sampled_from(
    [
        None,
        "accuracy",
        "neg_log_loss",
        "f1_macro",
        "roc_auc",
        ["accuracy", "neg_log_loss"],
        {"a": "accuracy", "f": make_scorer(f1_score, average="macro")},
        ["accuracy", "roc_auc"],
        depth,
        several,
        wrong_unless_short,
    ]
)
STEPS = st.sampled_from(
    [
        None,
        [("scale", StandardScaler(with_mean=False))],
        [("scale", MaxAbsScaler()), ("select", SelectKBest(k=2))],
        [("skip", "passthrough")],
        [("select", SelectKBest(k=0))],
        [],
    ]
)


def numbers(y):
    return y


def strings(y):
    return np.array(["a", "b", "c"])[y]


def several_labels(y):
    return np.eye(3, dtype=int)[y]


LABELS = [numbers, strings, several_labels]


def estimator_and_grid(steps, grid, classifier):
    if steps is None:
        return classifier, grid
    grid = {f"clf__{name}": values for name, values in grid.items()}
    names = [name for name, _ in steps]
    if "scale" in names:
        grid["scale"] = [*(step for name, step in steps if name == "scale"), "passthrough"]
    if "select" in names:
        grid["select__k"] = [2, 3]
    return Pipeline([*steps, ("clf", classifier)]), grid


def outcome(search, *rows, **params):
    """The search and its warnings, or the error that it ends with."""
    try:
        return fitted(search, *rows, **params)
    except Exception as error:
        return type(error), str(error).splitlines()[:2]


@settings(max_examples=effort(40, 2000), deadline=None)
@given(data=st.data())
def test_results_are_those_of_grid_search(data):
    steps, grid = data.draw(STEPS), data.draw(GRIDS)
    dtype = data.draw(st.sampled_from([np.float64, np.float32]))
    X, y = make_rows(n_classes=data.draw(st.sampled_from([2, 3])), dtype=dtype)
    if data.draw(st.booleans()):
        X = sparse.csr_array(X)
    y = data.draw(st.sampled_from(LABELS))(y)
    params = {}
    if data.draw(st.booleans()):
        name = "sample_weight" if steps is None else "clf__sample_weight"
        params[name] = np.random.RandomState(1).randint(0, 3, len(y)) + 0.25
    estimator, grid = estimator_and_grid(
        steps, grid, BackpropMLPClassifier((3,), batch_size=8, random_state=0)
    )
    scoring = data.draw(SCORINGS)
    is_several = isinstance(scoring, list | dict) or scoring is several
    arguments = {
        "scoring": scoring,
        "cv": data.draw(st.sampled_from([2, ShuffleSplit(2, random_state=0)])),
        "refit": False if is_several else data.draw(st.booleans()),
        "error_score": data.draw(st.sampled_from([np.nan, 0.25, "raise"])),
        "return_train_score": data.draw(st.booleans()),
    }
    expected = outcome(GridSearchCV(estimator, grid, **arguments), X, y, **params)
    n_jobs = data.draw(st.sampled_from([1, 2]))
    search = outcome(
        EpochGridSearchCV(estimator, grid, n_jobs=n_jobs, **arguments), X, y, **params
    )
    if not isinstance(expected[0], GridSearchCV):
        if arguments["error_score"] != "raise":  # or whichever cell fails first
            assert search == expected
        assert not isinstance(search[0], EpochGridSearchCV)
        return
    (search, told), (expected, told_before) = search, expected
    assert_same_results(search.cv_results_, expected.cv_results_)
    assert told == told_before, (told, told_before)
    for name in ("best_index_", "best_score_", "best_params_", "n_splits_", "multimetric_"):
        assert repr(getattr(search, name, None)) == repr(getattr(expected, name, None))
    if arguments["refit"]:
        assert np.array_equal(search.predict(X), expected.predict(X))
