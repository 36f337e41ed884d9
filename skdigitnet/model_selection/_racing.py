"""Racing: a candidate that has fallen behind on some splits is not trained on the others."""

from __future__ import annotations

import numpy as np

N_SPLITS = "n_splits"
MIN_SPLITS = 2  # the worst of the leader's scores says nothing where there is only one


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
