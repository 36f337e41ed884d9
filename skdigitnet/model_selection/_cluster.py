"""Jobs on the workers of a Dask cluster, whichever of them die in the meantime."""

from __future__ import annotations

import queue
import sys
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import sklearn

from skdigitnet._system.cluster import WATCH_SECONDS, ClusterWatch
from skdigitnet.model_selection._chunks import Pace, chunks
from skdigitnet.model_selection._identity import versions

MAX_LOSSES = 5  # of a job; or of what all have in common, with no job that ends meanwhile
AHEAD = 3  # chunks for each thread: one that runs, and more than one that is next
MESSAGES_A_SECOND = 100  # that the searching process should have to deal with
RESUME = "With a journal, the same search goes on where this one has ended."


def is_dask(backend) -> bool:
    """Whether it is joblib's backend for Dask."""
    module = sys.modules.get("joblib._dask")  # which joblib imports for whoever chooses it
    return module is not None and isinstance(backend, module.DaskDistributedBackend)


class Cluster:
    """The workers that a client of Dask has, for one search.

    joblib's own way through Dask takes a job that was cancelled for one that has ended, and
    can wait for ever for one that was lost. Here every job gives its cells, or is submitted
    again, or the search fails: with the error of the job, or because a job was lost
    MAX_LOSSES times, the scheduler is lost, or no worker was there for long.

    Parameters
    ----------
    backend : joblib._dask.DaskDistributedBackend
    evaluate : callable
        Called with a job and with a function that tells whether the result is still wanted.
        It is sent to each worker once.
    forget : callable
        Called with the split of the jobs that are next; what concerns others may be freed.
    """

    def __init__(self, backend, evaluate: Callable, forget: Callable[[int], None]):
        self._backend, self._client = backend, backend.client
        self._common = evaluate, forget, sklearn.get_config(), versions()
        self._token = uuid.uuid4().hex
        self._n_submitted = self._n_shared = 0
        self._shared: Any = None
        self._outcomes: queue.SimpleQueue = queue.SimpleQueue()
        self._running: dict[Any, _Chunk] = {}
        self._watch = ClusterWatch(self._client, RESUME)
        self._watch.n_threads = backend.effective_n_jobs(-1)  # waits for the first worker

    def run(self, jobs: Sequence[Any]) -> Generator[list, None, None]:
        """Evaluate jobs; yield their cells, those of several jobs at a time.

        Raises
        ------
        RuntimeError
            If the scheduler is lost, there are no workers, or a job loses them all.
        """
        pace = Pace(self._watch.n_threads)
        fresh, lost = chunks(jobs, pace), deque[_Chunk]()
        with self._watched(), self._backend.retrieval_context():
            while True:
                pace.n_workers = self._watch.n_threads
                pace.seconds = max(pace.seconds, self._watch.n_threads / MESSAGES_A_SECOND)
                while len(self._running) <= AHEAD * self._watch.n_threads:
                    chunk = lost.popleft() if lost else _next_of(fresh)
                    if chunk is None:
                        break
                    self._submit(chunk)
                if not self._running:
                    return
                cells: list = []
                for future, outcome in self._ended():
                    chunk = self._running.pop(future)
                    if isinstance(outcome, BaseException):
                        lost.extend(self._again(chunk, future, outcome))
                    else:
                        self._n_shared = 0
                        of_chunk, seconds = outcome
                        pace.note(len(chunk.jobs), seconds)
                        cells += of_chunk
                if cells:
                    yield cells

    # Submitting

    def _submit(self, chunk: _Chunk) -> None:
        from distributed.protocol.pickle import dumps

        if self._shared is None or self._shared.status not in ("pending", "finished"):
            self._shared = self._share()
        key = f"skdigitnet-{self._token}", self._n_submitted
        self._n_submitted += 1
        future = self._sent(
            _evaluate_all,
            self._shared,
            dumps(chunk.jobs),  # or the scheduler would unpack them too
            key=key,
            **self._backend.submit_kwargs,
        )
        self._running[future] = chunk
        self._client.loop.add_callback(self._collect, future)

    def _share(self):
        """A future of what all jobs have in common, which the cluster can make again."""
        import dask

        self._n_shared += 1  # since a job has ended
        key = f"skdigitnet-common-{self._token}", self._n_submitted
        name = "distributed.admin.large-graph-warning-threshold"
        with dask.config.set({name: sys.maxsize}):  # it is what it is, and is sent once
            return self._sent(_itself, Shared(self._common), key=key)

    def _sent(self, *arguments, **options):
        try:
            return self._client.submit(*arguments, **options)
        except Exception:
            self._watch.check_scheduler()
            raise

    async def _collect(self, future) -> None:
        try:
            outcome = await self._client.gather(future, asynchronous=True)
        except BaseException as error:  # everything is an outcome, or run would wait for ever
            outcome = error
        self._outcomes.put((future, outcome))

    # Waiting

    def _ended(self) -> list[tuple[Any, Any]]:
        """Futures that have ended in the meantime, and what came of them; one at least."""
        ended: list[tuple[Any, Any]] = []
        while not ended:
            try:
                ended.append(self._outcomes.get(timeout=WATCH_SECONDS))
                while True:
                    ended.append(self._outcomes.get_nowait())
            except queue.Empty:
                self._watch.check()
            ended = [pair for pair in ended if pair[0] in self._running]
        return ended

    def _again(self, chunk: _Chunk, future, error: BaseException) -> list[_Chunk]:
        """The jobs of a chunk that was lost, each to be submitted by itself."""
        from distributed import KilledWorker

        self._watch.check_scheduler()
        if future.status == "error" and not isinstance(error, KilledWorker):
            raise error
        # those jobs are not to blame that only waited for what all have in common
        is_to_blame = getattr(error, "task", future.key) == future.key
        n_losses = chunk.n_losses + is_to_blame
        if max(n_losses, self._n_shared) >= MAX_LOSSES:
            job = chunk.jobs[0]
            raise RuntimeError(
                f"The fits of candidates {job.members} on split {job.split} were lost again"
                f" and again with the workers that they were on, in the end by {error!r:.200}."
                " See the workers' logs: do the fits need more memory than a worker has?"
                f" {RESUME}"
            ) from error
        return [_Chunk([job], n_losses) for job in chunk.jobs]

    @contextmanager
    def _watched(self) -> Iterator[None]:
        """The block in which jobs may run."""
        try:
            with self._watch.watching():
                yield
        finally:
            left, self._running = list(self._running), {}
            if left:  # without waiting for a scheduler that may be lost
                self._client.loop.add_callback(self._client.cancel, left, asynchronous=True)


@dataclass
class _Chunk:
    """Jobs that are submitted together."""

    jobs: list
    n_losses: int = 0


def _next_of(fresh: Iterator[list]) -> _Chunk | None:
    jobs = next(fresh, None)
    return None if jobs is None else _Chunk(jobs)


# On the workers


class Shared:
    """A value that is packed once, and unpacked once in each process that wants it."""

    def __init__(self, value):
        from distributed.protocol.pickle import dumps

        buffers: list = []
        content = dumps(value, buffer_callback=buffers.append)
        self.__setstate__((content, [bytes(buffer.raw()) for buffer in buffers]))

    def __getstate__(self) -> tuple:
        return self._packed

    def __setstate__(self, packed: tuple) -> None:
        self._packed, self._lock, self._value = packed, threading.Lock(), None

    def get(self) -> Any:
        from distributed.protocol.pickle import loads

        with self._lock:
            if self._value is None:
                content, buffers = self._packed
                self._value = loads(content, buffers=buffers)
            return self._value


def _itself(value):
    return value


def _evaluate_all(shared: Shared, packed_jobs: bytes) -> tuple[list, float]:
    """The cells of some jobs of the same split, and the seconds that they took."""
    from distributed.protocol.pickle import loads

    began = time.monotonic()
    evaluate, forget, config, of_search = shared.get()
    if versions() != of_search:
        raise RuntimeError(
            f"A worker has {versions()}, and the process that searches {of_search}, which can"
            " give other scores. Install the same versions on all of them."
        )
    jobs = loads(packed_jobs)
    forget(jobs[0].split)
    with sklearn.config_context(**config):
        cells = [cell for job in jobs for cell in evaluate(job, _is_cancelled)]
    return cells, time.monotonic() - began


def _is_cancelled() -> bool:
    """Whether the task that this thread works on is not wanted any more."""
    from distributed import get_worker

    worker = get_worker()
    task = worker.state.tasks.get(worker.get_current_task())
    return task is None or task.state == "cancelled"
