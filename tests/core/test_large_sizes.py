"""Sizes whose products pass 2^31, and 2^63: handled or refused, never wrapped.

Memory for them is not needed: plans and checks are of sizes alone, and arrays are files that
take no more place than what is written to them.
"""

from itertools import pairwise

import numpy as np
import pytest
from effort import effort
from scipy import sparse

from skdigitnet import BackpropMLPClassifier
from skdigitnet._core import train
from skdigitnet._core.plan import Plan, Workspace
from skdigitnet._core.rows import MAX_SPARSE_FEATURES, Compressed, Samples
from skdigitnet._core.runs import Epoch, Run, Update
from skdigitnet._system.threads import Team
from skdigitnet._training import encoding

LAST = 2**63 - 1  # of Py_ssize_t
# what the start of a part, or a sanitizer's gap before it, may take besides
PADDING = 2000


def plan(layer_sizes, block_size=64, *, sparse=False, dropout=()):
    functions = ("logistic", "log_loss", "softmax")
    return Plan(layer_sizes, *functions, block_size, sparse, dropout)


# Plans


def expected_sizes(layer_sizes, m, is_sparse, dropout):
    """n_coefs, n_params, and the least and the most of n_reals, in integers without bounds."""
    products = [n_in * n_out for n_in, n_out in pairwise(layer_sizes)]
    n_features, n_first, *_ = layer_sizes
    inputs = min(m, 1024 // n_first, 65536 // n_features) if is_sparse else m
    units = [m * n for n in layer_sizes[1:]]
    parts = [*units, *units, *products[1:], inputs * n_features, units[-1], m]
    parts += units[:-1] if dropout else []
    n_coefs = sum(products)
    n_params = n_coefs + sum(layer_sizes[1:])
    return n_coefs, n_params, sum(parts), sum(parts) + PADDING * len(parts)


def test_plan_of_any_size_is_that_of_unbounded_integers_or_refused():
    rng = np.random.default_rng(0)
    n_planned = n_refused = 0
    for _ in range(effort(3000, 200_000)):
        sizes = tuple(int(2**e) for e in rng.uniform(0, rng.uniform(1, 63), rng.integers(2, 6)))
        m, is_sparse = int(2 ** rng.uniform(0, 31)), bool(rng.integers(2))
        dropout = (0.5,) * (len(sizes) - 2) * int(rng.integers(2))
        n_coefs, n_params, least, most = expected_sizes(sizes, m, is_sparse, dropout)
        try:
            made = plan(sizes, m, sparse=is_sparse, dropout=dropout)
        except OverflowError as error:
            refused = str(error)
            assert max(n_params, most) > LAST, sizes
            n_refused += 1
        else:
            assert (made.n_coefs, made.n_params) == (n_coefs, n_params), sizes
            assert least <= made.n_reals <= most, sizes
            n_planned += 1
    assert min(n_planned, n_refused) > effort(500, 30_000)
    assert "need more memory than can be addressed" in refused


@pytest.mark.parametrize("n_hidden", [2**20, 2**31, 2**40, 2**54])
def test_plan_divides_huge_layers_without_a_list_of_their_panels(n_hidden):
    made = plan((10, n_hidden, 10))
    assert made.n_params == 21 * n_hidden + 10
    assert made.n_panels == 1 + -(-n_hidden // (4096 // 10))


def test_block_whose_rows_cannot_be_numbered():
    assert plan((2, 2), 2**31 - 1).block_size == 2**31 - 1
    for rows in (2**31, 2**64):
        with pytest.raises(OverflowError, match=f"blocks of {rows} rows; at most 2147483647"):
            plan((2, 2), rows)


# The estimator

X, Y = np.random.default_rng(0).random((30, 4)), np.arange(30) % 3


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("solver", ["sgd", "adam", "lbfgs"])
@pytest.mark.parametrize(
    "hidden", [(2**44,), (2**62,), (2**64,), (2**33, 2**33), (5, 10**400)], ids=lambda h: len(h)
)
def test_network_too_large_for_memory_is_refused_before_anything_changes(hidden, solver, dtype):
    random_state = np.random.RandomState(0)
    clf = BackpropMLPClassifier(hidden, solver=solver, random_state=random_state)
    before, state = dict(vars(clf)), random_state.get_state()[1].copy()
    n_params = sum((n_in + 1) * n_out for n_in, n_out in pairwise((4, *hidden, 3)))
    calls = {"fit": {}, "partial_fit": {"classes": range(3)}}
    for name in calls if solver != "lbfgs" else ["fit"]:
        with pytest.raises(MemoryError) as caught:
            getattr(clf, name)(X.astype(dtype), Y, **calls[name])
        message = str(caught.value)
        assert message.startswith(f"hidden_layer_sizes={hidden} makes {n_params} weights of 4")
        assert f"too many for memory in {np.dtype(dtype)}" in message
        assert vars(clf) == before
        np.testing.assert_array_equal(random_state.get_state()[1], state)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("solver", ["sgd", "adam", "lbfgs"])
@pytest.mark.parametrize("name", ["batch_size", "n_iter_no_change", "max_fun", "n_jobs"])
def test_parameter_without_an_upper_bound_may_be_huge(name, solver):
    parameters = {"hidden_layer_sizes": (3,), "solver": solver, "random_state": 0}
    as_large_as_counts = {"batch_size": 30, "n_iter_no_change": np.inf}.get(name, 1000)
    huge, large = (
        BackpropMLPClassifier(**parameters, max_iter=3, **{name: value}).fit(X, Y)
        for value in (2**70, as_large_as_counts)
    )
    assert huge.loss_curve_ == large.loss_curve_


# Data


def test_more_sparse_features_than_an_int_can_number():
    X = sparse.coo_array(([1.0], ([0], [MAX_SPARSE_FEATURES])), (1, MAX_SPARSE_FEATURES + 1))
    with pytest.raises(ValueError, match="X has 2147483648 features; at most 2147483647 are"):
        Samples(X.tocsr(), np.zeros(1, np.intp), np.ones(1))


def test_dense_rows_of_more_features_than_that_stay_dense():
    X = np.broadcast_to(np.float32(0), (2, MAX_SPARSE_FEATURES + 1))
    assert encoding.faster_form(X) is X


def zeros_in_file(path, shape, dtype):
    """Zeros that take no place before they are written."""
    return np.memmap(path, dtype, "w+", shape=shape)


@pytest.fixture(params=[1, 2], ids=lambda n: f"{n} threads")
def team(request):
    with Team(request.param) as team:
        yield team


def add_gradient(data, order, layer_sizes, theta, gradient, team):
    """Add the gradient of these rows' loss; return the loss."""
    made = plan(layer_sizes, len(order), sparse=data.inputs.is_sparse)
    workspace = Workspace(made, data.inputs, team.n_threads)
    rows = (data.targets, order, 0, len(order))
    return team.run(train.add_loss_gradient, workspace, *rows, 1.0, theta, gradient)


def descend(data, order, layer_sizes, theta, team):
    """Make a step of gradient descent on these rows; return the loss before it."""
    made = plan(layer_sizes, len(order), sparse=data.inputs.is_sparse)
    workspace = Workspace(made, data.inputs, team.n_threads)
    update = Update("gradient_descent", learning_rate=0.5)
    moments = np.empty(0, np.float32)
    run = Run(data.targets, update, 0.0, theta, theta, moments)
    epoch = Epoch(order, len(order))
    return team.run(train.train, workspace, run, epoch, 0, len(order))[1]


def assert_same_bits(results):
    """Of two losses and arrays, the end of the arrays that both have."""
    (loss, array), (other_loss, other_array) = results
    assert loss == other_loss
    n = min(len(array), len(other_array))
    np.testing.assert_array_equal(array[-n:], other_array[-n:])


ROWS = np.random.default_rng(1).random((3, 5)).astype(np.float32)
LABELS = np.array([0, 1, 1])


def test_rows_after_the_first_2_31_numbers_of_dense_x(tmp_path, team):
    n_rows, n_features = 2**15 + 3, 2**16  # 2^31 numbers, and three rows more
    X = zeros_in_file(tmp_path / "X", (n_rows, n_features), np.float32)
    X[-3:, -5:] = ROWS
    y = np.concatenate([np.zeros(n_rows - 3, np.intp), LABELS])
    theta = np.random.default_rng(2).random(2 * n_features + 2).astype(np.float32)
    # side by side, where they are read in place, and apart, where they are copied first
    for order in (np.arange(n_rows - 3, n_rows), np.array([n_rows - 2, 0, n_rows - 1])):
        results = []
        for data, rows in (
            (Samples(X, y, np.ones(n_rows)), order),
            (Samples(X[order], y[order], np.ones(3)), np.arange(3)),
        ):
            gradient = np.zeros_like(theta)
            loss = add_gradient(data, rows, (n_features, 2), theta, gradient, team)
            results.append((loss, gradient))
        assert_same_bits(results)


def test_entries_after_the_first_2_31_of_sparse_x(tmp_path, team):
    near, first = sparse.csr_array(ROWS), 2**31 + 7
    values = zeros_in_file(tmp_path / "values", first + near.nnz, np.float32)
    columns = zeros_in_file(tmp_path / "columns", first + near.nnz, np.int32)
    values[first:], columns[first:] = near.data, near.indices
    far = Compressed(values, columns, near.indptr.astype(np.intp) + first, 5)
    sizes = (5, 300, 2)
    theta = np.random.default_rng(2).random(plan(sizes).n_params).astype(np.float32)
    results = []
    for X in (near, far):
        gradient = np.zeros_like(theta)
        data = Samples(X, LABELS, np.ones(3))
        loss = add_gradient(data, np.arange(3), sizes, theta, gradient, team)
        results.append((loss, gradient))
    assert_same_bits(results)


@pytest.fixture
def few_and_many_features(tmp_path):
    """Two networks, rows and weights: one without the columns that no row has entries in."""
    n_features, n_hidden = 2**20, 2**11 + 8
    assert (n_features - 5) * n_hidden > 2**31
    X = sparse.csr_array(ROWS)
    near = np.random.default_rng(2).random(plan((5, n_hidden, 2)).n_params).astype(np.float32)
    problems = []
    for n in (5, n_features):
        sizes = (n, n_hidden, 2)
        theta = zeros_in_file(tmp_path / f"theta {n}", plan(sizes).n_params, np.float32)
        theta[-len(near) :] = near
        rows = sparse.csr_array((X.data, X.indices + (n - 5), X.indptr), shape=(3, n))
        problems.append((Samples(rows, LABELS, np.ones(3)), np.arange(3), sizes, theta))
    return problems


def test_gradient_of_weights_after_the_first_2_31(tmp_path, team, few_and_many_features):
    results = []
    for *problem, theta in few_and_many_features:
        gradient = zeros_in_file(tmp_path / f"gradient {len(theta)}", theta.shape, np.float32)
        results.append((add_gradient(*problem, theta, gradient, team), gradient))
    assert_same_bits(results)


def test_step_of_weights_after_the_first_2_31(team, few_and_many_features):
    assert_same_bits(
        [(descend(*problem, team), problem[-1]) for problem in few_and_many_features]
    )
