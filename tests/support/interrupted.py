"""What tests of resuming run in child processes."""

import os
import random
import shutil
import signal
import time
import traceback
from pathlib import Path

import numpy as np
from checkpointing import state_in
from resuming import (
    GRID,
    assert_same_training,
    cut_calls_short,
    digits,
    is_finished,
    load,
    make,
    other_training,
    save,
)
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV

from skdigitnet.callbacks import Checkpoint


def finish_saved(folder):
    """Bring the fits of the settings to their end, each after some of another network."""
    cut_calls_short()
    for path in sorted(Path(folder).iterdir()):
        setting = GRID[int(path.stem)]
        clf = load(path)
        other_training()
        save(clf.fit(**setting.rows()), path)


def be_interrupted(n_rounds):
    """Fit this many times, each through Ctrl-C from outside, to the same bits.

    Prints how long a fit takes, then "fitting" whenever Ctrl-C may come, and in the end
    how often it came while training was on.
    """
    X, y = load_digits(return_X_y=True)
    parameters = {"early_stopping": True, "dropout": 0.2, "max_iter": 150, "warm_start": True}
    parameters["n_iter_no_change"] = np.inf
    began = time.monotonic()
    whole = make(**parameters).fit(X / 16, y)
    print(time.monotonic() - began)
    n_hits = 0
    for _ in range(n_rounds):
        clf = make(**parameters)
        try:
            print("fitting")
            clf.fit(X / 16, y)
            time.sleep(300)
        except KeyboardInterrupt:
            n_hits += hasattr(clf, "coefs_") and clf._training_state.interrupted
        if not is_finished(clf, whole):
            clf.fit(X / 16, y)
        assert_same_training(clf, whole)
    print(n_hits)


def search_in_two_processes():
    """Print "stopped" when Ctrl-C has stopped a search that would take very long."""
    X, y, *_ = digits()
    clf = make(max_iter=10**9, n_iter_no_change=np.inf, verbose=True)
    search = GridSearchCV(clf, {"alpha": [0, 1e-3]}, n_jobs=2, refit=False, error_score=0)
    try:
        search.fit(X, y)
    except KeyboardInterrupt:
        print("stopped")


def finish_checkpoints(folder):
    """Fit all settings with checkpoints, each after some of another network; save them."""
    cut_calls_short()
    for i, setting in enumerate(GRID):
        other_training()
        clf = setting.make(max_iter=6, warm_start=True)
        clf.set_callbacks(Checkpoint(Path(folder, "states"), every=4)).fit(**setting.rows())
        save(clf, Path(folder, f"{i}.pkl"))


def be_killed(folder, n_kills):
    """Kill training this often, at random moments, and resume from its checkpoint.

    Returns how often that was, how often the checkpoint had advanced, how often the fit had
    ended in between, to the same bits, and how many files half written were left behind.
    """
    X, y, *_ = digits()
    folder = Path(folder)

    def fit(*callbacks):
        parameters = {"solver": "adam", "early_stopping": True, "dropout": 0.2, "max_iter": 40}
        clf = make(**parameters, n_iter_no_change=np.inf)
        return clf.set_callbacks(*callbacks).fit(X, y)

    def fit_for(seconds):
        return is_killed_after(seconds, lambda: fit(Checkpoint(folder)))

    whole = fit()
    began = time.monotonic()
    assert not fit_for(None)
    trained = time.monotonic()
    assert not fit_for(None)
    coming_back = time.monotonic() - trained
    longest = coming_back + (trained - began) / 10
    shutil.rmtree(folder)
    delays = random.Random(0)
    n_killed = n_advanced = n_ended = n_half_written = 0
    progress = 0
    while n_killed < n_kills:
        if fit_for(delays.uniform(0, longest)):
            n_killed += 1
            before, progress = progress, progress_in(folder)
            assert progress >= before, (before, progress)
            n_advanced += progress > before
        else:
            assert_same_training(fit(Checkpoint(folder)), whole)
            n_ended += 1
            n_half_written += len(list(folder.glob("*.tmp")))
            shutil.rmtree(folder)
            progress = 0
    assert_same_training(fit(Checkpoint(folder)), whole)
    return n_killed, n_advanced, n_ended, n_half_written


def is_killed_after(seconds, call):
    """Whether ``call``, in a process of its own, had not ended before it was killed.

    It is left alone where ``seconds`` is None.
    """
    child = os.fork()
    if child == 0:
        try:
            call()
            os._exit(0)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
    if seconds is not None:
        time.sleep(seconds)
        os.kill(child, signal.SIGKILL)
    status = os.waitpid(child, 0)[1]
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return os.WIFSIGNALED(status)


def progress_in(folder):
    """The epochs in the checkpoint, if there is one; it is whole, and alone but for scraps."""
    suffixes = {path.suffix for path in folder.glob("*")}
    assert suffixes <= {".npz", ".tmp"}, suffixes
    return state_in(folder).n_iter if ".npz" in suffixes else 0
