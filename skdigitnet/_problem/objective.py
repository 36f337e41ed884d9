"""The objective J(theta) and its gradient."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from skdigitnet._core.plan import Plan, Workspace
from skdigitnet._core.rows import Inputs
from skdigitnet._core.train import add_loss_gradient, add_penalty, penalty, sum_loss
from skdigitnet._problem.cost import block_rows, objective_call_rows
from skdigitnet._problem.network import Network
from skdigitnet._problem.samples import BlockSamples, Samples, Window
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
    samples : Samples or BlockSamples
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
        samples: Samples | BlockSamples,
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
        self.call_rows = objective_call_rows(network)
        self.max_block_rows = len(rows) if max_block_rows is None else max_block_rows
        self.workspace: Workspace | None = None

    @property
    def n_rows(self) -> int:
        return len(self.rows)

    def sample(self) -> np.ndarray:
        """Some of the rows that have weight, evenly spaced, in rising order."""
        rows = np.sort(self.rows)
        rows = self.samples.handy(rows[self.samples.targets.sample_weight[rows] > 0])
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

    def workspace_on(
        self,
        inputs: Inputs,
        n_rows: int,
        last: Workspace | None,
        dropout: tuple[float, ...] = (),
    ) -> Workspace:
        """Memory for passes by the team, with dropout in a solver's own.

        Parameters
        ----------
        inputs : Inputs
            Of the window that the pass is over.
        n_rows : int
            The most rows that go through the network together.
        last : Workspace or None
            The last one, returned if it has the same inputs.
        dropout : tuple of float, default=()
            The share of each hidden layer's units that is dropped; empty for none.
        """
        if last is not None and last.inputs is inputs:
            return last
        network = self.network
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

    def to_keep(self, workspace: Workspace | None) -> Workspace | None:
        """The workspace, if the next pass can use it: a window's would hold its rows."""
        is_kept = workspace is not None and workspace.inputs is self.samples.inputs
        return workspace if is_kept else None

    def loss(self, theta: np.ndarray) -> float:
        """J(theta), to the bit as :meth:`loss_and_gradient` has it.

        Parameters
        ----------
        theta : ndarray of shape (n_params,)
        """
        theta = np.ascontiguousarray(theta, dtype=self.samples.dtype)
        return self._sum(self.rows, penalty, sum_loss, theta)

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
        theta = np.ascontiguousarray(theta, dtype=self.samples.dtype)
        gradient = np.zeros_like(theta)
        loss = self._sum(self.rows, add_penalty, add_loss_gradient, theta, gradient)
        return loss, gradient

    def add(self, part: slice, theta: np.ndarray, gradient: np.ndarray | None) -> float:
        """Some rows' share of the data term; its gradient is added to ``gradient``.

        Parameters
        ----------
        part : slice
            Of ``rows``.
        theta : ndarray of shape (n_params,)
            Of the inputs' dtype.
        gradient : ndarray of shape (n_params,) or None
            Changed in place; None for the loss alone.
        """
        rows = self.rows[part]
        if gradient is None:
            return self._sum(rows, _no_penalty, sum_loss, theta)
        return self._sum(rows, _no_penalty, add_loss_gradient, theta, gradient)

    def _sum(self, rows: np.ndarray, of_weights, of_rows, *arrays: np.ndarray) -> float:
        """The penalty and the data term of these rows, by kernels.

        The sum is in the order of the rows, one compiled call after the other.
        """
        loss, workspace = None, self.workspace
        with self.samples.windows(rows, 0, self.call_rows) as windows:
            for window in windows:
                workspace = self.workspace_on(
                    window.samples.inputs, min(self.n_rows, self.max_block_rows), workspace
                )
                if loss is None:
                    loss = of_weights(workspace.plan, self.decay, *arrays)
                for part in self._parts(window):
                    loss += self._run(of_rows, workspace, window, part, *arrays)
        self.workspace = self.to_keep(workspace)
        assert loss is not None
        return loss

    def _parts(self, window: Window) -> Iterator[range]:
        """The window's rows for one compiled call each."""
        n_rows = len(window.order)
        for start in range(0, n_rows, self.call_rows):
            yield range(start, min(start + self.call_rows, n_rows))

    def _run(
        self, kernel, workspace: Workspace, window: Window, part: range, *arrays: np.ndarray
    ) -> float:
        """The part's share of the data term."""
        return self.team.run(
            kernel,
            workspace,
            window.samples.targets,
            window.order,
            part.start,
            part.stop,
            1 / self.total_weight,
            *arrays,
        )


def _no_penalty(plan: Plan, decay: float, *arrays: np.ndarray) -> float:
    return 0.0
