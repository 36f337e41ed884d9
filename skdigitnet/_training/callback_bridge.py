"""scikit-learn's callbacks: what they are told of a fit, and what they may ask."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import sklearn

try:
    from sklearn.callback import CallbackSupportMixin
except ImportError:  # before scikit-learn 1.9

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """An estimator to which no callback can be given."""

        def set_callbacks(self, *callbacks):
            """Not available: callbacks need scikit-learn 1.9 or newer."""
            raise RuntimeError(
                "Callbacks need scikit-learn 1.9 or newer; this is scikit-learn"
                f" {sklearn.__version__}."
            )


EPOCH = "epoch"  # the name of its task, or an iteration's
# what scikit-learn notes on an estimator while it is fitted, and a copy must not have
NOT_BEING_FITTED = {"_callback_fit_ctx": None, "_skl_callbacks_to_teardown": ()}


def has_callbacks(estimator) -> bool:
    return bool(getattr(estimator, "_skl_callbacks", None))


class FitTask:
    """A call to fit, with an epoch or iteration for each of its subtasks.

    Without callbacks every method does nothing.

    Parameters
    ----------
    estimator : BackpropMLPClassifier
    X, y : as passed to fit
    sample_weight : as passed to fit
    published : callable
        Gives the attributes that a fit which stops now would publish, as a dict.
    fitted : callable or None
        Maps theta to a fitted estimator, for scorers; None where there are none.
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
        """``n_epochs`` is the most that there will be."""
        if has_callbacks(self._estimator):
            self._fit = self._estimator._init_callback_context(max_subtasks=n_epochs)
            self._fit.call_on_fit_task_begin(**self._arguments)

    def begin_epoch(self) -> None:
        """Does nothing within an epoch that has begun."""
        if self._fit is not None and self._epoch is None:
            self._epoch = self._fit.subcontext(task_name=EPOCH)
            self._epoch.call_on_fit_task_begin(**self._arguments)

    def end_epoch(self) -> bool:
        """Whether a callback wants to stop."""
        if self._fit is None:
            return False
        epoch, self._epoch = self._epoch, None
        return epoch.call_on_fit_task_end(**self._arguments)

    def end(self) -> None:
        """When the estimator is fitted."""
        if self._fit is not None:
            self._fit.call_on_fit_task_end(**self._arguments)


NO_CALLBACKS = FitTask(None, None, None, None, published=dict, fitted=None)
