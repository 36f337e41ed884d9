"""The objective J(theta) and its gradient."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from skdigitnet._core.plan import Plan, Workspace
from skdigitnet._core.rows import Samples
from skdigitnet._core.train import add_loss_gradient, add_penalty, penalty, sum_loss
from skdigitnet._problem.cost import block_rows, training_call_rows
from skdigitnet._problem.network import Network
from skdigitnet._system.threads import ALONE, Team

SMALL_BLOCK_ROWS = 128
SAMPLED_ROWS = 1000  # enough to see the size of X, of the outputs and of the loss


class Objective:
    r"""Regularised loss of a network over the training rows of a data set.

    .. math:: J(\theta) = \frac{1}{W} \sum_i w_i \, loss(y_i, f(x_i; \theta))
       + \frac{\alpha}{2 W} \sum_l \lVert coefs_l \rVert^2, \qquad W = \sum_i w_i

    Parameters
    ----------
    network : Network
    loss : {"log_loss", "squared_error"}
    alpha : float
        Strength of the L2 penalty; intercepts are not penalised.
    samples : Samples
        Inputs, targets and weights.
    rows : ndarray of shape (n_training_rows,), dtype intp
        The training rows that i runs over, in this order.
    team : Team, default=ALONE
        The threads that compute the objective.
    max_block_rows : int or None, default=None
        The most rows that go through the network together; None for what is fastest.
    total_weight : float or None, default=None
        W, where these rows are only some of those that it is of; None for their own.

    Attributes
    ----------
    total_weight : float
        W.
    decay : float
        alpha / W.
    """

    def __init__(
        self,
        network: Network,
        loss: str,
        alpha: float,
        samples: Samples,
        rows,
        team: Team = ALONE,
        max_block_rows: int | None = None,
        total_weight: float | None = None,
    ):
        self.network, self.samples, self.rows, self.team = network, samples, rows, team
        if total_weight is None:
            # sorted, so that the order of the rows does not change the last bit
            total_weight = float(np.sort(samples.targets.sample_weight[rows]).sum())
        self.total_weight = total_weight
        self.loss_name, self.decay = loss, alpha / self.total_weight
        self.call_rows = training_call_rows(network)
        self.max_block_rows = len(rows) if max_block_rows is None else max_block_rows
        self._workspace: Workspace | None = None

    @property
    def n_rows(self) -> int:
        return len(self.rows)

    def sample(self) -> np.ndarray:
        """Some of the rows that have weight, evenly spaced, in rising order."""
        rows = np.sort(self.rows)
        rows = rows[self.samples.targets.sample_weight[rows] > 0]
        return np.ascontiguousarray(rows[:: -(-len(rows) // SAMPLED_ROWS)])

    def over(self, rows: np.ndarray) -> Objective:
        """The mean loss over these rows, without the penalty, by one thread."""
        return Objective(
            self.network,
            self.loss_name,
            0.0,
            self.samples,
            rows,
            max_block_rows=SMALL_BLOCK_ROWS,  # beside the memory that training still holds
        )

    def new_workspace(self, n_rows: int, dropout: tuple[float, ...] = ()) -> Workspace:
        """Memory for passes by the team, with dropout in a solver's own.

        Parameters
        ----------
        n_rows : int
            The most rows that a pass goes over.
        dropout : tuple of float, default=()
            The share of each hidden layer's units that is dropped; empty for none.
        """
        network, inputs = self.network, self.samples.inputs
        size = block_rows(
            inputs.row_elements + sum(network.layer_sizes[1:]), inputs.dtype.itemsize
        )
        plan = Plan(
            network.layer_sizes,
            network.activation,
            self.loss_name,
            network.out_activation,
            block_size=min(size, n_rows),
            sparse=inputs.is_sparse,
            dropout=dropout,
        )
        return Workspace(plan, inputs, self.team.n_threads)

    @property
    def workspace(self) -> Workspace:
        """That of the objective's own passes, which SGD and Adam do without."""
        if self._workspace is None:
            self._workspace = self.new_workspace(min(self.n_rows, self.max_block_rows))
        return self._workspace

    def loss(self, theta: np.ndarray) -> float:
        """J(theta), to the bit as :meth:`loss_and_gradient` has it.

        Parameters
        ----------
        theta : ndarray of shape (n_params,)
        """
        theta = np.ascontiguousarray(theta, dtype=self.samples.inputs.dtype)
        loss = penalty(self.workspace.plan, self.decay, theta)
        for part in self._parts():
            loss += self.add(part, theta, None)
        return loss

    def loss_and_gradient(self, theta: np.ndarray) -> tuple[float, np.ndarray]:
        """J(theta) and its gradient, both of theta's dtype in the inputs' precision.

        Parameters
        ----------
        theta : ndarray of shape (n_params,)

        Returns
        -------
        loss : float
        gradient : ndarray of shape (n_params,)
        """
        theta = np.ascontiguousarray(theta, dtype=self.samples.inputs.dtype)
        gradient = np.zeros_like(theta)
        loss = add_penalty(self.workspace.plan, self.decay, theta, gradient)
        for part in self._parts():
            loss += self.add(part, theta, gradient)
        return loss, gradient

    def add(self, part: range, theta: np.ndarray, gradient: np.ndarray | None) -> float:
        """Some rows' share of the data term; its gradient is added to ``gradient``.

        Parameters
        ----------
        part : range
            Positions in ``rows``.
        theta : ndarray of shape (n_params,)
            Of the inputs' dtype.
        gradient : ndarray of shape (n_params,) or None
            Changed in place; None for the loss alone.
        """
        if gradient is None:
            return self._run(sum_loss, part, theta)
        return self._run(add_loss_gradient, part, theta, gradient)

    def _parts(self) -> Iterator[range]:
        """Positions of the rows for one compiled call each; the sum is in this order."""
        for start in range(0, self.n_rows, self.call_rows):
            yield range(start, min(start + self.call_rows, self.n_rows))

    def _run(self, kernel, part: range, *arrays: np.ndarray) -> float:
        """The part's share of the data term, by a kernel of :mod:`skdigitnet._core.train`."""
        return self.team.run(
            kernel,
            self.workspace,
            self.samples.targets,
            self.rows,
            part.start,
            part.stop,
            1 / self.total_weight,
            *arrays,
        )
