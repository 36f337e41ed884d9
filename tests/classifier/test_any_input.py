"""Whatever is passed: success or a documented error, and nothing changed that should not be."""

import fractions
import pickle
import re
import warnings
from functools import partial

import numpy as np
import pandas as pd
import pytest
import sklearn
from effort import effort
from estimators import maker
from hypothesis import HealthCheck, given, settings
from scipy import sparse
from sklearn.exceptions import (
    ConvergenceWarning,
    DataConversionWarning,
    NotFittedError,
    UndefinedMetricWarning,
)
from sklearn.utils.fixes import parse_version
from strategies import FITS, PARAMETERS, PREDICTIONS, cases, damaged, damaged_coo

from skdigitnet import BackpropMLPClassifier

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

SETTINGS = settings(
    max_examples=effort(500, 20_000),
    derandomize=True,  # the same cases every time
    deadline=None,
    database=None,
    # a case is an estimator with thirty parameters and a table of numbers
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)

# docs/messages.md: what a call may raise and warn of
WARNINGS = [
    (
        ConvergenceWarning,
        "has not converged yet|stopped without converging|no better than a constant",
    ),
    (DataConversionWarning, "A column-vector y was passed"),
    (UserWarning, "does not have valid feature names|was fitted without feature names"),
    (UserWarning, "The number of unique classes is greater than 50%"),
    (UndefinedMetricWarning, ""),
    (UserWarning, "y_pred contains classes not in y_true"),
]


def content(value):
    """All that a value holds, as something to compare; without what its container caches."""
    if isinstance(value, dict):
        return {key: content(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [content(item) for item in value]
    if isinstance(value, np.random.RandomState):
        return content(value.get_state(legacy=False))
    if isinstance(value, pd.Series):
        return [str(value.dtype), value.name, list(value.index), content(list(value))]
    if isinstance(value, pd.DataFrame):
        return [content(column) for _, column in value.items()]
    if sparse.issparse(value):
        names = ("data", "indices", "indptr", "coords", "rows", "offsets", "shape")
        parts = [getattr(value, name, None) for name in names]
        return [type(value).__name__, content(parts), sorted(getattr(value, "_dict", ()))]
    if isinstance(value, np.ndarray) and value.dtype != object:
        flags = value.flags.writeable, value.flags.c_contiguous
        return [type(value).__name__, value.dtype.str, value.shape, flags, value.tobytes()]
    return pickle.dumps(value)


def attempt(clf, method, arguments):
    """Call the method; return its result, or None if it raises what it may."""
    estimator, passed = content(vars(clf)), content(arguments)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            result = getattr(clf, method)(**arguments)
        except (ValueError, TypeError, AttributeError) as error:
            assert_documented(error, method, arguments)
            assert content(vars(clf)) == estimator
            result = None
        assert content(arguments) == passed
    for warning in caught:
        assert any(
            issubclass(warning.category, category) and re.search(match, str(warning.message))
            for category, match in WARNINGS
        ), warning
    return result


def assert_documented(error, method, arguments):
    message = str(error)
    if isinstance(error, NotFittedError):
        assert "is not fitted yet" in message
    elif isinstance(error, AttributeError):
        assert message.endswith(f"has no attribute {method!r}"), message
        assert isinstance(error.__cause__, AttributeError)
    else:
        names = "|".join([*arguments, *PARAMETERS])
        assert re.search(rf"\b({names})\b", message), f"{type(error)}: {message}"


def assert_sound(clf, X):
    """The estimator is fitted with finite weights, and predicts with them."""
    for array in (*clf.coefs_, *clf.intercepts_):
        assert np.isfinite(array).all()
    assert np.isfinite(clf.loss_)
    assert_sound_prediction(clf, "predict", attempt(clf, "predict", {"X": X}))
    assert_sound_prediction(clf, "predict_proba", attempt(clf, "predict_proba", {"X": X}))


def assert_sound_prediction(clf, method, result):
    if result is None:
        return
    result = np.asarray(result)
    if method == "predict":
        assert np.isin(result, [0, 1] if result.ndim == 2 else clf.classes_).all()
        return
    if method == "predict_log_proba":
        assert not np.isnan(result).any()
        assert (result <= 0).all()
        return
    assert np.isfinite(result).all()
    if method == "predict_proba":
        assert ((result >= 0) & (result <= 1)).all()
        if not clf._multilabel:
            np.testing.assert_allclose(result.sum(axis=1), 1, rtol=1e-5)


def test_every_parameter_has_a_strategy():
    assert set(PARAMETERS) == set(BackpropMLPClassifier._parameter_constraints)


@SETTINGS
@given(cases())
def test_any_input(case):
    parameters, calls = case
    clf = BackpropMLPClassifier(**{"hidden_layer_sizes": 3, "max_iter": 2, **parameters})
    for changes, method, arguments in calls:
        clf.set_params(**changes)
        result = attempt(clf, method, arguments)
        if result is None:
            continue
        if method in FITS:
            assert result is clf
            assert_sound(clf, arguments["X"])
        elif method in PREDICTIONS:
            assert_sound_prediction(clf, method, result)
        else:
            assert 0 <= result <= 1


# What such cases have found, one by one

LABELS = np.arange(12) % 3
TABLE = np.random.RandomState(0).normal(size=(12, 3))
TOO_LARGE = 10**400


make = maker(hidden_layer_sizes=3, max_iter=2, random_state=None)


def refuse(clf, method, arguments, match):
    assert attempt(clf, method, arguments) is None
    with pytest.raises((TypeError, ValueError), match=match):
        getattr(clf, method)(**arguments)


@pytest.mark.parametrize(
    "arguments",
    [
        {"X": [[TOO_LARGE, 1, 2]] * 12},
        {"y": [TOO_LARGE, 1, 2] * 4},
        {"sample_weight": [TOO_LARGE] * 12},
        {"coef_init": [[[TOO_LARGE] * 3] * 3] * 2},
        {"intercept_init": [[TOO_LARGE] * 3] * 2},
    ],
    ids=lambda arguments: next(iter(arguments)),
)
def test_ints_beyond_every_float(arguments):
    name = next(iter(arguments))
    refuse(make(), "fit", {"X": TABLE, "y": LABELS, **arguments}, rf"\b{name}\b")


@pytest.mark.parametrize(
    "parameters",
    [{"alpha": TOO_LARGE}, {"max_iter": TOO_LARGE}, {"class_weight": {0: TOO_LARGE}}],
    ids=lambda parameters: next(iter(parameters)),
)
def test_parameters_beyond_every_float(parameters):
    name = next(iter(parameters))
    refuse(make(**parameters), "fit", {"X": TABLE, "y": LABELS}, rf"\b{name}\b")


@pytest.mark.parametrize("name", ["beta_1", "alpha", "momentum", "validation_fraction"])
def test_fractions_are_named(name):
    clf = make(**{name: fractions.Fraction(1, 3)})
    refuse(
        clf, "fit", {"X": TABLE, "y": LABELS}, f"{name} must be an int or a float; got a Frac"
    )


def test_a_power_beyond_every_float_makes_steps_of_zero():
    clf = make(learning_rate="invscaling", power_t=1e308, momentum=0, random_state=0)
    two_epochs = clf.fit(TABLE, LABELS).coefs_[0]
    assert np.array_equal(two_epochs, clf.set_params(max_iter=1).fit(TABLE, LABELS).coefs_[0])


@pytest.mark.parametrize("dtype", [">f4", ">f8"])
@pytest.mark.parametrize("form", [np.asarray, pd.DataFrame])
def test_x_in_the_other_byte_order(form, dtype):
    other, native = form(TABLE.astype(dtype)), form(TABLE.astype(dtype[1:]))
    clf = make(random_state=0, early_stopping=True).fit(other, LABELS)
    twin = make(random_state=0, early_stopping=True).fit(native, LABELS)
    if form is pd.DataFrame:  # scikit-learn makes float64 of an array in the other order
        assert np.array_equal(clf.coefs_[0], twin.coefs_[0])
        assert clf.coefs_[0].dtype == twin.coefs_[0].dtype == np.dtype(dtype[1:])
    assert np.array_equal(clf.predict(other), clf.predict(native))


DAMAGED = {
    "column too large": partial(damaged, sparse.csr_array, "indices", -1, 10**6),
    "negative column": partial(damaged, sparse.csr_array, "indices", 0, -1),
    "rows that end nowhere": partial(damaged, sparse.csr_array, "indptr", -1, 10**6),
    "rows that run backwards": partial(damaged, sparse.csr_array, "indptr", 1, -5),
    "row too large": partial(damaged, sparse.csc_array, "indices", -1, 10**6),
    "columns that end nowhere": partial(damaged, sparse.csc_array, "indptr", 1, 10**6),
    "coordinate too large": damaged_coo,
}


@pytest.mark.parametrize("method", ["fit", "partial_fit", "predict", "score"])
@pytest.mark.parametrize("damage", DAMAGED.values(), ids=DAMAGED)
def test_damaged_sparse_x_is_not_followed(damage, method):
    clf = make(warm_start=True).fit(TABLE, LABELS)
    arguments = {"X": damage(TABLE)}
    if method != "predict":
        arguments["y"] = LABELS
    refuse(clf, method, arguments, r"\bX\b")


def test_damaged_sparse_y_is_not_followed():
    y = damaged(sparse.csr_array, "indices", 0, 10**6, np.eye(3)[LABELS])
    refuse(make(), "fit", {"X": TABLE, "y": y}, r"\by\b")


@pytest.mark.parametrize("name", ["solver", "output_activation", "activation"])
@pytest.mark.parametrize(
    "value", [np.array(["sgd", "adam"]), sparse.eye_array(2), [], "sigmoid"]
)
def test_methods_look_at_parameters_of_any_type(name, value):
    """Whether partial_fit and predict_proba exist depends on two of them."""
    assert attempt(make(**{name: value}), "predict", {"X": TABLE}) is None
    clf = make().fit(TABLE, LABELS).set_params(**{name: value})
    if name == "solver":
        assert not hasattr(clf, "partial_fit")
    elif name == "activation":
        refuse(clf, "predict", {"X": TABLE}, "activation=")
    refuse(clf, "fit", {"X": TABLE, "y": LABELS}, name)


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize("method", PREDICTIONS)
def test_outputs_that_are_not_finite(method, form):
    clf = make(activation="relu").fit(TABLE, LABELS)
    clf.coefs_[0] *= 100
    refuse(clf, method, {"X": form(TABLE * 1e307)}, "outputs are not finite .* X")


def test_overflow_in_a_check_warns_of_nothing():
    X = np.array([[1, np.inf], [1, -np.inf]] * 6, dtype=np.float16)
    refuse(make(), "fit", {"X": X, "y": LABELS}, "X contains infinity")
    refuse(
        make(), "fit", {"X": X.astype(np.longdouble) * 2, "y": LABELS}, "X contains infinity"
    )


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"X": TABLE[0]}, "X: Expected 2D array"),
        ({"X": np.char.add(TABLE.astype(str), "a")}, "X: could not convert string"),
        ({"X": TABLE[:0]}, r"X: Found array with 0 sample\(s\)"),
        ({"y": LABELS + 0.5}, "y: Unknown label type: continuous"),
        ({"y": LABELS[1:]}, r"X or y: Found input variables with inconsistent .*\[12, 11\]"),
        ({"y": np.zeros((12, 2, 2))}, "y: Found array with dim 3"),
    ],
    ids=["vector", "strings", "empty", "continuous", "too short", "three-dimensional"],
)
def test_messages_of_other_packages_name_the_argument(arguments, match):
    refuse(make(), "fit", {"X": TABLE, "y": LABELS, **arguments}, f"^{match}")


@pytest.mark.parametrize(
    ("weight", "match"),
    [
        (np.zeros(12), "sample_weight is zero"),
        (-np.ones(12), "sample_weight must not be negative"),
        (np.full(12, np.nan), "sample_weight contains NaN"),
        (np.ones(5), "sample_weight has 5 weights for 12 rows"),
    ],
)
def test_weights_of_a_score(weight, match):
    arguments = {"X": TABLE, "y": LABELS, "sample_weight": weight}
    refuse(make().fit(TABLE, LABELS), "score", arguments, match)


@pytest.mark.parametrize(
    "y",
    [
        LABELS[1:],
        LABELS + 0.5,
        pytest.param(
            np.array(list("abc"))[LABELS],
            marks=pytest.mark.skipif(
                parse_version(sklearn.__version__) < parse_version("1.9"),
                reason="scikit-learn compares strings with numbers, and finds none equal",
            ),
        ),
        np.eye(3, dtype=int)[LABELS],
        None,
    ],
)
def test_y_of_a_score(y):
    refuse(make().fit(TABLE, LABELS), "score", {"X": TABLE, "y": y}, r"^y\b|\by\b")


@pytest.mark.parametrize("scoring", ["roc_auc", "f1"])
def test_scorers_that_are_not_for_several_classes(scoring):
    clf = make(scoring=scoring, early_stopping=True)
    refuse(clf, "fit", {"X": TABLE, "y": LABELS}, "scoring")


def test_a_median_of_huge_outputs_warns_of_nothing():
    X = np.where(TABLE > 0, 1.7e308, -1.7e308)
    refuse(
        make(activation="identity", random_state=0), "fit", {"X": X, "y": LABELS}, "diverged"
    )


def test_parameters_of_single_precision_round_nothing_else():
    numbers = {"alpha": 0.1, "tol": 1e-3, "learning_rate_init": 0.3, "power_t": 0.7}
    single = {name: np.float32(value) for name, value in numbers.items()}
    double = {name: float(value) for name, value in single.items()}
    weight = np.arange(12) * 1e-300
    for solver in ("sgd", "adam", "lbfgs"):
        common = {"solver": solver, "learning_rate": "invscaling", "random_state": 0}
        clf, twin = make(**common, **single), make(**common, **double)
        assert clf.fit(TABLE, LABELS).loss_ == twin.fit(TABLE, LABELS).loss_
        assert np.array_equal(clf.coefs_[0], twin.coefs_[0])
        arguments = {"X": TABLE, "y": LABELS, "sample_weight": weight}
        attempt(clf, "fit", arguments)  # alpha / W is beyond every float32
