"""Fits of Dask collections on clusters of processes; see tests/classifier/test_dask.py."""

import pickle
import signal
import threading
import time
import warnings
from pathlib import Path

import dask
import dask.array as da
import distributed
import numpy as np
import pandas as pd
import pytest
from clusters import cluster_of, scheduler_and_client, workers
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.exceptions import NotFittedError

from skdigitnet import BackpropMLPClassifier
from skdigitnet._system import cluster
from skdigitnet.dask import DaskBackpropMLPClassifier, _held

X, Y = load_digits(return_X_y=True)
X /= 16
WEIGHT = np.random.default_rng(0).random(len(X))
VALIDATION = "X_val", "y_val", "sample_weight_val"
PARAMETERS = {"hidden_layer_sizes": (12,), "random_state": 0, "max_iter": 20}

warnings.simplefilter("ignore")  # of convergence


def dask_rows(chunk=400, *arrays):
    return [da.from_array(array, chunks=(chunk, *array.shape[1:])) for array in arrays]


def fit(arrays, validation=(), **parameters):
    clf = DaskBackpropMLPClassifier(**{**PARAMETERS, "block_rows": 128, **parameters})
    return clf.fit(*arrays, **dict(zip(VALIDATION, validation, strict=False)))


def assert_same_weights(clf, other, tolerance=0.0):
    assert clf.n_iter_ == other.n_iter_
    for ours, theirs in zip(clf.coefs_, other.coefs_, strict=True):
        assert ours.dtype == theirs.dtype
        assert_allclose(ours, theirs, rtol=0, atol=tolerance)
    assert_allclose(clf.loss_curve_, other.loss_curve_, rtol=tolerance)


def compare_with_memory():
    local = BackpropMLPClassifier(solver="lbfgs", **PARAMETERS).fit(X, Y)
    with cluster_of(2) as client:
        clf = fit(dask_rows(400, X, Y))
        assert_same_weights(clf, local, 1e-9)
        rows_are_held_once(client)
        chunks_change_nothing(clf)
        client.cluster.scale(3)
        client.wait_for_workers(3, timeout=60)
        assert_same_weights(fit(dask_rows(400, X, Y)), clf)
        predictions_are_lazy(clf, local)
        weights_and_labels_count()
        early_stopping_and_class_weight()
        frames_have_names()
        float32_stays()


def rows_are_held_once(client):
    """While it trains a worker has parts, and not what they were made of."""

    def held(dask_worker):
        return {type(value).__name__ for value in dask_worker.data.values()}

    def look():
        found.add("Rows")
        began = time.monotonic()
        while "Rows" in found and time.monotonic() - began < 30:  # it is forgotten soon
            found.clear()
            found.update(*client.run(held).values())

    found = set()
    slow = da.from_array(X, chunks=(400, -1)).map_blocks(after_a_look, dtype=X.dtype)
    with DuringTheFit(5, look):
        fit([slow, *dask_rows(400, Y)])
    assert "Part" in found, found
    assert "Rows" not in found, found


def after_a_look(rows):
    time.sleep(_held.LOOK_SECONDS)
    return rows


def chunks_change_nothing(clf):
    """Nor do empty ones, ones of unknown size, and ones without most of the classes."""
    rows, labels = dask_rows(3, X, Y)
    assert_same_weights(fit([rows.rechunk((1000, 10)), labels.rechunk(77)]), clf)
    with_empty = [
        da.concatenate([array[:5], array[:0], array[5:]]) for array in dask_rows(99, X, Y)
    ]
    assert_same_weights(fit(with_empty), clf)
    is_there = da.from_array(np.ones(len(X), bool), chunks=400)
    unknown = [array[is_there] for array in dask_rows(400, X, Y)]
    assert np.isnan(unknown[0].shape[0])
    assert_same_weights(fit(unknown), clf)
    order = np.argsort(Y, kind="stable")
    by_class = fit(dask_rows(100, X[order], Y[order]))
    local = BackpropMLPClassifier(solver="lbfgs", **PARAMETERS).fit(X[order], Y[order])
    assert_same_weights(by_class, local, 1e-9)


def predictions_are_lazy(clf, local):
    (rows,) = dask_rows(500, X)
    for method in ("predict", "predict_proba"):
        lazy = getattr(clf, method)(rows)
        assert isinstance(lazy, da.Array)
        expected = getattr(clf.to_local(), method)(X)
        assert lazy.shape == expected.shape
        assert lazy.dtype == expected.dtype
        assert_array_equal(lazy.compute(), expected)
    labels, weight = dask_rows(300, Y, WEIGHT)
    assert clf.score(rows, labels) == clf.to_local().score(X, Y)
    assert_allclose(clf.score(rows, labels, weight), clf.to_local().score(X, Y, WEIGHT))
    assert isinstance(clf.to_local(), BackpropMLPClassifier)
    again = pickle.loads(pickle.dumps(clf))
    assert_array_equal(again.predict(rows).compute(), clf.predict(rows).compute())
    with pytest.raises(NotFittedError):
        clone(clf).predict(rows)


def weights_and_labels_count():
    names = np.array(["a", "b"])[(Y > 4).astype(int)]
    weight = WEIGHT * (np.arange(len(X)) >= 300)  # two blocks have none
    clf = fit(dask_rows(400, X, names, weight))
    local = BackpropMLPClassifier(solver="lbfgs", **PARAMETERS).fit(X, names, weight)
    assert list(clf.classes_) == ["a", "b"]
    assert_same_weights(clf, local, 1e-9)


def early_stopping_and_class_weight():
    parameters = {"class_weight": "balanced", "early_stopping": True, "n_iter_no_change": 3}
    rows, held_out = slice(0, 1000), slice(1000, None)
    for scoring in ("accuracy", "loss"):
        parameters["scoring"] = scoring
        local = BackpropMLPClassifier(solver="lbfgs", **PARAMETERS, **parameters)
        validation = [array[held_out] for array in (X, Y, WEIGHT)]
        local.fit(
            X[rows], Y[rows], WEIGHT[rows], **dict(zip(VALIDATION, validation, strict=True))
        )
        arrays = dask_rows(300, X[rows], Y[rows], WEIGHT[rows])
        clf = fit(arrays, dask_rows(99, *validation), **parameters)
        assert_same_weights(clf, local, 1e-9)
        assert clf.best_iteration_ == local.best_iteration_
        assert_allclose(clf.validation_scores_, local.validation_scores_, rtol=1e-9)
        assert clf.best_validation_score_ == max(clf.validation_scores_)


def frames_have_names():
    try:
        import dask.dataframe as dd
    except ImportError:  # old ones need packages that Dask's scheduler does not bring
        return
    frame = pd.DataFrame(X, columns=[f"pixel{i}" for i in range(64)])
    rows = dd.from_pandas(frame, npartitions=5)
    labels = dd.from_pandas(pd.Series(Y), npartitions=5)
    clf = fit([rows, labels])
    assert_same_weights(
        clf, BackpropMLPClassifier(solver="lbfgs", **PARAMETERS).fit(frame, Y), 1e-9
    )
    assert list(clf.feature_names_in_) == list(frame.columns)
    assert_array_equal(clf.predict(rows).compute(), clf.to_local().predict(frame))
    mixed = rows.assign(colour=labels.astype(str).astype("category"))
    with pytest.raises(ValueError, match="X has columns that are not numbers: colour"):
        fit([mixed, labels])


def float32_stays():
    clf = fit(dask_rows(400, X.astype(np.float32), Y))
    local = BackpropMLPClassifier(solver="lbfgs", **PARAMETERS).fit(X.astype(np.float32), Y)
    assert clf.coefs_[0].dtype == np.float32
    assert_allclose(clf.loss_curve_[:5], local.loss_curve_[:5], rtol=1e-4)


def refuse():
    with cluster_of(1):
        rows, labels = dask_rows(400, X, Y)
        for arrays, kind, message in (
            ([X, labels], TypeError, "X must be a Dask array or frame; got ndarray"),
            ([rows, Y], TypeError, "y must be a Dask array or frame"),
            ([rows, labels[:-1]], ValueError, r"as many rows; they have \[1797, 1796\]"),
            ([rows[:0], labels[:0]], ValueError, "X has no rows"),
            ([rows[:, 0], labels], ValueError, "X must have 2 dimensions; it has 1"),
            ([rows, labels * 0], ValueError, "y has one class only"),
            ([rows / (rows != 0), labels], ValueError, "X contains NaN"),
            ([rows, labels, -labels], ValueError, "sample_weight must not be negative"),
        ):
            with pytest.raises(kind, match=message):
                fit(arrays)
        stopping = {"early_stopping": True}
        for validation, parameters, message in (
            ([], stopping, "early_stopping=True without X_val and y_val"),
            ([rows, labels], {}, "early_stopping=False with X_val and y_val"),
            ([rows], stopping, "X_val is given without y_val"),
            ([rows[:, 1:], labels], stopping, "cannot be used: they have 63 columns; X has 64"),
            ([rows, labels + 1], stopping, r"cannot be used: y has labels \[10\]"),
            ([rows, labels, labels * 0], stopping, "sample_weight_val is zero for every row"),
            ([rows, labels], {**stopping, "scoring": "f1"}, "scoring='f1' must be 'accuracy'"),
            ([], {"class_weight": {77: 1}}, r"class_weight names \[77\]"),
        ):
            with pytest.raises(ValueError, match=message):
                fit([rows, labels], validation, **parameters)
        with pytest.raises(ValueError, match="solver='sgd' must be 'lbfgs'"):
            fit([rows, labels], solver="sgd")
        with pytest.raises(ValueError, match="block_rows=0 must be a positive int"):
            fit([rows, labels], block_rows=0)
        with pytest.raises(ValueError, match="alpha"):
            fit([rows, labels], alpha=-1)


class DuringTheFit:
    """Calls a function before the n-th evaluation of the loss, once."""

    def __init__(self, n, function):
        self.calls_left, self.function = n, function
        self._call = _held.Held.call

    def __enter__(self):
        def call(cluster, method, *arguments, **options):
            self.calls_left -= method == "loss"
            if self.calls_left == 0:
                self.calls_left = -1
                self.function()
            return self._call(cluster, method, *arguments, **options)

        _held.Held.call = call
        return self

    def __exit__(self, *_):
        _held.Held.call = self._call


def survive(n_rounds):
    """Kill workers while they compute the loss; the number of kills."""
    draws = np.random.default_rng(0)
    n_kills = 0

    def kill_soon():
        nonlocal n_kills
        alive = workers()
        victim = alive[draws.integers(len(alive))]
        threading.Timer(draws.uniform(0, 0.02), victim.kill).start()
        n_kills += 1

    with cluster_of(3) as client:
        expected = fit(dask_rows(400, X, Y))
        for _ in range(n_rounds):
            client.wait_for_workers(3, timeout=120)
            wait_for_nannies(client)
            with DuringTheFit(int(draws.integers(1, 20)), kill_soon):
                assert_same_weights(fit(dask_rows(400, X, Y)), expected)
    return n_kills


def wait_for_nannies(client):
    """Until each knows that its worker runs: before that it would not replace a dead one."""
    while any(
        nanny.process is None or nanny.process.status != distributed.Status.running
        for nanny in client.cluster.workers.values()
    ):
        time.sleep(0.05)


def lose_everything():
    """A clear error, soon, without any worker, and without the scheduler."""
    cluster.NO_WORKER_SECONDS, cluster.WATCH_SECONDS, _held.LOOK_SECONDS = 2.0, 0.1, 0.2
    with cluster_of(2) as client:

        def leave():
            client.cluster.scale(0)
            while client.nthreads():
                time.sleep(0.05)

        began = time.monotonic()
        with (
            DuringTheFit(3, leave),
            pytest.raises(RuntimeError, match="has had no worker for 2 seconds"),
        ):
            fit(dask_rows(400, X, Y))
        client.cluster.scale(1)
        client.wait_for_workers(1, timeout=60)
        with (
            DuringTheFit(3, client.cluster.close),
            pytest.raises(RuntimeError, match="scheduler"),
        ):
            fit(dask_rows(400, X, Y))
        assert time.monotonic() - began < 60


def lose_scattered_rows():
    """Dask cannot load again what was in the memory of dead workers alone."""
    with cluster_of(2) as client:
        rows, labels = (
            da.from_delayed(dask.delayed(client.scatter(array)), array.shape, array.dtype)
            for array in (X, Y)
        )

        def kill_all():
            for worker in workers():
                worker.kill()

        wait_for_nannies(client)
        with (
            DuringTheFit(5, kill_all),
            pytest.raises(RuntimeError, match="The workers were lost 3 times"),
        ):
            fit([rows, labels])


def fall_silent(path):
    """A scheduler that does not answer counts as lost."""
    cluster.SILENCE_SECONDS = _held.SILENCE_SECONDS = 3.0
    with scheduler_and_client(Path(path)) as (scheduler, client):
        stop = DuringTheFit(3, lambda: scheduler.send_signal(signal.SIGSTOP))
        began = time.monotonic()
        with stop, pytest.raises(RuntimeError, match=r"scheduler of .* is lost"):
            fit(dask_rows(400, X, Y), client=client)
        assert time.monotonic() - began < 40
