"""Checked rows as the kernels take them."""

from __future__ import annotations

from threading import Lock
from typing import Any

import numpy as np
from scipy import sparse

from skdigitnet._core.rows import MAX_SPARSE_FEATURES, compress, density
from skdigitnet._problem.labels import Labels
from skdigitnet._problem.network import Network
from skdigitnet._problem.objective import SAMPLED_ROWS
from skdigitnet._problem.row_blocks import RowBlocks
from skdigitnet._problem.rows import TrainingRows
from skdigitnet._problem.samples import BlockSamples, Samples

# Above this share of non-zero elements dense products are faster. A sparse copy pays where
# passes over the rows multiply each element of X by this many bytes of weights in all.
MAX_DENSITY = 0.25
MIN_WEIGHT_BYTES = 256


def faster_form(X):
    """X, or a sparse copy of dense X with few entries: the kernels give the same bits."""
    if sparse.issparse(X) or X.shape[1] > MAX_SPARSE_FEATURES:
        return X
    X = np.ascontiguousarray(X)
    share = density(X, SAMPLED_ROWS)
    return compress(X, 1.1 * share) if share <= MAX_DENSITY else X


def as_targets(indices: np.ndarray, network: Network) -> np.ndarray:
    """The labels' indices, or a column of 0 and 1 for a network of one output."""
    return indices.astype(np.uint8).reshape(-1, 1) if network.n_outputs == 1 else indices


def _pays(network: Network, n_passes: int, dtype) -> bool:
    """Whether so many passes are worth a sparse copy."""
    return n_passes * network.layer_sizes[1] * dtype.itemsize >= MIN_WEIGHT_BYTES


class Encoding:
    """The inputs and targets of training rows, made once for all trainings on them.

    Parameters
    ----------
    rows : TrainingRows
    labels : Labels
    """

    def __init__(self, rows: TrainingRows, labels: Labels):
        self._rows, self._labels = rows, labels
        self._lock = Lock()  # of the forms, which trainings in several threads ask for
        self._faster: Any = None
        self._indices: np.ndarray | None = None

    def samples(
        self, network: Network, n_passes: int, targets: np.ndarray, weight: np.ndarray
    ) -> Samples | BlockSamples:
        """X, in the form for so many passes over the rows, with targets and weights."""
        X = self._rows.X
        if isinstance(X, RowBlocks):  # each window is read anew for every pass
            form = faster_form if _pays(network, 1, X.dtype) else np.ascontiguousarray
            return BlockSamples(X, targets, weight, form)
        return Samples(self._inputs(network, n_passes), targets, weight, X)

    def _inputs(self, network: Network, n_passes: int):
        X = self._rows.X
        if not _pays(network, n_passes, X.dtype):
            return X
        with self._lock:
            if self._faster is None:
                self._faster = faster_form(X)
            return self._faster

    def targets(self, network: Network) -> np.ndarray:
        """The labels as the network's outputs are to be."""
        with self._lock:
            if self._indices is None:
                self._indices = self._labels.indices(self._rows.y)
            return as_targets(self._indices, network)
