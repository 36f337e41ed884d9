"""The data: load_digits, and MNIST from its four original files.

MNIST is read from the folder that the environment variable SKDIGITNET_MNIST names
(``train-images-idx3-ubyte.gz`` and so on).
"""

from __future__ import annotations

import gzip
import os
from functools import cache
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits

DATA = {
    "digits": "load_digits / 16, 1,797 x 64, float64",
    "mnist": "MNIST / 255, 60,000 x 784, float32",
    "mnist64": "MNIST / 255, 60,000 x 784, float64",
    "mnist5k": "the first 5,000 of MNIST / 255, float32",
    "mnist5k64": "the first 5,000 of MNIST / 255, float64",
    "standardised": "MNIST standardised, without a zero, 60,000 x 784, float32",
}


def mnist_folder() -> Path | None:
    folder = os.environ.get("SKDIGITNET_MNIST")
    return Path(folder) if folder else None


def read_idx(path: Path) -> np.ndarray:
    """The array in a gzipped IDX file of bytes."""
    content = gzip.decompress(path.read_bytes())
    shape = np.frombuffer(content, dtype=">i4", count=content[3], offset=4)
    return np.frombuffer(content, dtype=np.uint8, offset=4 + 4 * len(shape)).reshape(shape)


@cache
def mnist(part: str) -> tuple[np.ndarray, np.ndarray]:
    """Part "train" or "t10k": pixels in [0, 1] as float32, and labels."""
    images = read_idx(mnist_folder() / f"{part}-images-idx3-ubyte.gz")
    labels = read_idx(mnist_folder() / f"{part}-labels-idx1-ubyte.gz")
    X = images.reshape(len(images), -1) / np.float32(255)
    return X, labels.astype(int)


def standardised(X: np.ndarray) -> np.ndarray:
    """Every pixel less its mean, divided by its standard deviation, and never zero.

    The mean is taken as 0.01 at least, which is no pixel's value, so that a pixel that
    is zero in every image becomes a column of -0.1 and not of zeros; the deviation as
    0.1 at least, so that pixels that are hardly ever set do not become huge.
    """
    X = (X - np.maximum(X.mean(axis=0), 0.01)) / np.maximum(X.std(axis=0), 0.1)
    assert np.all(X), "a standardised pixel is zero"
    return X


@cache
def load(data: str) -> tuple[np.ndarray, np.ndarray]:
    """X and y of a key of DATA."""
    if data == "digits":
        X, y = load_digits(return_X_y=True)
        return X / 16, y
    X, y = mnist("train")
    if data == "standardised":
        return standardised(X), y
    n_rows = 5000 if data.startswith("mnist5k") else len(X)
    return X[:n_rows].astype(np.float64 if data.endswith("64") else np.float32), y[:n_rows]
