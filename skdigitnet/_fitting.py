"""The estimator's fit methods: everything that writes its fitted attributes."""

from __future__ import annotations

import sys
import warnings
from dataclasses import MISSING, fields, replace
from numbers import Integral, Real

import numpy as np
from sklearn.base import _fit_context
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils._param_validation import validate_parameter_constraints
from sklearn.utils.metaestimators import available_if

from skdigitnet._problem.arguments import twin
from skdigitnet._problem.labels import Labels
from skdigitnet._problem.network import (
    Network,
    check_dropout,
    check_initial,
    make_network,
)
from skdigitnet._problem.rows import (
    TrainingRows,
    ValidationRows,
    check_training_rows,
    check_validation_rows,
)
from skdigitnet._system.interrupts import uninterrupted
from skdigitnet._training.callback_bridge import (
    NO_CALLBACKS,
    CallbackSupportMixin,
    FitTask,
    has_callbacks,
)
from skdigitnet._training.lbfgs import LBFGSSolver
from skdigitnet._training.run import Training, unchanged_on_error
from skdigitnet._training.sgd import StochasticSolver
from skdigitnet._training.state import TrainingState
from skdigitnet._training.stopping import StoppingRule

# what a fit may leave and the next one may not
LEFT_BY_A_FIT = ("n_features_in_", "feature_names_in_", "_training_state", "history_")


def _is_stochastic(estimator) -> bool:
    if isinstance(estimator.solver, str) and estimator.solver in ("sgd", "adam"):
        return True
    raise AttributeError(
        f"partial_fit is there for solver='sgd' and solver='adam'; solver={estimator.solver!r}"
        " needs all rows at once."
    )


class FittingMixin(CallbackSupportMixin):
    """Training of a network from checked input to published attributes."""

    @_fit_context(prefer_skip_nested_validation=True)
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
        X_val : {array-like, sparse matrix} of shape (n_val, n_features), default=None
            Validation rows for ``early_stopping``, which then holds none out, and for
            callbacks. ``Pipeline(..., transform_input=["X_val"])`` transforms them as X.
        y_val : array-like of shape (n_val,) or (n_val, n_outputs), default=None
            Their labels.
        sample_weight_val : array-like of shape (n_val,), default=None
            Their weights; all ones by default.
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
            For a parameter, X, y, weights, validation rows or initial weights that cannot
            be used, which the message names; and at the end of the epoch or iteration in
            which training diverges: the loss or a weight is not finite, or predictions are
            worse than a constant and the outputs, or X, too large to mean anything. The
            estimator is then as it was before.
        TypeError
            For objects in X or y that NumPy or scikit-learn cannot take.
        KeyboardInterrupt
            On Ctrl-C; once training has begun the estimator is then fitted with the
            weights so far. With ``warm_start`` the next fit ends what was begun, to the
            same bits as if there had been no interruption (SGD and Adam).

        Warns
        -----
        ConvergenceWarning
            If training ends at ``max_iter`` or ``max_fun``; not for SGD and Adam with
            ``n_iter_no_change=np.inf``, which are not meant to end before.
        """
        afresh = coef_init is not None or intercept_init is not None
        going_on = self.warm_start and hasattr(self, "coefs_") and not afresh
        rows = check_training_rows(self, X, y, sample_weight, reset=not going_on)
        labels = self._labels() if going_on else Labels.of(rows.y)
        labels.check_complete(rows.y[rows.sample_weight > 0])
        network = self._network(rows, labels)
        initial = check_initial(network, coef_init, intercept_init, rows.X.dtype)
        rule = self._stopping_rule(
            check_validation_rows(self, rows, labels, X_val, y_val, sample_weight_val)
        )
        with unchanged_on_error(self.random_state):
            training = self._new_training(rows, labels, network, rule, going_on=going_on)
            if afresh:
                training.set_weights(*initial)
            training.state.begin_fit(finish_last=True)
            task = FitTask(self, X, y, sample_weight, lambda: self._as_fitted(training))
            warning = self._train(training, self._solver(), task, keep_state=self.warm_start)
        if warning is not None:
            warnings.warn(warning, ConvergenceWarning, stacklevel=3)
        return self

    @available_if(_is_stochastic)
    def partial_fit(self, X, y, classes=None, sample_weight=None):
        """Train for one epoch on these rows.

        The order of the rows, the optimiser's moments and the learning rate go on
        from call to call: n calls with the same rows are ``fit`` with ``max_iter=n``.
        No stopping rule applies and nothing is held out.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            As in :meth:`fit`.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            As in :meth:`fit`; it need not hold every class.
        classes : array-like of shape (n_classes,), default=None
            Every class that any y will hold. Needed in the first call, may be left
            out afterwards.
        sample_weight : array-like of shape (n_samples,), default=None
            As in :meth:`fit`; the penalty is divided by the sum over these rows.

        Returns
        -------
        self : BackpropMLPClassifier

        Raises
        ------
        AttributeError
            With ``solver="lbfgs"``, which needs all rows at once.
        TypeError, ValueError
            As in :meth:`fit`; and for a label that is not among the classes.
        """
        self._validate_params()
        going_on = hasattr(self, "coefs_")
        rows = check_training_rows(self, X, y, sample_weight, reset=not going_on)
        labels = self._labels() if going_on else Labels.given(classes, rows.y)
        labels.check_same(classes)
        network = self._network(rows, labels)
        no_rule = StoppingRule(self._number("tol"), patience=np.inf)
        with unchanged_on_error(self.random_state):
            training = self._new_training(rows, labels, network, no_rule, going_on=going_on)
            training.state.begin_fit(finish_last=False)
            one_epoch = replace(self._solver(), n_epochs=1)
            self._train(training, one_epoch, NO_CALLBACKS, keep_state=True)
        return self

    def _validate_params(self) -> None:
        """scikit-learn's check, which takes numbers for real that NumPy cannot take."""
        # get_params looks for their names in the signature, which takes longer than a step
        parameters = {name: getattr(self, name) for name in self._parameter_constraints}
        for name, value in parameters.items():
            if not isinstance(value, Real):
                continue
            if not isinstance(value, Integral | float | np.floating):
                kind = type(value).__name__
                raise ValueError(f"{name} must be an int or a float; got a {kind}, {value}.")
            if isinstance(value, Integral) and abs(int(value)) > sys.float_info.max:
                raise ValueError(f"{name} is an int larger than any float.")
        validate_parameter_constraints(
            self._parameter_constraints, parameters, caller_name=type(self).__name__
        )

    def _network(self, rows: TrainingRows, labels: Labels) -> Network:
        return make_network(
            rows.X.shape[1],
            labels,
            hidden_layer_sizes=self.hidden_layer_sizes,
            activation=self.activation,
            loss=self.loss,
            output_activation=self.output_activation,
        )

    def _stopping_rule(self, validation: ValidationRows | None) -> StoppingRule:
        if validation is not None and not (self.early_stopping or has_callbacks(self)):
            raise ValueError(
                "X_val and y_val are for early_stopping=True, or for a callback, and"
                f" early_stopping={self.early_stopping!r}. Set it to True, or leave them out."
            )
        return StoppingRule(
            self._number("tol"),
            self._number("n_iter_no_change"),
            self.scoring if self.early_stopping else None,
            validation,
            self._number("validation_fraction"),
        )

    def _new_training(
        self,
        rows: TrainingRows,
        labels: Labels,
        network: Network,
        rule: StoppingRule,
        *,
        going_on: bool,
    ) -> Training:
        if not going_on:
            return Training.new(rows, labels, network, rule, self.random_state)
        weights = self.coefs_, self.intercepts_
        kept = getattr(self, "_training_state", None)
        if kept is None:
            kept = TrainingState(
                network.pack(*weights, rows.X.dtype),
                self.loss_,
                list(self.loss_curve_),
                best_loss=min(self.loss_curve_, default=np.inf),
                n_samples_seen=self.t_,
                weight_seen=float(self.t_),
            )
        return Training.continued(rows, labels, network, rule, kept, weights, self.random_state)

    def _solver(self) -> StochasticSolver | LBFGSSolver:
        kind = LBFGSSolver if self.solver == "lbfgs" else StochasticSolver
        return kind(
            **{f.name: self._number(f.name) for f in fields(kind) if f.default is MISSING}
        )

    def _number(self, name: str):
        """A parameter, a NumPy scalar as Python's: in float32 it would round what it meets."""
        value = getattr(self, name)
        return value.item() if isinstance(value, np.generic) else value

    def _train(
        self, training: Training, solver, task: FitTask, *, keep_state: bool
    ) -> str | None:
        """Tell the callbacks, train and publish; return the solver's warning."""
        dropout = check_dropout(self.dropout, training.network, self.solver)
        self._training = training  # where callbacks find it
        try:
            task.begin(solver.n_passes)
            return self._run(training, solver, dropout, task, keep_state=keep_state)
        finally:
            del self._training

    def _run(
        self, training: Training, solver, dropout, task: FitTask, *, keep_state: bool
    ) -> str | None:
        """Train and publish, on Ctrl-C what there is."""
        try:
            warning = training.run(
                solver,
                loss=self.loss,
                alpha=self._number("alpha"),
                class_weight=self.class_weight,
                n_jobs=self.n_jobs,
                verbose=self.verbose,
                dropout=dropout,
                task=task,
                fitted=lambda theta: self._with_weights(training, theta),
            )
            self._publish(training, keep_state)
            task.end()
        except KeyboardInterrupt:
            training.state.interrupted = True
            self._publish(training, keep_state)
            task.end()
            raise
        except BaseException:
            training.take_back()
            raise
        return warning

    def _publish(self, training: Training, keep_state: bool) -> None:
        with uninterrupted():
            attributes = self._published(training, training.state)
            training.lengths = ()
            if keep_state:
                attributes["_training_state"] = training.kept_state()
            self._replace_fit(attributes)

    def _replace_fit(self, attributes: dict) -> None:
        """Take these attributes and keep none that the last fit has left."""
        for name in LEFT_BY_A_FIT:
            self.__dict__.pop(name, None)
        self.__dict__.update(attributes)

    def _published(self, training: Training, state: TrainingState) -> dict:
        """The attributes of the estimator as it is fitted now."""
        return published_attributes(
            training.rows.features,
            training.labels,
            training.network,
            state,
            has_scores=training.rule.scoring is not None,
        )

    def _as_fitted(self, training: Training) -> dict:
        """What makes of a copy of this estimator a fitted one that can be pickled."""
        return self._fitted_with(training, training.state.published_theta)

    def _fitted_with(self, training: Training, theta: np.ndarray) -> dict:
        nothing = dict.fromkeys(("_training", *LEFT_BY_A_FIT))
        # training goes on in the state's own arrays and lists
        state = training.state.snapshot(theta.copy())
        return {**nothing, **self._published(training, state)}

    def _with_weights(self, training: Training, theta: np.ndarray):
        """A copy fitted with these weights, for scorers; it knows no names of features."""
        fitted = twin(self)
        vars(fitted).update(self._fitted_with(training, theta), feature_names_in_=None)
        return fitted


def published_attributes(
    features: dict, labels: Labels, network: Network, state: TrainingState, *, has_scores: bool
) -> dict:
    """The attributes of an estimator that is fitted with the weights of this state.

    Parameters
    ----------
    features : dict
        As :attr:`TrainingRows.features`.
    labels : Labels
    network : Network
    state : TrainingState
    has_scores : bool
        Whether there are validation scores.
    """
    # the best weights are copied: the state's tell whether the user has changed these
    is_best = state.best_theta is not None
    theta = state.published_theta
    coefs, intercepts = network.unpack(theta.copy() if is_best else theta)
    best_loss = state.best_loss if state.loss_curve else state.loss
    return {
        **features,
        "classes_": labels.classes,
        "_multilabel": labels.multilabel,
        "coefs_": coefs,
        "intercepts_": intercepts,
        "n_layers_": len(network.layer_sizes),
        "n_outputs_": network.n_outputs,
        "out_activation_": network.out_activation,
        "n_iter_": state.n_iter,
        "t_": state.n_samples_seen,
        "loss_": state.loss,
        "loss_curve_": state.loss_curve,
        "best_loss_": None if has_scores else best_loss,
        "validation_scores_": state.validation_scores if has_scores else None,
        "best_validation_score_": state.best if has_scores and state.best_iteration else None,
        "best_iteration_": state.best_iteration or None if has_scores else None,
    }
