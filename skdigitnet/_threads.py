"""One BLAS thread for SciPy's L-BFGS-B."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from functools import cache

# comes with scikit-learn, which depends on it
from threadpoolctl import ThreadpoolController


@cache
def _controller() -> ThreadpoolController:
    return ThreadpoolController()


class _Holder(threading.Thread):
    """Holds BLAS at one thread from ``start`` to ``release``.

    threadpoolctl lets one thread at a time control a pool that the whole process
    shares, and only that thread can give it back. Fits in several threads overlap in
    any order, so none of them can be the one.
    """

    def __init__(self):
        super().__init__(name="skdigitnet-blas-limit", daemon=True)
        self._held, self._released = threading.Event(), threading.Event()

    def start(self) -> None:
        super().start()
        self._held.wait()

    def run(self) -> None:
        try:
            with _controller().limit(limits=1, user_api="blas"):
                self._held.set()
                self._released.wait()
        finally:
            self._held.set()

    def release(self) -> None:
        self._released.set()
        self.join()


_lock = threading.Lock()
_users = 0
_holder: _Holder


@contextmanager
def single_threaded_blas():
    """Hold every BLAS library at one thread until the last user leaves.

    The last bits of BLAS's inner products depend on the number of threads, and so
    would the weights.
    """
    global _users, _holder
    with _lock:
        if _users == 0:
            _holder = _Holder()
            _holder.start()
        _users += 1
    try:
        # for a caller that controls the pools itself, with a limit of its own
        with _controller().limit(limits=1, user_api="blas"):
            yield
    finally:
        with _lock:
            _users -= 1
            if _users == 0:
                _holder.release()
