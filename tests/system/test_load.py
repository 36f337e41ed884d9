"""One fitted estimator behind eight threads: right to the bit, flat memory, every core."""

import statistics

import pytest
from children import in_child
from effort import effort

MAX_GROWTH = effort(8.0, 1.0)  # megabytes; in seconds the allocator is not yet at rest


def test_answers_under_load_are_right_and_memory_is_flat():
    seconds = effort(3, 60)
    n_right, n_wrong, growth, used = in_child("load.serve", seconds, timeout=120 + seconds)
    print(f"{n_right} answers in {seconds} s; {used:.1f} MB, {growth:+.2f} MB")
    assert n_wrong == 0
    assert n_right > 0
    assert growth < MAX_GROWTH


@pytest.mark.alone
def test_threads_use_the_cores_that_there_are():
    n_rounds, seconds = effort(3, 15), effort(0.2, 1)
    timeout = 120 + 10 * n_rounds * seconds
    ratios, n_cores = in_child("load.throughput", n_rounds, seconds, timeout=timeout)
    ratios = {kind: statistics.median(values) for kind, values in ratios.items()}
    print(f"8 threads against 1 on {n_cores} cores: {ratios}")
    if n_cores < 2 or ratios["hashes"] < 1.5:
        pytest.skip(f"no second core is free: of hashes 8 threads make {ratios['hashes']:.2f}")
    assert ratios["large"] > 1.2
