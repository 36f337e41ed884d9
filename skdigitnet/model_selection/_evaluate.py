"""One training on one split, scored at every ``max_iter`` that is wanted."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from traceback import format_exc
from types import SimpleNamespace
from typing import Any

import numpy as np
from sklearn import get_config
from sklearn.base import clone
from sklearn.model_selection._validation import _fit_and_score

from skdigitnet._problem.arguments import check_parameters, plain_parameters, twin
from skdigitnet._training.callback_bridge import FitTask
from skdigitnet._training.divergence import Usual
from skdigitnet._training.fitting import begin, resume, solver_and_settings, warning_of
from skdigitnet._training.published import fitted_now, fitted_twin
from skdigitnet._training.state import TrainingState
from skdigitnet.model_selection._candidates import (
    Lineage,
    final_step,
)
from skdigitnet.model_selection._folds import Failure, Fold, Folds, ScoredRows
from skdigitnet.model_selection._scores import Scoring


@dataclass(frozen=True)
class Job:
    """A training on one split.

    Attributes
    ----------
    split : int
    lineage : Lineage
    members : tuple of int
        Those of its candidates that are wanted, by rising ``max_iter``.
    kept : Kept or None
        What to go on from.
    is_to_be_kept : bool
        Whether others may want to go on from where it ends.
    """

    split: int
    lineage: Lineage
    members: tuple[int, ...]
    kept: Kept | None = None
    is_to_be_kept: bool = False


@dataclass(frozen=True)
class Kept:
    """A training that has paused, and all that it takes to go on to the same bits.

    Attributes
    ----------
    state : TrainingState
    first_theta : ndarray of shape (n_params,)
        The weights that it began with.
    usual : Usual
    seconds : float
        What it has taken.
    curve : dict of str to list of float
    """

    state: TrainingState
    first_theta: np.ndarray
    usual: Usual
    seconds: float
    curve: dict[str, list[float]]


@dataclass
class Cell:
    """A candidate on a split.

    Attributes
    ----------
    candidate, split : int
    result : dict
        What scikit-learn's ``_fit_and_score`` returns.
    warning : str or None
        Why training has not converged.
    predictions : ndarray or None
        For the test rows.
    curve : dict of str to list of float
        The scores after each epoch or iteration.
    kept : Kept or None
        Where the training has paused, in the last cell of its job.
    """

    candidate: int
    split: int
    result: dict
    warning: str | None = None
    predictions: np.ndarray | None = None
    curve: dict[str, list[float]] = field(default_factory=dict)
    kept: Kept | None = None


@dataclass
class Evaluation:
    """How cells are evaluated: all that does not differ between them.

    Attributes
    ----------
    base_estimator : estimator
    candidates : list of dict
    folds : Folds
    scoring : Scoring
    return_train_score : bool
    has_curves : bool
        Whether to score after every epoch.
    response : str or None
        The method of the estimator whose predictions are kept.
    """

    base_estimator: Any
    candidates: list[dict]
    folds: Folds
    scoring: Scoring
    return_train_score: bool
    has_curves: bool
    response: str | None
    _parameters: dict[int, SimpleNamespace] = field(
        default_factory=dict, init=False, repr=False
    )

    def evaluate(self, job: Job, is_cancelled: Callable[[], bool]) -> list[Cell]:
        """The cells of a job.

        Parameters
        ----------
        job : Job
        is_cancelled : callable
            Whether nobody wants the result any more; asked after every epoch.
        """
        if not job.lineage.is_ours:
            return [self._by_itself(job, candidate) for candidate in job.members]
        if job.lineage.is_one_training:
            return self._one_training(job, job.members, is_cancelled)
        return [
            cell
            for member in job.members
            for cell in self._one_training(job, (member,), is_cancelled)
        ]

    def _by_itself(self, job: Job, candidate: int) -> Cell:
        """A cell as scikit-learn evaluates it."""
        data = self.folds.data
        train, test = data.splits[job.split]
        result = _fit_and_score(
            clone(self.base_estimator),
            data.X,
            data.y,
            scorer=self.scoring.scorer,
            train=train,
            test=test,
            verbose=0,
            parameters=self.candidates[candidate],
            fit_params=data.fit_params,
            score_params=data.score_params,
            return_train_score=self.return_train_score,
            return_n_test_samples=True,
            return_times=True,
            return_estimator=self.response is not None,
            error_score=self.scoring.error_score,
        )
        predictions = None
        estimator = result.pop("estimator", None)
        if self.response is not None and result["fit_error"] is None:
            X_test = self.folds.split(job.split, estimator).test.X
            predictions = getattr(estimator, self.response)(X_test)
        return Cell(candidate, job.split, result, predictions=predictions)

    def _one_training(
        self, job: Job, members: tuple[int, ...], is_cancelled: Callable[[], bool]
    ) -> list[Cell]:
        """The cells of candidates whose trainings are the beginnings of one."""
        lineage = job.lineage
        fold = self.folds.fold(job.split, lineage)
        stop_of = dict(zip(lineage.members, lineage.stops, strict=True))
        stops = {member: stop_of[member] for member in members}
        if isinstance(fold, Failure):
            if self.scoring.error_score == "raise":
                raise fold.error
            n_test_samples = self.folds.split(job.split, lineage.estimator).n_test_samples
            times = {"fit_time": 0.0, "score_time": 0.0}
            facts = {"n_test_samples": n_test_samples, **times}
            return [self.failed(m, job.split, fold.traceback, facts) for m in members]
        longest = (lineage.members if lineage.is_one_training else members)[-1]
        progress = _Progress(self, fold, stops, longest, is_cancelled)
        try:
            progress.train(_own(final_step(lineage.estimator)[1]), job.kept, job.is_to_be_kept)
        except Exception:
            if self.scoring.error_score == "raise" or progress.error is not None:
                raise
            progress.fail(format_exc())
        return progress.cells

    def parameters(self, candidate: int, classifier) -> SimpleNamespace:
        """Those of its classifier, checked as fit does, but for the first split alone."""
        parameters = self._parameters.get(candidate)
        if parameters is None:
            parameters = plain_parameters(classifier)
            if not get_config()["skip_parameter_validation"]:
                check_parameters(classifier, parameters)
            self._parameters[candidate] = parameters
        return parameters

    def failed(self, candidate: int, split: int, traceback: str, facts: dict) -> Cell:
        """A cell whose fit has failed."""
        scores = {"test_scores": self.scoring.of_a_failure()}
        if self.return_train_score:
            scores["train_scores"] = self.scoring.of_a_failure()
        return Cell(candidate, split, {"fit_error": traceback, **scores, **facts})


def _own(classifier):
    """A classifier like this one that draws from a generator of its own."""
    own = twin(classifier)
    if isinstance(own.random_state, np.random.RandomState):
        own.random_state = copy.deepcopy(own.random_state)
    return own


class _Progress(FitTask):
    """A training that is scored on its way, whenever it comes to one of its stops.

    Parameters
    ----------
    evaluation : Evaluation
    fold : Fold
    stops : dict of int to object
        For each candidate its ``max_iter``, rising.
    longest : int
        The candidate whose training has all epochs.
    is_cancelled : callable

    Attributes
    ----------
    cells : list of Cell
        Those that are finished.
    error : Exception or None
        What a scorer has raised, which is no failure of the fit.
    """

    def __init__(
        self,
        evaluation: Evaluation,
        fold: Fold,
        stops: dict[int, Any],
        longest: int,
        is_cancelled: Callable[[], bool],
    ):
        super().__init__(None, None, None, None, published=dict, fitted=self._fitted_with)
        self._evaluation, self._fold = evaluation, fold
        self._waiting, self._longest = list(stops.items()), longest
        self._is_cancelled = is_cancelled
        self.cells: list[Cell] = []
        self.error: Exception | None = None
        self._scores: dict[str, Any] = {}  # the last ones
        self._scored: tuple[int, Any] | None = None  # after how many epochs, of how many
        self._curve: dict[str, list[float]] = {}
        self._began, self._scoring_time = time.time(), 0.0

    def train(self, classifier, kept: Kept | None, is_to_be_kept: bool) -> None:
        """Train up to the last stop.

        Parameters
        ----------
        classifier : BackpropMLPClassifier
            Belongs to this training.
        kept : Kept or None
            What to go on from.
        is_to_be_kept : bool
            Whether the last cell is to have what can be gone on from.
        """
        fold, self._classifier = self._fold, classifier
        candidate, classifier.max_iter = self._waiting[-1]
        parameters = self._evaluation.parameters(candidate, classifier)
        if kept is None:
            training = begin(classifier, parameters, fold.given, fold.noted.initial)
            first_theta = training.state.theta.copy()
        else:
            training, first_theta = resume(parameters, fold.given, kept.state), kept.first_theta
            training.usual, self._curve = kept.usual, kept.curve
            self._began -= kept.seconds
        training.first_weights = training.network.unpack(first_theta)
        self._training = training
        solver, settings = solver_and_settings(parameters, training.network)
        n_epochs = parameters.max_iter
        with training.started(solver, settings, self, n_epochs) as self._run:
            self._run.advance(n_epochs - training.state.n_iter_of_fit)
            with self._noting_errors():
                while self.error is None and self._waiting and not self._is_cancelled():
                    self._finish_next()
            if self.error is not None:
                raise self.error
        if is_to_be_kept and self.cells:
            seconds = time.time() - self._began - self._scoring_time
            self.cells[-1].kept = Kept(
                training.kept_state(), first_theta, training.usual, seconds, self._curve
            )

    def fail(self, traceback: str) -> None:
        """Note that training has failed for all that are still to come."""
        for candidate, _ in self._waiting:
            facts = self._facts(score_time=0.0)
            self.cells.append(
                self._evaluation.failed(candidate, self._fold.split.index, traceback, facts)
            )
        self._waiting = []

    def begin_epoch(self) -> None:
        """Does nothing: epochs are looked at when they have ended."""

    def end_epoch(self) -> bool:
        """Whether to stop: because nobody waits, or a scorer has failed."""
        if self._is_cancelled():
            return True
        state = self._training.state
        with self._noting_errors():
            if self._evaluation.has_curves:
                self._extend_curve()
            # the last one, and all that are left when training has converged, have the
            # solver's own warning, at the end
            if not state.stopped:
                while len(self._waiting) > 1 and self._waiting[0][1] == state.n_iter_of_fit:
                    self._finish_next()
        return self.error is not None

    @contextmanager
    def _noting_errors(self) -> Iterator[None]:
        """Tell errors of scorers from those of training, in the midst of which they score."""
        try:
            yield
        except Exception as error:
            self.error = error

    def _finish_next(self) -> None:
        """A cell for the next candidate, whose training would end here."""
        candidate, stop = self._waiting.pop(0)
        self._classifier.max_iter = stop
        # a dict belongs to one cell, which scikit-learn may change
        scores = {key: copy.copy(score) for key, score in self._score().items()}
        began = time.time()
        cell = Cell(
            candidate,
            self._fold.split.index,
            {"fit_error": None, **scores, **self._facts(scores["score_time"])},
            self._warning(candidate),
            self._predictions(),
            self._curve_so_far(),
        )
        self._scoring_time += time.time() - began
        self.cells.append(cell)

    def _warning(self, candidate: int) -> str | None:
        """Why its training has not converged.

        That it has learned nothing yet is no news of one whose epochs a longer one has too.
        """
        if candidate == self._longest or self._training.state.stopped:
            return warning_of(self._training, self._run)
        return self._run.warning()

    def _facts(self, score_time: float) -> dict:
        return {
            "n_test_samples": self._fold.split.n_test_samples,
            "fit_time": time.time() - self._began - self._scoring_time,
            "score_time": score_time,
        }

    def _score(self) -> dict:
        """The scores as training has come to them."""
        # a scorer may look at the candidate's max_iter
        now = self._training.state.n_iter_of_fit, self._classifier.max_iter
        if now != self._scored:
            began = time.time()
            evaluation, fold = self._evaluation, self._fold
            scores = {"test_scores": self._scores_on(fold.test)}
            test_time = time.time() - began
            if evaluation.return_train_score:
                scores["train_scores"] = self._scores_on(fold.train)
            self._scores = {**scores, "score_time": test_time}
            self._scored = now
            self._scoring_time += time.time() - began
        return self._scores

    def _scores_on(self, rows: ScoredRows) -> Any:
        scoring = self._evaluation.scoring
        return scoring(self._training, self._fold, rows, self._fitted)

    def _fitted(self):
        """The classifier as it would be if training ended here."""
        return fitted_now(self._classifier, self._training)

    def _fitted_with(self, theta: np.ndarray):
        return fitted_twin(self._classifier, self._training, theta)

    def _predictions(self) -> np.ndarray | None:
        response, fold = self._evaluation.response, self._fold
        if response is None:
            return None
        whole = fold.whole(self._fitted())
        return getattr(whole, response)(fold.test.raw.X)

    def _extend_curve(self) -> None:
        scores = self._score()
        for key in ("test", "train"):
            by_name = scores.get(f"{key}_scores", {})
            if not isinstance(by_name, dict):
                by_name = {"score": by_name}
            for name, score in by_name.items():
                self._curve.setdefault(f"{key}_{name}", []).append(score)

    def _curve_so_far(self) -> dict[str, list[float]]:
        return {name: list(scores) for name, scores in self._curve.items()}
