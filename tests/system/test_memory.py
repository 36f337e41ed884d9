"""What a fit takes of memory, measured in processes of its own."""

import pytest
from children import in_child
from effort import effort
from measuring import STATUS

pytestmark = pytest.mark.skipif(
    not STATUS.exists(), reason="memory is measured in /proc, which this system lacks"
)

MNIST_SHAPE = 60_000, 784
MIB = 2**20


def measure(call, *arguments):
    return in_child(f"measuring.{call}", *arguments, timeout=1800)


def peak_of_fit(*, dtype="float32", share=1.0, order="C", **parameters):
    parameters = {"max_iter": 3, **parameters}
    return measure("peak_of_fit", *MNIST_SHAPE, dtype, share, order, parameters)


FITS = {
    "sgd": {},
    "lbfgs": {"solver": "lbfgs", "hidden_layer_sizes": [30], "max_iter": 9},
    "early stopping": {"early_stopping": True},
}
MORE_FITS = {
    "adam": {"solver": "adam"},
    "float64": {"dtype": "float64"},
    "two threads": {"n_jobs": 2},
    "scorer": {"early_stopping": True, "scoring": "neg_log_loss"},
    "validation loss": {"early_stopping": True, "scoring": "loss"},
}
FITS = effort(FITS, FITS | MORE_FITS)


@pytest.mark.parametrize("fit", FITS.values(), ids=FITS)
def test_dense_rows_are_not_copied(fit):
    peak = peak_of_fit(**fit)
    assert peak["used"] <= 1.15 * (peak["X"] + peak["weights"])


# as many as of MNIST's pixels
@pytest.mark.parametrize("fit", FITS.values(), ids=FITS)
def test_mostly_zero_rows_are_copied_once_and_only_their_entries(fit):
    peak = peak_of_fit(share=0.2, **fit)
    assert peak["used"] <= 1.15 * (peak["X"] + peak["weights"] + peak["copy"])
    assert peak["used"] >= 0.9 * (peak["X"] + peak["copy"])  # there was a copy to measure


def test_fortran_ordered_rows_are_copied_once():
    peak = peak_of_fit(order="F")
    assert peak["used"] <= 1.15 * (2 * peak["X"] + peak["weights"])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_sparse_rows_are_never_densified_whole(dtype):
    # dense they would take 4 or 8 GB; with all rows, 400 or 800 GB
    shape, bound = effort(((50_000, 20_000), 3e8), ((1_000_000, 100_000), 3e9))
    parameters = {"hidden_layer_sizes": [10], "batch_size": 1000}
    after_training, after_prediction = measure("peak_of_wide_rows", *shape, dtype, parameters)
    assert after_training <= after_prediction < bound


# as float32 they would take 20 or 2 GB
@pytest.mark.parametrize(("solver", "n_rows"), [("sgd", 500_000), ("lbfgs", 50_000)])
def test_rows_in_blocks_are_never_all_in_memory(solver, n_rows):
    parameters = {"hidden_layer_sizes": [2], "solver": solver}
    assert measure("peak_in_blocks", n_rows, 10_000, parameters) < 700 * MIB


def test_fits_leave_nothing_behind():
    assert measure("growth_over_fits", effort(200, 1000)) < MIB
