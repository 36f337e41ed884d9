"""How many jobs another process is sent at a time."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from itertools import groupby, islice
from typing import Any

CHUNK_SECONDS = 0.5  # of work that one message should ask for


class Pace:
    """How long a job takes, as far as is known, and so how many to send at a time.

    Parameters
    ----------
    n_workers : int
        Among whom the last jobs are to be shared out evenly.

    Attributes
    ----------
    n_workers : int
    seconds : float
        That a chunk of jobs should take.
    """

    def __init__(self, n_workers: int):
        self.n_workers, self.seconds = n_workers, CHUNK_SECONDS
        self._n_jobs, self._job_seconds = 0, 0.0

    def note(self, n_jobs: int, seconds: float) -> None:
        """Note how long so many jobs have taken, one after the other."""
        self._n_jobs += n_jobs
        self._job_seconds += seconds

    def chunk_size(self, n_left: int) -> int:
        """How many of the jobs that are left the next chunk should have."""
        if not self._n_jobs:
            return 1
        in_time = int(self.seconds * self._n_jobs / max(self._job_seconds, 1e-6))
        return max(1, min(in_time, n_left // (2 * max(1, self.n_workers))))


def chunks(jobs: Sequence[Any], pace: Pace) -> Generator[list, None, None]:
    """Jobs of the same split, some at a time, which depends on what is known meanwhile."""
    n_left = len(jobs)
    for _, of_split in groupby(jobs, key=lambda job: job.split):
        remaining = iter(of_split)
        while chunk := list(islice(remaining, pace.chunk_size(n_left))):
            n_left -= len(chunk)
            yield chunk
