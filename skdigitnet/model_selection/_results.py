"""What a search publishes of its cells."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from sklearn.model_selection._search import _yield_masked_array_for_each_param
from sklearn.model_selection._validation import (
    _insert_error_scores,
    _warn_or_raise_about_fit_failures,
)

from skdigitnet.model_selection._evaluate import Cell


def results_of(
    search, candidates: Sequence[dict], n_splits: int, cells: Sequence[Cell]
) -> dict:
    """``cv_results_`` of these candidates alone, whose cells are in their order."""
    out = [cell.result for cell in cells]
    _warn_or_raise_about_fit_failures(out, search.error_score)
    if callable(search.scoring):
        _insert_error_scores(out, search.error_score)
    return search._format_results(candidates, n_splits, out)


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


def deciding_metric(search, names: Sequence[str]) -> str:
    """The one of several metrics by which candidates are eliminated.

    Raises
    ------
    ValueError
        If ``refit`` does not name one of them.
    """
    if isinstance(search.refit, str) and search.refit in names:
        return search.refit
    rule = "race=True" if search.race else f"factor={search.factor!r}"
    raise ValueError(
        f"{rule} needs one metric to eliminate candidates by, and there are {list(names)}."
        f" Set refit to the name of one; it was {search.refit!r}."
    )


def learning_curves(cells: Sequence[Cell | None], n_splits: int) -> dict[str, np.ndarray]:
    """Curves by the names of their scores, each (candidate, split, epoch), NaN at the end."""
    reached = [cell for cell in cells if cell is not None]
    names = sorted({name for cell in reached for name in cell.curve})
    length = max((len(scores) for cell in reached for scores in cell.curve.values()), default=0)
    shape = len(cells) // n_splits, n_splits, length
    curves = {name: np.full(shape, np.nan) for name in names}
    for cell in reached:
        for name, scores in cell.curve.items():
            curves[name][cell.candidate, cell.split, : len(scores)] = scores
    return curves


def predictions(cells: Sequence[Cell | None], n_splits: int) -> list[list[np.ndarray | None]]:
    """The predictions of each candidate on each split; None where there are none."""
    every = [None if cell is None else cell.predictions for cell in cells]
    return [every[start : start + n_splits] for start in range(0, len(every), n_splits)]
