"""Type stubs of plan.pyx."""

import numpy as np

from skdigitnet._core.rows import Inputs

ACTIVATIONS: dict[str, int]
OUTPUT_LOSSES: dict[tuple[str, str], int]

class Plan:
    n_layers: int
    n_coefs: int
    n_params: int
    block_size: int
    n_panels: int
    is_sparse: bool
    n_reals: int
    def __init__(
        self,
        layer_sizes: tuple[int, ...],
        activation: str,
        loss: str,
        out_activation: str,
        block_size: int,
        sparse: bool,
        dropout: tuple[float, ...] = (),
    ) -> None: ...

class Workspace:
    plan: Plan
    inputs: Inputs
    n_threads: int
    real_array: np.ndarray
    def __init__(self, plan: Plan, inputs: Inputs, n_threads: int = 1) -> None: ...
    def abandon(self) -> None: ...
