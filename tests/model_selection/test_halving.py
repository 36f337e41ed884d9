"""Halving evaluates fewer cells, each with the bits of the whole search."""

import math

import joblib
import numpy as np
import pytest
from effort import effort
from hypothesis import given, settings
from hypothesis import strategies as st
from searches import fitted, make_rows
from sklearn.base import clone
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from skdigitnet import BackpropMLPClassifier
from skdigitnet._training import run
from skdigitnet._training.sgd import StochasticRun
from skdigitnet.model_selection import EpochGridSearchCV, EpochRandomizedSearchCV

X, Y = make_rows(60)
CLASSIFIER = BackpropMLPClassifier((3,), batch_size=8, random_state=0, n_iter_no_change=np.inf)
SPLITS = ["split0_test_score", "split1_test_score", "split0_train_score", "split1_train_score"]


def rows_that_go_on(mean_scores, stops, factor):
    """The rule, told again: candidates are rows of (network, stop)."""
    networks = list(range(len(mean_scores)))
    for rung, _ in enumerate(stops):
        yield rung, networks
        order = sorted(
            networks, key=lambda n: (np.isnan(mean_scores[n, rung]), -mean_scores[n, rung], n)
        )
        networks = sorted(order[: math.ceil(len(networks) / factor)])


@settings(max_examples=effort(12, 1000), deadline=None)
@given(data=st.data())
def test_cells_that_are_reached_have_the_bits_of_the_whole_search(data):
    stops = data.draw(st.sampled_from([[1, 2], [2, 3, 7], [1, 4, 5, 6]]))
    factor = data.draw(st.sampled_from([1.5, 2, 3]))
    estimator = clone(CLASSIFIER).set_params(
        solver=data.draw(st.sampled_from(["sgd", "adam", "lbfgs"])),
        learning_rate=data.draw(st.sampled_from(["constant", "adaptive", "linear"])),
        early_stopping=data.draw(st.booleans()),
        tol=data.draw(st.sampled_from([1e-4, 0.3])),
        n_iter_no_change=data.draw(st.sampled_from([1, np.inf])),
        random_state=data.draw(st.sampled_from([0, np.random.RandomState(1)])),
    )
    if estimator.solver != "lbfgs":
        estimator.set_params(dropout=data.draw(st.sampled_from([0.0, 0.2])))
    prefix = ""
    if data.draw(st.booleans()):
        estimator = Pipeline([("scale", StandardScaler()), ("clf", estimator)])
        prefix = "clf__"
    rates = data.draw(st.sampled_from([[0.01, 0.1, 1.0], [0.1, 1e9]]))
    grid = {
        prefix + "learning_rate_init": rates,  # nothing to L-BFGS: equal scores
        prefix + "alpha": [0.01, 0.5, 30.0],
        prefix + "max_iter": stops,
    }
    arguments = {
        "cv": 2,
        "return_train_score": True,
        "refit": False,
        "return_learning_curves": True,
    }
    whole, _ = fitted(EpochGridSearchCV(estimator, grid, **arguments), X, Y)
    n_jobs = data.draw(st.sampled_from([1, 2]))
    search, _ = fitted(
        EpochGridSearchCV(estimator, grid, factor=factor, n_jobs=n_jobs, **arguments), X, Y
    )
    # networks by stops: the last name, which varies fastest, is max_iter
    order = np.arange(len(whole.cv_results_["params"])).reshape(-1, len(stops))
    means = whole.cv_results_["mean_test_score"][order]
    expected = np.full(order.size, -1)
    for rung, networks in rows_that_go_on(means, stops, factor):
        expected[order[networks, rung]] = rung
        ranks = search.cv_results_["rank_test_score"][order[networks, rung]]
        assert not np.ma.is_masked(ranks)
        assert ranks.min() == 1
        assert ranks.max() <= len(networks)
    np.testing.assert_array_equal(search.cv_results_["rung"].filled(-1), expected)
    reached = expected >= 0
    for key in (*SPLITS, "mean_test_score", "std_train_score"):
        array = search.cv_results_[key]
        np.testing.assert_array_equal(~np.ma.getmaskarray(array), reached)
        assert array.data[reached].tobytes() == whole.cv_results_[key][reached].tobytes()
    for name, curves in search.learning_curves_.items():
        of_whole = whole.learning_curves_[name][reached]
        length = curves.shape[2]  # the others may have converged
        np.testing.assert_array_equal(curves[reached], of_whole[:, :, :length])
        assert np.isnan(of_whole[:, :, length:]).all()
    last = np.flatnonzero(expected == len(stops) - 1)
    assert search.best_index_ in last
    scores = search.cv_results_["mean_test_score"].data[last]
    assert search.best_score_ == np.nanmax(scores)


def test_survivors_are_not_trained_again(monkeypatch):
    epochs = []
    finish_epoch = StochasticRun._finish_epoch

    def finish_and_count(run):
        epochs.append(run)
        return finish_epoch(run)

    monkeypatch.setattr(StochasticRun, "_finish_epoch", finish_and_count)
    grid = {"alpha": np.linspace(0.1, 1, 9), "max_iter": [2, 5, 11]}
    fitted(EpochGridSearchCV(CLASSIFIER, grid, cv=2, factor=3, refit=False), X, Y)
    assert len(epochs) == 2 * (9 * 2 + 3 * 3 + 1 * 6)


def test_divergence_is_told_from_where_training_began(monkeypatch):
    """Outputs are compared with those of the first weights and the largest so far."""
    starts = []

    class Noting(run.Divergence):
        def __init__(self, *problem, first, usual):
            starts.append((np.concatenate([W.ravel() for W in first[0]]), usual))
            super().__init__(*problem, first=first, usual=usual)

    monkeypatch.setattr(run, "Divergence", Noting)
    grid = {"max_iter": [2, 4, 6]}
    fitted(EpochGridSearchCV(CLASSIFIER, grid, cv=2, factor=2, refit=False), X, Y)
    assert len(starts) == 2 * 3
    for first, second in (starts[0::2][:2], starts[1::2][:2], starts[2::2][:2]):
        np.testing.assert_array_equal(first[0], second[0])
        assert first[1] is second[1]


@pytest.mark.parametrize("n_units", [3, 30_000])  # joblib shares large arrays, read-only
def test_other_processes_go_on_from_the_same_bits(n_units):
    classifier = clone(CLASSIFIER).set_params(hidden_layer_sizes=(n_units,))
    grid = {"alpha": [0.1, 1.0, 10.0], "max_iter": [2, 3, 5]}
    search = EpochGridSearchCV(classifier, grid, cv=2, factor=2)
    expected, _ = fitted(search, X, Y)
    expected = expected.cv_results_
    with joblib.parallel_config("loky", n_jobs=2):
        results = fitted(search, X, Y)[0].cv_results_
    for key in ("mean_test_score", "rung", "rank_test_score"):
        np.testing.assert_array_equal(results[key].filled(-1), expected[key].filled(-1))


def test_candidates_are_drawn_of_the_other_parameters():
    space = {"alpha": [0.1, 1.0, 2.0, 3.0], "max_iter": (1, 3)}
    search = EpochRandomizedSearchCV(
        CLASSIFIER,
        space,
        n_iter=3,
        factor=2,
        cv=2,
        random_state=0,
        scoring=["f1_macro", "accuracy"],
        refit="accuracy",
    )
    results = fitted(search, X, Y)[0].cv_results_
    assert [params["max_iter"] for params in results["params"]] == [1, 3] * 3
    assert len({params["alpha"] for params in results["params"]}) == 3
    assert results["rung"].compressed().tolist().count(1) == 2
    assert np.ma.count_masked(results["split1_test_f1_macro"]) == 1


@pytest.mark.parametrize(
    ("kind", "grid", "arguments", "message"),
    [
        (EpochGridSearchCV, {"alpha": [1.0]}, {}, "two values of max_iter or more"),
        (EpochGridSearchCV, {"max_iter": [2, "a"]}, {}, "two values of max_iter or more"),
        (
            EpochGridSearchCV,
            [{"max_iter": [2, 3]}, {"max_iter": [2], "alpha": [1.0]}],
            {},
            "the same for all other parameters",
        ),
        (
            EpochGridSearchCV,
            {"max_iter": [2, 3]},
            {"scoring": ["accuracy", "f1_macro"], "refit": False},
            "needs one metric",
        ),
        (EpochRandomizedSearchCV, {"alpha": [1.0]}, {}, "needs the values of max_iter"),
        (EpochGridSearchCV, {"max_iter": [2, 3]}, {"factor": 1.0}, "'factor' parameter"),
    ],
)
def test_what_halving_cannot_do_is_said(kind, grid, arguments, message):
    search = kind(CLASSIFIER, grid, cv=2, **{"factor": 3, **arguments})
    with pytest.raises(ValueError, match=message):
        fitted(search, X, Y)
