"""Dense X of few entries is trained on as sparse rows, and nobody can tell."""

import numpy as np
import pytest
from estimators import assert_same_fit
from scipy import sparse

from skdigitnet import BackpropMLPClassifier
from skdigitnet._core.rows import compress
from skdigitnet._problem import cost
from skdigitnet._training import encoding

RNG = np.random.default_rng(0)
y = RNG.integers(0, 4, 250)
SOLVERS = {
    "plain": {"solver": "sgd", "momentum": 0},
    "nesterov": {"solver": "sgd", "early_stopping": True},
    "adam": {"solver": "adam", "batch_size": 250},
    "lbfgs": {"solver": "lbfgs"},
}

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def rows(density, dtype=np.float64):
    return (RNG.random((250, 90)) * (RNG.random((250, 90)) < density)).astype(dtype)


def fit(X, hidden=(12,), **parameters):
    parameters = {"max_iter": 5, "batch_size": 30, **parameters}
    return BackpropMLPClassifier(hidden, random_state=0, **parameters).fit(X, y)


@pytest.fixture
def compressions(monkeypatch):
    """The shapes of what has been compressed."""
    shapes = []

    def compress_and_count(X, expected_density):
        shapes.append(X.shape)
        return compress(X, expected_density)

    monkeypatch.setattr(encoding, "compress", compress_and_count)
    return shapes


@pytest.fixture
def always_worth_it(monkeypatch):
    monkeypatch.setattr(encoding, "MIN_PRODUCTS", 0)


@pytest.mark.usefixtures("always_worth_it")
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("hidden", [(), (12,), (150,), (40, 20)], ids=str)
@pytest.mark.parametrize("parameters", SOLVERS.values(), ids=SOLVERS)
def test_every_form_of_x_gives_the_same_bits(
    compressions, monkeypatch, parameters, hidden, dtype
):
    X = rows(0.2, dtype)
    expected = fit(X, hidden, **parameters)
    assert compressions == [X.shape]
    for kind in (np.asfortranarray, sparse.csr_array, sparse.csc_matrix):
        assert_same_fit(fit(kind(X), hidden, **parameters), expected)
    monkeypatch.setattr(encoding, "MAX_DENSITY", -1.0)
    assert_same_fit(fit(X, hidden, **parameters), expected)
    assert len(compressions) == 2  # the Fortran-ordered one


@pytest.mark.usefixtures("always_worth_it")
@pytest.mark.parametrize("parameters", SOLVERS.values(), ids=SOLVERS)
def test_batches_of_several_blocks_give_the_same_bits(compressions, monkeypatch, parameters):
    monkeypatch.setattr(cost, "MIN_BLOCK_ROWS", 8)
    monkeypatch.setattr(cost, "BLOCK_BYTES", 2**15)  # 40 dense rows
    X, parameters = rows(0.1), {**parameters, "batch_size": 200}
    sparse_copy = fit(X, **parameters)
    assert compressions == [X.shape]
    monkeypatch.setattr(encoding, "MAX_DENSITY", -1.0)
    assert_same_fit(fit(X, **parameters), sparse_copy)


@pytest.mark.usefixtures("always_worth_it")
def test_denser_rows_stay_dense(compressions):
    fit(rows(0.4))
    assert compressions == []


def test_sparse_copy_must_be_worth_its_time(compressions):
    X = rows(0.1)
    fit(X, max_iter=1)
    BackpropMLPClassifier((12,)).partial_fit(X, y, classes=range(4))
    assert compressions == []
    fit(rows(0.1), (100, 5), max_iter=3)
    fit(rows(0.1), (250,), max_iter=1)
    assert len(compressions) == 2


def test_rows_without_any_entry():
    assert_same_fit(fit(np.zeros((250, 90))), fit(sparse.csr_array((250, 90))))
