"""PyTorch on the CPU, eager: the ordinary training loop, as fast as it is plainly written.

Of what was tried, fused optimisers and batches gathered by index were the fastest: a
DataLoader, or one gather of all rows at the start of an epoch, is slower.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch
from problem import Problem, Weights
from torch import nn


class TorchNetwork(nn.Sequential):
    """One hidden layer; the outputs are before the softmax."""

    def __init__(self, coefs, intercepts, activation=nn.Sigmoid):
        hidden, output = (nn.Linear(*coef.shape) for coef in coefs)
        super().__init__(hidden, activation(), output)
        with torch.no_grad():
            for layer, coef, intercept in zip((hidden, output), coefs, intercepts, strict=True):
                layer.weight = nn.Parameter(torch.tensor(coef.T))
                layer.bias = nn.Parameter(torch.tensor(intercept))

    def numpy_weights(self) -> Weights:
        layers = [layer for layer in self if isinstance(layer, nn.Linear)]
        coefs = [layer.weight.detach().numpy().T for layer in layers]
        return coefs, [layer.bias.detach().numpy() for layer in layers]


def optimiser_parameters(solver: dict) -> tuple[type, dict]:
    """torch's optimiser with its parameters, for scikit-learn's."""
    rate = solver["learning_rate_init"]
    if solver["solver"] == "adam":
        return torch.optim.Adam, {"lr": rate, "fused": True}
    momentum = solver.get("momentum", 0.9)
    nesterov = momentum > 0 and solver.get("nesterovs_momentum", True)
    return torch.optim.SGD, {
        "lr": rate,
        "momentum": momentum,
        "nesterov": nesterov,
        "fused": True,
    }


def make_optimiser(network: nn.Module, solver: dict, decay: float) -> torch.optim.Optimizer:
    """The penalty is on the coefs alone: torch adds ``decay`` times them to the gradient."""
    kind, parameters = optimiser_parameters(solver)
    named = list(network.named_parameters())
    groups = [
        {"params": [p for name, p in named if name.endswith("weight")], "weight_decay": decay},
        {"params": [p for name, p in named if name.endswith("bias")], "weight_decay": 0.0},
    ]
    return kind(groups, **parameters)


def train(
    network: nn.Module,
    optimiser: torch.optim.Optimizer,
    X: torch.Tensor,
    y: torch.Tensor,
    epoch_orders: Iterable[np.ndarray],
    batch_size: int,
    schedule: torch.optim.lr_scheduler.LRScheduler | None = None,
) -> None:
    """One pass over the rows for every order, and one step of the schedule after it."""
    loss = nn.CrossEntropyLoss()
    for order in epoch_orders:
        for batch in torch.from_numpy(order).split(batch_size):
            optimiser.zero_grad()
            loss(network(X[batch]), y[batch]).backward()
            optimiser.step()
        if schedule is not None:
            schedule.step()


class TorchPeer:
    compile_seconds = None
    same_order = True
    solvers = ("sgd", "adam")

    def __init__(self, problem: Problem):
        torch.set_num_threads(problem.n_threads)
        self.problem = problem
        self.X, self.y = torch.from_numpy(problem.X), torch.from_numpy(problem.y)

    def fit(self, max_iter: int) -> None:
        weights, orders = self.problem.draws()
        self.network = TorchNetwork(*weights)
        optimiser = make_optimiser(self.network, self.problem.solver, self.problem.decay)
        epoch_orders = (next(orders) for _ in range(max_iter))
        train(self.network, optimiser, self.X, self.y, epoch_orders, self.problem.batch)

    def predict(self, X: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            return self.network(torch.from_numpy(X)).argmax(dim=1).numpy()

    def weights(self) -> Weights:
        return self.network.numpy_weights()
