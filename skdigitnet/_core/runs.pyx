# cython: language_level=3, boundscheck=False, wraparound=False
# cython: freethreading_compatible=True
"""What training works on: a network with its update rule, and the order of the rows."""

from libc.stdint cimport uint64_t

from .arithmetic cimport ADAM, GRADIENT_DESCENT, MOMENTUM, NESTEROV, UpdateRule
from .plan cimport Workspace
from .rows cimport Targets

import numpy as np

# Each rule with how many numbers it keeps for a parameter: the velocity of momentum, the
# first and second moment of Adam.
UPDATE_RULES = {
    "gradient_descent": (GRADIENT_DESCENT, 0),
    "momentum": (MOMENTUM, 1),
    "nesterov": (NESTEROV, 1),
    "adam": (ADAM, 2),
}


cdef class Update:
    """The update rule of theta, its constants and its step count.

    ``n_moments`` is how many numbers the rule keeps for each parameter.
    """

    def __cinit__(
        self, str rule, *, double learning_rate, double momentum=0.0,
        double beta_1=0.9, double beta_2=0.999, double epsilon=1e-8,
    ):
        kind, self.n_moments = UPDATE_RULES[rule]
        self.rule = UpdateRule(
            kind, learning_rate, momentum, beta_1, beta_2, epsilon, n_steps=0
        )

    @property
    def learning_rate(self):
        return self.rule.learning_rate

    @learning_rate.setter
    def learning_rate(self, double value):
        self.rule.learning_rate = value

    @property
    def n_steps(self):
        return self.rule.n_steps

    @n_steps.setter
    def n_steps(self, Py_ssize_t value):
        self.rule.n_steps = value


cdef void* writable(array):
    """Where a contiguous and writable array begins; an error for any other."""
    cdef unsigned char[::1] elements = array.view(np.uint8)
    return &elements[0]


cdef class Run:
    """A network in training: its weights, what they are fitted to, and how.

    Parameters
    ----------
    targets : Targets
    update : Update
        Its ``n_steps`` is advanced.
    decay : float
        alpha / W
    theta : ndarray of shape (n_params,)
        Trained in place.
    gradient : ndarray of shape (n_params,) or None
        Of a batch's rows so far; None if no batch has more than one block.
    moments : ndarray of shape (update.n_moments * n_params,)
        What the update rule keeps, updated in place.
    """

    def __cinit__(
        self, Targets targets not None, Update update not None, double decay,
        theta, gradient, moments,
    ):
        self.targets, self.update, self.decay = targets, update, decay
        self.arrays = (theta, gradient, moments)
        dtypes = {str(array.dtype) for array in self.arrays if array is not None}
        if len(dtypes) > 1:
            raise ValueError(
                f"theta, gradient and moments must have one dtype, not {sorted(dtypes)}"
            )
        self.theta = writable(theta)
        self.gradient = NULL if gradient is None else writable(gradient)
        # gradient descent has no moments and touches none
        self.moments = writable(moments) if len(moments) > 0 else self.theta

    cdef check(self, Workspace workspace, Py_ssize_t batch_size):
        """Raise ValueError if an array does not fit the plan, the inputs or the batches."""
        theta, gradient, moments = self.arrays
        if gradient is None and batch_size > workspace.plan.block_size:
            raise ValueError("a batch of several blocks needs memory for its gradient")
        n_gradient = len(theta if gradient is None else gradient)
        workspace.check(self.targets, theta.dtype.itemsize, len(theta), n_gradient)
        n_moments = self.update.n_moments * workspace.plan.n_params
        if len(moments) != n_moments:
            raise ValueError(f"moments have {len(moments)} elements, not {n_moments}")


cdef class Epoch:
    """The order of the rows in one epoch, and how they are divided into batches.

    Parameters
    ----------
    order : ndarray of shape (n_training_rows,), dtype intp
        Row numbers, each once.
    batch_size : int
        Batches are counted from ``order[0]``; the last one may be shorter.
    dropout_key : int, default=0
        Decides which units are dropped for each row; 0 drops none.
    first : int, default=0
        The position of ``order[0]`` in the epoch, if ``order`` is only a part of it.
    """

    def __cinit__(
        self, const Py_ssize_t[::1] order, Py_ssize_t batch_size, uint64_t dropout_key=0,
        Py_ssize_t first=0,
    ):
        if batch_size < 1:
            raise ValueError(f"batch_size={batch_size}")
        self.order, self.batch_size, self.dropout_key = order, batch_size, dropout_key
        self.first = first
