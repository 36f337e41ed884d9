"""What rows and updates cost, and so the rows of a block and of a call, and the threads.

Costs are in operations, each about a multiplication or an addition of a matrix product.
Blocks decide in which order numbers are summed, and calls that of an objective's loss; threads
change no bit.
"""

from __future__ import annotations

import numpy as np

from skdigitnet._problem.network import Network

# What a row costs for each parameter: a multiplication and an addition forward, and as much
# again for the deltas and for the gradient.
FORWARD_OPERATIONS = 2
TRAINING_OPERATIONS = 6
# What an update costs for each parameter.
UPDATE_OPERATIONS = 80
# What a row and a batch cost besides, however small the network.
ROW_OPERATIONS = 2000
BATCH_OPERATIONS = 20_000

# Rows that go through the network together: enough for the matrix products to run
# at full speed, few enough for their activations to stay in cache.
MAX_BLOCK_ROWS = 1024
MIN_BLOCK_ROWS = 64
BLOCK_BYTES = 2**24
# One compiled call: about a hundredth of a second with vectors of AVX2 or wider, after which
# Python checks for Ctrl-C.
CALL_OPERATIONS = 2**30
# Of an objective's: 64 MiB of its rows in double precision.
CALL_ELEMENTS = 2**23
# Between two waits for the other threads; below it waiting costs more than the help is worth.
THREAD_OPERATIONS = 2**21


def block_rows(row_elements: int, itemsize: int) -> int:
    """Number of rows of ``row_elements`` numbers in a block of bounded size."""
    rows = BLOCK_BYTES // (row_elements * itemsize)
    return max(MIN_BLOCK_ROWS, min(rows, MAX_BLOCK_ROWS))


def training_call_rows(network: Network, batch_size: int) -> int:
    """Number of rows for one compiled call, with an update every ``batch_size`` rows."""
    update = BATCH_OPERATIONS + UPDATE_OPERATIONS * network.n_params
    return max(1, CALL_OPERATIONS // (_training_operations(network) + update // batch_size))


def objective_call_rows(network: Network) -> int:
    """Number of rows for one compiled call, forward and backward without an update.

    It is the same for dense rows and their sparse copy, since sums depend on it. As many rows
    may be left over from one window of blocks for the next, so their memory is bounded too.
    """
    n_in = network.layer_sizes[0]
    rows = min(CALL_OPERATIONS // _training_operations(network), CALL_ELEMENTS // n_in)
    return max(1, rows)


def _training_operations(network: Network) -> int:
    """Of one row, forward and backward."""
    return ROW_OPERATIONS + TRAINING_OPERATIONS * network.n_params


def prediction_call_rows(coefs: list[np.ndarray], block_size: int, itemsize: int) -> int:
    """Number of rows, in whole blocks, for one compiled call, each forward only.

    As many as the bounds on memory and time allow: threads wait for the GIL between calls.
    """
    n_in, n_out = coefs[0].shape[0], coefs[-1].shape[1]
    operations = FORWARD_OPERATIONS * sum(W.size for W in coefs)
    rows = min(BLOCK_BYTES // ((n_in + n_out) * itemsize), CALL_OPERATIONS // operations)
    return max(1, rows // block_size) * block_size


def useful_threads(network: Network, X, batch_size: int) -> int:
    """How many threads have enough to do between two waits, at least 1.

    Parameters
    ----------
    network : Network
    X : ndarray, CSR, Compressed or RowBlocks of shape (n_rows, n_features)
        Of sparse rows the entries alone are work.
    batch_size : int
        Rows between two updates.
    """
    used = len(X.data) / (X.shape[0] * X.shape[1]) if hasattr(X, "indptr") else 1.0
    n_in, n_out = network.coef_shapes[0]
    operations = TRAINING_OPERATIONS * (network.n_params - (1 - used) * n_in * n_out)
    return max(1, int(min(batch_size, MAX_BLOCK_ROWS) * operations // THREAD_OPERATIONS))
