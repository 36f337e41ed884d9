"""A small study that is killed, in a process of its own; see test_model_selection_study.py."""

import random
import time
from functools import partial
from itertools import cycle
from pathlib import Path

import joblib
from interrupted import is_killed_after
from searches import assert_same_results, make_rows

from skdigitnet import BackpropMLPClassifier
from skdigitnet._training.sgd import StochasticRun
from skdigitnet.model_selection import EpochGridSearchCV, read_journal

HALVED = {"alpha": [0.01, 0.03, 0.1, 0.3], "max_iter": [40, 80, 160]}


def study(**parameters):
    """A search of 18 cells on three splits."""
    clf = BackpropMLPClassifier((5,), random_state=0)
    grid = {"alpha": [0.1, 1.0], "max_iter": [20, 40, 80]}
    return EpochGridSearchCV(clf, grid, cv=3, refit=False, **parameters)


def be_killed(path, n_kills):
    """Kill the study so often, at random moments, and run it again until it ends.

    Returns how often it was killed, how often with some of its cells done, and how often it
    had ended before. In the end it resumes in other processes.
    """
    path, rows = Path(path), make_rows(400)
    whole = study().fit(*rows).cv_results_

    def fit(n_jobs):
        return study(journal=path, n_jobs=n_jobs).fit(*rows)

    began = time.monotonic()
    is_killed_after(None, lambda: fit(1))
    longest = time.monotonic() - began
    path.unlink()
    delays, ways = random.Random(0), cycle([1, 2, 3])
    n_killed = n_within = n_ended = 0
    while n_killed < n_kills:
        n_jobs = next(ways)
        if is_killed_after(delays.uniform(0, longest), partial(fit, n_jobs)):
            n_killed += 1
            n_within += path.exists() and 0 < len(read_journal(path)) < len(whole["params"]) * 3
        else:
            n_ended += 1
            assert_same_results(fit(n_jobs).cv_results_, whole)
            path.unlink()
    with joblib.parallel_config("loky", n_jobs=2):
        resumed = study(journal=path).fit(*rows)
    assert_same_results(resumed.cv_results_, whole)
    return n_killed, n_within, n_ended


def be_killed_in_halving(path, n_kills):
    """Kill a halving study so often, and run it again until it has ended.

    Returns how many epochs were trained in all, and how many it takes undisturbed.
    """
    path, rows = Path(path), make_rows(400)
    log = path.with_suffix(".epochs")
    finish_epoch = StochasticRun._finish_epoch

    def finish_and_note(run):
        loss = finish_epoch(run)
        with open(log, "ab", buffering=0) as file:
            file.write(b".")
        return loss

    StochasticRun._finish_epoch = finish_and_note

    def fit(journal=None):
        search = study(journal=journal, factor=2)
        return search.set_params(param_grid=HALVED).fit(*rows).cv_results_

    began = time.monotonic()
    whole = fit()
    longest = time.monotonic() - began
    n_needed = log.stat().st_size
    log.unlink()
    delays = random.Random(0)
    for _ in range(n_kills):
        while not is_killed_after(delays.uniform(0, longest), lambda: fit(path)):
            log.unlink()  # it has ended before
            path.unlink()
    assert_same_results(fit(path), whole)
    return log.stat().st_size, n_needed
