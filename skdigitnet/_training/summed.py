"""Objective and score of rows that are elsewhere, in parts: each adds up its own blocks.

The blocks are numbered, and what is summed over them is added in pairs: block 0 and 1, 2
and 3, and so on, then the sums of these in pairs. Which part has which blocks does not matter
then: every sum has the same two terms, and so the same bits.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass
from threading import Lock
from typing import Any

import numpy as np
from scipy.sparse import issparse

from skdigitnet._core.train import add_penalty, penalty
from skdigitnet._problem.network import Network
from skdigitnet._problem.objective import Objective
from skdigitnet._problem.output_layer import OutputLayer, map_outputs
from skdigitnet._problem.samples import Samples
from skdigitnet._training.encoding import as_targets, faster_form
from skdigitnet._training.plateau import constant_loss
from skdigitnet._training.scoring import Score


@dataclass(frozen=True)
class Term:
    """What one block adds to a sum, or several.

    Attributes
    ----------
    value : float
    gradient : ndarray of shape (n_params,) or None
        Of the value, where it is wanted.
    """

    value: float
    gradient: np.ndarray | None = None

    def __add__(self, other: Term) -> Term:
        if self.gradient is None or other.gradient is None:
            return Term(self.value + other.value)
        return Term(self.value + other.value, self.gradient + other.gradient)


class PairwiseSum:
    """A sum over numbered blocks that is the same in whatever order they come.

    Parameters
    ----------
    n_blocks : int

    Attributes
    ----------
    terms : dict of (int, int) to Term
        What has no partner yet, by the times that it was added to another, and its number
        among those of the same level.
    """

    def __init__(self, n_blocks: int):
        self._n_blocks = n_blocks
        self.terms: dict[tuple[int, int], Term] = {}

    def add(self, level: int, number: int, term: Term) -> None:
        """Add a term, and whatever has its partner now."""
        n_terms = -(-self._n_blocks // 2**level)
        while n_terms > 1:
            if number % 2 == 1 or number + 1 < n_terms:
                partner = self.terms.pop((level, number ^ 1), None)
                if partner is None:
                    break
                term = term + partner
            # the last of an odd number goes up alone
            level, number, n_terms = level + 1, number // 2, (n_terms + 1) // 2
        self.terms[level, number] = term

    @property
    def total(self) -> Term:
        """The sum, once every block is in it."""
        (term,) = self.terms.values()
        return term


@dataclass(frozen=True)
class Block:
    """Some rows.

    Attributes
    ----------
    X : ndarray of shape (n_rows, n_features)
    indices : ndarray of shape (n_rows,)
        Class indices.
    weight : ndarray of shape (n_rows,)
    """

    X: np.ndarray
    indices: np.ndarray
    weight: np.ndarray


@dataclass(frozen=True)
class Problem:
    """What a part needs to know of the whole.

    Attributes
    ----------
    network : Network
    loss : {"log_loss", "squared_error"}
    n_blocks : int
    total_weight : float
        Of all rows.
    """

    network: Network
    loss: str
    n_blocks: int
    total_weight: float


class Part:
    """Blocks of rows that are in one place.

    Parameters
    ----------
    blocks : dict of int to Block
        By number.
    """

    _problem: Problem | None
    _objective: Objective | None

    def __init__(self, blocks: dict[int, Block]):
        ends = np.cumsum([len(block.X) for block in blocks.values()]).tolist()
        self._rows = dict(zip(blocks, map(range, [0, *ends], ends), strict=True))
        self._X = faster_form(np.concatenate([block.X for block in blocks.values()]))
        self._indices = np.concatenate([block.indices for block in blocks.values()])
        self._weight = np.concatenate([block.weight for block in blocks.values()])
        self._reset()

    def class_weights(self, n_classes: int) -> dict[int, np.ndarray]:
        """For each block, the summed weight of every class."""
        return {
            number: np.bincount(
                self._indices[rows.start : rows.stop],
                self._weight[rows.start : rows.stop],
                n_classes,
            )
            for number, rows in self._rows.items()
        }

    def sample(self, n_rows: int) -> list[tuple[int, tuple[np.ndarray, ...]]]:
        """Of each block that many rows, evenly spaced, or all: X, class indices, weight."""
        sampled: list[tuple[int, tuple[np.ndarray, ...]]] = []
        for number, rows in self._rows.items():
            some = rows[:: max(1, len(rows) // n_rows)]
            X = self._X[some.start : some.stop : some.step]
            X = X.toarray() if issparse(X) else X
            places = list(some)
            sampled.append((number, (X, self._indices[places], self._weight[places])))
        return sampled

    def weighted(self, factors: np.ndarray) -> Part:
        """The same rows, their weights multiplied by these factors of their classes."""
        part = copy(self)
        part._weight = self._weight * factors[self._indices]
        return part

    def right(self, problem: Problem, theta: np.ndarray) -> PairwiseSum:
        """The blocks' share of the weight of the rows whose class is predicted."""
        network = problem.network
        layer = OutputLayer(network.out_activation, multilabel=False)
        coefs, intercepts = network.unpack(theta)
        predicted = map_outputs(coefs, intercepts, network.activation, self._X, layer.indices)
        weight = self._weight * (predicted == self._indices)
        found = PairwiseSum(problem.n_blocks)
        for number, rows in self._rows.items():
            found.add(0, number, Term(float(weight[rows.start : rows.stop].sum())))
        return found

    def loss(self, problem: Problem, theta: np.ndarray, *, gradient: bool) -> PairwiseSum:
        """The blocks' share of the data term.

        Parameters
        ----------
        problem : Problem
        theta : ndarray of shape (n_params,)
        gradient : bool
            Whether to sum the gradient too.
        """
        found = PairwiseSum(problem.n_blocks)
        with self._lock:  # a call that the cluster took for lost may still run
            objective = self._objective_of(problem)
            for number, rows in self._rows.items():
                of_block = np.zeros_like(theta) if gradient else None
                loss = objective.add(slice(rows.start, rows.stop), theta, of_block)
                found.add(0, number, Term(loss, of_block))
        return found

    def _objective_of(self, problem: Problem) -> Objective:
        if self._objective is None or self._problem != problem:
            targets = as_targets(self._indices, problem.network)
            self._problem, self._objective = (
                problem,
                Objective(
                    problem.network,
                    problem.loss,
                    0.0,
                    Samples(self._X, targets, self._weight),
                    np.arange(len(targets), dtype=np.intp),
                    total_weight=problem.total_weight,
                ),
            )
        return self._objective

    def _reset(self) -> None:
        self._lock = Lock()
        self._problem = self._objective = None

    def __getstate__(self) -> dict:
        kept = ("_rows", "_X", "_indices", "_weight")
        return {name: getattr(self, name) for name in kept}

    def __setstate__(self, state: dict) -> None:
        vars(self).update(state)
        self._reset()


# Calls a method of every part, with these arguments; returns what it returned, in any order.
Ask = Callable[..., Sequence[Any]]


@dataclass(frozen=True)
class Parts:
    """All parts of some rows.

    Attributes
    ----------
    n_rows : int
    class_weights : dict of int to ndarray of shape (n_classes,)
        For each block, the summed weight of every class; see :meth:`Part.class_weights`.
    ask : callable
        See :data:`Ask`.
    """

    n_rows: int
    class_weights: dict[int, np.ndarray]
    ask: Ask

    @property
    def totals(self) -> np.ndarray:
        """The summed weight of every class, shape (n_classes,)."""
        blocks = [self.class_weights[number] for number in sorted(self.class_weights)]
        return np.sum(blocks, axis=0)

    @property
    def total_weight(self) -> float:
        return float(self.totals.sum())

    def problem(self, network: Network, loss: str) -> Problem:
        return Problem(network, loss, len(self.class_weights), self.total_weight)

    def constant_loss(self, network: Network, loss: str) -> float:
        """The loss of the best constant."""
        totals = self.totals
        targets = as_targets(np.arange(len(totals)), network)
        return constant_loss(loss, network, targets, totals)

    def sum(self, method: str, problem: Problem, theta: np.ndarray, **options) -> Term:
        """The sum over all blocks of what this method of :class:`Part` returns."""
        total = PairwiseSum(problem.n_blocks)
        for part in self.ask(method, problem, theta, **options):
            for (level, number), term in part.terms.items():
                total.add(level, number, term)
        return total.total


class SummedObjective:
    """The regularised loss over rows that are in parts; what a solver needs of an Objective.

    Parameters
    ----------
    parts : Parts
    problem : Problem
        Of these parts.
    alpha : float
        Strength of the L2 penalty.
    sample : Objective
        On some of the rows, which are here.
    """

    def __init__(self, parts: Parts, problem: Problem, alpha: float, sample: Objective):
        self.network, self.n_rows = problem.network, parts.n_rows
        self.total_weight = problem.total_weight
        self.decay, self.rows = alpha / problem.total_weight, slice(None)
        self._parts, self._problem, self._sample = parts, problem, sample
        self.samples = sample.samples
        assert self.samples.inputs is not None  # it is in memory
        self._plan = sample.workspace_on(self.samples.inputs, 1, None).plan

    def sample(self) -> np.ndarray:
        """All rows that are here."""
        return self._sample.rows

    def over(self, rows) -> Objective | SummedObjective:
        """The mean loss without the penalty, over ``self.rows`` or some that are here."""
        if rows is self.rows:
            return SummedObjective(self._parts, self._problem, 0.0, self._sample)
        return self._sample.over(rows)

    def loss(self, theta: np.ndarray) -> float:
        """J(theta); see :meth:`Objective.loss`."""
        theta = self._as_inputs(theta)
        term = self._parts.sum("loss", self._problem, theta, gradient=False)
        return term.value + penalty(self._plan, self.decay, theta)

    def loss_and_gradient(self, theta: np.ndarray) -> tuple[float, np.ndarray]:
        """J(theta) and its gradient; see :meth:`Objective.loss_and_gradient`."""
        theta = self._as_inputs(theta)
        term = self._parts.sum("loss", self._problem, theta, gradient=True)
        assert term.gradient is not None
        gradient = term.gradient.copy()
        loss = add_penalty(self._plan, self.decay, theta, gradient)
        return term.value + loss, gradient

    def _as_inputs(self, theta: np.ndarray) -> np.ndarray:
        return np.ascontiguousarray(theta, dtype=self.samples.dtype)


def score_on(parts: Parts, network: Network, loss: str, scoring: str) -> Score:
    """The accuracy on these rows, or minus the mean loss without the penalty.

    Parameters
    ----------
    parts : Parts
        Of the validation rows.
    network : Network
    loss : {"log_loss", "squared_error"}
    scoring : {"accuracy", "loss"}
    """
    problem = parts.problem(network, loss)
    if scoring == "loss":
        return lambda theta: -parts.sum("loss", problem, theta, gradient=False).value
    return lambda theta: parts.sum("right", problem, theta).value / problem.total_weight
