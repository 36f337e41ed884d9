"""A well-known course exercise on MNIST: 784-25-10, logistic units throughout, L-BFGS.

The cost is the sum over ten yes-or-no outputs of cross-entropies, with alpha = 0.1, on
5,000 images. reference.exercise_cost computes it row by row.
"""

import numpy as np
import pytest
import reference
from scipy.optimize import minimize

from skdigitnet import BackpropMLPClassifier
from skdigitnet._problem.objective import Objective

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.fixture(scope="module")
def images(mnist):
    X, y, _, _ = mnist
    return X[:5000] / 255, y[:5000]


def make_classifier(max_iter):
    return BackpropMLPClassifier(
        (25,),
        solver="lbfgs",
        output_activation="logistic",
        alpha=0.1,
        max_iter=max_iter,
        tol=0.0,
        random_state=0,
    )


def test_cost_of_every_evaluation_is_that_of_a_loop_over_the_rows(images, monkeypatch):
    X, y = images
    rng = np.random.default_rng(0)
    coefs = [rng.standard_normal(shape) for shape in ((784, 25), (25, 10))]
    intercepts = [rng.standard_normal(n_out) for n_out in (25, 10)]
    costs, expected_costs = [], []
    loss_and_gradient = Objective.loss_and_gradient

    def recording(self, theta):
        loss, gradient = loss_and_gradient(self, theta)
        costs.append(loss)
        return loss, gradient

    def by_reference(theta):
        cost, gradient = reference.exercise_cost(theta, X, y, alpha=0.1)
        expected_costs.append(cost)
        return cost, gradient

    monkeypatch.setattr(Objective, "loss_and_gradient", recording)
    make_classifier(20).fit(X, y, coef_init=coefs, intercept_init=intercepts)
    # the reference goes its own way from the same weights
    theta = np.concatenate([part.ravel() for part in (*coefs, *intercepts)])
    options = {"maxiter": 20, "gtol": 0.0, "maxfun": 15000}
    minimize(by_reference, theta, jac=True, method="L-BFGS-B", options=options)
    assert len(costs) > 20
    np.testing.assert_allclose(costs, expected_costs, rtol=1e-9)


def test_fifty_iterations_from_the_default_initialisation(images):
    X, y = images
    classifier = make_classifier(50).fit(X, y)
    assert classifier.n_iter_ == 50
    assert classifier.score(X, y) > 0.95
