"""Estimators with a test's own settings, digits to fit them to, and their bits compared."""

import numpy as np
from sklearn.datasets import load_digits

from skdigitnet import BackpropMLPClassifier


def maker(**settings):
    """A function that makes an estimator of these parameters, and of others it is given."""

    def make(**parameters):
        return BackpropMLPClassifier(**{"random_state": 0, **settings, **parameters})

    return make


def first_digits(n_rows):
    """So many rows of the digits in [0, 1], and their classes."""
    X, y = load_digits(return_X_y=True)
    return X[:n_rows] / 16, y[:n_rows]


def target(kind, y):
    """Labels of a kind from digits: "binary", "multiclass" or "multilabel"."""
    if kind == "binary":
        return (y > 4).astype(int)
    return indicator(y) if kind == "multilabel" else y


def indicator(y):
    """Three labels of each digit."""
    return np.stack([y % 2 == 0, y > 4, y > 7], axis=1).astype(int)


def weights(clf):
    return [*clf.coefs_, *clf.intercepts_]


def bits(clf):
    """Of its weights and its loss curve."""
    return [array.tobytes() for array in (*weights(clf), np.array(clf.loss_curve_))]


def assert_same_weights(one, other):
    for left, right in zip(weights(one), weights(other), strict=True):
        np.testing.assert_array_equal(left, right)


def assert_same_fit(one, other):
    """The same weights, by way of the same losses."""
    assert one.loss_curve_ == other.loss_curve_
    assert_same_weights(one, other)
