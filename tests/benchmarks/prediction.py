"""How long predict_proba takes: ours, MLPClassifier's and ONNX Runtime's, by number of rows.

    python tests/benchmarks/prediction.py
    python tests/benchmarks/prediction.py --repeats 31 --json FILE

The networks are those of digits (64-30-10) and MNIST (784-100-10, 784-500-10), of logistic
units with softmax outputs, in float64 and float32. All three have the same weights; the graph
of ONNX Runtime is what skdigitnet.onnx exports. Rows are uniform random numbers. The three
take turns on one thread, each turn several calls; a time is the median of the turns' and a
ratio the other's time divided by ours, of neighbouring turns.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Callable
from dataclasses import asdict
from importlib.util import find_spec
from itertools import product
from pathlib import Path

import numpy as np
from measure import Spread, Target, format_seconds, print_environment, seconds_of, write_json
from pinning import pin
from sklearn.neural_network import MLPClassifier

from skdigitnet import BackpropMLPClassifier

NETWORKS = ((64, 30), (784, 100), (784, 500))
N_CLASSES = 10
ROWS = (1, 10, 100, 1000, 10_000)
GOALS = {"sklearn": {1: 10, 10_000: 2}}  # by rows; otherwise:
AHEAD = 1
TURN_SECONDS = 0.005  # about
TOLERANCE = {np.float64: 1e-12, np.float32: 1e-5}


def predictors(n_features: int, hidden: int, dtype) -> dict[str, Callable]:
    """What gives the probabilities of rows, by name, ours first."""
    rng = np.random.default_rng(0)
    X = rng.random((20 * N_CLASSES, n_features), dtype=dtype)
    y = np.arange(len(X)) % N_CLASSES
    parameters = {"activation": "logistic", "max_iter": 1, "random_state": 0}
    ours = BackpropMLPClassifier((hidden,), **parameters).fit(X, y)
    theirs = MLPClassifier((hidden,), **parameters).fit(X, y)
    theirs.coefs_, theirs.intercepts_ = ours.coefs_, ours.intercepts_
    made = {"ours": ours.predict_proba, "sklearn": theirs.predict_proba}
    if find_spec("onnxruntime") is not None and find_spec("skl2onnx") is not None:
        made["onnxruntime"] = onnx_predictor(ours, X)
    return made


def onnx_predictor(classifier, X: np.ndarray) -> Callable:
    import onnxruntime
    from skl2onnx import to_onnx

    from skdigitnet.onnx import register_converter

    register_converter()
    graph = to_onnx(classifier, X[:1], options={"zipmap": False}).SerializeToString()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(graph, options, ["CPUExecutionProvider"])
    (argument,) = session.get_inputs()
    return lambda rows: session.run(["probabilities"], {argument.name: rows})[0]


def measure(made: dict[str, Callable], X: np.ndarray, repeats: int) -> dict[str, list[float]]:
    """Seconds of a call, of every turn."""
    expected = made["sklearn"](X)
    for predict in made.values():
        atol = TOLERANCE[X.dtype.type]
        np.testing.assert_allclose(predict(X), expected, rtol=0, atol=atol)
    calls = {
        name: max(1, round(TURN_SECONDS / seconds_of(lambda predict=predict: predict(X))))
        for name, predict in made.items()
    }
    seconds: dict[str, list[float]] = {name: [] for name in made}
    for _ in range(repeats):
        for name, predict in made.items():
            turn = seconds_of(
                lambda name=name, predict=predict: repeat(predict, X, calls[name])
            )
            seconds[name].append(turn / calls[name])
    return seconds


def repeat(predict: Callable, X: np.ndarray, n_calls: int) -> None:
    for _ in range(n_calls):
        predict(X)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=15, metavar="N")
    parser.add_argument("--rows", type=int, nargs="+", default=ROWS, metavar="N")
    parser.add_argument("--json", type=Path, metavar="FILE")
    arguments = parser.parse_args()
    pin(1)
    warnings.simplefilter("ignore")
    print_environment()
    results, targets = [], []
    for (n_features, hidden), dtype in product(NETWORKS, (np.float64, np.float32)):
        made = predictors(n_features, hidden, dtype)
        network = f"{n_features}-{hidden}-{N_CLASSES} {np.dtype(dtype)}"
        for n_rows in arguments.rows:
            X = np.random.default_rng(1).random((n_rows, n_features), dtype=dtype)
            seconds = measure(made, X, arguments.repeats)
            line = f"{network:21}{n_rows:>6} rows  ours"
            line += f"{format_seconds(Spread.of(seconds['ours']).median):>9}"
            for name in list(made)[1:]:
                pairs = list(zip(seconds["ours"], seconds[name], strict=True))
                ratio, goal = Spread.of_ratios(pairs), GOALS.get(name, {}).get(n_rows, AHEAD)
                median = format_seconds(Spread.of(seconds[name]).median)
                line += f"   {name}{median:>9}, ratio {ratio!s:21}"
                result = {"network": network, "rows": n_rows, "peer": name, "seconds": pairs}
                results.append({**result, "ratio": asdict(ratio)})
                what = f"{network}, {n_rows} rows at a time, against {name}"
                targets.append(Target(what, goal, ratio.median))
            print(line.rstrip(), flush=True)
    for target in targets:
        if not target.met:
            print(target)
    write_json(arguments.json, results, targets)


if __name__ == "__main__":
    main()
