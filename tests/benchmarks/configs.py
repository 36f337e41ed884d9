"""The configurations of the comparison, by name, and sets of them.

A name is data-solver-units-batch, without the batch for L-BFGS.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from itertools import product

from data import DATA, mnist_folder

SOLVERS = {
    "sgd": {"solver": "sgd", "momentum": 0.0, "learning_rate_init": 0.1},
    "momentum": {
        "solver": "sgd",
        "momentum": 0.9,
        "nesterovs_momentum": False,
        "learning_rate_init": 0.02,
    },
    "nesterov": {"solver": "sgd", "momentum": 0.9, "learning_rate_init": 0.02},
    "adam": {"solver": "adam", "learning_rate_init": 0.001},
    "lbfgs": {"solver": "lbfgs"},
}
NETWORKS = ((30, 10), (30, 100), (100, 200), (500, 200))
GRID_SHAPES = {"digits": (1797, 64), "mnist5k": (5000, 784)}


@dataclass(frozen=True)
class Config:
    """One line of the comparison.

    Attributes
    ----------
    name : str
    data : key of DATA
    solver : key of SOLVERS
    hidden : int
        Units of the hidden layer.
    batch : int or None
        Rows in a mini-batch; None for L-BFGS.
    max_iter : int
        Epochs or iterations of a fit.
    task : {"fit", "predict", "predict_rows"}
        What is timed: fits; or predictions of MNIST's test images, all at once, or one
        row at a time.
    targets : dict
        The ratio that we mean to reach, by peer.
    like : str or None
        The configuration whose measured ratio is this one's target, if it is measured
        in the same run.
    """

    name: str
    data: str
    solver: str
    hidden: int
    batch: int | None
    max_iter: int
    task: str = "fit"
    targets: dict[str, float] = field(default_factory=dict)
    like: str | None = None

    @property
    def needs_mnist(self) -> bool:
        return self.data != "digits"


def config(data: str, solver: str, hidden: int, batch: int | None, max_iter: int, **more):
    """A Config with the name that its values give."""
    name = "-".join(str(part) for part in (data, solver, hidden, batch) if part is not None)
    return Config(name, data, solver, hidden, batch, max_iter, **more)


def mnist_configs() -> Iterable[Config]:
    plain = ((18, 2.5), (3.5, 1.5), (2.2, 1.5), (1.8, 1.3))
    for network, (sklearn, jax) in zip(NETWORKS, plain, strict=True):
        yield config("mnist", "sgd", *network, 10, targets={"sklearn": sklearn, "jax": jax})
    for network, sklearn in zip(NETWORKS, (12, 2.2, 1.4, 1.2), strict=True):
        yield config("standardised", "sgd", *network, 5, targets={"sklearn": sklearn})
    for solver in ("momentum", "nesterov", "adam"):
        for (hidden, batch), (sklearn, _) in zip(NETWORKS, plain, strict=True):
            like, targets = f"mnist-sgd-{hidden}-{batch}", {"sklearn": sklearn}
            yield config("mnist", solver, hidden, batch, 10, targets=targets, like=like)


def digits_configs() -> Iterable[Config]:
    for hidden, batch, ratio in ((30, 10, 30), (30, 32, 18), (100, 32, 9), (100, 200, 4.5)):
        yield config("digits", "sgd", hidden, batch, 50, targets={"sklearn": ratio})


def other_configs() -> Iterable[Config]:
    yield config("mnist5k64", "lbfgs", 25, None, 50, targets={"sklearn": 3})
    yield config("mnist64", "lbfgs", 100, None, 10, targets={"sklearn": 2})
    for task, ratio in (("predict", 1.5), ("predict_rows", 2)):
        name = f"{task.replace('_', '-')}-100"
        yield Config(name, "mnist", "sgd", 100, 200, 1, task, {"sklearn": ratio})


def grid_configs() -> Iterable[Config]:
    """Every solver, width and batch on little data, about a second of MLPClassifier each."""
    for data, solver, hidden, batch in product(
        GRID_SHAPES, ("sgd", "nesterov", "adam"), (30, 100, 500), (10, 32, 200)
    ):
        n_rows, n_features = GRID_SHAPES[data]
        n_weights = (n_features + 10) * hidden
        # rough: calls from Python, updates of the weights, and the matrix products
        batch_seconds = 1.5e-4 + 4e-9 * n_weights + 1.5e-10 * batch * n_weights
        max_iter = min(max(round(batch / n_rows / batch_seconds), 2), 50)
        yield config(data, solver, hidden, batch, max_iter)
    for data, hidden in product(GRID_SHAPES, (30, 100, 500)):
        # many more iterations, and the line searches part in the last bits of float32
        yield config(data, "lbfgs", hidden, None, 20)


TARGETS = [*mnist_configs(), *digits_configs(), *other_configs()]
GRID = list(grid_configs())
# a configuration with a target stands for the one of its name in the grid
CONFIGS = {config.name: config for config in (*GRID, *TARGETS)}
SETS = {
    "targets": [config.name for config in TARGETS],
    "readme": [
        "digits-sgd-30-10",
        "digits-sgd-30-32",
        "digits-nesterov-100-200",
        "digits-adam-100-200",
        "digits-lbfgs-100",
        "mnist-sgd-30-10",
        "mnist-sgd-100-200",
        "mnist5k-lbfgs-100",
        "predict-100",
        "predict-rows-100",
    ],
    "grid": [config.name for config in GRID],
    "lbfgs": [config.name for config in CONFIGS.values() if config.solver == "lbfgs"],
    "quick": [
        "digits-sgd-30-10",
        "digits-sgd-30-32",
        "digits-nesterov-100-200",
        "digits-adam-30-32",
        "digits-lbfgs-30",
        "mnist5k-sgd-30-10",
        "predict-100",
    ],
    "all": list(CONFIGS),
}
# names of before
ALIASES = {
    "mnist-30-10": "mnist-sgd-30-10",
    "mnist-100-200": "mnist-nesterov-100-200",
    "digits-30-10": "digits-sgd-30-10",
    "digits-30-32": "digits-sgd-30-32",
}


def select(names: list[str]) -> list[Config]:
    """Configurations by name, by pattern or by set, each once.

    Raises
    ------
    SystemExit
        If a name stands for nothing.
    """
    selected: dict[str, Config] = {}
    for name in (ALIASES.get(name, name) for name in names):
        matches = SETS.get(name) or [known for known in CONFIGS if fnmatchcase(known, name)]
        if not matches:
            raise SystemExit(f"No configuration is named {name!r}; --list names them.")
        selected.update((match, CONFIGS[match]) for match in matches)
    return list(selected.values())


def that_can_run(configs: list[Config]) -> list[Config]:
    """Those that can run here; says which cannot."""
    if mnist_folder() is not None:
        return configs
    skipped = [config.name for config in configs if config.needs_mnist]
    if skipped:
        print(f"Skipped, since SKDIGITNET_MNIST is not set: {', '.join(skipped)}")
    return [config for config in configs if not config.needs_mnist]


def print_list() -> None:
    for key, text in DATA.items():
        print(f"{key:16}{text}")
    for config in CONFIGS.values():
        sets = [name for name, members in SETS.items() if config.name in members]
        what = f"{config.max_iter} epochs" if config.task == "fit" else config.task
        targets = ", ".join(f"{peer} {ratio:g}" for peer, ratio in config.targets.items())
        print(f"{config.name:26}{what:14}{targets or '-':20}in {', '.join(sets)}")
