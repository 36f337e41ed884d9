"""What "auto" stands for: the batch size and the step of SGD and Adam."""

from __future__ import annotations

from skdigitnet._problem.network import Network

# By solver and activation of the hidden layers, chosen on the half "choose" of
# tests/benchmarks/defaults.py.
LEARNING_RATES = {
    "sgd": {"logistic": 0.5, "tanh": 0.06, "relu": 0.02, "identity": 0.005},
    "adam": {"logistic": 0.02, "tanh": 0.01, "relu": 0.005, "identity": 0.005},
}
# With identity outputs the gradient has no bound.
MAX_UNBOUNDED_RATE = 0.02
MIN_BATCH_SIZE = 50
MAX_BATCH_SIZE = 200
BATCHES_PER_EPOCH = 50


def auto_batch_size(n_rows: int) -> int:
    """Rows in a mini-batch: a fiftieth of all rows, between 50 and 200.

    Small data sets need small batches, or an epoch makes too few updates; large ones make
    enough, and large batches are faster.
    """
    return min(max(n_rows // BATCHES_PER_EPOCH, MIN_BATCH_SIZE), MAX_BATCH_SIZE)


def auto_learning_rate(solver: str, network: Network) -> float:
    """The learning rate for a network with these hidden units and outputs."""
    rate = LEARNING_RATES[solver][network.activation]
    if network.out_activation == "identity":
        rate = min(rate, MAX_UNBOUNDED_RATE)
    return rate
