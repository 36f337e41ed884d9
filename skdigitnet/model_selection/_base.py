"""What a call to fit of a search does, whichever its candidates are."""

from __future__ import annotations

import os
import time
import warnings
from abc import abstractmethod
from collections.abc import Iterable
from contextlib import closing
from numbers import Real
from typing import ClassVar

from sklearn.base import _fit_context, clone, is_classifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics._scorer import _MultimetricScorer
from sklearn.model_selection import check_cv
from sklearn.model_selection._search import BaseSearchCV
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import _check_method_params, indexable

from skdigitnet.model_selection._candidates import lineages
from skdigitnet.model_selection._cells import Cells
from skdigitnet.model_selection._evaluate import Cell, Evaluation, Job
from skdigitnet.model_selection._folds import Data, Folds
from skdigitnet.model_selection._halving import halve
from skdigitnet.model_selection._identity import study_key
from skdigitnet.model_selection._racing import race
from skdigitnet.model_selection._record import NoRecord, Record
from skdigitnet.model_selection._report import collected, convergence_warning
from skdigitnet.model_selection._results import learning_curves, predictions
from skdigitnet.model_selection._schedule import scheduled
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

    @abstractmethod
    def _candidates(self) -> Iterable[dict]:
        """The parameters of every candidate, in order."""

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
        RuntimeError
            On a Dask cluster, if its scheduler is lost, it has no workers, or a fit loses them
            again and again. The journal keeps what has ended.
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
        if self.race and self.factor is not None:
            raise ValueError(
                f"race=True and factor={self.factor!r} both eliminate candidates; set one of"
                " them."
            )
        if not (shared and splits):
            raise ValueError("No fits: the grid is empty. Give it a candidate at least.")
        with (
            closing(self._record(evaluation, params)) as record,
            scheduled(evaluation, self.n_jobs, self.pre_dispatch) as run,
        ):
            cells = Cells(self, evaluation, shared, record, task, run)
            task.begin_search(len(cells.every))
            results, last = self._search(cells)
        task.end_search()
        reached = [cell for cell in cells.every if cell is not None]
        # nothing has been set until here, where no more than the refit can be interrupted
        self.n_splits_ = data.n_splits
        self._choose(reached[0], results, refit_metric, last)
        self._publish_beside(cells.every, data)
        self.cv_results_ = results
        # the only scorer is no dict
        is_several = isinstance(scorers, _MultimetricScorer)
        self.scorer_ = scorers._scorers if is_several else scorers
        refit_warnings: list[str] = []
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

    def _search(self, cells: Cells) -> tuple[dict, list[int] | None]:
        """The results, and the last candidates where others were eliminated."""
        if self.race:
            return race(self, cells)
        if self.factor is not None:
            return halve(self, cells)
        cells.evaluate(
            [
                Job(split, lineage, lineage.members)
                for split in range(cells.n_splits)
                for lineage in cells.lineages
            ]
        )
        return cells.results(range(len(cells.candidates))), None

    def _publish_beside(self, cells: list[Cell | None], data: Data) -> None:
        """Publish what was asked for beside the scores."""
        if self.return_learning_curves:
            self.learning_curves_ = learning_curves(cells, data.n_splits)
        if self._response is not None:
            self.predictions_ = predictions(cells, data.n_splits)
            self.test_indices_ = [test for _, test in data.splits]

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
