"""What a fit publishes: the attributes of a fitted estimator."""

from __future__ import annotations

import numpy as np

from skdigitnet._problem.arguments import twin
from skdigitnet._problem.labels import Labels
from skdigitnet._problem.network import Network
from skdigitnet._system.interrupts import uninterrupted
from skdigitnet._training.run import Training
from skdigitnet._training.state import TrainingState

# what a fit may set and the next one must clear
LEFT_BY_A_FIT = ("n_features_in_", "feature_names_in_", "_training_state", "history_")
# what a copy made during a fit must not have
NOT_FITTED: dict = dict.fromkeys(("_training", *LEFT_BY_A_FIT))


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
    # a copy of the best weights: the state's own show whether the user changed it
    is_best = state.best.theta is not None
    theta = state.published_theta
    coefs, intercepts = network.unpack(theta.copy() if is_best else theta)
    best_loss = state.curve.lowest if state.curve.losses else state.curve.last
    has_best = has_scores and state.best.iteration > 0
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
        "loss_": state.curve.last,
        "loss_curve_": state.curve.losses,
        "best_loss_": None if has_scores else best_loss,
        "validation_scores_": state.curve.scores if has_scores else None,
        "best_validation_score_": state.best.value if has_best else None,
        "best_iteration_": state.best.iteration if has_best else None,
    }


def publish(estimator, training: Training, *, keep_state: bool) -> None:
    """Set the results of training on the estimator."""
    with uninterrupted():
        attributes = _attributes(training, training.state)
        training.lengths = ()
        if keep_state:
            attributes["_training_state"] = training.kept_state()
        replace_fit(estimator, attributes)


def replace_fit(estimator, attributes: dict) -> None:
    """Set these attributes on the estimator, and clear those of the last fit."""
    for name in LEFT_BY_A_FIT:
        vars(estimator).pop(name, None)
    vars(estimator).update(attributes)


def as_fitted(training: Training) -> dict:
    """Attributes that make a copy of the estimator fitted and picklable during training."""
    return {**NOT_FITTED, **_attributes_now(training)}


def fitted_now(estimator, training: Training):
    """A copy of the estimator that is fitted as if training had ended now."""
    fitted = twin(estimator)
    replace_fit(fitted, _attributes_now(training))
    return fitted


def _attributes_now(training: Training) -> dict:
    # copies, since training continues in the state's own arrays and lists
    theta = training.state.published_theta.copy()
    state = training.state.with_own_lists().with_weights(theta)
    return _attributes(training, state)


def fitted_twin(estimator, training: Training, theta: np.ndarray):
    """A copy fitted with these weights, for scorers, without feature names."""
    fitted = twin(estimator)
    attributes = _attributes(training, training.state.with_weights(theta.copy()))
    vars(fitted).update({**NOT_FITTED, **attributes, "feature_names_in_": None})
    return fitted


def _attributes(training: Training, state: TrainingState) -> dict:
    return published_attributes(
        training.rows.features,
        training.labels,
        training.network,
        state,
        has_scores=training.rule.scoring is not None,
    )
