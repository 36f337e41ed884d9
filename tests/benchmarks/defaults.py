"""How good default settings are, on the many data sets of defaults_data.py.

    python tests/benchmarks/defaults.py --half choose
    python tests/benchmarks/defaults.py --set-params solver=adam,batch_size=32 --sets iris,wine
    python tests/benchmarks/defaults.py --peers --peers-json peers.json --json ours.json
    python tests/benchmarks/defaults.py --page FILE.md --json ours.json --peers-json peers.json

Every estimator gets the features scaled by StandardScaler in a Pipeline (MNIST as it is,
with pixels from 0 to 1), and is trained on one thread, with the number of the fold as its
random_state. Accuracy is over the rows held out: five stratified folds up to 2,000 rows,
three up to 10,000, and a fifth of the rows, once, for more. Times are seconds of the
processor in fit, which other programs on the machine hardly change; those of the clock are
in the JSON file. A fit has learned something if its log loss over the training rows is at
least 5 % below the entropy of the classes, the least that is had without features. A fit
that ends in an error counts as an accuracy of zero.

The peers are MLPClassifier, LogisticRegression and HistGradientBoostingClassifier with
their defaults, and RealMLP-TD if pytabkit is installed. With --peers-json what is in that
file is taken from it, for data that are still the same, and what is not is added to it.
Sets whose package, or MNIST, is not there are skipped, with a message. With --page nothing
is measured: what the two JSON files say goes into a page, between the lines that
defaults_page.py names.
"""

from __future__ import annotations

import argparse
import ast
import json
import multiprocessing
import os
import re
import time
import warnings
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from zlib import crc32

import numpy as np
from defaults_data import DATA_SETS, HALVES, load
from defaults_page import write_page
from defaults_summary import HEADER, LOGISTIC, MLP, OURS, line, summary
from measure import print_environment, write_json
from pinning import pin
from scipy.stats import entropy
from sklearn.metrics import log_loss
from sklearn.model_selection import StratifiedKFold, StratifiedShuffleSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

FOLDS = {2_000: 5, 10_000: 3}  # by the most rows
LEARNED = 0.95
BOOSTING, REAL_MLP = "HistGradientBoostingClassifier", "RealMLP-TD"
PEERS = (MLP, LOGISTIC, BOOSTING, REAL_MLP)


def make(estimator: str, seed: int, settings: dict):
    """An estimator by name; the settings are for ours, the peers have their defaults."""
    if estimator == OURS:
        from skdigitnet import BackpropMLPClassifier

        return BackpropMLPClassifier(random_state=seed).set_params(**settings)
    if estimator == MLP:
        from sklearn.neural_network import MLPClassifier

        return MLPClassifier(random_state=seed)
    if estimator == LOGISTIC:
        from sklearn.linear_model import LogisticRegression

        return LogisticRegression(random_state=seed)
    if estimator == BOOSTING:
        from sklearn.ensemble import HistGradientBoostingClassifier

        return HistGradientBoostingClassifier(random_state=seed)
    from pytabkit import RealMLP_TD_Classifier

    return RealMLP_TD_Classifier(device="cpu", random_state=seed, n_threads=1)


def splits(X: np.ndarray, y: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Training and held-out rows, as pairs."""
    for most_rows, folds in FOLDS.items():
        if len(X) <= most_rows:
            return list(StratifiedKFold(folds, shuffle=True, random_state=0).split(X, y))
    return list(StratifiedShuffleSplit(1, test_size=0.2, random_state=0).split(X, y))


def measure_fold(model, X, y, train: np.ndarray, held_out: np.ndarray) -> dict:
    """Fit a pipeline to the training rows; what it did there and on the rows held out."""
    X_train, y_train = X[train], y[train]
    found = {"accuracy": 0.0, "train_loss": None, "n_iter": None}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        clock, processor = time.perf_counter(), time.process_time()
        try:
            model.fit(X_train, y_train)
        except (ValueError, FloatingPointError) as error:
            found["error"] = f"{type(error).__name__}: {error}"
        found["seconds"] = time.process_time() - processor
        found["clock_seconds"] = time.perf_counter() - clock
        if "error" not in found:
            found["accuracy"] = float(np.mean(model.predict(X[held_out]) == y[held_out]))
            found["train_loss"] = float(log_loss(y_train, model.predict_proba(X_train)))
            n_iter = getattr(model[-1], "n_iter_", None)
            found["n_iter"] = None if n_iter is None else int(np.max(n_iter))
    constant_loss = float(entropy(np.bincount(y_train)))
    loss = found["train_loss"]
    return {
        **found,
        "constant_loss": constant_loss,
        "learned": loss is not None and loss <= LEARNED * constant_loss,
        "warnings": dict(Counter(warning.category.__name__ for warning in caught)),
    }


def fingerprint(X: np.ndarray, y: np.ndarray) -> int:
    return crc32(y.astype(np.int64).tobytes(), crc32(np.ascontiguousarray(X).tobytes()))


def measure(name: str, estimator: str, settings: dict, scaled: bool) -> dict:
    """What an estimator does on every fold of a set."""
    X, y = load(name)
    data_set = DATA_SETS[name]
    scale = scaled and data_set.group != "mnist"
    folds = []
    for seed, (train, held_out) in enumerate(splits(X, y)):
        model = make_pipeline(
            StandardScaler() if scale else None, make(estimator, seed, settings)
        )
        folds.append(measure_fold(model, X, y, train, held_out))
    return {
        **identity(name, estimator, scaled),
        "group": data_set.group,
        "half": data_set.half,
        "rows": X.shape[0],
        "features": X.shape[1],
        "classes": int(y.max()) + 1,
        "folds": folds,
    }


def identity(name: str, estimator: str, scaled: bool) -> dict:
    """What has to be the same for a result to be of the same data and peer."""
    return {
        "set": name,
        "data": fingerprint(*load(name)),
        "estimator": estimator,
        "scaled": scaled,
    }


def warm_up(estimators: list[str]) -> None:
    """Import what the estimators need before a fit is timed, in a new process."""
    X, y = load("iris")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for estimator in estimators:
            make(estimator, 0, {}).fit(X, y)


def key(result: dict) -> tuple:
    return tuple(result[name] for name in ("set", "data", "estimator", "scaled"))


def read_peers(path: Path | None) -> dict[tuple, dict]:
    if path is None or not path.exists():
        return {}
    return {key(result): result for result in json.loads(path.read_text())["results"]}


def parse_settings(text: str) -> dict:
    """Parameters from "solver=adam,hidden_layer_sizes=(100,50)"; words need no quotes."""
    settings = {}
    for part in re.split(r",(?=\s*\w+=)", text) if text else []:
        name, _, value = part.partition("=")
        try:
            settings[name.strip()] = ast.literal_eval(value)
        except (ValueError, SyntaxError):
            settings[name.strip()] = value
    return settings


def chosen_sets(names: str | None, half: str) -> list[str]:
    names_asked = names.split(",") if names else list(DATA_SETS)
    if unknown := [name for name in names_asked if name not in DATA_SETS]:
        raise SystemExit(f"No such set: {', '.join(unknown)}; --list names them all.")
    chosen = []
    missing: dict[str, list[str]] = {}
    for name in names_asked:
        if half != "both" and DATA_SETS[name].half != half:
            continue
        if needed := DATA_SETS[name].missing():
            missing.setdefault(needed, []).append(name)
        else:
            chosen.append(name)
    for needed, skipped in missing.items():
        print(f"Skipped, for want of {needed}: {', '.join(skipped)}")
    return chosen


def chosen_peers(names: list[str] | None) -> list[str]:
    """The peers asked for; all, if none is named, that are installed."""
    if names is None:
        return []
    peers = list(names or PEERS)
    if REAL_MLP in peers and find_spec("pytabkit") is None:
        print(f"{REAL_MLP} is skipped: pytabkit is not installed.")
        peers.remove(REAL_MLP)
    return peers


def run(sets: list[str], estimators: list[str], arguments: argparse.Namespace) -> list[dict]:
    """Measure what is not known yet, print a line as soon as a set is done."""
    scaled, settings = not arguments.unscaled, parse_settings(arguments.set_params)
    known = read_peers(arguments.peers_json)
    wanted = {
        name: [key(identity(name, estimator, scaled)) for estimator in estimators]
        for name in sets
    }
    pool = ProcessPoolExecutor(
        arguments.processes,
        multiprocessing.get_context("spawn"),
        initializer=partial(warm_up, estimators),
    )
    try:
        jobs = {
            which: pool.submit(measure, name, estimator, settings, scaled)
            for name in sets
            for estimator, which in zip(estimators, wanted[name], strict=True)
            if estimator == OURS or which not in known
        }
        results = []
        for name in sets:
            rows = [jobs[k].result() if k in jobs else known[k] for k in wanted[name]]
            print(line(rows), flush=True)
            results += rows
            new = {key(row): row for row in rows if row["estimator"] != OURS}
            if arguments.peers_json is not None and new.keys() - known.keys():
                known |= new
                write_json(arguments.peers_json, list(known.values()), [])
        return results
    finally:
        pool.shutdown(cancel_futures=True)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add: Callable = parser.add_argument
    add("--half", choices=[*HALVES, "both"], default="both")
    add("--sets", metavar="A,B", help="these sets only")
    add("--list", action="store_true", help="name the sets and end")
    add("--set-params", default="", metavar="NAME=VALUE,...", help=f"of {OURS}")
    add("--unscaled", action="store_true", help="the features as they are")
    add("--peers", nargs="*", choices=PEERS, metavar="PEER", help=", ".join(PEERS))
    add("--peers-only", action="store_true", help=f"without {OURS}")
    add("--peers-json", type=Path, metavar="FILE", help="what is known of the peers")
    add("--processes", type=int, default=1, metavar="N", help="each on one thread")
    add("--json", type=Path, metavar="FILE")
    add("--page", type=Path, metavar="FILE.md", help="put what --json has into it, and end")
    arguments = parser.parse_args()
    if arguments.peers_only and not arguments.peers:
        arguments.peers = list(PEERS)
    if arguments.page and not (arguments.json and arguments.peers_json):
        parser.error("--page needs --json and --peers-json")
    return arguments


def main() -> None:
    arguments = parse_arguments()
    if arguments.list:
        for s in DATA_SETS.values():
            print(f"{s.name:25} {s.group:10} {s.half:7} {s.rows:6}")
        return
    if arguments.page is not None:
        files = (arguments.json, arguments.peers_json)
        write_page(arguments.page, *(json.loads(file.read_text()) for file in files))
        return
    pin(1, n_cores=os.cpu_count())
    sets = chosen_sets(arguments.sets, arguments.half)
    peers = chosen_peers(arguments.peers)
    estimators = peers if arguments.peers_only else [OURS, *peers]
    print_environment()
    print(HEADER)
    results = run(sets, estimators, arguments)
    print(summary(results))
    write_json(
        arguments.json,
        results,
        [],
        settings=parse_settings(arguments.set_params),
        scaled=not arguments.unscaled,
    )


if __name__ == "__main__":
    main()
