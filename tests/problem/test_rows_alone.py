"""A row is predicted to the same bits alone, in every batch, and wherever in it."""

from itertools import cycle

import numpy as np
import pytest
from children import in_child
from output_layers import N_CLASSES, numpy_features
from scipy import sparse

from skdigitnet import BackpropMLPClassifier
from skdigitnet._core.plan import ACTIVATIONS
from skdigitnet._problem.cost import MAX_BLOCK_ROWS

N_ROWS, N_FEATURES = MAX_BLOCK_ROWS + 200, 23
# first row, number of rows
BATCHES = [
    *[(0, 1), (1, 1), (5, 1), (MAX_BLOCK_ROWS - 1, 1), (MAX_BLOCK_ROWS, 1), (N_ROWS - 1, 1)],
    *[(0, 2), (MAX_BLOCK_ROWS - 1, 2), (2, 3), (3, 3), (1100, 7), (0, 64), (7, 65)],
    *[(MAX_BLOCK_ROWS - 30, 65), (1, MAX_BLOCK_ROWS + 1)],
]
METHODS = ("predict", "predict_proba", "predict_log_proba", "decision_function")
OUTPUTS = {
    "softmax": {"output_activation": "softmax"},
    "logistic": {"output_activation": "logistic"},
    "identity": {"output_activation": "identity", "loss": "squared_error"},
    "multilabel": {},
}
FORMS = {
    "C": np.ascontiguousarray,
    "Fortran": np.asfortranarray,
    "strided": lambda X: np.repeat(X, 2, axis=1)[:, ::2],
    "csr": sparse.csr_array,
}

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def rows(n_rows, dtype):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n_rows, N_FEATURES))
    X[rng.random(X.shape) < 0.5] = 0
    return (3 * X).astype(dtype)


def fitted(n_classes, outputs, hidden, activation, dtype):
    y = np.arange(2 * n_classes) % n_classes
    if outputs == "multilabel":
        y = np.eye(n_classes, dtype=int)[y]
    clf = BackpropMLPClassifier(
        hidden,
        activation,
        **OUTPUTS[outputs],
        alpha=0,
        max_iter=1,
        random_state=0,
    )
    clf.fit(rows(len(y), dtype), y)
    for W in clf.coefs_:
        W[:] = np.random.default_rng(1).standard_normal(W.shape)  # some outputs saturate
    # several classes are predicted
    clf.intercepts_[-1][:] -= clf.decision_function(rows(200, dtype)).mean(axis=0)
    return clf


def assert_rows_alone(predict, X):
    whole = predict(X)
    assert len(np.unique(whole)) > 1
    for first, number in BATCHES:
        batch = slice(first, first + number)
        assert predict(X[batch]).tobytes() == whole[batch].tobytes(), (first, number)


@pytest.mark.parametrize("hidden", [(), (6,), (17, 9), (33, 5, 40)], ids=str)
@pytest.mark.parametrize("outputs", OUTPUTS)
def test_every_output_layer(instruction_set, outputs, hidden):
    forms = cycle([np.asarray, sparse.csr_array])
    activations = cycle([*ACTIVATIONS, "tanh"])
    dtypes = cycle([np.float32, np.float32, np.float64, np.float64])
    for n_classes, form, activation, dtype in zip(
        N_CLASSES, forms, activations, dtypes, strict=False
    ):
        X = rows(N_ROWS, dtype)
        clf = fitted(n_classes, outputs, hidden, activation, dtype)
        for method in METHODS:
            if hasattr(clf, method):
                assert_rows_alone(getattr(clf, method), form(X))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_form_and_activation(instruction_set, activation, form, dtype):
    clf = fitted(5, "softmax", (17, 9), activation, dtype)
    for method in METHODS:
        assert_rows_alone(getattr(clf, method), FORMS[form](rows(N_ROWS, dtype)))


def test_a_row_of_other_precision_than_the_weights():
    clf = fitted(5, "softmax", (17,), "tanh", np.float32)
    for form in FORMS.values():
        assert_rows_alone(clf.predict_proba, form(rows(N_ROWS, np.float64)))


def test_rows_in_another_order():
    clf = fitted(10, "softmax", (17,), "tanh", np.float64)
    X = rows(N_ROWS, np.float64)
    order = np.random.default_rng(1).permutation(N_ROWS)
    for form in FORMS.values():
        whole, moved = clf.predict_proba(form(X)), clf.predict_proba(form(X[order]))
        assert moved.tobytes() == whole[order].tobytes()


# The output layer's functions are NumPy's and SciPy's, which have loops for several
# instruction sets


@pytest.mark.parametrize("without", ["none", "all"])
def test_every_instruction_set_of_numpy(without):
    disabled = numpy_features() if without == "all" else []
    variables = {"NPY_DISABLE_CPU_FEATURES": " ".join(disabled)}
    in_use = in_child("output_layers.check_rows_alone", variables=variables)
    assert not set(in_use).intersection(disabled)
