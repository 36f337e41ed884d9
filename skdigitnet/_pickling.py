"""What pickle, joblib and skops keep of an estimator, and how any later version takes it."""

from __future__ import annotations

from inspect import Parameter, signature
from typing import Any

from skdigitnet._system.versions import VERSION, check_saved_by, saved_by_us
from skdigitnet._training.state import TrainingState

KIND = "model"
NOTE = "_saved_by"  # among the attributes of the pickled estimator, and there alone
TRAINING = "_training_state"


class PicklingMixin:
    """A pickle that names the version, and no class of this package but the estimator's."""

    def __getstate__(self) -> dict[str, Any]:
        state = {**super().__getstate__(), NOTE: saved_by_us(KIND)}  # type: ignore[dict-item]
        if state.get(TRAINING) is not None:
            state[TRAINING] = dict(vars(state[TRAINING]))
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take what this or an older version has kept.

        Raises
        ------
        ValueError
            If a newer version has kept it, or one that was not released.
        """
        state = dict(state)
        note = state.pop(NOTE, None)
        check_saved_by(note, KIND, f"This {type(self).__name__}")
        if note["version"] != VERSION:  # which may have had fewer parameters
            state = {**_defaults(type(self)), **state}
        if state.get(TRAINING) is not None:
            kept = TrainingState(**state[TRAINING])
            # a copy appends to lists of its own
            kept.loss_curve = state["loss_curve_"] = list(kept.loss_curve)
            kept.history = list(kept.history)
            kept.validation_scores = list(kept.validation_scores)
            if state["validation_scores_"] is not None:
                state["validation_scores_"] = kept.validation_scores
            state[TRAINING] = kept
        super().__setstate__(state)  # type: ignore[misc]


def _defaults(estimator_class: type) -> dict[str, Any]:
    parameters = signature(estimator_class).parameters.values()
    return {p.name: p.default for p in parameters if p.default is not Parameter.empty}
