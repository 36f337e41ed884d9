from typing import Any

import numpy as np
import numpy.typing as npt

class Data:
    n_rows: int
    n_features: int
    is_sparse: bool
    dtype: np.dtype
    sample_weight: npt.NDArray[np.float64]
    def __init__(
        self, X: Any, y: np.ndarray, sample_weight: npt.NDArray[np.float64]
    ) -> None: ...
