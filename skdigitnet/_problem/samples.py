"""Inputs and targets in windows that are in memory: one of all rows, or many of some blocks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, nullcontext
from functools import partial
from itertools import pairwise
from threading import Event
from typing import Any, NamedTuple

import numpy as np

from skdigitnet._core import rows as core
from skdigitnet._problem.row_blocks import RowBlocks
from skdigitnet._system.read_ahead import read_ahead

HELD_ROWS = 1000  # a sample of the rows is read once


class Window(NamedTuple):
    """Some of the rows of a pass, in memory.

    Attributes
    ----------
    samples : Samples
    order : ndarray of shape (n_window_rows,), dtype intp
        Which of its rows, one after the other.
    first : int
        The position of the first in the pass.
    """

    samples: core.Samples
    order: np.ndarray
    first: int = 0

    @property
    def stop(self) -> int:
        return self.first + len(self.order)


class Samples(core.Samples):
    """Samples that are in memory as they are.

    Parameters
    ----------
    X, y, sample_weight : as of :class:`skdigitnet._core.rows.Samples`
    given : ndarray or CSR of shape (n_rows, n_features), default=None
        X as it was given, if it is now in another form.
    """

    is_drawn = False

    def __new__(cls, X, y, sample_weight, given=None):
        return super().__new__(cls, X, y, sample_weight)

    def __init__(self, X, y, sample_weight, given=None):
        self.X, self._given = X, X if given is None else given

    @property
    def dtype(self) -> np.dtype:
        return self.inputs.dtype

    def windows(
        self, order: np.ndarray, first: int, unit: int, key: int | None = None
    ) -> AbstractContextManager[Iterator[Window]]:
        """The rows of a pass in this order, from position ``first`` on or some before it.

        A window may be used until the next is asked for.

        Parameters
        ----------
        order : ndarray of shape (n_rows_of_pass,), dtype intp
        first : int
        unit : int
            Rows that must be in one window, counted from the beginning of the order.
        key : int or None, default=None
            What the random numbers of this epoch begin with; None draws none.
        """
        return nullcontext(iter([Window(self, order)]))

    def shuffled(self, order: np.ndarray, random_state: np.random.RandomState) -> np.ndarray:
        """The rows in another order."""
        # the draws of sklearn.utils.shuffle, without its checks
        return order[random_state.permutation(len(order))]

    def handy(self, rows: np.ndarray) -> np.ndarray:
        """Those of the rows that a sample can be taken of, at the cost of a window."""
        return rows

    def take(self, rows: np.ndarray) -> Any:
        """These rows of X, as it was given."""
        return self._given[rows]


class BlockSamples:
    """Samples whose inputs are read block by block; targets and weights are in memory.

    Its methods are those of :class:`Samples`; ``inputs`` is None.

    Parameters
    ----------
    blocks : RowBlocks
    y, sample_weight : as of :class:`Samples`
    form : callable
        Makes of a window's rows the form that the kernels are to read.
    """

    def __init__(self, blocks: RowBlocks, y, sample_weight, form: Callable[[np.ndarray], Any]):
        self.X = self._blocks = blocks
        self._form = form
        self.targets = core.Targets(y, sample_weight)
        self.dtype, self.inputs = blocks.dtype, None
        n_windows = -(-blocks.n_blocks // blocks.window_blocks)
        self._window_of_place = np.arange(blocks.n_blocks) * n_windows // blocks.n_blocks
        self._held: tuple[np.ndarray, np.ndarray] | None = None

    @property
    def is_drawn(self) -> bool:
        """Whether rows depend on random numbers, drawn anew for each epoch."""
        return self._blocks.transform is not None

    def windows(self, order, first, unit, key=None):
        if key is None and self._is_sample(order):
            return nullcontext(iter([self._window(self.take(order), order, 0)]))
        return closing(read_ahead(partial(self._read, order, first, unit, key)))

    def _read(self, order, first, unit, key, unwanted: Event) -> Iterator[Window]:
        if first == len(order):
            return  # a fit was interrupted between its last window and the end of the epoch
        n_features = self._blocks.shape[1]
        bounds = self._bounds(order)
        # the rows after the last whole unit of a window are the first of the next
        cuts = bounds // unit * unit
        cuts[-1] = len(order)
        at = int(np.searchsorted(cuts, first, side="right")) - 1
        bounds, cuts = bounds[at:], cuts[at:]
        size = (bounds[1:] - cuts[:-1]).max()
        # one to train on, one to read into
        memory, other = (np.empty((size, n_features), self.dtype) for _ in range(2))
        left = np.empty((bounds[0] - cuts[0], n_features), self.dtype)
        self._fill(left, order[cuts[0] : bounds[0]], key, unwanted)
        for (start, stop), (begin, end) in zip(pairwise(cuts), pairwise(bounds), strict=True):
            X = memory[: end - start]
            X[: len(left)] = left
            self._fill(X[len(left) :], order[begin:end], key, unwanted)
            if unwanted.is_set():
                return
            left = X[stop - start :].copy()
            if stop > start:  # else it is all left: it ends within its first batch
                memory, other = other, memory
                yield self._window(X[: stop - start], order[start:stop], start)

    def _window(self, X, rows_of_X, first) -> Window:
        y, weight = self.targets.y[rows_of_X], self.targets.sample_weight[rows_of_X]
        rows = np.arange(len(X), dtype=np.intp)
        return Window(Samples(self._form(X), y, weight), rows, int(first))

    def _bounds(self, order: np.ndarray) -> np.ndarray:
        """The positions between windows: each has whole blocks, in an order of ours."""
        blocks = self._blocks
        n_rows = blocks.shape[0]
        n_of_window = np.bincount(self._window_of_place)
        bounds = np.append(0, np.cumsum(n_of_window)) * blocks.block_rows
        # the last block may have fewer rows, wherever it is in the order
        place = np.flatnonzero(order == n_rows - 1)
        if len(place) > 0:
            bounds[bounds > place[0]] -= blocks.n_blocks * blocks.block_rows - n_rows
        return np.unique(np.minimum(bounds, len(order)))

    def shuffled(self, order, random_state):
        """The rows in another order: of the blocks, and of the rows within a window."""
        places, n_blocks = self._window_of_place, self._blocks.n_blocks
        window_of = places.copy()
        if places[-1] > 0:  # of several windows
            window_of[random_state.permutation(n_blocks)] = places
        windows = window_of[order // self._blocks.block_rows]
        order = order[np.argsort(windows, kind="stable")]
        for start, stop in pairwise(self._bounds(order)):
            order[start:stop] = order[start:stop][random_state.permutation(stop - start)]
        return order

    def handy(self, rows):
        """Those of the rows that are in a window's number of evenly spaced blocks."""
        block_of = rows // self._blocks.block_rows
        present = np.unique(block_of)
        step = -(-len(present) // self._blocks.window_blocks)
        return rows[np.isin(block_of, present[::step])]

    def take(self, rows):
        if self._held is not None:
            held, X = self._held
            places = np.minimum(np.searchsorted(held, rows), len(held) - 1)
            if np.array_equal(held[places], rows):
                return X[places]
        X = np.empty((len(rows), self._blocks.shape[1]), self.dtype)
        self._fill(X, rows, None, Event())
        if self._is_sample(rows):
            self._held = rows, X
        return X

    def _is_sample(self, rows) -> bool:
        """Whether the rows, in rising order, are so few that they are read once."""
        return len(rows) <= HELD_ROWS and len(rows) < self._blocks.shape[0]

    def _fill(self, out: np.ndarray, rows_of_X: np.ndarray, key, unwanted: Event) -> None:
        """Read these rows of X into ``out``, block by block."""
        n_rows = self._blocks.block_rows
        places = np.argsort(rows_of_X)
        rising = rows_of_X[places]
        blocks, starts = np.unique(rising // n_rows, return_index=True)
        parts = zip(blocks.tolist(), pairwise([*starts, len(rising)]), strict=True)
        for block, (start, stop) in parts:
            if unwanted.is_set():
                return
            rng = None if key is None else np.random.default_rng([key, block])
            X = self._blocks.read(block, rng)
            # all rows of a block are copied once, to their places
            wanted = slice(None) if stop - start == len(X) else rising[start:stop] % n_rows
            out[places[start:stop]] = X[wanted]
