"""Time and memory of a fit on 2^18 hashed features, ours and MLPClassifier's.

    python tests/benchmarks/hashed_features.py

5,000 rows of 100 entries, as HashingVectorizer makes them of short texts; 50 logistic units,
two epochs in batches of 200, SGD with and without momentum, and Adam, in float64. Each fit is
in a process of its own, on one thread; memory is the peak beyond what the process held before.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import warnings

import numpy as np
from measure import format_seconds, memory_of, print_environment, seconds_of
from pinning import pin
from scipy import sparse
from sklearn.neural_network import MLPClassifier

from skdigitnet import BackpropMLPClassifier

N_ROWS, N_ENTRIES, N_FEATURES = 5_000, 100, 2**18
KINDS = {"ours": BackpropMLPClassifier, "MLPClassifier": MLPClassifier}
SOLVERS = {
    "sgd": {"solver": "sgd", "momentum": 0.0},
    "momentum": {"solver": "sgd", "momentum": 0.9},
    "adam": {"solver": "adam"},
}


def fit_once(kind: str, solver: str) -> dict[str, float]:
    """Seconds and bytes of one fit in this process."""
    rng = np.random.default_rng(0)
    columns = np.sort(rng.integers(0, N_FEATURES, (N_ROWS, N_ENTRIES)), axis=1)
    ends = np.arange(N_ROWS + 1) * N_ENTRIES
    X = sparse.csr_matrix((np.full(columns.size, 0.1), columns.ravel(), ends))
    X.resize(N_ROWS, N_FEATURES)
    X.sum_duplicates()
    y = rng.integers(0, 2, N_ROWS)
    network = KINDS[kind](
        (50,), activation="logistic", batch_size=200, max_iter=2, learning_rate_init=0.01,
        random_state=0, **SOLVERS[solver],
    )  # fmt: skip
    if kind == "ours":
        network.set_params(learning_rate="constant")
    seconds = []
    n_bytes = memory_of(lambda: seconds.append(seconds_of(lambda: network.fit(X, y))))
    return {"seconds": seconds[0], "bytes": n_bytes}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--of", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    pin(1)
    warnings.simplefilter("ignore")
    if arguments.of:
        print(json.dumps(fit_once(*arguments.of)))
        return
    print_environment()
    for solver in SOLVERS:
        found: dict[str, list] = {kind: [] for kind in KINDS}
        for _ in range(arguments.repeats):
            for kind, results in found.items():
                command = [sys.executable, __file__, "--of", kind, solver]
                done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
                results.append(json.loads(done.stdout))
        medians = {
            kind: [statistics.median(result[key] for result in results) for key in results[0]]
            for kind, results in found.items()
        }
        times = ", ".join(
            f"{kind} {format_seconds(seconds)} and {size / 1e6:.0f} MB"
            for kind, (seconds, size) in medians.items()
        )
        (ours, ours_bytes), (theirs, their_bytes) = medians.values()
        print(
            f"{solver:9} {times}: {theirs / ours:.2f} times as fast in"
            f" {ours_bytes / their_bytes:.2f} of the memory",
            flush=True,
        )


if __name__ == "__main__":
    main()
