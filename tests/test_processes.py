"""Fits before and after forks, in children of every kind, and beside fits of other threads."""

import os
import threading

import fits
import processes
import pytest
from effort import effort
from fits import FITS

from skdigitnet._system import blas as _threads
from skdigitnet._system import threads as _team
from skdigitnet._training import lbfgs as _lbfgs
from skdigitnet._training import run as _training

pytestmark = pytest.mark.skipif(
    not hasattr(os, "fork"), reason="there is no fork on this system"
)
STARTING = 60  # seconds for imports, on a busy machine
TWO_THREADS = [name for name in FITS if name.startswith("two threads")]


def test_the_fits_start_threads_of_every_kind(monkeypatch):
    """Else the other tests here would show nothing."""
    team_sizes, blas_limits = [], []

    class CountingTeam(_team.Team):
        def __init__(self, n_threads=1):
            team_sizes.append(n_threads)
            super().__init__(n_threads)

    def counting_limit():
        blas_limits.append(1)
        return _threads.single_threaded_blas()

    monkeypatch.setattr(_training, "Team", CountingTeam)
    monkeypatch.setattr(_lbfgs, "single_threaded_blas", counting_limit)
    monkeypatch.setattr(_team, "cpu_count", lambda: 2)
    made = fits.digests()
    assert team_sizes == [2 if name in TWO_THREADS else 1 for name in FITS]
    assert len(blas_limits) == sum("lbfgs" in name for name in FITS)
    assert len(set(made.values())) == len(FITS)


def test_fits_in_children_and_here_in_turn():
    n_rounds = effort(1, 100)
    longest, different = processes.run(
        "processes.fit_in_turn", n_rounds, timeout=STARTING + 4 * n_rounds * processes.PATIENCE
    )
    print(f"{n_rounds} rounds, the longest of {longest:.1f} s")
    assert different == []
    assert longest < 4 * processes.PATIENCE  # one for each kind of child, and for here


def test_fork_while_another_thread_fits():
    n_forks, names = effort(2, 100), ["two threads", "lbfgs", "two threads, lbfgs"]
    timeout = STARTING + len(names) * n_forks * processes.PATIENCE
    assert processes.run("processes.fork_beside_a_fit", names, n_forks, timeout=timeout) == []


def test_fork_within_a_fit_that_both_end():
    names = ["adam", "lbfgs", *TWO_THREADS]
    timeout = STARTING + len(names) * processes.PATIENCE
    assert processes.run("processes.fork_within_fits", names, timeout=timeout) == []


def test_fork_waits_for_the_limit_of_blas_to_be_whole():
    """A child must not find the lock taken by a thread that it does not have."""
    taken, forked = threading.Event(), threading.Event()

    def take():
        with _threads._lock:
            taken.set()
            assert not forked.wait(0.5)

    thread = threading.Thread(target=take)
    thread.start()
    taken.wait()
    assert processes.answer_of_child("fork", _threads._lock.acquire, False) is True
    forked.set()
    thread.join()


def test_ctrl_c_in_a_child_that_is_forked_beside_a_fit():
    timeout = STARTING + processes.PATIENCE
    assert processes.run("processes.interrupt_child_beside_a_fit", timeout=timeout) == [
        True,
        True,
    ]
