"""Training that resumes where it stopped, to the bit."""

import pickle

import joblib
import numpy as np
import pytest
from children import in_child
from estimators import weights
from resuming import (
    GRID,
    assert_same_training,
    ctrl_c_in_calls,
    cut_calls_short,
    digits,
    fit_through_ctrl_c,
    fit_until_call,
    load,
    make,
    other_training,
    save,
)
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning

from skdigitnet.callbacks import EarlyStopping

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.fixture(autouse=True)
def short_calls(monkeypatch):
    cut_calls_short(monkeypatch.setattr)


def pickled(clf):
    return pickle.loads(pickle.dumps(clf))


# Over the grid of settings


@pytest.mark.parametrize("setting", [s for s in GRID if s.is_steady], ids=str)
def test_two_fits_of_five_epochs_are_one_of_ten(setting):
    rows = setting.rows()
    whole = setting.make(max_iter=10, warm_start=True).fit(**rows)
    half = setting.make(max_iter=5, warm_start=True).fit(**rows)
    other = pickled(half)
    other_training()
    assert_same_training(half.fit(**rows), whole)
    assert_same_training(other.fit(**rows), whole)


# the stopping rule cuts the adaptive schedule, and partial_fit has none
UNWATCHED = [s for s in GRID if s.stopping == "training loss" and s.schedule != "adaptive"]


@pytest.mark.parametrize("setting", UNWATCHED, ids=str)
def test_ten_calls_of_partial_fit_are_one_fit(setting, tmp_path):
    rows = setting.rows()
    clf = setting.make(max_iter=10)
    for epoch in range(10):
        clf.partial_fit(**rows, classes=range(10))
        if epoch == 4:
            joblib.dump(clf, tmp_path / "clf.joblib")
            clf = joblib.load(tmp_path / "clf.joblib")
            other_training()
    assert_same_training(clf, setting.make(max_iter=10, warm_start=True).fit(**rows))


@pytest.mark.parametrize("setting", GRID, ids=str)
def test_fit_after_ctrl_c_is_the_uninterrupted_fit(setting):
    rows = setting.rows()
    whole = setting.make(max_iter=6, warm_start=True).fit(**rows)
    clf = setting.make(max_iter=6, warm_start=True)
    # the first call, two in a row within a batch, the ends of epochs of 16 and 14 calls
    clf = fit_through_ctrl_c(clf, rows, [1, 6, 7, 14, 16, 45], between=pickled)
    assert_same_training(clf, whole)


def test_interrupted_fits_are_finished_in_another_process(tmp_path):
    for i, setting in enumerate(GRID):
        clf = setting.make(max_iter=6, warm_start=True)
        clf = fit_until_call(clf, setting.rows(), 20 + i % 30)
        save(clf, tmp_path / f"{i}.{'pkl' if i % 2 else 'joblib'}")
    in_child("interrupted.finish_saved", str(tmp_path))
    for path in tmp_path.iterdir():
        setting = GRID[int(path.stem)]
        whole = setting.make(max_iter=6, warm_start=True).fit(**setting.rows())
        assert_same_training(load(path), whole)


def test_the_grid_has_every_pair_of_values():
    assert len(GRID) >= 60
    values = [[*vars(setting).values()] for setting in GRID]
    for i in range(7):
        for j in range(i):
            pairs = {(v[i], v[j]) for v in values}
            n_possible = len({v[i] for v in values}) * len({v[j] for v in values})
            n_impossible = 2 if (i, j) == (1, 0) else 0  # Adam has two schedules fewer
            assert len(pairs) == n_possible - n_impossible, (i, j)


# Beyond the grid


def test_the_weight_of_the_rows_does_not_depend_on_their_order():
    X, y, *_ = digits()
    for seed in range(10):
        weight = np.random.RandomState(seed).uniform(size=len(y))
        clf = make(alpha=3, hidden_layer_sizes=(30,), random_state=seed, warm_start=True)
        whole = make(**{**clf.get_params(), "max_iter": 10}).fit(X, y, weight)
        clf.set_params(max_iter=5).fit(X, y, weight).fit(X, y, weight)
        assert_same_training(clf, whole)


def test_mostly_zero_rows_resume_in_either_form():
    X, y, *_ = digits()
    X = np.where(np.arange(X.size).reshape(X.shape) % 5, 0, X)
    clf = make()
    for _ in range(10):
        clf.partial_fit(X, y, range(10))  # as dense, which one pass is too few to change
    assert_same_training(clf, make(max_iter=10).fit(X, y))  # as a sparse copy


@pytest.mark.parametrize("kind", ["MT19937", "PCG64", "PCG64DXSM", "Philox", "SFC64"])
def test_any_random_state_instance_continues(kind):
    def generator():
        return np.random.RandomState(getattr(np.random, kind)(5))

    X, y, *_ = digits()
    parameters = {"early_stopping": True, "dropout": 0.2, "warm_start": True}
    whole = make(max_iter=10, random_state=generator(), **parameters).fit(X, y)
    half = make(max_iter=5, random_state=generator(), **parameters).fit(X, y)
    assert_same_training(pickled(half).fit(X, y), whole)
    assert_same_training(half.fit(X, y), whole)


def test_random_state_none_continues_from_its_own_draws():
    X, y, *_ = digits()
    clf = make(max_iter=5, random_state=None, warm_start=True).fit(X, y)
    assert_same_training(pickled(clf).fit(X, y), clf.fit(X, y))


def test_other_initial_weights_restart_what_was_interrupted():
    X, y, *_ = digits()
    coefs = [np.full((64, 6), 0.1), np.full((6, 10), 0.1)]
    clf = fit_until_call(make(max_iter=6, warm_start=True), {"X": X, "y": y}, 40)
    whole = make(max_iter=6).fit(X, y, coef_init=coefs)
    assert_same_training(clf.fit(X, y, coef_init=coefs), whole)


def test_ordinary_fit_keeps_no_state():
    X, y, *_ = digits()
    assert not hasattr(make(max_iter=2).fit(X, y), "_training_state")
    clf = fit_until_call(make(max_iter=6), {"X": X, "y": y}, 40)
    assert not hasattr(clf, "_training_state")
    clf.partial_fit(X, y)
    assert hasattr(clf, "_training_state")
    assert not hasattr(clf.fit(X, y), "_training_state")


def test_state_holds_no_gradient_between_batches():
    X, y, *_ = digits()
    assert make(max_iter=2, warm_start=True).fit(X, y)._training_state.epoch.gradient is None


# L-BFGS


def test_lbfgs_continues_from_the_weights():
    X, y, *_ = digits()
    clf = make(solver="lbfgs", max_iter=10, warm_start=True).fit(X.astype(np.float32), y)
    first = clf.loss_
    clf.fit(X.astype(np.float32), y)
    assert clf.n_iter_ == len(clf.loss_curve_) == 20
    assert max(clf.loss_curve_[10:]) < first
    assert {array.dtype for array in weights(clf)} == {np.dtype(np.float32)}


# What is changed between two calls


def partial_fits(n_calls, **parameters):
    X, y, *_ = digits()
    clf = make(**parameters)
    for _ in range(n_calls):
        clf.partial_fit(X, y, range(10))
    return clf


def test_interrupted_partial_fit_is_finished_by_the_next():
    X, y, *_ = digits()
    clf = partial_fits(2)
    with ctrl_c_in_calls(6), pytest.raises(KeyboardInterrupt):
        clf.partial_fit(X, y)
    assert clf.n_iter_ == 2
    assert_same_training(clf.partial_fit(X, y), partial_fits(3))


def test_partial_fit_finishes_the_epoch_of_an_interrupted_fit():
    X, y, *_ = digits()
    clf = fit_until_call(make(warm_start=True), {"X": X, "y": y}, 2 * 16 + 6)
    assert clf.n_iter_ == 2
    assert_same_training(clf.partial_fit(X, y), partial_fits(3))
    # that ended the interrupted fit: the next is another one
    assert clf.set_params(max_iter=2).fit(X, y).n_iter_ == 5


def test_max_iter_counts_from_the_beginning_of_the_interrupted_fit():
    X, y, *_ = digits()
    clf = make(max_iter=3, warm_start=True).fit(X, y)
    clf = fit_until_call(clf, {"X": X, "y": y}, 20)
    assert clf.n_iter_ == 4
    assert clf.fit(X, y).n_iter_ == 6
    assert clf.fit(X, y).n_iter_ == 9


@pytest.mark.parametrize("batch_size", [10, 1000])
def test_another_batch_size_begins_another_epoch(batch_size):
    X, y, *_ = digits()
    clf = fit_until_call(make(max_iter=6, warm_start=True), {"X": X, "y": y}, 2 * 16 + 6)
    n_steps = clf._training_state.optimiser.n_steps
    assert n_steps == 2 * 4 + 1
    clf.set_params(batch_size=batch_size).fit(X, y)
    assert clf.n_iter_ == 6
    n_steps += 4 * (10 if batch_size == 10 else 1)
    assert clf._training_state.optimiser.n_steps == n_steps


@pytest.mark.parametrize("early_stopping", [False, True])
def test_another_number_of_rows_begins_another_epoch(early_stopping):
    X, y, *_ = digits()
    clf = make(max_iter=6, warm_start=True, early_stopping=early_stopping)
    clf = fit_until_call(clf, {"X": X, "y": y}, 2 * 16 + 6)
    n_epochs, n_seen = clf.n_iter_, clf.t_
    assert clf._training_state.epoch.position is not None
    clf.fit(X[:80], y[:80])
    assert clf.n_iter_ == 6
    order, held_out = clf._training_state.epoch.order, clf._training_state.epoch.held_out
    assert len(order) + (len(held_out) if early_stopping else 0) == 80
    assert clf.t_ == n_seen + (6 - n_epochs) * len(order)


@pytest.mark.parametrize(
    "other", [{"solver": "adam"}, {"momentum": 0}, {"nesterovs_momentum": False}], ids=str
)
def test_another_optimiser_begins_without_moments(other):
    X, y, *_ = digits()
    clf = fit_until_call(make(max_iter=6, warm_start=True), {"X": X, "y": y}, 2 * 16)
    assert clf._training_state.optimiser.n_steps == 2 * 4
    clf.set_params(**other).fit(X, y)
    assert clf.n_iter_ == 6
    fresh = make(max_iter=4, warm_start=True, **other).fit(X, y)
    one, other = clf._training_state.optimiser, fresh._training_state.optimiser
    assert (one.rule, one.n_steps) == (other.rule, other.n_steps)
    assert one.moments.shape == other.moments.shape


def test_lbfgs_and_back():
    X, y, *_ = digits()
    clf = fit_until_call(make(max_iter=6, warm_start=True), {"X": X, "y": y}, 2 * 16 + 6)
    clf.set_params(solver="lbfgs").fit(X, y)
    assert clf.n_iter_ == 6
    loss = clf.loss_
    clf.set_params(solver="sgd", learning_rate_init=1e-9, max_iter=1).fit(X, y)
    assert clf.n_iter_ == 7
    assert clf.loss_ == pytest.approx(loss, rel=1e-6)


# The stopping rule's best belongs to the rule that found it


def stopped_early(**parameters):
    X, y, X_val, y_val = digits()
    clf = make(
        max_iter=40,
        warm_start=True,
        early_stopping=True,
        learning_rate_init=1.0,
        n_iter_no_change=3,
        **parameters,
    )
    clf.fit(X, y, X_val=X_val, y_val=y_val)
    assert clf.best_iteration_ < clf.n_iter_  # the published weights are not the last
    return clf


@pytest.mark.parametrize("call", ["fit", "partial_fit"])
def test_training_without_validation_rows_continues_from_the_published_weights(call):
    X, y, *_ = digits()
    clf = stopped_early()
    published = weights(clf)
    clf.set_params(early_stopping=False, max_iter=1, momentum=0, learning_rate_init=1e-300)
    getattr(clf, call)(X, y)
    for left, right in zip(weights(clf), published, strict=True):
        np.testing.assert_array_equal(left, right)
    getattr(clf.set_params(learning_rate_init=0.2), call)(X, y)
    for left, right in zip(weights(clf), published, strict=True):
        assert not np.array_equal(left, right)


def test_another_score_has_its_own_best():
    X, y, X_val, y_val = digits()
    clf = stopped_early()
    n_before = clf.n_iter_
    clf.set_params(scoring="loss", learning_rate_init=0.05)
    clf.fit(X, y, X_val=X_val, y_val=y_val)
    assert clf.best_iteration_ > n_before
    assert clf.best_validation_score_ == max(clf.validation_scores_[n_before:])
    assert clf.best_validation_score_ < 0


def test_the_same_score_keeps_its_best():
    X, y, X_val, y_val = digits()
    clf = stopped_early()
    best = clf.best_validation_score_
    clf.set_params(max_iter=1, learning_rate_init=1e-300, momentum=0)
    clf.fit(X, y, X_val=X_val, y_val=y_val)
    assert clf.best_validation_score_ == best


class ChangingScorer:
    """Accuracy; counts its calls."""

    def __init__(self):
        self.n_calls = 0

    def __call__(self, estimator, X, y):
        self.n_calls += 1
        return estimator.score(X, y)


def test_the_same_scorer_and_rows_keep_their_best_whatever_they_cache():
    X, y, X_val, y_val = digits()
    rows = {"X": X, "y": y, "y_val": y_val, "X_val": sparse.csr_matrix(X_val)}
    parameters = {"early_stopping": True, "scoring": ChangingScorer(), "warm_start": True}
    clf = fit_until_call(make(max_iter=6, **parameters), rows, 40)
    clf = pickled(clf)
    assert rows["X_val"].has_canonical_format  # SciPy notes that in it
    assert_same_training(clf.fit(**rows), make(max_iter=6, **parameters).fit(**rows))


@pytest.mark.parametrize("restore_best", [False, True])
def test_whose_weights_are_published_may_change(restore_best):
    pytest.importorskip("sklearn.callback", reason="callbacks need scikit-learn 1.9")
    X, y, X_val, y_val = digits()

    def fit(clf, restore_best):
        rule = EarlyStopping(X_val, y_val, restore_best=restore_best, patience=3)
        return clf.set_callbacks(rule).fit(X, y)

    clf = make(max_iter=40, warm_start=True, learning_rate_init=1.0)
    fit(clf, not restore_best)
    assert clf.best_iteration_ < clf.n_iter_
    fit(clf, restore_best)
    assert clf.best_iteration_ < clf.n_iter_
    scores = clf.validation_scores_
    expected = clf.best_validation_score_ if restore_best else scores[-1]
    assert clf.score(X_val, y_val) == expected


def test_resumed_fit_warns_as_the_whole_fit_does():
    X, y, *_ = digits()
    clf = fit_until_call(make(max_iter=3, warm_start=True), {"X": X, "y": y}, 20)
    with pytest.warns(ConvergenceWarning, match="max_iter=3"):
        clf.fit(X, y)
