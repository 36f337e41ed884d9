"""Several threads for one kernel, and how many."""

from __future__ import annotations

import os
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from joblib import cpu_count, effective_n_jobs
from joblib.parallel import get_active_backend


def n_threads(n_jobs: int | None, useful: int) -> int:
    """How many threads to train with.

    Parameters
    ----------
    n_jobs : int or None
        As scikit-learn means it: None is 1, -1 all processors, and
        :class:`joblib.parallel_config` is heard. But never more than there are
        processors, since threads that wait for one without gain nothing; and within a
        parallel search 1, since the search has the processors already.
    useful : int
        How many of them would have enough to do.
    """
    backend: Any = get_active_backend()[0]
    if useful < 2 or (backend.nesting_level or 0) > 0:
        return 1
    return min(effective_n_jobs(n_jobs), cpu_count(), useful)


class Team:
    """Runs a kernel in several threads at once, this one among them.

    A context manager: the others exist from its beginning to its end, so that no thread
    is left behind for a fork to trip over.

    Parameters
    ----------
    n_threads : int
        They never change a bit of the result.
    """

    def __init__(self, n_threads: int = 1):
        self.n_threads = n_threads
        self._pool: Any = None
        self._process: int | None = None  # in which the helpers are

    def __enter__(self) -> Team:
        if self.n_threads > 1:
            self._start_helpers()
        return self

    def _start_helpers(self) -> None:
        n_helpers = self.n_threads - 1
        self._pool, self._process = ThreadPoolExecutor(n_helpers, "skdigitnet"), os.getpid()
        # all of them exist before one has to wait for another
        ready = threading.Barrier(self.n_threads)
        try:
            for _ in range(n_helpers):
                self._pool.submit(ready.wait)
            ready.wait()
        except BaseException:
            ready.abort()
            self._pool.shutdown()
            raise

    def __exit__(self, *_) -> None:
        if self._pool is not None:
            self._pool.shutdown()

    def run(self, kernel, workspace, *arguments) -> Any:
        """``kernel(workspace, *arguments, thread=i)`` in every thread; the first's result."""
        if self._pool is not None and self._process != os.getpid():
            self._start_helpers()  # a callback has forked, and its child goes on alone
        helpers: list[Future] = []
        try:
            for thread in range(1, self.n_threads):
                helpers.append(self._pool.submit(_help, kernel, workspace, arguments, thread))
            result = kernel(workspace, *arguments)
        except BaseException:
            workspace.abandon()
            raise
        for helper in helpers:
            helper.result()
        return result


def _help(kernel, workspace, arguments: tuple, thread: int) -> None:
    try:
        kernel(workspace, *arguments, thread=thread)
    except BaseException:
        workspace.abandon()
        raise


ALONE = Team(1)
