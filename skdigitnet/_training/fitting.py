"""fit and partial_fit: from an estimator's parameters and data to a fitted estimator."""

from __future__ import annotations

from dataclasses import fields
from types import SimpleNamespace
from typing import Any, cast

import numpy as np

from skdigitnet._problem.arguments import check_parameters, plain, plain_parameters
from skdigitnet._problem.labels import Labels
from skdigitnet._problem.network import (
    Network,
    check_dropout,
    check_initial,
    make_network,
)
from skdigitnet._problem.objective import Objective
from skdigitnet._problem.prediction import labels_of
from skdigitnet._problem.rows import (
    TrainingRows,
    ValidationRows,
    check_training_rows,
    check_validation_rows,
)
from skdigitnet._problem.samples import Samples
from skdigitnet._training.callback_bridge import NO_CALLBACKS, FitTask, has_callbacks
from skdigitnet._training.encoding import Encoding
from skdigitnet._training.lbfgs import LBFGSSolver
from skdigitnet._training.published import as_fitted, fitted_twin, publish
from skdigitnet._training.run import (
    Given,
    Settings,
    Training,
    restored_generator,
    unchanged_on_error,
)
from skdigitnet._training.sgd import StochasticSolver
from skdigitnet._training.solver import Solver, SolverRun
from skdigitnet._training.state import Curve, TrainingState
from skdigitnet._training.stopping import StoppingRule
from skdigitnet._training.summed import Parts, SummedObjective, score_on

SOLVERS: dict[str, Any] = {
    "sgd": StochasticSolver,
    "adam": StochasticSolver,
    "lbfgs": LBFGSSolver,
}


def solvers_with(ability: str) -> str:
    """The solvers with this ability, such as "has_dropout", for a message."""
    return " or ".join(repr(name) for name, kind in SOLVERS.items() if getattr(kind, ability))


def fit(estimator, X, y, sample_weight, *, validation: tuple, initial: tuple) -> str | None:
    """Train an estimator; return why training has not converged, if it has not.

    Parameters
    ----------
    estimator : BackpropMLPClassifier
    X, y, sample_weight : as passed to fit
    validation : tuple
        X_val, y_val and sample_weight_val as passed to fit.
    initial : tuple
        coef_init and intercept_init as passed to fit.
    """
    parameters = plain_parameters(estimator)
    has_initial = any(weights is not None for weights in initial)
    resuming = parameters.warm_start and hasattr(estimator, "coefs_") and not has_initial
    given = check_given(estimator, X, y, sample_weight, validation, resuming=resuming)
    with unchanged_on_error(estimator.random_state):
        training = begin(estimator, parameters, given, initial, resuming=resuming)
        task = FitTask(
            estimator,
            X,
            y,
            sample_weight,
            published=lambda: as_fitted(training),
            fitted=lambda theta: fitted_twin(estimator, training, theta),
        )
        return _train(
            estimator,
            parameters,
            training,
            task,
            parameters.max_iter,
            keep_state=parameters.warm_start,
        )


def check_given(
    estimator, X, y, sample_weight, validation: tuple, *, resuming: bool = False
) -> Given:
    """Check rows, labels and validation rows, without changing the estimator.

    Parameters
    ----------
    estimator, X, y, sample_weight, validation : as in :func:`fit`
    resuming : bool, default=False
        Whether the rows are to fit the estimator's last fit.
    """
    rows = check_training_rows(estimator, X, y, sample_weight, reset=not resuming)
    labels = labels_of(estimator) if resuming else Labels.of(rows.y)
    encoding = Encoding(rows, labels)
    labels.check_several(encoding.indices, rows.sample_weight)
    checked = check_validation_rows(estimator, rows, labels, *validation)
    return Given(rows, labels, checked, encoding)


def begin(
    estimator,
    parameters: SimpleNamespace,
    given: Given,
    initial: tuple = (None, None),
    *,
    resuming: bool = False,
) -> Training:
    """A call to fit that is ready to be started.

    Parameters
    ----------
    estimator : BackpropMLPClassifier
    parameters : SimpleNamespace
        Its plain parameters.
    given : Given
    initial : tuple, default=(None, None)
        coef_init and intercept_init as passed to fit.
    resuming : bool, default=False
        Whether to continue the estimator's last fit.
    """
    network = _network(parameters, given.rows, given.labels)
    coef_init, intercept_init = initial
    weights = check_initial(network, coef_init, intercept_init, given.rows.X.dtype)
    _check_validation_is_used(estimator, parameters, given.validation)
    rule = _stopping_rule(parameters)
    training = _training(estimator, given, network, rule, resuming=resuming)
    if any(part is not None for part in weights):
        training.set_weights(*weights)
    training.state.begin_fit(finish_last=True)
    return training


def fit_parts(estimator, given: Given, parts: Parts, validation: Parts | None) -> str | None:
    """Train an estimator on rows that are in parts; return why it has not converged, if so.

    Parameters
    ----------
    estimator : BackpropMLPClassifier
        Its solver needs all rows at once.
    given : Given
        Some of the rows.
    parts : Parts
        All rows.
    validation : Parts or None
        The rows of ``early_stopping``, whose ``scoring`` is "accuracy" or "loss".
    """
    parameters = plain_parameters(estimator)
    check_parameters(estimator, parameters)
    training = begin(estimator, parameters, given)
    network, encoding = training.network, given.encoding
    training.state.judge_by(training.rule.criterion(None))
    solver, settings = solver_and_settings(parameters, network)
    samples = Samples(given.rows.X, encoding.targets(network), given.rows.sample_weight)
    rows = np.arange(len(encoding.indices), dtype=np.intp)
    objective = SummedObjective(
        parts,
        parts.problem(network, parameters.loss),
        parameters.alpha,
        Objective(network, parameters.loss, 0.0, samples, rows),
    )
    constant, score = parts.constant_loss(network, parameters.loss), None
    if validation is not None:
        score = score_on(validation, network, parameters.loss, parameters.scoring)
    # it has all that L-BFGS and those who watch it need
    whole = cast(Objective, objective)
    with training.started_on(whole, constant, score, solver, settings, NO_CALLBACKS) as run:
        run.advance(parameters.max_iter)
        warning = warning_of(training, run)
    publish(estimator, training, keep_state=False)
    return warning


def resume(parameters: SimpleNamespace, given: Given, paused: TrainingState) -> Training:
    """A call to fit that goes on from where another on the same rows has paused.

    Parameters
    ----------
    parameters : SimpleNamespace
        Those of the estimator.
    given : Given
    paused : TrainingState
        With its generator's state; it stays unchanged, and its arrays may be read-only.
    """
    state = paused.with_own_lists().copy_to_train(np.array(paused.theta))
    return Training(
        given,
        _network(parameters, given.rows, given.labels),
        _stopping_rule(parameters),
        state,
        restored_generator(state.random_state),
    )


def warning_of(training: Training, run: SolverRun) -> str | None:
    """Why training, if it ends now, has not converged."""
    return training.plateau_warning() or run.warning()


def partial_fit(estimator, X, y, classes, sample_weight) -> None:
    """Train an estimator for one epoch; the arguments are those of its method."""
    parameters = plain_parameters(estimator)
    check_parameters(estimator, parameters)
    resuming = hasattr(estimator, "coefs_")
    rows = check_training_rows(estimator, X, y, sample_weight, reset=not resuming)
    labels = labels_of(estimator) if resuming else Labels.given(classes, rows.y)
    labels.check_same(classes)
    given = Given(rows, labels, None, Encoding(rows, labels))
    network = _network(parameters, rows, labels)
    no_rule = StoppingRule(parameters.tol, patience=np.inf, ends_training=False)
    with unchanged_on_error(estimator.random_state):
        training = _training(estimator, given, network, no_rule, resuming=resuming)
        training.state.begin_fit(finish_last=False)
        _train(estimator, parameters, training, NO_CALLBACKS, 1, keep_state=True)


def _network(parameters: SimpleNamespace, rows: TrainingRows, labels: Labels) -> Network:
    return make_network(
        rows.X.shape[1],
        labels,
        rows.y,
        hidden_layer_sizes=parameters.hidden_layer_sizes,
        activation=parameters.activation,
        loss=parameters.loss,
        output_activation=parameters.output_activation,
    )


def _stopping_rule(parameters: SimpleNamespace) -> StoppingRule:
    return StoppingRule(
        parameters.tol,
        parameters.n_iter_no_change,
        parameters.scoring if parameters.early_stopping else None,
        parameters.validation_fraction,
    )


def _check_validation_is_used(
    estimator, parameters: SimpleNamespace, validation: ValidationRows | None
) -> None:
    early_stopping = parameters.early_stopping
    if validation is not None and not (early_stopping or has_callbacks(estimator)):
        raise ValueError(
            "X_val and y_val are for early_stopping=True, or for a callback, and"
            f" early_stopping={early_stopping!r}. Set it to True, or leave them out."
        )


def _training(estimator, given: Given, network, rule, *, resuming) -> Training:
    problem = given, network, rule, estimator.random_state
    if not resuming:
        return Training.new(*problem, plain(estimator.weight_init))
    weights = estimator.coefs_, estimator.intercepts_
    kept = getattr(estimator, "_training_state", None)
    if kept is None:
        losses = list(estimator.loss_curve_)
        kept = TrainingState(
            network.pack(*weights, given.rows.X.dtype),
            Curve(losses, min(losses, default=np.inf), estimator.loss_),
            n_samples_seen=estimator.t_,
            weight_seen=float(estimator.t_),
        )
    return Training.continued(*problem, kept, weights)


def solver_and_settings(
    parameters: SimpleNamespace, network: Network
) -> tuple[Solver, Settings]:
    """The solver that the parameters name, with its own parameters, and all others."""
    kind = SOLVERS[parameters.solver]
    dropout = check_dropout(parameters.dropout, network)
    if dropout and not kind.has_dropout:
        raise ValueError(
            f"dropout={parameters.dropout!r} does not go with solver={parameters.solver!r},"
            " whose objective must stay the same from one evaluation to the next; use"
            f" solver={solvers_with('has_dropout')}."
        )
    known = {
        **vars(parameters),
        "schedule_length": parameters.max_iter,
        "dropout": dropout,
    }
    solver = kind(**{field.name: known[field.name] for field in fields(kind)})
    return solver, Settings(
        loss=parameters.loss,
        alpha=parameters.alpha,
        class_weight=parameters.class_weight,
        n_jobs=parameters.n_jobs,
        verbose=parameters.verbose,
    )


def _train(
    estimator,
    parameters: SimpleNamespace,
    training: Training,
    task: FitTask,
    n_epochs: int,
    *,
    keep_state: bool,
) -> str | None:
    """Tell the callbacks, train and publish; return why training has not converged."""
    solver, settings = solver_and_settings(parameters, training.network)
    estimator._training = training  # where callbacks find it
    try:
        task.begin(n_epochs)
        return _run(estimator, training, solver, settings, task, n_epochs, keep_state)
    finally:
        del estimator._training


def _run(estimator, training, solver, settings, task, n_epochs, keep_state) -> str | None:
    """Train, then publish the weights; on Ctrl-C, publish those so far."""
    try:
        with training.started(solver, settings, task, n_epochs) as run:
            run.advance(n_epochs - training.state.n_iter_of_fit)
            warning = warning_of(training, run)
        publish(estimator, training, keep_state=keep_state)
        task.end()
    except KeyboardInterrupt:
        training.state.interrupted = True
        publish(estimator, training, keep_state=keep_state)
        task.end()
        raise
    except BaseException:
        training.roll_back()
        raise
    return warning
