"""A solver trains in pieces, however many, to the same bits as at once."""

import pytest
from resuming import OPTIMISERS, SHAPED_SCHEDULES, assert_same_training, digits, make

from skdigitnet._training.lbfgs import LBFGSRun
from skdigitnet._training.sgd import StochasticRun

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, y, *_ = digits()


@pytest.fixture
def in_pieces(monkeypatch):
    """Has every fit train an epoch or iteration at a time."""

    def begin():
        for run in (StochasticRun, LBFGSRun):

            def advance(self, n_epochs, at_once=run.advance):
                for _ in range(n_epochs):
                    at_once(self, 1)

            monkeypatch.setattr(run, "advance", advance)

    return begin


@pytest.mark.parametrize("schedule", ["constant", *SHAPED_SCHEDULES])
@pytest.mark.parametrize("optimiser", OPTIMISERS)
def test_epochs(optimiser, schedule, in_pieces):
    parameters = {**OPTIMISERS[optimiser], "learning_rate": schedule, "dropout": 0.2}
    whole, pieces = (make(max_iter=7, warm_start=True, **parameters) for _ in range(2))
    whole.fit(X, y)
    in_pieces()
    assert_same_training(pieces.fit(X, y), whole)


@pytest.mark.parametrize("early_stopping", [False, True])
def test_a_rule_that_stops_in_the_middle(early_stopping, in_pieces):
    parameters = {"tol": 0.1, "n_iter_no_change": 2, "early_stopping": early_stopping}
    whole, pieces = (make(max_iter=200, warm_start=True, **parameters) for _ in range(2))
    assert whole.fit(X, y).n_iter_ < 200
    in_pieces()
    assert_same_training(pieces.fit(X, y), whole)


def test_iterations_continue_from_the_weights(in_pieces):
    whole = make(solver="lbfgs", max_iter=20).fit(X, y)
    in_pieces()
    with pytest.warns(match="max_iter=20"):
        pieces = make(solver="lbfgs", max_iter=20).fit(X, y)
    assert pieces.n_iter_ == whole.n_iter_ == 20
    assert sorted(pieces.loss_curve_, reverse=True) == pieces.loss_curve_


def test_evaluations_of_all_pieces_count_together(in_pieces):
    in_pieces()
    with pytest.warns(match="max_fun=9"):
        clf = make(solver="lbfgs", max_iter=50, max_fun=9).fit(X, y)
    assert clf.n_iter_ < 9
