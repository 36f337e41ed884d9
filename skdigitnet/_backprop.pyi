ACTIVATIONS: dict[str, int]
OUTPUT_LOSSES: dict[tuple[str, str], int]

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
