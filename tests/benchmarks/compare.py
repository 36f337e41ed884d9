"""How long whole fits take, ours and MLPClassifier's, in one run on one thread.

    python tests/benchmarks/compare.py --list
    python tests/benchmarks/compare.py --config targets
    python tests/benchmarks/compare.py --config "digits-adam-*" lbfgs --repeats 9
    SKDIGITNET_MNIST=folder python tests/benchmarks/compare.py --config readme

Both estimators get the same data, the same random_state, the same number of epochs or
iterations and the same objective, so they come to the same loss: it is printed for both,
and with it both accuracies on the training rows. The two take turns; the ratio is
MLPClassifier's time divided by ours, of neighbouring fits, so that a machine that is busy
for a while slows down both. Nothing here passes or fails on time.

The configurations on MNIST need the four original files (``train-images-idx3-ubyte.gz``
and so on) in the folder that the environment variable SKDIGITNET_MNIST names, and are
skipped without it.
"""

from __future__ import annotations

import os

# read by the linear algebra libraries when NumPy is imported
os.environ["OMP_NUM_THREADS"] = "1"
os.environ["OPENBLAS_NUM_THREADS"] = "1"
os.environ["MKL_NUM_THREADS"] = "1"
os.environ["BLIS_NUM_THREADS"] = "1"
os.environ["VECLIB_MAXIMUM_THREADS"] = "1"

import argparse
import gzip
import json
import math
import platform
import statistics
import time
import warnings
from dataclasses import asdict, dataclass, field, replace
from fnmatch import fnmatchcase
from functools import cache
from itertools import product
from pathlib import Path

import numpy as np
import sklearn
from sklearn.datasets import load_digits
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_info

import skdigitnet
from skdigitnet import BackpropMLPClassifier

ALPHA = 1e-4
DATA_SHAPES = {"digits": (1797, 64), "mnist5k": (5000, 784)}
LOSS_TOLERANCE = {"float32": 1e-3, "float64": 1e-4}

SOLVERS = {
    "sgd": {"solver": "sgd", "momentum": 0.0, "learning_rate_init": 0.1},
    "nesterov": {"solver": "sgd", "momentum": 0.9, "learning_rate_init": 0.02},
    "adam": {"solver": "adam", "learning_rate_init": 0.001},
    "lbfgs": {"solver": "lbfgs"},
}


@dataclass(frozen=True)
class Config:
    """One line of the comparison.

    Attributes
    ----------
    name : str
    data : {"digits", "mnist", "mnist5k"}
        load_digits / 16 in float64; all, or the first 5,000, training images of MNIST
        / 255 in float32.
    solver : key of SOLVERS
    hidden : int
        Units of the hidden layer.
    batch : int or None
        Rows in a mini-batch; None for L-BFGS.
    max_iter : int
        Epochs or iterations.
    target : float
        The ratio that we mean to reach.
    predict : bool
        Whether it is ``predict`` that is timed, on MNIST's test images, not ``fit``.
    """

    name: str
    data: str
    solver: str
    hidden: int
    batch: int | None
    max_iter: int
    target: float = 0.95
    predict: bool = False


def grid_config(data: str, solver: str, hidden: int, batch: int | None) -> Config:
    """A configuration of the grid, with epochs for about a second of MLPClassifier."""
    name = f"{data}-{solver}-{hidden}"
    if batch is None:
        # many more, and the line searches of the two part in the last bits of float32
        return Config(name, data, solver, hidden, None, 20)
    n_rows, n_features = DATA_SHAPES[data]
    n_weights = (n_features + 10) * hidden
    # rough: calls from Python, updates of the weights, and the matrix products
    batch_seconds = 1.5e-4 + 4e-9 * n_weights + 1.5e-10 * batch * n_weights
    max_iter = min(max(round(batch / n_rows / batch_seconds), 2), 50)
    return Config(f"{name}-{batch}", data, solver, hidden, batch, max_iter)


GRID = [
    grid_config(*values)
    for values in (
        *product(DATA_SHAPES, ("sgd", "nesterov", "adam"), (30, 100, 500), (10, 32, 200)),
        *product(DATA_SHAPES, ("lbfgs",), (30, 100, 500), (None,)),
    )
]
CONFIGS = {
    config.name: config
    for config in (
        Config("mnist-30-10", "mnist", "sgd", 30, 10, 10, target=10),
        Config("digits-30-10", "digits", "sgd", 30, 10, 50, target=15),
        Config("digits-30-32", "digits", "sgd", 30, 32, 50, target=8),
        Config("mnist-100-200", "mnist", "nesterov", 100, 200, 10),
        Config("predict-100", "mnist", "sgd", 100, 200, 1, predict=True),
        *GRID,
    )
}
SETS = {
    "targets": ["mnist-30-10", "digits-30-10", "digits-30-32"],
    "readme": [
        "mnist-30-10",
        "mnist-100-200",
        "digits-30-10",
        "digits-30-32",
        "digits-nesterov-100-200",
        "digits-adam-100-200",
        "digits-lbfgs-100",
        "mnist5k-lbfgs-100",
        "predict-100",
    ],
    "grid": [config.name for config in GRID],
    "lbfgs": [config.name for config in GRID if config.solver == "lbfgs"],
    "quick": [
        "digits-30-10",
        "digits-30-32",
        "digits-nesterov-100-200",
        "digits-adam-30-32",
        "digits-lbfgs-30",
        "mnist5k-sgd-30-10",
        "predict-100",
    ],
    "all": list(CONFIGS),
}


@dataclass
class Result:
    """What one configuration gave; pairs are (ours, MLPClassifier's)."""

    config: Config
    losses: tuple[float, float]
    accuracies: tuple[float, float]
    n_iter: tuple[int, int]
    seconds: list[tuple[float, float]] = field(default_factory=list)

    @property
    def ratios(self) -> list[float]:
        return [theirs / ours for ours, theirs in self.seconds]

    @property
    def median_seconds(self) -> tuple[float, float]:
        ours, theirs = zip(*self.seconds, strict=True)
        return statistics.median(ours), statistics.median(theirs)

    @property
    def losses_agree(self) -> bool:
        tolerance = LOSS_TOLERANCE["float64" if self.config.data == "digits" else "float32"]
        return math.isclose(*self.losses, rel_tol=tolerance) and len(set(self.n_iter)) == 1

    def line(self) -> str:
        ours, theirs = (format_seconds(seconds) for seconds in self.median_seconds)
        spread = f"({min(self.ratios):.2f}-{max(self.ratios):.2f})"
        return COLUMNS.format(
            name=self.config.name,
            ours=ours,
            theirs=theirs,
            ratio=f"{statistics.median(self.ratios):.2f} {spread}",
            losses="{:.7f} {:.7f}".format(*self.losses),
            accuracies="{:.4f} {:.4f}".format(*self.accuracies),
            epochs=self.config.max_iter,
            target=f"{self.config.target:g}",
            remark="" if self.losses_agree else "losses differ",
        )

    def as_dict(self) -> dict:
        return {
            **asdict(self.config),
            "seconds": self.seconds,
            "ratio": statistics.median(self.ratios),
            "losses": self.losses,
            "accuracies": self.accuracies,
            "n_iter": self.n_iter,
        }


COLUMNS = (
    "{name:24} {ours:>8} {theirs:>8}  {ratio:20} {losses:>20} {accuracies:>14} {epochs:>6}"
    " {target:>6}  {remark}"
)
HEADER = COLUMNS.format(
    name="whole fits",
    ours="ours",
    theirs="sklearn",
    ratio="ratio (min-max)",
    losses="losses: ours sklearn",
    accuracies="train accuracy",
    epochs="epochs",
    target="target",
    remark="",
)


def format_seconds(seconds: float) -> str:
    if seconds < 1e-2:
        return f"{seconds * 1e3:.2f} ms"
    return f"{seconds * 1e3:.0f} ms" if seconds < 1 else f"{seconds:.2f} s"


def mnist_folder() -> Path | None:
    folder = os.environ.get("SKDIGITNET_MNIST")
    return Path(folder) if folder else None


def read_idx(path: Path) -> np.ndarray:
    """The array in a gzipped IDX file of bytes."""
    content = gzip.decompress(path.read_bytes())
    shape = np.frombuffer(content, dtype=">i4", count=content[3], offset=4)
    return np.frombuffer(content, dtype=np.uint8, offset=4 + 4 * len(shape)).reshape(shape)


@cache
def mnist(part: str) -> tuple[np.ndarray, np.ndarray]:
    images = read_idx(mnist_folder() / f"{part}-images-idx3-ubyte.gz")
    labels = read_idx(mnist_folder() / f"{part}-labels-idx1-ubyte.gz")
    X = images.reshape(len(images), -1) / np.float32(255)
    return X, labels.astype(int)


@cache
def load(data: str) -> tuple[np.ndarray, np.ndarray]:
    if data == "digits":
        X, y = load_digits(return_X_y=True)
        return X / 16, y
    X, y = mnist("train")
    return (X, y) if data == "mnist" else (X[:5000].copy(), y[:5000])


def estimators(config: Config, n_rows: int) -> tuple[BackpropMLPClassifier, MLPClassifier]:
    """Ours and MLPClassifier with one objective and a fixed number of epochs."""
    parameters = {
        "hidden_layer_sizes": (config.hidden,),
        "activation": "logistic",
        "max_iter": config.max_iter,
        "tol": 0.0,
        "n_iter_no_change": np.inf,
        "random_state": 0,
        **SOLVERS[config.solver],
    }
    ours = BackpropMLPClassifier(alpha=ALPHA, **parameters)
    theirs = MLPClassifier(alpha=ALPHA, **parameters)
    if config.batch is not None:
        # MLPClassifier divides the penalty by the rows of the batch, we by those of X
        theirs.set_params(batch_size=config.batch, alpha=ALPHA * config.batch / n_rows)
        ours.set_params(batch_size=config.batch)
    return ours, theirs


def seconds_of(function) -> float:
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def compare(config: Config, repeats: int) -> Result:
    """Time both, in turn, after one fit of each that does not count."""
    X, y = load(config.data)
    pair = estimators(config, len(X))
    for estimator in pair:
        estimator.set_params(max_iter=1).fit(X, y)
        estimator.set_params(max_iter=config.max_iter)
    X_test = mnist("t10k")[0] if config.predict else None

    def work(estimator):
        return estimator.predict(X_test) if config.predict else estimator.fit(X, y)

    seconds = []
    for repeat in range(repeats):
        both = [0.0, 0.0]
        for i in (0, 1) if repeat % 2 == 0 else (1, 0):
            both[i] = seconds_of(lambda i=i: work(pair[i]))
        seconds.append(tuple(both))
    return Result(
        config,
        losses=tuple(float(estimator.loss_) for estimator in pair),
        accuracies=tuple(float(np.mean(estimator.predict(X) == y)) for estimator in pair),
        n_iter=tuple(int(estimator.n_iter_) for estimator in pair),
        seconds=seconds,
    )


def select(names: list[str]) -> list[Config]:
    """Configurations by name, by pattern or by set, each once.

    Raises
    ------
    SystemExit
        If a name stands for nothing.
    """
    selected: dict[str, Config] = {}
    for name in names:
        matches = SETS.get(name) or [known for known in CONFIGS if fnmatchcase(known, name)]
        if not matches:
            raise SystemExit(f"No configuration is named {name!r}; --list names them.")
        selected.update((match, CONFIGS[match]) for match in matches)
    return list(selected.values())


def without_mnist(configs: list[Config]) -> list[Config]:
    """Those that can run here; say which cannot."""
    if mnist_folder() is not None:
        return configs
    skipped = [config.name for config in configs if config.data != "digits"]
    if skipped:
        print(f"Skipped, since SKDIGITNET_MNIST is not set: {', '.join(skipped)}")
    return [config for config in configs if config.data == "digits"]


def environment() -> dict[str, str]:
    threads = {f"{info['internal_api']} {info['num_threads']}" for info in threadpool_info()}
    return {
        "skdigitnet": skdigitnet.__version__,
        "scikit-learn": sklearn.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
        "machine": platform.machine(),
        "threads": ", ".join(sorted(threads)),
    }


def print_list() -> None:
    for config in CONFIGS.values():
        sets = [name for name, members in SETS.items() if config.name in members]
        what = "predict" if config.predict else f"{config.max_iter} epochs"
        print(f"{config.name:26}{what:12}target {config.target:<6g}in {', '.join(sets)}")


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--list", action="store_true", help="name the configurations and end")
    parser.add_argument(
        "--config",
        nargs="+",
        metavar="NAME",
        help=f"names, patterns such as 'digits-adam-*', or sets ({', '.join(SETS)})",
    )
    parser.add_argument("--readme", action="store_true", help="the same as --config readme")
    parser.add_argument(
        "--quick",
        action="store_true",
        help="two epochs, once: a few seconds to see that it runs; the figures mean little",
    )
    parser.add_argument("--repeats", type=int, default=5, metavar="N")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there too")
    return parser.parse_args()


def main() -> None:
    arguments = parse_arguments()
    if arguments.list:
        print_list()
        return
    default = "quick" if arguments.quick else "targets"
    names = ["readme"] if arguments.readme else arguments.config or [default]
    configs, repeats = without_mnist(select(names)), arguments.repeats
    if arguments.quick:
        configs, repeats = [replace(config, max_iter=2) for config in configs], 1
    where = environment()
    print(", ".join(f"{name} {value}" for name, value in where.items()))
    print(HEADER)
    results = []
    with warnings.catch_warnings():
        # every fit ends at max_iter, and both say so
        warnings.simplefilter("ignore")
        for config in configs:
            results.append(compare(config, repeats))
            print(results[-1].line(), flush=True)
    if arguments.json is not None:
        report = {"environment": where, "results": [result.as_dict() for result in results]}
        arguments.json.write_text(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
