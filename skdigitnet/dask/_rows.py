"""The rows that a worker holds, as they are given and as the kernels take them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import dask
import numpy as np
from sklearn.utils import assert_all_finite

from skdigitnet._problem.arguments import naming
from skdigitnet._problem.labels import Labels, check_target
from skdigitnet._problem.rows import check_sample_weight
from skdigitnet._training.summed import Block, Part


@dataclass(frozen=True)
class Rows:
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
    def of(cls, first: int, X: list, y: list, weight: list | None) -> Rows:
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


def delayed_rows(arrays: Sequence, block_rows: int, client) -> list:
    """A :class:`Rows` for every thread of the cluster, not yet computed."""
    n_blocks = -(-arrays[0].shape[0] // block_rows)
    n_parts = min(n_blocks, max(1, sum(client.nthreads().values())))
    chunks = [array.rechunk({0: block_rows, **({1: -1} if array.ndim == 2 else {})})
              for array in arrays]  # fmt: skip
    X, y, *weight = (list(array.to_delayed().ravel()) for array in chunks)
    make = dask.delayed(Rows.of, pure=True)
    ends = [n_blocks * i // n_parts for i in range(n_parts + 1)]
    return [
        make(first, X[first:last], y[first:last], weight[0][first:last] if weight else None)
        for first, last in pairwise(ends)
    ]
