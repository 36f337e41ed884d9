from typing import Any

import numpy as np
import numpy.typing as npt

ACTIVATIONS: dict[str, int]
OUTPUT_LOSSES: dict[tuple[str, str], int]
UPDATE_RULES: dict[str, int]
INSTRUCTION_SETS: dict[str, int]

class Backprop:
    n_layers: int
    n_coefs: int
    n_params: int
    block_size: int
    workspace_size: int
    def __init__(
        self,
        layer_sizes: tuple[int, ...],
        activation: str,
        loss: str,
        out_activation: str,
        block_size: int,
        sparse: bool,
    ) -> None: ...

class Data:
    n_rows: int
    n_features: int
    is_sparse: bool
    dtype: np.dtype
    sample_weight: npt.NDArray[np.float64]
    def __init__(
        self, X: Any, y: np.ndarray, sample_weight: npt.NDArray[np.float64]
    ) -> None: ...

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

def use_instruction_set(name: str | None = None) -> str: ...
def train(
    net: Backprop,
    data: Data,
    update: Update,
    order: npt.NDArray[np.intp],
    start: int,
    stop: int,
    batch_size: int,
    decay: float,
    theta: np.ndarray,
    gradient: np.ndarray,
    moments: np.ndarray,
    work: np.ndarray,
) -> tuple[int, float]: ...
def add_loss_gradient(
    net: Backprop,
    data: Data,
    order: npt.NDArray[np.intp],
    start: int,
    stop: int,
    weight_scale: float,
    theta: np.ndarray,
    gradient: np.ndarray,
    work: np.ndarray,
) -> float: ...
def add_penalty(
    net: Backprop, decay: float, theta: np.ndarray, gradient: np.ndarray
) -> float: ...
def layer_forward(
    a: np.ndarray, W: np.ndarray, b: np.ndarray, activation: str
) -> np.ndarray: ...
def apply_activation(activation: str, z: np.ndarray) -> None: ...
