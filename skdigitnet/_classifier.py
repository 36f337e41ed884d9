"""The estimator: its parameters, what they may be, and its methods."""

from __future__ import annotations

import warnings
from importlib.metadata import metadata
from numbers import Integral, Real
from pathlib import Path
from typing import ClassVar

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, _fit_context
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import accuracy_score, get_scorer_names
from sklearn.utils._param_validation import Interval, Options, StrOptions
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from skdigitnet._core.plan import ACTIVATIONS, OUTPUT_LOSSES
from skdigitnet._problem.arguments import check_parameters, naming, plain, plain_parameters
from skdigitnet._problem.initial_weights import WEIGHT_INITS
from skdigitnet._problem.labels import as_labels
from skdigitnet._problem.output_layer import OutputLayer
from skdigitnet._problem.prediction import has_probabilities, labels_of, read_outputs
from skdigitnet._problem.rows import check_sample_weight
from skdigitnet._system.interrupts import uninterrupted
from skdigitnet._training import fitting, pickled
from skdigitnet._training.callback_bridge import CallbackSupportMixin
from skdigitnet._training.fitting import SOLVERS, solvers_with
from skdigitnet._training.published import replace_fit
from skdigitnet._training.schedules import SCHEDULES
from skdigitnet._training.weights_file import read_weights, write_weights


def _has_partial_fit(estimator) -> bool:
    solver = plain(estimator.solver)
    if isinstance(solver, str) and solver in SOLVERS and SOLVERS[solver].has_partial_fit:
        return True
    raise AttributeError(
        f"partial_fit is available for solver={solvers_with('has_partial_fit')};"
        f" solver={estimator.solver!r} needs all rows at once."
    )


def documentation_url() -> str:
    """The address of the documentation in the package's metadata, or ""."""
    for entry in metadata("skdigitnet").get_all("Project-URL") or []:
        label, _, url = entry.partition(", ")
        if label == "Documentation":
            return url.rstrip("/")
    return ""


class BackpropMLPClassifier(CallbackSupportMixin, ClassifierMixin, BaseEstimator):
    r"""Multilayer perceptron trained by backpropagation.

    Minimises, over the weights of a network with sigmoid hidden layers,

    .. math:: J = \frac{1}{W} \sum_i w_i \, loss(y_i, f(x_i))
       + \frac{\alpha}{2 W} \sum_l \lVert coefs_l \rVert^2, \qquad W = \sum_i w_i,

    where :math:`w_i` is the sample weight times the class weight. A mini-batch takes
    the weighted mean over its own rows for the first term and the same second term.
    Parameters have the names and meanings of
    :class:`~sklearn.neural_network.MLPClassifier`; the same ``random_state`` gives the
    same numbers with ``weight_init="sklearn"``.

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
        Cross-entropy, of one class among several with softmax outputs, and summed over
        yes-or-no outputs with logistic ones; or half the squared distance from the
        one-hot row.
    output_activation : {"auto", "softmax", "logistic", "identity"}, default="auto"
        "auto" is softmax for three classes or more, one logistic output for two
        classes, and a logistic output for each label of a multilabel y. "logistic" for
        three classes or more trains one yes-or-no output a class. "identity" goes with
        ``loss="squared_error"`` only and gives no probabilities.
    alpha : float, default=0.15
        Strength of the L2 penalty on the weights (not the intercepts). Unlike
        MLPClassifier's it does not depend on ``batch_size``.
    batch_size : int or "auto", default="auto"
        Rows in a mini-batch of SGD and Adam; "auto" is a fiftieth of the training rows,
        at least 50 and at most 200. All rows make one batch if there are fewer.
    learning_rate : str or callable, default="auto"
        Schedule of the step. "constant" is ``learning_rate_init`` throughout. "auto" is that
        until the stopping rule would stop; training then continues with a fifth of it, and
        the next time with a twenty-fifth, which averages out the noise of mini-batches. It
        stops at the third time, or at once on a plateau (see ``tol``). For SGD alone:
        "invscaling" is divided by ``(t + 1) ** power_t`` after epochs over rows of total
        weight t; "adaptive" is divided by 5 whenever the stopping rule would stop, until it
        is at most 1e-6. For SGD and Adam, a factor of ``learning_rate_init`` that
        depends on the completed share s of ``max_iter`` and restarts after ``max_iter``
        epochs: "linear" is 1 - s; "cosine" is (1 + cos(pi s)) / 2; "step" is 1, then 1/10
        from s = 1/2 on and 1/100 from 3/4 on; "one_cycle" rises in a line from 1/25 to 1
        at s = 0.3 and falls to 0 along a cosine. A callable maps s to the factor.
    learning_rate_init : float or "auto", default="auto"
        Step of SGD and Adam. "auto" depends on the activation: for SGD it is 0.5 with
        logistic units, 0.06 with tanh, 0.02 with ReLU and 0.005 with identity, for Adam 0.02
        with logistic units, 0.01 with tanh and 0.005 with others; with identity outputs,
        whose gradient is unbounded, at most 0.02.
    power_t : float, default=0.5
        Exponent of ``learning_rate="invscaling"``.
    max_iter : int, default=1000
        Largest number of epochs (SGD, Adam) or iterations (L-BFGS) in one call to fit;
        with ``warm_start``, one that Ctrl-C interrupted and the next count as one.
    shuffle : bool, default=True
        Whether SGD and Adam take the rows in a new order every epoch.
    random_state : int, RandomState instance or None, default=None
        Draws the initial weights, the held-out rows and the order of the rows.
    tol : float, default=1e-4
        The stopping rule: training ends when the loss, or with ``early_stopping`` the
        score, has not improved by ``tol`` for more than ``n_iter_no_change`` consecutive
        epochs, or ten times as many on a plateau, where the loss is not yet 5 % below that
        of the best constant. For L-BFGS without ``early_stopping``, which has its
        own rule on the loss, ``tol`` bounds the largest element of the gradient, except on a
        plateau.
    verbose : bool, default=False
        Whether to print the loss after each epoch or iteration.
    warm_start : bool, default=False
        Whether fit continues from the last fit (weights, optimiser, order of the rows
        and held-out rows) for ``max_iter`` more epochs: two such fits of five epochs are
        one of ten, bit for bit. L-BFGS continues from the weights alone.
    momentum : float, default=0.9
        Of SGD, in [0, 1].
    nesterovs_momentum : bool, default=True
        Whether SGD's momentum is Nesterov's.
    beta_1, beta_2 : float, default=0.9 and 0.999
        Decay rates of Adam's first and second moments, in [0, 1).
    epsilon : float, default=1e-8
        Added to Adam's denominator.
    early_stopping : bool, default=False
        Whether to stop when the score on validation rows no longer improves, and to
        publish the weights that scored best. The rows are ``X_val`` and ``y_val`` of
        :meth:`fit`, or else held out of X. Works with every solver.
    validation_fraction : float, default=0.1
        Share of the rows that ``early_stopping`` holds out, in (0, 1).
    scoring : str or callable, default="accuracy"
        The score of ``early_stopping``: the name of a scorer, a scorer
        ``scoring(estimator, X, y)``, or "loss" for minus the loss on the validation rows
        without the penalty. Sample weights and class weights count.
    n_iter_no_change : int, default=10
        Consecutive epochs without improvement that the stopping rule allows.
    dropout : float or sequence of float, default=0.0
        Share of the hidden units, of all hidden layers or of each, that SGD and Adam drop
        for each row in training, drawn anew every epoch; the others' outputs are divided
        by one minus it, so that predictions use the whole network [4]_. In [0, 1).
    max_fun : int, default=15000
        Largest number of evaluations of J by L-BFGS.
    weight_init : {"auto", "sklearn"}, default="auto"
        Distribution of the initial weights and intercepts of a layer from n_in to n_out
        units. "auto" is uniform in :math:`\pm g \sqrt{6 / (n_{in} + n_{out})}` [5]_, where g is
        4 for hidden layers of logistic units [6]_, 2 for those of tanh units and 1 for all
        others; a layer that logistic
        units feed has half the sum of each unit's weights taken from its intercept, so that
        its pre-activations are around 0. "sklearn" draws exactly MLPClassifier's, uniform in
        :math:`\pm \sqrt{c / (n_{in} + n_{out})}` with c = 2 for logistic units and c = 6
        otherwise; deep networks of logistic units do not learn from them.
    class_weight : dict, list of dict, "balanced" or None, default=None
        Weights of classes, multiplied into the sample weights. "balanced" gives every
        class the same total weight. For a multilabel y, a list with a dict for each
        output's 0 and 1.
    n_jobs : int or None, default=None
        Threads that one fit may use: None is one (unless :class:`joblib.parallel_config`
        says otherwise), -1 as many as there are processors. They change no bit of the
        result. A network too small to gain from them, and a fit inside a parallel
        search, uses one.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Class labels; column indices for a multilabel y.
    coefs_ : list of ndarray of shape (n_in, n_out)
        Weights of each layer. Prediction uses their current values.
    intercepts_ : list of ndarray of shape (n_out,)
        Intercepts of each layer.
    loss_ : float
        Value of J after the last epoch (its mean over the epoch's batches) or
        iteration.
    loss_curve_ : list of float
        The same after each epoch or iteration.
    best_loss_ : float or None
        Smallest value of ``loss_curve_``; None with ``early_stopping``.
    validation_scores_ : list of float or None
        Score on the validation rows after each epoch or iteration; None without
        ``early_stopping``.
    best_validation_score_ : float or None
        The best of these scores, that of the published weights; None without
        ``early_stopping``.
    best_iteration_ : int or None
        The epoch or iteration of that score, from 1; None without ``early_stopping``.
    n_iter_ : int
        Epochs or iterations so far, those before a warm start included.
    t_ : int
        Training rows processed so far.
    n_layers_ : int
        Layers, input and output included.
    n_outputs_ : int
        Outputs of the network.
    out_activation_ : str
        Activation of the outputs.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the features, where X has string names.

    See Also
    --------
    sklearn.neural_network.MLPClassifier : The same model in NumPy.

    Notes
    -----
    Six defaults differ from MLPClassifier's, which suit ReLU units: here they are
    ``activation="logistic"``, ``solver="sgd"`` with ``learning_rate_init="auto"`` instead of
    Adam with 0.001, ``learning_rate="auto"`` instead of "constant", ``max_iter=1000``
    instead of 200, and ``alpha=0.15`` instead of 0.0001; and "auto" stands for smaller batches.
    Sigmoid units have small derivatives and need large steps. The values were chosen on half
    of a collection of 119 data sets.

    References
    ----------
    .. [1] D. E. Rumelhart, G. E. Hinton and R. J. Williams, "Learning representations
       by back-propagating errors", Nature 323, 1986.
    .. [2] D. P. Kingma and J. Ba, "Adam: a method for stochastic optimization", ICLR
       2015.
    .. [3] R. H. Byrd, P. Lu, J. Nocedal and C. Zhu, "A limited memory algorithm for
       bound constrained optimization", SIAM J. Sci. Comput. 16, 1995.
    .. [4] N. Srivastava, G. Hinton, A. Krizhevsky, I. Sutskever and R. Salakhutdinov,
       "Dropout: a simple way to prevent neural networks from overfitting", JMLR 15, 2014.
    .. [5] X. Glorot and Y. Bengio, "Understanding the difficulty of training deep
       feedforward neural networks", AISTATS 2010.
    .. [6] Y. Bengio, "Practical recommendations for gradient-based training of deep
       architectures", in Neural Networks: Tricks of the Trade, 2012.

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
        "activation": [StrOptions(set(ACTIVATIONS))],
        "solver": [StrOptions(set(SOLVERS))],
        "loss": [StrOptions({loss for loss, _ in OUTPUT_LOSSES})],
        "output_activation": [StrOptions({"auto", *(out for _, out in OUTPUT_LOSSES)})],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "batch_size": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        "learning_rate": [
            StrOptions({"auto", "constant", "invscaling", "adaptive", *SCHEDULES}),
            callable,
        ],
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
        "scoring": [StrOptions({"loss", *get_scorer_names()}), callable],
        "n_iter_no_change": [
            Interval(Integral, 1, None, closed="left"),
            Options(Real, {np.inf}),
        ],
        "dropout": [Interval(Real, 0, 1, closed="left"), "array-like"],
        "max_fun": [Interval(Integral, 1, None, closed="left")],
        "weight_init": [StrOptions(set(WEIGHT_INITS))],
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
        alpha=0.15,
        batch_size="auto",
        learning_rate="auto",
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
        scoring="accuracy",
        n_iter_no_change=10,
        dropout=0.0,
        max_fun=15000,
        weight_init="auto",
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
        self.scoring = scoring
        self.n_iter_no_change = n_iter_no_change
        self.dropout = dropout
        self.max_fun = max_fun
        self.weight_init = weight_init
        self.class_weight = class_weight
        self.n_jobs = n_jobs

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
        X : {array-like, sparse matrix, RowBlocks} of shape (n_samples, n_features)
            float32 is trained in float32, a data frame too if all its columns are;
            everything else in float64. Sparse X is never made dense. For an X larger than
            memory give :class:`~skdigitnet.datasets.RowBlocks`; Dask's arrays and frames
            become that by themselves.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Class labels (numbers, strings, booleans or dates), or for multilabel
            classification an indicator matrix of 0 and 1.
        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each row, not negative; all ones by default.
        X_val : {array-like, sparse matrix} of shape (n_val, n_features), default=None
            Validation rows for ``early_stopping``, which then holds none out, and for
            callbacks. ``Pipeline(..., transform_input=["X_val"])`` transforms them like X.
        y_val : array-like of shape (n_val,) or (n_val, n_outputs), default=None
            Their labels.
        sample_weight_val : array-like of shape (n_val,), default=None
            Their weights; all ones by default.
        coef_init : list of array-like, default=None
            Initial weights, of shape (n_in, n_out) for each layer. Training starts
            afresh from them, whatever ``warm_start`` is. Random weights are drawn all
            the same, so the order of the rows does not depend on ``coef_init``.
        intercept_init : list of array-like, default=None
            Initial intercepts, of shape (n_out,) for each layer.

        Returns
        -------
        self : BackpropMLPClassifier

        Raises
        ------
        ValueError
            For a parameter, X, y, weights, validation rows or initial weights that cannot
            be used, which the message names; and at the end of the epoch or iteration in
            which training diverges: the loss or a weight is non-finite, or predictions are
            worse than a constant and the outputs, or X, too large to mean anything. The
            estimator is then unchanged.
        TypeError
            For objects in X or y that NumPy or scikit-learn cannot take.
        KeyboardInterrupt
            On Ctrl-C; once training has begun, the estimator is then fitted with the
            weights so far. With ``warm_start`` the next fit completes this one, to the bits
            of an uninterrupted fit (SGD and Adam).

        Warns
        -----
        ConvergenceWarning
            If training ends with predictions no better than a constant; and if it ends at
            ``max_iter`` or ``max_fun``, except for SGD and Adam with
            ``n_iter_no_change=np.inf``, which turns the stopping rule off.
        """
        warning = fitting.fit(
            self,
            X,
            y,
            sample_weight,
            validation=(X_val, y_val, sample_weight_val),
            initial=(coef_init, intercept_init),
        )
        if warning is not None:
            warnings.warn(warning, ConvergenceWarning, stacklevel=3)
        return self

    @available_if(_has_partial_fit)
    def partial_fit(self, X, y, classes=None, sample_weight=None):
        """Train for one epoch on these rows.

        The order of the rows, the optimiser's moments and the learning rate continue
        from call to call: n calls with the same rows are ``fit`` with ``max_iter=n``.
        No stopping rule applies and nothing is held out.

        Parameters
        ----------
        X : {array-like, sparse matrix, RowBlocks} of shape (n_samples, n_features)
            As in :meth:`fit`.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            As in :meth:`fit`; it need not contain every class.
        classes : array-like of shape (n_classes,), default=None
            Every class that any y will contain. Required in the first call, optional
            afterwards.
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
        fitting.partial_fit(self, X, y, classes, sample_weight)
        return self

    def decision_function(self, X) -> np.ndarray:
        """Pre-activations z of the output layer.

        Parameters
        ----------
        X : {array-like, sparse matrix, RowBlocks} of shape (n_samples, n_features)

        Returns
        -------
        z : ndarray of shape (n_samples,) or (n_samples, n_classes)
            For two classes one number a row, above zero where the second class is
            predicted: z of the one logistic output, z - 1/2 of the one identity
            output, or z[:, 1] - z[:, 0] of two softmax outputs. z - 1/2 also for
            multilabel identity outputs.

        Raises
        ------
        NotFittedError, TypeError, ValueError
            Before fit; for an X that cannot be used, or outputs that are not finite.
        """
        return read_outputs(self, X, OutputLayer.decision)

    def predict(self, X) -> np.ndarray:
        """Predicted labels.

        Parameters
        ----------
        X : {array-like, sparse matrix, RowBlocks} of shape (n_samples, n_features)

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_classes)
            The class of the largest output; an indicator matrix for multilabel
            classification.

        Raises
        ------
        NotFittedError, TypeError, ValueError
            Before fit; for an X that cannot be used, or outputs that are not finite.
        """
        indices = read_outputs(self, X, OutputLayer.indices)
        return labels_of(self).decode(indices)

    @available_if(has_probabilities)
    def predict_proba(self, X) -> np.ndarray:
        """Probability of each class.

        Parameters
        ----------
        X : {array-like, sparse matrix, RowBlocks} of shape (n_samples, n_features)

        Returns
        -------
        p : ndarray of shape (n_samples, n_classes)
            In the order of ``classes_``. Rows sum to one, except for multilabel
            classification, where each column is the probability of its label. The outputs
            of ``output_activation="logistic"`` for three classes or more are divided by
            their sum.

        Raises
        ------
        AttributeError
            With identity outputs, which have no probabilities.
        NotFittedError, TypeError, ValueError
            Before fit; for an X that cannot be used, or outputs that are not finite.
        """
        return read_outputs(self, X, OutputLayer.probabilities)

    @available_if(has_probabilities)
    def predict_log_proba(self, X) -> np.ndarray:
        """Logarithm of :meth:`predict_proba`, exact where the probability underflows.

        Parameters
        ----------
        X : {array-like, sparse matrix, RowBlocks} of shape (n_samples, n_features)

        Returns
        -------
        log_p : ndarray of shape (n_samples, n_classes)

        Raises
        ------
        AttributeError, NotFittedError, TypeError, ValueError
            As :meth:`predict_proba`.
        """
        return read_outputs(self, X, OutputLayer.log_probabilities)

    def score(self, X, y, sample_weight=None) -> float:
        """Accuracy: the share of the rows whose label, or labels, are all predicted.

        Parameters
        ----------
        X : {array-like, sparse matrix, RowBlocks} of shape (n_samples, n_features)
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

    def save_weights(self, path) -> None:
        """Write the weights to a file, without the training state and without pickle.

        The file holds what prediction depends on: weights, classes, names of features,
        activations and the loss. It is an npz file, which ``numpy.load`` opens too:
        ``coefs_0``, ``intercepts_0``, ``coefs_1`` and so on.

        Parameters
        ----------
        path : str or path-like
            The file, usually with a name that ends in ".npz". One that exists is
            replaced atomically.

        Raises
        ------
        NotFittedError
            Before fit.
        ValueError
            If the classes are neither numbers nor booleans nor strings.

        See Also
        --------
        load_weights : The inverse.
        """
        check_is_fitted(self)
        write_weights(Path(path), self)

    def load_weights(self, path):
        """Load the weights from a file that :meth:`save_weights` wrote.

        The estimator is then fitted, and predicts to the bits of the one that was saved.
        It counts as untrained: ``n_iter_`` and ``t_`` are 0, ``loss_`` is NaN and
        ``loss_curve_`` empty. The parameters ``hidden_layer_sizes``, ``activation``,
        ``loss`` and ``output_activation`` become those of the network; the others stay.
        ``partial_fit``, and ``fit`` with ``warm_start=True``, continue from the weights,
        with a new optimiser and a new order of the rows.

        Safe for untrusted files: no code is executed, memory stays below sixteen times the
        size of the file, plus 2 MiB, and everything is checked before the estimator changes.

        Parameters
        ----------
        path : str or path-like

        Returns
        -------
        self : BackpropMLPClassifier

        Raises
        ------
        ValueError
            If the file is damaged, was not written by ``save_weights``, or is of a newer
            version of skdigitnet.
        FileNotFoundError
            If the file does not exist.

        See Also
        --------
        save_weights : The inverse.
        """
        attributes = read_weights(Path(path))
        with uninterrupted():
            replace_fit(self, attributes)
        return self

    def _validate_params(self) -> None:
        check_parameters(self, plain_parameters(self))

    def __getstate__(self) -> dict:
        return pickled.to_keep(super().__getstate__())

    def __setstate__(self, state: dict) -> None:
        super().__setstate__(pickled.kept(state, type(self)))

    @property
    def _doc_link_template(self) -> str:
        return f"{documentation_url()}/generated/{{estimator_module}}.{{estimator_name}}.html"

    @property
    def _doc_link_module(self) -> str:
        """The package of the page that the HTML representation links to, or ""."""
        return "skdigitnet" if documentation_url() else ""

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        is_softmax = isinstance(self.output_activation, str) and (
            self.output_activation == "softmax"
        )
        tags.classifier_tags.multi_label = not is_softmax
        return tags
