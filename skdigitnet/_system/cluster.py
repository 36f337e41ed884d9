"""Whether a Dask cluster still has its scheduler and any workers."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

NO_WORKER_SECONDS = 300.0  # until a cluster without any worker is given up
SILENCE_SECONDS = 60.0  # of the scheduler, until it counts as lost
WATCH_SECONDS = 1.0


class ClusterWatch:
    """Asks a client's scheduler for its workers again and again.

    Parameters
    ----------
    client : distributed.Client
    advice : str, default=""
        What every error says in the end.

    Attributes
    ----------
    n_threads : int
        Of all workers, as far as is known.
    """

    def __init__(self, client: Any, advice: str = ""):
        self._client, self._advice, self.n_threads = client, advice, 0
        self._heard = self._seen_worker = time.monotonic()

    @contextmanager
    def watching(self) -> Iterator[None]:
        """The block in which the scheduler is asked."""
        is_over = threading.Event()

        async def watch() -> None:
            while not is_over.is_set() and self._client.status == "running":
                try:
                    threads = (await self._client.nthreads()).values()
                except OSError:  # not heard; how long for is what counts
                    pass
                else:
                    self._heard, self.n_threads = time.monotonic(), sum(threads)
                    if self.n_threads:
                        self._seen_worker = self._heard
                await asyncio.sleep(WATCH_SECONDS)

        self._heard = self._seen_worker = time.monotonic()
        self._client.loop.add_callback(watch)
        try:
            yield
        finally:
            is_over.set()

    def check_scheduler(self) -> None:
        """Raise RuntimeError if the scheduler is lost."""
        silence = time.monotonic() - self._heard
        if self._client.status != "running" or silence > SILENCE_SECONDS:
            self._give_up(f"The scheduler of {self._client!r} is lost. Start a cluster")

    def check(self) -> None:
        """Raise RuntimeError if the scheduler is lost, or no worker was there for long."""
        self.check_scheduler()
        if time.monotonic() - self._seen_worker > NO_WORKER_SECONDS:
            self._give_up(
                f"{self._client!r} has had no worker for {NO_WORKER_SECONDS:g} seconds. Start"
                " workers"
            )

    def _give_up(self, what: str) -> None:
        raise RuntimeError(f"{what}, and fit again. {self._advice}".rstrip())
