"""Type stubs of train.pyx."""

import numpy as np
import numpy.typing as npt

from skdigitnet._core.plan import Plan, Workspace
from skdigitnet._core.rows import Targets
from skdigitnet._core.runs import Epoch, Run

def train(
    workspace: Workspace, run: Run, epoch: Epoch, start: int, stop: int, *, thread: int = 0
) -> tuple[int, float]: ...
def add_loss_gradient(
    workspace: Workspace,
    targets: Targets,
    order: npt.NDArray[np.intp],
    start: int,
    stop: int,
    weight_scale: float,
    theta: np.ndarray,
    gradient: np.ndarray,
    *,
    thread: int = 0,
) -> float: ...
def sum_loss(
    workspace: Workspace,
    targets: Targets,
    order: npt.NDArray[np.intp],
    start: int,
    stop: int,
    weight_scale: float,
    theta: np.ndarray,
    *,
    thread: int = 0,
) -> float: ...
def penalty(plan: Plan, decay: float, theta: np.ndarray) -> float: ...
def add_penalty(plan: Plan, decay: float, theta: np.ndarray, gradient: np.ndarray) -> float: ...
