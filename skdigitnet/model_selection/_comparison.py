"""Whether one candidate of a search is better than another, as far as its folds can tell."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

import numpy as np
from scipy import stats
from sklearn.model_selection import BaseShuffleSplit, LeaveOneOut, TimeSeriesSplit
from sklearn.model_selection._split import _BaseKFold, _RepeatedSplits
from sklearn.utils.validation import check_is_fitted

# scores that differ by less, of the largest, are the same but for rounding
ROUNDING = 16 * np.finfo(float).eps


@dataclass(frozen=True, repr=False, eq=False)
class Comparison:
    """Two candidates of a search, compared on the same folds.

    Attributes
    ----------
    candidates : tuple of int
        The two, by their place in ``cv_results_``.
    params : tuple of dict
        What they set.
    metric : str
        Of the scores.
    scores : ndarray of shape (n_splits, 2)
        The pairs, a row for each split; NaN where a candidate has no score.
    difference : float
        The mean of the first candidate's scores minus the second's, over the splits where
        both have one; positive if the first is better.
    interval : tuple of float
        Confidence interval of the difference. NaN with a single pair, or without any
        variation among the differences.
    p_value : float
        Two-sided, of the hypothesis that the two do equally well. It is 1 if they have the
        same score on every split, and NaN if there is a single pair, or if they differ by
        the same amount on every split: then there is nothing to estimate a variance from.
    confidence : float
        Of the interval.
    test_fraction : float
        Share of the rows that a split tests on, in the correction.
    """

    candidates: tuple[int, int]
    params: tuple[Mapping[str, Any], Mapping[str, Any]]
    metric: str
    scores: np.ndarray
    difference: float
    interval: tuple[float, float]
    p_value: float
    confidence: float
    test_fraction: float

    def __repr__(self) -> str:
        pairs = self.scores[~np.isnan(self.scores).any(axis=1)]
        n_left_out = len(self.scores) - len(pairs)
        of_those = f", {n_left_out} more left out, where a score is NaN" if n_left_out else ""
        low, high = self.interval
        lines = [
            f"Comparison by {self.metric} on {_count(len(pairs), 'split')}{of_those}",
            *(
                f"  candidate {i}: {mean:.4f} with {dict(params)}"
                for i, params, mean in zip(
                    self.candidates, self.params, pairs.mean(axis=0), strict=True
                )
            ),
            f"  difference:  {self.difference:+.4f}",
        ]
        if not np.isnan(low):
            share = f"{100 * self.confidence:g} % interval"
            lines[-1] += f", {share} {low:+.4f} to {high:+.4f}"
        lines.append(f"  p = {self.p_value:.3g}, by the corrected resampled t-test")
        if len(pairs) == 1:
            lines[-1] = "  no test: one split has no spread"
        elif np.isnan(low):
            lines[-1] = "  no test: the difference is the same on every split"
        return "\n".join(lines)


def compare_candidates(search, i, j, *, metric=None, test_fraction=None, confidence=0.95):
    r"""Compare two candidates of a fitted search by the corrected resampled t-test.

    The scores of different splits are not independent, for the splits share rows. The
    usual paired t-test takes them for independent and finds differences where there are
    none. This one multiplies the variance of the mean difference, with :math:`n` splits that
    each train on :math:`n_1` rows and test on :math:`n_2`, by :math:`1 + n n_2 / n_1` [1]_:

    .. math:: t = \frac{\bar d}{\sqrt{(1 / n + n_2 / n_1) \, s^2}},

    where :math:`\bar d` is the mean and :math:`s^2` the unbiased variance of the
    differences, and :math:`t` has Student's distribution with :math:`n - 1` degrees of
    freedom.

    Parameters
    ----------
    search : fitted search
        Of this package or of scikit-learn: what has ``cv_results_``.
    i, j : int
        The candidates, by their place in ``cv_results_``; ``search.best_index_`` is one.
    metric : str, default=None
        Which of several metrics; None is the one that ``refit`` names, or the only one.
    test_fraction : float, default=None
        Share of the rows that each split tests on, in (0, 1), the others being trained on:
        :math:`n_2 / (n_1 + n_2)`. None derives it from the search's ``cv``, which is
        possible for an int, a k-fold (repeated too), leave-one-out, random splits with
        sizes as fractions, and a list of splits.
    confidence : float, default=0.95
        Of the interval, in (0, 1).

    Returns
    -------
    comparison : Comparison
        ``difference`` (positive if i is better), ``interval``, ``p_value``, ``scores`` (the
        pairs), and a ``repr`` that says it all. Splits where either score is NaN are left
        out.

    Raises
    ------
    ValueError
        If a candidate or metric is not there, the two have no split in common, a score is
        infinite, or ``test_fraction`` is needed.

    Notes
    -----
    The correction was derived for random splits. On a k-fold, whose tests do not overlap but
    whose training rows do, no estimate of the variance is unbiased [2]_; the same formula is
    then a common choice, also for repeated k-folds [3]_. Five folds can only show large
    differences: ten times ten folds see more.

    The p-value is of two candidates that were chosen before the scores were seen. The best
    of many is ahead of the others by luck as well.

    References
    ----------
    .. [1] C. Nadeau and Y. Bengio, "Inference for the generalization error", Machine
       Learning 52, 239-281, 2003.
    .. [2] Y. Bengio and Y. Grandvalet, "No unbiased estimator of the variance of K-fold
       cross-validation", Journal of Machine Learning Research 5, 1089-1105, 2004.
    .. [3] R. R. Bouckaert and E. Frank, "Evaluating the replicability of significance tests
       for comparing learning algorithms", PAKDD 2004, 3-12.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.model_selection import GridSearchCV
    >>> from skdigitnet import BackpropMLPClassifier
    >>> from skdigitnet.model_selection import compare_candidates
    >>> X, y = load_digits(return_X_y=True)
    >>> clf = BackpropMLPClassifier((20,), max_iter=300, tol=1e-3, random_state=0)
    >>> search = GridSearchCV(clf, {"alpha": [0.1, 10]}, cv=5).fit(X / 16, y)
    >>> comparison = compare_candidates(search, 0, 1)
    >>> comparison.difference > 0, comparison.p_value < 0.05
    (True, True)
    """
    check_is_fitted(search, "cv_results_")
    results = search.cv_results_
    metric = _metric(search, metric)
    i, j = (_candidate(name, value, results) for name, value in (("i", i), ("j", j)))
    if i == j:
        raise ValueError(f"i and j must be two candidates; both are {i}.")
    _check_same_rows(search, i, j)
    if not (isinstance(confidence, Real) and 0 < confidence < 1):
        raise ValueError(f"confidence must be in (0, 1); it is {confidence!r}.")
    if test_fraction is None:
        test_fraction = _test_fraction(search)
    if not (isinstance(test_fraction, Real) and 0 < test_fraction < 1):
        raise ValueError(f"test_fraction must be in (0, 1); it is {test_fraction!r}.")
    scores = _scores(results, metric, (i, j))
    difference, interval, p_value = _corrected_t_test(
        scores, test_fraction / (1 - test_fraction), confidence
    )
    params = (results["params"][i], results["params"][j])
    return Comparison(
        (i, j),
        params,
        metric,
        scores,
        difference,
        interval,
        p_value,
        float(confidence),
        float(test_fraction),
    )


def _corrected_t_test(
    scores: np.ndarray, test_to_train: float, confidence: float
) -> tuple[float, tuple[float, float], float]:
    """The mean difference of the pairs without NaN, its interval, and p."""
    pairs = scores[~np.isnan(scores).any(axis=1)]
    differences = pairs[:, 0] - pairs[:, 1]
    n, mean = len(differences), float(differences.mean())
    if n == 1:
        return mean, (np.nan, np.nan), np.nan
    rounding = ROUNDING * np.abs(pairs).max()
    if np.ptp(differences) <= rounding:
        return mean, (np.nan, np.nan), 1.0 if abs(mean) <= rounding else np.nan
    error = np.sqrt((1 / n + test_to_train) * differences.var(ddof=1))
    half = float(stats.t.ppf((1 + confidence) / 2, n - 1) * error)
    p_value = float(2 * stats.t.sf(abs(mean) / error, n - 1))
    return mean, (mean - half, mean + half), p_value


def _metric(search: Any, metric: str | None) -> str:
    names = [name[10:] for name in search.cv_results_ if name.startswith("mean_test_")]
    if metric is None:
        refit = getattr(search, "refit", None)
        metric = names[0] if len(names) == 1 else refit if isinstance(refit, str) else None
    if metric is None or metric not in names:
        raise ValueError(
            f"metric must be one of those of the search, {', '.join(names)}; it is {metric!r}."
        )
    return metric


def _candidate(name: str, value: Any, results: Mapping[str, Any]) -> int:
    n_candidates = len(results["params"])
    if not (isinstance(value, Integral) and 0 <= int(value) < n_candidates):
        raise ValueError(
            f"{name} must be the place of a candidate in cv_results_, from 0 to"
            f" {n_candidates - 1}; it is {value!r}."
        )
    return int(value)


def _check_same_rows(search: Any, i: int, j: int) -> None:
    """A halving search over rows scores the candidates of each round on rows of its own."""
    rounds = search.cv_results_.get("iter")
    by_rows = getattr(search, "resource", None) == "n_samples"
    if rounds is not None and by_rows and rounds[i] != rounds[j]:
        raise ValueError(
            f"Candidates {i} and {j} were scored on different rows, in rounds {rounds[i]} and"
            f" {rounds[j]} of the search; compare two of the same round."
        )


def _scores(results: Mapping[str, Any], metric: str, candidates: Sequence[int]) -> np.ndarray:
    """The candidates' scores, a row for each split."""
    split = re.compile(rf"split(\d+)_test_{re.escape(metric)}")
    columns = sorted((int(m[1]), name) for name in results if (m := split.fullmatch(name)))
    rows: list[np.ndarray] = [
        np.ma.asarray(results[name], dtype=float).filled(np.nan) for _, name in columns
    ]
    scores = np.array(rows).reshape(len(rows), -1)[:, list(candidates)]
    if np.isinf(scores).any():
        at = np.flatnonzero(np.isinf(scores).any(axis=1))[0]
        raise ValueError(f"A {metric} of split {at} is infinite, so the mean says nothing.")
    if np.isnan(scores).any(axis=1).all():
        raise ValueError(
            f"Candidates {candidates[0]} and {candidates[1]} have no split on which both have"
            f" a {metric}."
        )
    return scores


def _test_fraction(search: Any) -> float:
    """The share of the rows that each split tests on, as far as ``cv`` tells."""
    cv, n_splits = getattr(search, "cv", None), getattr(search, "n_splits_", None)
    if cv is None or isinstance(cv, Integral | LeaveOneOut):
        # classes and groups may differ in size; on the average it is that
        fraction = 1 / n_splits if n_splits else None
    elif isinstance(cv, _RepeatedSplits):
        fraction = 1 / cv.cvargs["n_splits"] if "n_splits" in cv.cvargs else None
    elif isinstance(cv, _BaseKFold) and not isinstance(cv, TimeSeriesSplit):
        fraction = 1 / cv.n_splits
    elif isinstance(cv, BaseShuffleSplit):
        fraction = _shuffled_fraction(cv)
    else:
        fraction = _listed_fraction(cv)
    if fraction is None:
        raise ValueError(
            f"test_fraction is needed: from cv={cv!r:.80} of the search it cannot be told"
            " which share of the rows a split tests on, so give it as a number."
        )
    return fraction


def _shuffled_fraction(cv: BaseShuffleSplit) -> float | None:
    """Of the rows that a split takes; some may be neither in the one nor in the other part."""
    test, train = cv.test_size, cv.train_size
    if any(isinstance(size, Integral) for size in (test, train)):
        return test / (test + train) if None not in (test, train) else None
    if test is None:
        test = cv._default_test_size if train is None else 1 - train
    return test / (test + (1 - test if train is None else train))


def _listed_fraction(cv: Any) -> float | None:
    """Of splits that are listed; the mean over them."""
    try:
        splits = [] if cv is iter(cv) else list(cv)  # an iterator is used up
        sizes = [(_n_rows(train), _n_rows(test)) for train, test in splits]
    except (TypeError, ValueError):
        return None
    fractions = [test / (train + test) for train, test in sizes if train + test]
    return float(np.mean(fractions)) if fractions else None


def _n_rows(indices: Any) -> int:
    indices = np.asarray(indices)
    return int(indices.sum()) if indices.dtype == bool else len(indices)


def _count(n: int, name: str) -> str:
    return f"{n} {name}" if n == 1 else f"{n} {name}s"
