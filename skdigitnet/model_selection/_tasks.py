"""A search as scikit-learn's callbacks are told of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sklearn.utils import _safe_indexing


class SearchTask:
    """A call to fit of a search, whose subtasks are cells, as they end, and the refit.

    The process that searches tells the callbacks, whichever has done the work. Before
    scikit-learn 1.9, which has no callbacks, every method does nothing.

    Parameters
    ----------
    search : BaseSearchCV
    X, y : as passed to fit
    metadata : dict or None
    """

    def __init__(self, search, X, y, metadata: dict | None):
        self._search = search
        self._arguments = {"estimator": search, "X": X, "y": y, "metadata": metadata}
        self._root: Any = None
        self._cells: Any = None
        if hasattr(search, "_init_callback_context"):
            n_subtasks = 1 + (search.refit is not False)
            self._root = search._init_callback_context(max_subtasks=n_subtasks)
            self._root.call_on_fit_task_begin(**self._arguments)

    def begin_search(self, n_cells: int) -> None:
        if self._root is not None:
            self._cells = self._root.subcontext(
                task_name="search", max_subtasks=n_cells, sequential_subtasks=False
            ).call_on_fit_task_begin(estimator=self._search)

    def end_cell(self, number: int, train) -> None:
        """Tell of a cell, trained on these rows, when it has ended."""
        if self._cells is None or not getattr(self._search, "_skl_callbacks", None):
            return
        X, y = self._arguments["X"], self._arguments["y"]
        arguments = {
            "estimator": self._search,
            "X": lambda: _safe_indexing(X, train),
            "y": lambda: None if y is None else _safe_indexing(y, train),
        }
        cell = self._cells.subcontext(task_name="candidate-split-evaluation", task_id=number)
        cell.call_on_fit_task_begin(**arguments)
        cell.call_on_fit_task_end(**arguments)

    def end_search(self) -> None:
        if self._cells is not None:
            self._cells.call_on_fit_task_end(estimator=self._search)

    @contextmanager
    def refit(self, estimator) -> Iterator[None]:
        """The block in which this estimator is fitted to all rows."""
        if self._root is None:
            yield
            return
        context = self._root.subcontext(task_name="refit-with-best-params")
        with context.propagate_callback_context(estimator):
            context.call_on_fit_task_begin(**self._arguments)
            yield
        context.call_on_fit_task_end(**self._arguments)

    def end(self) -> None:
        if self._root is not None:
            self._root.call_on_fit_task_end(**self._arguments)
