"""What a search tells its user in words."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from joblib.logger import short_format_time

from skdigitnet.model_selection._evaluate import Cell

N_WORST = 3
LINE = 80


@contextmanager
def collected(category: type[Warning]) -> Iterator[list[str]]:
    """Collect the messages of warnings of this category; others go where they went."""
    messages: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", category)
        yield messages
    for each in caught:
        if issubclass(each.category, category):
            messages.append(str(each.message))
        else:
            warnings.warn_explicit(each.message, each.category, each.filename, each.lineno)


def convergence_warning(
    cells: Sequence[Cell], candidates: Sequence[dict], of_refit: Sequence[str] = ()
) -> str | None:
    """One warning for all trainings that have not converged; None if all have.

    Parameters
    ----------
    cells : sequence of Cell
    candidates : sequence of dict
    of_refit : sequence of str
        The warnings of the fit to all rows.
    """
    lines = _about_cells(cells, candidates)
    lines += [f"The fit of the best candidate to all rows: {reason}" for reason in of_refit]
    return "\n".join(lines) or None


def _about_cells(cells: Sequence[Cell], candidates: Sequence[dict]) -> list[str]:
    unconverged = [cell for cell in cells if cell.warning is not None]
    if not unconverged:
        return []
    by_candidate = Counter(cell.candidate for cell in unconverged)
    worst = by_candidate.most_common(N_WORST)
    n_splits = len(cells) // len(candidates)
    lines = [
        f"{len(unconverged)} of {len(cells)} fits, of {len(by_candidate)} of"
        f" {len(candidates)} candidates, have not converged. Those with the most:"
    ]
    for candidate, n_fits in worst:
        reason = next(cell.warning for cell in unconverged if cell.candidate == candidate)
        lines.append(f"{candidates[candidate]}, {n_fits} of {n_splits}: {reason}")
    return lines


def end_message(cell: Cell, candidates: Sequence[dict], n_splits: int, verbose: int) -> str:
    """scikit-learn's line for a fit that has ended."""
    progress = ""
    if verbose > 2:
        progress = f" {cell.split + 1}/{n_splits}"
        if verbose > 9:
            progress += f"; {cell.candidate + 1}/{len(candidates)}"
    params = candidates[cell.candidate]
    what = ", ".join(f"{name}={params[name]}" for name in sorted(params))
    if what:
        what += ";"
    if verbose > 2:
        what += _scores(cell.result)
    seconds = cell.result["fit_time"] + cell.result["score_time"]
    what += f" total time={short_format_time(seconds)}"
    begin = f"[CV{progress}] END "
    return begin + "." * (LINE - len(begin) - len(what)) + what


def _scores(result: dict) -> str:
    test, train = result["test_scores"], result.get("train_scores")
    if not isinstance(test, dict):
        both = f"{test:.3f}" if train is None else f"(train={train:.3f}, test={test:.3f})"
        return f", score={both}"
    parts = []
    for name in sorted(test):
        of_train = "" if train is None else f"train={train[name]:.3f}, "
        parts.append(f" {name}: ({of_train}test={test[name]:.3f})")
    return "".join(parts)
