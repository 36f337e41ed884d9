"""Training that has diverged is an error at the end of its epoch, never a silent bad model."""

import contextlib
import itertools
import re
import warnings

import joblib
import numpy as np
import pytest
from effort import effort
from estimators import first_digits, maker
from scipy import sparse
from sklearn.datasets import load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.preprocessing import StandardScaler

from skdigitnet._core.plan import ACTIVATIONS
from skdigitnet._problem.network import Network
from skdigitnet._problem.objective import Objective
from skdigitnet._problem.samples import Samples
from skdigitnet._training.divergence import MAX_GROWTH
from skdigitnet._training.plateau import constant_loss

OUTPUTS = [
    {"loss": "log_loss"},
    {"loss": "log_loss", "output_activation": "logistic"},
    {"loss": "squared_error"},
    {"loss": "squared_error", "output_activation": "logistic"},
    {"loss": "squared_error", "output_activation": "identity"},
]
SCALE, RATE = 1e30, 1e6


def iris():
    X, y = load_iris(return_X_y=True)
    return StandardScaler().fit_transform(X), y


def digits():
    return first_digits(600)


def several_labels():
    X, y = iris()
    return X, np.stack([y == 0, y > 0, y == 2], axis=1).astype(int)


def two_classes():
    X, y = iris()
    return X, y > 0


DATA = {f.__name__: f() for f in (iris, digits, several_labels, two_classes)}


@pytest.fixture(params=effort(["iris"], list(DATA)))
def data(request):
    return DATA[request.param]


make = maker(hidden_layer_sizes=(10,), max_iter=5)


def loss_against_constant(clf, X, y):
    """The loss of the fitted model, divided by that of the best constant prediction."""
    indices = np.searchsorted(clf.classes_, y) if y.ndim == 1 else y.astype(np.uint8)
    indicator = y.ndim == 2 or clf.n_outputs_ == 1
    targets = indices.reshape(len(y), -1).astype(np.uint8) if indicator else indices
    network = Network((X.shape[1], 10, clf.n_outputs_), clf.activation, clf.out_activation_)
    weight = np.ones(len(y))
    objective = Objective(
        network, clf.loss, 0.0, Samples(X, targets, weight), np.arange(len(y))
    )
    theta = network.pack(clf.coefs_, clf.intercepts_, X.dtype)
    loss = objective.loss_and_gradient(theta)[0]
    return loss / constant_loss(clf.loss, network, targets, weight)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("outputs", OUTPUTS, ids=lambda p: "-".join(p.values()))
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("solver", ["sgd", "adam"])
def test_huge_x_and_a_huge_learning_rate(
    data, solver, activation, outputs, early_stopping, dtype
):
    X, y = data
    X = (SCALE * X).astype(dtype)
    clf = make(solver=solver, activation=activation, **outputs)
    clf.set_params(early_stopping=early_stopping, learning_rate_init=RATE)
    before = joblib.hash(vars(clf))
    with pytest.raises(ValueError, match=r"^Training diverged: .* after epoch \d\.") as error:
        clf.fit(X, y)
    assert joblib.hash(vars(clf)) == before
    # an epoch before the one that is named has left a model to be used, and one such is rare
    epoch = int(re.search(r"epoch (\d)", str(error.value))[1])
    if epoch > 1:
        with pytest.warns(ConvergenceWarning):
            clf.set_params(max_iter=epoch - 1, early_stopping=False).fit(X, y)
        assert loss_against_constant(clf, X, y) < 1


@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("outputs", OUTPUTS, ids=lambda p: "-".join(p.values()))
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("solver", ["sgd", "adam"])
def test_a_huge_learning_rate_alone(data, solver, activation, outputs, early_stopping):
    X, y = data
    clf = make(solver=solver, activation=activation, learning_rate_init=RATE, **outputs)
    with pytest.raises(ValueError, match=r"^Training diverged: .* after epoch [1-3]\."):
        clf.set_params(early_stopping=early_stopping).fit(X, y)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("outputs", OUTPUTS, ids=lambda p: "-".join(p.values()))
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("solver", ["sgd", "adam", "lbfgs"])
def test_huge_x_alone(data, solver, activation, outputs, early_stopping, dtype):
    """Units that have bounds take its sign, with which training may go well; others cannot."""
    X, y = data
    X = (SCALE * X).astype(dtype)
    clf = make(solver=solver, activation=activation, **outputs, early_stopping=early_stopping)
    clf.set_params(max_iter=50, n_iter_no_change=50)
    with warnings.catch_warnings(), contextlib.suppress(ValueError):
        warnings.simplefilter("ignore", ConvergenceWarning)
        clf.fit(X, y)
    if not hasattr(clf, "coefs_"):
        with pytest.raises(ValueError, match=r"^Training diverged: "):
            clf.fit(X, y)
        return
    assert activation in ("logistic", "tanh")
    assert loss_against_constant(clf, X, y) < 1


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_one_step_that_is_too_large(method):
    """The loss of an epoch of one batch is that before its step."""
    X, y = DATA["iris"]
    clf = make(learning_rate_init=RATE, max_iter=1)
    arguments = {"classes": [0, 1, 2]} if method == "partial_fit" else {}
    with pytest.raises(ValueError, match=r"^Training diverged: .* after epoch 1\."):
        getattr(clf, method)(X, y, **arguments)
    good = make(max_iter=300, n_iter_no_change=np.inf, warm_start=True, solver="adam").fit(X, y)
    before = joblib.hash(vars(good.set_params(learning_rate_init=RATE, max_iter=1)))
    with pytest.raises(ValueError, match=r"^Training diverged: .* after epoch 301\."):
        getattr(good, method)(X, y)
    assert joblib.hash(vars(good)) == before


@pytest.mark.parametrize("form", [sparse.csr_array, np.asfortranarray])
def test_divergence_on_other_forms_of_x(form):
    X, y = DATA["iris"]
    with pytest.raises(ValueError, match=r"^Training diverged: .* after epoch \d\."):
        make(activation="relu", learning_rate_init=RATE).fit(form(X), y)


def test_divergence_on_more_rows_than_are_looked_at():
    X, y = DATA["iris"]
    X, y = np.tile(X, (20, 1)), np.tile(y, 20)
    with pytest.raises(ValueError, match=r"^Training diverged: .* after epoch \d\."):
        make(learning_rate_init=RATE).fit(X, y)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("scale", [1.0, 16.0, 1e3, 1e6, 1e9])
def test_training_that_recovers_is_not_refused(scale):
    """Steps that are large, or X that is not scaled, with a fair result."""
    X, y = DATA["digits"]
    clf = make(
        activation="identity",
        solver="adam",
        learning_rate_init=1.0,
        batch_size=64,
        max_iter=25,
    )
    assert clf.fit(scale * X, y).score(scale * X, y) > 0.8
    assert max(clf.loss_curve_) > 10 * clf.loss_curve_[-1]


def test_growth_that_is_allowed_lies_between_what_works_and_what_does_not():
    assert 600 < MAX_GROWTH < 17_000


@pytest.mark.parametrize("loss", ["log_loss", "squared_error"])
@pytest.mark.parametrize("out_activation", ["softmax", "logistic", "identity"])
@pytest.mark.parametrize("n_outputs", [1, 3])
def test_loss_of_the_best_constant(loss, out_activation, n_outputs):
    """It is that of a network whose outputs are the shares, and no other constant has less."""
    if (loss, out_activation) == ("log_loss", "identity") or (
        out_activation == "softmax" and n_outputs == 1
    ):
        pytest.skip("there are no such outputs")
    rng = np.random.RandomState(0)
    weight = rng.uniform(size=50)
    if n_outputs == 1:
        targets = rng.randint(0, 2, (50, 1)).astype(np.uint8)
        share = np.average(targets[:, 0], weights=weight, keepdims=True)
    else:
        targets = rng.randint(0, 3, 50)
        share = np.bincount(targets, weight) / weight.sum()
    z = {
        "softmax": np.log(share),
        "logistic": np.log(share / (1 - share)),
        "identity": share,
    }[out_activation]
    network = Network((2, n_outputs), "logistic", out_activation)
    objective = Objective(
        network, loss, 0.0, Samples(np.zeros((50, 2)), targets, weight), np.arange(50)
    )

    def loss_at(z):
        theta = network.pack([np.zeros((2, n_outputs))], [z], np.float64)
        return objective.loss_and_gradient(theta)[0]

    best = constant_loss(loss, network, targets, weight)
    assert loss_at(z) == pytest.approx(best, rel=1e-12)
    for i, step in itertools.product(range(n_outputs), [-0.01, 0.01]):
        assert loss_at(z + step * np.eye(n_outputs)[i]) >= best
