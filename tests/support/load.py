"""One fitted estimator behind many threads, as in a service; what it does with load."""

import hashlib
import os
import statistics
import threading
import time
import warnings

import numpy as np
import psutil
from sklearn.exceptions import ConvergenceWarning

from skdigitnet import BackpropMLPClassifier

N_THREADS = 8
SIZES = (1, 2, 3, 7, 31, 64, 200, 1000, 5000)
LARGE = 1000  # rows from which on a request is large
MEGABYTE = 2**20


class Service:
    """Requests of every size in float32 and float64, with the answers one thread gave."""

    def __init__(self):
        rng = np.random.default_rng(0)
        X, y = rng.random((8000, 64)), rng.integers(0, 10, 8000)
        self.clf = BackpropMLPClassifier((100,), max_iter=2, random_state=0)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            self.clf.fit(X, y)
        self.requests = [
            (method, rows[start : start + size])
            for rows in (X, X.astype(np.float32))
            for size in SIZES
            for start in rng.integers(0, len(X) - size, 3)
            for method in ("predict_proba", "predict_proba", "predict")
        ]
        self.answers = [self.answer(i) for i in range(len(self.requests))]
        self.large = [
            i
            for i, (method, rows) in enumerate(self.requests)
            if method == "predict_proba" and len(rows) >= LARGE
        ]

    def answer(self, i):
        method, rows = self.requests[i]
        return getattr(self.clf, method)(rows)

    def is_right(self, i):
        answer, expected = self.answer(i), self.answers[i]
        return answer.dtype == expected.dtype and answer.tobytes() == expected.tobytes()


def in_threads(n_threads, seconds, work, watch=lambda: None):
    """Have threads call ``work(number, is_over)``; watch them from here meanwhile."""
    end = time.monotonic() + seconds
    threads = [
        threading.Thread(target=work, args=(number, lambda: time.monotonic() >= end))
        for number in range(n_threads)
    ]
    for thread in threads:
        thread.start()
    while time.monotonic() < end:
        watch()
        time.sleep(0.02)
    for thread in threads:
        thread.join()


def serve(seconds):
    """Requests at random from eight threads.

    Returns
    -------
    n_right, n_wrong : int
    growth : float
        Resident memory in its last third over that in the one before, medians, in
        megabytes; the first third is for the allocator and every thread's caches to fill.
    used : float
        Resident memory in the end, in megabytes.
    """
    service, process = Service(), psutil.Process()
    n_right, n_wrong, used = [0] * N_THREADS, [0] * N_THREADS, []

    def work(number, is_over):
        choice = np.random.default_rng(number)
        while not is_over():
            if service.is_right(choice.integers(len(service.requests))):
                n_right[number] += 1
            else:
                n_wrong[number] += 1

    in_threads(
        N_THREADS, seconds, work, lambda: used.append(process.memory_info().rss / MEGABYTE)
    )
    third = len(used) // 3
    before, after = (statistics.median(part) for part in (used[third:-third], used[-third:]))
    return sum(n_right), sum(n_wrong), after - before, after


def throughput(n_rounds, seconds):
    """How much more eight threads do in a second than one.

    Returns
    -------
    ratios : dict of str to list of float
        Of rows in answers to requests of every size ("mixed") and to large ones; and of
        hashes, which need nothing but a core: what the cores that there are give now.
        For each round, in which each of them has its turn.
    n_cores : int
        That this process may use.
    """
    service, block = Service(), bytes(MEGABYTE)

    def answer_one_of(requests):
        def work(choice):
            i = choice.choice(requests)
            service.answer(i)
            return len(service.requests[i][1])

        return work

    kinds = {
        "mixed": answer_one_of(range(len(service.requests))),
        "large": answer_one_of(service.large),
        "hashes": lambda choice: len(hashlib.sha256(block).digest()),
    }

    def a_second(n_threads, kind):
        done = [0] * n_threads

        def work(number, is_over):
            choice = np.random.default_rng(number)
            while not is_over():
                done[number] += kinds[kind](choice)

        began = time.monotonic()
        in_threads(n_threads, seconds, work)
        return sum(done) / (time.monotonic() - began)

    ratios = {kind: [] for kind in kinds}
    for _ in range(n_rounds):
        for kind in kinds:
            alone = a_second(1, kind)
            ratios[kind].append(a_second(N_THREADS, kind) / alone)
    return ratios, len(os.sched_getaffinity(0))
