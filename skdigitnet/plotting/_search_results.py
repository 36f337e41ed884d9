"""Reads the scores to draw from a search's ``cv_results_``."""

from __future__ import annotations

import ast
import re
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np

from skdigitnet.plotting._common import is_number

UNSET = "default"  # the value of a parameter that a candidate does not set
# as text: an empty field, NaN, and what masked arrays and pandas have in its place
EMPTY = {"", "nan", str(np.ma.masked), "<NA>"}


class SearchResults:
    """The candidates of a search and the scores of their folds.

    Parameters
    ----------
    cv_results : dict or DataFrame
        As a search's ``cv_results_``, or read from a file in which it was saved.
    metric : str or None
        None is the only one.

    Attributes
    ----------
    metric : str
    candidates : list of dict
    scores : ndarray of shape (n_candidates, n_splits)
        NaN where a fit failed.
    names : list of str
        Every parameter that a candidate sets.

    Raises
    ------
    ValueError
        If scores or parameters are missing, or scores are not numbers.
    """

    def __init__(self, cv_results: Mapping, metric: str | None):
        metrics = [key[10:] for key in cv_results if key.startswith("mean_test_")]
        if not metrics:
            raise _missing("mean_test_score, nor mean_test_ with another metric", cv_results)
        if metric is None and len(metrics) == 1:
            metric = metrics[0]
        if metric is None or metric not in metrics:
            raise ValueError(
                f"metric must be one of those in cv_results, {', '.join(metrics)}; it is"
                f" {metric!r}."
            )
        self.metric = metric
        fold = re.compile(rf"split\d+_test_{re.escape(metric)}")
        folds = [key for key in cv_results if fold.fullmatch(key)]
        if not folds:
            raise _missing(f"split0_test_{metric} and so on, the scores of folds", cv_results)
        self.scores = np.transpose([_numbers(cv_results, key) for key in folds])
        self.candidates = _candidates(cv_results)
        self.names = list(dict.fromkeys(name for each in self.candidates for name in each))

    def find_name(self, name: str) -> str:
        """A parameter's full name, from that or from its last part."""
        matches = [full for full in self.names if full.endswith(f"__{name}")]
        if name in self.names:
            return name
        if len(matches) == 1:
            return matches[0]
        raise ValueError(
            f"{name!r} is the name of {len(matches)} parameters of the search, whose"
            f" parameters are {', '.join(self.names)}."
        )

    def value(self, row: int, name: str) -> Any:
        return self.candidates[row].get(name, UNSET)

    def values(self, rows: Sequence[int], name: str) -> list:
        """Different values of a parameter: numbers ascending, others as they come."""
        values = list(
            {_key(value): value for value in (self.value(i, name) for i in rows)}.values()
        )
        return sorted(values) if all(is_number(value) for value in values) else values

    def rows_with(self, held: Mapping[str, Any]) -> list[int]:
        """The candidates that have these values."""
        rows = list(range(len(self.candidates)))
        for name, value in held.items():
            matching = [i for i in rows if _key(self.value(i, name)) == _key(value)]
            if not matching:
                raise ValueError(
                    f"No candidate has {name} = {value!r}; with the other values of fixed"
                    f" there are {', '.join(map(repr, self.values(rows, name)))}."
                )
            rows = matching
        return rows

    def best(self, rows: Sequence[int]) -> int:
        """The candidate of the highest mean score, the first of equals."""
        mean = self.scores[rows].mean(axis=1)
        if np.isnan(mean).all():
            raise ValueError(f"Every {self.metric} is NaN; there is nothing to show.")
        return rows[int(np.nanargmax(mean))]

    def choose(
        self, parameters: Sequence[str] | str | None, fixed: Mapping[str, Any] | None
    ) -> tuple[list[str], dict[str, Any]]:
        """Names of the parameters to show, and the values at which to hold the others."""
        held = {self.find_name(name): value for name, value in (fixed or {}).items()}
        rows = self.rows_with(held)
        varied = [name for name in self.names if len(self.values(rows, name)) > 1]
        if parameters is None:
            shown = sorted(varied, key=lambda name: -len(self.values(rows, name)))
        else:
            given = [parameters] if isinstance(parameters, str) else parameters
            shown = [self.find_name(name) for name in given]
        if len(set(shown)) != len(shown) or not 1 <= len(shown) <= 2:
            raise ValueError(
                "One or two parameters can be shown, and those to show are"
                f" {', '.join(shown) or 'none'}. Name one or two with parameters; the others"
                " are held at the best candidate's values, or at those in fixed."
            )
        best = self.best(rows)
        others = [name for name in varied if name not in shown]
        return shown, held | {name: self.value(best, name) for name in others}

    def table(
        self, shown: list[str], held: Mapping[str, Any]
    ) -> tuple[list[list], np.ndarray, tuple[int, ...]]:
        """Values of each parameter shown, scores at all of them, and the best's place.

        The scores are (n_values, n_splits) or (n_values_0, n_values_1, n_splits), NaN
        where there is no candidate.
        """
        rows = self.rows_with(held)
        values = [self.values(rows, name) for name in shown]
        keys = [[_key(value) for value in column] for column in values]
        scores = np.full((*map(len, values), self.scores.shape[1]), np.nan)
        places: dict[tuple[int, ...], int] = {}
        for i in rows:
            place = tuple(
                column.index(_key(self.value(i, name)))
                for name, column in zip(shown, keys, strict=True)
            )
            if place in places:
                raise ValueError(
                    f"The candidate {self.candidates[i]} occurs twice, as in a halving"
                    " search; each must be fitted once to be shown."
                )
            places[place], scores[place] = i, self.scores[i]
        best = self.best(rows)
        return values, scores, next(place for place, i in places.items() if i == best)


def _candidates(cv_results: Mapping) -> list[dict[str, Any]]:
    """The parameters that each candidate sets.

    From ``params``, be it dicts or their text, or, where it is neither, from the columns
    ``param_*``, in which what a candidate does not set is empty.
    """
    params = [_value(each) for each in cv_results.get("params", [])]
    if params and all(isinstance(each, Mapping) for each in params):
        return params
    columns = {key[6:]: cv_results[key] for key in cv_results if key.startswith("param_")}
    if not columns:
        raise _missing("params as dicts, nor a column param_ of any parameter", cv_results)
    return [
        {
            name: _value(value)
            for name, value in zip(columns, row, strict=True)
            if not _is_empty(value)
        }
        for row in zip(*columns.values(), strict=True)
    ]


def _value(value: Any) -> Any:
    """A parameter's value; numbers, tuples, dicts, True and None also from their text."""
    if isinstance(value, str):
        try:
            return ast.literal_eval(value)
        except (ValueError, SyntaxError):
            return value
    return value.item() if isinstance(value, np.generic) else value


def _numbers(cv_results: Mapping, key: str) -> list[float]:
    try:
        return [np.nan if _is_empty(value) else float(value) for value in cv_results[key]]
    except (TypeError, ValueError) as error:
        raise ValueError(f"{key} in cv_results must hold numbers; {error}.") from error


def _is_empty(value: Any) -> bool:
    return str(value) in EMPTY


def _missing(what: str, cv_results: Mapping) -> ValueError:
    return ValueError(
        f"cv_results has no {what}; it has {', '.join(map(str, cv_results))}. Give a"
        " search's cv_results_, or all of its columns as saved."
    )


def _key(value: Any) -> Hashable:
    try:
        hash(value)
    except TypeError:
        return repr(value)
    return value
