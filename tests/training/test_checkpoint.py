"""Checkpoints: resuming from one after a kill, and which fit it belongs to."""

import os
import pickle
import shutil
from types import SimpleNamespace

import numpy as np
import pytest
from checkpointing import (
    KillAfter,
    Killed,
    NoteEpochs,
    files_in,
    fit,
    fit_killed,
    state_in,
)
from children import in_child
from effort import effort
from resuming import (
    GRID,
    assert_same_training,
    ctrl_c_in_calls,
    cut_calls_short,
    digits,
    fit_until_call,
    halving,
    load,
    make,
)
from scipy import sparse
from sklearn.model_selection import GridSearchCV

from skdigitnet._problem.arguments import plain_parameters
from skdigitnet._training import checkpoint
from skdigitnet._training.checkpoint import read_state
from skdigitnet._training.pickled import defaults
from skdigitnet.callbacks import Checkpoint, EarlyStopping, HistoryFrame, TimeLimit

pytest.importorskip("sklearn.callback", reason="callbacks need scikit-learn 1.9")

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, y, X_VAL, Y_VAL = digits()


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "checkpoints"


def n_calls_of(call):
    """How many compiled calls of training there are in a call."""
    with ctrl_c_in_calls() as counter:
        call()
    return next(counter) - 1


# Resuming


@pytest.mark.parametrize("setting", GRID[::2], ids=str)
def test_killed_fit_is_gone_on_from(folder, setting, monkeypatch):
    monkeypatch.setattr(os, "fsync", lambda _: None)  # slow, and no bit depends on it
    rows = setting.rows()
    clf = setting.make(max_iter=5).set_callbacks(Checkpoint(folder), KillAfter(3))
    with pytest.raises(Killed):
        clf.fit(**rows)
    assert not hasattr(clf, "coefs_")
    clf = setting.make(max_iter=5).set_callbacks(Checkpoint(folder)).fit(**rows)
    assert_same_training(clf, setting.make(max_iter=5).fit(**rows))


def test_interrupted_fits_are_finished_in_another_process(tmp_path, monkeypatch):
    cut_calls_short(monkeypatch.setattr)
    monkeypatch.setattr(os, "fsync", lambda _: None)  # slow, and no bit depends on it
    for i, setting in enumerate(GRID):
        clf = setting.make(max_iter=6, warm_start=True)
        clf.set_callbacks(Checkpoint(tmp_path / "states", every=4))
        fit_until_call(clf, setting.rows(), 20 + i % 30)
    assert len(files_in(tmp_path / "states")) == len(GRID)
    in_child("interrupted.finish_checkpoints", str(tmp_path))
    assert len(files_in(tmp_path / "states")) == len(GRID)
    for i, setting in enumerate(GRID):
        whole = setting.make(max_iter=6, warm_start=True).fit(**setting.rows())
        assert_same_training(load(tmp_path / f"{i}.pkl"), whole)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks and kills")
def test_killed_at_random_moments(folder):
    n_kills = effort(80, 200)
    counts = in_child("interrupted.be_killed", str(folder), n_kills)
    n_killed, n_advanced, n_ended, n_half_written = counts
    assert n_killed == n_kills
    assert n_advanced > n_kills // 20, counts
    assert n_ended > 0, counts
    assert n_half_written > 0, counts


def test_finished_fit_comes_back_without_training(folder):
    first = fit(folder, early_stopping=True, warm_start=True)
    assert n_calls_of(lambda: fit(folder, early_stopping=True)) == 0
    assert_same_training(fit(folder, early_stopping=True, warm_start=True), first)


def test_larger_max_iter_goes_on(folder):
    fit(folder, max_iter=4)
    n_calls = n_calls_of(lambda: fit(folder, max_iter=10))
    assert n_calls == n_calls_of(lambda: make(max_iter=6).fit(X, y))
    assert_same_training(fit(folder, max_iter=10), make(max_iter=10).fit(X, y))
    assert state_in(folder).n_iter == 10


def test_smaller_max_iter_starts_afresh_and_leaves_the_file(folder):
    fit(folder, max_iter=10)
    assert_same_training(fit(folder, max_iter=4), make(max_iter=4).fit(X, y))
    assert state_in(folder).n_iter == 10


def test_fit_that_the_rule_has_stopped_stays_stopped(folder):
    parameters = {"tol": 0.5, "n_iter_no_change": 1}
    first = fit(folder, max_iter=20, **parameters)
    assert first.n_iter_ < 20
    assert n_calls_of(lambda: fit(folder, max_iter=50, **parameters)) == 0
    # as many epochs as it took are enough for it to stop
    assert_same_training(fit(folder, max_iter=first.n_iter_, **parameters), first)


@pytest.mark.parametrize(("every", "kept"), [(1, [4]), (2, [4]), (3, [3]), (5, [])])
def test_every(folder, every, kept):
    def checkpointed(*callbacks):
        clf = make(max_iter=6).set_callbacks(Checkpoint(folder, every=every), *callbacks)
        return clf.fit(X, y)

    with pytest.raises(Killed):
        checkpointed(KillAfter(4))
    assert [read_state(path, path.stem).n_iter for path in files_in(folder)] == kept
    assert_same_training(checkpointed(), make(max_iter=6).fit(X, y))
    assert state_in(folder).n_iter == 6


def test_time_limit_is_gone_on_after(folder):
    for n_iter in (1, 2, 3):
        clf = fit(folder, TimeLimit(1e-9))
        assert clf.n_iter_ == n_iter
    assert_same_training(fit(folder), make(max_iter=6).fit(X, y))


def test_early_stopping_callback_is_gone_on_from(folder):
    def rule():
        return EarlyStopping(X_VAL, Y_VAL, patience=2, min_delta=0.01)

    parameters = {"max_iter": 30, "learning_rate_init": 1.0}
    whole = make(**parameters).set_callbacks(rule()).fit(X, y)
    assert whole.best_iteration_ < whole.n_iter_ < 30
    for n_epochs in (2, 3):
        with pytest.raises(Killed):
            fit(folder, rule(), KillAfter(n_epochs), **parameters)
    assert_same_training(fit(folder, rule(), **parameters), whole)


def test_history_goes_on(folder):
    def noted(*callbacks):
        clf = make(max_iter=6).set_callbacks(HistoryFrame(), Checkpoint(folder), *callbacks)
        return clf.fit(X, y)

    with pytest.raises(Killed):
        noted(KillAfter(3))
    clf = noted()
    assert list(clf.history_["epoch"]) == [1, 2, 3, 4, 5, 6]
    assert list(clf.history_["loss"]) == clf.loss_curve_


def test_lbfgs_continues_from_the_weights(folder):
    parameters = {"solver": "lbfgs", "max_iter": 10}
    fit_killed(folder, 4, **parameters)
    before = state_in(folder)
    clf = fit(folder, **parameters)
    assert clf.n_iter_ == len(clf.loss_curve_) == 10
    assert clf.loss_curve_[:4] == before.curve.losses
    assert max(clf.loss_curve_[4:]) < before.curve.last
    again = fit(folder, **parameters)
    assert_same_training(again, clf)


def test_lbfgs_that_reached_max_fun_comes_back(folder):
    first = fit(folder, solver="lbfgs", max_iter=100, max_fun=5)
    assert first.n_iter_ < 100
    assert_same_training(fit(folder, solver="lbfgs", max_iter=100, max_fun=5), first)


@pytest.mark.parametrize("kind", ["MT19937", "PCG64", "PCG64DXSM", "Philox", "SFC64"])
def test_random_state_instance_is_gone_on_from(folder, kind):
    def parameters():
        generator = np.random.RandomState(getattr(np.random, kind)(5))
        return {"random_state": generator, "dropout": 0.2, "early_stopping": True}

    fit_killed(folder, 3, **parameters())
    assert_same_training(
        fit(folder, **parameters()), make(max_iter=6, **parameters()).fit(X, y)
    )


def test_random_state_none_is_gone_on_from(folder, tmp_path):
    fit_killed(folder, 3, random_state=None)
    curve = state_in(folder).curve.losses
    shutil.copytree(folder, tmp_path / "copy")
    clf = fit(folder, random_state=None)
    assert clf.loss_curve_[:3] == curve
    assert_same_training(clf, fit(tmp_path / "copy", random_state=None))


@pytest.mark.parametrize("solver", ["sgd", "adam"])
def test_chain_of_warm_starts_is_gone_on_from(folder, solver):
    parameters = {"solver": solver, "warm_start": True, "max_iter": 4, "dropout": 0.2}

    def chain(*last_callbacks):
        clf = fit(folder, **parameters)
        return clf.set_callbacks(Checkpoint(folder), *last_callbacks).fit(X, y)

    with pytest.raises(Killed):
        chain(KillAfter(2))
    with ctrl_c_in_calls() as counter:
        clf = chain()
    assert next(counter) - 1 == 2  # an epoch is a call
    whole = make(**parameters).fit(X, y).fit(X, y)
    assert_same_training(clf, whole)


def test_warm_start_from_the_same_weights_with_other_moments_is_another_fit(folder):
    with_moments = make(max_iter=4, warm_start=True).fit(X, y)
    without = make(max_iter=4).fit(X, y).set_params(warm_start=True)
    plain = pickle.loads(pickle.dumps(with_moments)).fit(X, y)
    for clf in (without, with_moments):
        clf.set_callbacks(Checkpoint(folder)).fit(X, y)
    assert len(files_in(folder)) == 2
    assert_same_training(with_moments, plain)


def test_estimator_keeps_no_state_for_a_checkpoint(folder):
    assert not hasattr(fit(folder), "_training_state")


# Whose file it is


def scored(estimator, X, y):
    return estimator.score(X, y)


OTHER_FITS = {
    "activation": {"activation": "tanh"},
    "alpha": {"alpha": 0.2},
    "batch_size": {"batch_size": 20},
    "beta_1": {"beta_1": 0.8},
    "beta_2": {"beta_2": 0.9},
    "class_weight": {"class_weight": "balanced"},
    "weight_init": {"weight_init": "sklearn"},
    "dropout": {"dropout": 0.1},
    "early_stopping": {"early_stopping": True},
    "epsilon": {"epsilon": 1e-7},
    "hidden_layer_sizes": {"hidden_layer_sizes": (7,)},
    "learning_rate": {"learning_rate": "invscaling"},
    "learning_rate_init": {"learning_rate_init": 0.1},
    "loss": {"loss": "squared_error"},
    "max_fun": {"max_fun": 100},
    "momentum": {"momentum": 0.8},
    "n_iter_no_change": {"n_iter_no_change": 5},
    "nesterovs_momentum": {"nesterovs_momentum": False},
    "output_activation": {"output_activation": "logistic"},
    "power_t": {"power_t": 0.4},
    "random_state": {"random_state": 1},
    "scoring": {"scoring": scored},
    "shuffle": {"shuffle": False},
    "solver": {"solver": "adam"},
    "tol": {"tol": 1e-3},
    "validation_fraction": {"validation_fraction": 0.2},
}
SAME_FITS = {
    "max_iter": {"max_iter": 2},
    "n_jobs": {"n_jobs": 2},
    "verbose": {"verbose": True},
    "warm_start": {"warm_start": True},
}


def test_every_parameter_has_its_case():
    assert {*OTHER_FITS, *SAME_FITS} == set(make().get_params())


@pytest.mark.parametrize("parameters", OTHER_FITS.values(), ids=OTHER_FITS)
def test_another_fit_has_another_file(folder, parameters):
    fit(folder, max_iter=1)
    fit(folder, max_iter=1, **parameters)
    assert len(files_in(folder)) == 2


@pytest.mark.parametrize("parameters", SAME_FITS.values(), ids=str)
def test_parameters_that_change_no_bit_share_the_file(folder, parameters):
    fit(folder, **{"max_iter": 1, **parameters})
    fit(folder, max_iter=1)
    assert len(files_in(folder)) == 1


@pytest.mark.parametrize("schedule", ["linear", "cosine", "step", "one_cycle", halving])
def test_schedule_that_depends_on_max_iter_makes_another_fit_of_it(folder, schedule):
    for max_iter in (1, 2):
        fit(folder, learning_rate=schedule, max_iter=max_iter)
    assert len(files_in(folder)) == 2


def test_other_rows_labels_weights_and_rules_have_their_files(folder):
    coefs = [np.full((64, 6), 0.1), np.full((6, 10), 0.1)]
    validation = {"X_val": X_VAL, "y_val": Y_VAL}
    fit(folder, max_iter=1)
    for n_files, rows in enumerate(
        (
            {"X": X[:90], "y": y[:90]},
            {"X": X.astype(np.float32), "y": y},
            {"X": sparse.csr_matrix(X), "y": y},
            {"X": X, "y": y[::-1]},
            {"X": X, "y": y, "sample_weight": np.linspace(1, 2, 100)},
            {"X": X, "y": y, "coef_init": coefs},
        ),
        start=2,
    ):
        fit(folder, max_iter=1, rows=rows)
        assert len(files_in(folder)) == n_files
    for n_files, callback in enumerate(
        (
            EarlyStopping(X_VAL, Y_VAL),
            EarlyStopping(X_VAL, Y_VAL, patience=3),
            EarlyStopping(X_VAL[1:], Y_VAL[1:]),
            EarlyStopping(X_VAL, Y_VAL, sample_weight_val=np.linspace(1, 2, 50)),
            EarlyStopping(X_VAL, Y_VAL, restore_best=False),
        ),
        start=8,
    ):
        fit(folder, callback, max_iter=1)
        assert len(files_in(folder)) == n_files
    # the same rows by another way are the same
    fit(folder, EarlyStopping(), max_iter=1, rows={"X": X, "y": y, **validation})
    fit(folder, TimeLimit(100), HistoryFrame(), max_iter=1)
    fit(folder, max_iter=1, rows={"X": X.copy(), "y": y.copy()})
    assert len(files_in(folder)) == 12


def test_what_scipy_notes_in_sparse_rows_makes_no_difference(folder):
    rows = sparse.csr_matrix(X)
    fit(folder, max_iter=1, rows={"X": rows, "y": y})
    assert rows.has_canonical_format  # which SciPy caches in it
    fit(folder, max_iter=1, rows={"X": rows, "y": y})
    fit(folder, max_iter=1, rows={"X": sparse.csc_array(X), "y": y})
    assert len(files_in(folder)) == 1


def test_parameter_that_cannot_be_pickled(folder):
    with pytest.raises(ValueError, match="must be defined by name in a module"):
        fit(folder, learning_rate=lambda done: 1 - done)


def test_search_has_a_file_a_fit_and_trains_only_what_is_missing(folder, tmp_path):
    def search(*callbacks):
        clf = make(max_iter=5, n_iter_no_change=np.inf).set_callbacks(*callbacks)
        grid = {"alpha": [0, 1e-3, 1]}
        return GridSearchCV(clf, grid, cv=2, n_jobs=2, refit=False).fit(X, y)

    note = tmp_path / "epochs"
    callbacks = Checkpoint(folder), NoteEpochs(note)
    scores = search().cv_results_["mean_test_score"]
    np.testing.assert_array_equal(search(*callbacks).cv_results_["mean_test_score"], scores)
    assert note.stat().st_size == 3 * 2 * 5
    assert len(files_in(folder)) == 3 * 2
    note.unlink()
    for path in files_in(folder)[:2]:
        path.unlink()
    np.testing.assert_array_equal(search(*callbacks).cv_results_["mean_test_score"], scores)
    assert note.stat().st_size == 2 * 5


@pytest.mark.parametrize("max_iter", [[5, 3], [3, 5]])
def test_search_over_max_iter(folder, max_iter):
    def search(*callbacks):
        clf = make().set_callbacks(*callbacks)
        return GridSearchCV(clf, {"max_iter": max_iter}, cv=2, refit=False).fit(X, y)

    scores = search().cv_results_["mean_test_score"]
    assert scores[0] != scores[1]
    for _ in range(2):
        found = search(Checkpoint(folder)).cv_results_["mean_test_score"]
        np.testing.assert_array_equal(found, scores)


@pytest.mark.parametrize(("value", "n_files"), [(0.0, 1), (0.5, 2)])
def test_a_version_with_another_parameter_finds_the_file(folder, monkeypatch, value, n_files):
    fit(folder, max_iter=2)

    def with_decay(estimator):
        return SimpleNamespace(**vars(plain_parameters(estimator)), decay=value)

    monkeypatch.setattr(checkpoint, "plain_parameters", with_decay)
    monkeypatch.setattr(checkpoint, "defaults", lambda kind: {**defaults(kind), "decay": 0.0})
    fit(folder, max_iter=2)
    assert len(files_in(folder)) == n_files


NAMED = [{"alpha": np.float64(0.15)}, {"dropout": 0.0}, {"scoring": np.str_("accuracy")}]


@pytest.mark.parametrize("parameters", NAMED)
def test_a_default_that_is_named_is_the_same_fit(folder, parameters):
    fit(folder, max_iter=2)
    fit(folder, max_iter=2, **parameters)
    assert len(files_in(folder)) == 1
