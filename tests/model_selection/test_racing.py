"""Racing leaves splits out for candidates that have fallen behind, and changes no bit."""

import numpy as np
import pytest
from searches import fitted, make_rows
from sklearn.linear_model import LogisticRegression

from skdigitnet import BackpropMLPClassifier
from skdigitnet.model_selection import EpochGridSearchCV
from skdigitnet.model_selection._racing import keeps_up

ROWS = make_rows(90)
GRID = {"alpha": [0.1, 300.0, 1.0, 1000.0], "max_iter": [5, 60]}
N_SPLITS = 5


def search(estimator=None, grid=GRID, **parameters):
    clf = BackpropMLPClassifier((6,), n_iter_no_change=np.inf, random_state=0)
    return EpochGridSearchCV(estimator or clf, grid, cv=N_SPLITS, **parameters)


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        ([[0.9, 0.7], [0.8, 0.6], [0.7, 0.6]], [True, True, False]),  # 0.7 is as good as 0.7
        ([[0.9, 0.7], [0.9, 0.7]], [True, True]),
        ([[0.5, np.nan], [0.4, 0.4]], [False, True]),
        ([[np.nan, np.nan], [np.nan, 0.1]], [True, True]),
    ],
)
def test_the_rule(scores, expected):
    assert keeps_up(np.array(scores)).tolist() == expected


@pytest.mark.parametrize("n_jobs", [1, 3])
def test_cells_have_the_bits_of_the_whole_search(n_jobs):
    whole, _ = fitted(search(refit=False), *ROWS)
    raced, _ = fitted(search(race=True, n_jobs=n_jobs), *ROWS)
    names = [f"split{k}_test_score" for k in range(N_SPLITS)]
    expected, found = (
        np.ma.array([s.cv_results_[name] for name in names]) for s in (whole, raced)
    )
    n_splits = raced.cv_results_["n_splits"]
    assert 2 == n_splits.min() < n_splits.max() == N_SPLITS
    for candidate, n in enumerate(n_splits):
        assert not found.mask[:n, candidate].any()
        assert found.mask[n:, candidate].all()
        assert found[:n, candidate].tobytes() == expected.data[:n, candidate].tobytes()
        mean = raced.cv_results_["mean_test_score"][candidate]
        assert mean == pytest.approx(expected[:n, candidate].mean(), rel=1e-12)
        # the rule, told again: it would be out now, and was not before
        for k in range(2, n + 1):
            of_racing = expected.data[:k, n_splits >= k]
            worst = of_racing[:, of_racing.mean(axis=0).argmax()].min()
            is_out = expected.data[:k, candidate].mean() < worst
            assert is_out == (k == n < N_SPLITS) or k == N_SPLITS
    assert n_splits[raced.best_index_] == N_SPLITS
    assert raced.cv_results_["rank_test_score"][raced.best_index_] == 1
    assert (
        raced.best_params_
        == whole.cv_results_["params"][whole.cv_results_["mean_test_score"].argmax()]
    )


def test_any_estimator_races():
    grid = {"C": [1.0, 1e-6]}
    raced, _ = fitted(search(LogisticRegression(), grid, race=True), *ROWS)
    assert raced.cv_results_["n_splits"].tolist() == [5, 2]


def test_one_split_is_no_race():
    one = [(np.arange(60), np.arange(60, 90))]
    raced, _ = fitted(search(race=True).set_params(cv=one), *ROWS)
    assert set(raced.cv_results_["n_splits"]) == {1}


def test_what_races_by_several_metrics_needs_one():
    with pytest.raises(ValueError, match="race=True needs one metric"):
        fitted(search(race=True, scoring=["accuracy", "f1_macro"], refit=False), *ROWS)
    by_f1 = search(race=True, scoring=["accuracy", "f1_macro"], refit="f1_macro")
    raced, _ = fitted(by_f1, *ROWS)
    assert raced.cv_results_["n_splits"].min() == 2


def test_race_and_factor_exclude_each_other():
    with pytest.raises(ValueError, match="race=True and factor=3"):
        search(race=True, factor=3).fit(*ROWS)
