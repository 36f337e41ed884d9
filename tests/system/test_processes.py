"""Fits before and after forks, in children of every kind, and beside fits of other threads."""

import os
import threading

import fits
import processes
import pytest
from children import in_child
from effort import effort
from fits import FITS

from skdigitnet._system import blas
from skdigitnet._training import lbfgs

pytestmark = pytest.mark.skipif(
    not hasattr(os, "fork"), reason="there is no fork on this system"
)
STARTING = 60  # seconds for imports, on a busy machine
TWO_THREADS = [name for name in FITS if name.startswith("two threads")]


def run(call, *arguments, timeout):
    """What a function of processes.py returns, in a process where BLAS has two threads."""
    options = {"variables": {"OPENBLAS_NUM_THREADS": "2"}, "start_new_session": True}
    return in_child(f"processes.{call}", *arguments, timeout=timeout, **options)


def test_the_fits_start_threads_of_every_kind(monkeypatch, thread_counts):
    """Else the other tests here would show nothing."""
    blas_limits = []

    def counting_limit():
        blas_limits.append(1)
        return blas.single_threaded_blas()

    monkeypatch.setattr(lbfgs, "single_threaded_blas", counting_limit)
    made = fits.digests()
    assert thread_counts == [2 if name in TWO_THREADS else 1 for name in FITS]
    assert len(blas_limits) == sum("lbfgs" in name for name in FITS)
    assert len(set(made.values())) == len(FITS)


def test_fits_in_children_and_here_in_turn():
    n_rounds = effort(1, 100)
    longest, different = run(
        "fit_in_turn", n_rounds, timeout=STARTING + 4 * n_rounds * processes.PATIENCE
    )
    print(f"{n_rounds} rounds, the longest of {longest:.1f} s")
    assert different == []
    assert longest < 4 * processes.PATIENCE  # one for each kind of child, and for here


def test_fork_while_another_thread_fits():
    n_forks, names = effort(2, 100), ["two threads", "lbfgs", "two threads, lbfgs"]
    timeout = STARTING + len(names) * n_forks * processes.PATIENCE
    assert run("fork_beside_a_fit", names, n_forks, timeout=timeout) == []


def test_fork_within_a_fit_that_both_end():
    names = ["adam", "lbfgs", *TWO_THREADS]
    timeout = STARTING + len(names) * processes.PATIENCE
    assert run("fork_within_fits", names, timeout=timeout) == []


def test_fork_waits_for_the_limit_of_blas_to_be_whole():
    """A child must not find the lock taken by a thread that it does not have."""
    taken, forked = threading.Event(), threading.Event()

    def take():
        with blas._lock:
            taken.set()
            assert not forked.wait(0.5)

    thread = threading.Thread(target=take)
    thread.start()
    taken.wait()
    assert processes.answer_of_child("fork", blas._lock.acquire, False) is True
    forked.set()
    thread.join()


def test_ctrl_c_in_a_child_that_is_forked_beside_a_fit():
    timeout = STARTING + processes.PATIENCE
    assert run("interrupt_child_beside_a_fit", timeout=timeout) == [True, True]
