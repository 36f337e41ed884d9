"""The estimator's prediction methods: everything that reads coefs_ and intercepts_."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from sklearn.metrics import accuracy_score
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from skdigitnet._core.plan import ACTIVATIONS
from skdigitnet._problem.arguments import FLOATS, check_features, naming
from skdigitnet._problem.labels import Labels, as_labels
from skdigitnet._problem.output_layer import OutputLayer, map_outputs
from skdigitnet._problem.rows import check_sample_weight


def has_probabilities(estimator) -> bool:
    """Whether predict_proba exists: the condition of ``available_if``."""
    out_activation = getattr(estimator, "out_activation_", estimator.output_activation)
    if not (isinstance(out_activation, str) and out_activation == "identity"):
        return True
    raise AttributeError(
        "output_activation='identity' gives no probabilities; use decision_function, or another"
        " output_activation."
    )


class PredictionMixin:
    """Predictions of a fitted network, computed block of rows by block of rows."""

    activation: str
    classes_: np.ndarray
    n_features_in_: int
    coefs_: list[np.ndarray]
    intercepts_: list[np.ndarray]
    out_activation_: str
    _multilabel: bool

    def _labels(self) -> Labels:
        if not hasattr(self, "classes_"):
            check_is_fitted(self)
        return Labels(self.classes_, self._multilabel)

    def _output_layer(self) -> OutputLayer:
        if not hasattr(self, "out_activation_"):
            check_is_fitted(self)
        return OutputLayer(self.out_activation_, self._multilabel)

    def _map_outputs(self, X, function: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
        if not (isinstance(self.activation, str) and self.activation in ACTIVATIONS):
            raise ValueError(
                f"activation={self.activation!r} must be one of {', '.join(ACTIVATIONS)}."
            )
        if self._is_plain(X):
            check_rows = self._validate
        else:
            X, check_rows = self._validate(X), None
        return map_outputs(
            self.coefs_, self.intercepts_, self.activation, X, function, check_rows
        )

    def _is_plain(self, X) -> bool:
        """Whether X needs no conversion, only a look at whether it is finite.

        scikit-learn's validation takes longer than a row's prediction.
        """
        return (
            type(X) is np.ndarray
            and X.ndim == 2
            and X.dtype in FLOATS
            and len(X) > 0
            and X.shape[1] == self.n_features_in_
            and not hasattr(self, "feature_names_in_")
        )

    def _validate(self, X):
        return check_features(self, X, accept_sparse="csr", dtype=FLOATS, reset=False)

    def decision_function(self, X) -> np.ndarray:
        """Pre-activations z of the output layer.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        z : ndarray of shape (n_samples,) or (n_samples, n_classes)
            For two classes one number a row, above zero where the second class is
            predicted: z of the one logistic output, z - 1/2 of the one identity
            output, or z[:, 1] - z[:, 0] of two softmax outputs. z - 1/2 also for
            several labels a row with identity outputs.

        Raises
        ------
        NotFittedError, TypeError, ValueError
            Before fit; for an X that cannot be used, or outputs that are not finite.
        """
        return self._map_outputs(X, self._output_layer().decision)

    def predict(self, X) -> np.ndarray:
        """Predicted labels.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_classes)
            The class of the largest output; for several labels a row, an indicator
            matrix.

        Raises
        ------
        NotFittedError, TypeError, ValueError
            Before fit; for an X that cannot be used, or outputs that are not finite.
        """
        indices = self._map_outputs(X, self._output_layer().indices)
        return self._labels().decode(indices)

    @available_if(has_probabilities)
    def predict_proba(self, X) -> np.ndarray:
        """Probability of each class.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        p : ndarray of shape (n_samples, n_classes)
            In the order of ``classes_``. Rows sum to one, except for several labels a
            row, where each column is the probability of its label. The outputs of
            ``output_activation="logistic"`` for three classes or more are divided by
            their sum.

        Raises
        ------
        AttributeError
            With identity outputs, which have no probabilities.
        NotFittedError, TypeError, ValueError
            Before fit; for an X that cannot be used, or outputs that are not finite.
        """
        return self._map_outputs(X, self._output_layer().probabilities)

    @available_if(has_probabilities)
    def predict_log_proba(self, X) -> np.ndarray:
        """Logarithm of :meth:`predict_proba`, exact where the probability underflows.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        log_p : ndarray of shape (n_samples, n_classes)

        Raises
        ------
        AttributeError, NotFittedError, TypeError, ValueError
            As :meth:`predict_proba`.
        """
        return self._map_outputs(X, self._output_layer().log_probabilities)

    def score(self, X, y, sample_weight=None) -> float:
        """Accuracy: the share of the rows whose label, or labels, are all predicted.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each row, not negative; all ones by default.

        Returns
        -------
        accuracy : float

        Raises
        ------
        NotFittedError, TypeError, ValueError
            Before fit; for an X, y or weights that cannot be used.
        """
        predicted = self.predict(X)
        if sample_weight is not None:
            sample_weight = check_sample_weight(sample_weight, predicted)
        with naming("y"):
            y = as_labels(y, self)
            return float(accuracy_score(y, predicted, sample_weight=sample_weight))
