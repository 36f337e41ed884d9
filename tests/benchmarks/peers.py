"""Ours and MLPClassifier, and the other peers by name.

A peer is made from a Problem, outside the measured time. It has

- ``fit(max_iter)``: train from the initial weights;
- ``predict(X)``: labels, after fit;
- ``weights()``: the coefs and intercepts reached;
- ``compile_seconds``: what compiling took, or None;
- ``same_order``: whether it goes through the rows in the order of the problem's draws,
  so that its weights are ours up to rounding;
- ``solvers``: those it has.
"""

from __future__ import annotations

import inspect
from importlib import import_module
from importlib.util import find_spec

import numpy as np
from problem import ALPHA, Problem, Weights
from sklearn.neural_network import MLPClassifier

from skdigitnet import BackpropMLPClassifier

# module and class by name; a peer is there if the library of its name is
PEERS = {
    "sklearn": ("peers", "ScikitLearnPeer"),
    "torch": ("peers_torch", "TorchPeer"),
    "jax": ("peers_jax", "JaxPeer"),
    "skorch": ("peers_skorch", "SkorchPeer"),
}
OURS = inspect.signature(BackpropMLPClassifier).parameters  # fewer in an older commit
HAS_N_JOBS = "n_jobs" in OURS
# the peers' initial weights
SAME_WEIGHTS = {"weight_init": "sklearn"} if "weight_init" in OURS else {}


class EstimatorPeer:
    """A scikit-learn estimator with a fixed number of epochs."""

    compile_seconds = None
    same_order = True
    solvers = ("sgd", "adam", "lbfgs")

    def __init__(self, estimator, problem: Problem):
        self.X, self.y = problem.X, problem.y
        self.estimator = estimator.set_params(
            hidden_layer_sizes=(problem.hidden,),
            activation="logistic",
            tol=0.0,
            n_iter_no_change=np.inf,
            random_state=problem.seed,
            **problem.solver,
        )

    def fit(self, max_iter: int) -> None:
        self.estimator.set_params(max_iter=max_iter).fit(self.X, self.y)

    def predict(self, X: np.ndarray) -> np.ndarray:
        return self.estimator.predict(X)

    def weights(self) -> Weights:
        return self.estimator.coefs_, self.estimator.intercepts_


class OurPeer(EstimatorPeer):
    def __init__(self, problem: Problem):
        super().__init__(BackpropMLPClassifier(alpha=ALPHA, **SAME_WEIGHTS), problem)
        if problem.batch is not None:
            self.estimator.set_params(batch_size=problem.batch)
        if HAS_N_JOBS:
            self.estimator.set_params(n_jobs=problem.n_threads)


class ScikitLearnPeer(EstimatorPeer):
    def __init__(self, problem: Problem):
        super().__init__(MLPClassifier(alpha=ALPHA), problem)
        if problem.batch is not None:
            # it divides the penalty by the rows of the batch, we by those of X
            self.estimator.set_params(
                batch_size=problem.batch, alpha=problem.decay * problem.batch
            )


def installed_peers(names: list[str]) -> dict[str, type]:
    """The classes of these peers; says which are not installed."""
    found = [name for name in names if find_spec(name) is not None]
    if missing := [name for name in names if name not in found]:
        print(f"Skipped, since not installed: {', '.join(missing)}")
    return {name: getattr(import_module(PEERS[name][0]), PEERS[name][1]) for name in found}
