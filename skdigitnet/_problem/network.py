"""The network's shape: layer sizes to and from the flat vector theta."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate, pairwise
from numbers import Integral

import numpy as np

from skdigitnet._core.plan import OUTPUT_LOSSES
from skdigitnet._problem.arguments import as_floats
from skdigitnet._problem.labels import Labels


@dataclass(frozen=True)
class Network:
    """A multilayer perceptron without its weights.

    ``theta`` is one flat vector: every layer's coefs (C-ordered), then every
    layer's intercepts, as :class:`~sklearn.neural_network.MLPClassifier` packs
    them for L-BFGS.

    Parameters
    ----------
    layer_sizes : tuple of int
        Number of features, units of each hidden layer, number of outputs.
    activation : str
        Of every hidden layer; a key of :data:`ACTIVATIONS`.
    out_activation : {"identity", "logistic", "softmax"}
    """

    layer_sizes: tuple[int, ...]
    activation: str
    out_activation: str

    @property
    def n_outputs(self) -> int:
        return self.layer_sizes[-1]

    @property
    def n_params(self) -> int:
        return sum((n_in + 1) * n_out for n_in, n_out in self.coef_shapes)

    @property
    def coef_shapes(self) -> list[tuple[int, int]]:
        return list(pairwise(self.layer_sizes))

    @property
    def intercept_shapes(self) -> list[tuple[int]]:
        return [(n_out,) for n_out in self.layer_sizes[1:]]

    def unpack(self, theta: np.ndarray) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """Return views of theta as coefs of shape (n_in, n_out) and intercepts (n_out,)."""
        parts = [theta[where].reshape(shape) for where, shape in _parts(self)]
        n_layers = len(self.coef_shapes)
        return parts[:n_layers], parts[n_layers:]

    def pack(self, coefs, intercepts, dtype) -> np.ndarray:
        """Pack coefs and intercepts into a new theta; the inverse of :meth:`unpack`.

        Raises
        ------
        ValueError
            If their shapes are not this network's.
        """
        shapes = [np.shape(part) for part in (*coefs, *intercepts)]
        expected = [*self.coef_shapes, *self.intercept_shapes]
        if shapes != expected:
            raise ValueError(
                f"coefs_ and intercepts_ have shapes {shapes}, and this network, with layer"
                f" sizes {self.layer_sizes}, has {expected}. Training continues only with the"
                " same hidden_layer_sizes and output_activation; set warm_start=False to train"
                " a new network."
            )
        flat = [np.ravel(part) for part in (*coefs, *intercepts)]
        return np.concatenate(flat, dtype=dtype, casting="same_kind")

    def new_theta(self, dtype) -> np.ndarray:
        """An empty theta.

        Raises
        ------
        MemoryError
            If the weights do not fit in memory.
        """
        try:
            return np.empty(self.n_params, dtype)
        except (MemoryError, OverflowError, ValueError) as error:
            n_features, *hidden, n_outputs = self.layer_sizes
            raise MemoryError(
                f"hidden_layer_sizes={tuple(hidden)} makes {self.n_params} weights of"
                f" {n_features} features and {n_outputs} outputs, too many for memory in"
                f" {np.dtype(dtype)}. Give fewer hidden units."
            ) from error


def make_network(
    n_features: int,
    labels: Labels,
    y: np.ndarray | None = None,
    *,
    hidden_layer_sizes,
    activation: str,
    loss: str,
    output_activation: str,
) -> Network:
    """The network for the estimator's parameters and the labels.

    y, if given, is only used to recognise a one-hot matrix in an error.

    Raises
    ------
    ValueError
        If the parameters are incompatible with each other or with the labels.
    """
    out_activation = output_activation
    n_classes = len(labels.classes)
    if out_activation == "auto":
        out_activation = "logistic" if labels.multilabel or n_classes == 2 else "softmax"
    if (loss, out_activation) not in OUTPUT_LOSSES:
        raise ValueError(
            f"output_activation={out_activation!r} does not go with loss={loss!r}; use"
            " loss='squared_error', or another output_activation."
        )
    if labels.multilabel and out_activation == "softmax":
        advice = "Use 'auto' or 'logistic'."
        if y is not None and (y.sum(axis=1) == 1).all():
            advice = "Its rows are one-hot: give y.argmax(axis=1) instead."
        raise ValueError(
            "output_activation='softmax' is for one label a row, and y is an indicator matrix,"
            f" for several. {advice}"
        )
    one_output = n_classes == 2 and not labels.multilabel and out_activation != "softmax"
    hidden = check_hidden_layer_sizes(hidden_layer_sizes)
    layer_sizes = (n_features, *hidden, 1 if one_output else n_classes)
    return Network(layer_sizes, activation, out_activation)


def check_hidden_layer_sizes(hidden_layer_sizes) -> tuple[int, ...]:
    """The sizes as a tuple of positive ints; a single int means one layer."""
    several = isinstance(hidden_layer_sizes, list | tuple | range) or (
        isinstance(hidden_layer_sizes, np.ndarray) and hidden_layer_sizes.ndim == 1
    )
    sizes = list(hidden_layer_sizes) if several else [hidden_layer_sizes]
    if all(
        isinstance(size, Integral) and not isinstance(size, bool) and int(size) > 0
        for size in sizes
    ):
        return tuple(int(size) for size in sizes)
    raise ValueError(
        f"hidden_layer_sizes={hidden_layer_sizes!r}: every hidden layer must have a"
        " positive whole number of units. Give an int for one layer, a sequence of ints"
        " for several, or () for none."
    )


def check_initial(
    network: Network, coef_init, intercept_init, dtype
) -> tuple[list[np.ndarray] | None, list[np.ndarray] | None]:
    """The user's initial coefs and intercepts; None for those not given.

    Raises
    ------
    ValueError
        If their shapes do not fit the network, or a number is not finite in ``dtype``.
    """
    return (
        _check_arrays("coef_init", coef_init, network.coef_shapes, dtype),
        _check_arrays("intercept_init", intercept_init, network.intercept_shapes, dtype),
    )


def _check_arrays(name: str, arrays, shapes: list, dtype) -> list[np.ndarray] | None:
    if arrays is None:
        return None
    if np.ndim(arrays[0] if isinstance(arrays, list | tuple) and arrays else 0) == 0:
        raise ValueError(f"{name} must be a list of arrays of shapes {shapes}, one a layer.")
    checked = [as_floats(name, array) for array in arrays]
    got = [array.shape for array in checked]
    if got != shapes:
        raise ValueError(f"{name} must be arrays of shapes {shapes}, one a layer; got {got}.")
    largest = max(np.abs(array).max() for array in checked)
    if largest > np.finfo(dtype).max:
        raise ValueError(f"{name} has a number as large as {largest}, too large for {dtype}.")
    return checked


def check_dropout(dropout, network: Network) -> tuple[float, ...]:
    """The share of units to drop of each hidden layer; empty for none.

    Raises
    ------
    ValueError
        If a share is not in [0, 1), or if the number of shares is not that of the hidden
        layers.
    """
    n_hidden = len(network.layer_sizes) - 2
    rates = as_floats("dropout", dropout)
    if rates.ndim == 0:
        rates = np.full(n_hidden, rates)
    if rates.shape != (n_hidden,) or not ((rates >= 0) & (rates < 1)).all():
        raise ValueError(
            f"dropout={dropout!r} must be a number in [0, 1), or a list of {n_hidden}, one for"
            " each hidden layer."
        )
    return tuple(rates.tolist()) if rates.any() else ()


# not a cached_property, whose lock a fork may find taken
@lru_cache(maxsize=64)
def _parts(network: Network) -> list[tuple[slice, tuple[int, ...]]]:
    """Where theta has each layer's coefs, then its intercepts, and their shapes."""
    shapes = [*network.coef_shapes, *network.intercept_shapes]
    ends = list(accumulate(math.prod(shape) for shape in shapes))
    starts = [0, *ends[:-1]]
    return [
        (slice(start, end), shape)
        for start, end, shape in zip(starts, ends, shapes, strict=True)
    ]
