"""The bridge to scikit-learn's callbacks: what a fit tells them, and how they stop it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import sklearn

try:
    from sklearn.callback import CallbackSupportMixin
except ImportError:  # before scikit-learn 1.9

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """An estimator that takes no callbacks."""

        def set_callbacks(self, *callbacks):
            """Unavailable: callbacks need scikit-learn 1.9 or newer."""
            raise RuntimeError(
                "Callbacks need scikit-learn 1.9 or newer; this is scikit-learn"
                f" {sklearn.__version__}."
            )


EPOCH = "epoch"  # the task name of an epoch or iteration
# what scikit-learn sets on an estimator during a fit; a copy must not have it
NOT_BEING_FITTED = {"_callback_fit_ctx": None, "_skl_callbacks_to_teardown": ()}


def has_callbacks(estimator) -> bool:
    return bool(getattr(estimator, "_skl_callbacks", None))


class FitTask:
    """A call to fit as a task, with a subtask for each epoch or iteration.

    Without callbacks every method does nothing.

    Parameters
    ----------
    estimator : BackpropMLPClassifier
    X, y : as passed to fit
    sample_weight : as passed to fit
    published : callable
        Returns the attributes that a fit stopping now would publish, as a dict.
    fitted : callable or None
        Maps theta to a fitted estimator, for scorers; None without any.
    """

    def __init__(
        self,
        estimator,
        X,
        y,
        sample_weight,
        *,
        published: Callable[[], dict],
        fitted: Callable[[np.ndarray], Any] | None,
    ):
        self._estimator, self.fitted = estimator, fitted
        self._arguments = {
            "estimator": estimator,
            "X": X,
            "y": y,
            "metadata": {} if sample_weight is None else {"sample_weight": sample_weight},
            "reconstruction_attributes": lambda: {**NOT_BEING_FITTED, **published()},
        }
        self._fit: Any = None
        self._epoch: Any = None

    def begin(self, n_epochs: int) -> None:
        """Begin the task; ``n_epochs`` is the largest number of subtasks."""
        if has_callbacks(self._estimator):
            self._fit = self._estimator._init_callback_context(max_subtasks=n_epochs)
            self._fit.call_on_fit_task_begin(**self._arguments)

    def begin_epoch(self) -> None:
        """Begin an epoch's subtask, unless it has begun."""
        if self._fit is not None and self._epoch is None:
            self._epoch = self._fit.subcontext(task_name=EPOCH)
            self._epoch.call_on_fit_task_begin(**self._arguments)

    def end_epoch(self) -> bool:
        """End the subtask; return whether a callback asks to stop."""
        if self._fit is None:
            return False
        epoch, self._epoch = self._epoch, None
        return epoch.call_on_fit_task_end(**self._arguments)

    def end(self) -> None:
        """End the task, once the estimator is fitted."""
        if self._fit is not None:
            self._fit.call_on_fit_task_end(**self._arguments)


NO_CALLBACKS = FitTask(None, None, None, None, published=dict, fitted=None)
