"""Rows that are read block by block, for X larger than memory."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate
from numbers import Integral, Real
from pathlib import Path
from typing import Any

import numpy as np

# Large enough to be read at full speed; many to a window, so that it mixes many parts of X.
BLOCK_BYTES = 2**22
WINDOW_BYTES = 2**26
IDENTIFYING_ROWS = 1000


class RowBlocks:
    """Rows on disk, or anywhere else, that are read block by block.

    :class:`~skdigitnet.BackpropMLPClassifier` takes them for X in ``fit``, ``partial_fit``,
    ``predict`` and the other methods, and never holds more than a few windows of
    ``window_blocks`` blocks in memory. A block is read anew in every epoch.

    In training, every epoch draws an order of the blocks and divides it into windows, of as
    equal numbers of blocks as possible; the rows of a window are shuffled. Mini-batches
    follow each other as if all rows were in memory: one that a window ends within is
    completed by the next. While the network trains on a window, a thread reads the next.
    If one window holds all rows, they are shuffled as in memory, and the fit has the bits of
    one on the array.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features), or list of those or of paths
        Anything with a ``shape``, a ``dtype`` and slices ``X[a:b]`` that NumPy can convert:
        a memory map, a Dask or Zarr array, a dataset of h5py. A Dask data frame. Or a list of
        such parts, one after the other, with paths of ``.npy`` files for memory maps of
        them. Numbers must be real; they are only converted after they have been read.
    block_rows : int or "auto", default="auto"
        Rows that are read together; "auto" makes a block of about 4 MiB, in whole chunks of
        an X that has ``chunks``.
    window_blocks : int or "auto", default="auto"
        The most blocks in a window, whose rows are mixed with each other; "auto" makes
        about 64 MiB.
    scale : float or None, default=None
        What every number is multiplied by, such as 1/255 for pixels in bytes.
    transform : callable or None, default=None
        ``transform(X_block, rng)`` returns the rows to use for the rows of a block, after
        ``scale``: as many, in float32 or float64, of any number of features, which must be
        the same for every block. In an epoch of SGD or Adam, rng is a
        ``numpy.random.Generator`` for distortions; it depends on the estimator's
        ``random_state``, the epoch and the block alone. Everywhere else, as in prediction
        and with L-BFGS, rng is None. X_block is a copy that may be changed. It is called in
        the thread that reads.

    Attributes
    ----------
    shape : tuple of int
        Number of rows, and of features after ``transform``.
    dtype : dtype
        float32 if X's numbers, or what ``transform`` returns, are float32 or narrower (such
        as uint8), float64 otherwise. Training is in this precision.
    block_rows, window_blocks : int
        What was given, or what "auto" has become.

    Raises
    ------
    TypeError, ValueError
        If X or a parameter cannot be used. A non-finite number is found when it is read.

    Examples
    --------
    >>> import numpy as np
    >>> from skdigitnet import BackpropMLPClassifier
    >>> from skdigitnet.datasets import RowBlocks
    >>> pixels = np.random.default_rng(0).integers(0, 256, (1000, 20), dtype=np.uint8)
    >>> y = (pixels[:, 0] > 127).astype(int)
    >>> X = RowBlocks(pixels, block_rows=100, window_blocks=4, scale=1 / 255)
    >>> clf = BackpropMLPClassifier((10,), random_state=0).fit(X, y)
    >>> clf.score(X, y) > 0.95
    True
    """

    def __init__(
        self, X, *, block_rows="auto", window_blocks="auto", scale=None, transform=None
    ):
        self._source = _source_of(X)
        self.scale, self.transform = scale, transform
        if scale is not None and not (isinstance(scale, Real) and np.isfinite(scale)):
            raise ValueError(f"scale={scale!r} must be a finite number, or None.")
        if transform is not None and not callable(transform):
            raise TypeError(
                f"transform={transform!r} must be a function transform(X_block, rng), or None."
            )
        self.shape, self.dtype = self._source.shape, _float_for(self._source.dtype)
        if transform is not None:
            first = self._convert(self._source[:1], None)
            self.shape, self.dtype = (self.shape[0], first.shape[1]), _float_for(first.dtype)
        row_bytes = max(1, self.shape[1]) * self.dtype.itemsize
        if isinstance(block_rows, str) and block_rows == "auto":
            chunk = _chunk_rows(self._source)
            block_rows = -(-max(1, BLOCK_BYTES // row_bytes) // chunk) * chunk
        if isinstance(window_blocks, str) and window_blocks == "auto":
            window_blocks = max(
                1, WINDOW_BYTES // (_count("block_rows", block_rows) * row_bytes)
            )
        self.block_rows = _count("block_rows", block_rows)
        self.window_blocks = _count("window_blocks", window_blocks)

    @property
    def n_blocks(self) -> int:
        return -(-self.shape[0] // self.block_rows)

    def read(self, block: int, rng: np.random.Generator | None = None) -> np.ndarray:
        """The rows of a block, checked, as they are trained on or predicted.

        Parameters
        ----------
        block : int
            From 0; the last one may have fewer rows than ``block_rows``.
        rng : numpy.random.Generator or None, default=None
            Passed to ``transform``.

        Returns
        -------
        X_block : ndarray of shape (n_block_rows, n_features)
        """
        start = block * self.block_rows
        n_rows = min(self.block_rows, self.shape[0] - start)
        given = self._source[start : start + n_rows]
        try:
            X = self._convert(given, rng)
            if X.shape != (n_rows, self.shape[1]):
                raise ValueError(
                    f"{X.shape[0]} rows of {X.shape[1]} features, not {n_rows} rows of"
                    f" {self.shape[1]}"
                )
        except (TypeError, ValueError) as error:
            kind = TypeError if isinstance(error, TypeError) else ValueError
            raise kind(f"X cannot be used in block {block}: {error}.") from error
        X = X.astype(self.dtype, copy=False)
        if self.transform is not None or self._source.dtype.kind == "f":
            _check_finite(X, start, block)
        return X

    @property
    def identity(self) -> list:
        """What tells these rows from others: settings, and some of the rows."""
        settings = self.shape, str(self.dtype), self.block_rows, self.window_blocks
        return [settings, self.scale, self.transform, some_rows(self, IDENTIFYING_ROWS)]

    def _convert(self, given, rng) -> np.ndarray:
        """The numbers of some rows as they are used."""
        X = np.asarray(given)
        if X.ndim != 2:
            raise ValueError(f"an array of shape {X.shape}, not of two dimensions")
        dtype = _float_for(X.dtype)
        if self.scale is not None:
            X = np.multiply(X, dtype.type(self.scale), dtype=dtype)
        elif self.transform is not None:
            X = X.astype(dtype)
        if self.transform is not None:
            X = np.asarray(self.transform(X, rng))
            if X.ndim != 2 or X.dtype.kind != "f":
                raise ValueError(
                    f"transform returned an array of shape {X.shape} of {X.dtype}; it must be"
                    " of shape (n_block_rows, n_features), of float32 or float64"
                )
        return X

    def __array__(self, dtype=None, copy=None):
        raise TypeError(
            "RowBlocks are read block by block and never made one array: pass them to"
            " BackpropMLPClassifier itself. What other steps would do to X, do in transform."
        )

    def __len__(self) -> int:
        return self.shape[0]

    def __repr__(self) -> str:
        n_rows, n_features = self.shape
        return (
            f"<RowBlocks of {n_rows} rows of {n_features} features, {self.dtype}, in"
            f" {self.n_blocks} blocks of {self.block_rows} rows, {self.window_blocks} to a"
            " window>"
        )


def in_blocks(X) -> Any:
    """RowBlocks of an X that must not be gathered in memory; any other X unchanged.

    They are Dask's arrays and data frames, and what has rows to slice but no way to become
    an array.
    """
    if isinstance(X, RowBlocks):
        return X
    is_table = all(hasattr(X, name) for name in ("shape", "dtype", "__getitem__"))
    is_array = any(hasattr(X, name) for name in ("__array__", "__dlpack__", "tocsr"))
    if hasattr(X, "__dask_graph__") or (is_table and not is_array and len(X.shape) == 2):
        return RowBlocks(X)
    return X


class _Parts:
    """Tables of the same features, one after the other."""

    def __init__(self, parts: list):
        self.parts = parts
        widths = {part.shape[1] for part in parts}
        if len(widths) > 1:
            raise ValueError(f"X has parts of {sorted(widths)} features; give equally many.")
        self.ends = [0, *accumulate(part.shape[0] for part in parts)]
        self.shape = self.ends[-1], *widths
        self.dtype = np.result_type(*(part.dtype for part in parts))

    def __getitem__(self, rows: slice) -> np.ndarray:
        start, stop, _ = rows.indices(self.shape[0])
        pieces = [
            np.asarray(part[max(start - first, 0) : stop - first])
            for part, first in zip(self.parts, self.ends, strict=False)
            if first < stop and first + part.shape[0] > start
        ]
        return np.concatenate(pieces) if len(pieces) > 1 else pieces[0]


def _source_of(X) -> Any:
    """X, or the parts of X, as one table with a shape, a dtype and slices."""
    if hasattr(X, "to_dask_array"):
        X = X.to_dask_array(lengths=True)
    if isinstance(X, list | tuple):
        if len(X) == 0:
            raise ValueError("X is an empty list; give parts with rows.")
        return _Parts([_source_of(part) for part in X])
    if isinstance(X, str | Path):
        X = np.load(X, mmap_mode="r")
    missing = [name for name in ("shape", "dtype", "__getitem__") if not hasattr(X, name)]
    if missing:
        raise TypeError(
            f"X is a {type(X).__name__} without {', '.join(missing)}; RowBlocks takes a table"
            " with a shape, a dtype and slices X[a:b], such as a memory map, or a list of them."
        )
    if len(X.shape) != 2 or not all(isinstance(n, Integral) and int(n) > 0 for n in X.shape):
        raise ValueError(
            f"X has the shape {tuple(X.shape)}; it must have rows and features, of known"
            " number (for a Dask array call compute_chunk_sizes)."
        )
    if np.dtype(X.dtype).kind not in "buif":
        raise ValueError(f"X is of {X.dtype}; its numbers must be real.")
    return X


def _float_for(dtype) -> np.dtype:
    """float32 if it holds every such number, else float64."""
    narrow = np.result_type(dtype, np.float32) == np.float32
    return np.dtype(np.float32 if narrow else np.float64)


def _chunk_rows(X) -> int:
    """How many rows X stores together; 1 if it does not say."""
    chunks = getattr(X, "chunks", None)  # of h5py it may be None
    first = chunks[0] if chunks else 1
    return int(max(first) if isinstance(first, tuple) else first)


def _count(name: str, value) -> int:
    if isinstance(value, Integral) and not isinstance(value, bool) and int(value) > 0:
        return int(value)
    raise ValueError(f'{name}={value!r} must be a positive whole number, or "auto".')


def _check_finite(X: np.ndarray, start: int, block: int) -> None:
    """Raise ValueError if a number is not finite; ``start`` is the first row's number."""
    with np.errstate(all="ignore"):
        if np.isfinite(X.sum()):
            return
    finite = np.isfinite(X)
    if finite.all():  # their sum has overflowed
        return
    i, j = np.argwhere(~finite)[0]
    what = "NaN" if np.isnan(X[i, j]) else "infinity"
    raise ValueError(
        f"X contains {what}, in row {start + i} and column {j} (block {block}); every number"
        " must be finite. Replace it, for example in transform."
    )


def some_rows(X, n_rows: int) -> Any:
    """About as many rows of X, evenly spaced; of blocks, in a window's number of them."""
    if not isinstance(X, RowBlocks):
        return X[:: -(-X.shape[0] // n_rows)]
    blocks = range(0, X.n_blocks, -(-X.n_blocks // X.window_blocks))
    step = -(-len(blocks) * X.block_rows // n_rows)
    return np.concatenate([X.read(block)[::step] for block in blocks])


def blocks_of(X) -> Iterator[tuple[int, Any]]:
    """X as parts that are in memory, each with the number of its first row."""
    if not isinstance(X, RowBlocks):
        yield 0, X
        return
    for block in range(X.n_blocks):
        yield block * X.block_rows, X.read(block)
