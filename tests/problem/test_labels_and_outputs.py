"""Every kind of label and of X goes in; what comes out agrees with itself."""

import itertools

import numpy as np
import pandas as pd
import pytest
from estimators import assert_same_weights, first_digits, indicator, maker, target
from scipy import sparse
from scipy.special import expit, softmax
from sklearn.base import clone
from sklearn.exceptions import DataConversionWarning

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

SOLVERS = ["sgd", "adam", "lbfgs"]


@pytest.fixture(scope="module")
def digits():
    return first_digits(200)


make = maker(hidden_layer_sizes=(8,), max_iter=5)


# Labels

NAMES = {
    "far apart": np.array([-7, 3, 1000]),
    "unsigned": np.array([3, 200, 255], dtype=np.uint8),
    "floats": np.array([-1.0, 0.0, 12.0]),
    "strings": np.array(["a", "bb", "ccc"]),
    "objects": np.array(["a", "bb", "ccc"], dtype=object),
    "empty string": np.array(["", "a", "b"]),
}


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("names", NAMES.values(), ids=NAMES)
def test_names_of_the_classes_do_not_matter(digits, solver, names):
    X, y = digits
    plain = make(solver=solver).fit(X, y % 3)
    named = make(solver=solver).fit(X, names[y % 3])
    assert_same_weights(plain, named)
    np.testing.assert_array_equal(named.classes_, names)
    assert named.classes_.dtype == names.dtype
    np.testing.assert_array_equal(named.predict(X), names[plain.predict(X)])
    assert named.predict(X).dtype == names.dtype
    assert named.score(X, names[y % 3]) == plain.score(X, y % 3)


@pytest.mark.parametrize(
    "names", [[False, True], [5, -5], ["no", "yes"], [0.0, 1.0], [1, 2]], ids=str
)
def test_names_of_two_classes_do_not_matter(digits, names):
    X, y = digits
    y = target("binary", y)
    names = np.sort(names)
    plain, named = make().fit(X, y), make().fit(X, names[y])
    assert_same_weights(plain, named)
    np.testing.assert_array_equal(named.predict(X), names[plain.predict(X)])
    assert named.predict(X).dtype == named.classes_.dtype == names.dtype
    assert named.n_outputs_ == 1


@pytest.mark.parametrize("convert", [np.array, list], ids=["array", "list"])
def test_as_many_classes_as_rows_warn(digits, convert):
    y = np.arange(-100, 100, dtype=np.int8)  # whose range is no int8
    with pytest.warns(UserWarning, match="greater than 50%"):
        make().fit(digits[0], convert(y))


def test_order_in_which_classes_appear_does_not_matter(digits):
    X, y = digits
    assert_same_weights(make().fit(X, y), make().fit(X, y.astype(np.int8)))
    reverse = make().fit(X[::-1], y[::-1])
    np.testing.assert_array_equal(reverse.classes_, np.arange(10))


@pytest.mark.parametrize(
    "convert",
    [list, tuple, pd.Series, lambda y: pd.Series(y, index=y[::-1]), lambda y: y.astype(float)],
    ids=["list", "tuple", "Series", "Series with an index", "floats"],
)
def test_containers_of_y(digits, convert):
    X, y = digits
    assert_same_weights(make().fit(X, y), make().fit(X, convert(y)))


@pytest.mark.parametrize("frame", [False, True])
@pytest.mark.parametrize(
    ("names", "dtype"),
    [
        *itertools.product([list("abc")], ["category", "string", "object", "string[pyarrow]"]),
        *itertools.product([[3, 5, 9]], ["category", "Int64", "UInt8", "int32[pyarrow]"]),
        *itertools.product([[False, True]], ["category", "boolean", "bool[pyarrow]"]),
        # neighbours that are one number in float64
        *itertools.product([[2**60, 2**60 + 1]], ["Int64", "int64[pyarrow]"]),
    ],
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.DataConversionWarning")
def test_pandas_dtypes_of_y(digits, names, dtype, frame):
    """The labels that are predicted are those that y holds, not the floats closest to them."""
    if "pyarrow" in dtype:
        pytest.importorskip("pyarrow")
    X, y = digits
    y = y % len(names)
    labels = pd.Series(np.array(names)[y]).astype(dtype)
    clf = make().fit(X, labels.to_frame() if frame else labels)
    assert_same_weights(make().fit(X, y), clf)
    assert clf.classes_.tolist() == names
    assert {type(label) for label in clf.predict(X).tolist()} == {type(names[0])}
    assert clf.score(X, labels) == make().fit(X, y).score(X, y)
    assert make().partial_fit(X, labels, classes=labels.unique()).classes_.tolist() == names


@pytest.mark.parametrize("dtype", ["Int64", "boolean", "bool[pyarrow]", "int8"])
def test_pandas_indicator_is_scored(digits, dtype):
    if "pyarrow" in dtype:
        pytest.importorskip("pyarrow")
    X, y = digits
    Y = indicator(y)
    frame = pd.DataFrame(Y).astype(dtype)
    frame[0] = frame[0].astype(bool)  # of two dtypes
    clf = make().fit(X, frame)
    assert_same_weights(make().fit(X, Y), clf)
    assert clf.score(X, frame) == clf.score(X, Y)


@pytest.mark.parametrize("labels", [np.arange(10), np.array(list("abcdefghij"))], ids=str)
@pytest.mark.parametrize("frame", [False, True])
def test_column_vector_y_warns(digits, labels, frame):
    X, y = digits
    y = labels[y]
    column = pd.DataFrame({"digit": y}) if frame else y[:, None]
    with pytest.warns(DataConversionWarning, match="column-vector"):
        clf = make().fit(X, column)
    assert_same_weights(make().fit(X, y), clf)
    assert clf.predict(X).shape == y.shape


MATRICES = {
    "uint8": lambda Y: Y.astype(np.uint8),
    "bool": lambda Y: Y.astype(bool),
    "float": lambda Y: Y.astype(float),
    "list": lambda Y: Y.tolist(),
    "Fortran": np.asfortranarray,
    "DataFrame": lambda Y: pd.DataFrame(Y, columns=list("abc")),
    "csr": sparse.csr_array,
    "csc": sparse.csc_array,
    "coo": sparse.coo_array,
    "sparse bool": lambda Y: sparse.csr_matrix(Y.astype(bool)),
}


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("convert", MATRICES.values(), ids=MATRICES)
def test_containers_of_several_labels_a_row(digits, solver, convert):
    X, y = digits
    Y = indicator(y)
    plain = make(solver=solver).fit(X, Y)
    clf = make(solver=solver).fit(X, convert(Y))
    assert_same_weights(plain, clf)
    np.testing.assert_array_equal(clf.predict(X), plain.predict(X))
    np.testing.assert_array_equal(clf.classes_, np.arange(3))


def test_label_that_every_row_has_and_label_that_none_has(digits):
    X, y = digits
    Y = np.stack([y > 4, np.ones_like(y), np.zeros_like(y)], axis=1)
    clf = make(max_iter=50).fit(X, Y)
    np.testing.assert_array_equal(clf.predict(X)[:, 1:], Y[:, 1:])


def test_rows_without_any_label(digits):
    X = digits[0]
    assert make().fit(X, np.zeros((len(X), 3), int)).predict(X).sum() == 0


# Outputs

OUTPUTS = [
    ("log_loss", "auto"),
    ("log_loss", "softmax"),
    ("log_loss", "logistic"),
    ("squared_error", "auto"),
    ("squared_error", "softmax"),
    ("squared_error", "logistic"),
    ("squared_error", "identity"),
]
every_output = pytest.mark.parametrize(
    ("kind", "loss", "output_activation"),
    [
        (kind, *output)
        for kind in ("binary", "multiclass", "multilabel")
        for output in OUTPUTS
        if (kind, output[1]) != ("multilabel", "softmax")
    ],
)


@every_output
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_predictions_agree(digits, kind, loss, output_activation, dtype):
    X, y = digits
    X, y = X.astype(dtype), target(kind, y)
    clf = make(loss=loss, output_activation=output_activation, max_iter=20).fit(X, y)
    predicted, z = clf.predict(X), clf.decision_function(X)
    assert z.dtype == dtype
    if kind == "multiclass":
        assert z.shape == (len(X), 10)
        np.testing.assert_array_equal(predicted, clf.classes_[z.argmax(axis=1)])
    else:
        assert z.shape == y.shape
        np.testing.assert_array_equal(predicted, (z > 0).astype(int))
    if output_activation == "identity":
        assert not hasattr(clf, "predict_proba")
        return
    p, log_p = clf.predict_proba(X), clf.predict_log_proba(X)
    assert p.dtype == log_p.dtype == dtype
    assert p.shape == log_p.shape == (len(X), len(clf.classes_))
    np.testing.assert_allclose(np.exp(log_p), p, rtol=1e-4 if dtype == np.float32 else 1e-10)
    if kind == "multilabel":
        np.testing.assert_array_equal(predicted, (p > 0.5).astype(int))
    else:
        np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-5)
        np.testing.assert_array_equal(predicted, clf.classes_[p.argmax(axis=1)])


def forward(clf, X):
    """The output layer's z, one equation a line."""
    a = X
    for W, b in zip(clf.coefs_[:-1], clf.intercepts_[:-1], strict=True):
        a = expit(a @ W + b)
    return a @ clf.coefs_[-1] + clf.intercepts_[-1]


@every_output
def test_what_the_outputs_mean(digits, kind, loss, output_activation):
    X, y = digits
    clf = make(loss=loss, output_activation=output_activation).fit(X, target(kind, y))
    z = forward(clf, X)
    assert clf.n_outputs_ == z.shape[1] == clf.coefs_[-1].shape[1]
    if clf.out_activation_ == "identity":
        decision = z if kind == "multiclass" else z - 0.5  # targets are 0 and 1
    elif z.shape[1] == 2:
        decision = z[:, 1] - z[:, 0]
    else:
        decision = z
    decision = decision.reshape(clf.decision_function(X).shape)
    np.testing.assert_allclose(clf.decision_function(X), decision, rtol=1e-9, atol=1e-12)
    if clf.out_activation_ == "identity":
        return
    if clf.out_activation_ == "softmax":
        p = softmax(z, axis=1)
    else:
        p = expit(z)
        if kind == "binary":
            p = np.hstack([1 - p, p])
        elif kind == "multiclass":
            p /= p.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(clf.predict_proba(X), p, rtol=1e-9)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("binary", ("logistic", 1)),
        ("multiclass", ("softmax", 10)),
        ("multilabel", ("logistic", 3)),
    ],
)
@pytest.mark.parametrize("loss", ["log_loss", "squared_error"])
def test_auto_output_activation(digits, kind, expected, loss):
    X, y = digits
    clf = make(loss=loss).fit(X, target(kind, y))
    assert (clf.out_activation_, clf.n_outputs_) == expected


@every_output
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("scale", [1e3, 1e6])
def test_saturated_outputs(digits, kind, loss, output_activation, dtype, scale):
    """Probabilities are the numbers next to 0 and 1 there; their logarithms are exact."""
    X, y = digits
    X, y = X.astype(dtype), target(kind, y)
    clf = make(loss=loss, output_activation=output_activation).fit(X, y)
    clf.coefs_[-1] = clf.coefs_[-1] * dtype(scale)
    z = clf.decision_function(X)
    assert np.isfinite(z).all()
    if output_activation == "identity":
        return
    p, log_p = clf.predict_proba(X), clf.predict_log_proba(X)
    assert np.isfinite(p).all()
    assert p.min() > 0
    assert p.max() < 1
    assert np.isfinite(log_p).all()
    assert log_p.max() <= 0
    if kind != "multilabel":
        np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-5)
        # several logistic outputs that are on may have the same logarithm
        predicted = np.searchsorted(clf.classes_, clf.predict(X))
        of_predicted = log_p[np.arange(len(X)), predicted]
        np.testing.assert_array_equal(of_predicted, log_p.max(axis=1))
    rtol = 1e-4 if dtype == np.float32 else 1e-12
    np.testing.assert_allclose(np.exp(log_p), p, rtol=rtol, atol=1e-30)
    if scale == 1e6:
        assert p.min() == np.finfo(dtype).tiny
        assert log_p.min() < -1000


def test_normalised_logistic_outputs_that_are_all_off(digits):
    X, y = digits
    clf = make(output_activation="logistic").fit(X, y)
    clf.intercepts_[-1] = clf.intercepts_[-1] - 2000.0  # expit gives zero ten times
    np.testing.assert_allclose(clf.predict_proba(X).sum(axis=1), 1)
    z = clf.decision_function(X)
    np.testing.assert_allclose(clf.predict_proba(X), softmax(z, axis=1), rtol=1e-9)


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("convert", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize("kind", ["binary", "multiclass", "multilabel"])
def test_float32_in_float32_out(digits, solver, convert, kind):
    X, y = digits
    X, y = convert(X.astype(np.float32)), target(kind, y)
    clf = make(solver=solver).fit(X, y)
    assert {array.dtype for array in (*clf.coefs_, *clf.intercepts_)} == {np.dtype(np.float32)}
    for method in ("predict_proba", "predict_log_proba", "decision_function"):
        assert getattr(clf, method)(X).dtype == np.float32
        # in the more precise of the two
        assert getattr(clf, method)(X.astype(np.float64)).dtype == np.float64
    assert clf.predict(X).dtype == y.dtype


def polars_frame(X):
    return pytest.importorskip("polars").DataFrame(
        X, schema=[f"{i}" for i in range(X.shape[1])]
    )


def arrow_table(X):
    columns = {f"{i}": column for i, column in enumerate(X.T)}
    return pytest.importorskip("pyarrow").table(columns)


def arrow_columns(X):
    pytest.importorskip("pyarrow")
    name = {"float32": "float", "float64": "double"}[X.dtype.name]
    return pd.DataFrame(X).astype(f"{name}[pyarrow]")


def two_dtypes(X):
    """The first column of NumPy, the others nullable."""
    frame = pd.DataFrame(X)
    return pd.concat([frame[[0]], nullable_columns(frame[frame.columns[1:]])], axis=1)


def nullable_columns(X):
    frame = pd.DataFrame(X)
    return frame.astype({np.dtype("f4"): "Float32", np.dtype("f8"): "Float64"}[frame.dtypes[1]])


FRAMES = [pd.DataFrame, nullable_columns, arrow_columns, two_dtypes, polars_frame, arrow_table]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("convert", FRAMES)
def test_precision_of_frames(digits, convert, dtype):
    X, y = digits
    X = X.astype(dtype)
    frame = convert(X)
    clf, plain = make().fit(frame, y), make().fit(X, y)
    assert clf.coefs_[0].dtype == dtype
    assert_same_weights(clf, plain)
    assert_same_predictions(clf, frame, plain, X)
    assert clf.predict_proba(frame).dtype == dtype
    early = make(early_stopping=True).fit(frame, y, X_val=frame, y_val=y)
    expected = make(early_stopping=True).fit(X, y, X_val=X, y_val=y)
    assert_same_weights(early, expected)


@pytest.mark.parametrize("convert", [polars_frame, arrow_table])
def test_frame_with_a_column_of_float64_is_trained_in_float64(digits, convert):
    X, y = digits
    mixed = convert(X.astype(np.float32))
    column = convert(X)["0"]
    if convert is polars_frame:
        mixed = mixed.with_columns(column.alias("0"))
    else:
        mixed = mixed.set_column(0, "0", column)
    assert make().fit(mixed, y).coefs_[0].dtype == np.float64


def test_sparse_frame_of_float32_is_trained_in_float32(digits):
    X = sparse.csr_matrix(digits[0].astype(np.float32))
    clf = make().fit(pd.DataFrame.sparse.from_spmatrix(X), digits[1])
    assert_same_weights(clf, make().fit(X, digits[1]))
    assert clf.coefs_[0].dtype == np.float32


@pytest.mark.parametrize("dtype", [np.float16, np.int64, np.uint8, bool, object, ">f8"])
def test_every_other_dtype_is_trained_in_float64(digits, dtype):
    X = np.round(digits[0] * 4).astype(dtype)
    y = digits[1]
    clf = make().fit(X, y)
    assert_same_weights(clf, make().fit(X.astype(np.float64), y))
    assert clf.coefs_[0].dtype == np.float64
    assert clf.predict_proba(X).dtype == np.float64


# X

LAYOUTS = {
    "Fortran": np.asfortranarray,
    "columns apart": lambda X: np.repeat(X, 2, axis=1)[:, ::2],
    "rows apart": lambda X: np.repeat(X, 3, axis=0)[::3],
    "backwards": lambda X: np.ascontiguousarray(X[::-1, ::-1])[::-1, ::-1],
    "a part": lambda X: np.pad(X, 5)[5:-5, 5:-5],
    "DataFrame": pd.DataFrame,
    "DataFrame of mixed columns": lambda X: pd.DataFrame(
        {f"{i}": column if i % 2 else list(column) for i, column in enumerate(X.T)}
    ),
}


def assert_same_predictions(one, X, other, Z):
    for method in ("predict", "predict_proba", "predict_log_proba", "decision_function"):
        np.testing.assert_array_equal(getattr(one, method)(X), getattr(other, method)(Z))


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_memory_layout_does_not_change_a_bit(digits, solver, layout, dtype):
    X, y = digits
    X = X.astype(dtype)
    other = layout(X)
    if isinstance(other, pd.DataFrame):
        other = other.astype(dtype)
    plain, clf = make(solver=solver).fit(X, y), make(solver=solver).fit(other, y)
    assert_same_weights(plain, clf)
    assert_same_predictions(plain, X, clf, other)


@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_read_only_memory_map(digits, tmp_path, solver, dtype, early_stopping):
    X, y = digits
    X = X.astype(dtype)
    paths = tmp_path / "X.npy", tmp_path / "y.npy", tmp_path / "w.npy"
    for path, array in zip(paths, (X, y, np.ones(len(y))), strict=True):
        np.save(path, array)
    mapped, labels, weight = (np.load(path, mmap_mode="r") for path in paths)
    clf = make(solver=solver, early_stopping=early_stopping)
    plain = clone(clf).fit(X, y, sample_weight=np.ones(len(y)))
    clf.fit(mapped, labels, sample_weight=weight)
    assert_same_weights(plain, clf)
    assert_same_predictions(plain, X, clf, mapped)


def test_read_only_several_labels_a_row(digits):
    X, y = digits
    Y = indicator(y)
    X, Z = X.copy(), Y.copy()
    X.flags.writeable = Z.flags.writeable = False
    assert_same_weights(make().fit(X, Y), make().fit(X, Z))


def wide_indices(X):
    X.indices, X.indptr = X.indices.astype(np.int64), X.indptr.astype(np.int64)
    return X


def duplicated_and_unsorted(X):
    """Every entry in two halves, each row backwards."""
    X = sparse.coo_array(X)
    halves = sparse.coo_array(
        (np.tile(X.data / 2, 2)[::-1], (np.tile(X.row, 2)[::-1], np.tile(X.col, 2)[::-1])),
        shape=X.shape,
    )
    order = np.argsort(halves.row, kind="stable")
    indptr = np.searchsorted(halves.row[order], np.arange(X.shape[0] + 1))
    return sparse.csr_array((halves.data[order], halves.col[order], indptr), shape=X.shape)


FORMATS = {
    "csr": sparse.csr_array,
    "csc": sparse.csc_array,
    "coo": sparse.coo_array,
    "csr_matrix": sparse.csr_matrix,
    "lil": sparse.lil_array,
    "csr, 64-bit indices": lambda X: wide_indices(sparse.csr_array(X)),
    "csc, 64-bit indices": lambda X: wide_indices(sparse.csc_array(X)),
    "csr, unsorted with duplicates": duplicated_and_unsorted,
    "DataFrame": lambda X: pd.DataFrame.sparse.from_spmatrix(sparse.csr_matrix(X)),
}


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("convert", FORMATS.values(), ids=FORMATS)
@pytest.mark.parametrize("kind", ["binary", "multiclass", "multilabel"])
def test_sparse_is_dense_to_rounding(digits, solver, convert, kind):
    X, y = digits
    y = target(kind, y)
    dense, clf = make(solver=solver).fit(X, y), make(solver=solver).fit(convert(X), y)
    for left, right in zip(dense.coefs_, clf.coefs_, strict=True):
        np.testing.assert_allclose(left, right, rtol=1e-7, atol=1e-10)
    np.testing.assert_allclose(clf.predict_proba(convert(X)), dense.predict_proba(X), rtol=1e-7)
    np.testing.assert_allclose(
        dense.predict_log_proba(convert(X)), dense.predict_log_proba(X), rtol=1e-9
    )
    np.testing.assert_array_equal(clf.predict(convert(X)), clf.predict(X))


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("hidden_layer_sizes", [(), (8,), (8, 4)])
def test_sparse_is_dense_whatever_the_layers(digits, solver, hidden_layer_sizes):
    X, y = digits
    parameters = {"solver": solver, "hidden_layer_sizes": hidden_layer_sizes}
    parameters |= {"early_stopping": True, "momentum": 0, "batch_size": 7}
    dense = make(**parameters).fit(X, y)
    clf = make(**parameters).fit(sparse.csr_array(X), y)
    np.testing.assert_allclose(clf.loss_curve_, dense.loss_curve_, rtol=1e-9)
    assert clf.validation_scores_ == dense.validation_scores_


def test_sparse_training_data_are_not_changed(digits):
    X, y = digits
    csr = duplicated_and_unsorted(X)
    before = [array.copy() for array in (csr.data, csr.indices, csr.indptr)]
    make().fit(csr, y).predict(csr)
    for left, right in zip(before, (csr.data, csr.indices, csr.indptr), strict=True):
        np.testing.assert_array_equal(left, right)


@pytest.mark.parametrize("solver", SOLVERS)
def test_sparse_without_entries(solver):
    X, y = sparse.csr_array((20, 3)), np.arange(20) % 2
    clf = make(solver=solver).fit(X, y)
    dense = make(solver=solver).fit(X.toarray(), y)
    np.testing.assert_allclose(clf.predict_proba(X), dense.predict_proba(X.toarray()))


@every_output
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("convert", [np.asarray, sparse.csr_array])
def test_one_row_is_predicted_as_in_a_batch(
    digits, kind, loss, output_activation, dtype, convert
):
    X, y = digits
    X = convert(X.astype(dtype))
    clf = make(loss=loss, output_activation=output_activation, hidden_layer_sizes=(37,))
    clf.fit(X, target(kind, y))
    many = convert(np.tile(X if convert is np.asarray else X.toarray(), (6, 1)))  # two blocks
    for method in ("predict", "decision_function", "predict_proba", "predict_log_proba"):
        if not hasattr(clf, method):
            continue
        batch = getattr(clf, method)(many)
        for i in (0, 1, 7, 199, 1023, 1024, 1199):
            np.testing.assert_array_equal(getattr(clf, method)(many[[i]])[0], batch[i])
        np.testing.assert_array_equal(getattr(clf, method)(many[3:20]), batch[3:20])


# coefs_


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("hidden_layer_sizes", [(), (8,), (8, 4)])
@pytest.mark.parametrize("kind", ["binary", "multiclass", "multilabel"])
def test_coefs_are_c_contiguous_and_of_their_layers_shape(
    digits, solver, hidden_layer_sizes, kind
):
    X, y = digits
    clf = make(solver=solver, hidden_layer_sizes=hidden_layer_sizes).fit(X, target(kind, y))
    sizes = [64, *hidden_layer_sizes, {"binary": 1, "multiclass": 10, "multilabel": 3}[kind]]
    assert clf.n_layers_ == len(sizes)
    assert [W.shape for W in clf.coefs_] == list(itertools.pairwise(sizes))
    assert [b.shape for b in clf.intercepts_] == [(size,) for size in sizes[1:]]
    assert all(W.flags.c_contiguous and W.flags.writeable for W in clf.coefs_)


@pytest.mark.parametrize("replace", [False, True], ids=["in place", "other arrays"])
def test_coefs_set_by_hand_are_what_predict_uses(digits, replace):
    X, y = digits
    clf = make().fit(X, y)
    before = clf.predict_proba(X)
    W = np.random.RandomState(0).normal(size=clf.coefs_[0].shape)
    if replace:
        clf.coefs_[0] = np.asfortranarray(W)
    else:
        clf.coefs_[0][...] = W
    after = clf.predict_proba(X)
    assert not np.allclose(before, after)
    np.testing.assert_allclose(after, softmax(forward(clf, X), axis=1), rtol=1e-9)


@pytest.mark.parametrize("replace", [False, True], ids=["in place", "other arrays"])
@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("call", ["fit", "partial_fit"])
def test_coefs_set_by_hand_are_what_training_goes_on_from(
    digits, replace, early_stopping, call
):
    X, y = digits
    clf = make(warm_start=True, early_stopping=early_stopping, max_iter=2).fit(X, y)
    random = np.random.RandomState(0)
    coefs = [random.normal(size=W.shape) for W in clf.coefs_]
    intercepts = [random.normal(size=b.shape) for b in clf.intercepts_]
    if replace:
        clf.coefs_, clf.intercepts_ = coefs, intercepts
    else:
        for old, new in zip(
            [*clf.coefs_, *clf.intercepts_], [*coefs, *intercepts], strict=True
        ):
            old[...] = new
    # a step of zero length shows where it began
    clf.set_params(learning_rate_init=1e-300, momentum=0)
    getattr(clf, call)(X, y)
    for left, right in zip([*clf.coefs_, *clf.intercepts_], [*coefs, *intercepts], strict=True):
        np.testing.assert_array_equal(left, right)


def test_training_on_does_not_write_into_published_coefs(digits):
    X, y = digits
    clf = make(warm_start=True).fit(X, y)
    coefs, intercepts = clf.coefs_, clf.intercepts_
    copies = [array.copy() for array in (*coefs, *intercepts)]
    clf.fit(X, y).partial_fit(X, y)
    for left, right in zip(copies, (*coefs, *intercepts), strict=True):
        np.testing.assert_array_equal(left, right)


def test_precision_may_change_between_warm_starts(digits):
    X, y = digits
    clf = make(warm_start=True).fit(X.astype(np.float32), y)
    assert clf.fit(X, y).coefs_[0].dtype == np.float64
    assert clf.fit(X.astype(np.float32), y).coefs_[0].dtype == np.float32
    assert clf.n_iter_ == 15


def test_feature_names_are_checked_and_passed_on(digits):
    X, y = digits
    frame = pd.DataFrame(X, columns=[f"pixel {i}" for i in range(64)])
    clf = make().fit(frame, y)
    np.testing.assert_array_equal(clf.feature_names_in_, frame.columns)
    assert_same_weights(clf, make().fit(X, y))
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        clf.predict(X)
