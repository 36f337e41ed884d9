"""Studies: searches over many candidates on five folds, two jobs, ours and scikit-learn's.

    python tests/benchmarks/studies.py
    python tests/benchmarks/studies.py --quick
    python tests/benchmarks/studies.py --parts halving agreement --json FILE
    python tests/benchmarks/studies.py --parts --optuna

The parts, on load_digits unless they say otherwise:

- grid: 24 candidates, 50 epochs. Ours by EpochGridSearchCV and by GridSearchCV, against
  GridSearchCV with MLPClassifier.
- epochs: the same with max_iter in (10, 20, 30, 40, 50), so 120 candidates.
- halving: 81 candidates, 54 epochs, a third of them going on after 2, 6 and 18. Ours by
  EpochGridSearchCV(factor=3), against HalvingGridSearchCV and against GridSearchCV that
  trains all of them to the end, both with MLPClassifier.
- agreement: the same search on ten studies, other data and other seeds: how often the winner
  is that of training all candidates to the end, and how much of the score is lost where it is
  not. Beside it halving that begins later, the simplest rule, which is to train all to the
  same few epochs and the best to the end (Egele et al. 2024: one epoch), and, to see how far
  the winner is chance, training all to the end from other initial weights.
- overhead: seconds and memory of a search outside its fits and scores, for each cell, a
  candidate on a fold; with a journal too. The fits are as small as can be.
- optuna, only if asked for: the 81 candidates with Optuna, its pruner halving as above and
  the folds trained an epoch at a time by partial_fit. Skipped where it is not installed.

All networks have one layer of logistic units and train by SGD with momentum, in batches of
32, from the same initial weights and to the last epoch. Searches of scikit-learn run in
processes, which are started before the clock, EpochGridSearchCV in threads. All of them fit
the best candidate to all rows at the end.

The objective is the same where alpha is 0. Elsewhere it is nearly so: MLPClassifier divides
its penalty by the rows of each batch, we by those of the training fold. Its alpha is ours
times 32 / 1437.6, which makes both equal in the 44 batches of 32 rows, but for the fold's rows
being 1437 or 1438; the last batch of an epoch has 29 or 30 rows, and there it penalises a
tenth more.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from measure import (
    CAN_MEASURE_MEMORY,
    Spread,
    Target,
    format_seconds,
    memory_of,
    print_environment,
    seconds_of,
    write_json,
)
from pinning import pin
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_digits, load_wine, make_classification
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    ParameterGrid,
    StratifiedKFold,
)
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler

from skdigitnet import BackpropMLPClassifier
from skdigitnet.model_selection import EpochGridSearchCV

N_JOBS = 2
N_FOLDS = 5
BATCH = 32
FACTOR = 3
GRID = {
    "hidden_layer_sizes": [(25,), (50,), (100,)],
    "learning_rate_init": [0.05, 0.2],
    "alpha": [0.0, 0.01, 0.1, 1.0],
}
EPOCHS = 50
STAGES = [10, 20, 30, 40, 50]
LARGE_GRID = {
    "hidden_layer_sizes": [(25,), (50,), (100,)],
    "learning_rate_init": [0.02, 0.07, 0.2],
    "alpha": [0.0, 0.1, 1.0],
    "momentum": [0.0, 0.5, 0.9],
}
RUNGS = [2, 6, 18, 54]
CUT_OFFS = [1, 2, 6, 18]
OTHER_SEED = "all to the end, another seed"
CELLS = (100, 1_000, 20_000)
OURS, THEIRS = "EpochGridSearchCV", "GridSearchCV, MLPClassifier"
OURS_BY_SKLEARN = "GridSearchCV, ours"
HALVING, THEIR_HALVING = "EpochGridSearchCV, halving", "HalvingGridSearchCV, MLPClassifier"
GOALS = {
    "grid": {THEIRS: 15},
    "epochs": {THEIRS: 40},
    "halving": {THEIR_HALVING: 15, THEIRS: 100},
}
SAME_WINNERS = 9
OVERHEAD = 0.5e-3  # seconds a cell
FLAT = 1.5  # of the most cells, in terms of the fewest
TOLERANCE = 1e-6  # of scores

Searches = dict[str, Callable[[], GridSearchCV]]


# Searches


def network(kind: type, epochs: int, **parameters):
    """Of either kind, with the same initial weights, trained for all of these epochs."""
    if kind is BackpropMLPClassifier:
        parameters["weight_init"] = "sklearn"
    return kind(
        activation="logistic",
        solver="sgd",
        batch_size=BATCH,
        max_iter=epochs,
        tol=0.0,
        n_iter_no_change=epochs,
        **{"random_state": 0, **parameters},
    )


def their_alphas(grid: dict, n_rows: int) -> dict:
    """The grid with the alphas that are the same to MLPClassifier."""
    fold_rows = n_rows * (1 - 1 / N_FOLDS)
    return {**grid, "alpha": [alpha * BATCH / fold_rows for alpha in grid["alpha"]]}


def searches_of(part: str, epochs: int, n_rows: int) -> Searches:
    """What is timed in turn, ours first."""
    grid = LARGE_GRID if part == "halving" else GRID
    if part == "epochs":
        grid = {**grid, "max_iter": scaled(STAGES, epochs)}
    theirs = their_alphas(grid, n_rows)
    search = {"cv": N_FOLDS, "n_jobs": N_JOBS}
    ours, mlp = network(BackpropMLPClassifier, epochs), network(MLPClassifier, epochs)
    exhaustive = partial(GridSearchCV, mlp, theirs, **search)
    if part != "halving":
        return {
            OURS: partial(EpochGridSearchCV, ours, grid, **search),
            OURS_BY_SKLEARN: partial(GridSearchCV, ours, grid, **search),
            THEIRS: exhaustive,
        }
    rungs = scaled(RUNGS, epochs)
    by_sklearn = {"resource": "max_iter", "min_resources": rungs[0], "max_resources": epochs}
    return {
        HALVING: partial(halving_search, ours, rungs, **search),
        THEIR_HALVING: partial(
            HalvingGridSearchCV, mlp, theirs, factor=FACTOR, **by_sklearn, **search
        ),
        THEIRS: exhaustive,
    }


def halving_search(estimator, rungs: list[int], **search) -> EpochGridSearchCV:
    return EpochGridSearchCV(
        estimator, {**LARGE_GRID, "max_iter": rungs}, factor=FACTOR, **search
    )


def scaled(stages: list[int], epochs: int) -> list[int]:
    """The stages, ending with these epochs instead."""
    return sorted({max(1, stage * epochs // stages[-1]) for stage in stages})


def run_in_turn(
    searches: Searches, X, y, repeats: int
) -> tuple[dict[str, list[float]], dict[str, GridSearchCV]]:
    """Seconds of every repeat and the last fitted search, by name; who begins alternates."""
    seconds: dict[str, list[float]] = {name: [] for name in searches}
    fitted = {}
    for repeat in range(repeats):
        for name in list(searches)[:: 1 if repeat % 2 == 0 else -1]:
            fitted[name] = searches[name]()
            seconds[name].append(seconds_of(partial(fitted[name].fit, X, y)))
    return seconds, fitted


def start_workers(X, y) -> float:
    """Seconds until the worker processes have run a search of one epoch."""
    search = searches_of("grid", 1, len(X))[OURS_BY_SKLEARN]()
    return seconds_of(partial(search.fit, X, y))


# Time


def compare(part: str, epochs: int, repeats: int) -> tuple[dict, list[Target]]:
    """Time ours and theirs, and tell how far their scores are apart."""
    X, y = digits()
    seconds, fitted = run_in_turn(searches_of(part, epochs, len(X)), X, y, repeats)
    ours = next(iter(seconds))
    ratios = {
        name: Spread.of_ratios(list(zip(seconds[ours], times, strict=True)))
        for name, times in seconds.items()
        if name != ours
    }
    for name, times in seconds.items():
        ratio = f"  {ratios[name]} times as long" if name in ratios else ""
        print(f"{part}: {name:34}{format_seconds(Spread.of(times).median):>9}{ratio}")
    targets = [
        Target(f"{part}: time of {name} divided by ours", goal, ratios[name].median)
        for name, goal in GOALS[part].items()
    ]
    results = {
        "seconds": seconds,
        "ratios": {name: asdict(ratio) for name, ratio in ratios.items()},
        "candidates": len(fitted[THEIRS].cv_results_["params"]),
    }
    if part != "halving":
        scores = compare_scores(fitted[ours], fitted[THEIRS])
        print_scores(part, scores)
        results["scores"] = scores
        apart = scores["largest_difference_same_objective"]
        targets += [
            Target(f"{part}: scores apart, same objective", TOLERANCE, apart, at_most=True),
            Target(f"{part}: the same best candidate", 1, scores["same_best_candidate"]),
        ]
    return results, targets


def split_scores(search: GridSearchCV) -> np.ndarray:
    """Accuracies of shape (n_candidates, n_folds)."""
    folds = range(search.n_splits_)
    return np.column_stack([search.cv_results_[f"split{i}_test_score"] for i in folds])


def compare_scores(ours: GridSearchCV, theirs: GridSearchCV) -> dict:
    """How far the scores are apart, where the objective is the same and elsewhere."""
    apart = np.abs(split_scores(ours) - split_scores(theirs))
    same = np.array([params["alpha"] == 0 for params in ours.cv_results_["params"]])
    return {
        "largest_difference_same_objective": float(apart[same].max()),
        "largest_difference_elsewhere": float(apart[~same].max()),
        "scores_that_differ_elsewhere": int(np.sum(apart[~same] > TOLERANCE)),
        "scores_elsewhere": int(apart[~same].size),
        "best_candidate": {k: str(v) for k, v in ours.best_params_.items()},
        "best_score": float(ours.best_score_),
        "their_best_score": float(theirs.best_score_),
        "same_best_candidate": bool(ours.best_index_ == theirs.best_index_),
    }


def print_scores(part: str, scores: dict) -> None:
    best = ", ".join(f"{name}={value}" for name, value in scores["best_candidate"].items())
    which = "the same" if scores["same_best_candidate"] else "another"
    print(
        f"{part}: best candidate of ours: {best}; MLPClassifier's is {which}; they score"
        f" {scores['best_score']:.6f} and {scores['their_best_score']:.6f}\n"
        f"{part}: largest difference of a fold's score: alpha = 0 (the same objective)"
        f" {scores['largest_difference_same_objective']:.1e};"
        f" elsewhere {scores['largest_difference_elsewhere']:.1e},"
        f" {scores['scores_that_differ_elsewhere']} of {scores['scores_elsewhere']} differ"
    )


# Which candidate wins


@dataclass(frozen=True)
class Study:
    """Rows, and the seed of the folds and networks."""

    name: str
    X: np.ndarray
    y: np.ndarray
    seed: int


def digits() -> tuple[np.ndarray, np.ndarray]:
    X, y = load_digits(return_X_y=True)
    return X / 16, y


def studies() -> Iterator[Study]:
    """Ten, on four kinds of data."""
    X, y = digits()
    for seed in range(4):
        rows = np.random.default_rng(seed).permutation(len(X))[: len(X) // 2]
        yield Study("half of digits", X[rows], y[rows], seed)
    for name, load in (("breast cancer", load_breast_cancer), ("wine", load_wine)):
        X, y = load(return_X_y=True)
        yield Study(name, StandardScaler().fit_transform(X), y, 0)
    for seed in range(4):
        X, y = make_classification(
            1000, n_informative=10, n_classes=4, flip_y=0.05, random_state=seed
        )
        yield Study("make_classification", StandardScaler().fit_transform(X), y, seed)


def agree(epochs: int, n_studies: int) -> tuple[dict, list[Target]]:
    """What every rule loses, against training all candidates to the end."""
    winners: dict[str, list[tuple[bool, float]]] = {}
    for study in list(studies())[:n_studies]:
        by_rule, final = winners_of(study, epochs)
        best = int(final.argmax())
        for rule, winner in by_rule.items():
            found = winner == best, float(final[best] - final[winner])
            winners.setdefault(rule, []).append(found)
        losses = ", ".join(f"{found[-1][1]:.4f}" for found in winners.values())
        print(f"agreement: {study.name}, seed {study.seed}: score lost {losses}", flush=True)
    rows = []
    for rule, found in winners.items():
        same, lost = zip(*found, strict=True)
        rows.append(
            {
                "rule": rule,
                "share_of_epochs": share_of_epochs(rule, epochs),
                "same_winner": sum(same),
                "mean_score_lost": float(np.mean(lost)),
                "score_lost": asdict(Spread.of(lost)),
            }
        )
        print(
            f"agreement: {rule:30}{rows[-1]['share_of_epochs']:7.1%} of the epochs, the same"
            f" winner on {sum(same)} of {n_studies}, score lost {np.mean(lost):.4f} on average,"
            f" {max(lost):.4f} at most"
        )
    name = f"agreement: halving's winner is the exhaustive one's, of {n_studies} studies"
    goal = SAME_WINNERS * n_studies // 10
    return {"rows": rows, "studies": n_studies}, [Target(name, goal, rows[0]["same_winner"])]


def winners_of(study: Study, epochs: int) -> tuple[dict[str, int], np.ndarray]:
    """The winner by each rule, and every candidate's score in the end."""
    estimator = network(BackpropMLPClassifier, epochs, random_state=study.seed)
    cv = StratifiedKFold(N_FOLDS, shuffle=True, random_state=study.seed)
    search = {"cv": cv, "n_jobs": N_JOBS, "refit": False}
    by_stage = scores_by_stage(estimator, study, sorted({*cut_offs(epochs), epochs}), search)
    winners = {}
    for rungs in rung_choices(epochs):
        halving = halving_search(estimator, rungs, **search).fit(study.X, study.y)
        in_the_end = [
            params for params in halving.cv_results_["params"] if params["max_iter"] == epochs
        ]
        winners[halving_after(rungs)] = in_the_end.index(halving.best_params_)
    for stage in cut_offs(epochs):
        winners[cut_off_after(stage)] = int(by_stage[stage].argmax())
    other = clone(estimator).set_params(random_state=study.seed + 1000)
    winners[OTHER_SEED] = int(scores_by_stage(other, study, [epochs], search)[epochs].argmax())
    return winners, by_stage[epochs]


def scores_by_stage(
    estimator, study: Study, stages: list[int], search: dict
) -> dict[int, np.ndarray]:
    """The mean scores of all candidates after so many epochs."""
    grid = {**LARGE_GRID, "max_iter": stages}
    results = EpochGridSearchCV(estimator, grid, **search).fit(study.X, study.y).cv_results_
    stage = results["param_max_iter"]
    return {each: results["mean_test_score"][stage == each] for each in stages}


def rung_choices(epochs: int) -> list[list[int]]:
    """All of the rungs, and without the first ones."""
    rungs = scaled(RUNGS, epochs)
    return [rungs[start:] for start in range(len(rungs) - 1)]


def cut_offs(epochs: int) -> list[int]:
    return [stage for stage in CUT_OFFS if stage < epochs]


def halving_after(rungs: list[int]) -> str:
    return f"halving after {', '.join(map(str, rungs[:-1]))}"


def cut_off_after(stage: int) -> str:
    return f"all for {stage}, the best to the end"


def share_of_epochs(rule: str, epochs: int) -> float:
    """What a rule trains, of all candidates' epochs."""
    n = len(ParameterGrid(LARGE_GRID))
    trained = {
        OTHER_SEED: n * epochs,
        **{halving_after(rungs): epochs_of_halving(rungs, n) for rungs in rung_choices(epochs)},
        **{cut_off_after(stage): n * stage + epochs - stage for stage in cut_offs(epochs)},
    }
    return trained[rule] / (n * epochs)


def epochs_of_halving(rungs: list[int], n_candidates: int) -> int:
    """How many epochs all candidates of ours train, on each fold."""
    total, before = 0, 0
    for rung in rungs:
        total += n_candidates * (rung - before)
        n_candidates, before = -(-n_candidates // FACTOR), rung
    return total


# Overhead


def measure_overhead(sizes: tuple[int, ...]) -> tuple[list[dict], list[Target]]:
    """Rows with the keys cells, journal, seconds and bytes, the last two a cell."""
    rows, targets = [], []
    for journal in (False, True):
        which = ", with a journal" if journal else ""
        for n_cells in sizes:
            command = [sys.executable, __file__, "--overhead-of", str(n_cells)]
            command += ["--journal"] if journal else []
            done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
            rows.append(json.loads(done.stdout))
            size = rows[-1]["bytes"]
            memory = "" if size is None else f" and {size / 1000:.1f} kB"
            took = format_seconds(rows[-1]["seconds"])
            print(f"overhead: {n_cells:6,} cells{which}: {took}{memory} a cell")
        times = [row["seconds"] for row in rows if row["journal"] == journal]
        most, name = 1000 * max(times), f"overhead{which}: milliseconds a cell, at most"
        grown = f"overhead{which}: a cell of {sizes[-1]:,} by one of {sizes[0]:,}"
        targets += [
            Target(name, 1000 * OVERHEAD, most, at_most=True),
            Target(grown, FLAT, times[-1] / times[0], at_most=True),
        ]
    return rows, targets


def overhead_of(n_cells: int, *, journal: bool) -> dict:
    """What this process needs for a search of so many cells beyond its fits and scores."""
    X, y = load_wine(return_X_y=True)
    rows = np.arange(0, len(X), 3)
    X, y = StandardScaler().fit_transform(X)[rows], y[rows]
    estimator = BackpropMLPClassifier((2,), max_iter=1, random_state=0)
    folder = tempfile.TemporaryDirectory() if journal else nullcontext()
    with folder as name:
        path = Path(name, "study.journal") if journal else None

        def search(n_candidates: int) -> EpochGridSearchCV:
            grid = {"alpha": np.linspace(0.0, 1.0, n_candidates).tolist()}
            return EpochGridSearchCV(estimator, grid, cv=N_FOLDS, refit=False, journal=path)

        search(2).fit(X, y)  # what the first fit of a process needs is not counted
        measured = search(n_cells // N_FOLDS)
        seconds: list[float] = []

        def fit() -> None:
            seconds.append(seconds_of(partial(measured.fit, X, y)))

        size = memory_of(fit) if CAN_MEASURE_MEMORY else fit()
    within = sum(
        N_FOLDS * measured.cv_results_[f"mean_{part}_time"].sum() for part in ("fit", "score")
    )
    return {
        "cells": n_cells,
        "journal": journal,
        "seconds": (seconds[0] - within) / n_cells,
        "bytes": None if size is None else size / n_cells,
    }


# Optuna


def run_optuna(epochs: int) -> tuple[dict, list[Target]]:
    """Seconds and the best candidate: ours, and by Optuna with either estimator."""
    if find_spec("optuna") is None:
        print("optuna: skipped, for it is not installed: pip install optuna")
        return {}, []
    X, y = digits()
    halving = searches_of("halving", epochs, len(X))[HALVING]()
    took = seconds_of(partial(halving.fit, X, y))
    rows = [{"search": HALVING, "seconds": took, "best": as_text(halving.best_params_)}]
    for kind in (BackpropMLPClassifier, MLPClassifier):
        began = time.perf_counter()
        best = best_by_optuna(kind, epochs, X, y)
        took = time.perf_counter() - began
        rows.append({"search": f"Optuna, {kind.__name__}", "seconds": took, "best": best})
    for row in rows:
        print(f"optuna: {row['search']:30}{format_seconds(row['seconds']):>9}, {row['best']}")
    return {"rows": rows}, []


def best_by_optuna(kind: type, epochs: int, X, y) -> str:
    """The best candidate, by Optuna's own halving, of trainings an epoch at a time."""
    import optuna

    grid = LARGE_GRID if kind is BackpropMLPClassifier else their_alphas(LARGE_GRID, len(X))
    candidates = list(ParameterGrid(grid))
    splits = list(StratifiedKFold(N_FOLDS).split(X, y))
    classes = np.unique(y)

    def score(trial) -> float:
        number = trial.suggest_int("candidate", 0, len(candidates) - 1)
        estimator = network(kind, epochs, **candidates[number])
        folds = [clone(estimator) for _ in splits]
        for epoch in range(1, epochs + 1):
            scores = []
            for fold, (train, test) in zip(folds, splits, strict=True):
                fold.partial_fit(X[train], y[train], classes=classes)
                scores.append(fold.score(X[test], y[test]))
            trial.report(float(np.mean(scores)), epoch)
            if trial.should_prune():
                raise optuna.TrialPruned
        return float(np.mean(scores))

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(
        direction="maximize",
        sampler=optuna.samplers.GridSampler({"candidate": range(len(candidates))}, seed=0),
        pruner=optuna.pruners.SuccessiveHalvingPruner(
            min_resource=scaled(RUNGS, epochs)[0], reduction_factor=FACTOR
        ),
    )
    study.optimize(score, n_trials=len(candidates), n_jobs=N_JOBS)
    number = study.best_params["candidate"]
    return as_text(list(ParameterGrid(LARGE_GRID))[number])


def as_text(params: dict) -> str:
    return ", ".join(f"{name}={params[name]}" for name in sorted(LARGE_GRID))


# All of it

PARTS = ["grid", "epochs", "halving", "agreement", "overhead"]


def measure(part: str, repeats: int, *, quick: bool) -> tuple[dict | list, list[Target]]:
    epochs = 6 if quick else RUNGS[-1]
    if part == "overhead":
        return measure_overhead(CELLS[:1] if quick else CELLS)
    if part == "agreement":
        return agree(epochs, 2 if quick else 10)
    if part == "optuna":
        return run_optuna(epochs)
    return compare(part, epochs if quick or part == "halving" else EPOCHS, repeats)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    what = f"of {', '.join(PARTS)}; by default all of them"
    add("--parts", nargs="*", choices=PARTS, default=PARTS, metavar="PART", help=what)
    add("--optuna", action="store_true", help="the part optuna too")
    add("--repeats", type=int, default=3, metavar="N")
    add("--quick", action="store_true", help="a few epochs, once, to see that it runs")
    add("--json", type=Path, metavar="FILE")
    add("--overhead-of", type=int, help=argparse.SUPPRESS)
    add("--journal", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> None:
    arguments = parse_arguments()
    # one BLAS thread for each of the two jobs, as joblib gives its processes
    pin(1, n_cores=N_JOBS)
    warnings.simplefilter("ignore")
    if arguments.overhead_of is not None:
        print(json.dumps(overhead_of(arguments.overhead_of, journal=arguments.journal)))
        return
    parts = [*arguments.parts, "optuna"] if arguments.optuna else arguments.parts
    print_environment()
    startup = start_workers(*digits())
    print(f"starting the processes, with a search of one epoch: {format_seconds(startup)}")
    results: dict[str, dict | list] = {}
    targets: list[Target] = []
    for part in parts:
        repeats = 1 if arguments.quick else arguments.repeats
        results[part], reached = measure(part, repeats, quick=arguments.quick)
        targets += reached
        print(*reached, sep="\n", flush=True)
    write_json(arguments.json, results, targets, startup_seconds=startup)


if __name__ == "__main__":
    main()
