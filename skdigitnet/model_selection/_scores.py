"""The scores of a training, to the bits of scikit-learn's scorers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.metrics import accuracy_score
from sklearn.metrics._scorer import _BaseScorer, _MultimetricScorer, _PassthroughScorer
from sklearn.model_selection._validation import _score
from sklearn.utils.metadata_routing import _routing_enabled

from skdigitnet._problem.output_layer import OutputLayer, map_outputs
from skdigitnet._training.run import Training
from skdigitnet.model_selection._folds import EncodedRows, Fold, ScoredRows

Metric = Callable[[Training, EncodedRows], float]


def accuracy(training: Training, rows: EncodedRows) -> float:
    """The weighted share of the rows whose label is predicted."""
    network = training.network
    coefs, intercepts = network.unpack(training.state.published_theta)
    layer = OutputLayer(network.out_activation, training.labels.multilabel)
    predicted = map_outputs(coefs, intercepts, network.activation, rows.X, layer.indices)
    return float(np.average(predicted == rows.indices, weights=rows.weight))


def known_metric(scorer) -> Metric | None:
    """What a scorer of scikit-learn computes, if it can be had from the outputs at once."""
    if isinstance(scorer, _PassthroughScorer):
        return accuracy
    if isinstance(scorer, _BaseScorer) and not scorer._kwargs and scorer._sign == 1:
        is_accuracy = scorer._score_func is accuracy_score
        return accuracy if is_accuracy and scorer._response_method == "predict" else None
    return None


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
