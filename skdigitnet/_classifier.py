"""The estimator: parameters, validation, and what fit publishes."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import fields, replace
from numbers import Integral, Real
from typing import ClassVar

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, _fit_context
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, Options, StrOptions
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted, validate_data

from skdigitnet._kernels import Data
from skdigitnet._lbfgs import LBFGSSolver
from skdigitnet._network import Network
from skdigitnet._objective import Objective
from skdigitnet._outputs import OutputLayer, accuracy_on, map_outputs
from skdigitnet._sgd import StochasticSolver
from skdigitnet._stopping import TrainingState, hold_out
from skdigitnet._validation import (
    Labels,
    TrainingRows,
    apply_class_weight,
    check_training_rows,
    make_network,
    replace_initial,
)


def _is_stochastic(estimator) -> bool:
    if estimator.solver in ("sgd", "adam"):
        return True
    raise AttributeError(
        f"partial_fit is there for solver='sgd' and solver='adam'; solver={estimator.solver!r}"
        " needs all rows at once."
    )


def _has_probabilities(estimator) -> bool:
    if getattr(estimator, "out_activation_", estimator.output_activation) != "identity":
        return True
    raise AttributeError(
        "output_activation='identity' gives no probabilities; use decision_function, or another"
        " output_activation."
    )


class BackpropMLPClassifier(ClassifierMixin, BaseEstimator):
    """DOCSTRING"""

    _parameter_constraints: ClassVar[dict] = {
        "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
        "activation": [StrOptions({"identity", "logistic", "tanh", "relu"})],
        "solver": [StrOptions({"lbfgs", "sgd", "adam"})],
        "loss": [StrOptions({"log_loss", "squared_error"})],
        "output_activation": [StrOptions({"auto", "softmax", "logistic", "identity"})],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "batch_size": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        "learning_rate": [StrOptions({"constant", "invscaling", "adaptive"})],
        "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
        "power_t": [Interval(Real, 0, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "shuffle": ["boolean"],
        "random_state": ["random_state"],
        "tol": [Interval(Real, 0, None, closed="left")],
        "verbose": ["verbose"],
        "warm_start": ["boolean"],
        "momentum": [Interval(Real, 0, 1, closed="both")],
        "nesterovs_momentum": ["boolean"],
        "beta_1": [Interval(Real, 0, 1, closed="left")],
        "beta_2": [Interval(Real, 0, 1, closed="left")],
        "epsilon": [Interval(Real, 0, None, closed="neither")],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "n_iter_no_change": [
            Interval(Integral, 1, None, closed="left"),
            Options(Real, {np.inf}),
        ],
        "max_fun": [Interval(Integral, 1, None, closed="left")],
        "class_weight": [dict, list, StrOptions({"balanced"}), None],
    }

    def __init__(
        self,
        hidden_layer_sizes=(100,),
        activation="logistic",
        *,
        solver="adam",
        loss="log_loss",
        output_activation="auto",
        alpha=0.0001,
        batch_size="auto",
        learning_rate="constant",
        learning_rate_init=0.01,
        power_t=0.5,
        max_iter=500,
        shuffle=True,
        random_state=None,
        tol=1e-4,
        verbose=False,
        warm_start=False,
        momentum=0.9,
        nesterovs_momentum=True,
        beta_1=0.9,
        beta_2=0.999,
        epsilon=1e-8,
        early_stopping=False,
        validation_fraction=0.1,
        n_iter_no_change=10,
        max_fun=15000,
        class_weight=None,
    ):
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.solver = solver
        self.loss = loss
        self.output_activation = output_activation
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.power_t = power_t
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.verbose = verbose
        self.warm_start = warm_start
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.max_fun = max_fun
        self.class_weight = class_weight

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None, *, coef_init=None, intercept_init=None):
        """Train the network.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            float32 is trained in float32, everything else in float64. Sparse X is
            never made dense.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Class labels (numbers, strings or booleans), or for several labels a row
            an indicator matrix of 0 and 1.
        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each row, not negative; all ones by default.
        coef_init : list of array-like, default=None
            Initial weights, of shapes (n_in, n_out), one a layer. Training starts
            afresh from them, whatever ``warm_start`` says. The random draws are made
            all the same, so the order of the rows does not depend on them.
        intercept_init : list of array-like, default=None
            Initial intercepts, of shapes (n_out,), one a layer.

        Returns
        -------
        self : BackpropMLPClassifier

        Raises
        ------
        ValueError
            For a parameter, X, y, weights or initial weights that cannot be used, and
            when training diverges. The estimator is then as it was before.
        KeyboardInterrupt
            On Ctrl-C; the estimator is then fitted with the weights so far.

        Warns
        -----
        ConvergenceWarning
            If training ends at ``max_iter`` or ``max_fun``.
        """
        afresh = coef_init is not None or intercept_init is not None
        going_on = self.warm_start and hasattr(self, "coefs_") and not afresh
        rows = check_training_rows(self, X, y, sample_weight, reset=not going_on)
        labels = self._labels if going_on else Labels.of(rows.y)
        labels.check_complete(rows.y[rows.sample_weight > 0])
        network = make_network(self, rows.X.shape[1], labels)
        if going_on:
            state, random_state = self._continued_state(network, rows.X.dtype)
        else:
            state, random_state = self._new_state(network, rows.X.dtype)
            state.theta = replace_initial(network, state.theta, coef_init, intercept_init)
        warning = self._train(
            rows,
            labels,
            network,
            state,
            random_state,
            self._solver(),
            early_stopping=self.early_stopping,
            keep_state=self.warm_start,
        )
        if warning is not None:
            warnings.warn(warning, ConvergenceWarning, stacklevel=3)
        return self

    @available_if(_is_stochastic)
    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y, classes=None, sample_weight=None):
        """Train for one epoch on these rows.

        The order of the rows, the optimiser's moments and the learning rate go on
        from call to call: n calls with the same rows are ``fit`` with ``max_iter=n``.
        No stopping rule applies and nothing is held out.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        classes : array-like of shape (n_classes,), default=None
            Every class that any y will hold. Needed in the first call, may be left
            out afterwards.
        sample_weight : array-like of shape (n_samples,), default=None

        Returns
        -------
        self : BackpropMLPClassifier

        Raises
        ------
        AttributeError
            With ``solver="lbfgs"``, which needs all rows at once.
        ValueError
            As in :meth:`fit`; and for a label that is not among the classes.
        """
        going_on = hasattr(self, "coefs_")
        rows = check_training_rows(self, X, y, sample_weight, reset=not going_on)
        labels = self._labels if going_on else Labels.given(classes, rows.y)
        labels.check_same(classes)
        network = make_network(self, rows.X.shape[1], labels)
        make_state = self._continued_state if going_on else self._new_state
        state, random_state = make_state(network, rows.X.dtype)
        one_epoch = replace(self._solver(), max_iter=1, n_iter_no_change=np.inf)
        self._train(
            rows,
            labels,
            network,
            state,
            random_state,
            one_epoch,
            early_stopping=False,
            keep_state=True,
        )
        return self

    @property
    def _labels(self) -> Labels:
        return Labels(self.classes_, self._multilabel)

    @property
    def _output_layer(self) -> OutputLayer:
        return OutputLayer(self.out_activation_, self._multilabel)

    def _solver(self) -> StochasticSolver | LBFGSSolver:
        kind = LBFGSSolver if self.solver == "lbfgs" else StochasticSolver
        return kind(**{field.name: getattr(self, field.name) for field in fields(kind)})

    def _new_state(self, network: Network, dtype):
        random_state = check_random_state(self.random_state)
        return TrainingState(network.initial_theta(random_state, dtype)), random_state

    def _continued_state(self, network: Network, dtype):
        """The kept state or a new one, its weights coefs_ and intercepts_ as they stand."""
        shapes = [W.shape for W in self.coefs_]
        if shapes != network.coef_shapes:
            raise ValueError(
                f"coefs_ have shapes {shapes}, and with hidden_layer_sizes="
                f"{self.hidden_layer_sizes!r} and output_activation="
                f"{self.output_activation!r} they would be {network.coef_shapes}. Training"
                " goes on with the same network only; train a new one with fit and"
                " warm_start=False."
            )
        theta = network.pack(self.coefs_, self.intercepts_, dtype)
        kept = getattr(self, "_training_state", None)
        if kept is None:
            state = TrainingState(theta, list(self.loss_curve_), self.t_)
        else:
            state = kept.copy_as(dtype)
            if not np.array_equal(theta, state.published_theta):
                state.theta = theta
                state.forget_best()
        if state.random_state is None:
            return state, check_random_state(self.random_state)
        random_state = np.random.RandomState()
        random_state.set_state(state.random_state)
        return state, random_state

    def _train(
        self,
        rows: TrainingRows,
        labels: Labels,
        network: Network,
        state: TrainingState,
        random_state: np.random.RandomState,
        solver: StochasticSolver | LBFGSSolver,
        *,
        early_stopping: bool,
        keep_state: bool,
    ) -> str | None:
        """Bring the state forward and publish it; the solver's warning, if any."""
        indices = labels.indices(rows.y)
        targets = indices
        if network.n_outputs == 1:
            targets = indices.astype(np.uint8).reshape(-1, 1)
        weight = apply_class_weight(self.class_weight, rows.y, labels, rows.sample_weight)
        if not state.fits_rows(len(indices), early_stopping):
            order, held_out = np.arange(len(indices), dtype=np.intp), None
            if early_stopping:
                order, held_out = hold_out(
                    targets, weight, self.validation_fraction, random_state
                )
            state.start_on_rows(order, held_out)
        data = Data(rows.X, targets, weight)
        objective = Objective(network, self.loss, self.alpha, data, state.order)
        validation_score = None
        if state.held_out is not None:
            validation_score = accuracy_on(
                network,
                OutputLayer(network.out_activation, labels.multilabel),
                rows.X[state.held_out],
                indices[state.held_out],
                rows.sample_weight[state.held_out],
            )
        try:
            warning = solver.solve(objective, state, validation_score, random_state)
        except KeyboardInterrupt:
            self._publish(rows, labels, objective, state, keep_state)
            raise
        self._publish(rows, labels, objective, state, keep_state)
        return warning

    def _publish(
        self,
        rows: TrainingRows,
        labels: Labels,
        objective: Objective,
        state: TrainingState,
        keep_state: bool,
    ) -> None:
        network, theta = objective.network, state.published_theta
        for name in ("n_features_in_", "feature_names_in_", "_training_state"):
            vars(self).pop(name, None)
        vars(self).update(rows.features)
        if keep_state:
            # training goes on in the state's own arrays, so publish a copy
            self._training_state, theta = state, theta.copy()
        self.classes_, self._multilabel = labels.classes, labels.multilabel
        self.coefs_, self.intercepts_ = network.unpack(theta)
        self.n_layers_, self.n_outputs_ = len(network.layer_sizes), network.n_outputs
        self.out_activation_ = network.out_activation
        self.n_iter_, self.t_ = len(state.loss_curve), state.n_samples_seen
        self.loss_curve_ = list(state.loss_curve)
        if state.loss_curve:
            self.loss_ = state.loss_curve[-1]
        else:
            self.loss_ = objective.loss_and_gradient(state.theta)[0]
        self.best_loss_ = self.validation_scores_ = self.best_validation_score_ = None
        if state.held_out is None:
            self.best_loss_ = min(self.loss_curve_, default=self.loss_)
        else:
            self.validation_scores_ = list(state.validation_scores)
            self.best_validation_score_ = max(self.validation_scores_, default=None)

    def _map_outputs(self, X, function: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
        check_is_fitted(self)
        X = validate_data(
            self, X, accept_sparse="csr", dtype=(np.float64, np.float32), reset=False
        )
        return map_outputs(self.coefs_, self.intercepts_, self.activation, X, function)

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
        NotFittedError, ValueError
            Before fit; for an X that cannot be used.
        """
        return self._map_outputs(X, self._output_layer.decision)

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
        NotFittedError, ValueError
            Before fit; for an X that cannot be used.
        """
        return self._labels.decode(self._map_outputs(X, self._output_layer.indices))

    @available_if(_has_probabilities)
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
        NotFittedError, ValueError
            Before fit; for an X that cannot be used.
        """
        return self._map_outputs(X, self._output_layer.probabilities)

    @available_if(_has_probabilities)
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
        AttributeError, NotFittedError, ValueError
            As :meth:`predict_proba`.
        """
        return self._map_outputs(X, self._output_layer.log_probabilities)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.classifier_tags.multi_label = True
        return tags
