"""Ctrl-C during training, wherever it comes."""

import os
import pickle
import random
import shutil
import signal
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from checkpointing import state_in
from children import child_of
from effort import effort
from resuming import (
    assert_same_training,
    ctrl_c_in_calls,
    cut_calls_short,
    digits,
    fit_through_ctrl_c,
    is_finished,
    make,
)
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV

import skdigitnet
from skdigitnet.callbacks import Checkpoint, HistoryFrame

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
posix_only = pytest.mark.skipif(os.name != "posix", reason="sends SIGINT to a process")

PACKAGE = str(Path(skdigitnet.__file__).parent)


@pytest.fixture(autouse=True)
def short_calls(monkeypatch):
    cut_calls_short(monkeypatch.setattr)


@pytest.fixture(autouse=True)
def handler():
    """Python's own, in place before and after."""
    handler = signal.default_int_handler
    before = signal.signal(signal.SIGINT, handler)
    yield handler
    assert signal.signal(signal.SIGINT, before) is handler


# At every line


class LineTrace:
    """Notes the lines of the package that are run; sends Ctrl-C before the n-th."""

    def __init__(self, n=None):
        self.n, self.lines = n, []
        self.is_on = False

    def __enter__(self):
        self._before, self.is_on = sys.gettrace(), True
        sys.settrace(self._call)
        return self

    def __exit__(self, *_):
        sys.settrace(self._before)

    def _call(self, frame, event, argument):
        return self._line if frame.f_code.co_filename.startswith(PACKAGE) else None

    def _line(self, frame, event, argument):
        if self.is_on and event == "line":
            self.lines.append((frame.f_code.co_filename, frame.f_lineno))
            if len(self.lines) == self.n:
                signal.raise_signal(signal.SIGINT)
        return self._line

    def places(self, modules=()):
        """Values of n for every line: by turns the first and the last time that it is run."""
        numbered = [
            (n, (path, line))
            for n, (path, line) in enumerate(self.lines, start=1)
            if not modules or Path(path).stem in modules
        ]
        firsts = {line: n for n, line in reversed(numbered)}
        lasts = {line: n for n, line in numbered}
        return [(firsts, lasts)[i % 2][line] for i, line in enumerate(lasts)]


class Fits:
    """Fits that are interrupted somewhere, and what is to come of them."""

    modules = ()  # where: anywhere
    lines = slice(0, None, effort(2, 1))  # every other line of those; all in an exhaustive run

    def __init__(self):
        X, y, *_ = digits()
        self.rows = {"X": X[:60], "y": y[:60]}
        self.parameters = {
            "solver": "adam",
            "early_stopping": True,
            "dropout": 0.2,
            "max_iter": 2,
            "warm_start": True,
        }

    def new(self):
        return make(**self.parameters)

    def finish(self, clf, whole):
        if not is_finished(clf, whole):
            clf.fit(**self.rows)
        return clf


class SecondFits(Fits):
    lines = slice(effort(1, 0), None, effort(2, 1))  # the others

    def __init__(self):
        super().__init__()
        self._first = pickle.dumps(super().new().fit(**self.rows))

    def new(self):
        return pickle.loads(self._first)


class FitsWithCheckpoint(Fits):
    """Each resumes from the checkpoint of one epoch; no fit may lose that."""

    modules = (
        "checkpoint",
        "files",
        "callback_bridge",
        "fitting",
        "published",
        "monitor",
        "callbacks",
    )

    def __init__(self, folder):
        super().__init__()
        self.parameters["warm_start"] = False
        self._first, self._folder = folder / "first", folder / "checkpoint"
        first = super().new().set_params(max_iter=1).set_callbacks(Checkpoint(self._first))
        first.fit(**self.rows)

    def new(self):
        shutil.rmtree(self._folder, ignore_errors=True)
        shutil.copytree(self._first, self._folder)
        return super().new().set_callbacks(Checkpoint(self._folder))

    def finish(self, clf, whole):
        assert state_in(self._folder).n_iter >= 1
        return super().new().set_callbacks(Checkpoint(self._folder)).fit(**self.rows)


@pytest.fixture(params=["first fit", "second fit", "checkpoint"])
def fits(request, tmp_path, monkeypatch):
    if request.param == "first fit":
        return Fits()
    if request.param == "second fit":
        return SecondFits()
    pytest.importorskip("sklearn.callback", reason="callbacks need scikit-learn 1.9")
    monkeypatch.setattr(os, "fsync", lambda _: None)  # slow, and no bit depends on it
    return FitsWithCheckpoint(tmp_path)


def assert_consistent(clf):
    if hasattr(clf, "coefs_"):
        assert clf.n_iter_ == len(clf.loss_curve_)
        assert clf.predict(digits()[0][:3]).shape == (3,)


# one that comes just as a file is to be closed leaves that to the garbage collector
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_ctrl_c_at_every_line(fits, handler):
    whole = fits.new().fit(**fits.rows)
    clf = fits.new()
    with LineTrace() as trace:
        clf.fit(**fits.rows)
    places = trace.places(fits.modules)
    assert len(places) > 100
    for n in places[fits.lines]:
        clf = fits.new()
        with pytest.raises(KeyboardInterrupt), LineTrace(n) as interrupted:
            clf.fit(**fits.rows)
        place = interrupted.lines[-1]
        assert signal.getsignal(signal.SIGINT) is handler, place
        assert_consistent(clf)
        assert_same_training(fits.finish(clf, whole), whole)


@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_second_ctrl_c_at_every_line_after_the_first(fits, handler):
    whole = fits.new().fit(**fits.rows)

    def fit_and_interrupt(n):
        clf, trace = fits.new(), LineTrace(n)
        trace.__enter__()
        trace.is_on = False  # until the first Ctrl-C, which waits for the call to end
        try:
            with ctrl_c_in_calls(5, on_ctrl_c=lambda: setattr(trace, "is_on", True)):
                clf.fit(**fits.rows)
        except KeyboardInterrupt:
            return clf, trace
        finally:
            trace.__exit__()
        raise AssertionError("no KeyboardInterrupt")

    _, trace = fit_and_interrupt(None)
    assert len(trace.places()) > 30
    for n in trace.places():
        clf, interrupted = fit_and_interrupt(n)
        assert signal.getsignal(signal.SIGINT) is handler, interrupted.lines[-1]
        assert_consistent(clf)
        assert_same_training(fits.finish(clf, whole), whole)


def test_ctrl_c_leaves_no_thread_behind():
    X, y = load_digits(return_X_y=True)
    parameters = {"hidden_layer_sizes": (100,), "batch_size": 400, "max_iter": 3}
    whole = make(**parameters, warm_start=True).fit(X, y)
    n_threads = threading.active_count()
    clf = make(**parameters, warm_start=True, n_jobs=2)
    clf = fit_through_ctrl_c(clf, {"X": X, "y": y}, [1, 3, 4, 100])
    assert threading.active_count() == n_threads
    assert_same_training(clf, whole)


# Where users' own code runs


class InterruptedScorer:
    """Accuracy, with Ctrl-C at its n-th call."""

    def __init__(self, n):
        self.n, self.n_calls = n, 0

    def __call__(self, estimator, X, y):
        self.n_calls += 1
        if self.n_calls == self.n:
            signal.raise_signal(signal.SIGINT)
        return estimator.score(X, y)


@pytest.mark.parametrize("solver", ["sgd", "adam", "lbfgs"])
@pytest.mark.parametrize("n", [1, 3, 6])
def test_ctrl_c_in_a_scorer(solver, n):
    X, y, *_ = digits()
    parameters = {"solver": solver, "early_stopping": True, "max_iter": 6, "warm_start": True}
    clf = make(scoring=InterruptedScorer(n), **parameters)
    with pytest.raises(KeyboardInterrupt):
        clf.fit(X, y)
    assert clf.n_iter_ == len(clf.validation_scores_) == n - 1
    assert_consistent(clf)
    clf.fit(X, y)
    assert clf.n_iter_ == 6
    if solver != "lbfgs":
        whole = make(scoring=InterruptedScorer(np.inf), **parameters).fit(X, y)
        assert_same_training(clf, whole)


def test_ctrl_c_in_a_fit_within_a_fit(handler):
    X, y, *_ = digits()

    def score_of_another_network(estimator, X, y):
        return make(max_iter=2).fit(X, y).score(X, y)

    parameters = {"early_stopping": True, "max_iter": 4, "warm_start": True}
    clf = make(scoring=score_of_another_network, **parameters)
    whole = make(scoring=score_of_another_network, **parameters).fit(X, y)
    # an epoch has 14 calls, and a score two of two
    clf = fit_through_ctrl_c(clf, {"X": X, "y": y}, [3, 15, 18, 22, 40])
    assert signal.getsignal(signal.SIGINT) is handler
    assert_same_training(clf, whole)


def test_ctrl_c_leaves_every_row_of_a_history(monkeypatch):
    pytest.importorskip("sklearn.callback", reason="callbacks need scikit-learn 1.9")
    X, y, *_ = digits()
    norm, n_calls = np.linalg.norm, iter(range(100))

    def interrupted_norm(array):
        if next(n_calls) == 2:
            signal.raise_signal(signal.SIGINT)
        return norm(array)

    monkeypatch.setattr(np.linalg, "norm", interrupted_norm)
    clf = make(max_iter=5, warm_start=True).set_callbacks(HistoryFrame(gradient_norm=True))
    with pytest.raises(KeyboardInterrupt):
        clf.fit(X, y)
    assert list(clf.history_["epoch"]) == [1, 2, 3]
    clf.fit(X, y)
    assert list(clf.history_["epoch"]) == [1, 2, 3, 4, 5]
    assert list(clf.history_["loss"]) == clf.loss_curve_
    assert list(np.isnan(clf.history_["gradient_norm"])) == [False, False, True, False, False]


def test_ctrl_c_stops_a_search():
    X, y, *_ = digits()
    clf = make(max_iter=4)
    search = GridSearchCV(clf, {"alpha": [0, 1e-3]}, cv=2, error_score=0)
    with ctrl_c_in_calls(20) as calls, pytest.raises(KeyboardInterrupt):
        search.fit(X, y)
    assert next(calls) == 21
    assert not hasattr(search, "cv_results_")


# The handler of the signal


@contextmanager
def handled_by(handler):
    before = signal.signal(signal.SIGINT, handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def test_users_own_handler_is_called_and_stays_in_place():
    X, y, *_ = digits()
    received = []

    def note(*arguments):
        received.append(arguments[0])

    with handled_by(note):
        with ctrl_c_in_calls(6, 7, 16):
            clf = make(max_iter=3, warm_start=True).fit(X, y)
        assert signal.getsignal(signal.SIGINT) is note
    assert received == [signal.SIGINT] * 3
    assert_same_training(clf, make(max_iter=3, warm_start=True).fit(X, y))


def test_users_own_handler_may_put_another_in_its_place():
    X, y, *_ = digits()

    def warn_once(*_):
        signal.signal(signal.SIGINT, signal.default_int_handler)

    clf = make(max_iter=3, warm_start=True)
    with handled_by(warn_once):
        with ctrl_c_in_calls(6, 20), pytest.raises(KeyboardInterrupt):
            clf.fit(X, y)
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert clf.n_iter_ == 1
    assert_same_training(clf.fit(X, y), make(max_iter=3, warm_start=True).fit(X, y))


def test_users_own_handler_may_give_the_signal_back_to_the_system():
    X, y, *_ = digits()

    def step_back(*_):
        signal.signal(signal.SIGINT, signal.SIG_DFL)

    with handled_by(step_back):
        with ctrl_c_in_calls(6):
            clf = make(max_iter=3).fit(X, y)
        assert signal.getsignal(signal.SIGINT) is signal.SIG_DFL
    assert clf.n_iter_ == 3


def test_users_own_handler_may_raise_another_error():
    X, y, *_ = digits()

    def exit_(*_):
        raise SystemExit(3)

    clf = make(max_iter=2, warm_start=True).fit(X, y)
    fitted = pickle.loads(pickle.dumps(clf))
    with handled_by(exit_):
        with ctrl_c_in_calls(6), pytest.raises(SystemExit):
            clf.fit(X, y)
        assert signal.getsignal(signal.SIGINT) is exit_
    assert_same_training(clf, fitted)  # as it was before


def handlers_seen_in(fit):
    """The handlers of the signal that a scorer finds, with the estimator that it scored."""
    X, y, *_ = digits()
    seen = set()

    def score(estimator, X, y):
        seen.add(signal.getsignal(signal.SIGINT))
        return estimator.score(X, y)

    fit(lambda: make(max_iter=3, early_stopping=True, scoring=score).fit(X, y))
    return seen


@pytest.mark.parametrize("setting", [signal.SIG_IGN, signal.SIG_DFL])
def test_signal_that_python_does_not_handle_is_left_alone(setting):
    X, y, *_ = digits()
    with handled_by(setting):
        assert handlers_seen_in(lambda fit: fit()) == {setting}
        if setting is signal.SIG_IGN:
            with ctrl_c_in_calls(6):
                assert make(max_iter=3).fit(X, y).n_iter_ == 3
        assert signal.getsignal(signal.SIGINT) is setting


def test_fit_in_another_thread_leaves_the_signal_alone(handler):
    def fit_in_thread(fit):
        thread = threading.Thread(target=fit)
        thread.start()
        thread.join()

    assert handlers_seen_in(fit_in_thread) == {handler}
    assert handlers_seen_in(lambda fit: fit()) != {handler}


# From outside, at random moments


@posix_only
def test_real_signals_at_random_moments():
    delays = random.Random(0)
    with child_of("interrupted.be_interrupted", 20) as child:
        try:
            duration = float(child.stdout.readline())
            for _ in range(20):
                assert child.stdout.readline() == "fitting\n", child.stderr.read()
                time.sleep(delays.uniform(0, duration))
                child.send_signal(signal.SIGINT)
            out, errors = child.communicate(timeout=60)
        finally:
            child.kill()
    assert child.returncode == 0, errors
    assert int(out) > 5, "hardly a signal came during training"


@posix_only
def test_ctrl_c_at_a_terminal_stops_a_parallel_search():
    with child_of("interrupted.search_in_two_processes", start_new_session=True) as child:
        try:
            assert child.stdout.readline().startswith("Iteration 1,")  # training is on
            os.killpg(child.pid, signal.SIGINT)
            out, errors = child.communicate(timeout=60)
        finally:
            os.killpg(child.pid, signal.SIGKILL)
    assert out.endswith("stopped\n"), errors
