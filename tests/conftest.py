"""What the tests share: where to import from, instruction sets, and MNIST."""

import gzip
import os
import signal
import sys
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import numpy as np
import pytest

TESTS = Path(__file__).resolve().parent
ROOT = TESTS.parent

# `python -m pytest` in a clone puts the clone first on sys.path. Unless its extension
# module was built in place (an editable install), the package to test is the installed one.
if not any((ROOT / "skdigitnet/_core" / f"train{end}").exists() for end in EXTENSION_SUFFIXES):
    sys.path[:] = [entry for entry in sys.path if Path(entry).resolve() != ROOT]
sys.path.insert(0, str(TESTS))  # for `import reference`

from skdigitnet._core import arithmetic  # noqa: E402, the paths come first

# a shell starts what it runs in the background with Ctrl-C ignored
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(params=arithmetic.INSTRUCTION_SETS)
def instruction_set(request):
    """Every instruction set in turn, those that this processor lacks skipped."""
    if arithmetic.use_instruction_set(request.param) != request.param:
        arithmetic.use_instruction_set()
        pytest.skip(f"this processor has no {request.param}")
    yield request.param
    arithmetic.use_instruction_set()


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
