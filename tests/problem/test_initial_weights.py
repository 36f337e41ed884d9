"""The initial weights: their distribution, and what networks learn from them."""

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.neural_network import MLPClassifier

from skdigitnet import BackpropMLPClassifier
from skdigitnet._problem.initial_weights import draw_weights
from skdigitnet._problem.network import Network

SIZES = (300, 200, 100, 10)


def drawn(activation, weight_init):
    network = Network(SIZES, activation, "softmax")
    theta = draw_weights(network, weight_init, np.random.RandomState(0), np.float64)
    return network.unpack(theta)


@pytest.mark.parametrize(
    ("activation", "gains"),
    [
        ("logistic", [4, 4, 1]),
        ("tanh", [2, 2, 1]),
        ("relu", [1, 1, 1]),
        ("identity", [1, 1, 1]),
    ],
)
def test_weights_fill_their_interval(activation, gains):
    coefs, _ = drawn(activation, "auto")
    for W, gain in zip(coefs, gains, strict=True):
        bound = gain * np.sqrt(6 / sum(W.shape))
        assert 0.99 * bound < np.abs(W).max() <= bound
        assert abs(W.mean()) < 0.05 * bound


def test_layers_fed_by_logistic_units_are_centred():
    coefs, intercepts = drawn("logistic", "auto")
    for W, b in zip(coefs[1:], intercepts[1:], strict=True):
        bound = np.abs(W).max()
        assert (np.abs(0.5 * W.sum(axis=0) + b) <= bound).all()
    # without that the sums are several times the bound
    assert np.abs(0.5 * coefs[1].sum(axis=0)).max() > 2 * np.abs(coefs[1]).max()


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("activation", ["logistic", "tanh", "relu", "identity"])
def test_sklearn_draws_the_weights_of_mlpclassifier(activation):
    X, y = load_digits(return_X_y=True)
    common = {
        "activation": activation, "solver": "sgd", "learning_rate_init": 1e-30, "max_iter": 1,
        "batch_size": len(X), "random_state": 3, "hidden_layer_sizes": (7, 5),
    }  # fmt: skip
    theirs = MLPClassifier(**common).fit(X, y)
    ours = BackpropMLPClassifier(weight_init="sklearn", **common).fit(X, y)
    for name in ("coefs_", "intercepts_"):
        for part, expected in zip(getattr(ours, name), getattr(theirs, name), strict=True):
            np.testing.assert_allclose(part, expected, rtol=0, atol=1e-20)


def test_deep_network_of_logistic_units_learns():
    X, y = load_digits(return_X_y=True)
    clf = BackpropMLPClassifier((50,) * 8, max_iter=60, n_iter_no_change=np.inf, random_state=0)
    assert clf.fit(X[:1200] / 16, y[:1200]).score(X[1200:] / 16, y[1200:]) > 0.85
