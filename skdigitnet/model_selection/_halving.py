"""Successive halving: at every value of ``max_iter`` the best go on, the others end."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from skdigitnet.model_selection._candidates import Lineage
from skdigitnet.model_selection._cells import Cells
from skdigitnet.model_selection._evaluate import Job, Kept
from skdigitnet.model_selection._results import deciding_metric, merged_results

RUNG = "rung"
TEST_MEAN = "mean_test_"

Paused = dict[tuple[int, int], Kept]  # by the first member of a lineage, and by split


def halve(search, cells: Cells) -> tuple[dict, list[int]]:
    """Train the best on, from rung to rung; the results, and the last candidates."""
    shared, stops = cells.lineages, rungs_of(cells.lineages, search.factor)
    rungs: list[tuple[list[int], dict]] = []
    paused: Paused = {}
    for stop in stops:
        is_last = stop == stops[-1]
        members = sorted(member for one in shared for member in members_at(one, stop))
        cells.evaluate(_jobs(shared, cells.n_splits, stop, paused, is_last=is_last))
        results = cells.results(members)
        rungs.append((members, results))
        if is_last:
            break
        mean = results[TEST_MEAN + _metric(search, results)]
        scores = dict(zip(members, mean.tolist(), strict=True))
        shared = survivors(shared, scores, search.factor)
        paused = _take_paused(shared, stop, cells)
    return merged_results(cells.candidates, rungs, RUNG, range(len(rungs))), rungs[-1][0]


def _metric(search, results: dict) -> str:
    names = [key.removeprefix(TEST_MEAN) for key in results if key.startswith(TEST_MEAN)]
    return "score" if "score" in names else deciding_metric(search, names)


def _jobs(
    shared: list[Lineage], n_splits: int, stop: int, paused: Paused, *, is_last: bool
) -> list[Job]:
    """A job for each split and lineage, up to one of its stops."""
    return [
        Job(
            split,
            lineage,
            members_at(lineage, stop),
            paused.get((lineage.members[0], split)),
            not is_last and lineage.can_pause,
        )
        for split in range(n_splits)
        for lineage in shared
    ]


def _take_paused(shared: list[Lineage], stop: int, cells: Cells) -> Paused:
    """Where the trainings of these lineages have paused; the others' are forgotten."""
    paused = {
        (lineage.members[0], cell.split): cell.kept
        for lineage in shared
        for member in members_at(lineage, stop)
        for cell in cells.of(member)
        if cell.kept is not None
    }
    for cell in cells.every:
        if cell is not None:
            cell.kept = None
    return paused


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
