"""Published digit recognisers, reproduced on MNIST."""

from itertools import pairwise

import numpy as np
import pytest

from skdigitnet import BackpropMLPClassifier

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def standard_normal_weights(layer_sizes, seed):
    """Weights and intercepts drawn from N(0, 1)."""
    rng = np.random.default_rng(seed)
    shapes = list(pairwise(layer_sizes))
    coefs = [rng.standard_normal(shape) for shape in shapes]
    return coefs, [rng.standard_normal(n_out) for _, n_out in shapes]


def test_linear_perceptron_on_a_thousand_images(mnist):
    """Weights of class k all 0.0001 k; 74.47 % of the test images, as published."""
    X, y, X_test, y_test = mnist
    model = BackpropMLPClassifier(
        hidden_layer_sizes=(),
        loss="squared_error",
        output_activation="identity",
        solver="sgd",
        momentum=0.0,
        alpha=0.0,
        batch_size=1,
        learning_rate_init=1e-7,
        shuffle=False,
        max_iter=5,
    )
    model.fit(
        X[:1000],
        y[:1000],
        coef_init=[np.tile(0.0001 * np.arange(10), (784, 1))],
        intercept_init=[np.zeros(10)],
    )
    assert 100 * model.score(X_test, y_test) == pytest.approx(74.47, abs=0.1)


def test_stochastic_gradient_descent_on_784_30_10(mnist):
    """Nielsen, "Neural networks and deep learning", 2015, chapter 1: 94.8 to 95.0 %."""
    X, y, X_test, y_test = mnist
    coefs, intercepts = standard_normal_weights((784, 30, 10), seed=0)
    model = BackpropMLPClassifier(
        hidden_layer_sizes=(30,),
        loss="squared_error",
        output_activation="logistic",
        solver="sgd",
        momentum=0.0,
        alpha=0.0,
        batch_size=10,
        learning_rate_init=3.0,
        max_iter=30,
        tol=0.0,
        n_iter_no_change=np.inf,
        random_state=0,
    )
    model.fit(
        np.float32(X[:50000] / 255), y[:50000], coef_init=coefs, intercept_init=intercepts
    )
    assert model.score(np.float32(X_test / 255), y_test) >= 0.945
