"""The estimator: parameters, validation, and what fit publishes."""

from __future__ import annotations

import warnings
from dataclasses import MISSING, fields, replace
from numbers import Integral, Real
from typing import ClassVar

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, _fit_context
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils._param_validation import Interval, Options, StrOptions
from sklearn.utils.metaestimators import available_if

from skdigitnet._lbfgs import LBFGSSolver
from skdigitnet._network import Network
from skdigitnet._prediction import PredictionMixin
from skdigitnet._sgd import StochasticSolver
from skdigitnet._stopping import TrainingState
from skdigitnet._training import Training, unchanged_on_error
from skdigitnet._validation import (
    Labels,
    TrainingRows,
    check_initial,
    check_training_rows,
    make_network,
)


def _is_stochastic(estimator) -> bool:
    if estimator.solver in ("sgd", "adam"):
        return True
    raise AttributeError(
        f"partial_fit is there for solver='sgd' and solver='adam'; solver={estimator.solver!r}"
        " needs all rows at once."
    )


class BackpropMLPClassifier(PredictionMixin, ClassifierMixin, BaseEstimator):
    r"""Multilayer perceptron trained by backpropagation.

    Minimises, over the weights of a network with sigmoid hidden layers,

    .. math:: J = \frac{1}{W} \sum_i w_i \, loss(y_i, f(x_i))
       + \frac{\alpha}{2 W} \sum_l \lVert coefs_l \rVert^2, \qquad W = \sum_i w_i,

    where :math:`w_i` is the sample weight times the class weight. A mini-batch takes
    the weighted mean over its own rows for the first term and the same second term.
    Parameters have the names and meanings of
    :class:`~sklearn.neural_network.MLPClassifier`; the same ``random_state`` gives the
    same numbers.

    Parameters
    ----------
    hidden_layer_sizes : int or sequence of int, default=(100,)
        Units of each hidden layer. ``()`` is softmax (or logistic) regression.
    activation : {"logistic", "tanh", "relu", "identity"}, default="logistic"
        Of the hidden layers.
    solver : {"sgd", "adam", "lbfgs"}, default="sgd"
        Mini-batch gradient descent with momentum; Adam [2]_; or SciPy's L-BFGS-B [3]_
        on all rows at once, for small data.
    loss : {"log_loss", "squared_error"}, default="log_loss"
        Cross-entropy, of one class in several with softmax outputs, and summed over
        the outputs, each yes or no, with logistic ones; or half the squared distance
        from the one-hot row.
    output_activation : {"auto", "softmax", "logistic", "identity"}, default="auto"
        "auto" is softmax for three classes or more, one logistic output for two
        classes, and a logistic output a label for several labels a row. "logistic" for
        three classes or more trains one yes-or-no output a class. "identity" goes with
        ``loss="squared_error"`` only and gives no probabilities.
    alpha : float, default=0.0001
        Strength of the L2 penalty on the weights (not the intercepts). Unlike
        MLPClassifier's it does not depend on ``batch_size``.
    batch_size : int or "auto", default="auto"
        Rows in a mini-batch of SGD and Adam; "auto" is 200. All rows make one batch if
        there are fewer.
    learning_rate : {"constant", "invscaling", "adaptive", "linear"}, default="constant"
        Schedule of the step. "constant" is ``learning_rate_init`` throughout. "linear",
        for SGD and Adam, falls by ``learning_rate_init / max_iter`` after each epoch, so
        that it would be zero after ``max_iter`` of them; then it starts again. For SGD
        alone: "invscaling" is divided by ``(t + 1) ** power_t`` after epochs over rows of
        total weight t; "adaptive" is divided by 5 whenever the stopping rule would stop,
        until it is at most 1e-6.
    learning_rate_init : float or "auto", default="auto"
        Step of SGD and Adam; "auto" is 0.2 for SGD, 0.02 for SGD with identity outputs
        (whose gradient has no bound), and 0.01 for Adam.
    power_t : float, default=0.5
        Exponent of ``learning_rate="invscaling"``.
    max_iter : int, default=1000
        Largest number of epochs (SGD, Adam) or iterations (L-BFGS) in one call to fit.
    shuffle : bool, default=True
        Whether SGD and Adam take the rows in a new order every epoch.
    random_state : int, RandomState instance or None, default=None
        Draws the initial weights, the held-out rows and the order of the rows.
    tol : float, default=1e-4
        The stopping rule: training ends when the loss, or with ``early_stopping`` the
        score, has not improved by ``tol`` for more than ``n_iter_no_change`` epochs in
        a row. For L-BFGS without ``early_stopping``, which has its own rule on the
        loss, ``tol`` bounds the largest element of the gradient.
    verbose : bool, default=False
        Whether to print the loss after each epoch or iteration.
    warm_start : bool, default=False
        Whether fit goes on from the last fit (weights, optimiser, order of the rows
        and held-out rows), ``max_iter`` epochs more: two such fits of five epochs are
        one of ten, bit for bit. L-BFGS goes on from the weights alone.
    momentum : float, default=0.9
        Of SGD, in [0, 1].
    nesterovs_momentum : bool, default=True
        Whether SGD's momentum is Nesterov's.
    beta_1, beta_2 : float, default=0.9 and 0.999
        Decay rates of Adam's first and second moments, in [0, 1).
    epsilon : float, default=1e-8
        Added to Adam's denominator.
    early_stopping : bool, default=False
        Whether to hold out rows, to stop when the accuracy on them no longer improves,
        and to keep the weights that were best on them. Holds for every solver.
    validation_fraction : float, default=0.1
        Share of the rows that ``early_stopping`` holds out, in (0, 1).
    n_iter_no_change : int, default=10
        Epochs without improvement that the stopping rule lets pass.
    max_fun : int, default=15000
        Largest number of evaluations of J by L-BFGS.
    class_weight : dict, list of dict, "balanced" or None, default=None
        Weights of classes, multiplied into the sample weights. "balanced" gives every
        class the same total weight. For several labels a row, a list with a dict for
        each output's 0 and 1.
    n_jobs : int or None, default=None
        Threads that one fit may use: None is one (unless :class:`joblib.parallel_config`
        says otherwise), -1 as many as there are processors. They change no bit of the
        result. A network too small to gain from them, and a fit inside a parallel
        search, keeps to one.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Class labels; column indices for several labels a row.
    coefs_ : list of ndarray of shape (n_in, n_out)
        Weights of each layer. Prediction reads them as they stand.
    intercepts_ : list of ndarray of shape (n_out,)
        Intercepts of each layer.
    loss_ : float
        Value of J after the last epoch (its mean over the epoch's batches) or
        iteration.
    loss_curve_ : list of float
        The same after each epoch or iteration.
    best_loss_ : float or None
        Smallest of them; None with ``early_stopping``.
    validation_scores_ : list of float or None
        Accuracy on the held-out rows after each epoch or iteration; None without
        ``early_stopping``.
    best_validation_score_ : float or None
        That of the published weights; None without ``early_stopping``.
    n_iter_ : int
        Epochs or iterations so far, those before a warm start included.
    t_ : int
        Training rows gone through so far.
    n_layers_ : int
        Layers, input and output included.
    n_outputs_ : int
        Outputs of the network.
    out_activation_ : str
        Activation of the outputs.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features, where X has string names.

    See Also
    --------
    sklearn.neural_network.MLPClassifier : The same model in NumPy.

    Notes
    -----
    Four defaults differ from MLPClassifier's, which suit ReLU units: here they are
    ``activation="logistic"``, ``solver="sgd"`` with ``learning_rate_init="auto"``
    instead of Adam with 0.001, and ``max_iter=1000`` instead of 200. Sigmoid units have
    small derivatives and want large steps. The steps were chosen by cross-validation on
    small data sets and on a validation split of MNIST.

    References
    ----------
    .. [1] D. E. Rumelhart, G. E. Hinton and R. J. Williams, "Learning representations
       by back-propagating errors", Nature 323, 1986.
    .. [2] D. P. Kingma and J. Ba, "Adam: a method for stochastic optimization", ICLR
       2015.
    .. [3] R. H. Byrd, P. Lu, J. Nocedal and C. Zhu, "A limited memory algorithm for
       bound constrained optimization", SIAM J. Sci. Comput. 16, 1995.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.model_selection import train_test_split
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from skdigitnet import BackpropMLPClassifier
    >>> X, y = load_digits(return_X_y=True)
    >>> X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
    >>> clf = make_pipeline(StandardScaler(), BackpropMLPClassifier(random_state=0))
    >>> clf.fit(X_train, y_train).score(X_test, y_test) > 0.97
    True
    """

    _parameter_constraints: ClassVar[dict] = {
        "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
        "activation": [StrOptions({"identity", "logistic", "tanh", "relu"})],
        "solver": [StrOptions({"lbfgs", "sgd", "adam"})],
        "loss": [StrOptions({"log_loss", "squared_error"})],
        "output_activation": [StrOptions({"auto", "softmax", "logistic", "identity"})],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "batch_size": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        "learning_rate": [StrOptions({"constant", "invscaling", "adaptive", "linear"})],
        "learning_rate_init": [StrOptions({"auto"}), Interval(Real, 0, None, closed="neither")],
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
        "n_jobs": [
            Interval(Integral, None, -1, closed="right"),
            Interval(Integral, 1, None, closed="left"),
            None,
        ],
    }

    def __init__(
        self,
        hidden_layer_sizes=(100,),
        activation="logistic",
        *,
        solver="sgd",
        loss="log_loss",
        output_activation="auto",
        alpha=0.0001,
        batch_size="auto",
        learning_rate="constant",
        learning_rate_init="auto",
        power_t=0.5,
        max_iter=1000,
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
        n_jobs=None,
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
        self.n_jobs = n_jobs

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
            On Ctrl-C; once training has begun the estimator is then fitted with the
            weights so far.

        Warns
        -----
        ConvergenceWarning
            If training ends at ``max_iter`` or ``max_fun``.
        """
        afresh = coef_init is not None or intercept_init is not None
        going_on = self.warm_start and hasattr(self, "coefs_") and not afresh
        rows = check_training_rows(self, X, y, sample_weight, reset=not going_on)
        labels = self._labels() if going_on else Labels.of(rows.y)
        labels.check_complete(rows.y[rows.sample_weight > 0])
        network = self._network(rows, labels)
        initial = check_initial(network, coef_init, intercept_init, rows.X.dtype)
        fraction = self.validation_fraction if self.early_stopping else None
        with unchanged_on_error(self.random_state):
            training = self._training(rows, labels, network, going_on=going_on)
            if afresh:
                training.set_weights(*initial)
            warning = self._train(
                training, self._solver(), fraction, keep_state=self.warm_start
            )
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
        ValueError
            As in :meth:`fit`; and for a label that is not among the classes.
        """
        self._validate_params()
        going_on = hasattr(self, "coefs_")
        rows = check_training_rows(self, X, y, sample_weight, reset=not going_on)
        labels = self._labels() if going_on else Labels.given(classes, rows.y)
        labels.check_same(classes)
        network = self._network(rows, labels)
        one_epoch = replace(self._solver(), n_epochs=1, n_iter_no_change=np.inf)
        with unchanged_on_error(self.random_state):
            training = self._training(rows, labels, network, going_on=going_on)
            self._train(training, one_epoch, None, keep_state=True)
        return self

    def _network(self, rows: TrainingRows, labels: Labels) -> Network:
        return make_network(
            rows.X.shape[1],
            labels,
            hidden_layer_sizes=self.hidden_layer_sizes,
            activation=self.activation,
            loss=self.loss,
            output_activation=self.output_activation,
        )

    def _training(
        self, rows: TrainingRows, labels: Labels, network: Network, *, going_on: bool
    ) -> Training:
        if not going_on:
            return Training.new(rows, labels, network, self.random_state)
        theta = network.pack(self.coefs_, self.intercepts_, rows.X.dtype)
        kept = getattr(self, "_training_state", None)
        if kept is None:
            kept = TrainingState(
                theta, self.loss_, list(self.loss_curve_), self.t_, float(self.t_)
            )
        return Training.continued(rows, labels, network, kept, theta, self.random_state)

    def _solver(self) -> StochasticSolver | LBFGSSolver:
        kind = LBFGSSolver if self.solver == "lbfgs" else StochasticSolver
        return kind(
            **{f.name: getattr(self, f.name) for f in fields(kind) if f.default is MISSING}
        )

    def _train(
        self, training: Training, solver, validation_fraction: float | None, *, keep_state: bool
    ) -> str | None:
        """Train and publish, on Ctrl-C what there is; return the solver's warning."""
        try:
            warning = training.run(
                solver,
                loss=self.loss,
                alpha=self.alpha,
                class_weight=self.class_weight,
                validation_fraction=validation_fraction,
                n_jobs=self.n_jobs,
            )
        except KeyboardInterrupt:
            self._publish(training, keep_state)
            raise
        self._publish(training, keep_state)
        return warning

    def _publish(self, training: Training, keep_state: bool) -> None:
        network, state = training.network, training.state
        theta = state.published_theta
        for name in ("n_features_in_", "feature_names_in_", "_training_state"):
            self.__dict__.pop(name, None)
        self.__dict__.update(training.rows.features)
        if keep_state:
            # training goes on in the state's own arrays, so publish a copy
            self._training_state, theta = state, theta.copy()
        self.classes_, self._multilabel = training.labels.classes, training.labels.multilabel
        self.coefs_, self.intercepts_ = network.unpack(theta)
        self.n_layers_, self.n_outputs_ = len(network.layer_sizes), network.n_outputs
        self.out_activation_ = network.out_activation
        self.n_iter_, self.t_ = len(state.loss_curve), state.n_samples_seen
        self.loss_, self.loss_curve_ = state.loss, list(state.loss_curve)
        self.best_loss_ = self.validation_scores_ = self.best_validation_score_ = None
        if state.held_out is None:
            self.best_loss_ = min(self.loss_curve_, default=self.loss_)
        else:
            self.validation_scores_ = list(state.validation_scores)
            self.best_validation_score_ = None if state.best_theta is None else state.best

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.classifier_tags.multi_label = self.output_activation != "softmax"
        return tags
