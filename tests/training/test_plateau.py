"""Networks that have learned nothing: training continues, or warns."""

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_iris, load_wine, make_circles
from sklearn.exceptions import ConvergenceWarning

from skdigitnet import BackpropMLPClassifier
from skdigitnet._problem.network import Network
from skdigitnet._problem.objective import Objective
from skdigitnet._problem.samples import Samples
from skdigitnet._training.plateau import Plateau
from skdigitnet._training.state import Curve, TrainingState

NOTHING_LEARNED = "predicts no better than a constant"


def circles():
    return make_circles(500, noise=0.05, factor=0.5, random_state=0)


def xor():
    X = np.random.RandomState(0).standard_normal((500, 2))
    return X, (X[:, 0] * X[:, 1] > 0).astype(int)


def parity():
    X = np.random.RandomState(0).randint(0, 2, (320, 4)).astype(float)
    return 2 * X - 1, X.sum(axis=1) % 2


@pytest.mark.parametrize("data", [circles, xor, parity])
@pytest.mark.parametrize("solver", ["sgd", "adam", "lbfgs"])
def test_defaults_learn_what_a_line_cannot_separate(solver, data):
    X, y = data()
    with warnings.catch_warnings():
        warnings.filterwarnings("error", NOTHING_LEARNED)
        warnings.filterwarnings("ignore", ".*max_iter")
        clf = BackpropMLPClassifier(solver=solver, random_state=0).fit(X, y)
    assert clf.score(X, y) > 0.95


def test_lbfgs_leaves_the_plateau_that_it_begins_on():
    X, y = parity()
    clf = BackpropMLPClassifier(solver="lbfgs", weight_init="sklearn", random_state=0)
    assert clf.fit(X, y).score(X, y) == 1


def test_patience_on_the_plateau_is_ten_times_as_long():
    X, y = xor()
    common = {"learning_rate_init": 1e-9, "n_iter_no_change": 3, "random_state": 0}
    with pytest.warns(ConvergenceWarning, match=NOTHING_LEARNED):
        # one epoch sets the loss, and the one after the last that is let pass ends training
        assert BackpropMLPClassifier(**common).fit(X, y).n_iter_ == 1 + 10 * 3 + 1


@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("solver", ["sgd", "adam"])
def test_unscaled_features_are_named(solver, early_stopping):
    X, y = load_wine(return_X_y=True, as_frame=True)
    clf = BackpropMLPClassifier(
        solver=solver, learning_rate_init=1e-9, early_stopping=early_stopping, random_state=0
    )
    with pytest.warns(ConvergenceWarning, match=f"{NOTHING_LEARNED}.*'proline'.*Scale X"):
        clf.fit(X, y)
    with pytest.warns(ConvergenceWarning, match=f"{NOTHING_LEARNED}.*column 12"):
        clf.fit(X.to_numpy(), y)


def test_tiny_features_are_named():
    X, y = load_iris(return_X_y=True)
    with pytest.warns(ConvergenceWarning, match=f"{NOTHING_LEARNED}.*even column 0"):
        BackpropMLPClassifier(random_state=0).fit(1e-9 * X, y)


def test_scaled_features_are_not_blamed():
    rng = np.random.RandomState(0)
    X, y = (
        pd.DataFrame(rng.standard_normal((200, 3)), columns=list("abc")),
        rng.randint(2, size=200),
    )
    clf = BackpropMLPClassifier(learning_rate_init=1e-9, random_state=0)
    with pytest.warns(ConvergenceWarning, match=f"{NOTHING_LEARNED}.*smaller batch_size"):
        clf.fit(X, y)


def test_losses_seen_with_dropout_prove_nothing():
    X, y = xor()
    network = Network((2, 3, 1), "tanh", "logistic")
    samples = Samples(X, y.astype(np.uint8).reshape(-1, 1), np.ones(len(y)))
    objective = Objective(network, "log_loss", 0.0, samples, np.arange(len(y)))
    plateau = Plateau(objective, np.log(2))
    # of weights that give every row 1/2, after an epoch of far better networks
    state = TrainingState(np.zeros(network.n_params), Curve([0.1], 0.1, 0.1))
    assert plateau.warning(state, None) is None
    state.epoch.dropout_key = 1
    assert NOTHING_LEARNED in plateau.warning(state, None)


def test_a_sample_of_the_rows_proves_only_that_the_plateau_is_left():
    """A thousand rows are looked at; where they prove nothing, all of them are."""
    X = np.repeat([[-1.0], [1.0]], 1500, axis=0)
    y = (X > 0).astype(np.uint8)
    network = Network((1, 1), "tanh", "logistic")

    def warning(slope, targets):
        samples = Samples(X, targets, np.ones(len(X)))
        objective = Objective(network, "log_loss", 0.0, samples, np.arange(len(X)))
        # the last epoch's loss, seen before the weights came to where they are, is high
        state = TrainingState(np.array([slope, 0.0]), Curve([0.7], 0.7, 0.7))
        return Plateau(objective, np.log(2)).warning(state, None)

    assert warning(5.0, y) is None
    assert "loss on the training rows is 0.693" in warning(0.0, y)
    # wrong for a fifth of the sample, which is every third row, and for a fifteenth of all
    y[::15] = 1 - y[::15]
    assert warning(5.0, y) is None


@pytest.mark.parametrize("solver", ["sgd", "adam"])
def test_training_without_a_stopping_rule_is_told_too(solver):
    X, y = xor()
    clf = BackpropMLPClassifier(
        solver=solver, learning_rate_init=1e-9, n_iter_no_change=np.inf, max_iter=3
    )
    with pytest.warns(ConvergenceWarning, match=NOTHING_LEARNED):
        clf.fit(X, y)


def test_partial_fit_says_nothing():
    X, y = xor()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        BackpropMLPClassifier(learning_rate_init=1e-9).partial_fit(X, y, classes=[0, 1])


def test_divergence_that_every_number_survives_is_told():
    X, y = load_iris(return_X_y=True)
    clf = BackpropMLPClassifier(
        activation="tanh", loss="squared_error", learning_rate_init=1e6, random_state=0
    )
    with pytest.raises((ValueError, ConvergenceWarning), match=f"diverged|{NOTHING_LEARNED}"):
        clf.fit(X, y)
