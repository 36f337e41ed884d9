"""The compiled layer against tests/support/reference.py and plain NumPy."""

import hashlib
import platform
from itertools import pairwise, product

import numpy as np
import pytest
import reference
from scipy import sparse

from skdigitnet._core import arithmetic, predict, train
from skdigitnet._core.plan import Plan, Workspace
from skdigitnet._core.rows import Inputs, Samples, Targets, compress, density
from skdigitnet._core.runs import UPDATE_RULES, Epoch, Run, Update
from skdigitnet._system.threads import ALONE, Team

DTYPES = (np.float32, np.float64)
# Against a float64 reference, over whole networks: relative to the largest element.
TOLERANCE = {np.float32: 2e-5, np.float64: 1e-12}


def test_unknown_instruction_set_is_not_taken_for_the_best():
    with pytest.raises(KeyError):
        arithmetic.use_instruction_set("avx3")


def assert_close(actual, expected, tolerance, *, floor=0.0):
    """Every element, relative to the largest."""
    expected = np.asarray(expected)
    atol = tolerance * np.abs(expected).max() + floor
    np.testing.assert_allclose(actual, expected, rtol=0, atol=atol)


# The matrix product, through one layer forward

ODD_SIZES = (1, 2, 3, 4, 5, 7, 8, 9, 15, 17, 33, 70)


def random_layer(m, k, n, dtype, seed=0):
    rng = np.random.default_rng(seed)
    return [rng.standard_normal(s).astype(dtype) for s in ((m, k), (k, n), (n,))]


def layer_outputs(a, W, b, activation="identity"):
    """f(a @ W + b)."""
    z, _ = predict.network_outputs(a, [W], [b], "identity", len(a))
    predict.apply_activation(activation, z)
    return z


@pytest.mark.parametrize("dtype", DTYPES)
def test_product_of_every_shape(instruction_set, dtype):
    eps = np.finfo(dtype).eps
    for n, k in product(range(1, 71), (*ODD_SIZES, 200)):
        a, W, b = random_layer(max(ODD_SIZES), k, n, dtype, seed=n)
        a64, W64, b64 = (x.astype(np.float64) for x in (a, W, b))
        expected = a64 @ W64 + b64
        # the worst that k additions and multiplications can round to
        bound = (k + 2) * eps * (np.abs(a64) @ np.abs(W64) + np.abs(b64))
        for m in ODD_SIZES:
            z = layer_outputs(a[:m], W, b)
            assert z.dtype == dtype
            assert (np.abs(z - expected[:m]) <= bound[:m]).all(), (m, k, n)


@pytest.mark.parametrize("dtype", DTYPES)
def test_row_has_the_same_bits_in_every_batch(instruction_set, dtype):
    for n, k, activation in product(range(1, 71), (1, 2, 5, 64), ("identity", "logistic")):
        a, W, b = random_layer(23, k, n, dtype, seed=n)
        whole = layer_outputs(a, W, b, activation)
        for first, last in ((0, 1), (1, 2), (22, 23), (3, 5), (2, 9), (7, 20), (1, 23)):
            part = layer_outputs(a[first:last].copy(), W, b, activation)
            np.testing.assert_array_equal(part, whole[first:last])


def rounds_once(instruction_set):
    """Whether it multiplies and adds in one instruction."""
    return instruction_set != "portable" or platform.machine() not in ("x86_64", "AMD64")


@pytest.fixture
def digest(instruction_set):
    """A hash of bits that are the same wherever multiply-adds round once."""
    if not rounds_once(instruction_set):
        pytest.skip("products and their sums are rounded one by one")
    return hashlib.sha256()


@pytest.mark.parametrize(
    ("dtype", "known"), [(np.float32, "984ea03c3c4d72f5"), (np.float64, "015fc2c35a0acf27")]
)
def test_layers_have_the_same_bits_on_every_machine(digest, dtype, known):
    rng = np.random.default_rng(0)
    for n, k, activation in product(range(1, 71), (1, 8, 33), reference.ACTIVATIONS):
        layer = ((rng.random(s) - 0.5).astype(dtype) for s in ((13, k), (k, n), (n,)))
        digest.update(layer_outputs(*layer, activation))
    assert digest.hexdigest()[:16] == known


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("sizes", [(5, 3), (5, 40, 3), (5, 40, 7, 3), (9, 8, 8, 8, 1)])
def test_outputs_of_a_network_are_those_of_its_layers(sizes, dtype):
    rng = np.random.default_rng(0)
    a = X = rng.standard_normal((50, sizes[0])).astype(dtype)
    coefs = [rng.standard_normal(shape).astype(dtype) for shape in pairwise(sizes)]
    intercepts = [rng.standard_normal(size).astype(dtype) for size in sizes[1:]]
    for W, b in zip(coefs[:-1], intercepts[:-1], strict=True):
        a = layer_outputs(a, W, b, "tanh")
    expected = layer_outputs(a, coefs[-1], intercepts[-1])
    for block_size in (1, 7, 49, 50, 1000):
        z, is_finite = predict.network_outputs(X, coefs, intercepts, "tanh", block_size)
        np.testing.assert_array_equal(z, expected)
        assert is_finite
        for value in (np.nan, np.inf, -np.inf):
            for row in (0, 30, 49):
                bad = X.copy()
                bad[row, 2] = value
                args = bad, coefs, intercepts, "tanh", block_size
                assert not predict.network_outputs(*args)[1]


def test_outputs_of_layers_that_do_not_fit():
    W, b = np.ones((4, 3)), np.ones(3)
    for coefs, intercepts in (([W[:3]], [b]), ([W], [b[:2]]), ([W, W], [b, b])):
        with pytest.raises(ValueError, match="do not fit"):
            predict.network_outputs(np.ones((2, 4)), coefs, intercepts, "relu", 10)


# Activations


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("activation", reference.ACTIVATIONS)
def test_activation(activation, dtype):
    extremes = [0.0, 1e-30, 700.0, 1e4, np.inf]
    z = np.concatenate([np.linspace(-30, 30, 1001), extremes, np.negative(extremes)])
    a = z.astype(dtype)[np.newaxis]
    expected = reference.ACTIVATIONS[activation](a.astype(np.float64))
    predict.apply_activation(activation, a)
    np.testing.assert_allclose(
        a, expected, rtol=10 * np.finfo(dtype).eps, atol=np.finfo(dtype).tiny
    )


@pytest.mark.parametrize("activation", reference.ACTIVATIONS)
def test_activation_keeps_nan_so_that_divergence_is_seen(activation):
    z = np.array([[1.0, np.nan]])
    predict.apply_activation(activation, z)
    np.testing.assert_array_equal(np.isnan(z), [[False, True]])


# A problem, for the kernels and for the reference


def unsorted_with_duplicates(X):
    """X as CSR with every entry stored as two halves, the columns of a row in disorder."""
    whole = sparse.csr_array(X)
    data, indices = np.repeat(whole.data / 2, 2), np.repeat(whole.indices, 2)
    indptr, rng = 2 * whole.indptr, np.random.default_rng(0)
    disorder = [s + rng.permutation(e - s) for s, e in pairwise(indptr)]
    disorder = np.concatenate(disorder)
    return sparse.csr_array((data[disorder], indices[disorder], indptr), shape=X.shape)


def with_long_indices(X):
    X = sparse.csr_array(X)
    X.indices, X.indptr = X.indices.astype(np.int64), X.indptr.astype(np.int64)
    return X


FORMATS = {
    "dense": np.ascontiguousarray,
    "csr": sparse.csr_array,
    "csr_matrix": sparse.csr_matrix,
    "csr, 64-bit indices": with_long_indices,
    "csr, unsorted and twice": unsorted_with_duplicates,
}


class Problem:
    """A network, rows, targets and weights; every input array read-only."""

    def __init__(
        self, layer_sizes=(7, 6, 5, 4), activation="logistic", loss="log_loss",
        out_activation="softmax", *, n_rows=29, dtype=np.float64, scale=1.0, indicator=False,
        format_="dense",
    ):  # fmt: skip
        rng = np.random.default_rng(0)
        self.dtype = dtype
        self.network = reference.Network(layer_sizes, activation, loss, out_activation)
        self.theta = (scale * rng.normal(0, 0.5, self.network.n_params)).astype(dtype)
        self.X = rng.standard_normal((n_rows, layer_sizes[0])).astype(dtype)
        self.X *= rng.random(self.X.shape) < 0.6
        self.weight = rng.uniform(0.5, 2, n_rows)
        if indicator:
            self.y = rng.integers(0, 2, (n_rows, layer_sizes[-1])).astype(np.uint8)
            self.t = self.y
        else:
            self.y = rng.integers(0, layer_sizes[-1], n_rows).astype(np.intp)
            self.t = reference.one_hot(self.y, layer_sizes[-1])
        self.format = FORMATS[format_]

    def compile(self, block_size=1024, n_threads=1):
        X = self.format(self.X)
        arrays = (X.data, X.indices, X.indptr) if sparse.issparse(X) else (X,)
        for array in (*arrays, self.y, self.weight):
            array.setflags(write=False)
        n = self.network
        sizes, sparse_X = n.layer_sizes, sparse.issparse(X)
        plan = Plan(sizes, n.activation, n.loss, n.out_activation, block_size, sparse_X)
        assert plan.n_params == n.n_params
        workspace = Workspace(plan, Inputs(X), n_threads)
        workspace.real_array[:] = np.nan  # what it holds beforehand must not matter
        return workspace

    @property
    def targets(self):
        return Targets(self.y, self.weight)

    def objective(self, alpha=0.3, *, block_size=1024, order=None, team=ALONE):
        """J and its gradient by the kernels, block by block, and by the reference."""
        workspace = self.compile(block_size, team.n_threads)
        order = np.arange(len(self.X)) if order is None else order
        total = self.weight[order].sum() or 1.0
        gradient = np.zeros_like(self.theta)
        loss = train.add_penalty(workspace.plan, alpha / total, self.theta, gradient)
        loss += team.run(
            train.add_loss_gradient,
            workspace, self.targets, order, 0, len(order), 1 / total, self.theta, gradient,
        )  # fmt: skip
        rows = (self.X[order], self.t[order], self.weight[order])
        return (loss, gradient), self.network.objective(self.theta, *rows, alpha / total)

    def train(
        self, rule, *, alpha=0.3, batch_size, block_size=1024, n_epochs=3, call_rows=None,
        team=ALONE,
    ):  # fmt: skip
        """Epoch losses and theta by the kernels and by the reference."""
        workspace = self.compile(block_size, team.n_threads)
        rng = np.random.default_rng(1)
        n_rows = len(self.X)
        orders = [rng.permutation(n_rows) for _ in range(n_epochs)]
        update, step = RULES[rule]()
        theta, gradient = self.theta.copy(), np.full_like(self.theta, np.nan)
        moments = np.zeros(update.n_moments * len(theta), theta.dtype)
        decay, losses = alpha / self.weight.sum(), []
        run = Run(self.targets, update, decay, theta, gradient, moments)
        for order in orders:
            position, total = 0, 0.0
            epoch = Epoch(order, batch_size)
            while position < n_rows:
                stop = min(position + (call_rows or n_rows), n_rows)
                position, loss = team.run(train.train, workspace, run, epoch, position, stop)
                total += loss
            losses.append(total / n_rows)
        assert update.n_steps == n_epochs * -(-n_rows // batch_size)
        by_reference = reference.train(
            self.network, self.theta.astype(np.float64), self.X, self.t, self.weight,
            alpha=alpha, orders=orders, batch_size=batch_size, step=step,
        )  # fmt: skip
        expected_losses, thetas = zip(*by_reference, strict=True)
        return (losses, theta), (expected_losses, thetas[-1])


# Loss and gradient


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("activation", reference.ACTIVATIONS)
@pytest.mark.parametrize(("loss", "out_activation"), reference.LOSSES)
@pytest.mark.parametrize(
    "layer_sizes", [(7, 4), (7, 6, 4), (7, 6, 5, 4), (7, 6, 5, 8, 2)], ids=str
)
def test_loss_and_gradient(layer_sizes, loss, out_activation, activation, dtype):
    problem = Problem(layer_sizes, activation, loss, out_activation, dtype=dtype)
    (value, gradient), (expected_value, expected_gradient) = problem.objective()
    assert gradient.dtype == dtype
    assert value == pytest.approx(expected_value, rel=TOLERANCE[dtype])
    assert_close(gradient, expected_gradient, TOLERANCE[dtype])


@pytest.mark.parametrize("scale", [5, 50])
@pytest.mark.parametrize("activation", reference.ACTIVATIONS)
@pytest.mark.parametrize(("loss", "out_activation"), reference.LOSSES)
def test_loss_and_gradient_of_a_saturated_network(loss, out_activation, activation, scale):
    problem = Problem((7, 6, 5, 4), activation, loss, out_activation, scale=scale)
    # without the penalty, whose gradient would hide the data's
    (value, gradient), (expected_value, expected_gradient) = problem.objective(alpha=0)
    assert value == pytest.approx(expected_value, rel=1e-12)
    # nothing but rounding may be left of a gradient that vanishes
    assert_close(gradient, expected_gradient, 1e-9, floor=1e-15)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("block_size", [1, 4, 28, 29, 1024])
@pytest.mark.parametrize("indicator", [False, True], ids=["class indices", "indicator"])
@pytest.mark.parametrize("format_", FORMATS)
def test_every_format_in_blocks_of_any_size(format_, indicator, block_size, dtype):
    problem = Problem(
        activation="tanh", out_activation="logistic",
        format_=format_, indicator=indicator, dtype=dtype,
    )  # fmt: skip
    orders = {
        "all, in line": None,
        "part, in line": np.arange(3, 20),
        "part, in disorder": np.random.default_rng(0).permutation(29)[:20],
        "one row again and again": np.full(9, 5),
    }
    for order in orders.values():
        actual, expected = problem.objective(block_size=block_size, order=order)
        assert actual[0] == pytest.approx(expected[0], rel=TOLERANCE[dtype])
        assert_close(actual[1], expected[1], TOLERANCE[dtype])


def test_sparse_rows_without_entries():
    problem = Problem(format_="csr")
    problem.X[:] = 0
    actual, expected = problem.objective()
    assert actual[0] == pytest.approx(expected[0])
    assert_close(actual[1], expected[1], 1e-12)


WIDE = {"layer_sizes": (200, 40, 9), "n_rows": 300}


@pytest.fixture(params=[2, 3, 4], ids=lambda n: f"{n} threads")
def team(request):
    with Team(request.param) as team:
        yield team


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("block_size", [5, 40, 1024])
@pytest.mark.parametrize("format_", ["csr", "csr, unsorted and twice"])
def test_sparse_rows_give_the_bits_of_dense_ones(instruction_set, format_, block_size, dtype):
    # few rows have their gradient computed from dense ones, more of them from columns
    (value, gradient), (expected_value, expected_gradient) = (
        Problem(**WIDE, format_=kind, dtype=dtype).objective(block_size=block_size)[0]
        for kind in (format_, "dense")
    )
    np.testing.assert_array_equal(gradient, expected_gradient)
    assert value == expected_value


@pytest.mark.parametrize("dtype", DTYPES)
def test_sparse_product_of_every_width(instruction_set, dtype):
    for n_out, n_rows in product(range(1, 140), (1, 2, 33)):
        sparse_, dense = (
            Problem(
                (9, n_out), loss="squared_error", out_activation="identity",
                n_rows=n_rows, dtype=dtype, format_=kind,
            ).objective()[0]
            for kind in ("csr", "dense")
        )  # fmt: skip
        np.testing.assert_array_equal(sparse_[1], dense[1])


def test_compressed_rows_are_those_of_scipy():
    rng = np.random.default_rng(0)
    for shape, dtype in product([(1, 1), (7, 5), (40, 300)], DTYPES):
        X = (rng.standard_normal(shape) * (rng.random(shape) < 0.3)).astype(dtype)
        X[0] = 0
        expected = sparse.csr_array(X)
        for expected_density in (0, 0.1, 1):  # whatever is thought beforehand
            actual = compress(X, expected_density)
            for name in ("data", "indices", "indptr"):
                np.testing.assert_array_equal(getattr(actual, name), getattr(expected, name))
            assert (actual.dtype, actual.shape) == (dtype, shape)
        assert density(X, 10**6) == pytest.approx(expected.nnz / X.size)


@pytest.mark.parametrize("format_", ["dense", "csr"])
@pytest.mark.parametrize("block_size", [40, 1024])
def test_threads_compute_the_bits_of_one(team, block_size, format_):
    problem = Problem(**WIDE, format_=format_)
    (value, gradient), _ = problem.objective(block_size=block_size, team=team)
    (expected_value, expected_gradient), _ = problem.objective(block_size=block_size)
    assert value == expected_value
    np.testing.assert_array_equal(gradient, expected_gradient)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # the reference overflows
@pytest.mark.parametrize("size", [1.0, 1e200], ids=["like the others", "of infinite loss"])
def test_rows_of_no_weight_are_as_good_as_absent(size):
    problem = Problem((7, 4), loss="squared_error", out_activation="identity")
    problem.weight[::3] = 0
    problem.X[::3] *= size
    counted = np.flatnonzero(problem.weight)
    (loss, gradient), _ = problem.objective(block_size=4)
    (expected_loss, expected_gradient), _ = problem.objective(order=counted)
    assert loss == pytest.approx(expected_loss, rel=1e-12)
    assert_close(gradient, expected_gradient, 1e-12)


def test_rows_of_no_weight_at_all_leave_the_penalty():
    problem = Problem()
    problem.weight[:] = 0
    (loss, gradient), expected = problem.objective()
    assert loss == pytest.approx(expected[0], rel=1e-12)
    assert_close(gradient, expected[1], 1e-12)


@pytest.mark.parametrize("dtype", DTYPES)
def test_gradient_of_every_width(instruction_set, dtype):
    # the transposed product, with any number of inputs and outputs
    for n_out, n_rows in product(range(1, 71), (1, 2, 9, 30)):
        n_in = 71 - n_out
        problem = Problem(
            (n_in, n_out), loss="squared_error", out_activation="identity",
            n_rows=n_rows, dtype=dtype,
        )  # fmt: skip
        actual, expected = problem.objective()
        assert_close(actual[1], expected[1], TOLERANCE[dtype])


def test_weights_and_targets_must_fit_the_rows():
    X, y, weight = np.ones((4, 2)), np.zeros(4, np.intp), np.ones(4)
    for wrong in ((X, y[:3], weight), (X, y, weight[:3])):
        with pytest.raises(ValueError, match="same number of rows"):
            Samples(*wrong)


def test_column_of_sparse_rows_out_of_range():
    X = sparse.csr_array(np.eye(4))
    X.indices[2] = 4
    with pytest.raises(ValueError, match="ind"):
        Samples(X, np.zeros(4, np.intp), np.ones(4))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"theta": np.zeros(106)}, "106 and 107 elements, not 107"),
        ({"gradient": np.zeros(108)}, "107 and 108 elements, not 107"),
        ({"workspace": Problem(dtype=np.float32).compile()}, "float32"),
        ({"targets": Targets(np.zeros(28, np.intp), np.ones(28))}, "29 rows and targets of 28"),
        ({"thread": 1}, "thread 1 of 1"),
    ],
    ids=["theta", "gradient", "dtype", "targets", "thread"],
)
def test_arrays_that_do_not_fit_the_plan(wrong, message):
    arguments = {
        "workspace": Problem().compile(),
        "targets": Problem().targets,
        "order": np.arange(29),
        "start": 0,
        "stop": 29,
        "theta": np.zeros(107),
        "gradient": np.zeros(107),
        **wrong,
    }
    with pytest.raises(ValueError, match=message):
        train.add_loss_gradient(**arguments, weight_scale=1.0)
    fitted = [arguments.pop(name) for name in ("theta", "gradient")]
    update = Update("gradient_descent", learning_rate=0.1)
    run = Run(arguments.pop("targets"), update, 0.0, *fitted, np.zeros(0))
    epoch = Epoch(arguments.pop("order"), 29)
    with pytest.raises(ValueError, match=message):
        train.train(**arguments, run=run, epoch=epoch)


def test_workspace_of_a_plan_and_inputs_that_do_not_fit():
    dense, sparse_ = Problem().compile(), Problem(format_="csr").compile()
    wider = Problem((8, 4)).compile()
    with pytest.raises(ValueError, match="8 features, not 7"):
        Workspace(dense.plan, wider.inputs)
    for plan, inputs in ((dense.plan, sparse_.inputs), (sparse_.plan, dense.inputs)):
        with pytest.raises(ValueError, match="sparse"):
            Workspace(plan, inputs)
    with pytest.raises(ValueError, match="n_threads=0"):
        Workspace(dense.plan, dense.inputs, 0)


# Training

RATE = 0.05
ADAM = {"learning_rate": 0.01, "beta_1": 0.8, "beta_2": 0.99, "epsilon": 1e-6}
# the kernels' update and the reference's
RULES = {
    "gradient_descent": lambda: (
        Update("gradient_descent", learning_rate=RATE),
        reference.gradient_descent(learning_rate=RATE),
    ),
    "momentum": lambda: (
        Update("momentum", learning_rate=RATE, momentum=0.8),
        reference.momentum(learning_rate=RATE, momentum=0.8),
    ),
    "nesterov": lambda: (
        Update("nesterov", learning_rate=RATE, momentum=0.8),
        reference.momentum(learning_rate=RATE, momentum=0.8, nesterov=True),
    ),
    "adam": lambda: (Update("adam", **ADAM), reference.adam(**ADAM)),
}


def test_every_update_rule_has_a_reference():
    assert RULES.keys() == UPDATE_RULES.keys()


def assert_trained_alike(actual, expected, tolerance):
    np.testing.assert_allclose(actual[0], expected[0], rtol=tolerance)
    assert_close(actual[1], expected[1], tolerance)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("format_", ["dense", "csr"])
@pytest.mark.parametrize(
    ("batch_size", "block_size"),
    [(1, 1), (5, 1024), (29, 29), (29, 8), (12, 5), (12, 1)],
    ids=lambda size: str(size),
)
@pytest.mark.parametrize("rule", RULES)
def test_training(rule, batch_size, block_size, format_, dtype):
    problem = Problem(dtype=dtype, format_=format_)
    actual, expected = problem.train(rule, batch_size=batch_size, block_size=block_size)
    assert actual[1].dtype == dtype
    assert_trained_alike(actual, expected, 5 * TOLERANCE[dtype])


@pytest.mark.parametrize("layer_sizes", [(7, 4), (7, 6, 5, 8, 2)], ids=str)
@pytest.mark.parametrize(("loss", "out_activation"), reference.LOSSES)
def test_training_of_every_loss_and_depth(loss, out_activation, layer_sizes):
    # plain gradient descent writes the weights that it has just read
    problem = Problem(layer_sizes, "tanh", loss, out_activation)
    assert_trained_alike(*problem.train("gradient_descent", batch_size=5), 1e-11)


@pytest.mark.parametrize("call_rows", [1, 4, 13])
@pytest.mark.parametrize("rule", RULES)
def test_training_may_pause_within_a_batch(rule, call_rows):
    # to the bit: where the calls are cut must not be seen in the numbers
    in_one, _ = Problem().train(rule, batch_size=12, block_size=5)
    in_parts, _ = Problem().train(rule, batch_size=12, block_size=5, call_rows=call_rows)
    np.testing.assert_allclose(in_parts[0], in_one[0], rtol=1e-14)
    np.testing.assert_array_equal(in_parts[1], in_one[1])


@pytest.mark.parametrize("format_", ["dense", "csr"])
@pytest.mark.parametrize("batch_size", [5, 64, 290])
@pytest.mark.parametrize("rule", RULES)
def test_threads_train_to_the_bits_of_one(team, rule, batch_size, format_):
    problem = Problem(**WIDE, format_=format_)
    sizes = {"batch_size": batch_size, "block_size": 100}
    (losses, theta), _ = problem.train(rule, **sizes, team=team, call_rows=77)
    (expected_losses, expected_theta), _ = problem.train(rule, **sizes, call_rows=77)
    assert losses == expected_losses
    np.testing.assert_array_equal(theta, expected_theta)


@pytest.mark.parametrize("block_size", [1024, 2])
@pytest.mark.parametrize("rule", RULES)
def test_batch_without_weight_leaves_the_penalty(rule, block_size):
    problem = Problem()
    problem.weight[:] = 0
    problem.weight[3] = 2.0  # all batches but one are empty
    actual, expected = problem.train(rule, batch_size=4, block_size=block_size)
    assert_trained_alike(actual, expected, 1e-11)


@pytest.mark.parametrize(
    ("dtype", "known"), [(np.float32, "3045d9073f4d4607"), (np.float64, "afc0610e306b0883")]
)
def test_weights_have_the_same_bits_on_every_machine(digest, dtype, known):
    for n_hidden, n_out, rule in product((1, 3, 9, 17, 34, 67), (2, 5, 10), RULES):
        problem = Problem((7, n_hidden, n_out), dtype=dtype)
        _, theta = problem.train(rule, batch_size=5, n_epochs=1)[0]
        digest.update(theta)
    assert digest.hexdigest()[:16] == known


@pytest.mark.parametrize("dtype", DTYPES)
def test_losses_have_the_same_bits_with_every_instruction_set(dtype):
    losses = {}
    try:
        for name in filter(rounds_once, arithmetic.INSTRUCTION_SETS):
            if arithmetic.use_instruction_set(name) == name:
                losses[name] = [
                    Problem((7, n_hidden, n_out), dtype=dtype).train(
                        rule, batch_size=5, n_epochs=1
                    )[0][0]
                    for n_hidden, n_out, rule in product((1, 9, 34, 67), (2, 10), RULES)
                ]
    finally:
        arithmetic.use_instruction_set()
    if len(losses) < 2:
        pytest.skip(f"this processor has no other than {[*losses]}")
    first, *others = losses.values()
    for other in others:
        np.testing.assert_array_equal(other, first)
