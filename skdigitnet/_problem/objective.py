"""The objective J(theta) and its gradient."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from skdigitnet._core.plan import Plan, Workspace
from skdigitnet._core.rows import Samples
from skdigitnet._core.train import add_loss_gradient, add_penalty, penalty, sum_loss
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
    samples : Samples
        Inputs, targets and weights.
    rows : ndarray of shape (n_training_rows,), dtype intp
        The training rows that i runs over, in this order.
    team : Team, default=ALONE
        The threads that compute the objective.
    dropout : tuple of float, default=()
        Share of each hidden layer's units that SGD and Adam drop; empty for none. The
        objective itself is computed without dropout.

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
        dropout: tuple[float, ...] = (),
    ):
        self.network, self.samples, self.rows, self.dropout = network, samples, rows, dropout
        inputs, weight = samples.inputs, samples.targets.sample_weight
        # sorted, so that the order of the rows does not change the last bit
        self.total_weight = float(np.sort(weight[rows]).sum())
        self.loss_name, self.decay = loss, alpha / self.total_weight
        size = block_rows(
            inputs.row_elements + sum(network.layer_sizes[1:]), inputs.dtype.itemsize
        )
        self.plan = Plan(
            network.layer_sizes,
            network.activation,
            loss,
            network.out_activation,
            block_size=min(size, len(rows)),
            sparse=inputs.is_sparse,
            dropout=dropout,
        )
        self.workspace = Workspace(self.plan, inputs, team.n_threads)
        self.team = team
        self.call_rows = max(1, CALL_OPERATIONS // self.row_operations)

    @property
    def n_rows(self) -> int:
        return len(self.rows)

    def sample(self, size: int) -> np.ndarray:
        """At most ``size`` of the rows that have weight, evenly spaced, in rising order."""
        rows = np.sort(self.rows)
        rows = rows[self.samples.targets.sample_weight[rows] > 0]
        return rows[:: -(-len(rows) // size)]

    def over(self, rows: np.ndarray) -> Objective:
        """The mean loss over these rows, without the penalty, by one thread."""
        return Objective(self.network, self.loss_name, 0.0, self.samples, rows)

    @property
    def row_operations(self) -> int:
        """Approximate operations for the forward and backward pass of a row."""
        return ROW_OPERATIONS + 6 * self.plan.n_params

    def loss(self, theta: np.ndarray) -> float:
        """J(theta), to the bit as :meth:`loss_and_gradient` has it.

        Parameters
        ----------
        theta : ndarray of shape (n_params,)
        """
        theta = np.ascontiguousarray(theta, dtype=self.samples.inputs.dtype)
        loss = penalty(self.plan, self.decay, theta)
        for part in self._parts():
            loss += self._run(sum_loss, part, theta)
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
        loss = add_penalty(self.plan, self.decay, theta, gradient)
        for part in self._parts():
            loss += self._run(add_loss_gradient, part, theta, gradient)
        return loss, gradient

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
