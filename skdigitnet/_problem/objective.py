"""The objective J(theta) and its gradient."""

from __future__ import annotations

import numpy as np

from skdigitnet._core import kernels
from skdigitnet._core.plan import Backprop, Workspace
from skdigitnet._core.rows import Data
from skdigitnet._problem.network import Network
from skdigitnet._system.threads import ALONE, Team

# Rows that go through the network together: enough for the matrix products to run
# at full speed, few enough for their activations to stay in cache.
MAX_BLOCK_ROWS = 1024
MIN_BLOCK_ROWS = 64
BLOCK_BYTES = 2**24
# Operations in one compiled call, a few hundredths of a second, after which Python checks
# for Ctrl-C; and the minimum that a row counts for.
CALL_OPERATIONS = 2**28
ROW_OPERATIONS = 500


def block_rows(row_elements: int, itemsize: int) -> int:
    """Number of rows of ``row_elements`` numbers in a block of bounded size."""
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
    data : Data
        Inputs, targets and weights.
    rows : ndarray of shape (n_training_rows,), dtype intp
        The training rows that i runs over, in this order.
    team : Team, default=ALONE
        The threads that compute the objective.
    dropout : tuple of float, default=()
        Share of each hidden layer's units that SGD and Adam drop; empty for none. The
        objective itself is computed without dropout.
    """

    def __init__(
        self,
        network: Network,
        loss: str,
        alpha: float,
        data: Data,
        rows,
        team: Team = ALONE,
        dropout: tuple[float, ...] = (),
    ):
        self.network, self.data, self.rows, self.dropout = network, data, rows, dropout
        # sorted, so that the order of the rows does not change the last bit
        self.total_weight = float(np.sort(data.sample_weight[rows]).sum())
        self.decay = alpha / self.total_weight
        size = block_rows(data.row_elements + sum(network.layer_sizes[1:]), data.dtype.itemsize)
        self.backprop = Backprop(
            network.layer_sizes,
            network.activation,
            loss,
            network.out_activation,
            block_size=min(size, len(rows)),
            sparse=data.is_sparse,
            dropout=dropout,
        )
        self.workspace = Workspace(self.backprop, data, team.n_threads)
        self.team = team
        self.call_rows = max(1, CALL_OPERATIONS // self.row_operations)

    @property
    def row_operations(self) -> int:
        """Approximate operations for the forward and backward pass of a row."""
        return ROW_OPERATIONS + 6 * self.backprop.n_params

    def loss_and_gradient(self, theta: np.ndarray) -> tuple[float, np.ndarray]:
        """J(theta) and its gradient, both of theta's dtype in the data's precision.

        Parameters
        ----------
        theta : ndarray of shape (n_params,)

        Returns
        -------
        loss : float
        gradient : ndarray of shape (n_params,)
        """
        theta = np.ascontiguousarray(theta, dtype=self.data.dtype)
        gradient = np.zeros_like(theta)
        loss = kernels.add_penalty(self.backprop, self.decay, theta, gradient)
        for start in range(0, len(self.rows), self.call_rows):
            loss += self.team.run(
                kernels.add_loss_gradient,
                self.workspace,
                self.rows,
                start,
                min(start + self.call_rows, len(self.rows)),
                1 / self.total_weight,
                theta,
                gradient,
            )
        return loss, gradient
