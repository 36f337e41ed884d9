"""Strategies: what somebody may hand to the classifier, right and wrong."""

import decimal
import fractions
import math
import tempfile
import warnings
from datetime import date
from functools import partial

import numpy as np
import pandas as pd
from hypothesis import strategies as st
from scipy import sparse

from skdigitnet._core.plan import ACTIVATIONS
from skdigitnet._training.fitting import SOLVERS

N_FEATURES = 3
N_CLASSES = 3


def of(*values):
    """One of these values, the same object every time."""
    return st.sampled_from(values)


COINS = st.booleans()
RARELY = of(False, False, False, False, True)
SEEDS = st.integers(0, 99)


def made_by(*makers):
    """What one of these gives, called with a random generator and how many rows there are."""
    return st.sampled_from(makers)


# Parameters


def halved(done):
    return 1 - done / 2


def negative(done):
    return -1.0


def no_number(done):
    return "slow"


def certain(estimator, X, y, sample_weight=None):
    return float(len(estimator.classes_) == len(estimator.coefs_[-1].T))


def nan_score(estimator, X, y, sample_weight=None):
    return math.nan


GENERATORS = st.builds(np.random.RandomState, st.integers(0, 3))
# What is wrong for nearly every parameter. Sizes of layers beyond memory are left out: only
# what cannot allocate gigabytes is drawn.
ANYTHING = of(
    None,
    "",
    "sgd ",
    b"auto",
    (),
    [],
    {},
    {0: 1.0},
    set(),
    [1, "a"],
    [[1], [2, 3]],
    1j,
    -1,
    0,
    0.5,
    2,
    True,
    -0.0,
    np.nan,
    np.inf,
    -np.inf,
    1e308,
    5e-324,
    10**400,
    -(10**400),
    np.float32(0.5),
    np.float16(np.inf),
    np.int8(-1),
    np.bool_(True),
    np.array(1.0),
    np.array([0.5]),
    np.array(["a"]),
    np.array([None]),
    np.datetime64("2020-01-01"),
    decimal.Decimal("0.5"),
    fractions.Fraction(1, 2),
    date(2020, 1, 1),
    pd.NA,
    pd.Series([1.0]),
    sparse.csr_array(np.eye(2)),
    object(),
    int,
    len,
    halved,
)
SIZES = of(1, 2, (3,), [2, 3], (), np.array([2]), np.int32(2), range(1, 3))
WRONG_SIZES = of(
    0,
    -3,
    2.0,
    (0,),
    (2, -1),
    [2.5],
    ["a"],
    [None],
    [[2]],
    [True],
    None,
    "10",
    {3},
    np.array([[2]]),
    np.array([2.0]),
    (2, np.nan),
    10.0**6,
    object(),
)
FACTORS = of(0, 0.0, 1e-3, 0.5, 0.99, np.float32(0.25), fractions.Fraction(1, 3))
STEPS = of("auto", 1e-3, 0.1, 1, 10.0, np.float32(0.5), 1e6, 1e300, 5e-324)
# right values, wrong values; the wrong ones of every parameter are ANYTHING besides
PARAMETERS = {
    "hidden_layer_sizes": (SIZES, WRONG_SIZES),
    "activation": (of(*ACTIVATIONS), of("sigmoid", ["relu"])),
    "solver": (of(*SOLVERS), of("newton", "SGD")),
    "loss": (of("log_loss", "squared_error"), of("hinge", 0)),
    "output_activation": (of("auto", "softmax", "logistic", "identity"), of("tanh", 1)),
    "alpha": (of(0, 1e-4, 1.0, 100, 1e300, np.float32(0.1)), of(-1e-9, "0.1")),
    "batch_size": (of("auto", 1, 2, 7, 10**9, np.int64(4)), of(0, 2.0, "all")),
    "learning_rate": (
        of(
            "constant",
            "invscaling",
            "adaptive",
            "linear",
            "cosine",
            "step",
            "one_cycle",
            halved,
        ),
        of("fast", 0.1, negative, no_number),
    ),
    "learning_rate_init": (STEPS, of(0, -0.1, "fast")),
    "power_t": (of(0, 0.5, 1, 1000.0, 1e308), of(-0.5, "half")),
    "max_iter": (of(1, 2, 3, np.int16(2)), of(0, 2.0, -5)),
    "shuffle": (of(True, False, np.bool_(False)), of("yes", 2)),
    "random_state": (of(None, 0, 1, np.uint8(3)) | GENERATORS, of(-1, 2**32, 1.5, "a")),
    "tol": (of(0, 1e-4, 1.0, 1e300), of(-1e-4, "small")),
    "verbose": (of(False, 0), of(-1, "yes")),
    "warm_start": (of(True, False), of("yes", 2)),
    "momentum": (of(0, 0.5, 0.9, 1), of(-0.1, 1.1, "a")),
    "nesterovs_momentum": (of(True, False), of("yes", 2)),
    "beta_1": (FACTORS, of(1, 1.0, -0.1)),
    "beta_2": (FACTORS, of(1, 1.0, -0.1)),
    "epsilon": (of(1e-8, 1, 5e-324, 1e300), of(0, -1e-8)),
    "early_stopping": (of(True, True, False), of("yes", 2)),
    "validation_fraction": (of(0.1, 0.5, 0.99, 1e-12, np.float32(0.3)), of(0, 1, 1.5)),
    "scoring": (
        of("accuracy", "loss", "neg_log_loss", "f1_macro", "balanced_accuracy", certain),
        of("roc_auc", "r2", "best", "f1", "adjusted_rand_score", nan_score),
    ),
    "n_iter_no_change": (of(1, 2, 10, np.inf), of(0, 1.5, -np.inf)),
    "dropout": (of(0, 0.0, 0.5, [0.5], (0.0,), 0.999), of(1, -0.1, [0.1, 0.2], ["a"], "0.5")),
    "max_fun": (of(1, 5, 15000), of(0, 1.5)),
    "class_weight": (
        of(None, "balanced", {}, {0: 2.0}, {0: 0, 1: 1e-300, 2: 1}, {"a": 3, "b": 1}),
        of({0: -1.0}, {0: 10**400}, {7: 1.0}, {0: "a"}, [{0: 1.0}], "auto", {0: 0, 1: 0, 2: 0}),
    ),
    "weight_init": (of("auto", "sklearn"), of("glorot", None)),
    "n_jobs": (of(None, 1, 2, -1), of(0, 1.5, "all")),
}


# X


def as_frame(array):
    return pd.DataFrame(array, columns=[f"column {i}" for i in range(array.shape[1])])


def with_dtype(dtype, array):
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return array.astype(dtype)


def on_disk(array):
    with tempfile.TemporaryFile() as file:
        mapped = np.memmap(file, array.dtype, "w+", shape=array.shape)
    mapped[:] = array
    mapped.flags.writeable = False
    return mapped


def read_only(array):
    array = array.copy()
    array.flags.writeable = False
    return array


def strided(array):
    return np.repeat(np.repeat(array, 2, axis=0), 3, axis=1)[::2, ::3]


def unsorted(array):
    """The entries of every row in the reverse order of their columns."""
    X = sparse.csr_array(array)
    for start, end in zip(X.indptr, X.indptr[1:], strict=False):
        X.indices[start:end] = X.indices[start:end][::-1]
        X.data[start:end] = X.data[start:end][::-1]
    return X


def with_duplicates(array):
    rows, columns = np.indices(array.shape).reshape(2, -1)
    twice = np.tile(array.ravel() / 2, 2), (np.tile(rows, 2), np.tile(columns, 2))
    return sparse.coo_array(twice, shape=array.shape)


def with_zeros(array):
    X = sparse.csr_array(array)
    X.data[::2] = 0
    return X


def damaged(kind, field, index, value, array):
    """A sparse array, one of whose indices points nowhere."""
    X = kind(array)
    values = getattr(X, field).copy()
    values[index] = value
    setattr(X, field, values)
    return X


def damaged_coo(array):
    X = sparse.coo_array(array)
    X.coords[1][-1] = 10**6
    return X


def cut(field, array):
    X = sparse.csr_array(array)
    setattr(X, field, getattr(X, field)[:-1])
    return X


def with_cell(value, array):
    """One element replaced, in a table of objects if it does not fit otherwise."""
    if not isinstance(value, float):
        array = array.astype(object)
    array = array.copy()
    array[len(array) // 2, -1] = value
    return array


VALUES = made_by(
    *[lambda rng, n: rng.normal(size=(n, N_FEATURES))] * 4,
    lambda rng, n: rng.randint(0, 9, (n, N_FEATURES)).astype(float),
    lambda rng, n: rng.normal(size=(n, N_FEATURES)) * [1, 0, 1],
    lambda rng, n: np.ones((n, N_FEATURES)) * [0, 1, -7],
    lambda rng, n: np.where(rng.uniform(size=(n, N_FEATURES)) < 0.9, 0.0, 1.0),
    lambda rng, n: np.zeros((n, N_FEATURES)),
    lambda rng, n: rng.normal(size=(n, N_FEATURES)) * [1e-30, 1, 1e30],
    lambda rng, n: rng.normal(size=(n, N_FEATURES)) * 1e30,
    lambda rng, n: rng.normal(size=(n, N_FEATURES)) * 1e307,
    lambda rng, n: np.full((n, N_FEATURES), 1.7e308) * [1, -1, 1],
    lambda rng, n: rng.normal(size=(n, N_FEATURES)) * 5e-324,
    lambda rng, n: rng.normal(size=(n, N_FEATURES)) * 1e-310,
)
DTYPES = st.sampled_from(
    [np.float64] * 6
    + [np.float32] * 3
    + [np.float16, np.longdouble, bool, object]
    + [f"{sign}{size}" for sign in "iu" for size in (1, 2, 4, 8)]
    + [">f8", ">f4"]
)
FORMS = made_by(
    *[np.ascontiguousarray] * 6,
    np.asfortranarray,
    strided,
    read_only,
    on_disk,
    lambda array: array[::-1][::-1],
    lambda array: array.tolist(),
    lambda array: tuple(map(tuple, array)),
    as_frame,
    as_frame,
    lambda array: as_frame(array).convert_dtypes(),
    lambda array: as_frame(array).astype({"column 0": np.float32}),
    lambda array: pd.DataFrame(array),
    np.ma.masked_array,
    sparse.csr_array,
    sparse.csr_matrix,
    sparse.csc_array,
    sparse.csc_matrix,
    sparse.coo_array,
    sparse.lil_array,
    sparse.dok_array,
    sparse.dia_array,
    sparse.bsr_array,
    unsorted,
    with_duplicates,
    with_zeros,
)
FLAWS_OF_X = made_by(
    partial(with_cell, np.nan),
    partial(with_cell, np.inf),
    partial(with_cell, -np.inf),
    partial(with_cell, None),
    partial(with_cell, "a"),
    partial(with_cell, b"1"),
    partial(with_cell, 10**400),
    partial(with_cell, {}),
    partial(with_cell, [1.0, 2.0]),
    partial(with_cell, pd.NA),
    partial(with_cell, np.datetime64("2020-01-01")),
    partial(with_dtype, complex),
    partial(with_dtype, str),
    partial(with_dtype, "S8"),
    lambda array: with_dtype("i8", np.clip(array, -9, 9)).astype("M8[s]"),
    lambda array: with_dtype(np.longdouble, array) * np.longdouble("1e1000"),
    lambda array: array[0],
    lambda array: array[0, 0],
    lambda array: array[..., None],
    lambda array: array[:0],
    lambda array: array[:1],
    lambda array: array[:-1],
    lambda array: array[:, :0],
    lambda array: array[:, :1],
    lambda array: np.hstack([array, array]),
    lambda array: [list(row)[: i % 3] for i, row in enumerate(array)],
    lambda array: None,
    lambda array: "X",
    lambda array: {"column 0": array[:, 0]},
    lambda array: iter(array),
    lambda array: object(),
    lambda array: as_frame(array).rename(columns={"column 0": 0}),
    lambda array: as_frame(array).rename(columns={"column 0": "other"}),
    lambda array: as_frame(array)[["column 1", "column 0", "column 2"]],
    lambda array: as_frame(array).assign(**{"column 1": "text"}),
    lambda array: as_frame(array).assign(**{"column 1": pd.Categorical(["u"] * len(array))}),
    lambda array: as_frame(array).convert_dtypes().mask(array > 1),
    lambda array: sparse.csr_array(with_cell(np.nan, array)),
    lambda array: sparse.csr_array(array * 1j),
    lambda array: sparse.coo_array(array[0]),
    lambda array: sparse.csr_array(array.shape),
    partial(damaged, sparse.csr_array, "indices", -1, 10**6),
    partial(damaged, sparse.csr_array, "indices", 0, -1),
    partial(damaged, sparse.csr_array, "indptr", -1, 10**6),
    partial(damaged, sparse.csr_array, "indptr", 1, -5),
    partial(damaged, sparse.csr_array, "indptr", 0, 1),
    partial(damaged, sparse.csc_array, "indices", -1, 10**6),
    partial(damaged, sparse.csc_array, "indptr", 1, 10**6),
    damaged_coo,
    partial(cut, "indptr"),
    partial(cut, "data"),
    partial(cut, "indices"),
)


def draw_rows(draw, n_rows, flawed):
    """X, of ``n_rows`` rows unless it is flawed."""
    rng = np.random.RandomState(draw(SEEDS))
    array = with_dtype(draw(DTYPES), draw(VALUES)(rng, n_rows))
    if flawed:
        # some of the flaws are of one form alone, others make sense in every form
        plain = draw(COINS)
        array = made(draw(FLAWS_OF_X), with_dtype(float, array) if plain else array)
        if plain or not isinstance(array, np.ndarray):
            return array
    return made(draw(FORMS), array)


def made(maker, array):
    """What the maker makes of the array, or the array if there is no such form of it."""
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return maker(array)
    except (TypeError, ValueError, AttributeError, LookupError, OverflowError):
        return array


# y


def cycle(n, n_classes=N_CLASSES):
    return np.arange(n) % n_classes


def named(*names):
    return lambda rng, n: np.array(names)[cycle(n, len(names))]


def objects(*values):
    def make(rng, n):
        y = np.empty(n, dtype=object)
        for i in range(n):
            y[i] = values[i % len(values)]
        return y

    return make


def indicator(n):
    labels = cycle(n)
    return np.stack([labels == 0, labels > 0, labels == 2], axis=1).astype(int)


MULTILABEL = made_by(
    lambda rng, n: indicator(n),
    lambda rng, n: indicator(n).astype(float),
    lambda rng, n: indicator(n).astype(bool),
    lambda rng, n: sparse.csr_array(indicator(n)),
    lambda rng, n: sparse.coo_matrix(indicator(n)),
    lambda rng, n: as_frame(indicator(n)),
    lambda rng, n: np.asfortranarray(indicator(n)),
)
ONE_LABEL = made_by(
    *[lambda rng, n: cycle(n)] * 4,
    *[lambda rng, n: cycle(n, 2)] * 2,
    lambda rng, n: cycle(n).tolist(),
    lambda rng, n: rng.randint(0, 2, n),
    lambda rng, n: rng.randint(-3, 3, n).astype(np.int8),
    lambda rng, n: cycle(n).astype(float),
    lambda rng, n: cycle(n).astype(np.float16),
    lambda rng, n: cycle(n).astype(np.uint64) + np.uint64(2**63),
    lambda rng, n: cycle(n, 2).astype(bool),
    lambda rng, n: cycle(n) * 1e300,
    lambda rng, n: read_only(cycle(n)),
    lambda rng, n: np.arange(n),
    named("a", "b"),
    named("a", "", "\u00e9"),
    objects("a", "b", "c"),
    objects(True, False),
    objects(2, 1),
    lambda rng, n: pd.Series(cycle(n), index=range(n, 2 * n)),
    lambda rng, n: pd.Series(cycle(n)).astype("Int64"),
    lambda rng, n: pd.Series(list("abc"), dtype="string").iloc[cycle(n)],
    lambda rng, n: pd.Series(pd.Categorical(np.array(list("abc"))[cycle(n)])),
    lambda rng, n: cycle(n)[:, None],
    lambda rng, n: pd.DataFrame({"y": cycle(n)}),
)
WRONG_Y = made_by(
    lambda rng, n: None,
    lambda rng, n: 1,
    lambda rng, n: "y",
    lambda rng, n: object(),
    lambda rng, n: {"a": 1},
    lambda rng, n: [],
    lambda rng, n: cycle(n)[1:],
    lambda rng, n: cycle(n + 1),
    lambda rng, n: np.zeros(n, int),
    lambda rng, n: np.full(n, "a"),
    lambda rng, n: np.full(n, np.nan),
    lambda rng, n: np.where(cycle(n) == 1, np.nan, cycle(n)),
    lambda rng, n: np.where(cycle(n) == 1, np.inf, cycle(n)),
    lambda rng, n: cycle(n) + 0.5,
    lambda rng, n: cycle(n) * 1e-320,
    lambda rng, n: cycle(n) * 1j,
    lambda rng, n: cycle(n) + 10**6,
    named(b"a", b"b"),
    objects(1, "a"),
    objects("a", None),
    objects(None, None),
    objects(b"a", b"b"),
    objects(1, 2.5),
    objects(0.0, np.nan),
    objects("a", np.nan),
    objects((1,), (2,)),
    objects([1], [1, 2]),
    objects({}, {}),
    objects(10**30, 0),
    objects(10**400, 1),
    objects(1j, 2),
    objects(pd.NA, "a"),
    objects(date(2020, 1, 1), date(2021, 1, 1)),
    lambda rng, n: [[1], [2, 3]] * (n // 2),
    lambda rng, n: cycle(n).astype("M8[D]"),
    lambda rng, n: pd.Series(cycle(n)).astype("Int64").where(cycle(n) > 0),
    lambda rng, n: pd.Series(pd.Categorical.from_codes(cycle(n) - 1, [0, 1])),
    lambda rng, n: np.stack([cycle(n), cycle(n)], axis=1),
    lambda rng, n: indicator(n) * 2,
    lambda rng, n: indicator(n)[:, :1],
    lambda rng, n: indicator(n)[1:],
    lambda rng, n: indicator(n)[:, :2],
    lambda rng, n: indicator(n)[:, :0],
    lambda rng, n: indicator(n)[..., None],
    lambda rng, n: np.where(indicator(n), np.nan, 0),
    lambda rng, n: sparse.csr_array(2 * indicator(n)),
    lambda rng, n: sparse.csr_array(cycle(n)[:, None]),
    lambda rng, n: damaged(sparse.csr_array, "indices", 0, 10**6, indicator(n)),
    lambda rng, n: np.ma.masked_array(cycle(n), cycle(n) == 0),
)


def draw_target(draw, n_rows, flawed, multilabel):
    rng = np.random.RandomState(draw(SEEDS))
    makers = WRONG_Y if flawed else MULTILABEL if multilabel else ONE_LABEL
    return draw(makers)(rng, n_rows)


# The other arguments

WEIGHTS = made_by(
    lambda rng, n: None,
    lambda rng, n: np.ones(n),
    lambda rng, n: rng.uniform(size=n),
    lambda rng, n: rng.uniform(size=n).astype(np.float32).tolist(),
    lambda rng, n: rng.randint(0, 3, n),
    lambda rng, n: np.arange(n) * 1e-300,
    lambda rng, n: np.arange(n) * 1e290,
    lambda rng, n: np.arange(n, dtype=float)[::-1],
    lambda rng, n: pd.Series(rng.uniform(size=n)),
    lambda rng, n: cycle(n) > 0,
)
WRONG_WEIGHTS = made_by(
    lambda rng, n: np.zeros(n),
    lambda rng, n: -np.ones(n),
    lambda rng, n: cycle(n) - 1.0,
    lambda rng, n: np.where(cycle(n) == 1, np.nan, 1.0),
    lambda rng, n: np.where(cycle(n) == 1, np.inf, 1.0),
    lambda rng, n: np.full(n, 1e308),
    lambda rng, n: np.full(n, 5e-324),
    lambda rng, n: (np.arange(n) == 0) * 1.0,
    lambda rng, n: (cycle(n) == 0) * 1.0,
    lambda rng, n: np.ones(n + 1),
    lambda rng, n: np.ones((n, 1)),
    lambda rng, n: 1.0,
    lambda rng, n: [],
    lambda rng, n: ["a"] * n,
    lambda rng, n: [None] * n,
    lambda rng, n: [10**400] * n,
    lambda rng, n: [[1]] * (n - 1) + [[1, 2]],
    lambda rng, n: np.ones(n) * 1j,
    lambda rng, n: cycle(n).astype("M8[s]"),
    lambda rng, n: sparse.csr_array(np.ones((1, n))),
    lambda rng, n: pd.Series(cycle(n)).astype("Int64").where(cycle(n) > 0),
    lambda rng, n: "balanced",
    lambda rng, n: object(),
)


def draw_weights(draw, n_rows, flawed):
    rng = np.random.RandomState(draw(SEEDS))
    return draw(WRONG_WEIGHTS if flawed else WEIGHTS)(rng, n_rows)


# those that are right are right for one hidden layer of three units and three classes
COEFS = of(None, [np.ones((N_FEATURES, 3)), np.ones((3, N_CLASSES))], [[[0.5] * 3] * 3] * 2)
WRONG_COEFS = of(
    [],
    (),
    0.0,
    "a",
    {},
    object(),
    [None, None],
    [np.ones((2, 2)), np.ones((2, 2))],
    [np.full((N_FEATURES, 3), np.nan), np.ones((3, N_CLASSES))],
    [np.full((N_FEATURES, 3), 1e200), np.full((3, N_CLASSES), 1e200)],
    [np.ones((N_FEATURES, 3)) * 1j, np.ones((3, N_CLASSES))],
    np.ones((2, 3, 3)),
    np.ones((3, 3)),
    [[[1, 2], [3]], [[1]]],
    [[[10**400] * 3] * 3] * 2,
    [[["a"] * 3] * 3] * 2,
    [sparse.csr_array(np.ones((3, 3)))] * 2,
)
INTERCEPTS = of(None, [np.zeros(3), np.zeros(N_CLASSES)], [[1, 2, 3], (4, 5, 6)])
WRONG_INTERCEPTS = of(
    [],
    [0.0],
    1,
    "a",
    [np.zeros(2), np.zeros(2)],
    [[np.inf] * 3] * 2,
    [None] * 2,
    [["a"] * 3] * 2,
    [[10**400] * 3] * 2,
)
CLASSES = of(
    None, [0, 1, 2], [0, 1], range(3), np.array(["a", "b", "c"]), ("a", "b"), [2, 0, 1]
)
WRONG_CLASSES = of(
    [],
    [0],
    0,
    "abc",
    [[0, 1], [1, 2]],
    [0, 0, 0],
    [0, "a"],
    [0, None],
    [0, np.nan],
    [0, np.inf],
    [10**400, 1],
    [1j, 2],
    np.array([0, "a"], dtype=object),
    np.array([None, None]),
    [[0], [1, 2]],
    {0, 1},
    {},
    object(),
    [5, 6, 7],
    pd.array([0, 1, None], dtype="Int64"),
    sparse.csr_array(np.ones((1, 3))),
    [b"a", b"b"],
    [0.5, 1.5],
    np.array([0, 1, 2], dtype="M8[D]"),
)
# name of an argument, right and wrong values; those of X come from ``rows`` and so on
LISTS = {
    "coef_init": (COEFS, WRONG_COEFS),
    "intercept_init": (INTERCEPTS, WRONG_INTERCEPTS),
    "classes": (CLASSES, WRONG_CLASSES),
}


# Calls


FITS = ("fit", "partial_fit")
PREDICTIONS = ("predict", "predict_proba", "predict_log_proba", "decision_function")
METHODS = (*FITS, *PREDICTIONS, "score")
DATA = ("X", "y", "sample_weight", "X_val", "y_val", "sample_weight_val", *LISTS)
# how much is wrong in each call of a case: nothing, one or two things mostly, or everything
N_FLAWS = of([1], [1], [2], [0, 1], [0, 1], [0, 2], [1, 1], [0, 0], [0, 3], [12, 12])
CALLED = of(*["fit"] * 6, *["partial_fit"] * 3, *METHODS)
N_ROWS = of(12, 12, 12, 20, 3, 2, 1)
RIGHT_NAMES = st.lists(of(*PARAMETERS), max_size=6, unique=True)
# X, y and sample_weight more often than the others
FLAWED_NAMES = {n: st.lists(of(*DATA[:3], *DATA, *PARAMETERS), max_size=n) for n in range(13)}


def draw_arguments(draw, method, flawed, validation):
    """What a method is called with, as a dict; wrong are those whose names are in flawed."""
    n_rows, multilabel = draw(N_ROWS), draw(RARELY)
    given = {"X": draw_rows(draw, n_rows, "X" in flawed)}
    if method in PREDICTIONS:
        return given
    given["y"] = draw_target(draw, n_rows, "y" in flawed, multilabel)
    if "sample_weight" in flawed or draw(RARELY):
        given["sample_weight"] = draw_weights(draw, n_rows, "sample_weight" in flawed)
    lists = {"partial_fit": ["classes"], "fit": ["coef_init", "intercept_init"]}
    for name in lists.get(method, []):
        right, wrong = LISTS[name]
        if name in flawed or name == "classes" or draw(RARELY):
            given[name] = draw(wrong if name in flawed else right)
    if method == "fit" and (validation or flawed & {"X_val", "y_val", "sample_weight_val"}):
        given["X_val"] = draw_rows(draw, 7, "X_val" in flawed)
        given["y_val"] = draw_target(draw, 7, "y_val" in flawed, multilabel)
        if "sample_weight_val" in flawed or draw(RARELY):
            given["sample_weight_val"] = draw_weights(draw, 7, "sample_weight_val" in flawed)
    return given


def draw_call(draw, flawed, parameters):
    """The parameters that are set before a call, the method and its arguments."""
    wrong = {name: PARAMETERS[name][1] | ANYTHING for name in PARAMETERS if name in flawed}
    changes = {name: draw(strategy) for name, strategy in wrong.items()}
    method = draw(CALLED)
    validation = parameters.get("early_stopping") is True and draw(COINS)
    return changes, method, draw_arguments(draw, method, flawed, validation)


@st.composite
def cases(draw):
    """Right parameters of an estimator, and calls of its methods one after the other."""
    parameters = {name: draw(PARAMETERS[name][0]) for name in draw(RIGHT_NAMES)}
    all_flawed = [set(draw(FLAWED_NAMES[n])) for n in draw(N_FLAWS)]
    if draw(COINS):
        all_flawed.append(set())
    return parameters, [draw_call(draw, flawed, parameters) for flawed in all_flawed]
