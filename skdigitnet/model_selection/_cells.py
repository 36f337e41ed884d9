"""The cells of a search, and how they come to be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import replace
from itertools import chain

from skdigitnet.model_selection._candidates import Lineage
from skdigitnet.model_selection._evaluate import Cell, Evaluation, Job
from skdigitnet.model_selection._record import NoRecord, Record
from skdigitnet.model_selection._report import end_message
from skdigitnet.model_selection._results import results_of
from skdigitnet.model_selection._schedule import Run
from skdigitnet.model_selection._tasks import SearchTask


class Cells:
    """All cells of a search, each evaluated when it is first wanted.

    Parameters
    ----------
    search : EpochSearch
    evaluation : Evaluation
    shared : list of Lineage
        Its candidates, by what trainings they share.
    record : Record or NoRecord
    task : SearchTask
    run : callable
        Evaluates jobs, and yields their cells.

    Attributes
    ----------
    candidates : list of dict
    n_splits : int
    lineages : list of Lineage
        Those given as ``shared``.
    every : list of Cell or None
        By candidates, then by splits; None where a cell has not been evaluated.
    """

    def __init__(
        self,
        search,
        evaluation: Evaluation,
        shared: list[Lineage],
        record: Record | NoRecord,
        task: SearchTask,
        run: Run,
    ):
        self._search, self._evaluation = search, evaluation
        self._record, self._task, self._run_jobs = record, task, run
        self.candidates = evaluation.candidates
        self.n_splits = evaluation.folds.data.n_splits
        self.lineages = shared
        self.every: list[Cell | None] = [None] * (len(self.candidates) * self.n_splits)

    def of(self, candidate: int, n_splits: int | None = None) -> list[Cell]:
        """Those of a candidate, on the first splits or on all, which have been evaluated."""
        start = candidate * self.n_splits
        end = start + (self.n_splits if n_splits is None else n_splits)
        return [cell for cell in self.every[start:end] if cell is not None]

    def results(self, members: Sequence[int], n_splits: int | None = None) -> dict:
        """``cv_results_`` of these candidates, on the first splits or on all."""
        n_splits = self.n_splits if n_splits is None else n_splits
        cells = [cell for member in members for cell in self.of(member, n_splits)]
        candidates = [self.candidates[member] for member in members]
        return results_of(self._search, candidates, n_splits, cells)

    def evaluate(self, jobs: list[Job]) -> None:
        """Have the cells of these jobs: from the record, or by evaluating them."""
        n_splits, verbose = self.n_splits, self._search.verbose
        n_cells = sum(len(job.members) for job in jobs)
        if verbose > 0:
            print(
                f"Fitting {n_splits} folds for each of {n_cells // n_splits} candidates,"
                f" totalling {n_cells} fits"
            )
        n_done = 0
        found, jobs = self._found_before(jobs)
        try:
            with closing(self._run(jobs)) as finished:
                for cell in chain(found, finished):
                    n_done += 1
                    number = cell.candidate * n_splits + cell.split
                    self.every[number] = cell
                    if verbose > 1:
                        print(end_message(cell, self.candidates, n_splits, verbose))
                    train, _ = self._evaluation.folds.data.splits[cell.split]
                    self._task.end_cell(number, train)
        except KeyboardInterrupt as interrupt:
            interrupt.add_note(
                f"The search is not fitted: {n_done} of {n_cells} fits had ended."
            )
            raise

    def _found_before(self, jobs: list[Job]) -> tuple[list[Cell], list[Job]]:
        """The cells of these jobs that the record has, and jobs for the others."""
        found: list[Cell] = []
        remaining = []
        for job in jobs:
            cells = {member: self._record.find(member, job.split) for member in job.members}
            for cell in cells.values():
                if cell is not None:
                    found.append(cell if job.is_to_be_kept else replace(cell, kept=None))
            members = tuple(member for member, cell in cells.items() if cell is None)
            if members:
                remaining.append(replace(job, members=members))
        return found, remaining

    def _run(self, jobs: list[Job]) -> Generator[Cell, None, None]:
        """The cells of the jobs as they come."""
        search, evaluation = self._search, self._evaluation
        n_left = Counter[int]()
        for job in jobs:
            n_left[job.split] += len(job.members)
        with closing(self._run_jobs(jobs)) as results:
            for finished in results:
                self._record.add(finished)
                for cell in finished:
                    yield cell
                    n_left[cell.split] -= 1
                    if not n_left[cell.split] and search.factor is None:
                        evaluation.folds.forget(cell.split)
