"""L-BFGS on Dask's arrays and frames, whose rows stay where they are."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import assert_all_finite
from sklearn.utils.validation import check_is_fitted

from skdigitnet._classifier import BackpropMLPClassifier
from skdigitnet._problem.arguments import FLOATS, naming
from skdigitnet._problem.labels import Labels, check_target
from skdigitnet._problem.objective import SAMPLED_ROWS
from skdigitnet._problem.prediction import has_probabilities
from skdigitnet._problem.rows import TrainingRows, check_sample_weight
from skdigitnet._system.cluster import ClusterWatch
from skdigitnet._training.encoding import Encoding
from skdigitnet._training.fitting import fit_parts
from skdigitnet._training.run import Given
from skdigitnet._training.summed import Block, Part

try:
    import dask
    import dask.array
    import distributed
except ImportError as error:
    raise ImportError(
        "skdigitnet.dask needs Dask and its scheduler: pip install skdigitnet[dask]"
    ) from error

__all__ = ["DaskBackpropMLPClassifier"]

# An evaluation is asked for again if a worker dies, each time after Dask itself has tried as
# often as its setting allowed-failures says.
ATTEMPTS = 3
LOOK_SECONDS = 1.0
LOST = (distributed.KilledWorker, distributed.CancelledError, OSError)


class DaskBackpropMLPClassifier(ClassifierMixin, BaseEstimator):
    """:class:`~skdigitnet.BackpropMLPClassifier` for Dask collections, trained with L-BFGS.

    The workers compute the loss and the gradient of the rows that they hold; SciPy's L-BFGS-B
    runs where ``fit`` is called. Rows are taken in blocks, whose sums are added in pairs in a
    fixed order: the weights have the same bits on any number of workers, and if workers die,
    join or leave on the way. SGD is not distributed: a step takes microseconds and a message
    a thousand times as long.

    Parameters
    ----------
    hidden_layer_sizes, activation, loss, output_activation, alpha, max_iter, random_state, \
tol, verbose, max_fun, weight_init
        As of :class:`~skdigitnet.BackpropMLPClassifier`.
    solver : {"lbfgs"}, default="lbfgs"
    block_rows : int, default=8192
        Rows of a block. The last bits of the weights depend on it.
    client : distributed.Client, default=None
        The client of the cluster; None for the current one.

    Attributes
    ----------
    client_ : distributed.Client
        The client in use.
    classes_, coefs_, intercepts_, loss_, loss_curve_, best_loss_, n_iter_, t_, n_layers_, \
n_outputs_, out_activation_, n_features_in_, feature_names_in_
        As of :class:`~skdigitnet.BackpropMLPClassifier`.

    See Also
    --------
    skdigitnet.BackpropMLPClassifier : What :meth:`to_local` returns.

    Notes
    -----
    The order of the sums is that of a binary tree over the blocks. Every evaluation asks each
    worker once; it costs a few milliseconds more than the arithmetic.
    """

    def __init__(
        self,
        hidden_layer_sizes=(100,),
        activation="logistic",
        *,
        solver="lbfgs",
        loss="log_loss",
        output_activation="auto",
        alpha=0.15,
        max_iter=1000,
        random_state=None,
        tol=1e-4,
        verbose=False,
        max_fun=15000,
        weight_init="auto",
        block_rows=8192,
        client=None,
    ):
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.solver = solver
        self.loss = loss
        self.output_activation = output_activation
        self.alpha = alpha
        self.max_iter = max_iter
        self.random_state = random_state
        self.tol = tol
        self.verbose = verbose
        self.max_fun = max_fun
        self.weight_init = weight_init
        self.block_rows = block_rows
        self.client = client

    @property
    def client_(self) -> distributed.Client:
        """The client in use.

        Raises
        ------
        ValueError
            If there is none.
        """
        return distributed.default_client() if self.client is None else self.client

    def fit(self, X, y, sample_weight=None):
        """Train the network.

        Parameters
        ----------
        X : dask array or frame of shape (n_samples, n_features)
            Of dense chunks. float32 is trained in float32, everything else in float64.
            Chunks may have any size, be empty, or of unknown size.
        y : dask array or series of shape (n_samples,)
            Class labels. A chunk need not have every class.
        sample_weight : dask array or series of shape (n_samples,), default=None
            Weight of each row, not negative; all ones by default.

        Returns
        -------
        self : DaskBackpropMLPClassifier

        Raises
        ------
        TypeError
            If X, y or sample_weight is not a Dask collection.
        ValueError
            For parameters, or rows, that cannot be used, as
            :meth:`skdigitnet.BackpropMLPClassifier.fit`; for columns that are not numbers.
        RuntimeError
            If the scheduler is lost, if there is no worker for five minutes, or if an
            evaluation was lost with its workers several times.

        Warns
        -----
        ConvergenceWarning
            As :meth:`skdigitnet.BackpropMLPClassifier.fit`.
        """
        local = self._local()
        client = self.client_
        features = _features_of(X)
        X = _with_known_chunks(_as_array("X", X, 2))
        y = _with_known_chunks(_as_array("y", y, 1))
        n_rows = X.shape[0]
        arrays = [X.astype(_dtype_of(X)), y]
        if sample_weight is not None:
            arrays.append(_with_known_chunks(_as_array("sample_weight", sample_weight, 1)))
        _check_lengths(arrays)
        watch = ClusterWatch(client)
        with watch.watching():
            delayed = _delayed_rows(arrays, self.block_rows, client)
            warning = _fit(
                local, _Cluster(client, watch, delayed), n_rows, self.block_rows, features
            )
        vars(self).update({k: v for k, v in vars(local).items() if k.endswith("_")})
        self._fitted = local
        if warning is not None:
            warnings.warn(warning, ConvergenceWarning, stacklevel=2)
        return self

    def to_local(self) -> BackpropMLPClassifier:
        """The fitted estimator for arrays in memory.

        Returns
        -------
        estimator : BackpropMLPClassifier

        Raises
        ------
        NotFittedError
            Before fit.
        """
        check_is_fitted(self)
        return self._fitted

    def predict(self, X):
        """Predicted labels, computed when they are asked for.

        Parameters
        ----------
        X : dask array or frame of shape (n_samples, n_features)

        Returns
        -------
        y : dask array of shape (n_samples,)

        Raises
        ------
        NotFittedError, TypeError
            Before fit; if X is not a Dask collection.
        """
        return self._mapped("predict", X)

    def predict_proba(self, X):
        """Probability of each class, computed when it is asked for.

        Parameters
        ----------
        X : dask array or frame of shape (n_samples, n_features)

        Returns
        -------
        p : dask array of shape (n_samples, n_classes)

        Raises
        ------
        AttributeError
            With identity outputs, which have no probabilities.
        NotFittedError, TypeError
            Before fit; if X is not a Dask collection.
        """
        has_probabilities(self.to_local())
        return self._mapped("predict_proba", X)

    def score(self, X, y, sample_weight=None) -> float:
        """Accuracy: the share of the rows whose label is predicted.

        Parameters
        ----------
        X : dask array or frame of shape (n_samples, n_features)
        y : dask array or series of shape (n_samples,)
        sample_weight : dask array or series of shape (n_samples,), default=None

        Returns
        -------
        accuracy : float

        Raises
        ------
        NotFittedError, TypeError, ValueError
            Before fit; if X, y or sample_weight is not a Dask collection, or they differ in
            length.
        """
        predicted = _with_known_chunks(self.predict(X))
        y = _with_known_chunks(_as_array("y", y, 1))
        _check_lengths([predicted, y])
        right = predicted == y.rechunk(predicted.chunks)
        if sample_weight is None:
            return float(self.client_.compute(right.mean()).result())
        weight = _with_known_chunks(_as_array("sample_weight", sample_weight, 1))
        total = (right * weight.rechunk(right.chunks)).sum() / weight.sum()
        return float(self.client_.compute(total).result())

    def _local(self) -> BackpropMLPClassifier:
        """An estimator with the parameters of these names."""
        if self.solver != "lbfgs":
            raise ValueError(
                f"solver={self.solver!r} must be 'lbfgs': SGD and Adam are not distributed,"
                " since a step takes less time than a message. Use BackpropMLPClassifier."
            )
        if not (isinstance(self.block_rows, int) and self.block_rows > 0):
            raise ValueError(f"block_rows={self.block_rows!r} must be a positive int.")
        parameters = self.get_params(deep=False)
        del parameters["client"], parameters["block_rows"]
        return BackpropMLPClassifier(**parameters)

    def _mapped(self, method: str, X):
        """What a method of the local estimator returns for every chunk of rows."""
        local = self.to_local()
        X = _as_array("X", X, 2).rechunk({1: -1})
        row = np.zeros((1, local.n_features_in_), _dtype_of(X))
        empty = getattr(local, method)(row)[:0]
        shape = (
            {"drop_axis": 1} if empty.ndim == 1 else {"chunks": (X.chunks[0], empty.shape[1])}
        )
        return X.map_blocks(
            _call, dask.delayed(local), method=method, empty=empty, meta=empty, **shape
        )

    def __getstate__(self) -> dict:
        return {**super().__getstate__(), "client": None}  # it is of this process


def _call(rows: np.ndarray, local, method: str, empty: np.ndarray) -> np.ndarray:
    return getattr(local, method)(rows) if len(rows) else empty


# Collections


def _as_array(name: str, collection, ndim: int):
    """A Dask array of that many dimensions; chunks of a frame have unknown sizes."""
    if not dask.is_dask_collection(collection):
        raise TypeError(
            f"{name} must be a Dask array or frame; got {type(collection).__name__}. For rows"
            " in memory use BackpropMLPClassifier."
        )
    if hasattr(collection, "to_dask_array"):
        collection = collection.to_dask_array()
    if collection.ndim == 2 and ndim == 1 and collection.shape[1] == 1:
        collection = collection[:, 0]
    if collection.ndim != ndim:
        raise ValueError(
            f"{name} must have {ndim} dimension{'s' * (ndim > 1)}; it has {collection.ndim}."
        )
    return collection


def _features_of(X) -> dict:
    """What a fitted estimator records of X's columns."""
    columns = getattr(X, "columns", None)
    if columns is None:
        return {"n_features_in_": X.shape[1]} if getattr(X, "ndim", 0) == 2 else {}
    others = [str(name) for name, dtype in X.dtypes.items() if not _is_number(dtype)]
    if others:
        raise ValueError(
            f"X has columns that are not numbers: {', '.join(others[:5])}. Encode them first,"
            " for example with dask_ml.preprocessing.OneHotEncoder, or leave them out."
        )
    features: dict[str, Any] = {"n_features_in_": len(columns)}
    if all(isinstance(name, str) for name in columns):
        features["feature_names_in_"] = np.asarray(columns, dtype=object)
    return features


def _is_number(dtype) -> bool:
    return getattr(dtype, "kind", "O") in "biuf"


def _dtype_of(X) -> np.dtype:
    if X.dtype.kind not in "biuf":
        raise ValueError(f"X must be numbers; its dtype is {X.dtype}.")
    return X.dtype if X.dtype in FLOATS else np.dtype(np.float64)


def _with_known_chunks(array):
    return array.compute_chunk_sizes() if np.isnan(array.shape[0]) else array


def _check_lengths(arrays: Sequence) -> None:
    lengths = [array.shape[0] for array in arrays]
    if len(set(lengths)) > 1:
        raise ValueError(f"X, y and sample_weight must have as many rows; they have {lengths}.")
    if lengths[0] == 0:
        raise ValueError("X has no rows; at least one is required.")


# What workers hold


@dataclass(frozen=True)
class _Rows:
    """Consecutive blocks of rows as they are given.

    Attributes
    ----------
    first : int
        The number of the first block.
    blocks : list of tuple of ndarray
        X, y and sample_weight of each.
    """

    first: int
    blocks: list[tuple[np.ndarray, np.ndarray, np.ndarray]]

    @classmethod
    def of(cls, first: int, X: list, y: list, weight: list | None) -> _Rows:
        """Check the blocks."""
        for x in X:
            assert_all_finite(x, input_name="X")
        with naming("y"):
            y = [check_target(labels, None) for labels in y]
        weights = [
            _check_weights(None if weight is None else weight[i], x) for i, x in enumerate(X)
        ]
        return cls(first, list(zip(X, y, weights, strict=True)))

    def labels(self) -> np.ndarray:
        """The labels that occur, sorted."""
        return np.unique(np.concatenate([np.unique(y) for _, y, _ in self.blocks]))

    def sample(self, n_rows: int) -> dict[int, tuple[np.ndarray, ...]]:
        """Of each block that many rows, evenly spaced, or all."""
        return {
            self.first + i: tuple(array[:: max(1, len(array) // n_rows)] for array in block)
            for i, block in enumerate(self.blocks)
        }

    def part(self, labels: Labels) -> Part:
        """The blocks as the kernels take them."""
        return Part(
            {
                self.first + i: Block(X, labels.indices(y), weight)
                for i, (X, y, weight) in enumerate(self.blocks)
            }
        )


def _check_weights(weight, X) -> np.ndarray:
    """The weights of a block, of which all may be zero."""
    if weight is not None and not np.any(weight):
        return np.zeros(len(X))
    return check_sample_weight(weight, X)


def _delayed_rows(arrays: Sequence, block_rows: int, client) -> list:
    """A :class:`_Rows` for every thread of the cluster, not yet computed."""
    n_blocks = -(-arrays[0].shape[0] // block_rows)
    n_parts = min(n_blocks, max(1, sum(client.nthreads().values())))
    chunks = [array.rechunk({0: block_rows, **({1: -1} if array.ndim == 2 else {})})
              for array in arrays]  # fmt: skip
    X, y, *weight = (list(array.to_delayed().ravel()) for array in chunks)
    make = dask.delayed(_Rows.of, pure=True)
    ends = [n_blocks * i // n_parts for i in range(n_parts + 1)]
    return [
        make(first, X[first:last], y[first:last], weight[0][first:last] if weight else None)
        for first, last in pairwise(ends)
    ]


class _Cluster:
    """Objects that workers hold.

    Parameters
    ----------
    client : distributed.Client
    watch : ClusterWatch
        Of that client.
    delayed : list of dask.delayed.Delayed
        How to make them, now and whenever their worker has died.
    """

    def __init__(self, client, watch: ClusterWatch, delayed: list):
        self._client, self._watch, self._delayed = client, watch, delayed
        self._futures = client.compute(delayed)

    def mapped(self, method: str, *arguments) -> _Cluster:
        """What this method of every object returns, held by the workers."""
        made = [dask.delayed(_ask)(each, method, arguments, {}) for each in self._delayed]
        # of what is there already
        return _Cluster(self._client, self._watch, made)

    def call(self, method: str, *arguments, **options) -> list:
        """What this method of every object returns, here.

        Raises
        ------
        RuntimeError
            If the cluster has lost it several times.
        """
        for _ in range(ATTEMPTS):
            try:
                futures = [
                    self._client.submit(_ask, each, method, arguments, options, pure=False)
                    for each in self._futures
                ]
                self._wait(futures)
                return self._client.gather(futures)
            except Exception as error:
                self._watch.check_scheduler()  # without one, any error may come
                if not isinstance(error, LOST):
                    raise
                lost = error
                self._futures = self._client.compute(self._delayed)
        raise RuntimeError(
            f"The workers were lost {ATTEMPTS} times while they computed ({lost!r}). See their"
            " logs: do the rows need more memory than a worker has?"
        ) from lost

    def _wait(self, futures: list) -> None:
        """Wait for as long as there are workers."""
        while True:
            try:
                distributed.wait(futures, timeout=LOOK_SECONDS)
                return
            except TimeoutError:
                self._watch.check()


def _ask(each, method: str, arguments: tuple, options: dict):
    return getattr(each, method)(*arguments, **options)


# What the client makes of it


def _fit(local, rows: _Cluster, n_rows: int, block_rows: int, features: dict) -> str | None:
    """Train the local estimator on the workers' rows; what to warn of."""
    labels = Labels.of(check_target(np.concatenate(rows.call("labels")), None))
    n_blocks = -(-n_rows // block_rows)
    sampled = rows.call("sample", -(-SAMPLED_ROWS // n_blocks))
    parts = rows.mapped("part", labels)
    del rows  # the workers hold them as parts
    class_weights: dict[int, np.ndarray] = {}
    for found in parts.call("class_weights", len(labels.classes)):
        class_weights.update(found)
    given = _given(sampled, labels, features, class_weights)
    return fit_parts(local, given, n_rows, class_weights, parts.call)


def _given(
    sampled: Sequence[dict], labels: Labels, features: dict, class_weights: dict
) -> Given:
    """Some of the rows, as fit is given them."""
    blocks = {number: block for part in sampled for number, block in part.items()}
    X, y, weight = (
        np.concatenate(arrays)
        for arrays in zip(*(blocks[number] for number in sorted(blocks)), strict=True)
    )
    totals = np.sum(list(class_weights.values()), axis=0)
    labels.check_several(np.flatnonzero(totals), np.ones(np.count_nonzero(totals)))
    rows = TrainingRows(X=X, y=y, sample_weight=weight, features=features)
    return Given(rows, labels, None, Encoding(rows, labels))
