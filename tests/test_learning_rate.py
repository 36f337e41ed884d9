"""learning_rate="linear": a fall to zero over max_iter epochs."""

import numpy as np
import pytest

from skdigitnet import BackpropMLPClassifier

RNG = np.random.default_rng(0)
X, y = RNG.random((60, 5)), RNG.integers(0, 3, 60)
RATE, N_EPOCHS = 0.3, 4
SOLVERS = {
    "plain": {"solver": "sgd", "momentum": 0},
    "nesterov": {"solver": "sgd"},
    "adam": {"solver": "adam"},
}

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def make(**parameters):
    return BackpropMLPClassifier(
        (6,), batch_size=7, max_iter=N_EPOCHS, tol=0, random_state=0,
        learning_rate_init=RATE, **{"learning_rate": "linear", **parameters},
    )  # fmt: skip


def assert_same_bits(one, other):
    assert one.loss_curve_ == other.loss_curve_
    for part, other_part in zip(one.coefs_, other.coefs_, strict=True):
        np.testing.assert_array_equal(part, other_part)


@pytest.mark.parametrize("solver", SOLVERS.values(), ids=SOLVERS)
def test_falls_by_the_same_step_every_epoch(solver):
    by_hand = make(learning_rate="constant", **solver)
    for epoch in range(N_EPOCHS):
        by_hand.set_params(learning_rate_init=RATE * (1 - epoch / N_EPOCHS))
        by_hand.partial_fit(X, y, classes=[0, 1, 2])
    assert_same_bits(make(**solver).fit(X, y), by_hand)


@pytest.mark.parametrize("solver", SOLVERS.values(), ids=SOLVERS)
def test_partial_fit_goes_through_the_same_schedule(solver):
    by_epochs = make(**solver)
    for _ in range(N_EPOCHS):
        by_epochs.partial_fit(X, y, classes=[0, 1, 2])
    assert_same_bits(make(**solver).fit(X, y), by_epochs)


@pytest.mark.parametrize("solver", SOLVERS.values(), ids=SOLVERS)
def test_starts_again_with_the_next_fit(solver):
    warm = make(warm_start=True, **solver).fit(X, y).fit(X, y)
    by_epochs = make(**solver)
    for _ in range(2 * N_EPOCHS):
        by_epochs.partial_fit(X, y, classes=[0, 1, 2])
    assert_same_bits(warm, by_epochs)


def test_first_epoch_has_the_whole_rate():
    linear, constant = (
        make(learning_rate=schedule).partial_fit(X, y, classes=[0, 1, 2])
        for schedule in ("linear", "constant")
    )
    assert_same_bits(linear, constant)
