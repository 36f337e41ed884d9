"""L-BFGS on Dask collections: the fit of the same rows in memory, whatever the cluster does."""

import pytest
from children import in_child
from effort import effort

pytest.importorskip("distributed", reason="without Dask")


def test_a_fit_is_that_of_rows_in_memory():
    in_child("dask_fits.compare_with_memory")


def test_what_cannot_be_used_is_refused():
    in_child("dask_fits.refuse")


def test_workers_are_killed_on_the_way():
    n_kills = in_child("dask_fits.survive", effort(5, 200), timeout=effort(300, 6 * 3600))
    assert n_kills >= effort(5, 200)


def test_without_workers_or_scheduler_a_fit_ends():
    in_child("dask_fits.lose_everything")


def test_a_fit_whose_rows_or_scheduler_are_lost_ends(tmp_path):
    in_child("dask_fits.lose_scattered_rows")
    in_child("dask_fits.fall_silent", str(tmp_path))
