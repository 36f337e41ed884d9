"""Dropout: the units that are left out, training without them, and predicting with all."""

from itertools import pairwise

import numpy as np
import pytest
import reference
from estimators import bits, maker
from scipy import sparse
from scipy.stats import chi2_contingency
from sklearn.utils import check_random_state

from skdigitnet import BackpropMLPClassifier
from skdigitnet._core import train
from skdigitnet._core.plan import Plan, Workspace
from skdigitnet._core.rows import Samples
from skdigitnet._core.runs import Epoch, Run, Update
from skdigitnet._system.threads import ALONE, Team

DTYPES = (np.float32, np.float64)
TOLERANCE = {np.float32: 1e-4, np.float64: 1e-11}  # relative to the largest element
KEYS = (3, 2**40 + 7, 2**63 - 2)  # one an epoch
MAX_KEY = 2**63 - 1


def test_split_mix_gives_its_published_numbers():
    # what the authors' own implementation prints from this seed on
    known = [
        6457827717110365317, 3203168211198807973, 9817491932198370423,
        4593380528125082431, 16408922859458223821,
    ]  # fmt: skip
    assert reference.split_mix(1234567, np.arange(5, dtype=np.uint64)).tolist() == known


# The kernel's training against plain NumPy with masks drawn there

RULES = {
    "gradient_descent": ({"learning_rate": 0.05}, reference.gradient_descent),
    "momentum": ({"learning_rate": 0.05, "momentum": 0.8}, reference.momentum),
    "adam": (
        {"learning_rate": 0.01, "beta_1": 0.8, "beta_2": 0.99, "epsilon": 1e-6},
        reference.adam,
    ),
}
SHAPES = {
    "one hidden layer": ((7, 6, 4), (0.5,)),
    "two": ((7, 6, 5, 4), (0.2, 0.7)),
    "two, one of them whole": ((7, 6, 5, 4), (0.0, 0.4)),
    "three, one of them whole": ((7, 6, 9, 8, 4), (0.3, 0.0, 0.999)),
    "wide": ((20, 67, 41, 4), (0.5, 0.1)),
}
N_ROWS = 29


class Problem:
    """A network with dropout, and rows to train it on."""

    def __init__(
        self, shape="two", activation="tanh", loss="log_loss", out_activation="softmax",
        *, dtype=np.float64, format_=np.asarray,
    ):  # fmt: skip
        layer_sizes, self.shares = SHAPES[shape]
        rng = np.random.default_rng(0)
        self.network = reference.Network(layer_sizes, activation, loss, out_activation)
        self.theta = rng.normal(0, 0.5, self.network.n_params).astype(dtype)
        self.X = rng.standard_normal((N_ROWS, layer_sizes[0])).astype(dtype)
        self.X *= rng.random(self.X.shape) < 0.6
        self.y = rng.integers(0, layer_sizes[-1], N_ROWS).astype(np.intp)
        self.weight = rng.uniform(0.5, 2, N_ROWS)
        self.format = format_
        self.orders = [rng.permutation(N_ROWS) for _ in KEYS]

    def train(
        self, rule="gradient_descent", *, batch_size, block_size=1024, call_rows=N_ROWS,
        team=ALONE, keys=KEYS, dropout=None,
    ):  # fmt: skip
        """Epoch losses and theta by the kernel; workspaces begin with NaN in them."""
        n = self.network
        X = self.format(self.X)
        plan = Plan(
            n.layer_sizes, n.activation, n.loss, n.out_activation, block_size,
            sparse.issparse(X), self.shares if dropout is None else dropout,
        )  # fmt: skip
        samples = Samples(X, self.y, self.weight)
        workspace = Workspace(plan, samples.inputs, team.n_threads)
        workspace.real_array[:] = np.nan
        update = Update(rule, **RULES[rule][0])
        theta, gradient = self.theta.copy(), np.full_like(self.theta, np.nan)
        moments = np.zeros(update.n_moments * len(theta), theta.dtype)
        decay = 0.3 / self.weight.sum()
        run = Run(samples.targets, update, decay, theta, gradient, moments)
        losses = []
        for order, key in zip(self.orders, keys, strict=True):
            position, total = 0, 0.0
            epoch = Epoch(order, batch_size, key)
            while position < N_ROWS:
                stop = min(position + call_rows, N_ROWS)
                position, loss = team.run(train.train, workspace, run, epoch, position, stop)
                total += loss
            losses.append(total / N_ROWS)
        return losses, theta

    def train_by_reference(self, rule="gradient_descent", *, batch_size):
        constants, make_step = RULES[rule]
        n = self.network
        sizes = n.layer_sizes[1:-1]
        results = reference.train(
            n, self.theta.astype(float), self.X, reference.one_hot(self.y, n.layer_sizes[-1]),
            self.weight, alpha=0.3, orders=self.orders, batch_size=batch_size,
            step=make_step(**constants),
            masks=[reference.dropout_masks(key, N_ROWS, sizes, self.shares) for key in KEYS],
        )  # fmt: skip
        losses, thetas = zip(*results, strict=True)
        return losses, thetas[-1]


def assert_trained_alike(actual, expected, tolerance):
    np.testing.assert_allclose(actual[0], expected[0], rtol=tolerance)
    atol = tolerance * np.abs(expected[1]).max()
    np.testing.assert_allclose(actual[1], expected[1], rtol=0, atol=atol)


def assert_same_bits(actual, expected):
    assert actual[0] == expected[0]
    np.testing.assert_array_equal(actual[1], expected[1])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("activation", reference.ACTIVATIONS)
@pytest.mark.parametrize("shape", SHAPES)
def test_training(instruction_set, shape, activation, dtype):
    problem = Problem(shape, activation, dtype=dtype)
    actual = problem.train(batch_size=5)
    assert actual[1].dtype == dtype
    assert_trained_alike(actual, problem.train_by_reference(batch_size=5), TOLERANCE[dtype])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("format_", [np.asarray, sparse.csr_array], ids=["dense", "csr"])
@pytest.mark.parametrize(
    ("batch_size", "block_size"), [(1, 1), (5, 1024), (29, 29), (29, 8), (12, 5)], ids=str
)
@pytest.mark.parametrize("rule", RULES)
def test_batches_and_blocks_of_any_size(rule, batch_size, block_size, format_, dtype):
    problem = Problem(dtype=dtype, format_=format_)
    actual = problem.train(rule, batch_size=batch_size, block_size=block_size)
    expected = problem.train_by_reference(rule, batch_size=batch_size)
    assert_trained_alike(actual, expected, TOLERANCE[dtype])


@pytest.mark.parametrize(("loss", "out_activation"), reference.LOSSES)
def test_every_loss(loss, out_activation):
    problem = Problem("two", "logistic", loss, out_activation)
    expected = problem.train_by_reference(batch_size=5)
    assert_trained_alike(problem.train(batch_size=5), expected, 1e-11)


@pytest.mark.parametrize("format_", [np.asarray, sparse.csr_array], ids=["dense", "csr"])
@pytest.mark.parametrize("batch_size", [5, 29])
@pytest.mark.parametrize("rule", RULES)
def test_threads_pauses_and_sparse_rows_change_no_bit(rule, batch_size, format_):
    problem = Problem("wide", format_=format_)
    expected = Problem("wide").train(rule, batch_size=batch_size, block_size=12)
    for n_threads in (1, 2, 3):
        with Team(n_threads) as team:
            actual = problem.train(rule, batch_size=batch_size, block_size=12, team=team)
        assert_same_bits(actual, expected)
    for call_rows in (1, 7):
        paused = problem.train(rule, batch_size=batch_size, block_size=12, call_rows=call_rows)
        np.testing.assert_array_equal(paused[1], expected[1])
        np.testing.assert_allclose(paused[0], expected[0], rtol=1e-14)  # summed by the call


def test_no_key_and_no_share_drop_nothing():
    problem = Problem()
    whole = problem.train(batch_size=5, dropout=())
    assert_same_bits(problem.train(batch_size=5, dropout=(0.0, 0.0)), whole)
    assert_same_bits(problem.train(batch_size=5, keys=(0, 0, 0)), whole)
    assert (problem.train(batch_size=5)[1] != whole[1]).any()


# The units that are dropped: of many rows and units, as the kernel leaves them out


def kernel_mask(key, share, n_rows=400, n_units=50):
    """What the outputs of a layer are multiplied by, read off single updates.

    All of them are 1 and d loss / dz is 1, so the last weights' step is minus the mask.
    """
    plan = Plan((1, n_units, 1), "identity", "squared_error", "identity", 1, False, (share,))
    rows = Samples(np.ones((n_rows, 1)), np.zeros((n_rows, 1), np.uint8), np.ones(n_rows))
    workspace = Workspace(plan, rows.inputs)
    update = Update("gradient_descent", learning_rate=1.0)
    start = np.zeros(plan.n_params)
    start[2 * n_units :] = 1.0  # the intercepts
    mask, order = np.empty((n_rows, n_units)), np.arange(n_rows)
    for row in order:
        theta = start.copy()
        gradient, moments = np.empty_like(theta), np.empty(0)
        run = Run(rows.targets, update, 0.0, theta, gradient, moments)
        train.train(workspace, run, Epoch(order, 1, key), row, row + 1)
        mask[row] = -theta[n_units : 2 * n_units]
    return mask


@pytest.fixture(scope="module", params=[0.1, 0.5, 0.8])
def masks(request):
    """A share and the masks of six epochs, their keys drawn as the solver draws them."""
    random_state = np.random.RandomState(0)
    keys = random_state.randint(1, MAX_KEY, size=6, dtype=np.int64).tolist()
    return request.param, [kernel_mask(key, request.param) for key in keys]


def test_kept_units_are_scaled_so_that_the_mean_is_the_whole_output(masks):
    share, masks = masks
    for mask in masks:
        np.testing.assert_array_equal(np.unique(mask), [0, 1 / (1 - share)])
    n = masks[0].size * len(masks)
    spread = np.sqrt(share / (1 - share) / n)
    assert abs(np.mean(masks) - 1) < 4 * spread


def test_share_that_is_dropped_is_the_one_asked_for(masks):
    share, masks = masks
    dropped = np.array(masks) == 0
    # of all, of each epoch, of each unit over all rows and of each row over all units;
    # five standard deviations of a binomial are passed once in two million
    for axes in ((0, 1, 2), (1, 2), (0, 1), (0, 2)):
        counts = dropped.sum(axis=axes)
        n = dropped.size / counts.size
        assert (np.abs(counts - n * share) < 5 * np.sqrt(n * share * (1 - share))).all()


NEIGHBOURS = {
    "epochs": lambda dropped: (dropped[:-1], dropped[1:]),
    "rows": lambda dropped: (dropped[:, :-1], dropped[:, 1:]),
    "units": lambda dropped: (dropped[:, :, :-1], dropped[:, :, 1:]),
}


@pytest.mark.parametrize("neighbours", NEIGHBOURS.values(), ids=NEIGHBOURS)
def test_draws_are_independent_between(masks, neighbours):
    one, other = neighbours(np.array(masks[1]) == 0)
    counts = [[np.sum((one == a) & (other == b)) for b in (0, 1)] for a in (0, 1)]
    assert chi2_contingency(counts).pvalue > 1e-3


# The estimator

RNG = np.random.default_rng(0)
X, y = RNG.random((90, 12)), RNG.integers(0, 3, 90)
SOLVERS = {
    "plain": {"solver": "sgd", "momentum": 0},
    "nesterov": {"solver": "sgd"},
    "adam": {"solver": "adam"},
}
N_EPOCHS = 4

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
every_solver = pytest.mark.parametrize("solver", SOLVERS.values(), ids=SOLVERS)


make = maker(
    hidden_layer_sizes=(9, 7), dropout=[0.3, 0.5], max_iter=N_EPOCHS, batch_size=20, tol=0
)


def draws_of_a_fit(random_state, layer_sizes, *, keys):
    """Initial parameters, then an order and, if wanted, a key for each epoch."""
    random_state = check_random_state(random_state)
    n_params = sum((a + 1) * b for a, b in pairwise(layer_sizes))
    random_state.uniform(size=n_params)
    orders, drawn, order = [], [], np.arange(len(X))
    for _ in range(N_EPOCHS):
        order = order[random_state.permutation(len(X))]
        orders.append(order)
        if keys:
            drawn.append(int(random_state.randint(1, MAX_KEY, dtype=np.int64)))
    return orders, drawn, random_state


@pytest.mark.parametrize("dropout", [0.4, [0.3, 0.5], (0, 0.5), np.array([0.9, 0])], ids=str)
def test_fit_is_the_reference_network_trained_without_those_units(dropout):
    clf = make(dropout=dropout, solver="adam", alpha=1e-4).fit(X, y)
    network = reference.Network((12, 9, 7, 3))
    start = make(max_iter=1, learning_rate_init=1e-300).fit(X, y)  # the initial weights
    orders, keys, _ = draws_of_a_fit(0, network.layer_sizes, keys=True)
    shares = np.broadcast_to(dropout, 2)
    step = reference.adam(learning_rate=0.02, beta_1=0.9, beta_2=0.999, epsilon=1e-8)
    results = reference.train(
        network, network.pack(start.coefs_, start.intercepts_), X,
        reference.one_hot(y, 3), np.ones(len(X)),
        alpha=1e-4, orders=orders, batch_size=20, step=step,
        masks=[reference.dropout_masks(key, len(X), (9, 7), shares) for key in keys],
    )  # fmt: skip
    losses, thetas = zip(*results, strict=True)
    theta = thetas[-1]
    np.testing.assert_allclose(clf.loss_curve_, losses, rtol=1e-10)
    np.testing.assert_allclose(network.pack(clf.coefs_, clf.intercepts_), theta, rtol=1e-7)
    # and every unit predicts
    _, z = network.forward(theta, X)
    expected = np.exp(z[-1]) / np.exp(z[-1]).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(clf.predict_proba(X), expected, rtol=1e-7)


@every_solver
@pytest.mark.parametrize("dropout", [0.0, 0, [0, 0]], ids=str)
def test_no_dropout_draws_nothing_and_changes_no_bit(solver, dropout):
    random_state = np.random.RandomState(0)
    clf = make(dropout=dropout, **solver).set_params(random_state=random_state).fit(X, y)
    by_default = make(dropout=BackpropMLPClassifier().dropout, **solver).fit(X, y)
    assert bits(clf) == bits(by_default)
    *_, untouched = draws_of_a_fit(0, (12, 9, 7, 3), keys=False)
    assert random_state.randint(2**31) == untouched.randint(2**31)


def test_units_are_dropped_from_rows_in_their_own_order_too():
    assert bits(make(shuffle=False).fit(X, y)) != bits(make(shuffle=False, dropout=0).fit(X, y))


def test_dropout_draws_one_key_an_epoch_whatever_the_share():
    generators = [np.random.RandomState(0) for _ in range(2)]
    for dropout, random_state in zip((0.1, [0, 0.9]), generators, strict=True):
        make(dropout=dropout).set_params(random_state=random_state).fit(X, y)
    *_, expected = draws_of_a_fit(0, (12, 9, 7, 3), keys=True)
    assert len({r.randint(2**31) for r in (*generators, expected)}) == 1


@every_solver
@pytest.mark.parametrize("dtype", DTYPES)
def test_n_jobs_and_sparse_rows_change_no_bit(monkeypatch, solver, dtype):
    monkeypatch.setattr("skdigitnet._training.run.n_threads", lambda n_jobs, _: n_jobs or 1)
    rows = (X * (X > 0.5)).astype(dtype)
    one = bits(make(**solver).fit(rows, y))
    assert bits(make(n_jobs=2, **solver).fit(rows, y)) == one
    assert bits(make(n_jobs=3, **solver).fit(sparse.csr_array(rows), y)) == one


@every_solver
def test_partial_fit_and_warm_start_go_on_with_the_draws(solver):
    whole = bits(make(**solver).fit(X, y))
    by_epochs = make(**solver)
    for _ in range(N_EPOCHS):
        by_epochs.partial_fit(X, y, classes=[0, 1, 2])
    assert bits(by_epochs) == whole
    halves = make(warm_start=True, max_iter=N_EPOCHS // 2, **solver).fit(X, y).fit(X, y)
    assert bits(halves) == whole


def test_dropout_switched_on_and_off_between_fits():
    clf = make(warm_start=True, dropout=0.0).fit(X, y)
    clf.set_params(dropout=0.5).fit(X, y)
    clf.set_params(dropout=0.0).fit(X, y)
    assert clf.n_iter_ == 3 * N_EPOCHS
    assert np.isfinite(clf.loss_curve_).all()


def test_early_stopping_scores_the_whole_network():
    clf = make(early_stopping=True, scoring="loss").fit(X, y, X_val=X, y_val=y)
    p = clf.predict_proba(X)[np.arange(len(y)), y]
    assert clf.best_validation_score_ == pytest.approx(np.log(p).mean(), rel=1e-12)


def test_without_a_hidden_layer_there_is_nothing_to_drop():
    one, other = (make(hidden_layer_sizes=(), dropout=p).fit(X, y) for p in (0.5, 0.0))
    assert bits(one) == bits(other)


@pytest.mark.parametrize("dropout", [0.0, [0, 0]], ids=str)
def test_lbfgs_takes_no_dropout(dropout):
    clf = make(solver="lbfgs", dropout=dropout).fit(X, y)
    before = bits(clf)
    for wrong in (0.1, [0, 0.1]):
        with pytest.raises(ValueError, match=r"dropout=.*lbfgs.*'sgd' or 'adam'"):
            clf.set_params(dropout=wrong).fit(X, y)
    assert bits(clf) == before


@pytest.mark.parametrize(
    "dropout",
    [
        1.0, -0.1, 2, np.nan, np.inf, True, None, "half", {0: 0.5}, [0.5], [0.1, 0.2, 0.3], [],
        [0.5, 1.0], [0.5, -0.1], [0.5, np.nan], [0.5, "half"], [0.5, None], [[0.5, 0.5]],
        np.full((2, 1), 0.5), [0.5j, 0.5],
    ],
    ids=str,
)  # fmt: skip
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_shares_that_cannot_be_used(method, dropout):
    clf = make(warm_start=True).fit(X, y)
    before = bits(clf)
    clf.set_params(dropout=dropout)
    with pytest.raises(ValueError, match="dropout"):
        getattr(clf, method)(X, y)
    assert bits(clf) == before


def test_error_leaves_a_random_state_as_it_was():
    random_state, same = np.random.RandomState(0), np.random.RandomState(0)
    with pytest.raises(ValueError, match="dropout"):
        make(dropout=[0.5]).set_params(random_state=random_state).fit(X, y)
    assert random_state.randint(2**31) == same.randint(2**31)
