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
    Problem,
    SummedObjective,
    Term,
    weight_and_constant,
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
                part.add(0, number, Term(values[number], None))
            for (level, number), term in part.terms.items():
                total.add(level, number, term)
        assert total.total.loss == in_pairs(values)


def test_neighbours_are_added_where_they_are():
    total = PairwiseSum(2**10)
    for number in range(2**9):
        total.add(0, number, Term(1.0, None))
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


def asking(made):
    return lambda method, *args, **options: [
        getattr(each, method)(*args, **options) for each in made
    ]


def class_weights(made):
    found = asking(made)("class_weights", 3)
    return {number: weights for part in found for number, weights in part.items()}


def fit(n_parts, dtype=np.float64, **parameters):
    clf = BackpropMLPClassifier(
        **{"hidden_layer_sizes": (6,), "solver": "lbfgs", "random_state": 0, **parameters}
    )
    made = parts(n_parts, dtype)
    fit_parts(clf, given(dtype), len(X), class_weights(made), asking(made))
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
    made = parts(3, dtype)
    weight, _ = weight_and_constant(loss, network, class_weights(made))
    problem = Problem(network, loss, N_BLOCKS, weight)
    summed = SummedObjective(problem, 0.3, len(X), expected.over(np.arange(50)), asking(made))
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
    made = parts(2)
    warning = fit_parts(clf, given(), len(X), class_weights(made), asking(made))
    assert warning.startswith("The network predicts no better than a constant")
