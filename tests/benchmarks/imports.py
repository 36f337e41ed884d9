"""What importing adds, and whether the first fit after it is slower than the second.

    python tests/benchmarks/imports.py --repeats 15 --json FILE

Every figure is the median over fresh processes. The import is timed after that of
sklearn.neural_network, to which it is to add less than 30 ms. The fits are of load_digits,
64-30-10, 20 epochs or iterations.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from dataclasses import asdict
from itertools import product
from pathlib import Path

from measure import Spread, Target, format_seconds, print_environment, write_json
from pinning import pin

IMPORT_GOAL = 0.030
# the second fit's time divided by the first's; below 1 the first was slower
FIRST_FIT_GOAL = 0.95
SOLVERS = ("sgd", "adam", "lbfgs")
OURS = {"module": "skdigitnet", "kind": "BackpropMLPClassifier"}
THEIRS = {"module": "sklearn.neural_network", "kind": "MLPClassifier"}
IMPORT_SCRIPT = """
from time import perf_counter
start = perf_counter()
import sklearn.neural_network
middle = perf_counter()
import skdigitnet
print([middle - start, perf_counter() - middle])
"""
FIT_SCRIPT = """
import warnings
from time import perf_counter
from sklearn.datasets import load_digits
from {module} import {kind} as Estimator
warnings.simplefilter("ignore")
X, y = load_digits(return_X_y=True)
X = X / 16
times = []
for _ in range(5):
    estimator = Estimator((30,), solver="{solver}", max_iter=20, random_state=0)
    start = perf_counter()
    estimator.fit(X, y)
    times.append(perf_counter() - start)
print(times)
"""


def in_fresh_process(script: str) -> list[float]:
    """The list of seconds that the script prints."""
    command = [sys.executable, "-c", script]
    return json.loads(subprocess.run(command, check=True, capture_output=True).stdout)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=15, metavar="N")
    parser.add_argument("--json", type=Path, metavar="FILE")
    arguments = parser.parse_args()
    pin(1)
    print_environment()
    in_fresh_process(IMPORT_SCRIPT)  # the files are then in the system's cache
    imports = [in_fresh_process(IMPORT_SCRIPT) for _ in range(arguments.repeats)]
    theirs, added = (Spread.of(times) for times in zip(*imports, strict=True))
    print(f"import sklearn.neural_network: {format_seconds(theirs.median)}")
    print(f"import skdigitnet after it: {format_seconds(added.median)} more")
    results = {
        "import sklearn.neural_network": asdict(theirs),
        "import skdigitnet": asdict(added),
    }
    targets = [Target("seconds that the import adds", IMPORT_GOAL, added.median, at_most=True)]
    for solver, estimator in product(SOLVERS, (OURS, THEIRS)):
        script = FIT_SCRIPT.format(solver=solver, **estimator)
        fits = [in_fresh_process(script) for _ in range(arguments.repeats)]
        medians = [Spread.of(times).median for times in zip(*fits, strict=True)]
        name = f"{estimator['kind']}, {solver}"
        print(f"fits one to five, {name}: {', '.join(map(format_seconds, medians))}")
        results[name] = medians
        if estimator is OURS:
            ratio = Spread.of([times[1] / times[0] for times in fits])
            name = f"first fit after import, {solver}: the second's time divided by its"
            targets.append(Target(name, FIRST_FIT_GOAL, ratio.median))
    for target in targets:
        print(target)
    write_json(arguments.json, results, targets)


if __name__ == "__main__":
    main()
