"""Studies on clusters whose workers and schedulers are killed; see test_cluster.py."""

import logging
import os
import random
import signal
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, contextmanager
from itertools import cycle
from pathlib import Path

import dask
import joblib
import numpy as np
import psutil
import pytest
from distributed import Client, Future, LocalCluster
from searches import assert_same_results, make_rows

from skdigitnet import BackpropMLPClassifier
from skdigitnet._system import cluster
from skdigitnet.model_selection import EpochGridSearchCV, _cluster, read_journal
from skdigitnet.model_selection._evaluate import Evaluation

X, Y = make_rows(200)
ROWS = np.asfortranarray(X), Y
N_WORKERS = 4
STARTING = 4.0  # seconds
RULES = [{}, {"factor": 2}, {"race": True}]


def slow_accuracy(estimator, X, y):
    """So slow that workers are killed in the midst of it."""
    time.sleep(0.1)
    return estimator.score(X, y)


def study(**parameters):
    clf = BackpropMLPClassifier((5,), random_state=0, n_iter_no_change=float("inf"))
    grid = {"alpha": [0.01, 0.03, 0.1, 0.3, 1.0, 3.0], "max_iter": [5, 10, 20]}
    return EpochGridSearchCV(clf, grid, cv=4, scoring=slow_accuracy, refit=False, **parameters)


@contextmanager
def cluster_of(n_workers, **config):
    """A client of a LocalCluster of processes; none of them is left in the end."""
    with (
        dask.config.set(config),
        LocalCluster(
            n_workers=n_workers, threads_per_worker=1, processes=True, host="127.0.0.1",
            dashboard_address="127.0.0.1:0", silence_logs=logging.CRITICAL,
        ) as cluster,
        Client(cluster) as client,
    ):  # fmt: skip
        yield client
    _, alive = psutil.wait_procs(workers(), timeout=30)
    assert alive == []


def on_dask(search):
    with joblib.parallel_config("dask"):
        return search.fit(*ROWS)


class Chaos:
    """Kills a worker every now and then, and takes most of them away and back again."""

    def __init__(self, client, seed=0):
        self.n_kills = self.n_scales = 0
        self._client, self._draws = client, random.Random(seed)
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._is_over.set()
        self._thread.join()

    def _run(self):
        sizes = cycle([1, N_WORKERS])
        while not self._is_over.wait(self._draws.uniform(1.5, 4.0)):
            if len(self._client.nthreads()) > 1:  # or a slow machine gets nowhere
                self.n_kills += kill_a_worker(self._draws)
            if self._draws.random() < 0.4:
                self._client.cluster.scale(next(sizes))
                self.n_scales += 1


def workers():
    """The processes that work, of all clusters of this process."""
    every = psutil.Process().children(recursive=True)
    return [process for process in every if "spawn_main" in " ".join(process.cmdline())]


def kill_a_worker(draws):
    """Kill one that has begun to work: Dask does not replace one that dies before."""
    try:
        old = [each for each in workers() if time.time() - each.create_time() > STARTING]
        draws.choice(old).kill()
    except (psutil.NoSuchProcess, IndexError):
        return False
    return True


def survive(n_rounds, allowed_failures):
    """Fit studies by every rule while workers are killed; how often they were."""
    _cluster.MAX_LOSSES = 50  # so often does no worker die in life
    expected = [study(**rule, n_jobs=16).fit(*ROWS).cv_results_ for rule in RULES]
    config = {"distributed.scheduler.allowed-failures": allowed_failures}
    with cluster_of(N_WORKERS, **config) as client, Chaos(client) as chaos:
        n_fitted = 0
        while n_fitted < n_rounds or chaos.n_kills < 2:
            rule = n_fitted % len(RULES)
            n_fitted += 1
            search = on_dask(study(**RULES[rule]))
            assert_same_results(search.cv_results_, expected[rule])
    return chaos.n_kills, chaos.n_scales


def meet_misfortunes():
    """What ends a search that is on a cluster, and what does not."""
    with cluster_of(2, **{"distributed.scheduler.allowed-failures": 0}) as client:
        rows_are_sent_once(client)
        errors_are_those_of_the_job()
        other_versions_are_refused()
        cancelled_jobs_are_submitted_again(client)
        a_search_in_a_task_ends(client)
        interrupted_jobs_end(client)
        a_job_that_kills_its_workers_is_given_up()


class Counting:
    """A scorer that counts how often its process has unpacked it."""

    n_unpacked = 0

    def __call__(self, estimator, X, y):
        return estimator.score(X, y)

    def __setstate__(self, state):
        Counting.n_unpacked += 1

    def __getstate__(self):
        return {"a": "state"}


def rows_are_sent_once(client):
    on_dask(study(factor=2).set_params(scoring=Counting()))
    counts = client.run(lambda: Counting.n_unpacked)
    # Dask may drop a copy that nobody seems to need; there are some 50 messages
    assert max(counts.values()) <= 3, counts


def fails(estimator, X, y):
    raise OSError("no such scores")


def errors_are_those_of_the_job():
    search = study().set_params(scoring=fails, error_score="raise")
    with pytest.raises(OSError, match="no such scores"):
        on_dask(search)


def other_versions_are_refused():
    versions = _cluster.versions
    _cluster.versions = lambda: {**versions(), "NumPy": "1.0"}
    with pytest.raises(RuntimeError, match=r"A worker has .* Install the same versions"):
        on_dask(study())
    _cluster.versions = versions


def cancelled_jobs_are_submitted_again(client):
    def cancel():
        time.sleep(1.0)
        keys = [*client.futures]
        n_cancelled.append(len(keys))
        client.cancel([Future(key, client) for key in keys])

    n_cancelled = []
    canceller = threading.Thread(target=cancel)
    canceller.start()
    search = on_dask(study())
    canceller.join()
    assert n_cancelled[0] > 1
    assert_same_results(search.cv_results_, study(n_jobs=16).fit(*ROWS).cv_results_)


def results_of_a_search_on_dask():
    return on_dask(study().set_params(param_grid={"max_iter": [5, 10]})).cv_results_


def a_search_in_a_task_ends(client):
    """The task leaves its thread to the search's own, or two tasks would wait for ever."""
    futures = [client.submit(results_of_a_search_on_dask, pure=False) for _ in range(2)]
    first, second = client.gather(futures)
    assert_same_results(first, second)


def interrupted_jobs_end(client):
    threading.Timer(1.5, signal.raise_signal, [signal.SIGINT]).start()
    with pytest.raises(KeyboardInterrupt):
        on_dask(study().set_params(param_grid={"max_iter": [10**9]}))
    began = time.monotonic()
    while any(client.run(n_executing).values()):
        assert time.monotonic() - began < 60
        time.sleep(0.1)


def n_executing(dask_worker):
    return len(dask_worker.state.executing)


def deadly(estimator, X, y):
    if estimator.alpha == 1.0:
        os.kill(os.getpid(), signal.SIGKILL)
    return 0.0


def a_job_that_kills_its_workers_is_given_up():
    _cluster.MAX_LOSSES = 2
    search = study().set_params(scoring=deadly)
    with pytest.raises(RuntimeError, match="were lost again and again"):
        on_dask(search)


@contextmanager
def scheduler_and_client(path):
    """A scheduler's process, with a worker of two threads, and a client of it."""
    command = [sys.executable, "-W", "ignore", "-m", "distributed.cli."]
    address = f"--scheduler-file={path / 'scheduler.json'}"
    options = ["--host=127.0.0.1", "--dashboard-address=127.0.0.1:0", address]
    with ExitStack() as stack:
        scheduler, _ = (
            stack.enter_context(ended([*command[:-1], command[-1] + kind, *options, *more]))
            for kind, more in (
                ("dask_scheduler", ["--port=0"]),
                ("dask_worker", ["--nthreads=2", "--no-nanny"]),
            )
        )
        client = Client(scheduler_file=path / "scheduler.json", set_as_default=False)
        client.wait_for_workers(1, timeout=60)
        yield scheduler, client
        scheduler.kill()
        client.close(timeout=5)


def lose_the_scheduler(path, signal_name):
    """Resume a study whose scheduler was killed, or has fallen silent, in the midst of it."""
    cluster.SILENCE_SECONDS = 3.0
    path = Path(path)
    journal = path / "study.journal"
    with scheduler_and_client(path) as (scheduler, client):

        def lose():
            while not journal.exists() or len(read_journal(journal)) < 12:
                time.sleep(0.02)
            scheduler.send_signal(signal.Signals[signal_name])
            lost.append(time.monotonic())

        lost = []
        threading.Thread(target=lose).start()
        with (
            pytest.raises(RuntimeError, match=r"scheduler of .* is lost.*journal"),
            joblib.parallel_config("dask", client=client),
        ):
            study(journal=journal).fit(*ROWS)
        assert time.monotonic() - lost[0] < 40
    n_kept, evaluate = len(read_journal(journal)), Evaluation.evaluate
    n_evaluated = []

    def counting(self, job, is_cancelled):
        n_evaluated.append(len(job.members))
        return evaluate(self, job, is_cancelled)

    Evaluation.evaluate = counting
    resumed = study(journal=journal, n_jobs=16).fit(*ROWS)
    assert_same_results(resumed.cv_results_, study(n_jobs=16).fit(*ROWS).cv_results_)
    assert sum(n_evaluated) == 72 - n_kept + 72
    return n_kept


@contextmanager
def ended(command):
    """The process of a command, killed in the end."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    with process:
        try:
            yield process
        finally:
            process.kill()
