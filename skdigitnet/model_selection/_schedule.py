"""Where jobs run: threads of this process, or the backend that joblib is told to use."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby, islice
from typing import Any

import joblib
import sklearn
from joblib.parallel import SequentialBackend, ThreadingBackend, get_active_backend
from sklearn.utils.parallel import Parallel, delayed

CHUNK_SECONDS = 0.5  # of work that one message to another process should ask for

Cancelled = Callable[[], bool]


def run_jobs(
    evaluate: Callable[[Any, Cancelled], list],
    jobs: Sequence[Any],
    n_jobs: int | None,
    *,
    in_threads: bool,
    pre_dispatch: int | str = "2*n_jobs",
) -> Generator[list, None, None]:
    """Evaluate jobs; yield the cells of each as they come.

    Parameters
    ----------
    evaluate : callable
        Called with a job and with a function that tells whether the result is still wanted.
    jobs : sequence
    n_jobs : int or None
        As scikit-learn means it.
    in_threads : bool
        Whether threads are to be preferred where nobody has chosen a backend.
    pre_dispatch : int or str, default="2*n_jobs"
        How many chunks of jobs to send ahead to other processes.
    """
    prefer = "threads" if in_threads else None
    backend, _ = get_active_backend(prefer=prefer)
    n_jobs = joblib.Parallel(n_jobs=n_jobs, prefer=prefer).n_jobs or 1
    n_workers = min(backend.effective_n_jobs(n_jobs), len(jobs))
    if n_workers <= 1 or isinstance(backend, SequentialBackend):
        return _one_by_one(evaluate, jobs)
    if isinstance(backend, ThreadingBackend):
        return _in_threads(evaluate, jobs, n_workers, backend)
    return _by_joblib(evaluate, jobs, n_jobs, backend, pre_dispatch)


def _never() -> bool:
    return False


def _one_by_one(evaluate, jobs) -> Generator[list, None, None]:
    for job in jobs:
        yield evaluate(job, _never)


def _in_threads(evaluate, jobs, n_workers: int, backend) -> Generator[list, None, None]:
    cancelled = threading.Event()
    results: queue.SimpleQueue = queue.SimpleQueue()
    config, nested = sklearn.get_config(), backend.get_nested_backend()

    def begin_thread() -> None:
        sklearn.set_config(**config)  # of this thread
        inner, n_inner = nested
        joblib.parallel_config(backend=inner, n_jobs=n_inner)  # in it, until it ends

    def work(job) -> None:
        try:
            results.put((evaluate(job, cancelled.is_set), None))
        except BaseException as error:
            results.put(([], error))

    waiting = iter(jobs)
    pool = ThreadPoolExecutor(n_workers, "skdigitnet-search", initializer=begin_thread)
    try:
        n_running = 0
        # one more than there are workers, so that none waits for this thread
        for job in islice(waiting, n_workers + 1):
            pool.submit(work, job)
            n_running += 1
        while n_running:
            cells, error = results.get()
            if error is not None:
                raise error
            n_running -= 1
            for following in islice(waiting, 1):
                pool.submit(work, following)
                n_running += 1
            yield cells
    finally:
        cancelled.set()
        pool.shutdown(cancel_futures=True)


def _by_joblib(
    evaluate, jobs, n_jobs: int, backend, pre_dispatch
) -> Generator[list, None, None]:
    pace = _Pace()
    parallel = Parallel(n_jobs=n_jobs, return_as=_return_as(backend), pre_dispatch=pre_dispatch)
    results = parallel(delayed(_evaluate_all)(evaluate, chunk) for chunk in _chunks(jobs, pace))
    for n_done, cells, seconds in results:
        pace.note(n_done, seconds)
        yield cells


def _return_as(backend) -> str:
    """The way in which joblib gives results soonest."""
    if not getattr(backend, "supports_return_generator", False):
        return "list"
    is_old = tuple(map(int, joblib.__version__.split(".")[:2])) < (1, 4)
    return "generator" if is_old else "generator_unordered"


def _evaluate_all(evaluate, chunk: list) -> tuple[int, list, float]:
    began = time.monotonic()
    cells = [cell for job in chunk for cell in evaluate(job, _never)]
    return len(chunk), cells, time.monotonic() - began


class _Pace:
    """How long a job takes, as far as is known."""

    def __init__(self) -> None:
        self._n_jobs, self._seconds = 0, 0.0

    def note(self, n_jobs: int, seconds: float) -> None:
        self._n_jobs += n_jobs
        self._seconds += seconds

    @property
    def chunk_size(self) -> int:
        if not self._n_jobs:
            return 1
        return max(1, int(CHUNK_SECONDS * self._n_jobs / max(self._seconds, 1e-6)))


def _chunks(jobs: Sequence[Any], pace: _Pace) -> Generator[list, None, None]:
    """Jobs of the same split, some at a time, which depends on what is known meanwhile."""
    for _, of_split in groupby(jobs, key=lambda job: job.split):
        remaining = iter(of_split)
        while chunk := list(islice(remaining, pace.chunk_size)):
            yield chunk
