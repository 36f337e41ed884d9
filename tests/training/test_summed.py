"""A sum over blocks has the same bits wherever the blocks are."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skdigitnet import BackpropMLPClassifier
from skdigitnet._problem.arguments import plain_parameters
from skdigitnet._problem.labels import Labels
from skdigitnet._problem.objective import Objective
from skdigitnet._problem.rows import TrainingRows
from skdigitnet._problem.samples import Samples
from skdigitnet._training.encoding import Encoding
from skdigitnet._training.fitting import begin, fit_parts
from skdigitnet._training.run import Given
from skdigitnet._training.summed import (
    Block,
    PairwiseSum,
    Part,
    Parts,
    SummedObjective,
    Term,
)

RNG = np.random.default_rng(0)
X = RNG.random((700, 12))
Y = RNG.integers(0, 3, 700)
WEIGHT = RNG.random(700)
BLOCK_ROWS = 64
N_BLOCKS = 11  # the last of which has fewer rows

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def in_pairs(values):
    """The sum of the first half, of a power of two of values, and of the rest."""
    if len(values) == 1:
        return values[0]
    half = 2 ** ((len(values) - 1).bit_length() - 1)
    return in_pairs(values[:half]) + in_pairs(values[half:])


@pytest.mark.parametrize("n_blocks", [*range(1, 18), 100])
def test_order_and_partition_change_no_bit(n_blocks):
    values = RNG.random(n_blocks) * 10.0 ** RNG.integers(-8, 8, n_blocks)
    for n_parts in (1, 2, 3, n_blocks):
        total = PairwiseSum(n_blocks)
        for numbers in np.array_split(RNG.permutation(n_blocks), n_parts):
            part = PairwiseSum(n_blocks)
            for number in numbers:
                part.add(0, number, Term(values[number]))
            for (level, number), term in part.terms.items():
                total.add(level, number, term)
        assert total.total.value == in_pairs(values)


def test_neighbours_are_added_where_they_are():
    total = PairwiseSum(2**10)
    for number in range(2**9):
        total.add(0, number, Term(1.0))
        assert len(total.terms) <= 9
    assert list(total.terms) == [(9, 0)]


def parts(n_parts, dtype=np.float64):
    """The rows in that many parts."""
    blocks = {
        i: Block(X[rows].astype(dtype), Y[rows], WEIGHT[rows])
        for i in range(N_BLOCKS)
        for rows in [slice(i * BLOCK_ROWS, (i + 1) * BLOCK_ROWS)]
    }
    return [
        Part({i: blocks[i] for i in numbers})
        for numbers in np.array_split(np.arange(N_BLOCKS), n_parts)
    ]


def given(dtype=np.float64):
    rows = TrainingRows(X.astype(dtype), Y, WEIGHT, {"n_features_in_": X.shape[1]})
    labels = Labels.of(Y)
    return Given(rows, labels, None, Encoding(rows, labels))


def in_parts(n_parts, dtype=np.float64, factors=None):
    made = parts(n_parts, dtype)
    if factors is not None:
        made = [part.weighted(factors) for part in made]

    def ask(method, *args, **options):
        return [getattr(part, method)(*args, **options) for part in made]

    weights = [item for found in ask("class_weights", 3) for item in found.items()]
    return Parts(len(X), dict(weights), ask)


def fit(n_parts, dtype=np.float64, validation=None, **parameters):
    clf = BackpropMLPClassifier(
        **{"hidden_layer_sizes": (6,), "solver": "lbfgs", "random_state": 0, **parameters}
    )
    fit_parts(clf, given(dtype), in_parts(n_parts, dtype), validation)
    return clf


@pytest.mark.parametrize("loss", ["log_loss", "squared_error"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_objective_is_that_of_all_rows(loss, dtype):
    clf = BackpropMLPClassifier((6,), solver="lbfgs", loss=loss, random_state=0)
    all_rows = given(dtype)
    training = begin(clf, plain_parameters(clf), all_rows)
    network, theta = training.network, training.state.theta
    samples = Samples(X.astype(dtype), Y.astype(np.intp), WEIGHT)
    expected = Objective(network, loss, 0.3, samples, np.arange(len(X), dtype=np.intp))
    made = in_parts(3, dtype)
    problem = made.problem(network, loss)
    summed = SummedObjective(made, problem, 0.3, expected.over(np.arange(50)))
    loss_there, gradient = summed.loss_and_gradient(theta)
    loss_here, expected_gradient = expected.loss_and_gradient(theta)
    tolerance = {np.float32: 3e-6, np.float64: 1e-13}[dtype]
    assert gradient.dtype == dtype
    assert_allclose(loss_there, loss_here, rtol=tolerance)
    assert_allclose(gradient, expected_gradient, rtol=tolerance, atol=tolerance)
    assert summed.loss(theta) == loss_there
    data = expected.over(expected.rows).loss(theta)
    assert_allclose(summed.over(summed.rows).loss(theta), data, rtol=tolerance)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_fit_has_the_same_bits_however_rows_are_divided(dtype):
    fits = [fit(n_parts, dtype) for n_parts in (1, 2, 5, N_BLOCKS)]
    for other in fits[1:]:
        assert other.loss_curve_ == fits[0].loss_curve_
        for ours, theirs in zip(other.coefs_, fits[0].coefs_, strict=True):
            assert_array_equal(ours, theirs)


def test_a_fit_is_that_of_rows_in_one_place():
    clf = BackpropMLPClassifier((6,), solver="lbfgs", random_state=0, max_iter=30)
    clf.fit(X, Y, WEIGHT)
    other = fit(2, max_iter=30)
    assert other.n_iter_ == clf.n_iter_ == 30
    assert_allclose(other.loss_curve_, clf.loss_curve_, rtol=1e-9)
    for ours, theirs in zip(other.coefs_, clf.coefs_, strict=True):
        assert_allclose(ours, theirs, rtol=0, atol=1e-9)


def test_a_network_that_learns_nothing_is_told():
    clf = BackpropMLPClassifier((6,), solver="lbfgs", random_state=0, alpha=1e6)
    warning = fit_parts(clf, given(), in_parts(2), None)
    assert warning.startswith("The network predicts no better than a constant")


@pytest.mark.parametrize("scoring", ["accuracy", "loss"])
def test_the_score_of_early_stopping_is_that_of_rows_in_one_place(scoring):
    rule = {"early_stopping": True, "scoring": scoring, "max_iter": 30}
    clf = BackpropMLPClassifier((6,), solver="lbfgs", random_state=0, **rule)
    clf.fit(X, Y, WEIGHT, X_val=X, y_val=Y, sample_weight_val=WEIGHT)
    fits = [fit(n, validation=in_parts(n), **rule) for n in (1, 3)]
    assert fits[0].validation_scores_ == fits[1].validation_scores_
    assert_allclose(fits[0].validation_scores_, clf.validation_scores_, rtol=1e-9)
    assert fits[0].best_iteration_ == clf.best_iteration_
    assert_allclose(fits[0].coefs_[0], clf.coefs_[0], rtol=0, atol=1e-9)


def test_rows_weighted_by_class_are_those_weights():
    factors = np.array([0.0, 1.0, 2.5])
    made = in_parts(2, factors=factors)
    expected = np.bincount(Y, WEIGHT * factors[Y], 3)
    assert_allclose(made.totals, expected, rtol=1e-13)
    blocks = sorted(block for part in made.ask("sample", 1000) for block in part)
    assert_array_equal(np.concatenate([rows[0] for _, rows in blocks]), X)
    weight = np.concatenate([rows[2] for _, rows in blocks])
    assert_array_equal(weight, WEIGHT * factors[Y])
