"""J(theta) over a data set: its gradient, its definition, and what weights mean."""

import numpy as np
import pytest
import reference
from scipy import sparse

from skdigitnet._problem.network import Network
from skdigitnet._problem.objective import Objective
from skdigitnet._problem.samples import Samples

LAYER_SIZES = (6, 5, 4, 3)
EVERY_LOSS = pytest.mark.parametrize(("loss", "out_activation"), reference.LOSSES)
EVERY_ACTIVATION = pytest.mark.parametrize("activation", reference.ACTIVATIONS)


def make_rows(n_rows, dtype=np.float64):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n_rows, LAYER_SIZES[0])).astype(dtype)
    y = rng.integers(0, LAYER_SIZES[-1], n_rows).astype(np.intp)
    return X, y, rng.uniform(0.5, 2, n_rows)


def make_objective(
    X, y, weight, *, activation="logistic", loss="log_loss", out_activation="softmax",
    alpha=0.3, rows=None,
):  # fmt: skip
    network = Network(LAYER_SIZES, activation, out_activation)
    rows = np.arange(len(y)) if rows is None else rows
    return Objective(network, loss, alpha, Samples(X, y, weight), rows)


def make_theta(scale=1.0, dtype=np.float64):
    n_params = reference.Network(LAYER_SIZES).n_params
    return scale * np.random.default_rng(1).normal(0, 0.5, n_params).astype(dtype)


def central_differences(function, x, h=1e-6):
    steps = h * np.eye(len(x))
    return np.array([(function(x + step) - function(x - step)) / (2 * h) for step in steps])


@pytest.mark.parametrize("alpha", [0, 0.3])
@pytest.mark.parametrize("scale", [1, 6, 50], ids=["fresh", "saturating", "saturated"])
@EVERY_ACTIVATION
@EVERY_LOSS
def test_gradient_is_what_central_differences_find(
    loss, out_activation, activation, scale, alpha
):
    objective = make_objective(
        *make_rows(15), activation=activation, loss=loss, out_activation=out_activation,
        alpha=alpha,
    )  # fmt: skip
    theta = make_theta(scale)
    value, gradient = objective.loss_and_gradient(theta)
    differences = central_differences(lambda x: objective.loss_and_gradient(x)[0], theta)
    # Rounding J leaves about eps * J / h in every difference. That is below a millionth of
    # the gradient, unless squared errors of saturated outputs make the gradient vanish.
    rounding = 10 * np.finfo(float).eps * value / 1e-6
    norm = np.linalg.norm(gradient)
    assert np.linalg.norm(gradient - differences) <= 1e-6 * norm + rounding
    assert rounding <= 1e-6 * norm or (loss == "squared_error" and scale == 50 and alpha == 0)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("make_X", [np.asarray, sparse.csr_array], ids=["dense", "csr"])
@EVERY_ACTIVATION
@EVERY_LOSS
def test_several_blocks_of_rows_against_the_reference(
    loss, out_activation, activation, make_X, dtype
):
    X, y, weight = make_rows(2500, dtype)
    rows = np.random.default_rng(0).permutation(2500)[:2300]
    functions = {"activation": activation, "loss": loss, "out_activation": out_activation}
    objective = make_objective(make_X(X), y, weight, rows=rows, **functions)
    theta = make_theta(dtype=dtype)
    value, gradient = objective.loss_and_gradient(theta)
    assert objective.workspace.plan.block_size < len(rows) / 2
    expected_value, expected_gradient = reference.Network(LAYER_SIZES, **functions).objective(
        theta, X[rows], reference.one_hot(y[rows], 3), weight[rows], 0.3 / weight[rows].sum()
    )
    tolerance = {np.float32: 1e-5, np.float64: 1e-12}[dtype]
    assert objective.loss(theta) == value  # to the bit
    assert gradient.dtype == dtype
    assert value == pytest.approx(expected_value, rel=tolerance)
    largest = np.abs(expected_gradient).max()
    np.testing.assert_allclose(gradient, expected_gradient, rtol=0, atol=tolerance * largest)


# What weights and alpha mean. Each line: two objectives that must be one.


def assert_same(objective, other):
    (value, gradient), (other_value, other_gradient) = (
        o.loss_and_gradient(make_theta()) for o in (objective, other)
    )
    assert value == pytest.approx(other_value, rel=1e-13)
    np.testing.assert_allclose(gradient, other_gradient, rtol=1e-11, atol=1e-15)


def test_weight_of_two_is_a_row_taken_twice():
    X, y, weight = make_rows(30)
    twice = np.arange(0, 30, 3)
    doubled = weight.copy()
    doubled[twice] *= 2
    rows = np.concatenate([np.arange(30), twice])
    assert_same(make_objective(X, y, doubled), make_objective(X, y, weight, rows=rows))


def test_weight_of_zero_is_an_absent_row():
    X, y, weight = make_rows(30)
    weight[::3] = 0
    present = np.flatnonzero(weight)
    assert_same(make_objective(X, y, weight), make_objective(X, y, weight, rows=present))


@pytest.mark.parametrize("make_X", [np.asarray, sparse.csr_array], ids=["dense", "csr"])
def test_a_row_of_no_weight_may_overflow(make_X):
    X, y, weight = make_rows(30)
    weight[::3] = 0
    huge = np.where(weight[:, np.newaxis] == 0, np.inf, X)  # so are the sums of finite ones
    one, other = (
        make_objective(make_X(rows), y, weight, activation="identity") for rows in (X, huge)
    )
    assert_same(one, other)


def test_only_the_ratio_of_alpha_to_the_weights_counts():
    X, y, weight = make_rows(30)
    assert_same(
        make_objective(X, y, 7 * weight, alpha=7 * 0.3), make_objective(X, y, weight, alpha=0.3)
    )


def test_penalty_is_alpha_over_twice_the_weight_and_spares_the_intercepts():
    X, y, weight = make_rows(30)
    theta = make_theta()
    with_penalty, without = (
        make_objective(X, y, weight, alpha=alpha).loss_and_gradient(theta)
        for alpha in (0.8, 0.0)
    )
    coefs = theta.copy()
    coefs[-sum(LAYER_SIZES[1:]) :] = 0
    assert with_penalty[0] - without[0] == pytest.approx(
        0.8 / (2 * weight.sum()) * (coefs**2).sum()
    )
    np.testing.assert_allclose(
        with_penalty[1] - without[1], 0.8 / weight.sum() * coefs, rtol=1e-10, atol=1e-14
    )


def test_probability_of_zero_costs_what_its_logit_says():
    # every probability rounds to 0 or 1: nothing is clipped, and nothing overflows
    X, y = np.ones((1, 6)), np.array([2])
    theta = np.zeros_like(make_theta())
    theta[-3:] = [1000.0, 0.0, -500.0]
    value, gradient = make_objective(X, y, np.ones(1), alpha=0).loss_and_gradient(theta)
    assert value == 1500
    np.testing.assert_array_equal(gradient[-3:], [1, 0, -1])
    value, gradient = make_objective(
        X, y, np.ones(1), alpha=0, out_activation="logistic"
    ).loss_and_gradient(theta)
    assert value == pytest.approx(1000 + np.log(2) + 500)
    np.testing.assert_array_equal(gradient[-3:], [1, 0.5, -1])
