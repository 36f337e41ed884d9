import numpy as np
import numpy.typing as npt

from skdigitnet._core.plan import Plan, Workspace

UPDATE_RULES: dict[str, int]

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

def train(
    workspace: Workspace,
    update: Update,
    order: npt.NDArray[np.intp],
    start: int,
    stop: int,
    batch_size: int,
    decay: float,
    theta: np.ndarray,
    gradient: np.ndarray,
    moments: np.ndarray,
    dropout_key: int = 0,
    *,
    thread: int = 0,
) -> tuple[int, float]: ...
def add_loss_gradient(
    workspace: Workspace,
    order: npt.NDArray[np.intp],
    start: int,
    stop: int,
    weight_scale: float,
    theta: np.ndarray,
    gradient: np.ndarray,
    *,
    thread: int = 0,
) -> float: ...
def add_penalty(plan: Plan, decay: float, theta: np.ndarray, gradient: np.ndarray) -> float: ...
