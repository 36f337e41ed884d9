"""A search gives what GridSearchCV gives, to the bit, however few trainings it needs."""

import pickle
import re
import signal
import time
import warnings
from itertools import product

import joblib
import numpy as np
import pandas as pd
import pytest
import sklearn
from effort import effort
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from scipy.stats import uniform
from searches import assert_same_results, fitted, make_rows
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.feature_selection import SelectKBest
from sklearn.metrics import accuracy_score, f1_score, make_scorer
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    KFold,
    RandomizedSearchCV,
    ShuffleSplit,
    cross_val_predict,
    cross_val_score,
)
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MaxAbsScaler, StandardScaler
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils.validation import check_is_fitted

from skdigitnet import BackpropMLPClassifier
from skdigitnet.model_selection import (
    EpochGridSearchCV,
    EpochRandomizedSearchCV,
    _evaluate,
)
from skdigitnet.plotting import SearchDisplay


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


@settings(max_examples=effort(20, 2000), deadline=None)
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


@pytest.mark.parametrize("solver", ["sgd", "lbfgs"])
def test_a_scorer_sees_its_own_candidate_where_training_has_ended_before(solver):
    X, y = make_rows()
    clf = clone(CLASSIFIER).set_params(solver=solver, tol=10.0, n_iter_no_change=1)
    arguments = {"param_grid": {"max_iter": [9, 20, 30]}, "scoring": depth, "cv": 2}
    search, _ = fitted(EpochGridSearchCV(clf, refit=False, **arguments), X, y)
    expected, _ = fitted(GridSearchCV(clf, refit=False, **arguments), X, y)
    assert_same_results(search.cv_results_, expected.cv_results_)
    assert len(set(search.cv_results_["mean_test_score"])) == 3


@pytest.mark.parametrize("labels", [numbers, strings, pd.Series])
@pytest.mark.parametrize("scoring", ["accuracy", "neg_log_loss", ["accuracy", "neg_log_loss"]])
@pytest.mark.parametrize("has_nan", [True, False])
def test_test_rows_that_training_has_not_prepared_for(labels, scoring, has_nan):
    X, y = make_rows()
    by_class = np.argsort(y, kind="stable")
    X, y = X[by_class], labels(y[by_class])
    if has_nan:
        X[:3] = np.nan  # scores fail there, and fits on the other splits
    both = [
        fitted(
            kind(CLASSIFIER, {"max_iter": [2, 4]}, cv=KFold(3), scoring=scoring, refit=False),
            X,
            y,
        )
        for kind in (GridSearchCV, EpochGridSearchCV)
    ]
    (expected, told), (search, told_by_us) = both
    assert_same_results(search.cv_results_, expected.cv_results_)
    assert told_by_us == told


X, Y = make_rows(60)
CLASSIFIER = BackpropMLPClassifier(
    (3,), batch_size=8, learning_rate_init=0.1, random_state=0, n_iter_no_change=np.inf
)
GRID = {"alpha": [0.01, 1.0], "max_iter": [2, 5, 3]}
IN_PIPELINE = {f"clf__{name}": values for name, values in GRID.items()}


def pipeline(*transformers):
    named = [(type(one).__name__.lower(), one) for one in transformers]
    return Pipeline([*named, ("clf", CLASSIFIER)])


def test_randomized_search_is_that_of_scikit_learn():
    arguments = {"n_iter": 5, "random_state": 3, "cv": 2, "refit": False}
    space = {"alpha": uniform(0.01, 1), "max_iter": [2, 5], "solver": ["adam", "lbfgs"]}
    expected, _ = fitted(RandomizedSearchCV(CLASSIFIER, space, **arguments), X, Y)
    search, _ = fitted(EpochRandomizedSearchCV(CLASSIFIER, space, **arguments), X, Y)
    assert_same_results(search.cv_results_, expected.cv_results_)
    assert search.best_params_ == expected.best_params_


@pytest.mark.parametrize("backend", ["loky", "threading", "sequential"])
def test_backends_give_the_same_bits(backend):
    arguments = {"cv": 3, "refit": False, "return_predictions": "predict_proba"}
    search = EpochGridSearchCV(pipeline(PCA(2)), IN_PIPELINE, **arguments)
    expected, _ = fitted(clone(search), X, Y)
    with joblib.parallel_config(backend, n_jobs=2):
        fitted(search, X, Y)
    assert_same_results(search.cv_results_, expected.cv_results_)
    for predictions in zip(search.predictions_, expected.predictions_, strict=True):
        np.testing.assert_array_equal(*predictions)


def test_other_estimators_get_the_results_of_grid_search():
    grid = {"max_depth": [1, 2], "min_samples_leaf": [1, 40]}
    estimator = DecisionTreeClassifier(random_state=0)
    expected = GridSearchCV(estimator, grid, scoring=["accuracy", "f1_macro"], refit="f1_macro")
    search = EpochGridSearchCV(
        estimator, grid, scoring=["accuracy", "f1_macro"], refit="f1_macro", n_jobs=2
    )
    assert_same_results(search.fit(X, Y).cv_results_, expected.fit(X, Y).cv_results_)
    assert search.best_index_ == expected.best_index_


def test_watched_estimators_are_fitted_by_scikit_learn(capsys):
    estimator = clone(CLASSIFIER).set_params(verbose=True)
    GridSearchCV(estimator, GRID, cv=2, refit=False).fit(X, Y)
    expected = capsys.readouterr().out
    EpochGridSearchCV(estimator, GRID, cv=2, refit=False).fit(X, Y)
    printed = capsys.readouterr().out
    assert sorted(printed.splitlines()) == sorted(expected.splitlines())


def test_candidates_share_trainings_and_transformers(monkeypatch):
    trained, transformed = [], []

    class Counting(StandardScaler):
        def fit(self, *arguments):
            transformed.append(arguments)
            return super().fit(*arguments)

    def begin_and_count(*arguments):
        training = begin(*arguments)
        trained.append(training)
        return training

    begin = _evaluate.begin
    monkeypatch.setattr(_evaluate, "begin", begin_and_count)
    EpochGridSearchCV(pipeline(Counting()), IN_PIPELINE, cv=3, refit=False).fit(X, Y)
    assert len(trained) == 2 * 3
    assert [training.state.n_iter for training in trained] == [5] * 6
    assert len(transformed) == 3


def test_curves_are_the_scores_of_shorter_fits():
    grid = {"solver": ["sgd", "lbfgs"], "alpha": [0.01, 1.0], "tol": [0.0, 0.3]}
    estimator = clone(CLASSIFIER).set_params(n_iter_no_change=1, max_iter=6)
    arguments = {"cv": 2, "return_train_score": True, "refit": False}
    search = EpochGridSearchCV(estimator, grid, return_learning_curves=True, **arguments)
    fitted(search, X, Y)
    each = EpochGridSearchCV(estimator, {**grid, "max_iter": range(1, 7)}, **arguments)
    fitted(each, X, Y)
    by_params = {repr(params): i for i, params in enumerate(each.cv_results_["params"])}
    n_ends = 0
    for candidate, params in enumerate(search.cv_results_["params"]):
        for split, epoch in product(range(2), range(6)):
            i = by_params[repr(dict(sorted({**params, "max_iter": epoch + 1}.items())))]
            for name in ("test_score", "train_score"):
                score = search.learning_curves_[name][candidate, split, epoch]
                n_ends += np.isnan(score)  # has converged before
                assert np.isnan(score) or score == each.cv_results_[f"split{split}_{name}"][i]
    assert 0 < n_ends < 8 * 2 * 6


def test_predictions_are_those_of_cross_validation():
    estimator = pipeline(StandardScaler())
    search = EpochGridSearchCV(
        estimator, IN_PIPELINE, cv=3, return_predictions="predict_proba"
    ).fit(X, Y)
    for params, predictions in zip(
        search.cv_results_["params"], search.predictions_, strict=True
    ):
        expected = cross_val_predict(
            clone(estimator).set_params(**params), X, Y, cv=3, method="predict_proba"
        )
        for rows, of_split in zip(search.test_indices_, predictions, strict=True):
            np.testing.assert_array_equal(of_split, expected[rows])


def test_one_warning_for_all_fits_that_have_not_converged():
    search = EpochGridSearchCV(
        clone(CLASSIFIER).set_params(n_iter_no_change=1),
        {"max_iter": [1, 2, 300], "tol": [0.1, 0.0]},
        cv=2,
        n_jobs=2,
        refit=False,
    )
    with pytest.warns(ConvergenceWarning) as caught:
        search.fit(X, Y)
    (message,) = (str(warning.message) for warning in caught)
    assert message.startswith("8 of 12 fits, of 4 of 6 candidates, have not converged.")
    assert "{'max_iter': 1, 'tol': 0.1}, 2 of 2: max_iter=1 epochs reached" in message


def test_the_refit_is_in_the_same_warning():
    clf = clone(CLASSIFIER).set_params(n_iter_no_change=1, tol=0.0)
    with pytest.warns(ConvergenceWarning) as caught:
        EpochGridSearchCV(clf, {"max_iter": [1, 2]}, cv=2).fit(X, Y)
    (message,) = (str(warning.message) for warning in caught)
    assert message.startswith("4 of 4 fits")
    last = "The fit of the best candidate to all rows: max_iter="
    assert message.splitlines()[-1].startswith(last)


class WarnsOnAllRows(DecisionTreeClassifier):
    def fit(self, X, y, sample_weight=None, check_input=True):
        if len(X) == len(Y):
            warnings.warn("all rows", UserWarning, stacklevel=1)
            warnings.warn("not converged", ConvergenceWarning, stacklevel=1)
        return super().fit(X, y)


def test_a_refit_that_alone_has_not_converged_is_told_of():
    """Its other warnings are shown as they are."""
    with pytest.warns() as caught:
        EpochGridSearchCV(WarnsOnAllRows(), {"max_depth": [1, 2]}, cv=2).fit(X, Y)
    assert [(warning.category, str(warning.message)) for warning in caught] == [
        (UserWarning, "all rows"),
        (ConvergenceWarning, "The fit of the best candidate to all rows: not converged"),
    ]


@pytest.mark.parametrize(("rate", "n_warned"), [(0.01, 0), (1e-9, 2)], ids=["learns", "stays"])
@pytest.mark.parametrize("factor", [None, 3])
def test_that_the_first_epochs_have_taught_nothing_is_no_news(rate, n_warned, factor):
    """Of a training with several values of max_iter its end is judged, not its beginning."""
    clf = clone(CLASSIFIER).set_params(n_iter_no_change=np.inf, learning_rate_init=rate)
    grid = {"max_iter": [1, 200]}
    with pytest.warns(ConvergenceWarning, match="no better than a constant"):
        clone(clf).set_params(max_iter=1).fit(X, Y)
    search = EpochGridSearchCV(clf, grid, cv=2, factor=factor, refit=False)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        search.fit(X, Y)
    assert len(caught) == (n_warned > 0)
    for warning in caught:
        assert str(warning.message).startswith(f"{n_warned} of 4 fits, of 1 of 2 candidates,")
        assert "{'max_iter': 200}, 2 of 2: The network predicts" in str(warning.message)


def stop_at(estimator, X, y):
    """Ctrl-C in the middle of a search."""
    if estimator.max_iter == 3:
        signal.raise_signal(signal.SIGINT)
        time.sleep(0.5)
    return 1.0


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_an_interrupted_search_is_not_fitted(n_jobs):
    search = EpochGridSearchCV(CLASSIFIER, GRID, cv=2, n_jobs=n_jobs, scoring=stop_at)
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt) as interrupt:
        search.fit(X, Y)
    assert re.search(r"not fitted: \d of 12 fits had ended", interrupt.value.__notes__[0])
    with pytest.raises(NotFittedError):
        check_is_fitted(search)
    assert time.monotonic() - began < 60


def test_groups_and_nested_cross_validation():
    groups = np.arange(len(Y)) % 5
    grids = [
        kind(CLASSIFIER, GRID, cv=GroupKFold(3)) for kind in (GridSearchCV, EpochGridSearchCV)
    ]
    expected, search = (fitted(one, X, Y, groups=groups)[0] for one in grids)
    assert_same_results(search.cv_results_, expected.cv_results_)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        expected, scores = (
            cross_val_score(kind(CLASSIFIER, GRID, cv=2), X, Y, cv=3, n_jobs=2)
            for kind in (GridSearchCV, EpochGridSearchCV)
        )
    np.testing.assert_array_equal(scores, expected)


@pytest.mark.parametrize("weights_scores", [True, False])
def test_metadata_routing(weights_scores):
    weight = np.random.RandomState(0).uniform(0.5, 2, len(Y))
    with sklearn.config_context(enable_metadata_routing=True):
        classifier = clone(CLASSIFIER).set_fit_request(sample_weight=True)
        classifier.set_score_request(sample_weight=weights_scores)
        scorer = make_scorer(accuracy_score).set_score_request(sample_weight=weights_scores)
        estimator = Pipeline(
            [
                ("scale", StandardScaler().set_fit_request(sample_weight=True)),
                ("clf", classifier),
            ]
        )
        for scoring in (scorer, {"accuracy": scorer}):
            arguments = {"cv": 2, "scoring": scoring, "refit": False}
            both = [
                GridSearchCV(estimator, IN_PIPELINE, **arguments),
                EpochGridSearchCV(estimator, IN_PIPELINE, n_jobs=2, **arguments),
            ]
            expected, search = (fitted(one, X, Y, sample_weight=weight)[0] for one in both)
            assert_same_results(search.cv_results_, expected.cv_results_)


def second_best(results):
    return int(np.argsort(-results["mean_test_score"], kind="stable")[1])


def test_a_fitted_search_is_one_of_scikit_learn(capsys):
    frame = pd.DataFrame(X, columns=list("abcd"))
    arguments = {"refit": second_best, "cv": 2, "verbose": 3}
    estimator = pipeline(StandardScaler().set_output(transform="pandas"), PCA(2))
    expected, told = fitted(GridSearchCV(estimator, IN_PIPELINE, **arguments), frame, Y)
    lines = capsys.readouterr().out.splitlines()
    search, told_by_us = fitted(
        EpochGridSearchCV(estimator, IN_PIPELINE, **arguments), frame, Y
    )
    ours = capsys.readouterr().out.splitlines()
    assert sorted(map(without_time, ours)) == sorted(map(without_time, lines))
    assert told_by_us == told
    search = pickle.loads(pickle.dumps(search))
    assert_same_results(search.cv_results_, expected.cv_results_)
    assert search.best_index_ == expected.best_index_
    assert search.feature_names_in_.tolist() == expected.feature_names_in_.tolist()
    np.testing.assert_array_equal(search.predict_proba(frame), expected.predict_proba(frame))
    np.testing.assert_array_equal(search.classes_, expected.classes_)
    assert search.n_features_in_ == expected.n_features_in_
    SearchDisplay.from_search(search)


def without_time(line):
    return re.sub(r"\.{3,}|[\d.]+s$", "", line)


@pytest.mark.skipif(not hasattr(sklearn, "callback"), reason="scikit-learn has no callbacks")
def test_callbacks_are_told_of_every_fit():
    from sklearn.callback import ProgressBar

    told = []

    class Counting:
        def setup(self, estimator, context):
            told.append("setup")

        def on_fit_task_begin(self, estimator, context, *, X=None):
            told.append((context.task_name, context.task_id, len(X) if X is not None else None))

        def on_fit_task_end(self, estimator, context):
            pass

        def teardown(self, estimator, context):
            told.append("teardown")

    both = []
    for kind in (GridSearchCV, EpochGridSearchCV):
        search = kind(CLASSIFIER, GRID, cv=2).set_callbacks(Counting(), ProgressBar())
        fitted(search, X, Y)
        both.append(sorted(map(str, told)))
        told.clear()
    assert both[0] == both[1]


def no_number(estimator, X, y):
    return "good" if estimator.max_iter == 5 else 1.0


def test_a_scorer_that_gives_no_number_is_no_failure_of_the_fit():
    for stops in ([2, 5], [5, 8]):  # at the end of the training and on its way
        search = EpochGridSearchCV(CLASSIFIER, {"max_iter": stops}, scoring=no_number)
        with pytest.raises(ValueError, match="scoring must return a number"):
            fitted(search, X, Y)


def test_an_error_is_raised_where_it_is_asked_for():
    search = EpochGridSearchCV(
        CLASSIFIER, {"alpha": [0.1, -1.0]}, cv=2, error_score="raise", n_jobs=2
    )
    with pytest.raises(ValueError, match="'alpha' parameter"):
        fitted(search, X, Y)
    with pytest.raises(ValueError, match="All the 4 fits failed"):
        fitted(EpochGridSearchCV(CLASSIFIER, {"alpha": [-1.0, -2.0]}, cv=2), X, Y)
    with pytest.raises(ValueError, match="a str among"):
        EpochGridSearchCV(CLASSIFIER, GRID, return_predictions="score").fit(X, Y)
