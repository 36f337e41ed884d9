"""From rows to the outputs' pre-activations z, and from z to classes and probabilities."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.special import expit, log_expit, log_softmax
from sklearn import get_config

from skdigitnet._core.predict import apply_activation, network_outputs, softmax
from skdigitnet._problem.cost import block_rows, prediction_call_rows
from skdigitnet._problem.row_blocks import blocks_of


@dataclass(frozen=True)
class OutputLayer:
    """Interprets the output layer; z is always (n_rows, n_outputs).

    Parameters
    ----------
    out_activation : {"identity", "logistic", "softmax"}
    multilabel : bool
        Whether each output is a separate label.
    """

    out_activation: str
    multilabel: bool

    def decision(self, z: np.ndarray) -> np.ndarray:
        """z in scikit-learn's shapes; a binary label is predicted where it is above zero."""
        if self.out_activation == "identity" and (self.multilabel or z.shape[1] == 1):
            z = z - z.dtype.type(0.5)  # targets are 0 and 1
        if self.multilabel or z.shape[1] > 2:
            return z
        return z[:, 0] if z.shape[1] == 1 else z[:, 1] - z[:, 0]

    def indices(self, z: np.ndarray) -> np.ndarray:
        """Index of the predicted class (n_rows,), or the multilabel indicator."""
        if self.multilabel or z.shape[1] == 1:
            return (self.decision(z) > 0).astype(np.intp)
        return z.argmax(axis=1)

    def probabilities(self, z: np.ndarray) -> np.ndarray:
        """Probability of each class (n_rows, n_classes), rounded within the open (0, 1)."""
        limits = np.finfo(z.dtype)
        low, high = limits.tiny, 1 - limits.epsneg
        if self.multilabel:
            return np.clip(expit(z), low, high)
        if z.shape[1] == 1:
            return np.clip(np.hstack([expit(-z), expit(z)]), low, high)
        if self.out_activation != "softmax":
            # logistic outputs are normalised through logarithms: their sum cannot be zero
            z = log_expit(z)
        return softmax(np.ascontiguousarray(z), low, high)

    def log_probabilities(self, z: np.ndarray) -> np.ndarray:
        """Logarithms of the probabilities, finite wherever z is."""
        if self.out_activation == "softmax":
            return log_softmax(z, axis=1)
        if z.shape[1] == 1 and not self.multilabel:
            return np.hstack([log_expit(-z), log_expit(z)])
        return log_expit(z) if self.multilabel else log_softmax(log_expit(z), axis=1)


def map_outputs(
    coefs: list[np.ndarray],
    intercepts: list[np.ndarray],
    activation: str,
    X,
    function: Callable[[np.ndarray], np.ndarray],
    check_rows: Callable[[np.ndarray], object] | None = None,
) -> np.ndarray:
    """``function(z)`` for every row of X, computed block of rows by block of rows.

    Parameters
    ----------
    coefs, intercepts : list of ndarray
    activation : str
        Of the hidden layers.
    X : ndarray, CSR or RowBlocks of shape (n_rows, n_features)
        Computation is in the precision of X and the weights together, as NumPy
        promotes them.
    function : callable
        Maps (n_block_rows, n_outputs) to (n_block_rows, ...).
    check_rows : callable or None
        Called with rows that may be non-finite; raises an error if they are.

    Returns
    -------
    out : ndarray of shape (n_rows, ...)

    Raises
    ------
    ValueError
        If an output is not finite.
    """
    blocks = _output_blocks(coefs, intercepts, activation, X, check_rows)
    rows, z = next(blocks)
    first = function(z)
    if len(first) == X.shape[0]:
        return first
    out = np.empty((X.shape[0], *first.shape[1:]), dtype=first.dtype)
    out[rows] = first
    for rows, z in blocks:
        out[rows] = function(z)
    return out


def _output_blocks(
    coefs, intercepts, activation, X, check_rows
) -> Iterator[tuple[slice, np.ndarray]]:
    dtype = np.result_type(X.dtype, *(part.dtype for part in (*coefs, *intercepts)))
    coefs = [np.ascontiguousarray(W, dtype=dtype) for W in coefs]
    intercepts = [np.ascontiguousarray(b, dtype=dtype) for b in intercepts]
    size = block_rows(X.shape[1] + sum(W.shape[1] for W in coefs), dtype.itemsize)
    if sparse.issparse(X):
        forward, n_rows = _sparse_forward, size
    else:
        n_rows = prediction_call_rows(coefs, size, dtype.itemsize)
        forward = _dense_forward
    for first, part in blocks_of(X):
        for start in range(0, part.shape[0], n_rows):
            rows = part[start : start + n_rows]
            z, is_finite = forward(rows, coefs, intercepts, activation, size)
            if not is_finite:
                _find_fault(rows, z, check_rows)
            yield slice(first + start, first + start + rows.shape[0]), z


def _find_fault(X, z, check_rows) -> None:
    """Raise an error if rows or outputs are not finite.

    A non-finite x makes z non-finite in every unit of the first layer. So may large
    weights, though the outputs stay finite if the hidden units are bounded.
    """
    if get_config()["assume_finite"]:
        return
    if check_rows is not None:
        check_rows(X)
    if not np.isfinite(z).all():
        raise ValueError(
            "The network's outputs are not finite for every row of X: X or the weights are"
            " too large. Scale X as in training."
        )


def _dense_forward(X, coefs, intercepts, activation, block_size):
    X = np.ascontiguousarray(X, dtype=coefs[0].dtype)
    return network_outputs(X, coefs, intercepts, activation, block_size)


def _sparse_forward(X, coefs, intercepts, activation, block_size):
    with np.errstate(all="ignore"):  # non-finite outputs are reported below
        z = np.ascontiguousarray(X @ coefs[0] + intercepts[0])
    if len(coefs) == 1:
        return z, np.isfinite(z).all()
    apply_activation(activation, z)
    return network_outputs(z, coefs[1:], intercepts[1:], activation, block_size)
