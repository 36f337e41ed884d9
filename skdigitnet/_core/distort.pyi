"""Type stubs of distort.pyx."""

import numpy as np
import numpy.typing as npt

def distort(
    X: np.ndarray,
    out: np.ndarray,
    ranges: npt.NDArray[np.float64],
    rows: npt.NDArray[np.float32],
    columns: npt.NDArray[np.float32],
    is_elastic: bool,
    key: int,
    first_row: int,
    padded: npt.NDArray[np.float64],
    fields: npt.NDArray[np.float32],
) -> None: ...
