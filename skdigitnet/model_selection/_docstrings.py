"""What the docstrings of all searches have in common, written once."""

from __future__ import annotations

import inspect

TEXTS = {
    "scoring_to_pre_dispatch": """
scoring : str, callable, list, tuple, dict or None, default=None
    As for :class:`~sklearn.model_selection.GridSearchCV`.
n_jobs : int or None, default=None
    Fits at the same time, in threads of this process, one thread each. With
    :class:`joblib.parallel_config` they run where it says: in other processes, or on all
    workers of a Dask cluster, whichever of them die. Estimators that are not ours run in
    processes, as in scikit-learn.
refit : bool, str or callable, default=True
    As for GridSearchCV. With ``factor`` and several metrics, the name of the one by which
    candidates are eliminated.
cv : int, splitter, iterable or None, default=None
    As for GridSearchCV.
verbose : int, default=0
    As for GridSearchCV, but that a line is printed when a fit ends, not when it begins.
pre_dispatch : int or str, default="2*n_jobs"
    As for GridSearchCV, where other processes fit.
""",
    "error_score_to_journal": """
error_score : "raise" or float, default=np.nan
    As for GridSearchCV.
return_train_score : bool, default=False
    Whether ``cv_results_`` has the scores on the training rows too.
factor : float or None, default=None
    Successive halving [1]_: all candidates are trained to the smallest ``max_iter``; one
    in ``factor`` of them, those with the best mean test score, are trained on to the next;
    and so on. None trains all of them to the end.
race : bool, default=False
    Whether a candidate that falls behind on some splits is not trained on the others: from
    the second split on, one whose mean score is below the worst score of the leader [2]_.
    Not with ``factor``.
return_learning_curves : bool, default=False
    Whether to score after every epoch, for ``learning_curves_``.
return_predictions : bool or str, default=False
    Whether to keep the predictions for the test rows of each split; a str is the method
    to predict with, such as "predict_proba".
journal : str, path-like or None, default=None
    A file that keeps every fit's scores as soon as they are known. The same search with
    the same data reads them from there instead of training again, whatever ``n_jobs``
    and however the last process ended; more candidates may be added. Everything that
    scores depend on must be known to a later process: ``random_state`` an integer and
    scorers that can be imported. See :func:`read_journal`.
""",
    "attributes": """
cv_results_ : dict of str to ndarray
    As GridSearchCV's, to the bit but for times. With ``factor``, arrays are masked where a
    candidate was eliminated before, ranks are among the candidates of the same rung, and
    ``rung`` has its number, from 0. With ``race``, those of splits that a candidate was not
    trained on, its means are over the others, ranks are among the candidates with as many
    splits, and ``n_splits`` has their number.
best_index_ : int
    The candidate with the best mean test score; with ``factor``, of the last rung, with
    ``race``, of those on all splits.
best_params_ : dict
    Its parameters.
best_score_ : float
    Its mean test score. Not there if ``refit`` is a function.
best_estimator_ : estimator
    Fitted with them to all rows, and so ``classes_`` and ``n_features_in_`` are there too.
    Not with ``refit=False``.
learning_curves_ : dict of str to ndarray of shape (n_candidates, n_splits, n_epochs)
    By "test_score", or the names of several metrics, and "train_score" with
    ``return_train_score``: the score that a fit would have that ends with this epoch or
    iteration. NaN after the end of training.
predictions_ : list of list of ndarray
    By candidate and split, for the rows of ``test_indices_``; None where a fit has failed
    or was not made.
test_indices_ : list of ndarray
    The test rows of each split.
scorer_ : callable or dict of callables
n_splits_ : int
refit_time_ : float
    Seconds that the last fit took, to all rows.
multimetric_ : bool
    Whether there are several metrics.
feature_names_in_ : ndarray of shape (n_features,)
""",
    "references": """
.. [1] K. Jamieson and A. Talwalkar, "Non-stochastic best arm identification and
   hyperparameter optimization", AISTATS 2016.
.. [2] E. Bergman, L. Purucker and F. Hutter, "Don't waste your time: early stopping
   cross-validation", AutoML 2024.
""",
}


def documented(search: type) -> type:
    """The class, each name in its docstring replaced by the text: ``%(name)s`` on a line."""
    if search.__doc__ is not None:  # which it is with python -OO
        texts = {name: text.strip("\n") for name, text in TEXTS.items()}
        search.__doc__ = inspect.cleandoc(search.__doc__) % texts
    return search
