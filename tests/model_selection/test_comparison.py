"""compare_candidates: the published test, on any search's scores, and honest at its limits."""

import numpy as np
import pytest
from scipy import stats
from sklearn.datasets import load_iris
from sklearn.dummy import DummyClassifier
from sklearn.exceptions import NotFittedError
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import (
    GridSearchCV,
    GroupShuffleSplit,
    HalvingGridSearchCV,
    KFold,
    LeaveOneOut,
    LeavePOut,
    PredefinedSplit,
    RepeatedKFold,
    RepeatedStratifiedKFold,
    ShuffleSplit,
    StratifiedKFold,
    TimeSeriesSplit,
)
from sklearn.naive_bayes import GaussianNB

from skdigitnet.model_selection import compare_candidates

SCORES = np.array([[0.9, 0.8, 0.85], [0.7, 0.75, 0.6], [0.8, 0.7, 0.7], [0.9, 0.85, 0.9]])


def searched(scores, cv=None, metric="score", **parameters):
    """A search that has come to these scores of (split, candidate)."""
    search = GridSearchCV(DummyClassifier(), {"constant": [0, 1, 2]}, cv=cv, **parameters)
    scores = np.asarray(scores, dtype=float)
    search.n_splits_ = len(scores)
    search.cv_results_ = {
        "params": [{"constant": i} for i in range(scores.shape[1])],
        f"mean_test_{metric}": scores.mean(axis=0),
    } | {f"split{k}_test_{metric}": row for k, row in enumerate(scores)}
    return search


@pytest.mark.parametrize("test_fraction", [0.1, 0.25, 0.5])
@pytest.mark.parametrize("confidence", [0.95, 0.8])
def test_it_is_the_published_test(test_fraction, confidence):
    """SciPy's paired t-test, its statistic and interval scaled by the correction."""
    comparison = compare_candidates(
        searched(SCORES), 0, 2, test_fraction=test_fraction, confidence=confidence
    )
    plain = stats.ttest_rel(SCORES[:, 0], SCORES[:, 2])
    n = len(SCORES)
    factor = np.sqrt(1 + n * test_fraction / (1 - test_fraction))
    half = np.ptp(plain.confidence_interval(confidence)) / 2 * factor
    expected = 2 * stats.t.sf(abs(plain.statistic) / factor, n - 1)
    difference = np.mean(SCORES[:, 0] - SCORES[:, 2])
    assert comparison.p_value == pytest.approx(expected, rel=1e-12)
    assert comparison.difference == pytest.approx(difference, rel=1e-12)
    assert comparison.interval == pytest.approx((difference - half, difference + half))
    np.testing.assert_array_equal(comparison.scores, SCORES[:, [0, 2]])
    other = compare_candidates(searched(SCORES), 2, 0, test_fraction=test_fraction)
    assert (other.difference, other.p_value) == (-comparison.difference, comparison.p_value)


def test_p_and_the_interval_agree():
    p_value = compare_candidates(searched(SCORES), 0, 1).p_value
    low, high = compare_candidates(searched(SCORES), 0, 1, confidence=1 - p_value).interval
    assert min(abs(low), abs(high)) == pytest.approx(0, abs=1e-12)


def scores_of_equals(cv, rng, n_rows=100):
    """Nearest-centroid classifiers on two sets of features that are drawn alike."""
    y = np.arange(n_rows) % 2
    features = rng.normal(size=(2, n_rows, 2)) + 0.5 * y[:, None]

    def accuracy(X, train, test):
        first, second = (X[train][y[train] == k].mean(axis=0) for k in (0, 1))
        is_second = ((X[test] - second) ** 2).sum(1) < ((X[test] - first) ** 2).sum(1)
        return np.mean(is_second == y[test])

    return [[accuracy(X, *split) for X in features] for split in cv.split(y, y)]


@pytest.mark.parametrize(
    ("make_cv", "plain_share"),
    [
        (lambda seed: ShuffleSplit(20, test_size=0.2, random_state=seed), 0.3),
        (lambda seed: StratifiedKFold(5, shuffle=True, random_state=seed), 0.05),
        (lambda seed: RepeatedStratifiedKFold(n_splits=5, n_repeats=4, random_state=seed), 0.3),
    ],
    ids=["random splits", "5 folds", "4 times 5 folds"],
)
def test_equals_are_rarely_told_apart(make_cv, plain_share):
    """In at most about 5 % of all data; the plain t-test does it far more often."""
    rng, p_values, plain_p_values = np.random.default_rng(0), [], []
    for seed in range(200):
        cv = make_cv(seed)
        scores = scores_of_equals(cv, rng)
        p_values.append(compare_candidates(searched(scores, cv), 0, 1).p_value)
        plain_p_values.append(stats.ttest_rel(*np.transpose(scores)).pvalue)
    share, plain = (np.mean(np.array(p) < 0.05) for p in (p_values, plain_p_values))
    print(f"told apart: {share:.1%}, by the plain t-test {plain:.1%}")
    assert share < 0.09  # three standard deviations above 5 %
    assert plain > max(plain_share, 2 * share)


@pytest.mark.parametrize(
    ("cv", "expected"),
    [
        (None, 1 / 4),
        (4, 1 / 4),
        (KFold(4), 1 / 4),
        (RepeatedKFold(n_splits=2, n_repeats=2), 1 / 2),
        (LeaveOneOut(), 1 / 4),
        (ShuffleSplit(4), 0.1),
        (ShuffleSplit(4, test_size=0.2), 0.2),
        (ShuffleSplit(4, train_size=0.7), 0.3),
        (ShuffleSplit(4, test_size=0.2, train_size=0.2), 0.5),
        (ShuffleSplit(4, test_size=10, train_size=30), 0.25),
        (GroupShuffleSplit(4), 0.2),
        ([([0, 1, 2], [3])] * 4, 1 / 4),
        ([(np.array([True, False, False]), np.array([False, True, True]))] * 4, 2 / 3),
    ],
    ids=repr,
)
def test_the_test_fraction_is_that_of_cv(cv, expected):
    comparison = compare_candidates(searched(SCORES, cv), 0, 1)
    assert comparison.test_fraction == pytest.approx(expected)


@pytest.mark.parametrize(
    "cv",
    [
        ShuffleSplit(4, test_size=10),
        TimeSeriesSplit(4),
        LeavePOut(2),
        PredefinedSplit([0, 1, 2, 3]),
        iter([([0], [1])]),
    ],
    ids=lambda cv: type(cv).__name__,
)
def test_a_fraction_that_cv_does_not_tell_is_asked_for(cv):
    with pytest.raises(ValueError, match="test_fraction is needed"):
        compare_candidates(searched(SCORES, cv), 0, 1)
    given = compare_candidates(searched(SCORES, cv), 0, 1, test_fraction=0.25)
    assert given.p_value == compare_candidates(searched(SCORES, 4), 0, 1).p_value


def test_splits_without_a_score_are_left_out():
    scores = np.vstack([SCORES, [[np.nan, 0.5, 0.5]], [[0.5, np.nan, np.nan]]])
    comparison = compare_candidates(searched(scores), 0, 1, test_fraction=0.25)
    whole = compare_candidates(searched(SCORES), 0, 1)
    assert comparison.p_value == whole.p_value
    assert comparison.scores.shape == (6, 2)
    assert "on 4 splits, 2 more left out, where a score is NaN" in repr(comparison)
    with pytest.raises(ValueError, match="no split on which both have a score"):
        compare_candidates(searched(scores[4:]), 0, 1)


def test_masked_scores_are_missing():
    search = searched(SCORES)
    for k in (0, 3):
        name = f"split{k}_test_score"
        search.cv_results_[name] = np.ma.masked_array(search.cv_results_[name], [1, 0, 0])
    assert "on 2 splits, 2 more left out" in repr(compare_candidates(search, 0, 1))


def test_one_split_has_no_test():
    comparison = compare_candidates(searched(SCORES[:1]), 0, 1, test_fraction=0.2)
    assert comparison.difference == pytest.approx(0.1)
    assert np.isnan([comparison.p_value, *comparison.interval]).all()
    assert "no test: one split has no spread" in repr(comparison)


def test_without_variance_nothing_is_claimed():
    """However the differences are rounded."""
    scores = np.array([[0.2, 0.1, 0.2], [0.3, 0.2, 0.3], [0.5, 0.4, 0.5]])
    assert len(set(scores[:, 0] - scores[:, 1])) > 1
    equal = compare_candidates(searched(scores), 0, 2)
    apart = compare_candidates(searched(scores), 0, 1)
    assert (equal.difference, equal.p_value) == (0, 1)
    assert apart.difference == pytest.approx(0.1)
    assert np.isnan(apart.p_value)
    for comparison in (equal, apart):
        assert np.isnan(comparison.interval).all()
        assert "no test: the difference is the same on every split" in repr(comparison)


def test_several_metrics():
    X, y = load_iris(return_X_y=True)
    grid, scoring = {"var_smoothing": [10.0, 1e-9]}, ["accuracy", "neg_log_loss"]
    search = GridSearchCV(GaussianNB(), grid, scoring=scoring, refit="neg_log_loss", cv=11)
    search.fit(X, y)
    comparison = compare_candidates(search, 1, 0)
    assert comparison.metric == "neg_log_loss"
    assert comparison.p_value < 1e-4
    expected = [search.cv_results_[f"split{k}_test_accuracy"][::-1] for k in range(11)]
    other = compare_candidates(search, 1, 0, metric="accuracy")
    np.testing.assert_array_equal(other.scores, expected)  # split10 would sort before split2
    search.refit = False
    for metric in (None, "f1"):
        with pytest.raises(ValueError, match="one of those of the search, accuracy, neg_log"):
            compare_candidates(search, 0, 1, metric=metric)


def test_candidates_of_two_rounds_of_halving_have_other_rows():
    X, y = load_iris(return_X_y=True)
    grid = {"var_smoothing": [0.1, 1, 10]}
    search = HalvingGridSearchCV(GaussianNB(), grid, cv=2, random_state=0).fit(X, y)
    rounds = search.cv_results_["iter"]
    assert compare_candidates(search, 0, 1).scores.shape == (2, 2)
    with pytest.raises(ValueError, match="scored on different rows, in rounds 0 and 1"):
        compare_candidates(search, 0, int(np.flatnonzero(rounds == 1)[0]))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"i": 3}, "i must be the place of a candidate in cv_results_, from 0 to 2; it is 3"),
        ({"j": -1}, "j must be the place of a candidate"),
        ({"j": 1.0}, "j must be the place of a candidate"),
        ({"j": 0}, "i and j must be two candidates; both are 0"),
        ({"confidence": 95}, r"confidence must be in \(0, 1\); it is 95"),
        ({"test_fraction": 1}, r"test_fraction must be in \(0, 1\); it is 1"),
        ({"metric": "f1"}, "metric must be one of those of the search, score; it is 'f1'"),
    ],
)
def test_wrong_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        compare_candidates(searched(SCORES), **{"i": 0, "j": 1, **arguments})


def test_infinite_scores_and_searches_that_are_not_fitted():
    with pytest.raises(ValueError, match="A score of split 1 is infinite"):
        compare_candidates(searched([[0, 1], [-np.inf, 1]]), 0, 1)
    with pytest.raises(NotFittedError):
        compare_candidates(GridSearchCV(DummyClassifier(), {}), 0, 1)


def test_repr():
    assert repr(compare_candidates(searched(SCORES), 0, 1)) == (
        "Comparison by score on 4 splits\n"
        "  candidate 0: 0.8250 with {'constant': 0}\n"
        "  candidate 1: 0.7750 with {'constant': 1}\n"
        "  difference:  +0.0500, 95 % interval -0.1219 to +0.2219\n"
        "  p = 0.423, by the corrected resampled t-test"
    )
