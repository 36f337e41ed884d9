"""What a search has done before, as its journal tells."""

from __future__ import annotations

from typing import Any

from skdigitnet._training.divergence import Usual
from skdigitnet._training.state import TrainingState, from_dict, to_dict
from skdigitnet.model_selection._evaluate import Cell, Evaluation, Kept
from skdigitnet.model_selection._identity import StudyKey, cell_key
from skdigitnet.model_selection._journal import KEPT, Journal

BESIDE = ("warning", "predictions", "curve")  # what a cell has beside scikit-learn's result


class Record:
    """The journal of a search, in terms of its cells.

    Parameters
    ----------
    path : str or path-like
    study : StudyKey
    evaluation : Evaluation

    Raises
    ------
    ValueError
        If a candidate cannot be identified, or the file is no journal of this study.
    """

    def __init__(self, path, study: StudyKey, evaluation: Evaluation):
        candidates, n_splits = evaluation.candidates, evaluation.folds.data.n_splits
        self._candidates = candidates
        self._keys = [
            [cell_key(study, params, split) for split in range(n_splits)]
            for params in candidates
        ]
        self._journal = Journal(path, study)

    def find(self, candidate: int, split: int) -> Cell | None:
        """The cell, if it has been evaluated before."""
        key = self._keys[candidate][split]
        if key not in self._journal:
            return None
        result = self._journal[key]
        beside = {name: result.pop(name) for name in BESIDE}
        return Cell(candidate, split, result, **beside, kept=_kept_in(result.pop(KEPT, None)))

    def add(self, cells: list[Cell]) -> None:
        """Keep cells that have ended together; a fit that failed is to be tried again."""
        self._journal.extend(
            (self._keys[cell.candidate][cell.split], _result(cell), self._about(cell))
            for cell in cells
            if cell.result["fit_error"] is None
        )

    def close(self) -> None:
        self._journal.close()

    def _about(self, cell: Cell) -> dict[str, Any]:
        return {"params": self._candidates[cell.candidate], "split": cell.split}


def _result(cell: Cell) -> dict[str, Any]:
    result = {**cell.result, **{name: getattr(cell, name) for name in BESIDE}}
    return result if cell.kept is None else {**result, KEPT: to_dict(cell.kept)}


def _kept_in(values: dict[str, Any] | None) -> Kept | None:
    if values is None:
        return None
    state, usual = from_dict(TrainingState, values["state"]), Usual(**values["usual"])
    return Kept(**{**values, "state": state, "usual": usual})


class NoRecord:
    """Stands for the journal of a search that has none."""

    def find(self, candidate: int, split: int) -> None:
        """Nothing has been evaluated before."""

    def add(self, cells: list[Cell]) -> None:
        """Nothing is kept."""

    def close(self) -> None:
        """Nothing is open."""
