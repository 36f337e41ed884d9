"""What tests of processes do in a Python of their own, where a hang ends with a traceback.

A process that does not answer in time is sent SIGABRT, on which its faulthandler, which it
has from its parent, prints where every thread is.
"""

import multiprocessing
import os
import random
import signal
import threading
import time
import traceback
import warnings
from contextlib import contextmanager

import numpy as np
from fits import ROWS, digest, digests, fit, y
from joblib import Parallel, delayed
from joblib.externals.loky import get_reusable_executor
from threadpoolctl import ThreadpoolController

from skdigitnet import BackpropMLPClassifier
from skdigitnet._system import threads

PATIENCE = 60  # seconds for what takes a second or two


# Children


def answer_of_child(method, function, *arguments):
    """What ``function`` returns in a child process started by ``method``."""
    context = multiprocessing.get_context(method)
    receiver, sender = context.Pipe(duplex=False)
    child = context.Process(target=_answer, args=(sender, function, arguments))
    with warnings.catch_warnings():
        # since Python 3.12 a fork beside threads is warned of: it is what is tested here
        warnings.filterwarnings("ignore", ".*fork", DeprecationWarning)
        child.start()
    sender.close()
    try:
        return received(receiver, child.pid)
    finally:
        child.join(PATIENCE)
        child.kill()
        child.join()
        assert child.exitcode == 0, child.exitcode


def received(receiver, pid):
    """What the process sends; that it does not end well if it sends nothing in time."""
    if not receiver.poll(PATIENCE):
        os.kill(pid, signal.SIGABRT)
        raise TimeoutError(f"no answer of process {pid}")
    return receiver.recv()


def _answer(sender, function, arguments):
    try:
        sender.send(function(*arguments))
    except BaseException:
        sender.send(traceback.format_exc())
        raise


def n_blas_threads():
    """How many threads each BLAS library would use now."""
    return [
        library.num_threads
        for library in ThreadpoolController().lib_controllers
        if library.user_api == "blas"
    ]


def fit_all():
    """The digests of all fits, between products for which BLAS starts its threads."""
    threads.cpu_count = lambda: 2  # for n_jobs=2 on every machine
    before = n_blas_threads()
    large = np.ones((300, 300))
    large @ large
    made = digests()
    large @ large
    assert n_blas_threads() == before, (n_blas_threads(), before)
    return made


# What they do


def fit_in_turn(n_rounds):
    """Fit here, in children of every kind, and here again, so often.

    Returns
    -------
    longest : float
        Of a round, in seconds.
    different : list
        Where digests were not those of the first fits.
    """
    first, longest, different = fit_all(), 0.0, []
    for i in range(n_rounds):
        began = time.monotonic()
        made = {
            "here": fit_all(),
            "fork": answer_of_child("fork", fit_all),
            "spawn": answer_of_child("spawn", fit_all),
            "loky": Parallel(n_jobs=2, timeout=PATIENCE)(delayed(fit_all)() for _ in "ab"),
            "here again": fit_all(),
        }
        assert made["loky"][0] == made["loky"].pop()
        made["loky"] = made["loky"][0]
        different += [(i, place) for place, digests in made.items() if digests != first]
        longest = max(longest, time.monotonic() - began)
    get_reusable_executor().shutdown(kill_workers=True)
    return longest, different


@contextmanager
def fits_running(name):
    """Another thread fits all the time."""
    ended = threading.Event()

    def work():
        while not ended.is_set():
            fit(name)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(PATIENCE)
        assert not thread.is_alive()


def state_of_child():
    return fit_all(), n_blas_threads(), threading.active_count()


def fork_beside_a_fit(names, n_forks):
    """Fork this often while another thread fits; what is different in the children."""
    blas, first = n_blas_threads(), fit_all()
    moments, different = random.Random(0), []
    for name in names:
        with fits_running(name):
            for i in range(n_forks):
                time.sleep(moments.uniform(0, 0.01))
                made = answer_of_child("fork", state_of_child)
                if made != (first, blas, 1):
                    different.append((name, i, made))
        assert fit_all() == first
    return different


def fork_within_fits(names):
    """Fork in a scorer; parent and child both continue to the end.

    Returns
    -------
    different : list
        Fits whose bits, or the number of BLAS threads after them, were not as without.
    """
    threads.cpu_count = lambda: 2
    return [name for name in names if not forks_and_goes_on(name)]


def forks_and_goes_on(name):
    receiver, sender = multiprocessing.Pipe(duplex=False)
    blas, parent, children = n_blas_threads(), os.getpid(), []

    def accuracy(estimator, X, y):
        if os.getpid() == parent and not children:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)
                children.append(os.fork())
        return estimator.score(X, y)

    made = digest(fit(name, early_stopping=True, scoring=accuracy))
    if os.getpid() != parent:
        sender.send((made, n_blas_threads()))
        os._exit(0)
    try:
        there = received(receiver, children[0])
    finally:
        os.waitpid(children[0], 0)
    alone = digest(fit(name, early_stopping=True, scoring="accuracy"))
    return (made, n_blas_threads()) == there == (alone, blas)


def interrupt_child_beside_a_fit():
    """Whether Ctrl-C ends a child that another thread forks while this one fits."""
    answers = []

    def interrupt():
        answers.append(answer_of_child("fork", is_interrupted))
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

    clf = BackpropMLPClassifier(max_iter=10**9, n_iter_no_change=np.inf, random_state=0)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    threading.Timer(0.5, interrupt).start()
    try:
        clf.fit(ROWS["dense"], y)
    except KeyboardInterrupt:
        answers.append(hasattr(clf, "coefs_"))
    return answers


def is_interrupted():
    try:
        signal.raise_signal(signal.SIGINT)
        time.sleep(1)
    except KeyboardInterrupt:
        return True
    return False
