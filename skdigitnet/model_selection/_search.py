"""Grid and randomized searches whose candidates share trainings."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

import numpy as np
from sklearn.model_selection import (
    GridSearchCV,
    ParameterGrid,
    ParameterSampler,
    RandomizedSearchCV,
)

from skdigitnet.model_selection._base import EpochSearch
from skdigitnet.model_selection._candidates import EPOCHS, final_step
from skdigitnet.model_selection._docstrings import documented


@documented
class EpochGridSearchCV(EpochSearch, GridSearchCV):
    """Grid search that trains once for every number of epochs.

    Gives the results of :class:`~sklearn.model_selection.GridSearchCV`, to the bit, sooner:
    candidates that differ only in ``max_iter`` are stages of one training, which is scored as
    it comes to each; rows are sliced, transformed and checked once for all candidates; and
    fits share the memory of one process. For :class:`skdigitnet.BackpropMLPClassifier` and a
    Pipeline that ends in one. Any other estimator is fitted for each candidate and split, as
    by scikit-learn.

    Parameters
    ----------
    estimator : estimator
    param_grid : dict or list of dict
        As for GridSearchCV.
    %(scoring_to_pre_dispatch)s
    %(error_score_to_journal)s

    Attributes
    ----------
    %(attributes)s

    See Also
    --------
    EpochRandomizedSearchCV : Candidates drawn at random.
    sklearn.model_selection.GridSearchCV : The same results.
    skdigitnet.plotting.SearchDisplay : Draws them.

    Notes
    -----
    A training is shared where its epochs provably do not depend on ``max_iter``. They do with
    the schedules of ``learning_rate`` that stretch over ``max_iter``, or a callable, and may
    with ``early_stopping`` by a function of the user's: those candidates have a training
    each. So they do if ``verbose``, ``warm_start`` or callbacks are set, when scikit-learn
    does all of the work. With ``random_state=None`` candidates that share a training share
    its random draws. Transformers of a Pipeline are fitted once for each split and their
    parameters.

    scikit-learn's callbacks are told of each fit when it has ended; those of epochs are not
    passed on to the fits.

    References
    ----------
    %(references)s

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_digits
    >>> from skdigitnet import BackpropMLPClassifier
    >>> from skdigitnet.model_selection import EpochGridSearchCV
    >>> X, y = load_digits(return_X_y=True)
    >>> clf = BackpropMLPClassifier((8,), n_iter_no_change=np.inf, random_state=0)
    >>> grid = {"alpha": [0.1, 1.0], "max_iter": [10, 20, 40, 80]}
    >>> search = EpochGridSearchCV(clf, grid).fit(X / 16, y)  # ten fits, of 80 epochs
    >>> search.best_params_
    {'alpha': 1.0, 'max_iter': 80}
    >>> search.cv_results_["mean_test_score"].shape
    (8,)
    """

    _parameter_constraints: ClassVar[dict] = {
        **GridSearchCV._parameter_constraints,
        **EpochSearch._parameter_constraints,
    }

    def __init__(
        self,
        estimator,
        param_grid,
        *,
        scoring=None,
        n_jobs=None,
        refit=True,
        cv=None,
        verbose=0,
        pre_dispatch="2*n_jobs",
        error_score=np.nan,
        return_train_score=False,
        factor=None,
        race=False,
        return_learning_curves=False,
        return_predictions=False,
        journal=None,
    ):
        super().__init__(
            estimator,
            param_grid,
            scoring=scoring,
            n_jobs=n_jobs,
            refit=refit,
            cv=cv,
            verbose=verbose,
            pre_dispatch=pre_dispatch,
            error_score=error_score,
            return_train_score=return_train_score,
        )
        self.factor = factor
        self.race = race
        self.return_learning_curves = return_learning_curves
        self.return_predictions = return_predictions
        self.journal = journal

    def _candidates(self) -> Iterable[dict]:
        return ParameterGrid(self.param_grid)


@documented
class EpochRandomizedSearchCV(EpochSearch, RandomizedSearchCV):
    """Randomized search that trains once for every number of epochs.

    Gives the results of :class:`~sklearn.model_selection.RandomizedSearchCV`, to the bit,
    sooner; see :class:`EpochGridSearchCV`.

    Parameters
    ----------
    estimator : estimator
    param_distributions : dict or list of dict
        As for RandomizedSearchCV.
    n_iter : int, default=10
        How many candidates are drawn; with ``factor``, of all parameters but ``max_iter``,
        of which ``param_distributions`` has to list the values.
    %(scoring_to_pre_dispatch)s
    random_state : int, RandomState instance or None, default=None
        Draws the candidates.
    %(error_score_to_journal)s

    Attributes
    ----------
    %(attributes)s

    See Also
    --------
    EpochGridSearchCV : All combinations of the values.
    sklearn.model_selection.RandomizedSearchCV : The same results.

    References
    ----------
    %(references)s

    Examples
    --------
    >>> import numpy as np
    >>> from scipy.stats import loguniform
    >>> from sklearn.datasets import load_digits
    >>> from skdigitnet import BackpropMLPClassifier
    >>> from skdigitnet.model_selection import EpochRandomizedSearchCV
    >>> X, y = load_digits(return_X_y=True)
    >>> clf = BackpropMLPClassifier((8,), n_iter_no_change=np.inf, random_state=0)
    >>> space = {"alpha": loguniform(1e-3, 10), "max_iter": [10, 20, 40]}
    >>> search = EpochRandomizedSearchCV(clf, space, n_iter=9, factor=3, random_state=0)
    >>> np.bincount(search.fit(X / 16, y).cv_results_["rung"].compressed())
    array([9, 3, 1])
    """

    _parameter_constraints: ClassVar[dict] = {
        **RandomizedSearchCV._parameter_constraints,
        **EpochSearch._parameter_constraints,
    }

    def __init__(
        self,
        estimator,
        param_distributions,
        *,
        n_iter=10,
        scoring=None,
        n_jobs=None,
        refit=True,
        cv=None,
        verbose=0,
        pre_dispatch="2*n_jobs",
        random_state=None,
        error_score=np.nan,
        return_train_score=False,
        factor=None,
        race=False,
        return_learning_curves=False,
        return_predictions=False,
        journal=None,
    ):
        super().__init__(
            estimator,
            param_distributions,
            n_iter=n_iter,
            scoring=scoring,
            n_jobs=n_jobs,
            refit=refit,
            cv=cv,
            verbose=verbose,
            pre_dispatch=pre_dispatch,
            random_state=random_state,
            error_score=error_score,
            return_train_score=return_train_score,
        )
        self.factor = factor
        self.race = race
        self.return_learning_curves = return_learning_curves
        self.return_predictions = return_predictions
        self.journal = journal

    def _candidates(self) -> Iterable[dict]:
        if self.factor is None:
            return ParameterSampler(
                self.param_distributions, self.n_iter, random_state=self.random_state
            )
        prefix, _ = final_step(self.estimator)
        name, others = prefix + EPOCHS, self.param_distributions
        stops = others.get(name) if isinstance(others, dict) else None
        if not isinstance(stops, list | tuple | range | np.ndarray):
            raise ValueError(
                f"factor={self.factor!r} needs the values of {name}: param_distributions must"
                f" be a dict with a list of them; it was {others!r:.100}."
            )
        others = {key: values for key, values in others.items() if key != name}
        drawn = ParameterSampler(others, self.n_iter, random_state=self.random_state)
        return [{**params, name: stop} for params in drawn for stop in stops]
