"""The estimator for Dask's collections: its parameters and methods."""

from __future__ import annotations

import warnings

import dask
import distributed
import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import check_is_fitted

from skdigitnet._classifier import BackpropMLPClassifier
from skdigitnet._problem.prediction import has_probabilities
from skdigitnet._problem.rows import has_validation_rows
from skdigitnet._system.cluster import ClusterWatch
from skdigitnet.dask._collections import (
    as_array,
    check_lengths,
    check_same_features,
    dtype_of,
    features_of,
    with_known_chunks,
)
from skdigitnet.dask._fitting import HeldRows, fit_held, naming_validation_rows
from skdigitnet.dask._held import Held
from skdigitnet.dask._rows import delayed_rows


class DaskBackpropMLPClassifier(ClassifierMixin, BaseEstimator):
    """:class:`~skdigitnet.BackpropMLPClassifier` for Dask collections, trained with L-BFGS.

    The workers compute the loss and the gradient of the rows that they hold; SciPy's L-BFGS-B
    runs where ``fit`` is called. Rows are taken in blocks, whose sums are added in pairs in a
    fixed order: the weights have the same bits on any number of workers, and if workers die,
    join or leave on the way. SGD is not distributed: a step takes less time than a message.

    Parameters
    ----------
    hidden_layer_sizes, activation, loss, output_activation, alpha, max_iter, random_state, \
tol, verbose, max_fun, weight_init, n_iter_no_change
        As of :class:`~skdigitnet.BackpropMLPClassifier`.
    class_weight : dict, "balanced" or None, default=None
        As of :class:`~skdigitnet.BackpropMLPClassifier`.
    early_stopping : bool, default=False
        Whether to stop when the score on ``X_val`` and ``y_val`` of :meth:`fit` no longer
        improves, and to publish the weights that scored best.
    scoring : {"accuracy", "loss"}, default="accuracy"
        The score of ``early_stopping``.
    solver : {"lbfgs"}, default="lbfgs"
    block_rows : int, default=8192
        Rows of a block. The last bits of the weights depend on it.
    client : distributed.Client, default=None
        The client of the cluster; None for the current one.

    Attributes
    ----------
    client_ : distributed.Client
        The client in use.
    classes_, coefs_, intercepts_, loss_, loss_curve_, best_loss_, validation_scores_, \
best_validation_score_, best_iteration_, n_iter_, t_, n_layers_, n_outputs_, out_activation_, \
n_features_in_, feature_names_in_
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
        class_weight=None,
        early_stopping=False,
        scoring="accuracy",
        n_iter_no_change=10,
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
        self.class_weight = class_weight
        self.early_stopping = early_stopping
        self.scoring = scoring
        self.n_iter_no_change = n_iter_no_change
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

    def fit(self, X, y, sample_weight=None, *, X_val=None, y_val=None, sample_weight_val=None):
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
        X_val, y_val : dask array or frame, default=None
            Validation rows for ``early_stopping``, with X's columns and labels of y.
        sample_weight_val : dask array or series, default=None
            Their weights; all ones by default.

        Returns
        -------
        self : DaskBackpropMLPClassifier

        Raises
        ------
        TypeError
            If X, y, sample_weight or their validation counterparts are not Dask collections.
        ValueError
            For parameters, or rows, that cannot be used, as
            :meth:`skdigitnet.BackpropMLPClassifier.fit`; for columns that are not numbers;
            for ``early_stopping=True`` without validation rows, or the reverse.
        RuntimeError
            If the scheduler is lost, if there is no worker for five minutes, or if an
            evaluation was lost with its workers several times.

        Warns
        -----
        ConvergenceWarning
            As :meth:`skdigitnet.BackpropMLPClassifier.fit`.
        """
        local = self._local()
        features = features_of(X)
        arrays = _arrays(X, y, sample_weight)
        validation_arrays = self._validation_arrays(
            features, X_val, y_val, sample_weight_val, arrays[0].dtype
        )
        watch = ClusterWatch(self.client_)
        with watch.watching():
            warning = fit_held(
                local,
                self._held(arrays, watch),
                None if validation_arrays is None else self._held(validation_arrays, watch),
                features,
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
        predicted = with_known_chunks(self.predict(X))
        y = with_known_chunks(as_array("y", y, 1))
        check_lengths([predicted, y])
        right = predicted == y.rechunk(predicted.chunks)
        if sample_weight is None:
            return float(self.client_.compute(right.mean()).result())
        weight = with_known_chunks(as_array("sample_weight", sample_weight, 1))
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
        if self.early_stopping and self.scoring not in ("accuracy", "loss"):
            raise ValueError(
                f"scoring={self.scoring!r} must be 'accuracy' or 'loss', which workers compute."
            )
        parameters = self.get_params(deep=False)
        del parameters["client"], parameters["block_rows"]
        return BackpropMLPClassifier(**parameters)

    def _validation_arrays(self, features: dict, X, y, sample_weight, dtype) -> list | None:
        """The validation rows, checked against the training rows; None if none are given."""
        is_given = has_validation_rows(X, y, sample_weight)
        if is_given != bool(self.early_stopping):
            raise ValueError(
                f"early_stopping={self.early_stopping!r} with{'' if is_given else 'out'} X_val"
                " and y_val: give both and set early_stopping=True, or do neither. No rows are"
                " held out of Dask's collections."
            )
        if not is_given:
            return None
        with naming_validation_rows():
            check_same_features(features, features_of(X))
            return _arrays(X, y, sample_weight, dtype)

    def _held(self, arrays: list, watch: ClusterWatch) -> HeldRows:
        delayed = delayed_rows(arrays, self.block_rows, self.client_)
        return HeldRows(Held(self.client_, watch, delayed), len(arrays[0]))

    def _mapped(self, method: str, X):
        """What a method of the local estimator returns for every chunk of rows."""
        local = self.to_local()
        X = as_array("X", X, 2).rechunk({1: -1})
        row = np.zeros((1, local.n_features_in_), dtype_of(X))
        empty = getattr(local, method)(row)[:0]
        shape = (
            {"drop_axis": 1} if empty.ndim == 1 else {"chunks": (X.chunks[0], empty.shape[1])}
        )
        return X.map_blocks(
            _call, dask.delayed(local), method=method, empty=empty, meta=empty, **shape
        )

    def __getstate__(self) -> dict:
        return {**super().__getstate__(), "client": None}  # it is of this process


def _arrays(X, y, sample_weight, dtype=None) -> list:
    """X, y and any weights as Dask arrays of equal and known lengths."""
    X = with_known_chunks(as_array("X", X, 2))
    arrays = [X.astype(dtype or dtype_of(X)), with_known_chunks(as_array("y", y, 1))]
    if sample_weight is not None:
        arrays.append(with_known_chunks(as_array("sample_weight", sample_weight, 1)))
    check_lengths(arrays)
    return arrays


def _call(rows: np.ndarray, local, method: str, empty: np.ndarray) -> np.ndarray:
    return getattr(local, method)(rows) if len(rows) else empty
