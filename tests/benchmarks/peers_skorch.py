"""skorch's classifier around the same PyTorch module, with its own DataLoader."""

from __future__ import annotations

import numpy as np
import torch
from peers_torch import TorchNetwork, optimiser_parameters
from problem import Problem, Weights
from skorch import NeuralNetClassifier
from torch import nn


class SkorchPeer:
    compile_seconds = None
    same_order = False
    solvers = ("sgd", "adam")

    def __init__(self, problem: Problem):
        torch.set_num_threads(problem.n_threads)
        self.problem = problem

    def fit(self, max_iter: int) -> None:
        (coefs, intercepts), _ = self.problem.draws()
        kind, parameters = optimiser_parameters(self.problem.solver)
        self.net = NeuralNetClassifier(
            TorchNetwork,
            module__coefs=coefs,
            module__intercepts=intercepts,
            criterion=nn.CrossEntropyLoss,
            optimizer=kind,
            optimizer__param_groups=[("*.weight", {"weight_decay": self.problem.decay})],
            **{f"optimizer__{name}": value for name, value in parameters.items()},
            max_epochs=max_iter,
            batch_size=self.problem.batch,
            iterator_train__shuffle=True,
            train_split=None,
            verbose=0,
        )
        torch.manual_seed(self.problem.seed)
        self.net.fit(self.problem.X, self.problem.y)

    def predict(self, X: np.ndarray) -> np.ndarray:
        return self.net.predict(X)

    def weights(self) -> Weights:
        return self.net.module_.numpy_weights()
