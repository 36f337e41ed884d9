"""Searches whose candidates share trainings."""

from __future__ import annotations

import os
import time
import warnings
from collections import Counter
from collections.abc import Generator, Iterable, Sequence
from contextlib import closing
from dataclasses import replace
from itertools import chain
from numbers import Real
from typing import ClassVar

import numpy as np
from sklearn.base import _fit_context, clone, is_classifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics._scorer import _MultimetricScorer
from sklearn.model_selection import (
    GridSearchCV,
    ParameterGrid,
    ParameterSampler,
    RandomizedSearchCV,
    check_cv,
)
from sklearn.model_selection._search import BaseSearchCV
from sklearn.model_selection._validation import (
    _insert_error_scores,
    _warn_or_raise_about_fit_failures,
)
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import _check_method_params, indexable

from skdigitnet.model_selection._candidates import EPOCHS, Lineage, final_step, lineages
from skdigitnet.model_selection._evaluate import Cell, Evaluation, Job, Kept
from skdigitnet.model_selection._folds import Data, Folds
from skdigitnet.model_selection._halving import (
    RUNG,
    members_at,
    merged_results,
    rungs_of,
    survivors,
)
from skdigitnet.model_selection._identity import study_key
from skdigitnet.model_selection._racing import N_SPLITS, keeps_up, rounds
from skdigitnet.model_selection._record import NoRecord, Record
from skdigitnet.model_selection._report import collected, convergence_warning, end_message
from skdigitnet.model_selection._schedule import run_jobs
from skdigitnet.model_selection._scores import Scoring
from skdigitnet.model_selection._tasks import SearchTask

RESPONSES = {"predict", "predict_proba", "predict_log_proba", "decision_function"}


class EpochSearch(BaseSearchCV):
    """What both searches have in common; see :class:`EpochGridSearchCV`."""

    _parameter_constraints: ClassVar[dict] = {
        "factor": [Interval(Real, 1, None, closed="neither"), None],
        "race": ["boolean"],
        "return_learning_curves": ["boolean"],
        "return_predictions": ["boolean", StrOptions(RESPONSES)],
        "journal": [str, os.PathLike, None],
    }

    def _candidates(self) -> Iterable[dict]:
        """The parameters of every candidate, in order."""
        raise NotImplementedError

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y=None, **params):
        """Evaluate every candidate, and fit the best to all rows.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_outputs), default=None
        **params : dict
            Passed to the estimator's fit, the scorers and the splitter, as by
            :meth:`sklearn.model_selection.GridSearchCV.fit`. Arrays of n_samples are split
            with the rows; ``groups`` goes to the splitter.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError
            If every fit fails, or one of them does with ``error_score="raise"``; if ``journal``
            is the file of another study, or something cannot be identified for it.
        KeyboardInterrupt
            On Ctrl-C. The search is then as it was before; the journal keeps what has ended.

        Warns
        -----
        ConvergenceWarning
            One, if any training has not converged, that on all rows included.
        FitFailedWarning
            If some of the fits fail.
        """
        scorers, refit_metric = self._get_scorers()
        X, y = indexable(X, y)
        params = _check_method_params(X, params=params)
        routed = self._get_routed_params_for_fit(params)
        weight = params.get("sample_weight")
        task = SearchTask(self, X, y, None if weight is None else {"sample_weight": weight})
        splits = self._splits(X, y, routed.splitter.split)
        data = Data(X, y, splits, routed.estimator.fit, routed.scorer.score)
        evaluation = Evaluation(
            clone(self.estimator),
            list(self._candidates()),
            Folds(data),
            Scoring(scorers, self.error_score),
            self.return_train_score,
            self.return_learning_curves,
            self._response,
        )
        shared = lineages(evaluation.base_estimator, evaluation.candidates)
        cells: list[Cell | None] = [None] * (len(evaluation.candidates) * data.n_splits)
        if self.race and self.factor is not None:
            raise ValueError(
                f"race=True and factor={self.factor!r} both eliminate candidates; set one of"
                " them."
            )
        if not cells:
            raise ValueError("No fits: the grid is empty. Give it a candidate at least.")
        with closing(self._record(evaluation, params)) as record:
            if self.race:
                results, last = self._race(evaluation, shared, cells, task, record)
            elif self.factor is None:
                task.begin_search(len(cells))
                jobs = _jobs(shared, data.n_splits)
                self._evaluate(evaluation, jobs, cells, task, record)
                results = self._results(evaluation, range(len(evaluation.candidates)), cells)
                last = None
            else:
                results, last = self._halve(evaluation, shared, cells, task, record)
        task.end_search()
        reached = [cell for cell in cells if cell is not None]
        # nothing has been set until here, where no more than the refit can be interrupted
        self.n_splits_ = data.n_splits
        self._choose(reached[0], results, refit_metric, last)
        self._publish_beside(evaluation, cells)
        self.cv_results_ = results
        # the only scorer is no dict
        is_several = isinstance(scorers, _MultimetricScorer)
        self.scorer_ = scorers._scorers if is_several else scorers
        refit_warnings = []
        if self.refit:
            with collected(ConvergenceWarning) as refit_warnings:
                self._refit(evaluation.base_estimator, data, task)
        task.end()
        message = convergence_warning(reached, evaluation.candidates, refit_warnings)
        if message is not None:
            warnings.warn(message, ConvergenceWarning, stacklevel=3)
        return self

    @property
    def _response(self) -> str | None:
        if isinstance(self.return_predictions, str):
            return self.return_predictions
        return "predict" if self.return_predictions else None

    def _splits(self, X, y, split_params: dict) -> list:
        cv = check_cv(self.cv, y, classifier=is_classifier(self.estimator))
        n_splits = cv.get_n_splits(X, y, **split_params)
        splits = list(cv.split(X, y, **split_params))
        if len(splits) != n_splits:
            raise ValueError(
                f"cv.split gives {len(splits)} splits and cv.get_n_splits {n_splits}; they must"
                " be consistent."
            )
        return splits

    def _record(self, evaluation: Evaluation, params: dict) -> Record | NoRecord:
        """The journal, if there is one; ``params`` is what fit was given beside X and y."""
        if self.journal is None:
            return NoRecord()
        data, scorer = evaluation.folds.data, evaluation.scoring.scorer
        study = study_key(
            data.X,
            data.y,
            params,
            data.splits,
            scorer._scorers if isinstance(scorer, _MultimetricScorer) else scorer,
            evaluation.base_estimator,
            {
                name: getattr(self, name)
                for name in (
                    "return_train_score",
                    "return_learning_curves",
                    "return_predictions",
                    "error_score",
                )
            },
        )
        return Record(self.journal, study, evaluation)

    def _evaluate(
        self,
        evaluation: Evaluation,
        jobs: list[Job],
        cells: list[Cell | None],
        task: SearchTask,
        record: Record | NoRecord,
    ) -> None:
        """Put the cells of the jobs where they belong: by candidates, then by splits."""
        candidates, n_splits = evaluation.candidates, evaluation.folds.data.n_splits
        n_cells = sum(len(job.members) for job in jobs)
        if self.verbose > 0:
            n_candidates = n_cells // n_splits
            print(
                f"Fitting {n_splits} folds for each of {n_candidates} candidates, totalling"
                f" {n_cells} fits"
            )
        n_done = 0
        found, jobs = _found_before(jobs, record)
        try:
            with closing(self._run(evaluation, jobs, record)) as finished:
                for cell in chain(found, finished):
                    n_done += 1
                    number = cell.candidate * n_splits + cell.split
                    cells[number] = cell
                    if self.verbose > 1:
                        print(end_message(cell, candidates, n_splits, self.verbose))
                    task.end_cell(number, evaluation.folds.data.splits[cell.split][0])
        except KeyboardInterrupt as interrupt:
            interrupt.add_note(
                f"The search is not fitted: {n_done} of {n_cells} fits had ended."
            )
            raise

    def _run(
        self, evaluation: Evaluation, jobs: list[Job], record: Record | NoRecord
    ) -> Generator[Cell, None, None]:
        """The cells of the jobs as they come."""
        in_threads = any(job.lineage.is_ours for job in jobs)
        n_left = Counter[int]()
        for job in jobs:
            n_left[job.split] += len(job.members)
        results = run_jobs(
            evaluation.evaluate,
            jobs,
            self.n_jobs,
            in_threads=in_threads,
            pre_dispatch=self.pre_dispatch,
        )
        with closing(results):
            for finished in results:
                record.add(finished)
                for cell in finished:
                    yield cell
                    n_left[cell.split] -= 1
                    if not n_left[cell.split] and self.factor is None:
                        evaluation.folds.forget(cell.split)

    def _halve(
        self,
        evaluation: Evaluation,
        shared: list[Lineage],
        cells: list[Cell | None],
        task: SearchTask,
        record: Record | NoRecord,
    ) -> tuple[dict, list[int]]:
        """Train the best on, from rung to rung; the results, and the last candidates."""
        stops, n_splits = rungs_of(shared, self.factor), evaluation.folds.data.n_splits
        task.begin_search(len(cells))
        rungs: list[tuple[list[int], dict]] = []
        kept: dict[tuple[int, int], Kept] = {}
        for stop in stops:
            is_last = stop == stops[-1]
            members = [candidate for one in shared for candidate in members_at(one, stop)]
            jobs = _jobs(shared, n_splits, stop, kept, is_last=is_last)
            self._evaluate(evaluation, jobs, cells, task, record)
            results = self._results(evaluation, sorted(members), cells)
            rungs.append((sorted(members), results))
            if is_last:
                break
            mean = results[f"mean_test_{self._deciding_metric(results)}"]
            scores = dict(zip(sorted(members), mean.tolist(), strict=True))
            shared = survivors(shared, scores, self.factor)
            kept = _take_kept(shared, stop, cells, n_splits)
        numbers = range(len(rungs))
        return merged_results(evaluation.candidates, rungs, RUNG, numbers), rungs[-1][0]

    def _race(
        self,
        evaluation: Evaluation,
        shared: list[Lineage],
        cells: list[Cell | None],
        task: SearchTask,
        record: Record | NoRecord,
    ) -> tuple[dict, list[int]]:
        """Evaluate split by split those that keep up; the results, and the last candidates."""
        n_splits = evaluation.folds.data.n_splits
        task.begin_search(len(cells))
        racing = list(range(len(evaluation.candidates)))
        ended: list[tuple[int, list[int]]] = []  # after how many splits, and who
        for splits in rounds(n_splits):
            jobs = [
                Job(split, lineage, members)
                for split in splits
                for lineage in shared
                if (members := tuple(m for m in lineage.members if m in racing))
            ]
            self._evaluate(evaluation, jobs, cells, task, record)
            n_done = splits[-1] + 1
            rows = [cells[member * n_splits : member * n_splits + n_done] for member in racing]
            stays = keeps_up(np.array([list(map(self._deciding_score, row)) for row in rows]))
            stays &= n_done < n_splits
            ended.append(
                (n_done, [m for m, stay in zip(racing, stays, strict=True) if not stay])
            )
            racing = [m for m, stay in zip(racing, stays, strict=True) if stay]
        ended = [(n_done, members) for n_done, members in ended if members]
        groups = [
            (members, self._results(evaluation, members, cells, n_done))
            for n_done, members in ended
        ]
        numbers = [n_done for n_done, _ in ended]
        results = merged_results(evaluation.candidates, groups, N_SPLITS, numbers)
        return results, groups[-1][0]

    def _deciding_score(self, cell: Cell | None) -> float:
        """The test score that eliminates candidates; NaN where the fit has failed."""
        assert cell is not None
        scores = cell.result["test_scores"]
        if cell.result["fit_error"] is not None:
            return np.nan
        if not isinstance(scores, dict):
            return scores
        if isinstance(self.refit, str) and self.refit in scores:
            return scores[self.refit]
        raise ValueError(
            f"race=True needs one metric to eliminate candidates by, and there are"
            f" {list(scores)}. Set refit to the name of one; it was {self.refit!r}."
        )

    def _deciding_metric(self, results: dict) -> str:
        if "mean_test_score" in results:
            return "score"
        if isinstance(self.refit, str) and f"mean_test_{self.refit}" in results:
            return self.refit
        names = [key[len("mean_test_") :] for key in results if key.startswith("mean_test_")]
        raise ValueError(
            f"factor={self.factor!r} needs one metric to eliminate candidates by, and there"
            f" are {names}. Set refit to the name of one; it was {self.refit!r}."
        )

    def _results(
        self,
        evaluation: Evaluation,
        members: Sequence[int],
        cells: list[Cell | None],
        n_splits: int | None = None,
    ) -> dict:
        """``cv_results_`` of these candidates, on the first splits or on all."""
        n_all = evaluation.folds.data.n_splits
        n_splits = n_all if n_splits is None else n_splits
        out = [
            cell.result
            for candidate in members
            for cell in cells[candidate * n_all : candidate * n_all + n_splits]
            if cell is not None
        ]
        _warn_or_raise_about_fit_failures(out, self.error_score)
        if callable(self.scoring):
            _insert_error_scores(out, self.error_score)
        candidates = [evaluation.candidates[candidate] for candidate in members]
        return self._format_results(candidates, n_splits, out)

    def _publish_beside(self, evaluation: Evaluation, cells: list[Cell | None]) -> None:
        """Publish what was asked for beside the scores."""
        n_splits = evaluation.folds.data.n_splits
        if self.return_learning_curves:
            self.learning_curves_ = learning_curves(cells, n_splits)
        if self._response is not None:
            predictions = [None if cell is None else cell.predictions for cell in cells]
            self.predictions_ = [
                predictions[start : start + n_splits]
                for start in range(0, len(cells), n_splits)
            ]
            self.test_indices_ = [test for _, test in evaluation.folds.data.splits]

    def _choose(
        self, first: Cell, results: dict, refit_metric: str, last: list[int] | None
    ) -> None:
        """Note the best candidate, of the last ones where others were eliminated."""
        first_scores = first.result["test_scores"]
        self.multimetric_ = isinstance(first_scores, dict)
        # what a callable gives is known only now
        if callable(self.scoring) and self.multimetric_:
            self._check_refit_for_multimetric(first_scores)
            refit_metric = self.refit
        if self.refit or not self.multimetric_:
            if last is None or callable(self.refit):
                best = self._select_best_index(self.refit, refit_metric, results)
            else:
                best = last[results[f"rank_test_{refit_metric}"][last].argmin()]
            self.best_index_ = best
            if not callable(self.refit):
                self.best_score_ = results[f"mean_test_{refit_metric}"][best]
            self.best_params_ = results["params"][best]

    def _refit(self, base_estimator, data: Data, task: SearchTask) -> None:
        # the parameters are cloned because they may be estimators
        best = clone(base_estimator).set_params(**clone(self.best_params_, safe=False))
        self.best_estimator_ = best
        with task.refit(best):
            began = time.time()
            if data.y is None:
                best.fit(data.X, **data.fit_params)
            else:
                best.fit(data.X, data.y, **data.fit_params)
            self.refit_time_ = time.time() - began
        if hasattr(best, "feature_names_in_"):
            self.feature_names_in_ = best.feature_names_in_


def _jobs(
    shared: list[Lineage],
    n_splits: int,
    stop: int | None = None,
    kept: dict[tuple[int, int], Kept] | None = None,
    *,
    is_last: bool = True,
) -> list[Job]:
    """A job for each split and lineage, up to its end or to one of its stops."""
    jobs = []
    for split in range(n_splits):
        for lineage in shared:
            members = lineage.members if stop is None else members_at(lineage, stop)
            before = (kept or {}).get((lineage.members[0], split))
            is_to_be_kept = not is_last and lineage.can_pause
            jobs.append(Job(split, lineage, members, before, is_to_be_kept))
    return jobs


def _found_before(jobs: list[Job], record: Record | NoRecord) -> tuple[list[Cell], list[Job]]:
    """The cells of these jobs that the record has, and jobs for the others."""
    found: list[Cell] = []
    remaining = []
    for job in jobs:
        cells = {member: record.find(member, job.split) for member in job.members}
        found.extend(cell for cell in cells.values() if cell is not None)
        members = tuple(member for member, cell in cells.items() if cell is None)
        if members:
            remaining.append(replace(job, members=members))
    return found, remaining


def _take_kept(
    shared: list[Lineage], stop: int, cells: list[Cell | None], n_splits: int
) -> dict[tuple[int, int], Kept]:
    """Where the trainings of these lineages have paused; the others' are forgotten."""
    kept = {}
    for lineage in shared:
        for split in range(n_splits):
            for member in members_at(lineage, stop):
                cell = cells[member * n_splits + split]
                if cell is not None and cell.kept is not None:
                    kept[lineage.members[0], split] = cell.kept
    for cell in cells:
        if cell is not None:
            cell.kept = None
    return kept


def learning_curves(cells: list[Cell | None], n_splits: int) -> dict[str, np.ndarray]:
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


class EpochGridSearchCV(EpochSearch, GridSearchCV):
    """Grid search that trains once for every number of epochs.

    Gives the results of :class:`~sklearn.model_selection.GridSearchCV`, to the bit, sooner:
    candidates that differ only in ``max_iter`` are stages of one training, which is scored as
    it comes to each; rows are sliced, transformed and checked once for all candidates; and
    fits share the memory of one process. For :class:`skdigitnet.BackpropMLPClassifier` and a
    Pipeline that ends in one. Any other estimator is fitted for each candidate and split, as
    by scikit-learn.

    Parameters
    ----------
    estimator : estimator
    param_grid : dict or list of dict
        As for GridSearchCV.
    scoring : str, callable, list, tuple, dict or None, default=None
        As for :class:`~sklearn.model_selection.GridSearchCV`.
    n_jobs : int or None, default=None
        Fits at the same time, in threads of this process, one thread each. With
        :class:`joblib.parallel_config` they run where it says, in other processes say.
        Estimators that are not ours run in processes, as in scikit-learn.
    refit : bool, str or callable, default=True
        As for GridSearchCV. With ``factor`` and several metrics, the name of the one by which
        candidates are eliminated.
    cv : int, splitter, iterable or None, default=None
        As for GridSearchCV.
    verbose : int, default=0
        As for GridSearchCV, but that a line is printed when a fit ends, not when it begins.
    pre_dispatch : int or str, default="2*n_jobs"
        As for GridSearchCV, where other processes fit.
    error_score : "raise" or float, default=np.nan
        As for GridSearchCV.
    return_train_score : bool, default=False
        Whether ``cv_results_`` has the scores on the training rows too.
    factor : float or None, default=None
        Successive halving [1]_: all candidates are trained to the smallest ``max_iter`` in the
        grid; one in ``factor`` of them, those with the best mean test score, are trained on to
        the next; and so on. None trains all of them to the end.
    race : bool, default=False
        Whether a candidate that falls behind on some splits is not trained on the others: from
        the second split on, one whose mean score is below the worst score of the leader [2]_.
        Not with ``factor``.
    return_learning_curves : bool, default=False
        Whether to score after every epoch, for ``learning_curves_``.
    return_predictions : bool or str, default=False
        Whether to keep the predictions for the test rows of each split; a str is the method
        to predict with, such as "predict_proba".
    journal : str, path-like or None, default=None
        A file that keeps every fit's scores as soon as they are known. The same search with
        the same data reads them from there instead of training again, whatever ``n_jobs``
        and however the last process ended; more candidates may be added. Everything that
        scores depend on must be known to a later process: ``random_state`` an integer and
        scorers that can be imported. See :func:`read_journal`.

    Attributes
    ----------
    cv_results_ : dict of str to ndarray
        As GridSearchCV's, to the bit but for times. With ``factor``, arrays are masked where a
        candidate was eliminated before, ranks are among the candidates of the same rung, and
        ``rung`` has its number, from 0. With ``race``, those of splits that a candidate was not
        trained on, its means are over the others, ranks are among the candidates with as many
        splits, and ``n_splits`` has their number.
    best_index_ : int
        The candidate with the best mean test score; with ``factor``, of the last rung, with
        ``race``, of those on all splits.
    best_params_ : dict
        Its parameters.
    best_score_ : float
        Its mean test score. Not there if ``refit`` is a function.
    best_estimator_ : estimator
        Fitted with them to all rows, and so ``classes_`` and ``n_features_in_`` are there too.
        Not with ``refit=False``.
    learning_curves_ : dict of str to ndarray of shape (n_candidates, n_splits, n_epochs)
        By "test_score", or the names of several metrics, and "train_score" with
        ``return_train_score``: the score that a fit would have that ends with this epoch or
        iteration. NaN after the end of training.
    predictions_ : list of list of ndarray
        By candidate and split, for the rows of ``test_indices_``; None where a fit has failed
        or was not made.
    test_indices_ : list of ndarray
        The test rows of each split.
    scorer_ : callable or dict of callables
    n_splits_ : int
    refit_time_ : float
        Seconds that the last fit took, to all rows.
    multimetric_ : bool
        Whether there are several metrics.
    feature_names_in_ : ndarray of shape (n_features,)

    See Also
    --------
    EpochRandomizedSearchCV : Candidates drawn at random.
    sklearn.model_selection.GridSearchCV : The same results.
    skdigitnet.plotting.SearchDisplay : Draws them.

    Notes
    -----
    A training is shared where its epochs provably do not depend on ``max_iter``. They do with
    the schedules of ``learning_rate`` that stretch over ``max_iter``, or a callable, and may
    with ``early_stopping`` by a function of the user's: those candidates have a training
    each. So they do if ``verbose``, ``warm_start`` or callbacks are set, when scikit-learn
    does all of the work. With ``random_state=None`` candidates that share a training share
    its random draws. Transformers of a Pipeline are fitted once for each split and their
    parameters.

    scikit-learn's callbacks are told of each fit when it has ended; those of epochs are not
    passed on to the fits.

    References
    ----------
    .. [1] K. Jamieson and A. Talwalkar, "Non-stochastic best arm identification and
       hyperparameter optimization", AISTATS 2016.
    .. [2] E. Bergman, L. Purucker and F. Hutter, "Don't waste your time: early stopping
       cross-validation", AutoML 2024.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_digits
    >>> from skdigitnet import BackpropMLPClassifier
    >>> from skdigitnet.model_selection import EpochGridSearchCV
    >>> X, y = load_digits(return_X_y=True)
    >>> clf = BackpropMLPClassifier((8,), n_iter_no_change=np.inf, random_state=0)
    >>> grid = {"alpha": [0.1, 1.0], "max_iter": [10, 20, 40, 80]}
    >>> search = EpochGridSearchCV(clf, grid).fit(X / 16, y)  # ten fits, of 80 epochs
    >>> search.best_params_
    {'alpha': 1.0, 'max_iter': 80}
    >>> search.cv_results_["mean_test_score"].shape
    (8,)
    """

    _parameter_constraints: ClassVar[dict] = {
        **GridSearchCV._parameter_constraints,
        **EpochSearch._parameter_constraints,
    }

    def __init__(
        self,
        estimator,
        param_grid,
        *,
        scoring=None,
        n_jobs=None,
        refit=True,
        cv=None,
        verbose=0,
        pre_dispatch="2*n_jobs",
        error_score=np.nan,
        return_train_score=False,
        factor=None,
        race=False,
        return_learning_curves=False,
        return_predictions=False,
        journal=None,
    ):
        super().__init__(
            estimator,
            param_grid,
            scoring=scoring,
            n_jobs=n_jobs,
            refit=refit,
            cv=cv,
            verbose=verbose,
            pre_dispatch=pre_dispatch,
            error_score=error_score,
            return_train_score=return_train_score,
        )
        self.factor = factor
        self.race = race
        self.return_learning_curves = return_learning_curves
        self.return_predictions = return_predictions
        self.journal = journal

    def _candidates(self) -> Iterable[dict]:
        return ParameterGrid(self.param_grid)


class EpochRandomizedSearchCV(EpochSearch, RandomizedSearchCV):
    """Randomized search that trains once for every number of epochs.

    Gives the results of :class:`~sklearn.model_selection.RandomizedSearchCV`, to the bit,
    sooner; see :class:`EpochGridSearchCV`.

    Parameters
    ----------
    estimator : estimator
    param_distributions : dict or list of dict
        As for RandomizedSearchCV.
    n_iter : int, default=10
        How many candidates are drawn.
    scoring : str, callable, list, tuple, dict or None, default=None
        As for :class:`~sklearn.model_selection.GridSearchCV`.
    n_jobs : int or None, default=None
        Fits at the same time, in threads of this process, one thread each. With
        :class:`joblib.parallel_config` they run where it says, in other processes say.
        Estimators that are not ours run in processes, as in scikit-learn.
    refit : bool, str or callable, default=True
        As for GridSearchCV. With ``factor`` and several metrics, the name of the one by which
        candidates are eliminated.
    cv : int, splitter, iterable or None, default=None
        As for GridSearchCV.
    verbose : int, default=0
        As for GridSearchCV, but that a line is printed when a fit ends, not when it begins.
    pre_dispatch : int or str, default="2*n_jobs"
        As for GridSearchCV, where other processes fit.
    random_state : int, RandomState instance or None, default=None
        Draws the candidates.
    error_score : "raise" or float, default=np.nan
        As for GridSearchCV.
    return_train_score : bool, default=False
        Whether ``cv_results_`` has the scores on the training rows too.
    factor : float or None, default=None
        Successive halving [1]_: all candidates are trained to the smallest ``max_iter`` in the
        grid; one in ``factor`` of them, those with the best mean test score, are trained on to
        the next; and so on. None trains all of them to the end.
        ``n_iter`` candidates are then drawn of all parameters but ``max_iter``, of which
        ``param_distributions`` has to list the values.
    race : bool, default=False
        Whether a candidate that falls behind on some splits is not trained on the others: from
        the second split on, one whose mean score is below the worst score of the leader [2]_.
        Not with ``factor``.
    return_learning_curves : bool, default=False
        Whether to score after every epoch, for ``learning_curves_``.
    return_predictions : bool or str, default=False
        Whether to keep the predictions for the test rows of each split; a str is the method
        to predict with, such as "predict_proba".
    journal : str, path-like or None, default=None
        A file that keeps every fit's scores as soon as they are known. The same search with
        the same data reads them from there instead of training again, whatever ``n_jobs``
        and however the last process ended; more candidates may be added. Everything that
        scores depend on must be known to a later process: ``random_state`` an integer and
        scorers that can be imported. See :func:`read_journal`.

    Attributes
    ----------
    cv_results_ : dict of str to ndarray
        As GridSearchCV's, to the bit but for times. With ``factor``, arrays are masked where a
        candidate was eliminated before, ranks are among the candidates of the same rung, and
        ``rung`` has its number, from 0. With ``race``, those of splits that a candidate was not
        trained on, its means are over the others, ranks are among the candidates with as many
        splits, and ``n_splits`` has their number.
    best_index_ : int
        The candidate with the best mean test score; with ``factor``, of the last rung, with
        ``race``, of those on all splits.
    best_params_ : dict
        Its parameters.
    best_score_ : float
        Its mean test score. Not there if ``refit`` is a function.
    best_estimator_ : estimator
        Fitted with them to all rows, and so ``classes_`` and ``n_features_in_`` are there too.
        Not with ``refit=False``.
    learning_curves_ : dict of str to ndarray of shape (n_candidates, n_splits, n_epochs)
        By "test_score", or the names of several metrics, and "train_score" with
        ``return_train_score``: the score that a fit would have that ends with this epoch or
        iteration. NaN after the end of training.
    predictions_ : list of list of ndarray
        By candidate and split, for the rows of ``test_indices_``; None where a fit has failed
        or was not made.
    test_indices_ : list of ndarray
        The test rows of each split.
    scorer_ : callable or dict of callables
    n_splits_ : int
    refit_time_ : float
        Seconds that the last fit took, to all rows.
    multimetric_ : bool
        Whether there are several metrics.
    feature_names_in_ : ndarray of shape (n_features,)

    See Also
    --------
    EpochGridSearchCV : All combinations of the values.
    sklearn.model_selection.RandomizedSearchCV : The same results.

    References
    ----------
    .. [1] K. Jamieson and A. Talwalkar, "Non-stochastic best arm identification and
       hyperparameter optimization", AISTATS 2016.
    .. [2] E. Bergman, L. Purucker and F. Hutter, "Don't waste your time: early stopping
       cross-validation", AutoML 2024.

    Examples
    --------
    >>> import numpy as np
    >>> from scipy.stats import loguniform
    >>> from sklearn.datasets import load_digits
    >>> from skdigitnet import BackpropMLPClassifier
    >>> from skdigitnet.model_selection import EpochRandomizedSearchCV
    >>> X, y = load_digits(return_X_y=True)
    >>> clf = BackpropMLPClassifier((8,), n_iter_no_change=np.inf, random_state=0)
    >>> space = {"alpha": loguniform(1e-3, 10), "max_iter": [10, 20, 40]}
    >>> search = EpochRandomizedSearchCV(clf, space, n_iter=9, factor=3, random_state=0)
    >>> np.bincount(search.fit(X / 16, y).cv_results_["rung"].compressed())
    array([9, 3, 1])
    """

    _parameter_constraints: ClassVar[dict] = {
        **RandomizedSearchCV._parameter_constraints,
        **EpochSearch._parameter_constraints,
    }

    def __init__(
        self,
        estimator,
        param_distributions,
        *,
        n_iter=10,
        scoring=None,
        n_jobs=None,
        refit=True,
        cv=None,
        verbose=0,
        pre_dispatch="2*n_jobs",
        random_state=None,
        error_score=np.nan,
        return_train_score=False,
        factor=None,
        race=False,
        return_learning_curves=False,
        return_predictions=False,
        journal=None,
    ):
        super().__init__(
            estimator,
            param_distributions,
            n_iter=n_iter,
            scoring=scoring,
            n_jobs=n_jobs,
            refit=refit,
            cv=cv,
            verbose=verbose,
            pre_dispatch=pre_dispatch,
            random_state=random_state,
            error_score=error_score,
            return_train_score=return_train_score,
        )
        self.factor = factor
        self.race = race
        self.return_learning_curves = return_learning_curves
        self.return_predictions = return_predictions
        self.journal = journal

    def _candidates(self) -> Iterable[dict]:
        if self.factor is None:
            return ParameterSampler(
                self.param_distributions, self.n_iter, random_state=self.random_state
            )
        prefix, _ = final_step(self.estimator)
        name, others = prefix + EPOCHS, self.param_distributions
        stops = others.get(name) if isinstance(others, dict) else None
        if not isinstance(stops, list | tuple | range | np.ndarray):
            raise ValueError(
                f"factor={self.factor!r} needs the values of {name}: param_distributions must"
                f" be a dict with a list of them; it was {others!r:.100}."
            )
        others = {key: values for key, values in others.items() if key != name}
        drawn = ParameterSampler(others, self.n_iter, random_state=self.random_state)
        return [{**params, name: stop} for params in drawn for stop in stops]
