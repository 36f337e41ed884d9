"""The same numbers as MLPClassifier, and every difference that is there on purpose."""

import inspect
import math
import warnings
from functools import partial
from itertools import combinations, cycle, product

import numpy as np
import pytest
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

from skdigitnet import BackpropMLPClassifier
from skdigitnet._problem.splits import hold_out
from skdigitnet._training import plateau

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.fixture(autouse=True)
def same_patience(monkeypatch):
    """MLPClassifier's on plateaus too, where ours is more patient (test_plateau.py)."""
    monkeypatch.setattr(plateau, "PLATEAU_PATIENCE", 1)


N, BATCH = 200, 20  # BATCH divides N, and N less the held-out tenth
RNG = np.random.default_rng(0)
X = RNG.standard_normal((N, 10)) * (RNG.random((N, 10)) < 0.7)
SCORES = X @ RNG.standard_normal((10, 3)) + 0.5 * RNG.standard_normal((N, 3))
TARGETS = {
    "binary": (SCORES[:, 0] > 0).astype(int),
    # numbers, since MLPClassifier before 1.9 cannot stop early on strings (#33760)
    "multiclass": np.array([3, 5, 8])[SCORES.argmax(axis=1)],
    "multilabel": (SCORES > 0).astype(int),
}
WEIGHT = RNG.uniform(0.2, 2, N)
WEIGHT *= N / WEIGHT.sum()  # for "invscaling" alone: ours counts weight, theirs rows


def fit_both(X, y, sample_weight=None, *, alpha, **parameters):
    """Ours and theirs, the same but for what alpha means."""
    parameters = {"batch_size": BATCH, "learning_rate": "constant", **parameters}
    parameters.setdefault("random_state", 1)
    ours = BackpropMLPClassifier(alpha=alpha, weight_init="sklearn", **parameters)
    if parameters["solver"] != "lbfgs" and alpha > 0:
        n_held_out = math.ceil(0.1 * len(y)) if parameters.get("early_stopping") else 0
        alpha *= parameters["batch_size"] / (len(y) - n_held_out)
    theirs = MLPClassifier(alpha=alpha, **parameters)
    return ours.fit(X, y, sample_weight), theirs.fit(X, y, sample_weight)


def assert_same(actual, expected, tolerance=1e-6):
    """Every element, relative to the largest of its array."""
    expected = np.asarray(expected)
    assert np.shape(actual) == expected.shape
    atol = tolerance * np.abs(expected).max()
    np.testing.assert_allclose(actual, expected, rtol=0, atol=atol)


def assert_same_fit(ours, theirs, X, tolerance=1e-6):
    for name in ("n_iter_", "n_layers_", "n_outputs_", "out_activation_"):
        assert getattr(ours, name) == getattr(theirs, name)
    np.testing.assert_array_equal(ours.classes_, theirs.classes_)
    for name in ("coefs_", "intercepts_"):
        for part, their_part in zip(getattr(ours, name), getattr(theirs, name), strict=True):
            assert_same(part, their_part, tolerance)
    assert_same(ours.predict_proba(X), theirs.predict_proba(X), tolerance)
    assert ours.loss_ == pytest.approx(theirs.loss_, rel=tolerance)
    if theirs.solver == "lbfgs":  # the rest it does not have
        return
    assert_same(ours.loss_curve_, theirs.loss_curve_, tolerance)
    assert ours.t_ == theirs.t_
    if theirs.early_stopping:
        assert ours.best_loss_ is None
        np.testing.assert_array_equal(ours.validation_scores_, theirs.validation_scores_)
        assert ours.best_validation_score_ == theirs.best_validation_score_
    else:
        assert ours.best_loss_ == pytest.approx(theirs.best_loss_, rel=tolerance)
        assert ours.validation_scores_ is ours.best_validation_score_ is None


# The grid

MOMENTUM = {"solver": "sgd", "learning_rate_init": 0.05, "momentum": 0.9}
SOLVERS = {
    "sgd": {"solver": "sgd", "learning_rate_init": 0.1, "momentum": 0.0},
    "momentum": {**MOMENTUM, "nesterovs_momentum": False},
    "nesterov": {**MOMENTUM, "nesterovs_momentum": True},
    "adam": {"solver": "adam", "learning_rate_init": 0.01},
    "lbfgs": {"solver": "lbfgs", "max_iter": 50, "tol": 0.0},
}
SCHEDULES = {
    # 25 epochs each; the rate of "adaptive" is cut whenever the loss has not fallen by tol
    # three times in a row, the others never stop
    "constant": {"learning_rate": "constant", "n_iter_no_change": np.inf},
    "invscaling": {"learning_rate": "invscaling", "power_t": 0.3, "n_iter_no_change": np.inf},
    "adaptive": {"learning_rate": "adaptive", "n_iter_no_change": 2, "tol": 0.01},
}
ACTIVATIONS = ("identity", "logistic", "tanh", "relu")
FORMATS = {"dense": np.asarray, "csr": sparse.csr_array}
WEIGHTS = {"unweighted": None, "weighted": WEIGHT}


def grid():
    """Activation x solver x schedule x early stopping x target in full.

    Dense or CSR rows and the sample weights take turns over it: neither knows what the
    others do, so pairs are enough (they are counted below). Schedules are SGD's. L-BFGS is
    without early stopping, which MLPClassifier ignores there; and "invscaling" with both
    early stopping and weights is left out, since ours counts the training rows' weight.
    """
    turns = cycle(product(FORMATS, WEIGHTS))
    for activation, solver, schedule, early_stopping, target in product(
        ACTIVATIONS, SOLVERS, SCHEDULES, (False, True), TARGETS
    ):
        if schedule != "constant" and solver in ("adam", "lbfgs"):
            continue
        if early_stopping and solver == "lbfgs":
            continue
        format_, weights = next(turns)
        if early_stopping and schedule == "invscaling":
            weights = "unweighted"
        yield activation, solver, schedule, early_stopping, target, format_, weights


def test_grid_holds_every_pair():
    impossible = set(product(("adam", "lbfgs"), ("invscaling", "adaptive"))) | {("lbfgs", True)}
    for one, other in combinations(zip(*grid(), strict=True), 2):
        missing = set(product(one, other)) - set(zip(one, other, strict=True))
        assert missing <= impossible


@pytest.mark.parametrize(
    ("activation", "solver", "schedule", "early_stopping", "target", "format_", "weights"),
    list(grid()),
)
def test_same_numbers(activation, solver, schedule, early_stopping, target, format_, weights):
    rows = FORMATS[format_](X)
    # MLPClassifier divides a weighted batch's penalty by the batch's weight; L-BFGS needs a
    # small alpha to need its 50 iterations
    alpha = 0.01 if solver == "lbfgs" else 0.0 if weights == "weighted" else 0.5
    parameters = {
        "hidden_layer_sizes": (8,),
        "activation": activation,
        "early_stopping": early_stopping,
        "max_iter": 25,
        **SCHEDULES[schedule],
        **SOLVERS[solver],
    }
    ours, theirs = fit_both(rows, TARGETS[target], WEIGHTS[weights], alpha=alpha, **parameters)
    assert ours.n_iter_ == parameters["max_iter"]
    assert_same_fit(ours, theirs, rows)


# What the grid leaves out


@pytest.mark.parametrize("hidden", [(), (8, 5), [9, 8, 7], 6], ids=str)
@pytest.mark.parametrize("solver", ["nesterov", "adam", "lbfgs"])
def test_other_depths(solver, hidden):
    parameters = {"max_iter": 25, "n_iter_no_change": np.inf, **SOLVERS[solver]}
    both = fit_both(
        X, TARGETS["multiclass"], hidden_layer_sizes=hidden, activation="tanh", alpha=0.5,
        **parameters,
    )  # fmt: skip
    assert_same_fit(*both, X)


@pytest.mark.parametrize(
    "batches",
    [
        {"batch_size": 1},
        {"batch_size": 33},  # the last batch is shorter
        {"batch_size": N},
        {"shuffle": False},
    ],
    ids=str,
)
@pytest.mark.parametrize("solver", ["sgd", "nesterov", "adam"])
def test_other_batches(solver, batches):
    both = fit_both(
        X, TARGETS["multiclass"], hidden_layer_sizes=(8,), activation="logistic", alpha=0,
        max_iter=20, n_iter_no_change=np.inf, **(SOLVERS[solver] | batches),
    )  # fmt: skip
    assert_same_fit(*both, X)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize(
    ("solver", "schedule"),
    [
        ("momentum", "constant"),
        ("sgd", "adaptive"),
        ("nesterov", "invscaling"),
        ("adam", "constant"),
    ],
)
def test_stops_at_the_same_epoch(solver, schedule, early_stopping, target):
    parameters = {**SOLVERS[solver], "learning_rate": schedule, "learning_rate_init": 0.02}
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # ours and theirs say that they have converged
        warnings.filterwarnings("ignore", ".*no better than a constant")
        both = fit_both(
            X, TARGETS[target], hidden_layer_sizes=(8,), activation="tanh", alpha=0.5,
            early_stopping=early_stopping, tol=0.01, n_iter_no_change=3, max_iter=1000,
            **parameters,
        )  # fmt: skip
    assert_same_fit(*both, X)


@pytest.mark.parametrize("learning_rate_init", [0.015625, 0.01])
def test_adaptive_rate_is_cut_until_it_is_a_millionth(learning_rate_init):
    # by dividing again and again, of which the rounding decides where 0.015625 / 5^6 ends
    both = fit_both(
        X, TARGETS["binary"], hidden_layer_sizes=(8,), activation="tanh", alpha=0.5,
        solver="sgd", learning_rate="adaptive", learning_rate_init=learning_rate_init,
        tol=0.1, n_iter_no_change=2, max_iter=100,
    )  # fmt: skip
    assert_same_fit(*both, X)
    assert both[0].n_iter_ < 100


def test_equal_score_is_an_improvement_of_no_tol():
    both = fit_both(
        X, TARGETS["multiclass"], hidden_layer_sizes=(8,), activation="tanh", alpha=0.5,
        early_stopping=True, tol=0.0, n_iter_no_change=2, max_iter=60, **SOLVERS["nesterov"],
    )  # fmt: skip
    assert_same_fit(*both, X)
    assert (np.diff(both[0].validation_scores_) == 0).any()


@pytest.mark.parametrize("solver", ["sgd", "nesterov", "adam"])
def test_float32(solver):
    rows = X.astype(np.float32)
    ours, theirs = fit_both(
        rows, TARGETS["multiclass"], hidden_layer_sizes=(8,), activation="logistic", alpha=0.5,
        max_iter=20, n_iter_no_change=np.inf, **SOLVERS[solver],
    )  # fmt: skip
    assert {part.dtype for part in (*ours.coefs_, *ours.intercepts_)} == {rows.dtype}
    assert ours.predict_proba(rows).dtype == rows.dtype
    assert_same_fit(ours, theirs, rows, tolerance=1e-4)


# Where ours is different on purpose; what is a defect there is in test_peers_defects.py


def fit_ours(X=X, y=TARGETS["multiclass"], sample_weight=None, **parameters):
    parameters = {"hidden_layer_sizes": (8,), "random_state": 1, "max_iter": 5, **parameters}
    return BackpropMLPClassifier(**parameters).fit(X, y, sample_weight)


def assert_equal_weights(one, other, **tolerance):
    """To the bit, unless a tolerance is given."""
    for name in ("coefs_", "intercepts_"):
        for part, other_part in zip(getattr(one, name), getattr(other, name), strict=True):
            np.testing.assert_allclose(part, other_part, **({"rtol": 0} | tolerance))


def test_defaults_that_differ():
    ours, theirs = (
        {name: p.default for name, p in inspect.signature(kind).parameters.items()}
        for kind in (BackpropMLPClassifier, MLPClassifier)
    )
    assert ours.keys() - theirs.keys() == {
        "loss",
        "output_activation",
        "class_weight",
        "n_jobs",
        "scoring",
        "dropout",
        "weight_init",
    }
    assert theirs.keys() <= ours.keys()
    assert {name for name in theirs if ours[name] != theirs[name]} == {
        "activation", "alpha", "solver", "learning_rate", "learning_rate_init", "max_iter",
    }  # fmt: skip


def test_alpha_does_not_depend_on_the_batch_size():
    # the rate is so small that the loss is that of the initial weights, for every batch
    common = {"max_iter": 1, "solver": "sgd", "learning_rate_init": 1e-15, "random_state": 1}
    common |= {"alpha": 10.0, "activation": "logistic", "hidden_layer_sizes": (8,)}

    def losses(kind):
        return [
            kind(batch_size=batch_size, **common).fit(X, TARGETS["multiclass"]).loss_
            for batch_size in (10, 100, N)
        ]

    ours = losses(partial(BackpropMLPClassifier, weight_init="sklearn"))
    assert ours == pytest.approx([ours[0]] * 3, rel=1e-10)
    # MLPClassifier's penalty is that of alpha * N / batch_size, ours is its own for one batch
    theirs = losses(MLPClassifier)
    assert theirs[0] > theirs[1] > theirs[2] == pytest.approx(ours[2], rel=1e-10)


@pytest.mark.parametrize("batch_size", [N, BATCH])
def test_alpha_is_divided_by_all_the_weight_and_not_by_the_batch_s(batch_size):
    # so both may be multiplied by anything; MLPClassifier's alpha is not for mini-batches
    parameters = {"batch_size": batch_size, "learning_rate_init": 0.1}
    one = fit_ours(sample_weight=WEIGHT, alpha=0.5, **parameters)
    other = fit_ours(sample_weight=8 * WEIGHT, alpha=8 * 0.5, **parameters)
    assert_equal_weights(one, other, rtol=1e-10)


def test_invscaling_counts_weight_and_not_rows():
    # so a row of weight two is two rows here too; MLPClassifier counts rows
    parameters = {"learning_rate": "invscaling", "batch_size": 2 * N, "shuffle": False}
    doubled = fit_ours(sample_weight=np.full(N, 2.0), **parameters)
    twice = fit_ours(np.vstack([X, X]), np.tile(TARGETS["multiclass"], 2), **parameters)
    assert_equal_weights(doubled, twice, rtol=1e-9)
    assert (doubled.t_, twice.t_) == (5 * N, 10 * N)


def test_batch_larger_than_the_data_is_all_of_it_without_a_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", ConvergenceWarning)
        assert_equal_weights(fit_ours(batch_size=10 * N), fit_ours(batch_size=N))


def test_probabilities_are_not_clipped():
    # The weights are the same, since clipping is in MLPClassifier's loss and not in its
    # gradient, but the loss of a sure mistake is what it is.
    rows, y = np.array([[1.0], [-1.0]]), np.array([1, 0])
    model = BackpropMLPClassifier((), alpha=0, learning_rate_init=1e-15, max_iter=1)
    model.fit(rows, y, coef_init=[[[-800.0]]], intercept_init=[[0.0]])
    assert model.loss_ == pytest.approx(800)
    np.testing.assert_allclose(model.predict_log_proba(rows), [[0, -800], [-800, 0]])


# Early stopping


@pytest.mark.parametrize("solver", ["sgd", "lbfgs"])
@pytest.mark.parametrize("target", ["binary", "multiclass"])
def test_class_of_one_row_stays_in_training(target, solver):
    y = TARGETS[target].astype("U1")
    y[17] = "z"
    y = np.where(y == "z", "z", "a") if target == "binary" else y
    model = fit_ours(y=y, early_stopping=True, solver=solver)  # MLPClassifier: ValueError
    assert "z" in model.classes_
    assert len(model.validation_scores_) == model.n_iter_


def splits(y, weight, n_seeds=50):
    """MLPClassifier's split (None where it fails) and ours, for many seeds."""
    stratify = y.ravel() if y.shape[1:] == (1,) else None
    for seed in range(n_seeds):
        try:
            theirs = train_test_split(
                np.arange(len(y)), test_size=0.1, stratify=stratify,
                random_state=np.random.RandomState(seed),
            )  # fmt: skip
        except ValueError:
            theirs = None
        yield theirs, hold_out(y, weight, 0.1, np.random.RandomState(seed))


def test_split_is_changed_only_where_a_class_would_be_missing():
    y, n_same = np.repeat([0, 1, 2, 3], [30, 27, 2, 1]), 0
    for theirs, (training, held_out) in splits(y, np.ones(60)):
        np.testing.assert_array_equal(np.sort([*training, *held_out]), np.arange(60))
        assert set(y[training]) == {0, 1, 2, 3}
        assert set(y[held_out]) == {0, 1, 2}
        if set(y[theirs[0]]) == {0, 1, 2, 3} and set(y[theirs[1]]) == {0, 1, 2}:
            np.testing.assert_array_equal(training, theirs[0])
            np.testing.assert_array_equal(held_out, theirs[1])
            n_same += 1
    assert 0 < n_same < 50


def test_split_of_two_classes_where_theirs_fails():
    y = np.repeat([0, 1], [30, 1]).reshape(-1, 1)
    for theirs, (training, held_out) in splits(y, np.ones(31)):
        assert theirs is None
        assert set(y[training, 0]) == {0, 1}
        assert set(y[held_out, 0]) == {0}


def test_rows_without_weight_do_not_stand_for_their_class():
    y, weight = np.repeat([0, 1], 15), np.ones(30)
    weight[17:] = 0  # class 1 has two rows that count
    for _, (training, held_out) in splits(y, weight):
        for part in (training, held_out):
            assert set(y[part[weight[part] > 0]]) == {0, 1}


def test_held_out_part_may_be_tiny():
    model = fit_ours(X[:9], TARGETS["binary"][:9], early_stopping=True)  # ValueError there
    assert set(model.validation_scores_) <= {0.0, 0.5, 1.0}  # one row of each class


# L-BFGS


def test_lbfgs_has_a_loss_curve():
    model = fit_ours(solver="lbfgs", max_iter=20)
    assert len(model.loss_curve_) == model.n_iter_ == 20
    assert (np.diff(model.loss_curve_) < 0).all()
    assert model.loss_ == model.best_loss_ == model.loss_curve_[-1]


def test_lbfgs_stops_early_with_the_weights_of_the_best_score():
    y = np.random.default_rng(0).permutation(TARGETS["multiclass"])  # nothing to be learnt
    parameters = {"solver": "lbfgs", "n_iter_no_change": 5, "max_iter": 500}
    model = fit_ours(y=y, early_stopping=True, **parameters)
    scores = model.validation_scores_
    best = int(np.argmax(scores))
    assert len(scores) == model.n_iter_ == best + 1 + 6
    assert model.best_validation_score_ == scores[best]
    # the same as ending at that iteration
    ended = fit_ours(y=y, early_stopping=True, **parameters | {"max_iter": best + 1})
    assert_equal_weights(model, ended)


# Resuming


@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("solver", ["sgd", "adam"])
def test_warm_start_goes_on_where_the_last_fit_ended(solver, early_stopping):
    # n_iter_ and the curves count on, and the optimiser, the order of the rows and the
    # held-out rows stay; MLPClassifier begins all of them anew
    parameters = {"solver": solver, "early_stopping": early_stopping, "batch_size": BATCH}
    whole = fit_ours(max_iter=10, **parameters)
    parts = fit_ours(max_iter=4, warm_start=True, **parameters)
    parts.set_params(max_iter=6).fit(X, TARGETS["multiclass"])
    assert parts.n_iter_ == len(parts.loss_curve_) == 10
    assert parts.loss_curve_ == whole.loss_curve_
    assert parts.validation_scores_ == whole.validation_scores_
    assert_equal_weights(parts, whole)
