"""Many threads at once: the bits of one thread, with the GIL and without."""

import re
import sysconfig
import threading
import tomllib
from concurrent.futures import ThreadPoolExecutor

import fits
import numpy as np
import pytest
from children import script
from effort import effort
from fits import FITS, ROWS, X, y
from paths import ROOT

from skdigitnet import BackpropMLPClassifier
from skdigitnet._system import threads

EXTENSIONS = {
    module["name"]: module["sources"]
    for module in tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"][
        "ext-modules"
    ]
}
N_THREADS = 8
METHODS = ("predict", "predict_proba", "predict_log_proba", "decision_function")

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.fixture(autouse=True)
def two_processors(monkeypatch):
    monkeypatch.setattr(threads, "cpu_count", lambda: 2)


def in_threads(function):
    """``function(i)`` in eight threads, i their numbers, all of which begin together."""
    barrier = threading.Barrier(N_THREADS)

    def work(i):
        barrier.wait(60)
        return function(i)

    with ThreadPoolExecutor(N_THREADS) as pool:
        return [job.result(600) for job in [pool.submit(work, i) for i in range(N_THREADS)]]


def rotated(sequence, i):
    return [*sequence[i:], *sequence[:i]]


def test_fits_in_threads_are_those_of_one():
    alone = fits.digests()
    for _ in range(effort(2, 50)):
        same = in_threads(lambda i: fits.digests(list(FITS)))
        mixed = in_threads(lambda i: fits.digests(rotated(list(FITS), i)))
        assert all(made == alone for made in (*same, *mixed))


@pytest.mark.parametrize("name", ["adam", "lbfgs", "two threads", "dropout"])
def test_one_estimator_predicts_in_threads(name):
    clf = fits.fit(name)
    parts = [slice(0, n) for n in (1, 2, 7, 64, 400)]
    calls = [
        (method, rows[part])
        for rows in ROWS.values()
        for part in parts
        for method in METHODS
    ]  # fmt: skip
    alone = [getattr(clf, method)(rows).tobytes() for method, rows in calls]

    def predict(i):
        order = np.random.default_rng(i).permutation(len(calls))
        return [
            getattr(clf, calls[j][0])(calls[j][1]).tobytes() == alone[j] for j in order
        ]  # fmt: skip

    for _ in range(effort(3, 100)):
        assert all(all(right) for right in in_threads(predict))


def test_fits_may_share_a_random_state():
    """Which draws each gets is a matter of chance; that they are whole is not."""
    generator = np.random.RandomState(0)
    fitted = in_threads(
        lambda i: BackpropMLPClassifier((10,), max_iter=3, random_state=generator).fit(X, y)
    )
    assert len({fits.digest(clf) for clf in fitted}) == N_THREADS
    assert all(np.isfinite(clf.loss_) for clf in fitted)


MISUSED = """
import sys, threading, time, warnings
import fits
from skdigitnet import BackpropMLPClassifier
warnings.simplefilter("ignore")
clf = BackpropMLPClassifier((20,), max_iter=1, random_state=0).fit(fits.X, fits.y)
stop, counts = time.monotonic() + float(sys.argv[1]), {"fit": 0, "predict": 0, "error": 0}

def work(i):
    j = 0
    while time.monotonic() < stop:
        j += 1
        rows = fits.ROWS[list(fits.ROWS)[j % 4]]
        try:
            if i % 2:
                clf.set_params(hidden_layer_sizes=(5 + (i * j) % 50,) * (1 + j % 2))
                clf.set_params(solver=("sgd", "adam", "lbfgs")[j % 3])
                clf.fit(rows[:, : 40 + i], fits.y)
            else:
                clf.predict_proba(rows[:, : 40 + j % 8])
            counts["fit" if i % 2 else "predict"] += 1
        except (AttributeError, KeyError, TypeError, ValueError):
            counts["error"] += 1

threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
print(counts["fit"], counts["predict"], counts["error"])
"""


def test_fits_and_predictions_of_one_estimator_at_once_do_not_end_python():
    """They are a mistake: what they give is a matter of chance, or a Python error."""
    n_fits, n_predictions, n_errors = map(int, script(MISUSED, str(effort(3, 60))).split())
    assert n_fits > 0
    assert n_predictions + n_errors > 0


FIRST_CALLS = """
import threading

begin, digests = threading.Barrier(8), []

def work():
    begin.wait()
    import fits
    digests.append(tuple(fits.digests().items()))

threads = [threading.Thread(target=work) for _ in range(8)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
print(len(digests), len(set(digests)))
"""


def test_first_import_and_first_calls_may_come_at_once():
    assert script(FIRST_CALLS).split() == ["8", "1"]


@pytest.mark.parametrize("name", EXTENSIONS)
def test_sources_declare_that_they_need_no_gil(name):
    (source,) = (ROOT / path for path in EXTENSIONS[name])
    header = source.read_text().partition('"""')[0]
    assert re.search(r"^# cython:.*\bfreethreading_compatible=True\b", header, re.MULTILINE)


@pytest.mark.skipif(
    not sysconfig.get_config_var("Py_GIL_DISABLED"),
    reason="this Python has no build without the GIL; python3.13t and python3.14t have",
)
@pytest.mark.parametrize("name", ["skdigitnet", *EXTENSIONS])
def test_the_gil_stays_off(name):
    source = f"import sys, {name}; print(sys._is_gil_enabled())"
    assert script(source, flags=("-W", "error")) == "False\n"
