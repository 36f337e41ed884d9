"""A study, as users do it: a grid search of 24 candidates, five folds, two jobs.

    python tests/benchmarks/study.py
    python tests/benchmarks/study.py --quick
    python tests/benchmarks/study.py --repeats 3 --json FILE

The same GridSearchCV on load_digits with ours and with MLPClassifier: logistic units, both
estimators' default SGD (Nesterov momentum 0.9), batches of 32, 50 epochs. Ours runs with
processes (joblib's loky) and with threads, MLPClassifier with processes. The workers are
started before the clock; what starting them took is told apart.

The objective is the same where alpha is 0, a quarter of the candidates. Elsewhere it is
nearly so: MLPClassifier divides its penalty by the rows of each batch, we by those of the
training fold. Its alpha is ours times 32 / 1437.6, which makes both equal in the 44
batches of 32 rows, but for the fold's rows being 1437 or 1438; the last batch of an epoch
has 29 or 30 rows, and there it penalises a tenth more.
"""

from __future__ import annotations

import argparse
import time
import warnings
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from joblib import parallel_config
from measure import Spread, Target, format_seconds, print_environment, write_json
from pinning import pin
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPClassifier

from skdigitnet import BackpropMLPClassifier

N_JOBS = 2
BATCH = 32
FOLD_ROWS = 1797 * 4 / 5
HIDDEN = [(25,), (50,), (100,)]
RATES = [0.05, 0.2]
ALPHAS = np.array([0.0, 0.01, 0.1, 1.0])
GOAL = 15
TOLERANCE = 1e-6


@dataclass(frozen=True)
class Search:
    """One search: its estimator, joblib's backend, and the factor of its alphas."""

    name: str
    estimator: type
    backend: str
    alpha_factor: float = 1.0

    def run(self, epochs: int) -> tuple[float, GridSearchCV]:
        """The fitted search and the seconds that it took."""
        grid = {
            "hidden_layer_sizes": HIDDEN,
            "learning_rate_init": RATES,
            "alpha": list(ALPHAS * self.alpha_factor),
        }
        estimator = self.estimator(
            activation="logistic",
            solver="sgd",
            batch_size=BATCH,
            max_iter=epochs,
            tol=0.0,
            n_iter_no_change=epochs,
            random_state=0,
        )
        search = GridSearchCV(estimator, grid, cv=5, n_jobs=N_JOBS)
        X, y = load_digits(return_X_y=True)
        with parallel_config(backend=self.backend):
            start = time.perf_counter()
            search.fit(X / 16, y)
            return time.perf_counter() - start, search


OURS_PROCESSES = Search("ours, processes", BackpropMLPClassifier, "loky")
OURS_THREADS = Search("ours, threads", BackpropMLPClassifier, "threading")
THEIRS = Search("MLPClassifier, processes", MLPClassifier, "loky", BATCH / FOLD_ROWS)


def run_searches(
    epochs: int, repeats: int
) -> tuple[dict[str, list[float]], dict[str, GridSearchCV]]:
    """Seconds of every repeat and the last fitted search, by the search's name."""
    seconds: dict[str, list[float]] = {}
    fitted = {}
    for _ in range(repeats):
        for search in (OURS_PROCESSES, THEIRS, OURS_THREADS):
            took, fitted[search.name] = search.run(epochs)
            seconds.setdefault(search.name, []).append(took)
    return seconds, fitted


def ratios_of(seconds: dict[str, list[float]]) -> dict[str, Spread]:
    """Theirs divided by ours, search by search."""
    theirs = seconds[THEIRS.name]
    return {
        ours.name: Spread.of_ratios(list(zip(seconds[ours.name], theirs, strict=True)))
        for ours in (OURS_PROCESSES, OURS_THREADS)
    }


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


def start_workers() -> float:
    """Seconds until the worker processes have run a search of one epoch."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return OURS_PROCESSES.run(1)[0]


def print_scores(scores: dict) -> None:
    best = ", ".join(f"{name}={value}" for name, value in scores["best_candidate"].items())
    which = "the same" if scores["same_best_candidate"] else "another"
    print(
        f"best candidate of ours: {best}; MLPClassifier's is {which}\n"
        f"best score: {scores['best_score']:.6f}, {scores['their_best_score']:.6f}\n"
        "largest difference of a fold's score: alpha = 0 (the same objective)"
        f" {scores['largest_difference_same_objective']:.1e};"
        f" elsewhere {scores['largest_difference_elsewhere']:.1e},"
        f" {scores['scores_that_differ_elsewhere']} of {scores['scores_elsewhere']} differ"
    )


def targets_of(ratios: dict[str, Spread], scores: dict) -> list[Target]:
    apart = scores["largest_difference_same_objective"]
    return [
        *(
            Target(f"study, {name}: MLPClassifier's time divided by ours", GOAL, ratio.median)
            for name, ratio in ratios.items()
        ),
        Target("study: scores apart, same objective", TOLERANCE, apart, at_most=True),
        Target("study: the same best candidate", 1, scores["same_best_candidate"]),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=3, metavar="N")
    parser.add_argument("--quick", action="store_true", help="two epochs, once")
    parser.add_argument("--json", type=Path, metavar="FILE")
    arguments = parser.parse_args()
    # one BLAS thread for each of the two jobs, as joblib gives its processes
    pin(1, n_cores=N_JOBS)
    warnings.simplefilter("ignore")
    epochs, repeats = (2, 1) if arguments.quick else (50, arguments.repeats)
    print_environment()
    startup = start_workers()
    print(f"starting the processes, with a search of one epoch: {format_seconds(startup)}")
    seconds, fitted = run_searches(epochs, repeats)
    for name, times in seconds.items():
        print(f"{name:26}{format_seconds(Spread.of(times).median):>9}")
    ratios = ratios_of(seconds)
    for name, ratio in ratios.items():
        print(f"ratio, {name}: {ratio}, target {GOAL}")
    scores = compare_scores(fitted[OURS_PROCESSES.name], fitted[THEIRS.name])
    print_scores(scores)
    results = {
        "seconds": seconds,
        "startup_seconds": startup,
        "ratios": {name: asdict(ratio) for name, ratio in ratios.items()},
        "scores": scores,
    }
    write_json(arguments.json, results, targets_of(ratios, scores))


if __name__ == "__main__":
    main()
