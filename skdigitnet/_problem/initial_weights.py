"""How the initial weights are drawn."""

from __future__ import annotations

import numpy as np

from skdigitnet._problem.network import Network

WEIGHT_INITS = ("auto", "sklearn")
# Of hidden layers. The pre-activations of tanh units are half as wide as those of logistic
# units, since tanh(z) = 2 logistic(2 z) - 1.
GAINS = {"logistic": 4.0, "tanh": 2.0, "relu": 1.0, "identity": 1.0}


def draw_weights(
    network: Network, weight_init: str, random_state: np.random.RandomState, dtype
) -> np.ndarray:
    r"""Random weights and intercepts, uniform in an interval of each layer's own.

    They are drawn in MLPClassifier's order, layer by layer the coefs and then the
    intercepts, with bounds that ``weight_init`` chooses:

    - "auto" is :math:`\pm g \sqrt{6 / (n_{in} + n_{out})}` [1]_. The gain g is 4 for a hidden
      layer of logistic units [2]_, 2 for one of tanh units, and 1 for other hidden layers
      and for the output layer.
      Logistic units give 1/2 in the mean, not 0; a layer that they feed therefore has half
      the sum of each unit's weights taken from its intercept, so that its pre-activations
      are around 0 [3]_.
    - "sklearn" is MLPClassifier's :math:`\pm \sqrt{c / (n_{in} + n_{out})}` with c = 2 for
      logistic hidden units and c = 6 for others, the output layer included.

    Parameters
    ----------
    network : Network
    weight_init : {"auto", "sklearn"}
    random_state : RandomState
    dtype : dtype

    Returns
    -------
    theta : ndarray of shape (n_params,)

    Raises
    ------
    MemoryError
        If the weights do not fit in memory, before any is drawn.

    References
    ----------
    .. [1] X. Glorot and Y. Bengio, "Understanding the difficulty of training deep
       feedforward neural networks", AISTATS 2010.
    .. [2] Y. Bengio, "Practical recommendations for gradient-based training of deep
       architectures", in Neural Networks: Tricks of the Trade, 2012.
    .. [3] Y. LeCun, L. Bottou, G. B. Orr and K.-R. Mueller, "Efficient BackProp", in Neural
       Networks: Tricks of the Trade, 1998.
    """
    theta = network.new_theta(dtype)
    layers = list(zip(*network.unpack(theta), strict=True))
    has_logistic_units = network.activation == "logistic"
    for i, (W, b) in enumerate(layers):
        is_hidden, is_fed_by_hidden = i < len(layers) - 1, i > 0
        if weight_init == "sklearn":
            bound = np.sqrt((2.0 if has_logistic_units else 6.0) / sum(W.shape))
        else:
            gain = GAINS[network.activation] if is_hidden else 1.0
            bound = gain * np.sqrt(6.0 / sum(W.shape))
        W[:] = random_state.uniform(-bound, bound, W.shape)
        b[:] = random_state.uniform(-bound, bound, b.shape)
        if weight_init == "auto" and has_logistic_units and is_fed_by_hidden:
            b -= W.sum(axis=0) / 2
    return theta
