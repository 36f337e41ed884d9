"""n_jobs: one fit in several threads, to the bit what one thread computes."""

import threading
from types import SimpleNamespace

import numpy as np
import pytest
from children import script
from estimators import bits, maker
from joblib import parallel_config
from scipy import sparse
from sklearn.model_selection import GridSearchCV

from skdigitnet._core.rows import compress
from skdigitnet._problem import cost
from skdigitnet._problem.network import Network
from skdigitnet._system import threads
from skdigitnet._system.threads import Team

RNG = np.random.default_rng(0)
X = RNG.random((600, 300)) * (RNG.random((600, 300)) < 0.2)
y = RNG.integers(0, 7, 600)
CONFIGURATIONS = {
    "sgd": {"solver": "sgd", "momentum": 0},
    "nesterov": {"solver": "sgd"},
    "adam": {"solver": "adam"},
    "lbfgs": {"solver": "lbfgs"},
    "early stopping": {"early_stopping": True},
    "two hidden layers": {"hidden_layer_sizes": (90, 40), "batch_size": 64},
    "a batch of all rows": {"batch_size": 600},
}


make = maker(hidden_layer_sizes=(80,), max_iter=4, tol=0)


@pytest.fixture
def thread_counts(thread_counts, monkeypatch):
    """The same, where every step is worth any number of threads."""
    monkeypatch.setattr(cost, "THREAD_OPERATIONS", 1)
    return thread_counts


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_array], ids=["dense", "sparse"])
@pytest.mark.parametrize("parameters", CONFIGURATIONS.values(), ids=CONFIGURATIONS)
def test_threads_change_no_bit(thread_counts, parameters, kind, dtype):
    rows = kind(X.astype(dtype))
    one, *others = (bits(make(n_jobs=n, **parameters).fit(rows, y)) for n in (1, 2, 3, 4))
    assert thread_counts == [1, 2, 3, 4]
    assert all(other == one for other in others)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_n_jobs_has_scikit_learns_meaning(thread_counts, monkeypatch):
    monkeypatch.setattr(threads, "effective_n_jobs", lambda n: {-1: 4, -2: 3}.get(n, n or 1))
    for n_jobs in (None, 1, 2, 4, 100, -1, -2):
        make(n_jobs=n_jobs).fit(X, y)
    assert thread_counts == [1, 1, 2, 4, 4, 4, 3]  # never more than there are processors


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_parallel_config_is_heard(thread_counts):
    with parallel_config(n_jobs=2):
        make().fit(X, y)
        make(n_jobs=1).fit(X, y)
    assert thread_counts == [2, 1]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_fit_within_a_parallel_search_keeps_to_one_thread(thread_counts):
    search = GridSearchCV(make(n_jobs=4), {"alpha": [0, 1]}, cv=2, n_jobs=2, refit=False)
    with parallel_config(backend="threading"):
        search.fit(X, y)
    assert thread_counts == [1, 1, 1, 1]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_small_network_keeps_to_one_thread(monkeypatch):
    monkeypatch.setattr(threads, "cpu_count", lambda: 4)
    monkeypatch.setattr(
        "skdigitnet._training.run.Team", lambda n: pytest.fail(str(n)) if n > 1 else Team(n)
    )
    make(n_jobs=4, hidden_layer_sizes=(10,), batch_size=10).fit(X, y)


def test_threads_are_counted_by_the_work_there_is(monkeypatch):
    monkeypatch.setattr(threads, "cpu_count", lambda: 8)
    network = Network((300, 80, 7), "logistic", "softmax")
    for share, expected in ((0.5, 1), (1.9, 1), (2, 2), (3.5, 3), (100, 4)):
        monkeypatch.setattr(cost, "THREAD_OPERATIONS", 64 * 6 * network.n_params / share)
        assert threads.n_threads(4, cost.useful_threads(network, X, 64)) == expected


def test_only_entries_are_work(monkeypatch):
    monkeypatch.setattr(cost, "THREAD_OPERATIONS", 1)
    network = Network((300, 80, 7), "logistic", "softmax")
    whole = cost.useful_threads(network, X, 1)
    assert whole == 6 * network.n_params
    entries = sparse.csr_array(X).nnz / X.size
    for rows in (sparse.csr_array(X), compress(X, 0.2)):
        expected = whole - 6 * (1 - entries) * 300 * 80
        assert cost.useful_threads(network, rows, 1) == pytest.approx(expected, abs=1)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_no_thread_outlives_the_fit(thread_counts):
    before = threading.active_count()
    make(n_jobs=4).fit(X, y)
    assert thread_counts == [4]
    assert threading.active_count() == before


def failing_in(thread_that_fails, error):
    def kernel(workspace, *, thread=0):
        if thread == thread_that_fails:
            raise error
        workspace.wait_until_abandoned()

    return kernel


@pytest.mark.parametrize("thread", [0, 1, 2])
def test_an_error_in_one_thread_ends_the_others(thread):
    abandoned = threading.Event()
    workspace = SimpleNamespace(
        abandon=abandoned.set, wait_until_abandoned=lambda: abandoned.wait(10) or 1 / 0
    )
    with Team(3) as team, pytest.raises(MemoryError):
        team.run(failing_in(thread, MemoryError()), workspace)


def test_thread_that_cannot_be_started(monkeypatch):
    def start(self):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", start)
    with pytest.raises(RuntimeError, match="start new thread"), Team(3):
        pass


INTERRUPTED = """
import os, signal, sys, threading, time
import numpy as np
from skdigitnet import BackpropMLPClassifier
from skdigitnet._system import threads
threads.cpu_count = lambda: 2
rng = np.random.default_rng(0)
X, y = rng.random((20000, 400), dtype=np.float32), rng.integers(0, 10, 20000)
clf = BackpropMLPClassifier((300,), n_jobs=2, tol=0, max_iter=100000, random_state=0,
                            n_iter_no_change=np.inf, **eval(sys.argv[1]))
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may have it ignored
def interrupt():
    while not any(thread.name.startswith("skdigitnet") for thread in threading.enumerate()):
        time.sleep(0.01)
    time.sleep(0.5)  # training is on
    os.kill(os.getpid(), signal.SIGINT)
threading.Thread(target=interrupt).start()
try:
    clf.fit(X, y)
except KeyboardInterrupt:
    print("interrupted", np.isfinite(clf.coefs_[0]).all(), threading.active_count())
"""


@pytest.mark.parametrize("parameters", [{}, {"solver": "lbfgs", "max_fun": 10**6}], ids=str)
def test_ctrl_c_ends_every_thread(parameters):
    printed = script(INTERRUPTED, repr(parameters))
    assert printed.split() == ["interrupted", "True", "1"]
