"""Type stubs of rows.pyx."""

from typing import Any

import numpy as np
import numpy.typing as npt

MAX_SPARSE_FEATURES: int

def is_surely_finite(X: np.ndarray) -> bool: ...
def density(X: np.ndarray, n_rows: int) -> float: ...
def compress(X: np.ndarray, expected_density: float) -> Compressed: ...

class Compressed:
    data: np.ndarray
    indices: npt.NDArray[np.int32]
    indptr: npt.NDArray[np.intp]
    shape: tuple[int, int]
    dtype: np.dtype

class Inputs:
    n_rows: int
    n_features: int
    itemsize: int
    max_row_entries: int
    row_elements: int
    is_sparse: bool
    dtype: np.dtype
    def __init__(self, X: Any) -> None: ...

class Targets:
    n_rows: int
    y: np.ndarray
    sample_weight: npt.NDArray[np.float64]
    def __init__(self, y: np.ndarray, sample_weight: npt.NDArray[np.float64]) -> None: ...

class Samples:
    inputs: Inputs
    targets: Targets
    def __init__(
        self, X: Any, y: np.ndarray, sample_weight: npt.NDArray[np.float64]
    ) -> None: ...
