"""What early stopping holds out, when it stops, and which weights it keeps."""

import warnings

import numpy as np
import pytest
from estimators import assert_same_weights, first_digits, maker, target, weights
from scipy import sparse
from sklearn.metrics import accuracy_score
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

from skdigitnet._problem.splits import hold_out

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

SOLVERS = ["sgd", "adam", "lbfgs"]


# The split


def small_problems(kind, weighted, seed):
    """Targets as hold_out takes them, weights and fractions, from the smallest up."""
    random = np.random.RandomState(seed)
    for _ in range(100):
        n_classes = 2 if kind == "binary" else random.randint(2, 7)
        # skewed sizes: many classes of one or two rows, now and then a large one
        sizes = random.geometric(random.choice([0.02, 0.1, 0.5, 0.9]), n_classes)
        labels = random.permutation(np.repeat(np.arange(n_classes), sizes))
        weight = np.ones(len(labels))
        if weighted:
            weight = random.uniform(size=len(labels)) * (random.uniform(size=len(labels)) < 0.7)
        fraction = random.choice([0.001, 0.1, 0.25, 0.5, 0.9, 0.999])
        if kind == "binary":
            yield labels.astype(np.uint8)[:, None], weight, fraction
        elif kind == "multilabel":
            yield (labels[:, None] == np.arange(3)).astype(np.uint8), weight, fraction
        else:
            yield labels, weight, fraction


def labels_of(y):
    """One number a row; several labels a row are one class here."""
    if y.ndim == 1:
        return y
    return y.ravel() if y.shape[1] == 1 else np.zeros(len(y), dtype=int)


def rows_that_count(y, weight):
    labels = labels_of(y)
    return [np.flatnonzero((labels == k) & (weight > 0)) for k in np.unique(labels)]


def unserved_classes(y, weight, training, held_out):
    """Those that do not train, or could spare a row and are not held out."""
    return [
        rows
        for rows in rows_that_count(y, weight)
        if (len(rows) > 0 and not np.isin(rows, training).any())
        or (len(rows) > 1 and not np.isin(rows, held_out).any())
    ]


def can_spare_a_row(y, weight):
    return max(len(rows) for rows in rows_that_count(y, weight)) > 1


def mlp_classifiers_split(y, fraction, random_state):
    """None where scikit-learn refuses."""
    stratify = y if y.ndim == 2 and y.shape[1] == 1 else None
    try:
        return train_test_split(
            np.arange(len(y)), test_size=fraction, stratify=stratify, random_state=random_state
        )
    except ValueError:
        return None


every_kind = pytest.mark.parametrize("kind", ["binary", "multiclass", "multilabel"])
weighted_or_not = pytest.mark.parametrize("weighted", [False, True])
some_seeds = pytest.mark.parametrize("seed", range(3))


@every_kind
@weighted_or_not
@some_seeds
def test_split_is_a_partition_that_serves_every_class(kind, weighted, seed):
    n_splits = 0
    for y, weight, fraction in small_problems(kind, weighted, seed):
        problem = (labels_of(y).tolist(), weight.tolist(), fraction)
        if not can_spare_a_row(y, weight):
            with pytest.raises(ValueError, match="early_stopping=True"):
                hold_out(y, weight, fraction, np.random.RandomState(seed))
            continue
        training, held_out = hold_out(y, weight, fraction, np.random.RandomState(seed))
        np.testing.assert_array_equal(
            np.sort(np.concatenate([training, held_out])), np.arange(len(y)), str(problem)
        )
        assert weight[training].any(), problem
        assert weight[held_out].any(), problem
        assert not unserved_classes(y, weight, training, held_out), problem
        n_splits += 1
    assert n_splits > 50


@every_kind
@weighted_or_not
@some_seeds
def test_split_is_mlp_classifiers_wherever_that_serves_every_class(kind, weighted, seed):
    n_same = 0
    for y, weight, fraction in small_problems(kind, weighted, seed):
        ours, theirs = np.random.RandomState(seed), np.random.RandomState(seed)
        expected = mlp_classifiers_split(y, fraction, theirs)
        if expected is None or not can_spare_a_row(y, weight):
            continue
        if unserved_classes(y, weight, *expected):
            continue
        training, held_out = hold_out(y, weight, fraction, ours)
        np.testing.assert_array_equal(training, expected[0])
        np.testing.assert_array_equal(held_out, expected[1])
        # the shuffles that follow are the same too
        assert ours.randint(2**31) == theirs.randint(2**31)
        n_same += 1
    assert n_same > 10


@every_kind
@weighted_or_not
@some_seeds
def test_fewest_rows_change_sides(kind, weighted, seed):
    for y, weight, fraction in small_problems(kind, weighted, seed):
        expected = mlp_classifiers_split(y, fraction, np.random.RandomState(seed))
        if expected is None or not can_spare_a_row(y, weight):
            continue
        unserved = unserved_classes(y, weight, *expected)
        _, held_out = hold_out(y, weight, fraction, np.random.RandomState(seed))
        moved = np.setxor1d(held_out, expected[1])
        assert len(moved) == len(unserved)
        assert all(np.isin(moved, rows).sum() == 1 for rows in unserved)


@every_kind
def test_as_many_rows_are_held_out_as_asked_for(kind):
    for y, weight, fraction in small_problems(kind, False, 0):
        n_classes = len(np.unique(labels_of(y)))
        if not can_spare_a_row(y, weight):
            continue
        _, held_out = hold_out(y, weight, fraction, np.random.RandomState(0))
        assert abs(len(held_out) - fraction * len(y)) <= max(1, n_classes)


@pytest.mark.parametrize("labels", [[0, 1], [0, 1, 2], [0, 0, 0, 1]], ids=str)
def test_no_class_can_spare_a_row(labels):
    y, weight = np.array(labels), np.ones(len(labels))
    weight[1:3] = 0  # leaves one row of a class
    with pytest.raises(ValueError, match=f"early_stopping=True.*{len(labels)} rows"):
        hold_out(y, weight, 0.5, np.random.RandomState(0))


def test_rows_are_numbered_alike_on_every_system():
    class OnWindows(np.random.RandomState):  # it permutes C's long integers
        def permutation(self, n):
            return super().permutation(n).astype(np.int32)

    y = np.array([[0], [0], [0], [1]])  # a class of one row cannot be stratified
    for rows in hold_out(y, np.ones(4), 0.5, OnWindows(0)):
        assert rows.dtype == np.intp


def test_class_of_one_row_trains_whatever_the_draw():
    y = np.array([0] * 10 + [1] * 10 + [2])
    for seed in range(50):
        training, held_out = hold_out(y, np.ones(21), 0.5, np.random.RandomState(seed))
        assert 20 in training
        assert set(y[held_out]) == {0, 1}


# Training with it


@pytest.fixture(scope="module")
def digits():
    return first_digits(400)


# warm_start keeps the rows that were held out
make = maker(hidden_layer_sizes=(10,), early_stopping=True, warm_start=True, max_iter=5)


def held_out_rows(clf):
    return clf._training_state.epoch.held_out


@every_kind
@weighted_or_not
@pytest.mark.parametrize("solver", SOLVERS)
def test_score_is_the_weighted_accuracy_on_the_held_out_rows(digits, kind, weighted, solver):
    X, y = digits
    y = target(kind, y)
    weight = np.random.RandomState(0).uniform(size=len(y)) if weighted else None
    clf = make(solver=solver, max_iter=1).fit(X, y, sample_weight=weight)
    rows = held_out_rows(clf)
    assert len(rows) == 40
    score = accuracy_score(
        y[rows], clf.predict(X[rows]), sample_weight=weight[rows] if weighted else None
    )
    assert clf.validation_scores_ == [pytest.approx(score, rel=1e-12)]


@every_kind
@pytest.mark.parametrize("solver", SOLVERS)
def test_best_weights_are_restored(digits, kind, solver):
    X, y = digits
    y = target(kind, y)
    parameters = {"solver": solver, "tol": 0, "n_iter_no_change": 100, "alpha": 1e-4}
    clf = make(max_iter=100, **parameters).fit(X, y)
    scores = clf.validation_scores_
    best = int(np.argmax(scores))
    assert best < len(scores) - 1
    rows = held_out_rows(clf)
    assert clf.best_validation_score_ == scores[best] == clf.score(X[rows], y[rows])
    # of several epochs with the best score it is the first whose weights are kept
    assert_same_weights(clf, make(max_iter=best + 1, **parameters).fit(X, y))


@pytest.mark.parametrize("solver", SOLVERS)
def test_what_is_published(digits, solver):
    X, y = digits
    clf = make(solver=solver).fit(X, y)
    assert len(clf.validation_scores_) == len(clf.loss_curve_) == clf.n_iter_ == 5
    assert clf.best_loss_ is None
    assert clf.loss_ == clf.loss_curve_[-1]
    clf = make(solver=solver, early_stopping=False).fit(X, y)
    assert clf.validation_scores_ is None
    assert clf.best_validation_score_ is None
    assert clf.best_loss_ == min(clf.loss_curve_)


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize(("tol", "n_iter_no_change"), [(0.001, 1), (0.001, 4), (0.05, 4)])
def test_stops_after_so_many_epochs_without_improvement(digits, solver, tol, n_iter_no_change):
    X, y = digits
    if solver == "lbfgs":
        tol = 1e-4  # its bound on the gradient too, which must not be what ends training
    clf = make(
        solver=solver,
        learning_rate="constant",
        tol=tol,
        n_iter_no_change=n_iter_no_change,
        max_iter=300,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # it has not run into max_iter
        clf.fit(X, y)
    best, n_without = -np.inf, []
    for score in clf.validation_scores_:
        n_without.append(n_without[-1] + 1 if score < best + tol else 0)
        best = max(best, score)
    assert max(n_without[:-1]) <= n_iter_no_change < n_without[-1]


def test_a_score_that_only_stays_is_no_reason_to_stop_with_a_tol_of_zero():
    """So it is in MLPClassifier."""
    X, y = np.repeat([[-1.0], [1.0]], 20, axis=0), np.repeat([0, 1], 20)
    parameters = {"tol": 0, "n_iter_no_change": 2, "max_iter": 30, "learning_rate_init": 0.1}
    clf = make(**parameters).fit(X, y)
    assert clf.validation_scores_[-10:] == [1.0] * 10
    theirs = MLPClassifier((10,), early_stopping=True, random_state=0, **parameters)
    assert clf.n_iter_ == theirs.fit(X, y).n_iter_ == 30


@pytest.mark.parametrize("solver", SOLVERS)
def test_training_does_not_see_the_held_out_rows(digits, solver):
    X, y = digits
    clf = make(solver=solver).fit(X, y)
    rows = held_out_rows(clf)
    # whatever is written there changes the scores and so, perhaps, which weights are best
    other = X.copy()
    other[rows] = np.random.RandomState(1).uniform(size=(len(rows), X.shape[1]))
    same = make(solver=solver).fit(other, y)
    assert clf.loss_curve_ == same.loss_curve_
    assert clf.t_ == (clf.n_iter_ * (len(X) - len(rows)))


@every_kind
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("n_rows", [4, 7, 15])
def test_tiny_data(digits, kind, solver, n_rows):
    X, y = digits
    y = target(kind, y % 3)[:n_rows] if kind != "binary" else y[:n_rows] % 2
    clf = make(solver=solver).fit(X[:n_rows], y)
    assert len(clf.validation_scores_) == clf.n_iter_
    if kind != "multilabel":
        assert set(np.delete(y, held_out_rows(clf))) == set(y)


@pytest.mark.parametrize("solver", SOLVERS)
def test_rows_of_no_weight_do_not_count_as_rows_of_their_class(digits, solver):
    X, y = digits
    y = y % 3
    weight = np.ones(len(y))
    weight[np.flatnonzero(y == 2)[2:]] = 0  # two rows of this class are left
    clf = make(solver=solver).fit(X, y, sample_weight=weight)
    counts = np.isin(held_out_rows(clf), np.flatnonzero((y == 2) & (weight > 0))).sum()
    assert counts == 1


def test_classes_of_no_weight_do_not_count(digits):
    X, y = digits
    clf = make(class_weight={0: 0, 1: 0}).fit(X, y)
    assert clf.predict_proba(X)[:, :2].max() < clf.predict_proba(X)[:, 2:].max()
    assert np.isfinite(clf.validation_scores_).all()


def test_sparse_and_dense_hold_out_the_same_rows(digits):
    X, y = digits
    dense, csr = make().fit(X, y), make().fit(sparse.csr_array(X), y)
    np.testing.assert_array_equal(held_out_rows(dense), held_out_rows(csr))
    assert dense.validation_scores_ == csr.validation_scores_


# Resuming


@pytest.mark.parametrize("solver", SOLVERS)
def test_warm_start_keeps_the_held_out_rows(digits, solver):
    X, y = digits
    clf = make(solver=solver).fit(X, y)
    rows = held_out_rows(clf).copy()
    clf.fit(X, y)
    np.testing.assert_array_equal(held_out_rows(clf), rows)
    assert len(clf.validation_scores_) == clf.n_iter_ == 10


def test_warm_start_goes_on_from_the_last_weights_and_keeps_the_best(digits):
    X, y = digits
    long = make(max_iter=60, tol=0, n_iter_no_change=60).fit(X, y)
    clf = make(tol=0, n_iter_no_change=60)
    for _ in range(12):
        clf.fit(X, y)
    assert clf.validation_scores_ == long.validation_scores_
    assert_same_weights(clf, long)


def test_warm_start_on_other_rows_splits_them_anew(digits):
    X, y = digits
    clf = make().fit(X, y).fit(X[:300], y[:300])
    assert held_out_rows(clf).max() < 300
    assert len(held_out_rows(clf)) == 30
    assert clf.n_iter_ == 10


def test_best_score_is_that_of_the_published_weights_on_other_rows(digits):
    X, y = digits
    clf = make(max_iter=40).fit(X, y)
    noise = np.random.RandomState(0).permutation(y)[:300]  # nothing to learn
    clf.set_params(max_iter=3).fit(X[:300], noise)
    rows = held_out_rows(clf)
    assert clf.best_validation_score_ == clf.score(X[rows], noise[rows])


def test_best_score_is_that_of_the_published_weights_after_coefs_were_set(digits):
    X, y = digits
    clf = make(max_iter=40).fit(X, y)
    clf.coefs_ = [np.zeros_like(W) for W in clf.coefs_]
    clf.set_params(max_iter=1, learning_rate_init=1e-9).fit(X, y)
    rows = held_out_rows(clf)
    assert clf.best_validation_score_ == clf.score(X[rows], y[rows])


@pytest.mark.parametrize("silent", ["held out", "training"])
def test_warm_start_where_the_rows_of_one_side_lose_their_weight(digits, silent):
    X, y = digits
    clf = make().fit(X, y)
    held_out = np.isin(np.arange(len(y)), held_out_rows(clf))
    weight = np.where(held_out == (silent == "held out"), 0.0, 1.0)
    # rows of every class are left on the other side, so this is no bad input
    clf.fit(X, y, sample_weight=weight)
    assert all(np.isfinite(array).all() for array in weights(clf))
    assert np.isfinite(clf.validation_scores_).all()


def test_warm_start_with_early_stopping_switched_on_and_off(digits):
    X, y = digits
    clf = make(early_stopping=False).fit(X, y)
    clf.set_params(early_stopping=True).fit(X, y)
    assert len(clf.validation_scores_) == 5
    assert clf.n_iter_ == 10
    clf.set_params(early_stopping=False).fit(X, y)
    assert clf.validation_scores_ is None
    assert clf.n_iter_ == 15
