"""What tests of searches share: small studies, and when two of them are the same."""

import warnings

import numpy as np
from sklearn.datasets import make_classification
from sklearn.exceptions import ConvergenceWarning


def make_rows(n_samples=48, n_classes=3, dtype=np.float64, seed=0):
    """A few rows that a network can learn, some negative, some zero."""
    X, y = make_classification(
        n_samples,
        4,
        n_informative=3,
        n_redundant=0,
        n_classes=n_classes,
        n_clusters_per_class=1,
        random_state=seed,
    )
    X[np.abs(X) < 0.2] = 0
    return X.astype(dtype), y


def assert_same_results(results, expected):
    """``cv_results_`` have the same keys in the same order, dtypes, masks and bits."""
    assert list(results) == list(expected)
    for key, array in expected.items():
        if key.endswith(("_time", "_times")):
            assert results[key].shape == array.shape
        elif key == "params":
            assert results[key] == array
        else:
            assert_same_array(results[key], array, key)


def assert_same_array(array, expected, what):
    assert type(array) is type(expected), what
    assert array.dtype == expected.dtype, what
    masks = np.ma.getmaskarray(array), np.ma.getmaskarray(expected)
    assert np.array_equal(*masks), what
    left, right = np.ma.getdata(array)[~masks[0]], np.ma.getdata(expected)[~masks[0]]
    if expected.dtype == object:
        assert all(a is b or a == b for a, b in zip(left, right, strict=True)), what
    else:
        assert left.tobytes() == right.tobytes(), (what, left, right)


def fitted(search, *rows, **params):
    """The search, fitted, and the other warnings than those of convergence."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        search.fit(*rows, **params)
    others = [w for w in caught if not issubclass(w.category, ConvergenceWarning)]
    return search, {(w.category.__name__, str(w.message)[:60]) for w in others}
