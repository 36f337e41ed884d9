"""Time and memory of fit on many hashed features: ours and MLPClassifier's.

    python tests/benchmarks/hashed.py
    python tests/benchmarks/hashed.py --solvers adam --json FILE

5,000 rows of 2^18 features, as FeatureHasher and HashingVectorizer make them, 100 entries a
row at random places; 50 logistic units, ten classes, batches of 200, float64, one thread.
Every fit has a process of its own; time is an epoch's, the process's CPU seconds, and memory
the peak during fit beyond what the process held before (Linux only).
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
import warnings
from pathlib import Path

import numpy as np
from configs import SOLVERS
from measure import Spread, Target, format_seconds, memory_of, print_environment, write_json
from peers import OurPeer, ScikitLearnPeer
from pinning import pin
from problem import N_CLASSES, Problem
from scipy import sparse

N_ROWS, N_FEATURES, ROW_ENTRIES = 5000, 2**18, 100
HIDDEN, BATCH, EPOCHS = 50, 200, 2
PEERS = {"ours": OurPeer, "sklearn": ScikitLearnPeer}
STOCHASTIC = [solver for solver in SOLVERS if solver != "lbfgs"]
MIB = 2**20


def make_problem(solver: str) -> Problem:
    rng = np.random.default_rng(0)
    n_entries = N_ROWS * ROW_ENTRIES
    places = rng.integers(N_FEATURES, size=n_entries), np.arange(0, n_entries + 1, ROW_ENTRIES)
    X = sparse.csr_matrix((rng.random(n_entries), *places), shape=(N_ROWS, N_FEATURES))
    X.sum_duplicates()
    y = rng.integers(N_CLASSES, size=N_ROWS)
    return Problem(X, y, HIDDEN, BATCH, EPOCHS, SOLVERS[solver])


def measure_here(name: str, solver: str) -> dict[str, float]:
    """CPU seconds of an epoch, and bytes, of a fit in this process."""
    problem = make_problem(solver)
    peer = PEERS[name](problem)
    start = time.process_time()
    peak = memory_of(lambda: peer.fit(EPOCHS))
    return {"seconds": (time.process_time() - start) / EPOCHS, "bytes": peak}


def measure(name: str, solver: str) -> dict[str, float]:
    command = [sys.executable, __file__, "--one", name, solver]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    return json.loads(done.stdout)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--solvers", nargs="+", choices=STOCHASTIC, default=STOCHASTIC)
    parser.add_argument("--repeats", type=int, default=3, metavar="N")
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    pin(1)
    warnings.simplefilter("ignore")
    if arguments.one:
        print(json.dumps(measure_here(*arguments.one)))
        return
    print_environment()
    results, targets = [], []
    for solver in arguments.solvers:
        fits = [
            {name: measure(name, solver) for name in PEERS} for _ in range(arguments.repeats)
        ]
        line = f"{solver:9}"
        for name in PEERS:
            seconds = Spread.of([fit[name]["seconds"] for fit in fits]).median
            peak = Spread.of([fit[name]["bytes"] for fit in fits]).median
            line += f"  {name}{format_seconds(seconds):>8} {peak / MIB:>5.0f} MiB"
        for what in ("seconds", "bytes"):
            ratio = Spread.of_ratios(
                [(fit["ours"][what], fit["sklearn"][what]) for fit in fits]
            )
            line += f"  ratio of {what} {ratio}"
            targets.append(
                Target(f"hashed, {solver}: sklearn's {what} by ours", 1, ratio.median)
            )
        print(line, flush=True)
        results.append({"solver": solver, "fits": fits})
    for target in targets:
        print(target)
    write_json(arguments.json, results, targets)


if __name__ == "__main__":
    main()
