"""Type stubs of predict.pyx."""

import numpy as np

def network_outputs(
    X: np.ndarray,
    coefs: list[np.ndarray],
    intercepts: list[np.ndarray],
    activation: str,
    block_size: int,
) -> tuple[np.ndarray, bool]: ...
def apply_activation(activation: str, z: np.ndarray) -> None: ...
def softmax(z: np.ndarray, low: float, high: float) -> np.ndarray: ...
