"""The rows of a split: sliced, transformed, checked and encoded once for all candidates."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from traceback import format_exc
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.pipeline import Pipeline
from sklearn.utils.metaestimators import _safe_split
from sklearn.utils.validation import _check_method_params, _num_samples

from skdigitnet._classifier import BackpropMLPClassifier
from skdigitnet._problem.arguments import FLOATS, check_features, twin
from skdigitnet._problem.labels import as_labels
from skdigitnet._training.fitting import Given, check_given
from skdigitnet.model_selection._candidates import Lineage, final_step


@dataclass(frozen=True)
class Data:
    """What a search is given, routed to where it goes.

    Attributes
    ----------
    X, y : as passed to fit
    splits : list of pairs of ndarray
        The rows to train on and to score, of each split.
    fit_params, score_params : dict
        For the estimator's fit and for the scorers.
    """

    X: Any
    y: Any
    splits: list
    fit_params: dict
    score_params: dict

    @property
    def n_splits(self) -> int:
        return len(self.splits)


@dataclass
class Part:
    """Training or test rows, and what scorers are given with them."""

    X: Any
    y: Any
    params: dict


class Split:
    """One split of the rows."""

    def __init__(self, data: Data, index: int, estimator):
        self.index = index
        train, test = data.splits[index]
        X, y = data.X, data.y
        X_train, y_train = _safe_split(estimator, X, y, train)
        X_test, y_test = _safe_split(estimator, X, y, test, train)
        self.fit_params = _check_method_params(X, params=data.fit_params, indices=train)
        self.train, self.test = (
            Part(
                part_X, part_y, _check_method_params(X, params=data.score_params, indices=rows)
            )
            for part_X, part_y, rows in ((X_train, y_train, train), (X_test, y_test, test))
        )
        self.n_test_samples = _num_samples(X_test)


class _Recorder(BackpropMLPClassifier):
    """Stands for the classifier at the end of a Pipeline, and notes what fit is given."""

    def fit(
        self,
        X,
        y,
        sample_weight=None,
        *,
        X_val=None,
        y_val=None,
        sample_weight_val=None,
        coef_init=None,
        intercept_init=None,
    ):
        self._noted = Noted(
            X,
            y,
            sample_weight,
            (X_val, y_val, sample_weight_val),
            (coef_init, intercept_init),
        )
        return self

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "_noted")


@dataclass(frozen=True)
class Noted:
    """The arguments of the classifier's fit."""

    X: Any
    y: Any
    sample_weight: Any
    validation: tuple
    initial: tuple


@dataclass(frozen=True)
class Failure:
    """What has gone wrong before training, the same for every candidate that shares it."""

    error: Exception
    traceback: str


class Fold:
    """A split as the classifier meets it, behind transformers that are fitted once.

    Parameters
    ----------
    split : Split
    estimator : BackpropMLPClassifier or Pipeline
        Any of those that share the transformers.

    Attributes
    ----------
    classifier : BackpropMLPClassifier
        That of the estimator, not fitted.
    noted : Noted
        What the classifier's fit is given.
    given : Given
        The same, checked and encoded.
    train, test : ScoredRows
    """

    def __init__(self, split: Split, estimator):
        self.split = split
        self._pipeline: Pipeline | None = None
        self.noted = noted = self._fit_transformers(clone(estimator))
        _, self.classifier = final_step(estimator)
        self.given: Given = check_given(
            self.classifier, noted.X, noted.y, noted.sample_weight, noted.validation
        )
        self.train, self.test = ScoredRows(self, split.train), ScoredRows(self, split.test)

    def _fit_transformers(self, estimator) -> Noted:
        _, classifier = final_step(estimator)
        recorder = object.__new__(_Recorder)
        recorder.__dict__.update(vars(classifier))
        if isinstance(estimator, Pipeline):
            estimator.steps[-1] = (estimator.steps[-1][0], recorder)
            self._pipeline = estimator
        else:
            estimator = recorder
        split = self.split
        if split.train.y is None:
            estimator.fit(split.train.X, **split.fit_params)
        else:
            estimator.fit(split.train.X, split.train.y, **split.fit_params)
        noted = recorder._noted
        del recorder._noted
        return noted

    def whole(self, classifier):
        """The Pipeline that ends in this classifier, or the classifier itself."""
        if self._pipeline is None:
            return classifier
        other = twin(self._pipeline)
        other.steps = [*self._pipeline.steps[:-1], (self._pipeline.steps[-1][0], classifier)]
        return other

    def behind_transformers(self, part: Part) -> Part:
        """The rows as the classifier meets them when it predicts."""
        if self._pipeline is None or len(self._pipeline.steps) == 1:
            return part
        return Part(self._pipeline[:-1].transform(part.X), part.y, part.params)


class ScoredRows:
    """Rows to score a classifier on.

    Attributes
    ----------
    raw : Part
        As the whole estimator meets them.
    """

    def __init__(self, fold: Fold, raw: Part):
        self.raw = raw
        self._fold, self._lock = fold, threading.Lock()
        self._seen: Part | None = None
        self._encoded: EncodedRows | None = None
        self._is_ready = False

    @property
    def seen(self) -> Part | None:
        """As the classifier meets them; None if they cannot be transformed."""
        self._make_ready()
        return self._seen

    @property
    def encoded(self) -> EncodedRows | None:
        """Checked and encoded; None where a scorer has to have its own look at them."""
        self._make_ready()
        return self._encoded

    def _make_ready(self) -> None:
        with self._lock:
            if self._is_ready:
                return
            self._is_ready = True
            try:
                self._seen = self._fold.behind_transformers(self.raw)
                self._encoded = encode(self._seen, self._fold)
            except Exception:  # which each candidate is to meet when it is scored
                return


@dataclass(frozen=True)
class EncodedRows:
    """Rows, the indices of their labels, -1 for one that is no class, and their weights."""

    X: Any
    indices: np.ndarray
    weight: np.ndarray | None
    has_every_class: bool


def encode(part: Part, fold: Fold) -> EncodedRows | None:
    """One label a row, encoded; None for others, and for weights that need a check."""
    given, weight = fold.given, part.params.get("sample_weight")
    if given.labels.multilabel or part.params.keys() - {"sample_weight"}:
        return None
    if weight is not None and not _is_plain_weight(weight):
        return None
    classifier = twin(fold.classifier)
    vars(classifier).update(given.rows.features)
    y = as_labels(part.y, classifier)
    if y.ndim != 1 or (y.dtype.kind == "f" and (y != np.floor(y)).any()):
        return None
    classes = given.labels.classes
    indices = np.minimum(np.searchsorted(classes, y), len(classes) - 1)
    X = check_features(classifier, part.X, accept_sparse="csr", dtype=FLOATS, reset=False)
    indices = np.where(classes[indices] == y, indices, -1)
    has_every_class = np.array_equal(np.unique(indices), np.arange(len(classes)))
    return EncodedRows(X, indices, weight, has_every_class)


def _is_plain_weight(weight) -> bool:
    return bool(
        isinstance(weight, np.ndarray)
        and weight.dtype == np.float64
        and weight.ndim == 1
        and np.isfinite(weight).all()
        and (weight >= 0).all()
        and np.isfinite(weight.sum())
        and weight.sum() > 0
    )


class Folds:
    """Splits and folds, each made when it is first asked for, by whichever thread asks.

    Parameters
    ----------
    data : Data
    """

    def __init__(self, data: Data):
        self.data = data
        self._lock = threading.Lock()
        self._made: dict[tuple, _Once] = {}

    def split(self, index: int, estimator) -> Split:
        return self._once((index,)).get(lambda: Split(self.data, index, estimator))

    def fold(self, index: int, lineage: Lineage) -> Fold | Failure:
        def make() -> Fold | Failure:
            split = self.split(index, lineage.estimator)
            try:
                return Fold(split, lineage.estimator)
            except Exception as error:
                return Failure(error, format_exc())

        return self._once((index, lineage.transformers)).get(make)

    def forget(self, index: int) -> None:
        """Free the memory of a split."""
        self._keep(lambda other: other != index)

    def forget_others(self, index: int) -> None:
        """Free the memory of all splits but this one."""
        self._keep(lambda other: other == index)

    def _keep(self, is_kept: Callable[[int], bool]) -> None:
        with self._lock:
            self._made = {key: once for key, once in self._made.items() if is_kept(key[0])}

    def __getstate__(self) -> dict:
        return {"data": self.data}

    def __setstate__(self, state: dict) -> None:
        self.__init__(state["data"])  # type: ignore[misc]

    def _once(self, key: tuple) -> _Once:
        with self._lock:
            return self._made.setdefault(key, _Once())


class _Once:
    """A value that the first who asks makes, while others wait for it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._value: Any = None

    def get(self, make: Callable[[], Any]) -> Any:
        with self._lock:
            if self._value is None:
                self._value = make()
            return self._value
