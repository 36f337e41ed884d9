"""Studies on a Dask cluster: fits a second, and what the searching process can take.

    python tests/benchmarks/cluster.py
    python tests/benchmarks/cluster.py --quick
    python tests/benchmarks/cluster.py --json FILE

Everything runs on this machine, the scheduler and the workers in processes of their own:

- workers: fits a second of a study of small networks, with 1, 2 and 4 workers of one thread,
  and in threads without a cluster. No more can be expected than there are processors.
- parent: what a fit and a message cost the process that searches, in seconds of its
  processor and of writing to the journal; and a message the scheduler. The fits are as small
  as can be, one in each message, or fifty.
- slots: fits that only sleep, so that one machine can run very many at a time: the share of
  the ideal throughput that is reached, beside what the simulation says.
- simulation: the same up to 1,000 workers, for fits of 0.1 to 100 seconds. The search and the
  scheduler are servers with the costs that were measured, the workers delays. Networks,
  starting, and sending the rows are not in it.
"""

from __future__ import annotations

import argparse
import heapq
import os
import subprocess
import sys
import tempfile
import time
import warnings
from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import joblib
import numpy as np
import psutil
from distributed import Client
from measure import print_environment, write_json
from sklearn.datasets import load_digits, load_wine

from skdigitnet import BackpropMLPClassifier
from skdigitnet.model_selection import EpochGridSearchCV
from skdigitnet.model_selection._chunks import CHUNK_SECONDS, Pace
from skdigitnet.model_selection._cluster import AHEAD, MESSAGES_A_SECOND

N_FOLDS = 5
SIZES = (1, 10, 100, 1000)  # of clusters
SECONDS = (0.1, 1.0, 10.0, 100.0)  # of fits
SLOTS = (4, 16, 64)
N_FITS = 300  # for each worker of a simulation


@contextmanager
def cluster(n_workers: int, n_threads: int) -> Iterator[tuple[Client, psutil.Process]]:
    """A client, and the process of its scheduler."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        file = Path(folder, "scheduler.json")

        def begin(kind: str, *options: str) -> subprocess.Popen:
            command = [sys.executable, "-m", f"distributed.cli.dask_{kind}", *options]
            command += [f"--scheduler-file={file}", "--host=127.0.0.1"]
            command += ["--dashboard-address=127.0.0.1:0"]
            process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
            stack.enter_context(process)
            stack.callback(process.terminate)
            return process

        scheduler = begin("scheduler", "--port=0")
        for _ in range(n_workers):
            begin("worker", f"--nthreads={n_threads}", "--no-nanny")
        with Client(scheduler_file=str(file), set_as_default=False) as client:
            client.wait_for_workers(n_workers, timeout=120)
            yield client, psutil.Process(scheduler.pid)


def fit(search: EpochGridSearchCV, X, y, client: Client | None) -> float:
    """Seconds that it takes, on the cluster or in threads."""
    began = time.perf_counter()
    if client is None:
        search.fit(X, y)
    else:
        with joblib.parallel_config("dask", client=client):
            search.fit(X, y)
    return time.perf_counter() - began


# Workers


def measure_workers(n_candidates: int) -> list[dict]:
    X, y = load_digits(return_X_y=True)
    X = X / 16
    clf = BackpropMLPClassifier((30,), max_iter=20, n_iter_no_change=np.inf, random_state=0)
    n_fits = n_candidates * N_FOLDS

    def seconds(client: Client | None, n_jobs: int | None = None) -> float:
        grid = {"alpha": np.linspace(0.01, 1.0, n_candidates).tolist()}
        search = EpochGridSearchCV(clf, grid, cv=N_FOLDS, refit=False, n_jobs=n_jobs)
        fit(search, X, y, client)  # what a process needs for its first fit is not counted
        return fit(search, X, y, client)

    rows = []
    for n in (1, 2, 4):
        rows.append({"where": f"{n} threads", "fits_a_second": n_fits / seconds(None, n)})
        with cluster(n, 1) as (client, _):
            rows.append({"where": f"{n} workers", "fits_a_second": n_fits / seconds(client)})
    for row in rows:
        print(f"workers: {row['where']:10} {row['fits_a_second']:7.1f} fits a second")
    return rows


# What it costs


@dataclass(frozen=True)
class Costs:
    """Seconds that a fit or a message costs a process."""

    fit: float
    message: float
    message_to_scheduler: float


def measure_parent(n_cells: int) -> Costs:
    sizes = (1, 50)
    with cluster(2, 1) as (client, scheduler):
        parent_of(n_cells // 10, 50, client)
        used = []
        for size in sizes:
            before = sum(scheduler.cpu_times()[:2])
            own = parent_of(n_cells, size, client)
            used.append((own / n_cells, (sum(scheduler.cpu_times()[:2]) - before) / n_cells))
    (alone, scheduled), (together, scheduled_together) = used
    share = 1 / sizes[0] - 1 / sizes[1]  # of a message, that a fit no longer needs
    message = (alone - together) / share
    costs = Costs(
        together - message / sizes[1], message, (scheduled - scheduled_together) / share
    )
    print(
        f"parent: a fit costs {1e3 * costs.fit:.2f} ms, a message {1e3 * costs.message:.2f} ms,"
        f" and the scheduler {1e3 * costs.message_to_scheduler:.2f} ms"
    )
    return costs


def parent_of(n_cells: int, chunk_size: int, client: Client) -> float:
    """Seconds that this process is busy with a search of so many cells."""
    X, y = load_wine(return_X_y=True)
    X, y = X[::3], y[::3]
    clf = BackpropMLPClassifier((2,), max_iter=1, random_state=0)
    grid = {"alpha": np.linspace(0.0, 1.0, n_cells // N_FOLDS).tolist()}
    writing, sync, size = [0.0], os.fsync, Pace.chunk_size

    def timed_sync(file: int) -> None:
        began, cpu = time.perf_counter(), time.thread_time()
        sync(file)
        writing[0] += time.perf_counter() - began - (time.thread_time() - cpu)

    with tempfile.TemporaryDirectory() as folder:
        search = EpochGridSearchCV(
            clf, grid, cv=N_FOLDS, refit=False, journal=Path(folder, "study.journal")
        )
        began = time.process_time()
        os.fsync, Pace.chunk_size = timed_sync, lambda pace, n_left: chunk_size
        try:
            fit(search, X, y, client)
        finally:
            os.fsync, Pace.chunk_size = sync, size
    return time.process_time() - began + writing[0]


# How much of the ideal is reached


class Sleeping:
    """A scorer that takes time, but none of the processor's."""

    def __init__(self, seconds: float):
        self.seconds = seconds

    def __call__(self, estimator, X, y) -> float:
        time.sleep(self.seconds)
        return 0.0


def measure_slots(costs: Costs, seconds_in_all: float) -> list[dict]:
    X, y = load_wine(return_X_y=True)
    clf = BackpropMLPClassifier((2,), max_iter=1, random_state=0)
    rows = []
    for n_slots in SLOTS:
        with cluster(2, n_slots // 2) as (client, _):
            first = {"alpha": np.linspace(0.0, 1.0, 4 * n_slots).tolist()}  # not counted
            fit(EpochGridSearchCV(clf, first, cv=N_FOLDS, refit=False), X, y, client)
            for seconds in SECONDS[:2]:
                n_candidates = int(seconds_in_all * n_slots / seconds / N_FOLDS)
                grid = {"alpha": np.linspace(0.0, 1.0, n_candidates).tolist()}
                search = EpochGridSearchCV(
                    clf, grid, scoring=Sleeping(seconds), cv=N_FOLDS, refit=False
                )
                n_fits = n_candidates * N_FOLDS
                took = fit(search, X, y, client)
                rows.append(
                    {
                        "slots": n_slots,
                        "seconds": seconds,
                        "reached": n_fits * seconds / n_slots / took,
                        "simulated": simulate(n_slots, seconds, n_fits, costs).reached,
                    }
                )
                print(
                    "slots: {slots:4} at a time, fits of {seconds:g} s: {reached:.0%} of the"
                    " ideal, {simulated:.0%} simulated".format(**rows[-1])
                )
    return rows


@dataclass(frozen=True)
class Simulated:
    """What the simulation of a search has come to."""

    reached: float  # share of the ideal throughput
    parent: float  # share of the time that the searching process is busy
    scheduler: float


def simulate(n_workers: int, seconds: float, n_fits: int, costs: Costs) -> Simulated:
    """A search on so many workers of one thread, in which every fit takes these seconds."""
    chunk_seconds = max(CHUNK_SECONDS, n_workers / MESSAGES_A_SECOND)
    left, n_running, n_noted = n_fits, 0, 0
    parent = scheduler = now = 0.0  # until when they are busy
    busy = scheduling = 0.0
    idle, queued = n_workers, deque[int]()
    ended: list[tuple[float, int]] = []  # when a worker ends a chunk, and of how many fits
    while left or n_running:
        size = max(1, int(chunk_seconds / seconds)) if n_noted else 1
        while left and n_running <= AHEAD * n_workers:
            n = max(1, min(size, left // (2 * n_workers)))
            left, n_running = left - n, n_running + 1
            parent = max(parent, now) + costs.message / 2
            busy += costs.message / 2
            queued.append(n)
        while idle and queued:
            n = queued.popleft()
            scheduler = max(scheduler, parent) + costs.message_to_scheduler
            scheduling += costs.message_to_scheduler
            heapq.heappush(ended, (scheduler + n * seconds, n))
            idle -= 1
        now, n = heapq.heappop(ended)
        idle, n_running, n_noted = idle + 1, n_running - 1, n_noted + n
        cost = costs.message / 2 + n * costs.fit
        parent, busy = max(parent, now) + cost, busy + cost
    took = max(parent, now)
    return Simulated(n_fits * seconds / n_workers / took, busy / took, scheduling / took)


def print_simulation(costs: Costs) -> list[dict]:
    rows = []
    for seconds in SECONDS:
        for n_workers in SIZES:
            found = simulate(n_workers, seconds, N_FITS * n_workers, costs)
            rows.append({"seconds": seconds, "workers": n_workers, **asdict(found)})
            print(
                f"simulation: fits of {seconds:5g} s, {n_workers:5,} workers:"
                f" {found.reached:4.0%} of the ideal, the parent busy {found.parent:.0%}"
            )
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="to see that it runs")
    parser.add_argument("--json", type=Path, metavar="FILE")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    print_environment()
    costs = measure_parent(500 if arguments.quick else 5000)
    results = {
        "costs": asdict(costs),
        "workers": measure_workers(8 if arguments.quick else 60),
        "slots": measure_slots(costs, 2 if arguments.quick else 15),
        "simulation": print_simulation(costs),
    }
    write_json(arguments.json, results, [])


if __name__ == "__main__":
    main()
