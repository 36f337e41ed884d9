"""Searches whose candidates share trainings."""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterable
from typing import Any, ClassVar

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
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.validation import _check_method_params, indexable

from skdigitnet.model_selection._candidates import Lineage, lineages
from skdigitnet.model_selection._evaluate import Cell, Evaluation, Job
from skdigitnet.model_selection._folds import Data, Folds
from skdigitnet.model_selection._report import convergence_warning, end_message
from skdigitnet.model_selection._schedule import run_jobs
from skdigitnet.model_selection._scores import Scoring
from skdigitnet.model_selection._tasks import SearchTask

RESPONSES = {"predict", "predict_proba", "predict_log_proba", "decision_function"}


class EpochSearch(BaseSearchCV):
    """What both searches have in common; see :class:`EpochGridSearchCV`."""

    _parameter_constraints: ClassVar[dict] = {
        "return_learning_curves": ["boolean"],
        "return_predictions": ["boolean", StrOptions(RESPONSES)],
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
            If every fit fails, or one of them does with ``error_score="raise"``.
        KeyboardInterrupt
            On Ctrl-C. The search is then as it was before.

        Warns
        -----
        ConvergenceWarning
            One, if any training ends at ``max_iter``.
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
        cells = self._evaluate(evaluation, task)
        results = self._results(evaluation, cells)
        self._choose(cells, results, refit_metric)
        if self.refit:
            self._refit(evaluation.base_estimator, data, task)
        # the only scorer is no dict
        is_several = isinstance(scorers, _MultimetricScorer)
        self.scorer_ = scorers._scorers if is_several else scorers
        self.cv_results_ = results
        task.end()
        message = convergence_warning(cells, evaluation.candidates)
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
        self.n_splits_ = n_splits
        return splits

    def _evaluate(self, evaluation: Evaluation, task: SearchTask) -> list[Cell]:
        """Every cell, by candidates and then by splits."""
        candidates, n_splits = evaluation.candidates, self.n_splits_
        n_cells = len(candidates) * n_splits
        if n_cells == 0:
            raise ValueError(
                "There is nothing to fit: no candidate, or no split. Give both the grid and cv"
                " one at least."
            )
        if self.verbose > 0:
            print(
                f"Fitting {n_splits} folds for each of {len(candidates)} candidates, totalling"
                f" {n_cells} fits"
            )
        task.begin_search(n_cells)
        shared = lineages(evaluation.base_estimator, candidates)
        jobs = [
            Job(split, lineage, lineage.members)
            for split in range(n_splits)
            for lineage in shared
        ]
        cells: list[Any] = [None] * n_cells
        for cell in self._run(evaluation, jobs, shared):
            number = cell.candidate * n_splits + cell.split
            cells[number] = cell
            if self.verbose > 1:
                print(end_message(cell, candidates, n_splits, self.verbose))
            task.end_cell(number)
        task.end_search()
        return cells

    def _run(self, evaluation: Evaluation, jobs: list[Job], shared: list[Lineage]):
        """The cells of the jobs as they come."""
        in_threads = any(lineage.is_ours for lineage in shared)
        n_left = [0] * self.n_splits_
        for job in jobs:
            n_left[job.split] += len(job.members)
        n_done = 0
        results = run_jobs(evaluation.evaluate, jobs, self.n_jobs, in_threads=in_threads)
        try:
            for finished in results:
                for cell in finished:
                    n_done += 1
                    n_left[cell.split] -= 1
                    yield cell
                    if not n_left[cell.split]:
                        evaluation.folds.forget(cell.split)
        except KeyboardInterrupt as interrupt:
            interrupt.add_note(
                f"The search is not fitted: {n_done} of {n_done + sum(n_left)} fits had ended."
            )
            raise
        finally:
            results.close()

    def _results(self, evaluation: Evaluation, cells: list[Cell]) -> dict:
        """What is to be ``cv_results_``, and the other records of the candidates."""
        out = [cell.result for cell in cells]
        _warn_or_raise_about_fit_failures(out, self.error_score)
        if callable(self.scoring):
            _insert_error_scores(out, self.error_score)
        results = self._format_results(evaluation.candidates, self.n_splits_, out)
        shape = len(evaluation.candidates), self.n_splits_
        if self.return_learning_curves:
            self.learning_curves_ = learning_curves(cells, shape)
        if self._response is not None:
            self.predictions_ = [
                [cell.predictions for cell in cells[start : start + self.n_splits_]]
                for start in range(0, len(cells), self.n_splits_)
            ]
            self.test_indices_ = [np.asarray(test) for _, test in evaluation.folds.data.splits]
        return results

    def _choose(self, cells: list[Cell], results: dict, refit_metric: str) -> None:
        # a callable's scores are known only now
        first_scores = cells[0].result["test_scores"]
        self.multimetric_ = isinstance(first_scores, dict)
        if callable(self.scoring) and self.multimetric_:
            self._check_refit_for_multimetric(first_scores)
            refit_metric = self.refit
        if self.refit or not self.multimetric_:
            self.best_index_ = self._select_best_index(self.refit, refit_metric, results)
            if not callable(self.refit):
                self.best_score_ = results[f"mean_test_{refit_metric}"][self.best_index_]
            self.best_params_ = results["params"][self.best_index_]

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


def learning_curves(cells: list[Cell], shape: tuple[int, int]) -> dict[str, np.ndarray]:
    """Curves by the names of their scores, each (candidate, split, epoch), NaN at the end."""
    names = sorted({name for cell in cells for name in cell.curve})
    length = max((len(scores) for cell in cells for scores in cell.curve.values()), default=0)
    curves = {name: np.full((*shape, length), np.nan) for name in names}
    for cell in cells:
        for name, scores in cell.curve.items():
            curves[name][cell.candidate, cell.split, : len(scores)] = scores
    return curves


class EpochGridSearchCV(EpochSearch, GridSearchCV):
    """Grid search that trains once for every number of epochs."""

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
        return_learning_curves=False,
        return_predictions=False,
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
        self.return_learning_curves = return_learning_curves
        self.return_predictions = return_predictions

    def _candidates(self) -> Iterable[dict]:
        return ParameterGrid(self.param_grid)


class EpochRandomizedSearchCV(EpochSearch, RandomizedSearchCV):
    """Randomized search that trains once for every number of epochs."""

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
        return_learning_curves=False,
        return_predictions=False,
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
        self.return_learning_curves = return_learning_curves
        self.return_predictions = return_predictions

    def _candidates(self) -> Iterable[dict]:
        return ParameterSampler(
            self.param_distributions, self.n_iter, random_state=self.random_state
        )
