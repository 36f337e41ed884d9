"""Threads of the user: each fits an estimator of its own, and all predict with one."""

import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import numpy as np
import pytest
from effort import effort
from estimators import bits
from scipy import sparse

from skdigitnet import BackpropMLPClassifier
from skdigitnet._problem import cost
from skdigitnet._system import threads

RNG = np.random.default_rng(0)
X = RNG.random((300, 40)) * (RNG.random((300, 40)) < 0.4)
y = RNG.integers(0, 5, 300)
FORMS = {"dense": X, "float32": X.astype(np.float32), "sparse": sparse.csr_array(X)}
METHODS = ("predict", "predict_proba", "predict_log_proba", "decision_function")
# one for each thread: the form of X and the estimator's parameters
FITS = [
    ("dense", {"solver": "sgd", "momentum": 0}),
    ("sparse", {"solver": "sgd", "n_jobs": 2}),
    ("float32", {"solver": "sgd", "early_stopping": True, "n_jobs": 2}),
    ("dense", {"solver": "adam", "dropout": 0.3, "n_jobs": 2}),
    ("sparse", {"solver": "adam", "batch_size": 300, "n_jobs": 2}),
    ("dense", {"solver": "lbfgs"}),
    ("sparse", {"solver": "lbfgs"}),
    ("float32", {"solver": "lbfgs", "n_jobs": 2}),
]

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def fit(form, parameters):
    parameters = {"hidden_layer_sizes": (20, 10), "max_iter": 5, "tol": 0, **parameters}
    return BackpropMLPClassifier(random_state=0, **parameters).fit(FORMS[form], y)


def predictions(clf):
    return [
        getattr(clf, method)(rows).tobytes() for method in METHODS for rows in FORMS.values()
    ]


@pytest.fixture
def many_switches(monkeypatch):
    """Threads take turns often, and any network is worth two of them to train."""
    monkeypatch.setattr(cost, "THREAD_OPERATIONS", 1)
    monkeypatch.setattr(threads, "cpu_count", lambda: 2)
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(interval)


def test_eight_threads_fit_and_predict_as_one_does(many_switches):
    shared = fit("dense", {"solver": "sgd"})
    expected = [(bits(fit(*settings)), predictions(shared)) for settings in FITS]
    start = Barrier(len(FITS))

    def fit_and_predict(settings):
        start.wait()
        return bits(fit(*settings)), predictions(shared)

    with ThreadPoolExecutor(len(FITS)) as pool:
        for _ in range(effort(3, 300)):
            assert list(pool.map(fit_and_predict, FITS)) == expected
