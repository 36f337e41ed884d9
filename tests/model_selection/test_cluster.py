"""Studies on a Dask cluster end, with the bits of the local search or with an error."""

import pytest
from children import in_child
from effort import effort

pytest.importorskip("distributed", reason="without Dask")


@pytest.mark.parametrize("allowed_failures", effort([0], [0, 3]))
def test_workers_are_killed_and_come_and_go(allowed_failures):
    n_rounds = effort(5, 100)
    n_kills, n_scales = in_child(
        "clusters.survive", n_rounds, allowed_failures, timeout=effort(300, 6 * 3600)
    )
    assert n_kills > 1
    assert n_scales > 1 or n_rounds < 100


def test_what_ends_a_search_and_what_does_not():
    in_child("clusters.meet_misfortunes")


@pytest.mark.parametrize("signal_name", ["SIGKILL", "SIGSTOP"])
def test_the_scheduler_is_lost_and_the_journal_resumes(signal_name, tmp_path):
    n_kept = in_child("clusters.lose_the_scheduler", str(tmp_path), signal_name)
    assert 12 <= n_kept < 72
