"""What the tests share: where to import from, workers, instruction sets, and MNIST."""

import gzip
import os
import signal
import sys
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import joblib
import numpy as np
import pytest
from threadpoolctl import threadpool_limits

try:
    import fcntl
except ImportError:  # Windows, which has no lock that several may share
    fcntl = None

TESTS = Path(__file__).resolve().parent
ROOT = TESTS.parent

# `python -m pytest` in a clone puts the clone first on sys.path. Unless its extension
# module was built in place (an editable install), the package to test is the installed one.
if not any((ROOT / "skdigitnet/_core" / f"train{end}").exists() for end in EXTENSION_SUFFIXES):
    sys.path[:] = [entry for entry in sys.path if Path(entry).resolve() != ROOT]
sys.path.insert(0, str(TESTS / "support"))  # for `import reference`

from skdigitnet._core import arithmetic  # noqa: E402, the paths come first
from skdigitnet._system import threads  # noqa: E402
from skdigitnet._training import run  # noqa: E402

# a shell starts what it runs in the background with Ctrl-C ignored
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


# Workers, by pytest-xdist


def pytest_xdist_auto_num_workers(config):
    """A worker for each processor for the whole suite; a part is run sooner without any."""
    is_part = config.option.keyword or not all(Path(path).is_dir() for path in config.args)
    if is_part and config.option.numprocesses == "auto":
        return 0
    return min(joblib.cpu_count(), 8)


def pytest_configure(config):
    if hasattr(config, "workerinput"):
        threadpool_limits(1)  # the other workers have the other processors


@pytest.fixture(autouse=True)
def turn(request, tmp_path_factory):
    """Workers wait while a test runs that is marked ``alone``."""
    if not hasattr(request.config, "workerinput"):
        yield
        return
    alone = request.node.get_closest_marker("alone") is not None
    if fcntl is None:
        if alone:
            pytest.skip("it measures time: run it with -n 0")
        yield
        return
    folder = tmp_path_factory.getbasetemp().parent  # the workers'
    with open(folder / "door", "w") as door, open(folder / "room", "w") as room:
        # nobody passes the door while somebody who is to be alone waits there for the others
        fcntl.flock(door, fcntl.LOCK_EX)
        fcntl.flock(room, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        if not alone:
            fcntl.flock(door, fcntl.LOCK_UN)
        yield
        for file in (room, door):  # closing is not enough if a child has them too
            fcntl.flock(file, fcntl.LOCK_UN)


@pytest.fixture(params=arithmetic.INSTRUCTION_SETS)
def instruction_set(request):
    """Every instruction set in turn, those that this processor lacks skipped."""
    if arithmetic.use_instruction_set(request.param) != request.param:
        arithmetic.use_instruction_set()
        pytest.skip(f"this processor has no {request.param}")
    yield request.param
    arithmetic.use_instruction_set()


@pytest.fixture
def thread_counts(monkeypatch):
    """The sizes of the teams that fits make, as if there were four processors."""
    counts = []

    class CountingTeam(threads.Team):
        def __init__(self, n_threads=1):
            counts.append(n_threads)
            super().__init__(n_threads)

    monkeypatch.setattr(run, "Team", CountingTeam)
    monkeypatch.setattr(threads, "cpu_count", lambda: 4)
    return counts


def read_idx(path):
    """An array from a gzipped IDX file of bytes."""
    with gzip.open(path) as file:
        content = file.read()
    zero, kind, n_axes = int.from_bytes(content[:2], "big"), content[2], content[3]
    assert (zero, kind) == (0, 8), f"{path} is no IDX file of bytes"
    data_start = 4 + 4 * n_axes
    shape = np.frombuffer(content[4:data_start], dtype=">u4")
    return np.frombuffer(content[data_start:], dtype=np.uint8).reshape(shape)


@pytest.fixture(scope="session")
def mnist():
    """MNIST as X_train, y_train, X_test, y_test; X (n_images, 784) and y uint8."""
    folder = os.environ.get("SKDIGITNET_MNIST")
    if not folder:
        pytest.skip("SKDIGITNET_MNIST is not set; it names the folder of the four MNIST files")
    arrays = []
    for part in ("train", "t10k"):
        images = read_idx(Path(folder, f"{part}-images-idx3-ubyte.gz"))
        labels = read_idx(Path(folder, f"{part}-labels-idx1-ubyte.gz"))
        arrays += [images.reshape(len(images), -1), labels]
    return tuple(arrays)
