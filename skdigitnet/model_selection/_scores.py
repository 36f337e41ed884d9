"""The scores of a training, to the bits of scikit-learn's scorers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.metrics import accuracy_score, log_loss
from sklearn.metrics._scorer import _BaseScorer, _MultimetricScorer, _PassthroughScorer
from sklearn.model_selection._validation import _score
from sklearn.utils.metadata_routing import _routing_enabled

from skdigitnet._problem.output_layer import OutputLayer, map_outputs
from skdigitnet._training.run import Training
from skdigitnet.model_selection._folds import EncodedRows, Fold, ScoredRows

try:
    from sklearn.metrics._classification import _log_loss
except ImportError:  # before scikit-learn 1.9
    _log_loss = None

Metric = Callable[[Training, EncodedRows], float]


def accuracy(training: Training, rows: EncodedRows) -> float:
    """The weighted share of the rows whose label is predicted."""
    predicted = _read(training, rows, OutputLayer.indices)
    return float(np.average(predicted == rows.indices, weights=rows.weight))


def minus_log_loss(training: Training, rows: EncodedRows) -> float:
    """Minus the weighted mean of the cross-entropy.

    Raises
    ------
    ValueError
        Where it cannot be had; scikit-learn says why.
    """
    n_classes = len(training.labels.classes)
    if training.network.out_activation == "identity" or not rows.has_every_class:
        raise ValueError("no probabilities, or some of another class")
    p = _read(training, rows, OutputLayer.probabilities)
    if n_classes == 2:  # which scorers make of those of the second class
        p = np.column_stack([1 - p[:, 1], p[:, 1]])
    targets = rows.indices[:, None] == np.arange(n_classes)
    return -_log_loss(targets, p, sample_weight=rows.weight)


def _read(training: Training, rows: EncodedRows, function) -> np.ndarray:
    """What a method of :class:`OutputLayer` makes of the outputs for the rows."""
    network = training.network
    coefs, intercepts = network.unpack(training.state.published_theta)
    layer = OutputLayer(network.out_activation, training.labels.multilabel)
    return map_outputs(
        coefs, intercepts, network.activation, rows.X, lambda z: function(layer, z)
    )


def known_metric(scorer) -> Metric | None:
    """What a scorer of scikit-learn computes, if it can be had from the outputs at once."""
    if isinstance(scorer, _PassthroughScorer):
        return accuracy
    if not isinstance(scorer, _BaseScorer) or scorer._kwargs:
        return None
    known: dict[tuple, Metric] = {(accuracy_score, "predict", 1): accuracy}
    if _log_loss is not None:
        known[log_loss, "predict_proba", -1] = minus_log_loss
    response = scorer._response_method
    response = response if isinstance(response, str) else None
    return known.get((scorer._score_func, response, scorer._sign))


class Scoring:
    """Scores trainings as scikit-learn's searches do.

    Parameters
    ----------
    scorer : callable
        A scorer, or several as scikit-learn combines them.
    error_score : "raise" or float
    """

    def __init__(self, scorer, error_score):
        self.scorer, self.error_score = scorer, error_score
        self._is_multimetric = isinstance(scorer, _MultimetricScorer)
        scorers = scorer._scorers if self._is_multimetric else {"score": scorer}
        known = {name: known_metric(one) for name, one in scorers.items()}
        self._metrics: dict[str, Any] = {}
        if not _routing_enabled() and None not in known.values():
            self._metrics = known
        # those look at predictions alone
        self._takes_classifier = not _routing_enabled() and all(
            isinstance(one, _BaseScorer | _PassthroughScorer) for one in scorers.values()
        )

    def __call__(
        self, training: Training, fold: Fold, rows: ScoredRows, fitted: Callable[[], Any]
    ) -> Any:
        """A number, or a dict of numbers.

        Parameters
        ----------
        training : Training
        fold : Fold
        rows : ScoredRows
        fitted : callable
            Makes the classifier that is fitted with what training has come to.
        """
        if self._metrics and rows.encoded is not None:
            try:
                scores = {
                    name: metric(training, rows.encoded)
                    for name, metric in self._metrics.items()
                }
            except ValueError:  # outputs that are not finite: as scikit-learn reports it
                pass
            else:
                return scores if self._is_multimetric else scores["score"]
        part, estimator = rows.raw, fitted()
        if self._takes_classifier and rows.seen is not None:
            part = rows.seen
        else:
            estimator = fold.whole(estimator)
        return self.of_estimator(estimator, part)

    def of_estimator(self, estimator, part) -> Any:
        """The scores of a fitted estimator on the rows of a part."""
        return _score(estimator, part.X, part.y, self.scorer, part.params, self.error_score)

    def of_a_failure(self) -> Any:
        """The scores of a fit that has failed."""
        if self._is_multimetric:
            return dict.fromkeys(self.scorer._scorers, self.error_score)
        return self.error_score
