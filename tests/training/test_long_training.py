"""A call to partial_fit, or to fit with warm_start, costs the same after any number of them."""

import gc
import sys
import time
import tracemalloc

import numpy as np
import pytest
from resuming import digits, make

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, y, X_val, y_val = digits()
CALLS = {
    "partial_fit": lambda clf: clf.partial_fit(X[:1], y[:1]),
    "warm start": lambda clf: clf.fit(X[:10], y[:10]),
    "validation score": lambda clf: clf.fit(X[:10], y[:10], X_val=X_val, y_val=y_val),
    "scorer": lambda clf: clf.fit(X[:10], y[:10], X_val=X_val, y_val=y_val),
}


def begun(case, n_calls=0, **parameters):
    """An estimator that has trained, as if in this many more calls."""
    clf = make(max_iter=1, warm_start=True, **parameters)
    if case in ("validation score", "scorer"):
        scoring = "accuracy" if case == "validation score" else "f1_macro"
        clf.set_params(early_stopping=True, scoring=scoring)
    if case == "partial_fit":
        clf.partial_fit(X, y, classes=np.arange(10))
    CALLS[case](clf)
    for numbers in (clf.loss_curve_, clf.validation_scores_ or []):
        numbers.extend(numbers * n_calls)
    CALLS[case](clf)  # Python then has room for the numbers of the next ones
    return clf


def n_functions_called(call, clf):
    """In Python and in C: what copies a list or searches it number by number calls many."""
    count = 0

    def note(frame, event, argument):
        nonlocal count
        count += event in ("call", "c_call")

    call(clf)
    sys.setprofile(note)
    try:
        call(clf)
    finally:
        sys.setprofile(None)
    return count


def peak_of(call, clf):
    """The most bytes that a call takes on the way."""
    call(clf)
    tracemalloc.start()
    call(clf)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


@pytest.mark.parametrize("case", CALLS)
def test_a_call_does_the_same_after_a_million_of_them(case):
    young, old = begun(case), begun(case, n_calls=10**6)
    assert len(old.loss_curve_) > 10**6
    call = CALLS[case]
    assert abs(n_functions_called(call, old) - n_functions_called(call, young)) < 100
    assert abs(peak_of(call, old) - peak_of(call, young)) < 20_000


@pytest.mark.parametrize("case", CALLS)
def test_a_call_takes_as_long_after_a_million_of_them(case):
    clfs = begun(case), begun(case, n_calls=10**6)
    best = [np.inf, np.inf]
    for _ in range(50):
        for i, clf in enumerate(clfs):
            start = time.process_time()
            CALLS[case](clf)
            best[i] = min(best[i], time.process_time() - start)
    assert best[1] < 1.3 * best[0]


@pytest.mark.parametrize("case", ["partial_fit", "warm start"])
def test_weights_are_in_memory_once_and_in_a_call_twice(case):
    """With a velocity for each, and in a call a gradient."""
    clf = begun(case, hidden_layer_sizes=(20_000,))
    n_bytes = clf._training_state.theta.nbytes
    assert np.shares_memory(clf.coefs_[0], clf._training_state.theta)
    tracemalloc.start()
    gc.disable()  # nothing waits for it
    try:
        CALLS[case](clf)  # its arrays have taken the place of those that are not traced
        at_rest = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        CALLS[case](clf)
        after, peak = tracemalloc.get_traced_memory()
    finally:
        gc.enable()
        tracemalloc.stop()
    assert at_rest < 2.1 * n_bytes
    assert abs(after - at_rest) < 0.1 * n_bytes
    assert peak < at_rest + 4 * n_bytes  # activations too
