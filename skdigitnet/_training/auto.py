"""What "auto" stands for: the batch size and the step of SGD and Adam."""

from __future__ import annotations

from skdigitnet._problem.network import Network

# By solver and activation of the hidden layers. SGD's for logistic units was chosen on sets of
# the half "choose" of tests/benchmarks/defaults.py, the others on twelve small data sets.
LEARNING_RATES = {
    "sgd": {"logistic": 0.2, "tanh": 0.05, "relu": 0.03, "identity": 0.005},
    "adam": {"logistic": 0.01, "tanh": 0.003, "relu": 0.003, "identity": 0.003},
}
# With identity outputs the gradient has no bound.
MAX_UNBOUNDED_RATE = 0.02
MIN_BATCH_SIZE = 64
MAX_BATCH_SIZE = 200
BATCHES_PER_EPOCH = 100


def auto_batch_size(n_rows: int) -> int:
    """Rows in a mini-batch: a hundredth of all rows, between 64 and 200.

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
