"""learning_rate: schedules over max_iter epochs, by name and as functions."""

import math
from fractions import Fraction

import numpy as np
import pytest
from estimators import assert_same_fit, maker
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from skdigitnet._training.schedules import SCHEDULES

RNG = np.random.default_rng(0)
X, y = RNG.random((60, 5)), RNG.integers(0, 3, 60)
RATE, N_EPOCHS = 0.3, 4
SOLVERS = {
    "plain": {"solver": "sgd", "momentum": 0},
    "nesterov": {"solver": "sgd"},
    "adam": {"solver": "adam"},
}

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


make = maker(
    hidden_layer_sizes=(6,),
    learning_rate="linear",
    learning_rate_init=RATE,
    max_iter=N_EPOCHS,
    batch_size=7,
    tol=0,
)


@pytest.mark.parametrize("solver", SOLVERS.values(), ids=SOLVERS)
def test_falls_by_the_same_step_every_epoch(solver):
    by_hand = make(learning_rate="constant", **solver)
    for epoch in range(N_EPOCHS):
        by_hand.set_params(learning_rate_init=RATE * (1 - epoch / N_EPOCHS))
        by_hand.partial_fit(X, y, classes=[0, 1, 2])
    assert_same_fit(make(**solver).fit(X, y), by_hand)


@pytest.mark.parametrize("solver", SOLVERS.values(), ids=SOLVERS)
def test_partial_fit_goes_through_the_same_schedule(solver):
    by_epochs = make(**solver)
    for _ in range(N_EPOCHS):
        by_epochs.partial_fit(X, y, classes=[0, 1, 2])
    assert_same_fit(make(**solver).fit(X, y), by_epochs)


@pytest.mark.parametrize("solver", SOLVERS.values(), ids=SOLVERS)
def test_starts_again_with_the_next_fit(solver):
    warm = make(warm_start=True, **solver).fit(X, y).fit(X, y)
    by_epochs = make(**solver)
    for _ in range(2 * N_EPOCHS):
        by_epochs.partial_fit(X, y, classes=[0, 1, 2])
    assert_same_fit(warm, by_epochs)


def test_first_epoch_has_the_whole_rate():
    linear, constant = (
        make(learning_rate=schedule).partial_fit(X, y, classes=[0, 1, 2])
        for schedule in ("linear", "constant")
    )
    assert_same_fit(linear, constant)


# Every schedule


def half_then_third(done):
    return 1 / 2 if done < 0.5 else 1 / 3


EVERY_SCHEDULE = {**SCHEDULES, "a function": half_then_third}
every_schedule = pytest.mark.parametrize("schedule", EVERY_SCHEDULE)
every_solver = pytest.mark.parametrize("solver", SOLVERS.values(), ids=SOLVERS)

# the same formulas in other words, and points that are known without any
FORMULAS = {
    "linear": lambda s: (10 - 10 * s) / 10,
    "cosine": lambda s: math.cos(math.pi * s / 2) ** 2,
    "step": lambda s: 10.0 ** -sum([s >= 0.5, s >= 0.75]),
    "one_cycle": lambda s: (
        np.interp(s, [0, 0.3], [0.04, 1]) if s < 0.3 else math.sin(math.pi * (1 - s) / 1.4) ** 2
    ),
}
POINTS = {
    "linear": {0: 1, 1 / 4: 3 / 4, 1 / 2: 1 / 2, 1: 0},
    "cosine": {0: 1, 1 / 3: 3 / 4, 1 / 2: 1 / 2, 2 / 3: 1 / 4, 1: 0},
    "step": {0: 1, 0.49: 1, 0.5: 0.1, 0.74: 0.1, 0.75: 0.01, 1: 0.01},
    "one_cycle": {0: 1 / 25, 0.15: 13 / 25, 0.3: 1, 0.65: 1 / 2, 1: 0},
}


@pytest.mark.parametrize("name", SCHEDULES)
def test_factors_are_those_of_the_formulas(name):
    for share in np.linspace(0, 1, 1001):
        assert SCHEDULES[name](share) == pytest.approx(FORMULAS[name](share), abs=1e-14)
    for share, factor in POINTS[name].items():
        assert SCHEDULES[name](share) == pytest.approx(factor, abs=1e-15)


@every_solver
@every_schedule
def test_is_training_by_hand_with_those_rates(schedule, solver):
    factor = EVERY_SCHEDULE[schedule]
    by_hand = make(learning_rate="constant", **solver)
    for epoch in range(N_EPOCHS):
        by_hand.set_params(learning_rate_init=RATE * factor(epoch / N_EPOCHS))
        by_hand.partial_fit(X, y, classes=[0, 1, 2])
    by_name = make(learning_rate=SCHEDULES.get(schedule, factor), **solver).fit(X, y)
    assert_same_fit(by_name, by_hand)
    if schedule in SCHEDULES:
        assert_same_fit(make(learning_rate=schedule, **solver).fit(X, y), by_hand)


@every_solver
@every_schedule
def test_partial_fit_and_warm_start_go_through_it_again_and_again(schedule, solver):
    parameters = {"learning_rate": SCHEDULES.get(schedule, half_then_third), **solver}
    by_epochs = make(**parameters)
    for _ in range(2 * N_EPOCHS):
        by_epochs.partial_fit(X, y, classes=[0, 1, 2])
    assert_same_fit(make(warm_start=True, **parameters).fit(X, y).fit(X, y), by_epochs)


@every_solver
@pytest.mark.parametrize("learning_rate_init", ["auto", 0.05])
def test_factor_is_of_the_rate_that_is_set(solver, learning_rate_init):
    one, constant = (
        make(learning_rate=schedule, learning_rate_init=learning_rate_init, **solver).fit(X, y)
        for schedule in (lambda s: 1, "constant")
    )
    assert_same_fit(one, constant)


def test_function_is_given_the_share_that_is_done():
    shares = []

    def schedule(done):
        shares.append(done)
        return 1.0

    make(learning_rate=schedule).fit(X, y)
    assert sorted(set(shares)) == [epoch / N_EPOCHS for epoch in range(N_EPOCHS)]
    assert shares == sorted(shares)


@pytest.mark.parametrize("solver", ["plain", "adam"])  # momentum rolls on
def test_factor_of_zero_leaves_the_weights_alone(solver):
    first_epoch = make(learning_rate="constant", max_iter=1, **SOLVERS[solver]).fit(X, y)
    then_none = make(learning_rate=lambda s: float(s == 0), **SOLVERS[solver]).fit(X, y)
    for part, same in zip(first_epoch.coefs_, then_none.coefs_, strict=True):
        np.testing.assert_array_equal(part, same)


@pytest.mark.parametrize("kind", [np.float64, np.float32, Fraction, int, np.int8])
def test_factor_may_be_any_real_number(kind):
    half = make(learning_rate=lambda s: kind(2)).fit(X, y)
    assert_same_fit(half, make(learning_rate=lambda s: 2.0).fit(X, y))


@every_solver
@pytest.mark.parametrize(
    "factor", [-0.1, math.nan, math.inf, "a", None, 1j, [0.5], np.array([0.5])], ids=str
)
@pytest.mark.parametrize("first_wrong", [0.0, 0.5])
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_function_that_gives_no_factor(method, first_wrong, factor, solver):
    def schedule(done):
        return 1.0 if done < first_wrong else factor

    random_state, same = (np.random.RandomState(0) for _ in range(2))
    clf = make(learning_rate=schedule, **solver).set_params(random_state=random_state)
    for _ in range(0 if method == "fit" else int(first_wrong * N_EPOCHS)):
        clf.partial_fit(X, y, classes=[0, 1, 2])
    same.set_state(random_state.get_state())
    before = dict(vars(clf))
    weights = [part.copy() for part in getattr(clf, "coefs_", [])]
    with pytest.raises(ValueError, match=r"learning_rate=.*schedule.* gave .* finite"):
        clf.fit(X, y) if method == "fit" else clf.partial_fit(X, y, classes=[0, 1, 2])
    assert vars(clf).keys() == before.keys()
    for part, untouched in zip(getattr(clf, "coefs_", []), weights, strict=True):
        np.testing.assert_array_equal(part, untouched)
    assert random_state.randint(2**31) == same.randint(2**31)


def test_error_of_the_function_itself_comes_through():
    clf = make(learning_rate=lambda s: 1 / (0.5 - s))
    with pytest.raises(ZeroDivisionError):
        clf.fit(X, y)
    assert not hasattr(clf, "coefs_")


@pytest.mark.parametrize("learning_rate", ["fast", None, 0.5, ["linear"], ""], ids=str)
def test_schedule_that_is_neither_a_name_nor_a_function(learning_rate):
    with pytest.raises(ValueError, match=r"'learning_rate' parameter.*one_cycle.*callable"):
        make(learning_rate=learning_rate).fit(X, y)


def test_lbfgs_has_no_learning_rate():
    one, other = (
        make(solver="lbfgs", learning_rate=schedule).fit(X, y)
        for schedule in ("constant", half_then_third)
    )
    assert_same_fit(one, other)


def test_schedules_can_be_searched_over():
    schedules = ["constant", *SCHEDULES, half_then_third]
    search = GridSearchCV(make(), {"learning_rate": schedules}, cv=2).fit(X, y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert search.cv_results_["param_learning_rate"].tolist() == schedules
    best = make(**search.best_params_).fit(X, y)
    assert_same_fit(search.best_estimator_, best)
    assert clone(best).learning_rate is best.learning_rate
