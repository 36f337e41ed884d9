"""Racing: a candidate that has fallen behind on some splits is not trained on the others."""

from __future__ import annotations

import numpy as np

from skdigitnet.model_selection._cells import Cells
from skdigitnet.model_selection._evaluate import Cell, Job
from skdigitnet.model_selection._results import deciding_metric, merged_results

N_SPLITS = "n_splits"
MIN_SPLITS = 2  # the worst of the leader's scores says nothing where there is only one


def race(search, cells: Cells) -> tuple[dict, list[int]]:
    """Evaluate split by split those that keep up; the results, and the last candidates."""
    racing = list(range(len(cells.candidates)))
    ended: list[tuple[int, list[int]]] = []  # after how many splits, and who
    for splits in rounds(cells.n_splits):
        jobs = [
            Job(split, lineage, members)
            for split in splits
            for lineage in cells.lineages
            if (members := tuple(m for m in lineage.members if m in racing))
        ]
        cells.evaluate(jobs)
        n_done = splits[-1] + 1
        scores = [
            [_deciding_score(search, cell) for cell in cells.of(member, n_done)]
            for member in racing
        ]
        stays = keeps_up(np.array(scores)) & (n_done < cells.n_splits)
        out = [m for m, stay in zip(racing, stays, strict=True) if not stay]
        racing = [m for m, stay in zip(racing, stays, strict=True) if stay]
        if out:
            ended.append((n_done, out))
    groups = [(members, cells.results(members, n_done)) for n_done, members in ended]
    numbers = [n_done for n_done, _ in ended]
    return merged_results(cells.candidates, groups, N_SPLITS, numbers), groups[-1][0]


def _deciding_score(search, cell: Cell) -> float:
    """The test score that eliminates candidates; NaN where the fit has failed."""
    scores = cell.result["test_scores"]
    if cell.result["fit_error"] is not None:
        return np.nan
    if isinstance(scores, dict):
        return scores[deciding_metric(search, list(scores))]
    return scores


def rounds(n_splits: int) -> list[range]:
    """The splits that are evaluated before candidates are compared."""
    first = min(MIN_SPLITS, n_splits)
    return [range(first), *(range(split, split + 1) for split in range(first, n_splits))]


def keeps_up(scores: np.ndarray) -> np.ndarray:
    """Whether each candidate is still in the race.

    The leader has the best mean over the splits so far. A candidate stays while its own mean is
    at least the leader's worst score: the "forgiving" rule of [1]_, of the two there the one
    that eliminates fewer. A candidate that fails on a split, with NaN as its score, is out.

    Parameters
    ----------
    scores : ndarray of shape (n_candidates, n_splits_so_far)

    Returns
    -------
    keeps_up : ndarray of bool of shape (n_candidates,)

    References
    ----------
    .. [1] E. Bergman, L. Purucker and F. Hutter, "Don't waste your time: early stopping
       cross-validation", AutoML 2024.
    """
    means = scores.mean(axis=1)
    if np.isnan(means).all():
        return np.ones(len(scores), dtype=bool)
    return means >= scores[np.nanargmax(means)].min()
