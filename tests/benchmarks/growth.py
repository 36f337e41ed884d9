"""How time and memory grow with rows, features, hidden units and batch size.

    python tests/benchmarks/growth.py --plot FILE.png --json FILE
    python tests/benchmarks/growth.py --quick --peers sklearn

Time per epoch of plain SGD in float32, of uniform random data, so that no MNIST is needed
and nothing is sparse; one dimension varies and the others stay as in BASE. For ours, the
memory that fit needs beyond X and y, by the number of rows: the peak of a fresh process
during fit, less what it held before. It is measured for dense X and for X with four zeros
in five, as images of digits have (Linux only).
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
from configs import SOLVERS
from measure import (
    CAN_MEASURE_MEMORY,
    Spread,
    Target,
    check_can_plot,
    format_seconds,
    memory_of,
    print_environment,
    seconds_of,
    write_json,
)
from peers import PEERS, OurPeer, installed_peers
from pinning import pin
from problem import N_CLASSES, Problem

BASE = {"rows": 10_000, "features": 256, "hidden units": 64, "batch size": 64}
VALUES = {
    "rows": (1000, 3000, 10_000, 30_000, 100_000),
    "features": (16, 64, 256, 1024),
    "hidden units": (8, 32, 128, 512, 1024),
    "batch size": (1, 4, 16, 64, 256, 1024),
}
FIT_SECONDS = 0.2  # about, so that a fit is long against a turn of the scheduler
MAX_EPOCHS = 100
MEMORY_ROWS = (10_000, 20_000, 40_000, 80_000, 160_000)
# "flat in rows": what a row may add, at most, is the order of the rows and their classes
BYTES_PER_ROW = 64


def make_problem(sizes: dict[str, int], density: float = 1.0) -> Problem:
    rng = np.random.default_rng(0)
    shape = (sizes["rows"], sizes["features"])
    X = rng.random(shape, dtype=np.float32)
    if density < 1:
        for row in X:  # one by one: nothing as large as X beside it
            row[rng.random(len(row)) > density] = 0
    y = rng.integers(N_CLASSES, size=len(X))
    hidden, batch = sizes["hidden units"], sizes["batch size"]
    return Problem(X, y, hidden, batch, 1, SOLVERS["sgd"])


def epoch_seconds(kind: type, problem: Problem, repeats: int) -> float:
    peer = kind(problem)
    peer.fit(1)
    first = seconds_of(lambda: peer.fit(1))
    n_epochs = min(max(round(FIT_SECONDS / first), 1), MAX_EPOCHS)
    times = [seconds_of(lambda: peer.fit(n_epochs)) for _ in range(repeats)]
    return Spread.of(times).median / n_epochs


def measure_time(peers: dict[str, type], repeats: int) -> list[dict]:
    """Rows with the keys against, value, peer and seconds."""
    results = []
    for dimension, values in VALUES.items():
        for value in values:
            problem = make_problem({**BASE, dimension: value})
            line = f"{dimension:14}{value:>8}"
            for name, kind in {"ours": OurPeer, **peers}.items():
                seconds = epoch_seconds(kind, problem, repeats)
                row = {"against": dimension, "value": value, "peer": name, "seconds": seconds}
                results.append(row)
                line += f"  {name} {format_seconds(seconds):>8}"
            print(line, flush=True)
    return results


def memory_of_fit(n_rows: int, density: float) -> int:
    """Bytes at the peak of fit in this process, beyond what it held before."""
    OurPeer(make_problem({**BASE, "rows": 1000})).fit(1)
    ours = OurPeer(make_problem({**BASE, "rows": n_rows}, density))
    return memory_of(lambda: ours.fit(1))


def measure_memory() -> tuple[list[dict], list[Target]]:
    """Rows with the keys density, rows and bytes; and whether memory is flat in rows."""
    results, targets = [], []
    for density in (1.0, 0.2):
        extra = []
        for n_rows in MEMORY_ROWS:
            command = [sys.executable, __file__, "--memory-of", str(n_rows), str(density)]
            done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
            extra.append(json.loads(done.stdout))
            results.append({"density": density, "rows": n_rows, "bytes": extra[-1]})
        slope = (extra[-1] - extra[0]) / (MEMORY_ROWS[-1] - MEMORY_ROWS[0])
        megabytes = ", ".join(f"{size / 2**20:.1f}" for size in extra)
        print(f"memory beyond X, density {density}, {MEMORY_ROWS} rows: {megabytes} MiB")
        name = f"bytes of memory beyond X that a row adds, density {density}"
        targets.append(Target(name, BYTES_PER_ROW, slope, at_most=True))
        print(targets[-1])
    return results, targets


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    known = [name for name in PEERS if name != "skorch"]
    add("--peers", nargs="*", choices=known, default=known)
    add("--repeats", type=int, default=3, metavar="N")
    add("--quick", action="store_true", help="each once, and two values of each dimension")
    add("--json", type=Path, metavar="FILE")
    add("--plot", type=Path, metavar="FILE", help="draw time per epoch (needs matplotlib)")
    add("--memory-of", nargs=2, type=float, help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> None:
    arguments = parse_arguments()
    check_can_plot(arguments.plot)
    pin(1)
    warnings.simplefilter("ignore")
    if arguments.memory_of:
        n_rows, density = arguments.memory_of
        print(memory_of_fit(int(n_rows), density))
        return
    peers = installed_peers(arguments.peers)
    print_environment()
    if arguments.quick:
        VALUES.update({dimension: values[:2] for dimension, values in VALUES.items()})
    results = measure_time(peers, 1 if arguments.quick else arguments.repeats)
    memory, targets = ([], [])
    if CAN_MEASURE_MEMORY:
        memory, targets = measure_memory()
    write_json(arguments.json, results, targets, memory=memory)
    if arguments.plot is not None:
        from plots import plot_growth

        plot_growth(results, arguments.plot)


if __name__ == "__main__":
    main()
