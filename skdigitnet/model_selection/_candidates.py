"""Which candidates share a training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.metrics._scorer import _BaseScorer
from sklearn.pipeline import Pipeline

from skdigitnet._classifier import BackpropMLPClassifier
from skdigitnet._problem.arguments import plain
from skdigitnet._training.callback_bridge import has_callbacks
from skdigitnet._training.schedules import SCHEDULES

EPOCHS = "max_iter"
EXACT = (bool, int, float, complex, str, bytes, np.generic, type(None))


@dataclass(frozen=True)
class Lineage:
    """Candidates that differ only in ``max_iter``.

    Attributes
    ----------
    estimator : object
        Has their parameters, and ``max_iter`` as it is where no candidate sets it.
    members : tuple of int
        Their indices, by rising ``max_iter``.
    stops : tuple
        The ``max_iter`` of each.
    transformers : tuple
        The same for all candidates whose Pipeline has the same transformers.
    is_ours : bool
        Whether it is a BackpropMLPClassifier, or a Pipeline that ends in one, that nobody
        watches while it trains.
    is_one_training : bool
        Whether the shorter trainings are provably the beginnings of the longest.
    can_pause : bool
        Whether one that has paused goes on as if it had not.
    """

    estimator: Any
    members: tuple[int, ...]
    stops: tuple
    transformers: tuple
    is_ours: bool
    is_one_training: bool
    can_pause: bool


def final_step(estimator) -> tuple[str, Any]:
    """The prefix of the parameters of a Pipeline's last step, and that step.

    Of any other estimator, no prefix and the estimator.
    """
    if isinstance(estimator, Pipeline):
        name, step = estimator.steps[-1]
        return f"{name}__", step
    return "", estimator


def lineages(base_estimator, candidates: Sequence[dict]) -> list[Lineage]:
    """Sort candidates into those that differ only in ``max_iter``.

    Parameters
    ----------
    base_estimator : estimator
    candidates : sequence of dict
        The parameters of each.

    Returns
    -------
    lineages : list of Lineage
        By their first candidates; every candidate is in one of them.
    """
    prefix, _ = final_step(base_estimator)
    groups: dict[tuple, list[int]] = {}
    for index, params in enumerate(candidates):
        groups.setdefault(key_of(params, without=prefix + EPOCHS), []).append(index)
    return [
        _lineage(base_estimator, prefix, candidates, members) for members in groups.values()
    ]


def _lineage(base_estimator, prefix: str, candidates, members: list[int]) -> Lineage:
    name = prefix + EPOCHS
    params = {key: value for key, value in candidates[members[0]].items() if key != name}
    estimator = with_params(base_estimator, params)
    transformers = {key: value for key, value in params.items() if _is_before(prefix, key)}
    own = getattr(final_step(estimator)[1], EPOCHS, None)
    stops = {index: candidates[index].get(name, own) for index in members}
    if all(_is_count(stop) for stop in stops.values()):
        members = sorted(members, key=lambda index: (int(stops[index]), index))
        is_ours = is_unwatched(estimator)
        is_one = is_ours and has_prefixes(final_step(estimator)[1])
    else:  # some of them are to fail, each by itself
        is_ours, is_one = is_unwatched(estimator), False
    return Lineage(
        estimator,
        tuple(members),
        tuple(stops[index] for index in members),
        key_of(transformers),
        is_ours,
        is_one,
        is_one and plain(final_step(estimator)[1].solver) != "lbfgs",
    )


def with_params(base_estimator, params: dict):
    """The estimator of a candidate, as scikit-learn makes it."""
    # the parameters are cloned because they may be estimators
    return clone(base_estimator).set_params(**clone(params, safe=False))


def _is_before(prefix: str, name: str) -> bool:
    """Whether a parameter may concern the steps before the last."""
    return bool(prefix) and not name.startswith(prefix)


def _is_count(value) -> bool:
    value = plain(value)
    return isinstance(value, Integral) and not isinstance(value, bool) and int(value) >= 1


def key_of(params: dict, without: str | None = None) -> tuple:
    """Equal for parameters that are the same: of the same value, or the same objects."""
    return tuple((name, _identity(params[name])) for name in sorted(params) if name != without)


def _identity(value) -> tuple:
    if isinstance(value, tuple):
        return (tuple, *(_identity(part) for part in value))
    if isinstance(value, EXACT):
        return type(value), repr(value)  # which tells -0.0 from 0.0, and NaN is NaN
    return object, id(value)


def is_unwatched(estimator) -> bool:
    """Whether nothing but the result shows how often it is trained and checked."""
    if type(estimator) is Pipeline:
        steps = [step for _, step in estimator.steps]
        if estimator.verbose or any(has_callbacks(step) for step in (estimator, *steps)):
            return False
        estimator = steps[-1]
    return (
        type(estimator) is BackpropMLPClassifier
        and not has_callbacks(estimator)
        and plain(estimator.verbose) in (False, 0)
        and plain(estimator.warm_start) is False
    )


def has_prefixes(classifier: BackpropMLPClassifier) -> bool:
    """Whether no epoch depends on how many there are to be."""
    if plain(classifier.solver) != "lbfgs":
        schedule = plain(classifier.learning_rate)
        if not isinstance(schedule, str) or schedule in SCHEDULES:
            return False
    # a scorer of the user's may look at max_iter
    scoring = plain(classifier.scoring)
    is_known = isinstance(scoring, str | _BaseScorer)
    return is_known or plain(classifier.early_stopping) is False
