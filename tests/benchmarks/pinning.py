"""Threads and processor cores, fixed before any numerical library is loaded."""

from __future__ import annotations

import os
import sys

# read once, when a library is loaded; NPROC is XLA's
THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NPROC",
)
XLA_ONE_THREAD = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
PINNED = "SKDIGITNET_BENCHMARK_PINNED"


def pin(n_threads: int, n_cores: int | None = None) -> None:
    """Go on with every library at n_threads, on n_cores cores (by default as many).

    The libraries read their settings when they are loaded, so this starts the script
    again, with the same arguments, unless it already runs pinned like this. Cores are
    set where the system can (Linux): XLA takes every core that it is allowed to use.
    """
    n_cores = n_cores or n_threads
    how = f"{n_threads} {n_cores}"
    if os.environ.get(PINNED) == how:
        return
    os.environ.update(dict.fromkeys(THREAD_VARIABLES, str(n_threads)))
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "2"
    if n_threads == 1:
        os.environ["XLA_FLAGS"] = XLA_ONE_THREAD
    if hasattr(os, "sched_setaffinity"):
        cores = sorted(os.sched_getaffinity(0))
        if len(cores) < n_cores:
            print(f"{n_cores} cores asked for; this process may use {len(cores)}.")
        os.sched_setaffinity(0, cores[-n_cores:])
    os.environ[PINNED] = how
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])
