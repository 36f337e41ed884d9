"""Successive halving: at every value of ``max_iter`` the best go on, the others end."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from sklearn.model_selection._search import _yield_masked_array_for_each_param

from skdigitnet.model_selection._candidates import Lineage

RUNG = "rung"


def rungs_of(lineages: Sequence[Lineage], factor: float) -> list[int]:
    """The values of ``max_iter``, rising, which must be the same for all lineages.

    Raises
    ------
    ValueError
        If they are not, or if there is one only.
    """
    found = {tuple(sorted(set(lineage.stops), key=_order)) for lineage in lineages}
    stops = next(iter(found))
    if len(found) > 1 or len(stops) < 2 or not all(isinstance(_order(s), int) for s in stops):
        shown = ", ".join(str(list(stops)) for stops in sorted(found, key=str)[:3])
        raise ValueError(
            f"factor={factor!r} needs two values of max_iter or more, the same for all other"
            f" parameters; there are {shown}. List them in the grid, or set factor=None."
        )
    return [int(stop) for stop in stops]


def _order(stop):
    try:
        return int(stop)
    except (TypeError, ValueError):
        return math.inf


def members_at(lineage: Lineage, stop: int) -> tuple[int, ...]:
    """The candidates whose ``max_iter`` it is."""
    pairs = zip(lineage.members, lineage.stops, strict=True)
    return tuple(member for member, value in pairs if value == stop)


def survivors(
    lineages: Sequence[Lineage], scores: Mapping[int, float], factor: float
) -> list[Lineage]:
    """The best of them, one in ``factor``, in their order.

    Parameters
    ----------
    lineages : sequence of Lineage
    scores : mapping of int to float
        By candidate. NaN is worse than any number; of equal ones the first candidate is
        better.
    factor : float
    """

    def place(lineage: Lineage) -> tuple[bool, float, int]:
        candidate = min(member for member in lineage.members if member in scores)
        score = scores[candidate]
        return math.isnan(score), -score, candidate

    best = sorted(lineages, key=place)[: math.ceil(len(lineages) / factor)]
    return [lineage for lineage in lineages if lineage in best]


def merged_results(
    candidates: Sequence[dict],
    groups: Sequence[tuple[Sequence[int], dict]],
    name: str,
    values: Sequence[int],
) -> dict:
    """The results of all groups as one: masked where a candidate was eliminated before.

    Parameters
    ----------
    candidates : sequence of dict
    groups : sequence of pairs of sequence of int and dict
        The candidates of each group, and ``cv_results_`` of them alone; the last has all keys.
    name : str
        Key of what tells the groups apart,
    values : sequence of int
        and its value for each of them.
    """
    n_candidates, last = len(candidates), groups[-1][1]
    params = dict(_yield_masked_array_for_each_param(candidates))
    results: dict = {}
    for key, array in last.items():
        if key == "params":
            results[key] = list(candidates)
        elif key in params:
            results[key] = params[key]
        else:
            results[key] = _empty(n_candidates, array.dtype)
            for members, of_group in groups:
                if key in of_group:
                    results[key][list(members)] = of_group[key]
    results[name] = _empty(n_candidates, np.dtype(np.int32))
    for value, (members, _) in zip(values, groups, strict=True):
        results[name][list(members)] = value
    return results


def _empty(length: int, dtype: np.dtype) -> np.ma.MaskedArray:
    fill = np.nan if dtype.kind == "f" else 0
    return np.ma.MaskedArray(np.full(length, fill, dtype), mask=True)
