"""Type stubs of runs.pyx."""

import numpy as np
import numpy.typing as npt

from skdigitnet._core.rows import Targets

UPDATE_RULES: dict[str, tuple[int, int]]

class Update:
    learning_rate: float
    n_steps: int
    n_moments: int
    def __init__(
        self,
        rule: str,
        *,
        learning_rate: float,
        momentum: float = 0.0,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
    ) -> None: ...

class Run:
    def __init__(
        self,
        targets: Targets,
        update: Update,
        decay: float,
        theta: np.ndarray,
        gradient: np.ndarray | None,
        moments: np.ndarray,
    ) -> None: ...

class Epoch:
    def __init__(
        self,
        order: npt.NDArray[np.intp],
        batch_size: int,
        dropout_key: int = 0,
        first: int = 0,
    ) -> None: ...
