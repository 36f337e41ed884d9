"""The same seed gives the same weights to the bit, whatever process, threads or form of X."""

from concurrent.futures import ThreadPoolExecutor
from functools import cache

import joblib
import numpy as np
import pandas as pd
import pytest
from children import in_child
from effort import effort
from joblib import parallel_config
from resuming import other_training
from same_bits import CONFIGURATIONS, FORMS, N_FEATURES, N_ROWS, dense_rows, digest
from scipy import sparse
from sklearn.model_selection import cross_validate

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@cache
def digests():
    """Of each configuration, from an ordinary fit."""
    return {configuration: configuration.digest() for configuration in CONFIGURATIONS}


def some(configurations, first=0):
    """Every fifth, which are of every kind; all of them in an exhaustive run."""
    return configurations[first % effort(5, 1) :: effort(5, 1)]


def test_what_is_compared_is_not_always_the_same():
    # X in another form is the same X; everything else is other training
    kinds = {
        (c.solver, c.form if c.form == "dense" else "sparse", c.dtype, c.extra)
        for c in CONFIGURATIONS
    }
    assert len(set(digests().values())) == len(kinds)


# Processes and threads


@pytest.mark.parametrize("number", range(effort(3, 20)))
def test_every_process_gives_the_same_bits(number):
    n_threads = (1, 2, 4)[number % 3]
    variables = {
        "PYTHONHASHSEED": str(number),
        "OMP_NUM_THREADS": str(n_threads),
        "OPENBLAS_NUM_THREADS": str(n_threads),
        "MKL_NUM_THREADS": str(n_threads),
    }
    found = in_child("same_bits.digests", n_threads, variables=variables)
    assert found == list(digests().values())


@pytest.mark.parametrize("n_jobs", [1, 2, 4])
def test_own_threads_change_no_bit(thread_counts, n_jobs):
    for configuration in some(CONFIGURATIONS, n_jobs):
        thread_counts.clear()
        found = configuration.digest(n_jobs=n_jobs)
        assert found == digests()[configuration], str(configuration)
        assert set(thread_counts) == {n_jobs}  # there is work enough for all of them


def test_fits_side_by_side_change_no_bit():
    with ThreadPoolExecutor(4) as pool:
        found = pool.map(lambda configuration: configuration.digest(), CONFIGURATIONS)
        assert list(found) == list(digests().values())


@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_cross_validation_with_n_jobs_changes_no_bit(backend, monkeypatch):
    monkeypatch.setenv("PYTHONWARNINGS", "ignore")  # reaches loky's processes

    def folds(configuration, n_jobs):
        # max_nbytes: X reaches the processes as a memory map, which is read-only
        with parallel_config(backend, max_nbytes=1000):
            result = cross_validate(
                configuration.make(),
                *configuration.rows(),
                cv=2,
                n_jobs=n_jobs,
                return_estimator=True,
                error_score="raise",
            )
        return [digest(clf) for clf in result["estimator"]]

    for configuration in some(CONFIGURATIONS):
        one, two = folds(configuration, 1), folds(configuration, 2)
        assert one == two, str(configuration)
        assert one[0] != one[1]


# Forms of X


def memory_map(X, folder):
    np.save(folder / "X.npy", X)
    return np.load(folder / "X.npy", mmap_mode="r")


def joblib_memory_map(X, folder):
    joblib.dump(X, folder / "X.joblib")
    return joblib.load(folder / "X.joblib", mmap_mode="r")


def read_only(X, folder):
    X = X.copy()
    X.setflags(write=False)
    return X


def every_second_row(X, folder):
    return np.repeat(X, 2, axis=0)[::2]


def backwards(X, folder):
    return X[::-1, ::-1].copy()[::-1, ::-1]


def columns_of_a_wider_array(X, folder):
    return np.hstack([X, X, X])[:, N_FEATURES : 2 * N_FEATURES]


def unaligned(X, folder):
    raw = np.empty(X.nbytes + 1, dtype=np.uint8)
    view = raw[1:].view(X.dtype).reshape(X.shape)
    view[:] = X
    assert not view.flags.aligned
    return view


def field_of_records(X, folder):
    records = np.empty(N_ROWS, np.dtype([("label", np.uint8), ("x", X.dtype, N_FEATURES)]))
    records["x"] = X
    return records["x"]


def big_endian(X, folder):
    return X.astype(X.dtype.newbyteorder(">"))


def frame(X, folder):
    return pd.DataFrame(X)


def frame_of_columns(X, folder):
    return pd.DataFrame({f"x{j}": column for j, column in enumerate(X.T)})


def lists(X, folder):
    return X.tolist()


def objects(X, folder):
    return X.astype(object)


def fortran_ordered(X, folder):
    return np.asfortranarray(X)


DENSE_WAYS = [
    memory_map,
    joblib_memory_map,
    read_only,
    fortran_ordered,
    every_second_row,
    backwards,
    columns_of_a_wider_array,
    unaligned,
    field_of_records,
    frame,
    frame_of_columns,
    big_endian,
    lists,
    objects,
]


def with_index_dtype(X, dtype):
    X.indices, X.indptr = X.indices.astype(dtype), X.indptr.astype(dtype)
    return X


def indices_of_64_bits(X, folder):
    return with_index_dtype(sparse.csr_array(X), np.int64)


def columns_of_64_bits(X, folder):
    return with_index_dtype(sparse.csc_array(X), np.int64)


def unsorted_and_in_halves(X, folder):
    """Every entry twice, half of it each time, and in a random order within its row."""
    rows, columns = np.tile(np.nonzero(X), 2)
    order = np.lexsort([np.random.default_rng(0).random(len(rows)), rows])
    indptr = np.searchsorted(rows[order], np.arange(N_ROWS + 1))
    halves = X[rows, columns][order] / 2
    return sparse.csr_array((halves, columns[order], indptr), shape=X.shape)


def with_zeros_stored(X, folder):
    columns = np.tile(np.arange(N_FEATURES), N_ROWS)
    indptr = np.arange(0, X.size + 1, N_FEATURES)
    return sparse.csr_array((X.ravel(), columns, indptr), shape=X.shape)


def memory_mapped_entries(X, folder):
    X = sparse.csr_array(X)
    for name in ("data", "indices", "indptr"):
        np.save(folder / f"{name}.npy", getattr(X, name))
        setattr(X, name, np.load(folder / f"{name}.npy", mmap_mode="r"))
    return X


def coordinates(X, folder):
    return sparse.coo_array(X)


def sparse_frame(X, folder):
    return pd.DataFrame.sparse.from_spmatrix(sparse.csr_matrix(X))


SPARSE_WAYS = [
    indices_of_64_bits,
    columns_of_64_bits,
    unsorted_and_in_halves,
    with_zeros_stored,
    memory_mapped_entries,
    coordinates,
    sparse_frame,
]
# scikit-learn makes float64 of these, whatever is in them
FLOAT64_WAYS = [big_endian, lists, objects, sparse_frame]


def assert_same_in(way, forms, folder):
    dtypes = ["float64"] if way in FLOAT64_WAYS else ["float32", "float64"]
    suited = [c for c in CONFIGURATIONS if c.form in forms and c.dtype in dtypes]
    for configuration in some(suited):
        array, y = dense_rows(configuration.form, configuration.dtype)
        fitted = configuration.make().fit(way(array, folder), y)
        assert digest(fitted) == digests()[configuration], str(configuration)


@pytest.mark.parametrize("way", DENSE_WAYS)
def test_dense_rows_in_any_memory_give_the_same_bits(way, tmp_path):
    assert_same_in(way, ["dense", "mostly zeros"], tmp_path)


@pytest.mark.parametrize("way", SPARSE_WAYS)
def test_sparse_rows_in_any_form_give_the_same_bits(way, tmp_path):
    assert_same_in(way, ["csr"], tmp_path)


def test_sparse_rows_give_the_bits_of_dense_ones():
    by_all_but_form = {}
    for configuration, found in digests().items():
        if configuration.form != "dense":
            key = configuration.solver, configuration.dtype, configuration.extra
            by_all_but_form.setdefault(key, []).append(found)
    for key, found in by_all_but_form.items():
        assert len(found) == len(FORMS) - 1
        assert len(set(found)) == 1, key


# What has happened before


def test_training_in_between_changes_no_bit():
    for configuration in some(CONFIGURATIONS):
        expected = digests()[configuration]
        other_training()
        clf = configuration.make()
        X, y = configuration.rows()
        clf.fit(X[::-1], y)
        assert digest(clf) != expected
        with pytest.raises(ValueError, match="inconsistent numbers of samples"):
            clf.fit(X, y[1:])
        if configuration.solver != "lbfgs":
            clf.set_params(learning_rate_init=1e300)
            with pytest.raises(ValueError, match="diverged"):
                clf.fit(X, y)
            clf.set_params(learning_rate_init="auto")
        assert digest(clf.fit(X, y)) == expected, str(configuration)
