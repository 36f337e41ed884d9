"""The objective J(theta) and its gradient."""

from __future__ import annotations

import numpy as np

from skdigitnet._core.plan import Plan, Workspace
from skdigitnet._core.rows import Samples
from skdigitnet._core.train import add_loss_gradient, add_penalty
from skdigitnet._problem.network import Network
from skdigitnet._system.threads import ALONE, Team

# Rows that go through the network together: enough for the matrix products to run
# at full speed, few enough for their activations to stay in cache.
MAX_BLOCK_ROWS = 1024
MIN_BLOCK_ROWS = 64
BLOCK_BYTES = 2**24
# Arithmetic in one compiled call, a few hundredths of a second of it, after which
# Python looks for Ctrl-C; and what a row costs at least.
CALL_OPERATIONS = 2**28
ROW_OPERATIONS = 500


def block_rows(row_elements: int, itemsize: int) -> int:
    """How many rows of ``row_elements`` numbers each make a block of bounded size."""
    rows = BLOCK_BYTES // (row_elements * itemsize)
    return max(MIN_BLOCK_ROWS, min(rows, MAX_BLOCK_ROWS))


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
        Which of the samples i runs over, in the order in which they are taken.
    team : Team, default=ALONE
        The threads that compute it.
    dropout : tuple of float, default=()
        Share of each hidden layer's units that SGD and Adam drop; empty for none. The
        objective itself is that of the whole network.
    """

    def __init__(
        self,
        network: Network,
        loss: str,
        alpha: float,
        samples: Samples,
        rows,
        team: Team = ALONE,
        dropout: tuple[float, ...] = (),
    ):
        self.network, self.samples, self.rows, self.dropout = network, samples, rows, dropout
        # sorted, so that the last bit does not depend on the order that the rows are in
        self.total_weight = float(np.sort(samples.sample_weight[rows]).sum())
        self.decay = alpha / self.total_weight
        size = block_rows(
            samples.row_elements + sum(network.layer_sizes[1:]), samples.dtype.itemsize
        )
        self.plan = Plan(
            network.layer_sizes,
            network.activation,
            loss,
            network.out_activation,
            block_size=min(size, len(rows)),
            sparse=samples.is_sparse,
            dropout=dropout,
        )
        self.workspace = Workspace(self.plan, samples, team.n_threads)
        self.team = team
        self.call_rows = max(1, CALL_OPERATIONS // self.row_operations)

    @property
    def row_operations(self) -> int:
        """About how much arithmetic a row takes: a forward and a backward pass."""
        return ROW_OPERATIONS + 6 * self.plan.n_params

    def loss_and_gradient(self, theta: np.ndarray) -> tuple[float, np.ndarray]:
        """J(theta) and its gradient, both of theta's dtype in the samples' precision.

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
        loss = add_penalty(self.plan, self.decay, theta, gradient)
        for start in range(0, len(self.rows), self.call_rows):
            loss += self.team.run(
                add_loss_gradient,
                self.workspace,
                self.rows,
                start,
                min(start + self.call_rows, len(self.rows)),
                1 / self.total_weight,
                theta,
                gradient,
            )
        return loss, gradient
