"""Bad input raises an error that says what is wrong, and changes nothing."""

import datetime
import itertools
import re
from decimal import Decimal

import joblib
import numpy as np
import pandas as pd
import pytest
from estimators import maker
from scipy import sparse
from sklearn.exceptions import NotFittedError

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

N_ROWS = 30
LABELS = np.arange(N_ROWS) % 3
INDICATOR = np.stack([LABELS == 0, LABELS > 0, LABELS == 2], axis=1).astype(int)
ONES = np.ones(N_ROWS)


def table(names="abcd"):
    values = np.random.RandomState(0).normal(size=(N_ROWS, 4))
    return pd.DataFrame(values, columns=list(names))


X = table().to_numpy()


make = maker(hidden_layer_sizes=(5,), max_iter=2)


def fresh(labels):
    clf = make()
    return clf, clf.fit


def fitted(labels):
    # on other columns, which a failing second fit must not replace
    clf = make().fit(table("efgh"), labels)
    return clf, clf.fit


def warm_started(labels):
    clf = make(warm_start=True).fit(table(), labels)
    return clf, clf.fit


def partially_fitted(labels):
    clf = make().partial_fit(table(), labels, classes=range(3))
    return clf, clf.partial_fit


FIT = [fresh, fitted]
FULL_FIT = [*FIT, warm_started]
ALL = [*FULL_FIT, partially_fitted]


def content(argument):
    """What an argument holds, without what its container caches."""
    if sparse.issparse(argument):
        return argument.toarray()
    if isinstance(argument, pd.DataFrame | pd.Series):
        return argument.to_dict()
    return argument


def assert_refused(clf, call, arguments, error, match=None):
    """The call raises, and neither the estimator nor the arguments change."""

    def state():
        return joblib.hash([vars(clf), {name: content(a) for name, a in arguments.items()}])

    before = state()
    with pytest.raises(error, match=match):
        call(**arguments)
    assert state() == before


def changed(array, index, value):
    array = np.array(array, dtype=np.result_type(array, type(value)))
    array[index] = value
    return array


def with_value(value):
    frame = table()
    frame.iloc[3, 2] = value
    return frame


# What fit is given

BAD_X = {
    "NaN": (with_value(np.nan), ValueError, "X contains NaN"),
    "infinity": (with_value(-np.inf), ValueError, "X contains infinity"),
    "None": (None, ValueError, "2D array"),
    "one-dimensional": (X[:, 0], ValueError, "Expected 2D array, got 1D"),
    "three-dimensional": (X[..., None], ValueError, "dim 3"),
    "no columns": (X[:, :0], ValueError, r"0 feature\(s\)"),
    "no rows": (table()[:0], ValueError, r"0 sample\(s\)"),
    "strings": (table().astype(str) + "a", ValueError, "could not convert"),
    "objects": (np.full((N_ROWS, 4), {}), TypeError, "float"),
    "complex": (X * 1j, ValueError, "Complex data not supported"),
    "too few rows": (table()[1:], ValueError, r"inconsistent.*\[29, 30\]"),
    "sparse with NaN": (
        sparse.csr_array(changed(X, (3, 2), np.nan)),
        ValueError,
        "X contains NaN",
    ),
    "sparse and complex": (sparse.csr_array(X * 1j), ValueError, "Complex data"),
}


@pytest.mark.filterwarnings("ignore:X does not have valid feature names")
@pytest.mark.parametrize("prepare", ALL)
@pytest.mark.parametrize(("bad", "error", "match"), BAD_X.values(), ids=BAD_X)
def test_bad_rows(prepare, bad, error, match):
    clf, call = prepare(LABELS)
    if prepare in (fresh, fitted):
        assert_refused(clf, call, {"X": bad, "y": LABELS}, error, match)
    else:  # the number of columns may be what is noticed first
        assert_refused(clf, call, {"X": bad, "y": LABELS}, error, f"{match}|features|feature")


BAD_Y = {
    "None": (None, ValueError, r"\by\b"),
    "NaN": (changed(LABELS, 3, np.nan), ValueError, r"y has missing labels, 1 of 30 \(nan\)"),
    "infinity": (changed(LABELS, 3, np.inf), ValueError, "y contains infinity"),
    "continuous": (LABELS + 0.5, ValueError, "Unknown label type: continuous"),
    "too short": (LABELS[1:], ValueError, r"inconsistent.*\[30, 29\]"),
    "three-dimensional": (np.zeros((N_ROWS, 2, 2), int), ValueError, "dim 3"),
    "several multiclass columns": (
        np.stack([LABELS, LABELS], axis=1),
        ValueError,
        r"y has shape \(30, 2\).*indicator matrix",
    ),
    "complex": (LABELS + 1j, ValueError, "Complex data"),
    "bytes": (np.array([b"a", b"b", b"c"])[LABELS], TypeError, "bytes"),
    "lists of labels": ([[1], [2, 3]] * 15, ValueError, "sequence|inhomogeneous"),
    "mixed types": (
        np.array([1, "a", 2] * 10, dtype=object),
        ValueError,
        r"\by\b.*(types|mix)",
    ),
    "None among strings": (
        np.array([None, "a", "b"] * 10, dtype=object),
        ValueError,
        r"y has missing labels, 10 of 30 \(None\)",
    ),
    "None among numbers": (
        np.array([None, 1, 2] * 10, dtype=object),
        ValueError,
        r"y has missing labels, 10 of 30 \(None\)",
    ),
    "missing value": (
        pd.Series(LABELS).astype("Int64").where(LABELS > 0),
        ValueError,
        "y has missing labels, 10 of 30",
    ),
    "missing string": (
        pd.Series(LABELS).astype(str).where(LABELS > 0),
        ValueError,
        "y has missing labels, 10 of 30",
    ),
    "missing string of pandas": (
        pd.Series(LABELS).astype("string").where(LABELS > 0),
        ValueError,
        "y has missing labels, 10 of 30",
    ),
    "missing date": (
        np.array(["NaT", "2020-01-01", "2020-01-02"] * 10, dtype="datetime64[D]"),
        ValueError,
        r"y has missing labels, 10 of 30 \(NaT\)",
    ),
    "indicator of 1 and 2": (INDICATOR + 1, ValueError, r"\by\b.* 0 and 1"),
    "indicator of -1 and 1": (2 * INDICATOR - 1, ValueError, r"\by\b.* 0 and 1"),
    "indicator of 0 and 2": (2 * INDICATOR, ValueError, r"\by\b.* 0 and 1"),
    "sparse indicator of 0 and 2": (
        sparse.csr_array(2 * INDICATOR),
        ValueError,
        r"\by\b.* 0 and 1",
    ),
    "sparse column": (sparse.csr_array(LABELS[:, None]), (TypeError, ValueError), r"\by\b"),
    "one class": (np.full(N_ROWS, 7), ValueError, r"one class only.*\[7\]"),
}


OBJECTS = {
    "ints": (LABELS.tolist(), "int", "int"),
    "NumPy ints": (list(LABELS), "int64", "int"),
    "floats": (LABELS.astype(float).tolist(), "float", "float"),
    "bools": ((LABELS > 0).tolist(), "bool", "bool"),
    "bools and ints": ([True, 2, 1] * 10, "bool, int", "int"),
    "dates": ([datetime.date(2020, 1, 1 + i) for i in LABELS], "date", "str"),
    "decimals": ([Decimal(i) for i in LABELS.tolist()], "Decimal", "str"),
    "indicator": (INDICATOR.astype(bool).tolist(), "bool", "bool"),
}


@pytest.mark.parametrize("prepare", FIT)
@pytest.mark.parametrize("convert", [np.asarray, pd.Series, pd.DataFrame])
@pytest.mark.parametrize(("labels", "kinds", "dtype"), OBJECTS.values(), ids=OBJECTS)
def test_labels_of_object_dtype(prepare, convert, labels, kinds, dtype):
    """scikit-learn's classifiers refuse them too, and speak of a regression target."""
    bad = np.array(labels, dtype=object)
    bad = convert(bad) if bad.ndim == 1 or convert is not pd.Series else pd.DataFrame(bad)
    clf, call = prepare(LABELS)
    match = rf"y: Unknown label type: .*object with .*type {kinds}\. .*y\.astype\({dtype}\)"
    assert_refused(clf, call, {"X": table(), "y": bad}, ValueError, match)
    # what the message says to do
    clf = make().fit(X, np.asarray(bad.astype(dtype)).reshape(np.shape(labels)))
    assert_refused(clf, clf.score, {"X": X, "y": bad}, ValueError, match)


@pytest.mark.parametrize(
    ("y", "match"),
    [
        (INDICATOR, "indicator matrix.*Use 'auto' or 'logistic'"),
        (np.eye(3)[LABELS], r"one-hot: give y\.argmax\(axis=1\)"),
        (np.eye(3, dtype=bool)[LABELS], r"one-hot: give y\.argmax\(axis=1\)"),
        (sparse.csr_array(np.eye(3)[LABELS]), r"one-hot: give y\.argmax\(axis=1\)"),
    ],
    ids=["several labels", "one-hot", "one-hot bool", "sparse one-hot"],
)
def test_softmax_outputs_for_an_indicator_matrix(y, match):
    clf = make(output_activation="softmax")
    assert_refused(clf, clf.fit, {"X": X, "y": y}, ValueError, match)


def test_one_class_speaks_of_weights_only_where_there_are_zeros():
    y, weight = np.array([0, 1] * 15), np.array([1.0, 0.0] * 15)
    with pytest.raises(ValueError, match=r"y has one class only: \[7\]\. "):
        make().fit(X, np.full(N_ROWS, 7), sample_weight=weight + 1)
    with pytest.raises(
        ValueError, match=r"only among the rows of positive sample_weight: \[0\]"
    ):
        make().fit(X, y, sample_weight=weight)


@pytest.mark.parametrize("prepare", FIT)
@pytest.mark.parametrize(("bad", "error", "match"), BAD_Y.values(), ids=BAD_Y)
def test_bad_y(prepare, bad, error, match):
    clf, call = prepare(LABELS)
    assert_refused(clf, call, {"X": table(), "y": bad}, error, match)


@pytest.mark.parametrize("prepare", [warm_started, partially_fitted])
@pytest.mark.parametrize(
    ("first", "bad", "match"),
    [
        (LABELS, np.where(LABELS == 2, 5, LABELS), r"labels \[5\].*\[0, 1, 2\]"),
        (LABELS, np.array(list("abc"))[LABELS], r"labels .*'a'.*\[0, 1, 2\]"),
        (LABELS, INDICATOR, r"y must be one label a row.*\(30, 3\)"),
        (INDICATOR, LABELS, r"y must be an indicator matrix.*\(30,\)"),
        (INDICATOR, INDICATOR[:, :2], "y has 2 columns.*3 classes"),
    ],
    ids=["new label", "strings", "indicator", "no indicator", "too few columns"],
)
def test_y_that_does_not_fit_the_first_y(prepare, first, bad, match):
    clf, call = prepare(first)
    assert_refused(clf, call, {"X": table(), "y": bad}, ValueError, match)


BAD_WEIGHT = {
    "NaN": (changed(ONES, 3, np.nan), "sample_weight contains NaN"),
    "infinity": (changed(ONES, 3, np.inf), "sample_weight contains infinity"),
    "infinite sum": (np.full(N_ROWS, 1e308), "sample_weight sums to infinity"),
    "negative": (changed(ONES, 3, -0.5), r"sample_weight must not be negative.*-0\.5"),
    "all zero": (np.zeros(N_ROWS), "sample_weight is zero for every row"),
    "too short": (ONES[1:], r"sample_weight.*29"),
    "too long": (np.ones(31), r"sample_weight.*31"),
    "empty": ([], "sample_weight"),
    "two-dimensional": (ONES[:, None], "sample_weight must be 1-dimensional.*got 2"),
    "a number": (2.0, "sample_weight"),
    "strings": (["a"] * N_ROWS, "sample_weight"),
    "complex": (ONES * 1j, "sample_weight"),
    "sparse": (sparse.csr_array(ONES[:, None]), "sample_weight"),
}


@pytest.mark.parametrize("prepare", ALL)
@pytest.mark.parametrize(("bad", "match"), BAD_WEIGHT.values(), ids=BAD_WEIGHT)
def test_bad_sample_weight(prepare, bad, match):
    clf, call = prepare(LABELS)
    arguments = {"X": table(), "y": LABELS, "sample_weight": bad}
    assert_refused(clf, call, arguments, (ValueError, TypeError), match)


GOOD_COEFS = [np.zeros((4, 5)), np.zeros((5, 3))]
BAD_COEFS = {
    "NaN": ([GOOD_COEFS[0], np.full((5, 3), np.nan)], "NaN"),
    "infinity": ([np.full((4, 5), np.inf), GOOD_COEFS[1]], "infinity"),
    "too few": (GOOD_COEFS[:1], r"\[\(4, 5\), \(5, 3\)\].*got \[\(4, 5\)\]"),
    "too many": ([*GOOD_COEFS, GOOD_COEFS[1]], r"got \[\(4, 5\), \(5, 3\), \(5, 3\)\]"),
    "transposed": ([W.T for W in GOOD_COEFS], r"got \[\(5, 4\), \(3, 5\)\]"),
    "one array": (GOOD_COEFS[0], ""),
    "three-dimensional": ([W[None] for W in GOOD_COEFS], ""),
    "empty array": ([GOOD_COEFS[0], []], ""),
    "numbers": ([0.0, 1.0], ""),
    "a number": (0.0, ""),
    "None inside": ([GOOD_COEFS[0], None], ""),
    "strings": ([GOOD_COEFS[0], np.full((5, 3), "a")], ""),
    "complex": ([GOOD_COEFS[0], GOOD_COEFS[1] * 1j], ""),
}


@pytest.mark.parametrize("prepare", FULL_FIT)
@pytest.mark.parametrize(("bad", "match"), BAD_COEFS.values(), ids=BAD_COEFS)
def test_bad_coef_init(prepare, bad, match):
    clf, call = prepare(LABELS)
    arguments = {"X": table(), "y": LABELS, "coef_init": bad}
    assert_refused(clf, call, arguments, (ValueError, TypeError), f"(?s)coef_init.*{match}")


@pytest.mark.parametrize("prepare", FULL_FIT)
@pytest.mark.parametrize(
    ("bad", "match"),
    [
        ([np.zeros(5), [0, 0, np.nan]], "NaN"),
        ([np.zeros(5)], r"\[\(5,\), \(3,\)\].*got \[\(5,\)\]"),
        ([np.zeros(3), np.zeros(5)], r"got \[\(3,\), \(5,\)\]"),
        ([np.zeros((5, 1)), np.zeros((3, 1))], r"got \[\(5, 1\), \(3, 1\)\]"),
        (GOOD_COEFS, r"got \[\(4, 5\), \(5, 3\)\]"),
        (0.0, ""),
    ],
)
def test_bad_intercept_init(prepare, bad, match):
    clf, call = prepare(LABELS)
    arguments = {"X": table(), "y": LABELS, "intercept_init": bad}
    assert_refused(
        clf, call, arguments, (ValueError, TypeError), f"(?s)intercept_init.*{match}"
    )


def test_coef_init_too_large_for_float32():
    arguments = {"X": X.astype(np.float32), "y": LABELS}
    arguments["coef_init"] = [np.full((4, 5), 1e300), GOOD_COEFS[1]]
    clf = make()
    assert_refused(clf, clf.fit, arguments, ValueError, "coef_init")


# Parameters

BAD_PARAMETERS = {
    "hidden_layer_sizes": [
        0,
        -1,
        2.5,
        None,
        "5",
        (0,),
        (5, -1),
        (5.0,),
        ["5"],
        [[5]],
        (5, None),
        np.array(5),
        np.array([5.0]),
        np.nan,
    ],
    "activation": ["sigmoid", None, 1],
    "solver": ["newton", None],
    "loss": ["hinge", None],
    "output_activation": ["tanh", None],
    "alpha": [-1, np.nan, np.inf, "a", None],
    "batch_size": [0, -5, 2.5, "all", None],
    "learning_rate": ["fast", 0.1],
    "learning_rate_init": [0, -1, np.nan, np.inf, "fast", None],
    "power_t": [-1, np.nan, "a"],
    "max_iter": [0, -1, 1.5, np.inf, None],
    "shuffle": ["yes", None, 2],
    "random_state": [-1, 1.5, "a"],
    "tol": [-1, np.nan, np.inf, "a"],
    "verbose": [-1, "yes"],
    "warm_start": ["yes", None],
    "momentum": [-0.1, 1.1, np.nan, "a"],
    "nesterovs_momentum": ["yes", None],
    "beta_1": [-0.1, 1, np.nan],
    "beta_2": [-0.1, 1, np.nan],
    "epsilon": [0, -1, np.nan],
    "early_stopping": ["yes", None],
    "validation_fraction": [0, 1, -0.1, np.nan, "a"],
    "scoring": ["best", None, 5],
    "dropout": [-0.1, 1, np.nan, "a", None, [0.5, 0.5], [1.0], ["a"], [[0.5]]],
    "n_iter_no_change": [0, -1, 1.5, -np.inf, np.nan, "a"],
    "max_fun": [0, -1, 1.5, None],
    "class_weight": ["auto", 5, (1, 2, 3)],
    "weight_init": ["glorot", None],
    "n_jobs": [0, 1.5, "all"],
}


def test_every_parameter_has_bad_values():
    assert set(BAD_PARAMETERS) == set(make().get_params())


@pytest.mark.parametrize(
    ("prepare", "name", "value"),
    [
        pytest.param(prepare, name, value, id=f"{name}={value!r}-{prepare.__name__}")
        for prepare in ALL
        for name, values in BAD_PARAMETERS.items()
        for value in values
        # without a known solver there is no partial_fit
        if (prepare, name) != (partially_fitted, "solver")
    ],
)
def test_bad_parameter(prepare, name, value):
    clf, call = prepare(LABELS)
    clf.set_params(**{name: value})
    match = rf"\b{name}\b(?s:.*){re.escape(repr(value))}"
    assert_refused(clf, call, {"X": table(), "y": LABELS}, (ValueError, TypeError), match)


@pytest.mark.parametrize(
    ("value", "hidden"),
    [
        (5, [5]),
        (np.int64(5), [5]),
        ((5,), [5]),
        ([5, 3], [5, 3]),
        (np.array([5, 3]), [5, 3]),
        ([np.int32(5), 3], [5, 3]),
        (range(2, 5), [2, 3, 4]),
        ((), []),
        ([], []),
        (np.array([], dtype=int), []),
    ],
    ids=repr,
)
def test_hidden_layer_sizes_may_be_any_sequence(value, hidden):
    clf = make(hidden_layer_sizes=value).fit(X, LABELS)
    sizes = [4, *hidden, 3]
    assert [W.shape for W in clf.coefs_] == list(itertools.pairwise(sizes))
    assert clf.n_layers_ == len(sizes)


@pytest.mark.parametrize("prepare", [warm_started, partially_fitted])
@pytest.mark.parametrize(
    "parameters",
    [
        {"hidden_layer_sizes": (6,)},
        {"hidden_layer_sizes": (5, 5)},
        {"hidden_layer_sizes": ()},
    ],
    ids=str,
)
def test_resuming_with_another_network(prepare, parameters):
    clf, call = prepare(LABELS)
    clf.set_params(**parameters)
    arguments = {"X": table(), "y": LABELS}
    assert_refused(clf, call, arguments, ValueError, "hidden_layer_sizes")


@pytest.mark.parametrize("prepare", [warm_started, partially_fitted])
def test_resuming_from_coefs_of_another_shape(prepare):
    clf, call = prepare(LABELS)
    clf.coefs_[0] = clf.coefs_[0].T
    assert_refused(clf, call, {"X": table(), "y": LABELS}, ValueError, "coefs_.*shapes")


@pytest.mark.parametrize(
    ("loss", "output_activation", "goes"),
    [
        ("log_loss", "auto", True),
        ("log_loss", "softmax", True),
        ("log_loss", "logistic", True),
        ("log_loss", "identity", False),
        ("squared_error", "auto", True),
        ("squared_error", "softmax", True),
        ("squared_error", "logistic", True),
        ("squared_error", "identity", True),
    ],
)
@pytest.mark.parametrize(
    "labels", [LABELS, LABELS > 0, INDICATOR], ids=["multiclass", "binary", "multilabel"]
)
def test_loss_and_output_activation_together(loss, output_activation, goes, labels):
    clf = make(loss=loss, output_activation=output_activation)
    arguments = {"X": table(), "y": labels}
    if labels is INDICATOR and output_activation == "softmax":
        goes = False
    if goes:
        assert clf.fit(**arguments).predict(table()).shape == labels.shape
    else:
        assert_refused(
            clf, clf.fit, arguments, ValueError, f"output_activation='{output_activation}'"
        )


@pytest.mark.parametrize("prepare", ALL)
@pytest.mark.parametrize(
    ("value", "match"),
    [
        ({5: 1.0}, r"class_weight names \[5\].*\[0, 1, 2\]"),
        ({"0": 1.0}, r"class_weight names \['0'\]"),
        ({0: -1.0}, r"class_weight=\{0: -1\.0\}.*not negative"),
        ({0: np.nan}, "class_weight=.*finite"),
        ({0: np.inf}, "class_weight=.*finite"),
        ({0: "a"}, "class_weight"),
        ({0: None}, "class_weight"),
        ({0: [1.0]}, "class_weight"),
        ({0: 0, 1: 0, 2: 0}, "class_weight=.*positive"),
        ([{0: 1.0}], "class_weight=.*multilabel"),
        ([], "class_weight=.*multilabel"),
    ],
    ids=str,
)
def test_bad_class_weight(prepare, value, match):
    clf, call = prepare(LABELS)
    clf.set_params(class_weight=value)
    assert_refused(clf, call, {"X": table(), "y": LABELS}, (ValueError, TypeError), match)


@pytest.mark.parametrize("prepare", ALL)
@pytest.mark.parametrize(
    "value",
    [
        {0: 1.0},
        [],
        [{0: 1.0}, {1: 1.0}],
        [{0: 1.0}, {1: 1.0}, {2: 1.0}],
        [{0: 1.0}, {1: 1.0}, {1: -1.0}],
        [{0: 1.0}, {1: 1.0}, {1: "a"}],
        [{0: 1.0}, {1: 1.0}, None],
        [1.0, 2.0, 3.0],
        [{0: 0, 1: 0}, {}, {}],
    ],
    ids=str,
)
def test_bad_class_weight_for_several_labels_a_row(prepare, value):
    clf, call = prepare(INDICATOR)
    clf.set_params(class_weight=value)
    arguments = {"X": table(), "y": INDICATOR}
    assert_refused(clf, call, arguments, (ValueError, TypeError), "class_weight")


def test_product_of_class_weight_and_sample_weight_too_large():
    clf = make(class_weight={0: 1e200})
    arguments = {"X": X, "y": LABELS, "sample_weight": np.full(N_ROWS, 1e200)}
    assert_refused(clf, clf.fit, arguments, ValueError, "class_weight")


def test_early_stopping_where_no_class_has_a_row_to_spare():
    clf = make(early_stopping=True)
    arguments = {"X": table()[:3], "y": [0, 1, 2]}
    assert_refused(clf, clf.fit, arguments, ValueError, "early_stopping=True.*3 rows")


@pytest.mark.parametrize(
    ("parameters", "arguments"),
    [
        ({}, {"coef_init": [X]}),
        ({"class_weight": {5: 1.0}}, {}),
        ({"early_stopping": True}, {"sample_weight": np.repeat([1.0, 0.0], [3, N_ROWS - 3])}),
    ],
    ids=["coef_init", "class_weight", "early_stopping"],
)
def test_bad_input_draws_nothing_from_a_given_generator(parameters, arguments):
    clf = make(random_state=np.random.RandomState(0), **parameters)
    assert_refused(clf, clf.fit, {"X": X, "y": LABELS, **arguments}, ValueError)


# partial_fit


@pytest.mark.parametrize(
    ("classes", "match"),
    [
        (None, "classes must be passed on the first call"),
        ([0], r"classes=\[0\] has one class only"),
        ([0, 1], r"labels \[2\].*\[0, 1\]"),
        (["a", "b", "c"], "labels.*not among the classes"),
        ([], "classes"),
        ([[0, 1], [1, 2]], "classes"),
        (3, "classes"),
        ([0, 1, 2, np.nan], r"classes has missing labels, 1 of 4 \(nan\)"),
        ([0, 1, None], r"classes has missing labels, 1 of 3 \(None\)"),
        (
            np.array([0, 1, 2], dtype=object),
            r"classes: .*dtype object.*classes\.astype\(int\)",
        ),
        (np.array([0, "a"], dtype=object), "classes"),
    ],
)
def test_bad_classes_in_the_first_partial_fit(classes, match):
    clf = make()
    arguments = {"X": table(), "y": LABELS, "classes": classes}
    assert_refused(clf, clf.partial_fit, arguments, ValueError, match)


def test_first_partial_fit_of_an_indicator_with_other_columns_than_classes():
    clf = make()
    arguments = {"X": table(), "y": INDICATOR, "classes": [0, 1]}
    assert_refused(clf, clf.partial_fit, arguments, ValueError, "y has 3 columns.*2 classes")


@pytest.mark.parametrize("classes", [[0, 1], [0, 1, 2, 3], list("abc"), [[0, 1, 2]] * 2, 0])
def test_other_classes_in_a_later_partial_fit(classes):
    clf, call = partially_fitted(LABELS)
    arguments = {"X": table(), "y": LABELS, "classes": classes}
    assert_refused(clf, call, arguments, ValueError, "classes.*(first call|shape)")


@pytest.mark.parametrize("solver", ["sgd", "adam"])
def test_partial_fit_exists(solver):
    assert hasattr(make(solver=solver), "partial_fit")


def test_partial_fit_does_not_exist_for_lbfgs():
    clf = make(solver="lbfgs")
    assert not hasattr(clf, "partial_fit")
    with pytest.raises(AttributeError, match="partial_fit") as error:
        clf.partial_fit  # noqa: B018
    assert "solver='lbfgs'" in str(error.value.__cause__)


# Prediction

# prediction is given no y, whose length could differ
BAD_X_ALONE = {name: bad for name, bad in BAD_X.items() if "inconsistent" not in bad[2]}
PREDICTIONS = ["predict", "predict_proba", "predict_log_proba", "decision_function"]


@pytest.mark.parametrize("method", PREDICTIONS)
@pytest.mark.parametrize(
    ("bad", "error", "match"),
    [*BAD_X_ALONE.values(), (table()[["a", "b"]], ValueError, "feature names")],
    ids=[*BAD_X_ALONE, "too few columns"],
)
@pytest.mark.filterwarnings("ignore:X does not have valid feature names")
def test_bad_rows_in_prediction(method, bad, error, match):
    clf, _ = warm_started(LABELS)
    arguments = {"X": bad}
    assert_refused(clf, getattr(clf, method), arguments, error, f"{match}|feature")


@pytest.mark.parametrize("method", [*PREDICTIONS, "fit", "partial_fit"])
@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_array])
def test_other_number_of_features(method, kind):
    clf = make(warm_start=True).fit(kind(X), LABELS)
    arguments = {"X": kind(X[:, :3])}
    if "fit" in method:
        arguments["y"] = LABELS
    match = "X has 3 features, but BackpropMLPClassifier is expecting 4"
    assert_refused(clf, getattr(clf, method), arguments, ValueError, match)


@pytest.mark.parametrize("method", [*PREDICTIONS, "fit", "partial_fit"])
def test_other_feature_names(method):
    clf, _ = warm_started(LABELS)
    arguments = {"X": table("abce")}
    if "fit" in method:
        arguments["y"] = LABELS
    assert_refused(clf, getattr(clf, method), arguments, ValueError, "feature names")


@pytest.mark.parametrize("method", PREDICTIONS)
def test_prediction_before_fit(method):
    clf = make()
    assert_refused(clf, getattr(clf, method), {"X": X}, NotFittedError, "not fitted")


@pytest.mark.parametrize("method", ["predict_proba", "predict_log_proba"])
@pytest.mark.parametrize(
    "labels", [LABELS, LABELS > 0, INDICATOR], ids=["multiclass", "binary", "multilabel"]
)
def test_identity_outputs_have_no_probabilities(method, labels):
    clf = make(loss="squared_error", output_activation="identity")
    for _ in ("before fit", "after fit"):
        assert not hasattr(clf, method)
        with pytest.raises(AttributeError, match=method) as error:
            getattr(clf, method)
        assert "output_activation='identity'" in str(error.value.__cause__)
        clf.fit(X, labels)
    assert hasattr(make().fit(X, labels), method)


def test_whether_there_are_probabilities_depends_on_what_was_fitted():
    clf = make().fit(X, LABELS)
    clf.set_params(loss="squared_error", output_activation="identity")
    assert hasattr(clf, "predict_proba")
    assert not hasattr(clf.fit(X, LABELS), "predict_proba")


# What fit publishes when all is well


def test_fit_replaces_the_feature_names():
    clf = make().fit(table("efgh"), LABELS).fit(table(), LABELS)
    assert list(clf.feature_names_in_) == list("abcd")
    clf.fit(X[:, :3], LABELS)
    assert clf.n_features_in_ == 3
    assert not hasattr(clf, "feature_names_in_")
