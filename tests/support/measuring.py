"""Memory of a process, and what its tests measure in child processes."""

import ctypes
import gc
import itertools
import pickle
import warnings
from functools import partial
from pathlib import Path

import numpy as np
from estimators import maker
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning

from skdigitnet.datasets import RowBlocks

STATUS = Path("/proc/self/status")  # Linux has it
# Rows, features, and entries of each row of sparse X that has very many columns.
WIDE_ENTRIES = 10


def resident(which="VmRSS"):
    """Bytes of this process in memory: now, or with "VmHWM" the most there have been.

    "RssAnon" leaves out parts of files, such as libraries, which the system drops and
    fetches as it likes.
    """
    line = next(line for line in STATUS.read_text().splitlines() if line.startswith(which))
    return int(line.split()[1]) * 1024


def settle():
    """Free what nothing refers to, and give what is free back to the system."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)  # the C library keeps it otherwise, for the next fit


# whose training ends at max_iter
make = maker(n_iter_no_change=np.inf)


# Rows, made with hardly more memory than they take


def dense(n_rows, n_features, dtype, share):
    """Random numbers; on average this many are not zero."""
    rng = np.random.default_rng(0)
    X = np.empty((n_rows, n_features), dtype)
    for block in np.array_split(X, max(1, n_rows // 500)):
        rng.random(dtype=dtype, out=block)
        block[rng.random(block.shape, dtype=np.float32) >= share] = 0
    return X


def wide(n_rows, n_features, dtype):
    """CSR rows of ten entries each, one in every tenth of the columns."""
    rng = np.random.default_rng(0)
    shape = n_rows, WIDE_ENTRIES
    tenth = n_features // WIDE_ENTRIES
    indices = rng.integers(0, tenth, shape, dtype=np.int32)
    indices += tenth * np.arange(WIDE_ENTRIES, dtype=np.int32)
    indptr = np.arange(0, indices.size + 1, WIDE_ENTRIES, dtype=np.int32)
    values = rng.random(indices.size, dtype=dtype)
    return sparse.csr_array((values, indices.ravel(), indptr), shape=(n_rows, n_features))


class Computed:
    """Rows of bytes of any number, which exist only while they are used."""

    dtype = np.dtype(np.uint8)

    def __init__(self, n_rows, n_features):
        self.shape = n_rows, n_features

    def __getitem__(self, rows):
        numbers = np.arange(*rows.indices(self.shape[0])).astype(np.uint8)
        return numbers[:, None] + np.arange(self.shape[1], dtype=np.uint8)


def labels(n_rows):
    return np.arange(n_rows) % 10


# What child processes do


def peak_of_fit(n_rows, n_features, dtype, share, order, parameters):
    """Fit dense rows; return the bytes that X, the weights and a sparse copy take.

    And the most that the process has had, less what it had before there was X.
    """
    warm_up = make(**parameters)
    warm_up.fit(dense(50, n_features, dtype, share), labels(50))
    gc.collect()
    before = resident()
    X = dense(n_rows, n_features, dtype, share)
    if order == "F":
        X = X.reshape(n_features, n_rows).T
    clf = make(**parameters).fit(X, labels(n_rows))
    used = resident("VmHWM") - before
    weights = sum(array.nbytes for array in clf.coefs_ + clf.intercepts_)
    n_entries = int(np.count_nonzero(X))
    copy = n_entries * (X.itemsize + 4) + 8 * (n_rows + 1)
    return {"used": used, "X": X.nbytes, "weights": weights, "copy": copy}


def peak_of_wide_rows(n_rows, n_features, dtype, parameters):
    """Train an epoch on CSR rows and predict them; return the most that the process has had.

    Twice: after training, and after predicting the class of every row.
    """
    X = wide(n_rows, n_features, dtype)
    clf = make(max_iter=1, **parameters).fit(X, labels(n_rows))
    after_training = resident("VmHWM")
    assert clf.coefs_[0].dtype == dtype
    assert clf.predict(X).shape == (n_rows,)
    return after_training, resident("VmHWM")


def peak_in_blocks(n_rows, n_features, parameters):
    """Train an epoch on rows that are computed and predict them; return the bytes it took."""
    small = RowBlocks(Computed(50, n_features), scale=1 / 255)
    parameters = {"max_iter": 1, **parameters}
    make(**parameters).fit(small, labels(50)).predict(small)
    settle()
    before = resident()
    X = RowBlocks(Computed(n_rows, n_features), scale=1 / 255)
    clf = make(**parameters).fit(X, labels(n_rows))
    assert clf.t_ == n_rows
    assert clf.predict(X).shape == (n_rows,)
    return resident("VmHWM") - before


def growth_over_fits(n_fits):
    """Fit so often, in every way there is; return by how many bytes the process has grown."""
    warnings.simplefilter("ignore", ConvergenceWarning)
    kinds = list(every_kind_of_fit())
    for fit in kinds:  # to warm up
        fit()
    settle()
    before = resident("RssAnon")
    for fit in itertools.islice(itertools.cycle(kinds), n_fits):
        fit()
    settle()
    return resident("RssAnon") - before


def every_kind_of_fit():
    """Functions that fit, resume, predict, store or fail."""
    X, y = dense(400, 60, "float64", 0.5), labels(400)
    forms = [X, X.astype(np.float32), dense(400, 60, "float32", 0.1), np.asfortranarray(X)]
    forms += [sparse.csr_array(X), sparse.csc_array(X), X.tolist()]
    settings = [
        {"momentum": 0},
        {"hidden_layer_sizes": (20, 10), "activation": "relu", "dropout": 0.3},
        {"solver": "adam", "early_stopping": True},
        {"solver": "lbfgs"},
        {"solver": "lbfgs", "early_stopping": True, "scoring": "neg_log_loss"},
        {"loss": "squared_error", "hidden_layer_sizes": (), "class_weight": "balanced"},
    ]

    def fit(X, parameters):
        clf = make(**{"hidden_layer_sizes": (20,), "max_iter": 3, **parameters}).fit(X, y)
        clf.predict(X)
        clf.predict_proba(X)

    def go_on():
        clf = make(hidden_layer_sizes=(20,), max_iter=2, warm_start=True).fit(X, y)
        clf = pickle.loads(pickle.dumps(clf)).fit(X, y)
        clf.partial_fit(X[:50], y[:50])

    def fail():
        clf = make(hidden_layer_sizes=(20,), max_iter=3, learning_rate_init=1e300)
        for arguments in ((X, y), (X, y[:9]), (np.full_like(X, np.nan), y)):
            try:
                clf.fit(*arguments)
            except ValueError:
                continue
            raise AssertionError("this fit was to fail")

    for form, parameters in itertools.product(forms, settings):
        yield partial(fit, form, parameters)
        yield go_on
        yield fail
