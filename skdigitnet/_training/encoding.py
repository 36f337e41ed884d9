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
from skdigitnet._training.divergence import typical_size

# Above this share of non-zero elements dense products are faster, and below this many products
# with each element a sparse copy does not pay: it saves time from about 80 on, but in memory
# that is new to the process it takes several times as long.
MAX_DENSITY = 0.25
MIN_PRODUCTS = 250


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


def _pays(network: Network, n_passes: int) -> bool:
    """Whether so many passes are worth a sparse copy."""
    return n_passes * network.layer_sizes[1] >= MIN_PRODUCTS


class Encoding:
    """The inputs and targets of training rows, made once for all trainings on them.

    Parameters
    ----------
    rows : TrainingRows
    labels : Labels

    Attributes
    ----------
    indices : ndarray
        y, as :meth:`Labels.indices` has it.
    x_size : float
        The typical size of X.
    """

    def __init__(self, rows: TrainingRows, labels: Labels):
        self._rows, self.indices = rows, labels.indices(rows.y)
        self.x_size = typical_size(rows.X)
        self._lock = Lock()  # of the form, which trainings in several threads ask for
        self._faster: Any = None

    def samples(
        self, network: Network, n_passes: int, targets: np.ndarray, weight: np.ndarray
    ) -> Samples | BlockSamples:
        """X, in the form for so many passes over the rows, with targets and weights."""
        X = self._rows.X
        if isinstance(X, RowBlocks):  # each window is read anew for every pass
            form = faster_form if _pays(network, 1) else np.ascontiguousarray
            return BlockSamples(X, targets, weight, form)
        return Samples(self._inputs(network, n_passes), targets, weight, X)

    def _inputs(self, network: Network, n_passes: int):
        if not _pays(network, n_passes):
            return self._rows.X
        with self._lock:
            if self._faster is None:
                self._faster = faster_form(self._rows.X)
            return self._faster

    def targets(self, network: Network) -> np.ndarray:
        """The labels as the network's outputs are to be."""
        return as_targets(self.indices, network)
