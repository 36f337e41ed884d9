"""Ways to choose one of 81 candidates for 10,000 rows of MNIST, ours and others'.

    SKDIGITNET_MNIST=folder python tests/benchmarks/studies_mnist.py --json FILE

The candidates are those of studies.py, on five folds, 9 epochs at most. Ours: all of them to
the end, and a third going on after 1 and 3 epochs. GridSearchCV, HalvingGridSearchCV, Optuna
with its halving pruner and dask-ml's Hyperband (on one split of the rows, as it does) with
MLPClassifier; the last two with ours too. What is not installed is left out; dask-ml's
Hyperband ran on Dask 2024.8, not on 2026.8. Two jobs each.
Every choice is judged by the mean accuracy of that candidate on all folds in the end, by the
first search.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from data import mnist, mnist_folder
from measure import format_seconds, print_environment, write_json
from pinning import pin
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import GridSearchCV, HalvingGridSearchCV, ParameterGrid
from sklearn.neural_network import MLPClassifier
from studies import (
    FACTOR,
    LARGE_GRID,
    N_FOLDS,
    N_JOBS,
    as_text,
    best_by_optuna,
    network,
    start_workers,
    their_alphas,
)

from skdigitnet import BackpropMLPClassifier
from skdigitnet.model_selection import EpochGridSearchCV

N_ROWS = 10_000
EPOCHS = 9
RUNGS = [1, 3, 9]
# a search returns the place of its choice among the candidates
Search = Callable[[np.ndarray, np.ndarray], int]


def searches(n_rows: int) -> dict[str, Search]:
    theirs, search = their_alphas(LARGE_GRID, n_rows), {"cv": N_FOLDS, "n_jobs": N_JOBS}
    ours, mlp = network(BackpropMLPClassifier, EPOCHS), network(MLPClassifier, EPOCHS)
    by_sklearn = {"resource": "max_iter", "min_resources": RUNGS[0], "max_resources": EPOCHS}
    halving = EpochGridSearchCV(
        ours, {**LARGE_GRID, "max_iter": RUNGS}, factor=FACTOR, **search
    )
    found: dict[str, Search] = {
        "EpochGridSearchCV, halving": partial(choice, halving, LARGE_GRID),
        "HalvingGridSearchCV, MLPClassifier": partial(
            choice,
            HalvingGridSearchCV(mlp, theirs, factor=FACTOR, **by_sklearn, **search),
            theirs,
        ),
        "GridSearchCV, MLPClassifier": partial(
            choice, GridSearchCV(mlp, theirs, **search), theirs
        ),
    }
    for kind in (BackpropMLPClassifier, MLPClassifier):
        if find_spec("optuna") is not None:
            found[f"Optuna, {kind.__name__}"] = partial(choice_of_optuna, kind)
        if find_spec("dask_ml") is not None:
            found[f"Hyperband, {kind.__name__}"] = partial(choice_of_hyperband, kind)
    return found


def choice(search, grid: dict, X, y) -> int:
    search.fit(X, y)
    best = {name: search.best_params_[name] for name in grid}
    return list(ParameterGrid(grid)).index(best)


def choice_of_optuna(kind: type, X, y) -> int:
    best = best_by_optuna(kind, EPOCHS, X, y)
    return [as_text(params) for params in ParameterGrid(LARGE_GRID)].index(best)


def choice_of_hyperband(kind: type, X, y) -> int:
    import dask.array
    from dask_ml.model_selection import HyperbandSearchCV
    from distributed import Client, LocalCluster

    grid = their_alphas(LARGE_GRID, len(X)) if kind is MLPClassifier else LARGE_GRID
    cluster = LocalCluster(
        n_workers=N_JOBS, threads_per_worker=1, dashboard_address="127.0.0.1:0"
    )
    with cluster, Client(cluster):
        search = HyperbandSearchCV(
            network(kind, EPOCHS), grid, max_iter=EPOCHS, aggressiveness=FACTOR, random_state=0
        )
        # of one chunk, so that each of its calls of partial_fit is an epoch
        rows, labels = (dask.array.from_array(part, chunks=-1) for part in (X, y))
        search.fit(rows, labels, classes=np.unique(y))
    return list(ParameterGrid(grid)).index(search.best_params_)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=N_ROWS)
    parser.add_argument("--json", type=Path, metavar="FILE")
    arguments = parser.parse_args()
    if mnist_folder() is None:
        raise SystemExit("SKDIGITNET_MNIST is not set; it names the folder of the MNIST files.")
    pin(1, n_cores=N_JOBS)
    warnings.simplefilter("ignore")
    print_environment()
    X, y = (part[: arguments.rows] for part in mnist("train"))
    start_workers(X[:500], y[:500])
    ours = network(BackpropMLPClassifier, EPOCHS)
    everything = EpochGridSearchCV(ours, LARGE_GRID, cv=N_FOLDS, n_jobs=N_JOBS)
    began = time.perf_counter()
    everything.fit(X, y)
    rows = [row("EpochGridSearchCV", time.perf_counter() - began, everything.best_index_)]
    scores = everything.cv_results_["mean_test_score"]
    report(rows[-1], scores)
    for name, search in searches(len(X)).items():
        began = time.perf_counter()
        chosen = search(X, y)
        rows.append(row(name, time.perf_counter() - began, chosen))
        report(rows[-1], scores)
    write_json(arguments.json, rows, [])


def row(search: str, seconds: float, chosen: int) -> dict:
    return {"search": search, "seconds": seconds, "chosen": int(chosen)}


def report(row: dict, scores: np.ndarray) -> None:
    row["score"] = float(scores[row["chosen"]])
    row["rank"] = int(1 + np.sum(scores > row["score"]))
    took = format_seconds(row["seconds"])
    print(
        f"{row['search']:36}{took:>9}: number {row['rank']} of {len(scores)},"
        f" accuracy {row['score']:.4f}",
        flush=True,
    )


if __name__ == "__main__":
    main()
