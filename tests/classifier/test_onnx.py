"""Graphs that skl2onnx makes of fitted classifiers, run by onnxruntime."""

import sys
from functools import cache

import numpy as np
import onnx
import onnxruntime
import pytest
import skl2onnx
from children import script
from estimators import maker
from scipy.special import expit, softmax
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType, Int64TensorType
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_digits
from sklearn.ensemble import BaggingClassifier, StackingClassifier, VotingClassifier
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from skdigitnet._core.plan import ACTIVATIONS
from skdigitnet.onnx import register_converter

pytestmark = [pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")]

register_converter()

X, y = load_digits(return_X_y=True)
X_train, X_test = X[:400], X[400:900]
TARGETS = {
    "multiclass": y[:400],
    "binary": y[:400] % 2,
    "multilabel": np.stack([y % 2, y > 4, y > 7], axis=1).astype(int)[:400],
}
OUTPUTS = [
    (kind, loss, output_activation)
    for kind in TARGETS
    for loss, output_activation in [
        ("log_loss", "softmax"),
        ("log_loss", "logistic"),
        ("squared_error", "softmax"),
        ("squared_error", "logistic"),
        ("squared_error", "identity"),
    ]
    if (kind, output_activation) != ("multilabel", "softmax")
]
every_output = pytest.mark.parametrize(("kind", "loss", "output_activation"), OUTPUTS)
every_dtype = pytest.mark.parametrize("dtype", [np.float32, np.float64])
TOLERANCE = {np.float32: 1e-6, np.float64: 1e-12}


make = maker(hidden_layer_sizes=(12,), max_iter=8, learning_rate_init=0.02)


@cache
def fitted_pipeline(kind, dtype=np.float64, scaler=StandardScaler, **parameters):
    pipeline = make_pipeline(scaler(), make(**parameters))
    return pipeline.fit(X_train.astype(dtype), TARGETS[kind])


def session(model):
    onnx.checker.check_model(model)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # errors alone
    return onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )


def run(estimator, rows, *, zipmap=False, target_opset=None, **options):
    """The graph's outputs for the rows; converted by their type."""
    options = {"zipmap": zipmap, **options}
    model = to_onnx(estimator, rows[:1], options=options, target_opset=target_opset)
    return session(model).run(None, {"X": rows})


def scores(estimator, rows):
    """The decision function with a column a class."""
    z = estimator.decision_function(rows)
    return np.stack([-z, z], axis=1) if z.ndim == 1 else z


def expected(estimator, rows):
    return (getattr(estimator, "predict_proba", None) or (lambda X: scores(estimator, X)))(rows)


def assert_same_labels(labels, estimator, rows, tolerance):
    """Equal, but where the decision hangs on rounding."""
    predicted = estimator.predict(rows)
    assert labels.shape == predicted.shape
    z = scores(estimator, rows)
    if labels.ndim == 2:
        sure = np.abs(z) > tolerance
    else:
        second, first = np.sort(z, axis=1)[:, -2:].T
        sure = first - second > tolerance
    assert sure.mean() > 0.99
    np.testing.assert_array_equal(labels[sure], predicted[sure])


def assert_same_outputs(outputs, estimator, rows, tolerance):
    labels, probabilities = outputs
    np.testing.assert_allclose(probabilities, expected(estimator, rows), rtol=0, atol=tolerance)
    assert_same_labels(labels, estimator, rows, tolerance)


# The same probabilities and labels


@every_output
@every_dtype
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_probabilities_and_labels(kind, loss, output_activation, dtype, activation):
    pipeline = fitted_pipeline(
        kind, dtype, loss=loss, output_activation=output_activation, activation=activation
    )
    rows = X_test.astype(dtype)
    outputs = run(pipeline, rows)
    assert outputs[1].dtype == dtype
    assert_same_outputs(outputs, pipeline, rows, TOLERANCE[dtype])


@every_dtype
@pytest.mark.parametrize("kind", TARGETS)
@pytest.mark.parametrize("scaler", [StandardScaler, MinMaxScaler])
@pytest.mark.parametrize("hidden_layer_sizes", [(), (7,), (9, 5, 4)], ids=str)
def test_layers_and_scalers(kind, dtype, scaler, hidden_layer_sizes):
    pipeline = fitted_pipeline(kind, dtype, scaler, hidden_layer_sizes=hidden_layer_sizes)
    rows = X_test.astype(dtype)
    assert_same_outputs(run(pipeline, rows), pipeline, rows, TOLERANCE[dtype])


@every_output
@every_dtype
@pytest.mark.parametrize("zipmap", [True, "columns"])
def test_zipmap(kind, loss, output_activation, dtype, zipmap):
    pipeline = fitted_pipeline(kind, dtype, loss=loss, output_activation=output_activation)
    rows = X_test.astype(dtype)
    labels, *zipped = run(pipeline, rows, zipmap=zipmap)
    if zipmap == "columns":
        probabilities = np.stack(zipped, axis=1)
        assert probabilities.dtype == dtype
    else:
        (maps,) = zipped
        assert [list(row) for row in maps] == [pipeline.classes_.tolist()] * len(rows)
        probabilities = np.array([list(row.values()) for row in maps])
    # onnxruntime's dictionaries hold float32
    tolerance = TOLERANCE[np.float32 if zipmap is True else dtype]
    assert_same_outputs([labels, probabilities], pipeline, rows, tolerance)


@every_output
@every_dtype
def test_raw_scores(kind, loss, output_activation, dtype):
    # without a scaler, whose own rounding in float32 is larger
    clf = make(loss=loss, output_activation=output_activation)
    rows = (X_test / 16).astype(dtype)
    clf.fit((X_train / 16).astype(dtype), TARGETS[kind])
    labels, z = run(clf, rows, raw_scores=True)
    np.testing.assert_allclose(z, scores(clf, rows), rtol=0, atol=10 * TOLERANCE[dtype])
    assert_same_labels(labels, clf, rows, 10 * TOLERANCE[dtype])


@pytest.mark.parametrize("target_opset", [11, 13, 15, None, {"": 18, "ai.onnx.ml": 2}], ids=str)
@pytest.mark.parametrize("zipmap", [False, True, "columns"])
@every_dtype
def test_operator_sets(target_opset, zipmap, dtype):
    rows = X_test.astype(dtype)
    for kind in TARGETS:
        pipeline = fitted_pipeline(kind, dtype, output_activation="logistic")
        labels, *_ = run(pipeline, rows, zipmap=zipmap, target_opset=target_opset)
        assert_same_labels(labels, pipeline, rows, TOLERANCE[dtype])
        if zipmap is False:
            outputs = run(pipeline, rows, target_opset=target_opset)
            assert_same_outputs(outputs, pipeline, rows, TOLERANCE[dtype])


def test_mnist(mnist):
    """784 features in float32: both round, each by about a millionth."""
    images, digits, test_images, _ = mnist
    rows = (test_images / 255).astype(np.float32)
    clf = make(hidden_layer_sizes=(100,), learning_rate_init=0.2, max_iter=3)
    clf.fit((images / 255).astype(np.float32), digits)
    in_float32, ours = run(clf, rows)[1], clf.predict_proba(rows)
    clf.coefs_ = [W.astype(np.float64) for W in clf.coefs_]
    exact = clf.predict_proba(rows)
    np.testing.assert_allclose(ours, exact, rtol=0, atol=5e-6)
    np.testing.assert_allclose(in_float32, exact, rtol=0, atol=5e-6)
    assert_same_outputs(run(clf, rows), clf, rows, 1e-7)


# What goes in


@every_dtype
@pytest.mark.parametrize("weights", [np.float32, np.float64])
@pytest.mark.parametrize("kind", TARGETS)
def test_graph_computes_in_the_precision_of_rows_and_weights_together(dtype, weights, kind):
    clf = make(output_activation="logistic").fit((X_train / 16).astype(weights), TARGETS[kind])
    rows = (X_test / 16).astype(dtype)
    both_float32 = dtype == weights == np.float32
    model = to_onnx(clf, rows[:1], options={"zipmap": False})
    kinds = {tensor.data_type for tensor in model.graph.initializer if len(tensor.dims) == 2}
    assert kinds == {onnx.TensorProto.FLOAT if both_float32 else onnx.TensorProto.DOUBLE}
    outputs = session(model).run(None, {"X": rows})
    assert outputs[1].dtype == dtype
    # what is left is the rounding of the result to float32
    tolerance = 1e-6 if both_float32 else 1e-12 if dtype == np.float64 else 6e-8
    assert_same_outputs(outputs, clf, rows, tolerance)


@pytest.mark.parametrize("dtype", [np.int64, np.int32, np.uint8, bool])
def test_rows_that_are_not_floats(dtype):
    rows = X_test > 7 if dtype is bool else X_test.astype(dtype)
    clf = make().fit(X_train, TARGETS["multiclass"])
    outputs = run(clf, rows)
    assert outputs[1].dtype == np.float32
    assert_same_outputs(outputs, clf, rows, 6e-8)


def test_any_number_of_rows():
    pipeline = fitted_pipeline("multiclass")
    model = session(to_onnx(pipeline, X_test[:1], options={"zipmap": False}))
    assert model.get_inputs()[0].shape == [None, 64]
    assert [output.shape for output in model.get_outputs()] == [[None], [None, 10]]
    for n_rows in (1, 2, 500):
        rows = X_test[:n_rows]
        assert_same_outputs(model.run(None, {"X": rows}), pipeline, rows, 1e-12)


def test_options_of_a_step():
    pipeline = fitted_pipeline("binary")
    z = run(pipeline, X_test, backpropmlpclassifier__raw_scores=True)[1]
    np.testing.assert_allclose(z, scores(pipeline, X_test), rtol=0, atol=1e-11)


def test_convert_sklearn_with_declared_types():
    clf = make().fit(X_train, TARGETS["binary"])
    types = [("pixels", FloatTensorType([None, 64]))]
    model = skl2onnx.convert_sklearn(
        clf, initial_types=types, options={id(clf): {"zipmap": False}}
    )
    rows = X_test.astype(np.float32)
    assert_same_outputs(session(model).run(None, {"pixels": rows}), clf, rows, 6e-8)


@pytest.mark.parametrize("how", ["partial_fit", "warm_start", "early_stopping"])
def test_however_it_was_trained(how):
    clf = make(warm_start=how == "warm_start", early_stopping=how == "early_stopping")
    if how == "partial_fit":
        clf.partial_fit(X_train / 16, TARGETS["multiclass"], classes=np.arange(12))
    else:
        clf.fit(X_train / 16, TARGETS["multiclass"]).fit(X_train / 16, TARGETS["multiclass"])
    assert_same_outputs(run(clf, X_test / 16), clf, X_test / 16, 1e-12)


def test_coefs_set_by_hand_are_what_is_exported():
    clf = make(hidden_layer_sizes=()).fit(X_train, TARGETS["multiclass"])
    clf.coefs_[0] = np.asfortranarray(np.random.RandomState(0).normal(size=(64, 10)))
    assert_same_outputs(run(clf, X_test), clf, X_test, 1e-12)


# Labels

NAMES = {
    "integers": np.array([-7, 3, 1000]),
    "large": np.array([-(2**62), 0, 2**62 + 1]),
    "small integers": np.array([3, 4, 5], dtype=np.int32),
    "unsigned": np.array([3, 200, 255], dtype=np.uint8),
    "floats": np.array([-1.0, 0.0, 12.0]),
    "strings": np.array(["a", "bb", "é"]),
    "objects": np.array(["a", "bb", "ccc"], dtype=object),
    "booleans": np.array([False, True]),
    "two strings": np.array(["no", "yes"]),
}


def fitted_to(names):
    return make(hidden_layer_sizes=()).fit(X_train / 16, names[y[:400] % len(names)])


@pytest.mark.parametrize("zipmap", [False, True, "columns"])
@pytest.mark.parametrize("names", NAMES.values(), ids=NAMES)
def test_names_of_the_classes(names, zipmap):
    clf = fitted_to(names)
    labels, *probabilities = run(clf, X_test / 16, zipmap=zipmap)
    assert labels.dtype == (object if names.dtype.kind in "OU" else np.int64)
    assert set(labels.tolist()) == set(names.tolist())
    np.testing.assert_array_equal(labels, clf.predict(X_test / 16))
    if zipmap is True:
        assert list(probabilities[0][0]) == names.tolist()
    elif zipmap == "columns":
        assert len(probabilities) == len(names)


@pytest.mark.parametrize("nocl", [False, True])
@pytest.mark.parametrize("names", NAMES.values(), ids=NAMES)
def test_output_class_labels(names, nocl):
    clf = fitted_to(names)
    outputs = run(clf, X_test / 16, output_class_labels=True, nocl=nocl)
    classes = np.arange(len(names)) if nocl else names
    assert outputs[2].tolist() == classes.tolist()
    np.testing.assert_array_equal(outputs[0], classes[clf.predict_proba(X_test / 16).argmax(1)])


@pytest.mark.parametrize("zipmap", [False, True])
def test_nocl_gives_indices(zipmap):
    clf = fitted_to(NAMES["strings"])
    labels = run(clf, X_test / 16, zipmap=zipmap, nocl=True)[0]
    np.testing.assert_array_equal(NAMES["strings"][labels], clf.predict(X_test / 16))


def test_options_that_exclude_each_other():
    with pytest.raises(RuntimeError, match="not compatible with option 'zipmap'"):
        run(fitted_to(NAMES["strings"]), X_test, zipmap=True, output_class_labels=True)


@pytest.mark.parametrize("classes", [[0.5, 1.0, 2.0], [0, 1, 2.0**70], [0, 1, np.inf]], ids=str)
def test_labels_that_a_graph_cannot_hold(classes):
    clf = fitted_to(NAMES["floats"])
    clf.classes_ = np.array(classes)
    with pytest.raises(ValueError, match=r"classes_=.* strings or int64.*nocl=True"):
        run(clf, X_test)
    assert run(clf, X_test, nocl=True)[0].max() == 2


# Extremes


def with_output_weights(kind, output_activation, loss="log_loss"):
    """A network without hidden layers whose z is its rows."""
    clf = make(hidden_layer_sizes=(), output_activation=output_activation, loss=loss)
    clf.fit(X_train / 16, TARGETS[kind])
    n_outputs = clf.n_outputs_
    clf.n_features_in_ = n_outputs
    clf.coefs_, clf.intercepts_ = [np.eye(n_outputs)], [np.zeros(n_outputs)]
    return clf


@every_output
@every_dtype
def test_extreme_scores(kind, loss, output_activation, dtype):
    clf = with_output_weights(kind, output_activation, loss)
    clf.coefs_ = [W.astype(dtype) for W in clf.coefs_]
    clf.intercepts_ = [b.astype(dtype) for b in clf.intercepts_]
    random = np.random.RandomState(0)
    rows = [
        random.choice([-1.0, -0.5, 0.5, 1.0], (200, clf.n_outputs_)) * size
        for size in (1, 20, 1e3, 1e4, 1e30)
    ]
    rows = np.concatenate([*rows, -np.abs(rows[2]), -np.abs(rows[3])]).astype(dtype)
    labels, probabilities = run(clf, rows)
    assert np.isfinite(probabilities).all()
    np.testing.assert_array_equal(labels, clf.predict(rows))
    tolerance = TOLERANCE[dtype]
    np.testing.assert_allclose(
        probabilities, expected(clf, rows), rtol=tolerance, atol=tolerance
    )
    if kind != "multilabel" and output_activation != "identity":
        np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=0, atol=10 * tolerance)


def test_logistic_outputs_that_are_all_off():
    """Their sigmoids are zero in float64; what they are divided by is not."""
    clf = with_output_weights("multiclass", "logistic")
    rows = -1000 - np.random.RandomState(0).random_sample((50, 10))
    assert (expit(rows) == 0).all()
    probabilities = run(clf, rows)[1]
    np.testing.assert_allclose(probabilities, softmax(rows, axis=1), rtol=0, atol=1e-12)


@every_output
@every_dtype
def test_ties_go_to_the_first_class(kind, loss, output_activation, dtype):
    clf = with_output_weights(kind, output_activation, loss)
    half = 0.5 if output_activation == "identity" else 0.0  # there a score of zero
    rows = np.full((3, clf.n_outputs_), half, dtype=dtype)
    labels = run(clf, rows)[0]
    np.testing.assert_array_equal(labels, clf.predict(rows))
    assert (labels == 0).all()


# Around other estimators

ENSEMBLES = {
    "GridSearchCV": GridSearchCV(make(), {"alpha": [1e-4, 1e-2]}, cv=2),
    "GridSearchCV of a pipeline": GridSearchCV(
        make_pipeline(MinMaxScaler(), make()), {"backpropmlpclassifier__alpha": [1e-4]}, cv=2
    ),
    "VotingClassifier": VotingClassifier(
        [("mlp", make()), ("linear", LogisticRegression())],
        voting="soft",
        flatten_transform=False,
    ),
    "StackingClassifier": StackingClassifier([("mlp", make()), ("small", make())], cv=2),
    "BaggingClassifier": BaggingClassifier(make(), n_estimators=3, random_state=0),
    "CalibratedClassifierCV": CalibratedClassifierCV(make(), cv=2),
    "OneVsRestClassifier": OneVsRestClassifier(make()),
}


@pytest.mark.parametrize("kind", ["binary", "multiclass"])
@pytest.mark.parametrize("ensemble", ENSEMBLES.values(), ids=ENSEMBLES)
def test_inside_other_estimators(ensemble, kind):
    ensemble.fit(X_train / 16, TARGETS[kind])
    rows = X_test / 16
    labels, probabilities = run(ensemble, rows)
    np.testing.assert_allclose(probabilities, ensemble.predict_proba(rows), rtol=0, atol=1e-12)
    np.testing.assert_array_equal(labels, ensemble.predict(rows))


# Errors, and what is imported


@pytest.mark.parametrize("zipmap", [False, True])
@pytest.mark.parametrize("estimator", [make(), make_pipeline(StandardScaler(), make())])
def test_unfitted(estimator, zipmap):
    with pytest.raises(NotFittedError, match="BackpropMLPClassifier instance is not fitted"):
        run(estimator, X_test, zipmap=zipmap)


def test_several_inputs():
    clf = make().fit(X_train[:, :2], TARGETS["binary"])
    columns = [("a", Int64TensorType([None, 1])), ("b", Int64TensorType([None, 1]))]
    with pytest.raises(RuntimeError, match="input"):
        skl2onnx.convert_sklearn(clf, initial_types=columns)


def test_registering_again_changes_nothing():
    before = run(fitted_pipeline("multiclass"), X_test)
    register_converter()
    for left, right in zip(before, run(fitted_pipeline("multiclass"), X_test), strict=True):
        np.testing.assert_array_equal(left, right)


def test_without_skl2onnx_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "skl2onnx", None)
    with pytest.raises(ImportError, match=r'needs skl2onnx.*"skdigitnet\[onnx\]"'):
        register_converter()


def test_nothing_of_onnx_is_imported_until_it_is_registered():
    code = "import sys, skdigitnet.onnx; print({'onnx', 'skl2onnx'} & set(sys.modules))"
    assert script(code) == "set()\n"
