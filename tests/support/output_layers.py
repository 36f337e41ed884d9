"""The output layers' functions, of rows alone and in batches."""

from itertools import product

import numpy as np
from effort import effort

from skdigitnet._problem.output_layer import OutputLayer

N_CLASSES = effort((2, 3, 5, 8, 10, 17, 33, 100), (*range(2, 40), 100, 257, 1000))
LAYERS = [
    OutputLayer("softmax", multilabel=False),
    OutputLayer("logistic", multilabel=False),
    OutputLayer("logistic", multilabel=True),
]


def check_rows_alone():
    """Compare rows alone with rows in batches; return which instructions NumPy had."""
    z = 4 * np.random.default_rng(0).standard_normal((70, 9000))
    for n_outputs, layer, dtype in product((1, *N_CLASSES, 9000), LAYERS, ("f4", "f8")):
        rows = np.ascontiguousarray(z[:, :n_outputs], dtype=dtype)
        for function in (layer.probabilities, layer.log_probabilities):
            whole = function(rows)
            for first, number in [(0, 1), (3, 1), (69, 1), (1, 2), (2, 7), (5, 64)]:
                batch = slice(first, first + number)
                assert function(rows[batch].copy()).tobytes() == whole[batch].tobytes()
    return numpy_features()


def numpy_features():
    """The instruction sets that NumPy has found and could do without."""
    return np.show_config(mode="dicts")["SIMD Extensions"].get("found", [])
