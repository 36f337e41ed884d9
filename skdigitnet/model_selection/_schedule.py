"""Where jobs run: threads of this process, a cluster, or whatever joblib is told to use."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from itertools import islice
from typing import Any

import joblib
import sklearn
from joblib.parallel import SequentialBackend, ThreadingBackend, get_active_backend
from sklearn.utils.parallel import Parallel, delayed

from skdigitnet.model_selection._chunks import Pace, chunks
from skdigitnet.model_selection._cluster import Cluster, is_dask
from skdigitnet.model_selection._evaluate import Evaluation

Cancelled = Callable[[], bool]
Run = Callable[[Sequence[Any]], Generator[list, None, None]]  # jobs to lists of cells


@contextmanager
def scheduled(
    evaluation: Evaluation, n_jobs: int | None, pre_dispatch: int | str
) -> Iterator[Run]:
    """The block in which jobs can be run, by the function that it is given.

    Parameters
    ----------
    evaluation : Evaluation
    n_jobs : int or None
        As scikit-learn means it. Dask takes all of its workers.
    pre_dispatch : int or str
        How many chunks of jobs to send ahead to other processes.
    """
    backend, _ = get_active_backend()
    if is_dask(backend):
        yield Cluster(backend, evaluation.evaluate, evaluation.folds.forget_others).run
    else:
        yield partial(run_jobs, evaluation.evaluate, n_jobs=n_jobs, pre_dispatch=pre_dispatch)


def run_jobs(
    evaluate: Callable[[Any, Cancelled], list],
    jobs: Sequence[Any],
    *,
    n_jobs: int | None,
    pre_dispatch: int | str,
) -> Generator[list, None, None]:
    """Evaluate jobs in threads, or as joblib is told to; yield the cells of each as they come.

    Without being told so it takes threads for estimators of ours.
    """
    prefer = "threads" if any(job.lineage.is_ours for job in jobs) else None
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
    pace = Pace(backend.effective_n_jobs(n_jobs))
    parallel = Parallel(n_jobs=n_jobs, return_as=_return_as(backend), pre_dispatch=pre_dispatch)
    results = parallel(delayed(_evaluate_all)(evaluate, chunk) for chunk in chunks(jobs, pace))
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
