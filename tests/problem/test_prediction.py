"""Predicting from plain arrays, which take a short way past scikit-learn's validation."""

import numpy as np
import pandas as pd
import pytest
import sklearn
from scipy import sparse

from skdigitnet import BackpropMLPClassifier
from skdigitnet._core.plan import ACTIVATIONS

RNG = np.random.default_rng(0)
X, y = RNG.random((3000, 5)), RNG.integers(0, 3, 3000)
METHODS = ("predict", "predict_proba", "predict_log_proba", "decision_function")

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.fixture(scope="module", params=[(), (6,), (4, 3)], ids=str)
def fitted(request):
    # weights below 1 in the first layer, which 1e308 does not take to infinity
    return BackpropMLPClassifier(
        request.param,
        max_iter=2,
        learning_rate_init=0.01,
        weight_init="sklearn",
        random_state=0,
    ).fit(X[:200], y[:200])


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("row", [0, 1500, 2999])
@pytest.mark.parametrize(
    ("value", "message"),
    [(np.nan, "contains NaN"), (np.inf, "infinity"), (-np.inf, "infinity")],
)
def test_value_that_is_not_finite(fitted, method, row, value, message):
    bad = X.copy()
    bad[row, 2] = value
    for kind in (np.asarray, np.asfortranarray, sparse.csr_array):
        with pytest.raises(ValueError, match=message):
            getattr(fitted, method)(kind(bad))


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_value_that_is_not_finite_is_seen_through_every_activation(activation):
    clf = BackpropMLPClassifier((6,), activation=activation, max_iter=1, random_state=0)
    clf.fit(X[:200] / 100, y[:200])
    for value in (np.nan, np.inf, -np.inf):
        with pytest.raises(ValueError, match="Input X contains"):
            clf.predict(np.full((1, 5), value))


def test_weight_of_zero_does_not_hide_infinity(fitted):
    clf = BackpropMLPClassifier((6,), max_iter=1, random_state=0).fit(X[:200], y[:200])
    clf.coefs_[0][:] = 0
    with pytest.raises(ValueError, match="infinity"):
        clf.predict(np.full((1, 5), np.inf))


def test_finite_values_may_overflow(fitted):
    huge = np.full((2, 5), 1e308)
    assert fitted.predict(huge).shape == (2,)


def test_assume_finite_is_heard(fitted):
    with sklearn.config_context(assume_finite=True):
        assert fitted.predict(np.full((1, 5), np.nan)).shape == (1,)


@pytest.mark.parametrize("method", METHODS)
def test_every_way_of_passing_rows_gives_the_same_bits(fitted, method):
    expected = getattr(fitted, method)(X)
    padded = np.zeros((3000, 11))
    padded[:, 1::2] = X
    with_readonly = X.copy()
    with_readonly.setflags(write=False)
    ways = [np.asfortranarray(X), padded[:, 1::2], X.tolist(), with_readonly, pd.DataFrame(X)]
    for rows in ways:
        np.testing.assert_array_equal(getattr(fitted, method)(rows), expected)
    for i in (0, 1234, 2999):
        np.testing.assert_array_equal(
            getattr(fitted, method)(X[i : i + 1]), expected[i : i + 1]
        )


def test_rows_without_the_names_that_fit_saw():
    frame = pd.DataFrame(X[:200], columns=list("abcde"))
    clf = BackpropMLPClassifier((3,), max_iter=1, random_state=0).fit(frame, y[:200])
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        clf.predict(X)
    with pytest.raises(ValueError, match="feature names"):
        clf.predict(frame.rename(columns={"a": "z"}))


def test_wrong_shapes(fitted):
    with pytest.raises(ValueError, match="4 features"):
        fitted.predict(X[:, :4])
    with pytest.raises(ValueError, match="2D array"):
        fitted.predict(X[0])
    with pytest.raises(ValueError, match="0 sample"):
        fitted.predict(X[:0])
