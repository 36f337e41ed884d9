"""How many threads a fit uses, and the team of threads that runs a kernel."""

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
        As in scikit-learn: None is 1, -1 all processors, and
        :class:`joblib.parallel_config` applies. But never more than there are processors,
        since the threads would wait for each other; and 1 within a parallel search, which
        uses the processors already.
    useful : int
        How many of them would have enough to do.
    """
    backend: Any = get_active_backend()[0]
    if useful < 2 or (backend.nesting_level or 0) > 0:
        return 1
    return min(effective_n_jobs(n_jobs), cpu_count(), useful)


class Team:
    """Runs a kernel in several threads at once, this one among them.

    A context manager: the other threads exist only within it, so that none is left behind
    to break a fork.

    Parameters
    ----------
    n_threads : int
        They never change a bit of the result.
    """

    def __init__(self, n_threads: int = 1):
        self.n_threads = n_threads
        self._pool: Any = None
        self._process: int | None = None  # the one that has the helpers

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
            self._start_helpers()  # a callback forked, and this is the child
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
