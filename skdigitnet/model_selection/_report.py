"""What a search tells its user in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from joblib.logger import short_format_time

from skdigitnet.model_selection._evaluate import Cell

N_WORST = 3
LINE = 80


def convergence_warning(cells: Sequence[Cell], candidates: Sequence[dict]) -> str | None:
    """One warning for all trainings that have not converged; None if all have."""
    unconverged = [cell for cell in cells if cell.warning is not None]
    if not unconverged:
        return None
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
    return "\n".join(lines)


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
