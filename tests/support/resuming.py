"""Training that is interrupted and resumed: what its tests share."""

import itertools
import pickle
import signal
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields, replace
from functools import cache
from unittest.mock import patch

import joblib
import numpy as np
from estimators import maker, weights
from scipy import sparse
from sklearn.datasets import load_digits

from skdigitnet._core.train import train
from skdigitnet._problem import cost
from skdigitnet._training import sgd

# Rows and settings


@cache
def digits():
    """A hundred rows to train on and fifty to validate on."""
    X, y = load_digits(return_X_y=True)
    return X[:100] / 16, y[:100], X[100:150] / 16, y[100:150]


make = maker(hidden_layer_sizes=(6,), batch_size=25)


def other_training():
    """Of an unrelated network, in between."""
    X, y, *_ = digits()
    make(solver="adam", max_iter=2, dropout=0.5).fit(X, y)


def halving(done):
    """A schedule of the user's own."""
    return 0.5 ** (4 * done)


OPTIMISERS = {
    "gradient descent": {"solver": "sgd", "momentum": 0},
    "momentum": {"solver": "sgd", "nesterovs_momentum": False},
    "nesterov": {"solver": "sgd"},
    "adam": {"solver": "adam"},
}
STEADY_SCHEDULES = ("constant", "invscaling", "adaptive")
# these depend on max_iter
SHAPED_SCHEDULES = ("linear", "cosine", "step", "one_cycle", halving)
STOPPING = ("training loss", "held-out rows", "X_val")


@dataclass(frozen=True)
class Setting:
    """Parameters of a network and rows to train it on."""

    optimiser: str
    schedule: object
    stopping: str
    dropout: float
    is_sparse: bool
    dtype: type
    is_weighted: bool

    def __str__(self):
        values = (getattr(self, field.name) for field in fields(self))
        return "-".join(getattr(v, "__name__", str(v)) for v in values)

    @property
    def is_steady(self):
        """Whether two fits of five epochs are one of ten."""
        return self.schedule in STEADY_SCHEDULES

    def make(self, **parameters):
        cut_often = {"n_iter_no_change": 1, "tol": 0.1}
        return make(
            learning_rate=self.schedule,
            early_stopping=self.stopping != "training loss",
            dropout=self.dropout,
            **OPTIMISERS[self.optimiser],
            **(cut_often if self.schedule == "adaptive" else {}),
            **parameters,
        )

    def rows(self):
        """The arguments of fit."""
        X, y, X_val, y_val = digits()
        form = sparse.csr_matrix if self.is_sparse else np.asarray
        rows = {"X": form(X.astype(self.dtype)), "y": y}
        if self.is_weighted:
            rows["sample_weight"] = np.linspace(0.1, 3, len(y))
        if self.stopping == "X_val":
            rows |= {"X_val": form(X_val.astype(self.dtype)), "y_val": y_val}
        return rows


def grid():
    """Every optimiser with every schedule and stopping rule; the rest is drawn."""
    draw = np.random.RandomState(0).randint
    combinations = itertools.product(OPTIMISERS, STEADY_SCHEDULES + SHAPED_SCHEDULES, STOPPING)
    for optimiser, schedule, stopping in combinations:
        rest = (0.0, 0.3)[draw(2)], bool(draw(2)), (np.float64, np.float32)[draw(2)]
        if optimiser != "adam" or schedule not in ("invscaling", "adaptive"):
            yield Setting(optimiser, schedule, stopping, *rest, bool(draw(2)))


GRID = list(grid())


# Comparison


# what the next epoch does not depend on
ASIDE = {"n_before": 0, "interrupted": False, "records": {}}


def compared(state):
    state = replace(state, epoch=replace(state.epoch, gradient=None), **ASIDE)
    return asdict(state)


def assert_same_training(one, other):
    """To the bit, in what training publishes and, where it is kept, in its state."""
    for name in (
        "n_iter_",
        "t_",
        "loss_",
        "loss_curve_",
        "best_loss_",
        "validation_scores_",
        "best_validation_score_",
        "best_iteration_",
    ):
        assert getattr(one, name) == getattr(other, name), name
    for left, right in zip(weights(one), weights(other), strict=True):
        assert left.dtype == right.dtype
        np.testing.assert_array_equal(left, right)
    if hasattr(one, "_training_state") and hasattr(other, "_training_state"):
        np.testing.assert_equal(compared(one._training_state), compared(other._training_state))


# Interruption


def cut_calls_short(set_attribute=setattr):
    """Make a compiled call a block of eight rows, so that batches of 25 take four calls."""
    set_attribute(cost, "MIN_BLOCK_ROWS", 8)
    set_attribute(cost, "MAX_BLOCK_ROWS", 8)
    set_attribute(cost, "CALL_OPERATIONS", 1)


@contextmanager
def ctrl_c_in_calls(*numbers, on_ctrl_c=lambda: None):
    """Send Ctrl-C in these compiled calls of training, counted from 1 in the main thread."""
    counter = itertools.count(1)

    def counted(*arguments, thread=0):
        result = train(*arguments, thread=thread)
        if thread == 0 and next(counter) in numbers:
            on_ctrl_c()
            signal.raise_signal(signal.SIGINT)
        return result

    with patch.object(sgd, "train", counted):
        yield counter


def fit_through_ctrl_c(clf, rows, numbers, between=lambda clf: clf):
    """Fit, after Ctrl-C in these compiled calls again, and return the estimator."""
    n_interrupts = 0
    with ctrl_c_in_calls(*numbers):
        while True:
            try:
                clf.fit(**rows)
                break
            except KeyboardInterrupt:
                n_interrupts += 1
                clf = between(clf)
    assert n_interrupts == len(numbers)
    return clf


def fit_until_call(clf, rows, number):
    """Fit up to Ctrl-C in that compiled call."""
    with ctrl_c_in_calls(number):
        try:
            clf.fit(**rows)
        except KeyboardInterrupt:
            return clf
    raise AssertionError("training ended before it could be interrupted")


def is_finished(clf, whole):
    """Whether a fit that Ctrl-C has ended had nothing left to train."""
    if not hasattr(clf, "coefs_") or clf._training_state.interrupted:
        return False
    return clf.n_iter_ == whole.n_iter_


# Files


def save(clf, path):
    """With pickle or joblib, as the name ends."""
    path.write_bytes(pickle.dumps(clf)) if path.suffix == ".pkl" else joblib.dump(clf, path)


def load(path):
    return pickle.loads(path.read_bytes()) if path.suffix == ".pkl" else joblib.load(path)
