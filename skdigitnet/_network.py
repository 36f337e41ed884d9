"""The network's shape: layer sizes to and from the flat vector theta."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np


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
    activation : {"identity", "logistic", "tanh", "relu"}
        Of every hidden layer.
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
        shapes = [*self.coef_shapes, *self.intercept_shapes]
        ends = np.cumsum([math.prod(shape) for shape in shapes])
        parts = [
            part.reshape(shape)
            for part, shape in zip(np.split(theta, ends[:-1]), shapes, strict=True)
        ]
        n_layers = len(self.coef_shapes)
        return parts[:n_layers], parts[n_layers:]

    def pack(self, coefs, intercepts, dtype) -> np.ndarray:
        """Put coefs and intercepts into a new theta: the inverse of :meth:`unpack`.

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
                f" sizes {self.layer_sizes}, has {expected}. Training goes on with the same"
                " hidden_layer_sizes and output_activation only; set warm_start=False to"
                " train a new network."
            )
        flat = [np.ravel(part) for part in (*coefs, *intercepts)]
        return np.concatenate(flat, dtype=dtype, casting="same_kind")

    def initial_theta(self, random_state: np.random.RandomState, dtype) -> np.ndarray:
        """Uniform weights after Glorot and Bengio, drawn as MLPClassifier draws them.

        Each layer's coefs, then its intercepts, uniform in +-sqrt(c / (n_in +
        n_out)) with c = 2 for logistic units and c = 6 otherwise [1]_.

        References
        ----------
        .. [1] X. Glorot and Y. Bengio, "Understanding the difficulty of training
           deep feedforward neural networks", AISTATS 2010.

        Raises
        ------
        MemoryError
            If there is no memory for them, before anything is drawn.
        """
        theta = self._new_theta(dtype)
        factor = 2.0 if self.activation == "logistic" else 6.0
        for W, b in zip(*self.unpack(theta), strict=True):
            bound = np.sqrt(factor / sum(W.shape))
            W[:] = random_state.uniform(-bound, bound, W.shape)
            b[:] = random_state.uniform(-bound, bound, b.shape)
        return theta

    def _new_theta(self, dtype) -> np.ndarray:
        try:
            return np.empty(self.n_params, dtype)
        except (MemoryError, OverflowError, ValueError) as error:
            n_features, *hidden, n_outputs = self.layer_sizes
            raise MemoryError(
                f"hidden_layer_sizes={tuple(hidden)} makes {self.n_params} weights of"
                f" {n_features} features and {n_outputs} outputs, and there is no memory for"
                f" so many in {np.dtype(dtype)}. Give fewer hidden units."
            ) from error
