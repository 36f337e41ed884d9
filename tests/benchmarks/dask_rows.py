"""What an evaluation of L-BFGS costs on a Dask cluster beside one in memory, and where it pays.

    python tests/benchmarks/dask_rows.py --workers 2

On a LocalCluster of processes, one thread each. An evaluation in memory is by one thread. The
rows are digits again and again, 64-50-10; the best of the evaluations of a fit counts.
"""

from __future__ import annotations

import argparse
import statistics
import time
import warnings
from contextlib import contextmanager

import dask.array as da
import numpy as np
from distributed import Client, LocalCluster
from measure import format_seconds, print_environment
from pinning import pin
from sklearn.datasets import load_digits

from skdigitnet import BackpropMLPClassifier
from skdigitnet._problem.objective import Objective
from skdigitnet._training.summed import SummedObjective
from skdigitnet.dask import DaskBackpropMLPClassifier

N_ROWS = (2_000, 20_000, 200_000, 1_000_000)
MAX_ITER = 20
HIDDEN = (50,)


@contextmanager
def timed(kind):
    """The seconds of every evaluation of the loss and its gradient by an objective."""
    seconds, method = [], kind.loss_and_gradient

    def evaluate(self, theta):
        start = time.perf_counter()
        result = method(self, theta)
        seconds.append(time.perf_counter() - start)
        return result

    kind.loss_and_gradient = evaluate
    try:
        yield seconds
    finally:
        kind.loss_and_gradient = method


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--workers", type=int, default=2)
    arguments = parser.parse_args()
    pin(1, arguments.workers)
    warnings.simplefilter("ignore")
    print_environment()
    X, y = load_digits(return_X_y=True)
    parameters = {"hidden_layer_sizes": HIDDEN, "max_iter": MAX_ITER, "random_state": 0}
    with (
        LocalCluster(
            n_workers=arguments.workers, threads_per_worker=1, host="127.0.0.1",
            dashboard_address="127.0.0.1:0",
        ) as cluster,
        Client(cluster),
    ):  # fmt: skip
        for n_rows in N_ROWS:
            of = np.arange(n_rows) % len(X)
            rows, labels = X[of] / 16, y[of]
            with timed(Objective) as here:
                clf = BackpropMLPClassifier(solver="lbfgs", n_jobs=1, **parameters)
                clf.fit(rows, labels)
            arrays = da.from_array(rows, chunks=(8192, 64)), da.from_array(labels, chunks=8192)
            with timed(SummedObjective) as there:
                DaskBackpropMLPClassifier(**parameters).fit(*arrays)
            one, other = statistics.median(here), statistics.median(there)
            overhead = other - one / arguments.workers
            print(
                f"{n_rows:9,} rows: in memory {format_seconds(one)}, on {arguments.workers}"
                f" workers {format_seconds(other)}: {one / other:.2f} times as fast; beyond its"
                f" share {format_seconds(overhead)}",
                flush=True,
            )


if __name__ == "__main__":
    main()
