"""One BLAS thread for SciPy's L-BFGS-B."""

from __future__ import annotations

import os
import threading
from contextlib import contextmanager
from typing import Any

import scipy.linalg  # noqa: F401  (loads SciPy's BLAS, to be found below)

# comes with scikit-learn, which depends on it
from threadpoolctl import ThreadpoolController

# It looks through all libraries of the process, which takes as long as a small fit: at
# import, once, so that no fit waits for it.
_CONTROLLER = ThreadpoolController()


def _limit() -> Any:
    return _CONTROLLER.limit(limits=1, user_api="blas")


class _Holder(threading.Thread):
    """Holds BLAS at one thread from ``start`` to ``release``.

    threadpoolctl lets one thread at a time control a pool that the whole process
    shares, and only that thread can give it back. Fits in several threads overlap in
    any order, so none of them can be the one.
    """

    def __init__(self):
        super().__init__(name="skdigitnet-blas-limit", daemon=True)
        self._held, self._released = threading.Event(), threading.Event()
        self._limit: Any = None

    def start(self) -> None:
        super().start()
        self._held.wait()

    def run(self) -> None:
        try:
            with _limit() as self._limit:
                self._held.set()
                self._released.wait()
        finally:
            self._held.set()

    def release(self) -> None:
        self._released.set()
        if self.is_alive():
            self.join()
        else:  # a fork left the thread behind, but not the limit
            with self._limit:
                pass


# held during every call of threadpoolctl, which has a lock of its own, and during a fork: a
# child finds nothing half done, and no lock that a thread holds which it does not have
_lock = threading.RLock()  # a signal handler may fork too
_users: list[int] = []  # the threads that need the limit, by their idents
_holder: _Holder


@contextmanager
def single_threaded_blas():
    """Hold every BLAS library at one thread until the last user leaves.

    The last bits of BLAS's inner products depend on the number of threads, and so
    would the weights.
    """
    thread = threading.get_ident()
    with _lock:
        if not _users:
            _hold()
        _users.append(thread)
        # for a caller that controls the pools itself, with a limit of its own
        limit = _limit()
        limit.__enter__()
    try:
        yield
    finally:
        with _lock:
            limit.__exit__(None, None, None)
            _users.remove(thread)
            if not _users:
                _holder.release()


def _hold() -> None:
    global _holder
    _holder = _Holder()
    _holder.start()


def _forget_other_threads() -> None:
    """In the child of a fork, forget the users whose threads it does not have."""
    had_users, this = bool(_users), threading.get_ident()
    _users[:] = [thread for thread in _users if thread == this]
    if had_users and not _users:
        _holder.release()
    _lock.release()


if hasattr(os, "register_at_fork"):  # Windows has no fork
    os.register_at_fork(
        before=_lock.acquire,
        after_in_parent=_lock.release,
        after_in_child=_forget_other_threads,
    )
