"""What pickle, joblib and skops store of an estimator, and how later versions load it."""

from __future__ import annotations

from inspect import Parameter, signature
from typing import Any

from skdigitnet._system.versions import VERSION, check_saved_by, saved_by_us
from skdigitnet._training.state import TrainingState, from_dict, to_dict

KIND = "model"
NOTE = "_saved_by"  # among the attributes of the pickled estimator, and there alone
TRAINING = "_training_state"


def to_keep(attributes: dict[str, Any]) -> dict[str, Any]:
    """An estimator's attributes with the version, and without classes of this package."""
    kept = {**attributes, NOTE: saved_by_us(KIND)}
    if kept.get(TRAINING) is not None:
        kept[TRAINING] = to_dict(kept[TRAINING])
    return kept


def kept(state: dict[str, Any], estimator_class: type) -> dict[str, Any]:
    """The attributes from which this or an older version made ``state``.

    Raises
    ------
    ValueError
        If a newer or an unreleased version made it.
    """
    attributes = dict(state)
    note = attributes.pop(NOTE, None)
    check_saved_by(note, KIND, f"This {estimator_class.__name__}")
    if note["version"] != VERSION:  # which may have had fewer parameters
        attributes = {**defaults(estimator_class), **attributes}
    if attributes.get(TRAINING) is not None:
        # a copy appends to lists of its own
        training = from_dict(TrainingState, attributes[TRAINING]).with_own_lists()
        attributes |= {TRAINING: training, "loss_curve_": training.curve.losses}
        if attributes["validation_scores_"] is not None:
            attributes["validation_scores_"] = training.curve.scores
    return attributes


def defaults(estimator_class: type) -> dict[str, Any]:
    """The defaults of its parameters, by name."""
    parameters = signature(estimator_class).parameters.values()
    return {p.name: p.default for p in parameters if p.default is not Parameter.empty}
