"""Rows that are read in blocks: trained on as if in memory, and resumed to the bit."""

import itertools
import pickle
import signal
import threading
import time

import numpy as np
import pytest
from estimators import assert_same_fit, assert_same_weights, bits, indicator, maker, weights
from resuming import assert_same_training, cut_calls_short, fit_through_ctrl_c
from sklearn.datasets import load_digits
from sklearn.ensemble import VotingClassifier

from skdigitnet.datasets import RowBlocks

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

N_ROWS = 250
BLOCK = 20  # so that there are 13 blocks, and the last has ten rows


def digits(dtype=np.float64):
    X, y = load_digits(return_X_y=True)
    return (X[:N_ROWS] / 16).astype(dtype), y[:N_ROWS]


def blocks(X, window_blocks=4, **settings):
    return RowBlocks(X, block_rows=BLOCK, window_blocks=window_blocks, **settings)


make = maker(hidden_layer_sizes=(6,), batch_size=32, max_iter=4)


def distorted(X, rng):
    """Noise in training; module-level, so that a checkpoint can name it."""
    return X if rng is None else X + rng.normal(0, 0.1, X.shape)


# As in memory


FITS = {
    "nesterov": {},
    "adam with dropout": {"solver": "adam", "dropout": 0.3},
    "gradient descent": {"momentum": 0, "class_weight": "balanced"},
    "lbfgs": {"solver": "lbfgs", "class_weight": {3: 2.0}},
}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("parameters", FITS.values(), ids=FITS)
def test_one_window_is_the_fit_in_memory(parameters, dtype):
    X, y = digits(dtype)
    weight = np.linspace(0, 2, N_ROWS)
    clf = make(**parameters).fit(blocks(X, window_blocks=13), y, sample_weight=weight)
    assert_same_fit(clf, make(**parameters).fit(X, y, sample_weight=weight))
    assert clf.coefs_[0].dtype == dtype


WINDOWS = [1, 3, 4, 12]


@pytest.mark.parametrize("window_blocks", WINDOWS)
@pytest.mark.parametrize("batch_size", [7, 32, 100, 1000])
def test_batches_follow_each_other_whatever_the_windows(batch_size, window_blocks):
    X, y = digits()
    parameters = {"shuffle": False, "batch_size": batch_size, "dropout": 0.2}
    clf = make(**parameters).fit(blocks(X, window_blocks), y)
    whole = make(**parameters).fit(X, y)
    assert_same_weights(clf, whole)
    assert clf.loss_curve_ == pytest.approx(whole.loss_curve_, rel=1e-14)


@pytest.mark.parametrize("window_blocks", WINDOWS)
def test_lbfgs_has_the_bits_of_the_fit_in_memory(window_blocks, monkeypatch):
    cut_calls_short(monkeypatch.setattr)
    X, y = digits()
    clf = make(solver="lbfgs", max_iter=20).fit(blocks(X, window_blocks), y)
    assert_same_fit(clf, make(solver="lbfgs", max_iter=20).fit(X, y))


def test_a_committee_hands_blocks_to_its_members():
    X, y = digits()
    rows = blocks(X, transform=distorted)
    members = [make(random_state=seed) for seed in (0, 1)]
    committee = VotingClassifier([("a", members[0]), ("b", members[1])], voting="soft")
    committee.fit(rows, y)
    expected = np.mean([member.fit(rows, y).predict_proba(X) for member in members], axis=0)
    np.testing.assert_array_equal(committee.predict_proba(X), expected)


def test_mostly_zero_rows_and_labels_of_several_kinds():
    X, y = digits(np.float32)
    X[:, ::2] = 0
    parameters = {"hidden_layer_sizes": (64,), "shuffle": False}
    clf = make(**parameters).fit(blocks(X), indicator(y))
    assert_same_weights(clf, make(**parameters).fit(X, indicator(y)))


# The order of the rows


@pytest.mark.parametrize("window_blocks", WINDOWS)
def test_each_window_has_whole_blocks_and_every_epoch_others(window_blocks):
    X, y = digits()
    clf, orders = make(), []
    for _ in range(3):
        clf.partial_fit(blocks(X, window_blocks), y, range(10))
        order = clf._training_state.epoch.order
        np.testing.assert_array_equal(np.sort(order), np.arange(N_ROWS))
        orders.append(order)
        of_blocks = [places.tolist() for places in places_of_blocks(order)]
        # the windows that the blocks' places overlap in have at most window_blocks blocks
        spans = sorted((min(places), max(places)) for places in of_blocks)
        windows = merged(spans)
        assert len(windows) == -(-13 // window_blocks)
        assert max(windows) <= window_blocks
        assert max(windows) - min(windows) <= 1
    assert len({tuple(order) for order in orders}) == 3
    if window_blocks < 12:
        first_blocks = {order[0] // BLOCK for order in orders}
        assert len(first_blocks) > 1
    clf = make(max_iter=1, warm_start=True).fit(blocks(X, window_blocks), y)
    order = clf._training_state.epoch.order
    assert_same_weights(clf, make(max_iter=1, shuffle=False).fit(X[order], y[order]))


def places_of_blocks(order):
    return [np.flatnonzero(order // BLOCK == block) for block in range(13)]


def merged(spans):
    """The number of spans in each group of those that overlap."""
    counts, end = [], -1
    for low, high in spans:
        if low > end:
            counts.append(0)
        counts[-1] += 1
        end = max(end, high)
    return counts


@pytest.mark.parametrize("solver", ["sgd", "lbfgs"])
def test_threads_change_no_bit(solver):
    X, y = digits()
    parameters = {"hidden_layer_sizes": (300, 100), "batch_size": 100, "solver": solver}
    one, two = (make(n_jobs=n, **parameters).fit(blocks(X), y) for n in (1, 2))
    assert bits(one) == bits(two)


# Random numbers for blocks


def test_every_block_of_every_epoch_has_random_numbers_of_its_own():
    X, y = digits()
    drawn = []

    def note(X_block, rng):
        drawn.append(None if rng is None else (len(X_block), rng.random()))
        return X_block

    def fit(**parameters):
        drawn.clear()
        clf = make(max_iter=3, **parameters).fit(blocks(X, transform=note), y)
        in_training = [one for one in drawn if one is not None]
        drawn.clear()
        clf.predict(blocks(X, transform=note))
        assert set(drawn) == {None}
        return clf, in_training

    clf, numbers = fit()
    assert len(set(numbers)) == len(numbers) == 3 * 13
    again, same_numbers = fit(n_jobs=2)
    assert same_numbers == numbers
    assert bits(again) == bits(clf)
    assert set(fit(random_state=1)[1]).isdisjoint(numbers)
    drawn.clear()
    make(solver="lbfgs").fit(blocks(X, transform=note), y)
    assert set(drawn) == {None}


def test_the_rows_that_divergence_is_judged_by_are_read_once():
    X, y = digits()

    def n_reads(max_iter):
        calls = []

        def note(X_block, rng):
            calls.append(rng)
            return X_block

        # from weights that are worse than a constant, and stay so
        start = [np.full((64, 6), 2e3), np.full((6, 10), 2e3)]
        clf = make(max_iter=max_iter, learning_rate_init=1e-9)
        clf.fit(blocks(X, transform=note), y, coef_init=start)
        return calls.count(None)

    assert n_reads(6) == n_reads(2)


def test_transform_cannot_change_the_source():
    X, y = digits()
    before = X.copy()

    def in_place(X_block, rng):
        X_block *= 2
        return X_block

    clf = make(shuffle=False).fit(blocks(X, transform=in_place), y)
    np.testing.assert_array_equal(X, before)
    assert_same_weights(clf, make(shuffle=False).fit(2 * X, y))


# Resuming


def pickled(clf):
    return pickle.loads(pickle.dumps(clf))


RESUMED = {"plain": {}, "dropout": {"solver": "adam", "dropout": 0.3}}


@pytest.mark.parametrize("transform", [None, distorted])
@pytest.mark.parametrize("parameters", RESUMED.values(), ids=RESUMED)
def test_fit_after_ctrl_c_is_the_uninterrupted_fit(parameters, transform, monkeypatch):
    cut_calls_short(monkeypatch.setattr)
    X, y = digits()
    parameters = {"max_iter": 3, "warm_start": True, **parameters}
    rows = {"X": blocks(X, transform=transform), "y": y}
    whole = make(**parameters).fit(**rows)
    # 32 calls an epoch: the first, in and at the ends of batches, windows and epochs
    numbers = [1, 2, 8, 9, 10, 20, 21, 32, 50, 64, 80]
    clf = fit_through_ctrl_c(make(**parameters), rows, numbers, between=pickled)
    assert_same_training(clf, whole)


def test_parts_of_a_fit_are_the_fit():
    X, y = digits()
    rows = blocks(X, transform=distorted)
    whole = make(max_iter=6, warm_start=True, learning_rate="constant").fit(rows, y)
    half = make(max_iter=3, warm_start=True, learning_rate="constant").fit(rows, y).fit(rows, y)
    assert_same_training(half, whole)
    clf = make(learning_rate="constant")
    for _ in range(6):
        clf = pickled(clf).partial_fit(rows, y, range(10))
    assert_same_training(clf, whole)


def test_an_epoch_that_began_in_memory_ends_in_blocks(monkeypatch):
    cut_calls_short(monkeypatch.setattr)
    X, y = digits()
    whole = make(max_iter=1, warm_start=True).fit(X, y)
    clf = make(max_iter=1, warm_start=True)
    forms = itertools.cycle([X, blocks(X)])
    rows = {"X": next(forms), "y": y}

    def between(clf):
        rows["X"] = next(forms)
        return clf

    # every block is read for every window, since the order is not by blocks
    assert_same_training(fit_through_ctrl_c(clf, rows, [5], between), whole)


@pytest.mark.parametrize("number", [5, 17, 30])
def test_ctrl_c_while_it_waits_for_rows(number):
    X, y = digits()
    calls = itertools.count(1)

    def slow(X_block, rng):
        call = next(calls)
        if call == number:
            signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
        if call >= number:
            time.sleep(0.1)
        return distorted(X_block, rng)

    # one call for the number of features, one a block for a sample, one a block in an epoch
    parameters = {"max_iter": 3, "warm_start": True}
    whole = make(**parameters).fit(blocks(X, 13, transform=distorted), y)
    clf = make(**parameters)
    with pytest.raises(KeyboardInterrupt):
        clf.fit(blocks(X, 13, transform=slow), y)
    assert next(calls) < number + 8  # the window was not read to its end
    assert_same_training(clf.fit(blocks(X, 13, transform=distorted), y), whole)


def test_checkpoint_in_blocks(tmp_path):
    pytest.importorskip("sklearn.callback", reason="callbacks need scikit-learn 1.9")
    from skdigitnet.callbacks import Checkpoint

    X, y = digits()

    def fit(X, max_iter, **settings):
        clf = make(max_iter=max_iter, learning_rate="constant")
        return clf.set_callbacks(Checkpoint(tmp_path)).fit(blocks(X, **settings), y)

    fit(X, 2, transform=distorted)
    resumed = fit(X, 4, transform=distorted)
    (file,) = tmp_path.iterdir()
    whole = make(max_iter=4, learning_rate="constant")
    assert_same_fit(resumed, whole.fit(blocks(X, transform=distorted), y))
    fit(X, 4)  # another fit: not distorted
    fit(X, 4, window_blocks=5)
    fit(2 * X, 4)
    assert len(list(tmp_path.iterdir())) == 4
    assert file.exists()


# Errors


def test_non_finite_rows_are_named_and_change_nothing():
    X, y = digits()
    clf = make(warm_start=True).fit(X, y)
    before, n_iter = weights(clf), clf.n_iter_
    bad = X.copy()
    bad[113, 7] = np.nan
    with pytest.raises(
        ValueError, match=r"X contains NaN, in row 113 and column 7 \(block 5\)"
    ):
        clf.fit(blocks(bad), y)
    bad[113, 7] = -np.inf
    with pytest.raises(ValueError, match="X contains infinity, in row 113"):
        clf.predict(blocks(bad))
    assert clf.n_iter_ == n_iter
    for left, right in zip(weights(clf), before, strict=True):
        np.testing.assert_array_equal(left, right)
    large = np.full_like(X, np.finfo(float).max)
    with pytest.raises(ValueError, match="diverged"):  # though each number is finite
        make().fit(blocks(large), y)


def test_early_stopping_needs_validation_rows_in_memory():
    X, y = digits()
    with pytest.raises(ValueError, match=r"early_stopping=True holds no rows out .* X_val"):
        make(early_stopping=True).fit(blocks(X), y)
    with pytest.raises(ValueError, match="X_val is to be read in blocks"):
        make(early_stopping=True).fit(X, y, X_val=blocks(X), y_val=y)
    given = {"X_val": X[:50], "y_val": y[:50]}
    clf = make(early_stopping=True).fit(blocks(X, 13), y, **given)
    assert_same_fit(clf, make(early_stopping=True).fit(X, y, **given))


def test_other_features_and_too_few_labels_are_errors():
    X, y = digits()
    clf = make().fit(blocks(X), y)
    with pytest.raises(ValueError, match=r"X has 63 features, but .* expecting 64"):
        clf.predict(blocks(X[:, 1:]))
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        clf.fit(blocks(X), y[1:])


# X that is read in blocks without being asked for


def test_dask_arrays_and_frames_are_not_gathered():
    dask = pytest.importorskip("dask.array")
    X, y = digits(np.float32)
    chunked = dask.from_array(X, chunks=(50, 64))
    expected = make().fit(RowBlocks(chunked), y)
    clf = make().fit(chunked, y)
    assert_same_fit(clf, expected)
    np.testing.assert_array_equal(clf.predict(chunked), clf.predict(X))


class Computed:
    """A table that is made when it is sliced, a few rows at a time."""

    def __init__(self, X, most):
        self.X, self.most, self.shape, self.dtype = X, most, X.shape, X.dtype

    def __getitem__(self, rows):
        assert rows.stop - rows.start <= self.most
        return self.X[rows]


def test_what_cannot_be_an_array_is_read_in_blocks(monkeypatch):
    monkeypatch.setattr("skdigitnet._problem.row_blocks.BLOCK_BYTES", 20 * 64 * 8)
    monkeypatch.setattr("skdigitnet._problem.row_blocks.WINDOW_BYTES", 80 * 64 * 8)
    X, y = digits()
    table = Computed(X, BLOCK)
    clf = make().fit(table, y)
    assert_same_fit(clf, make().fit(blocks(X), y))
    assert clf.score(table, y) == clf.score(X, y)
