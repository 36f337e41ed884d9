"""One BLAS thread while a network trains or predicts."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from functools import cache

# comes with scikit-learn, which depends on it
from threadpoolctl import ThreadpoolController

_lock = threading.Lock()
_users = 0
_limit = None


@cache
def _controller() -> ThreadpoolController:
    return ThreadpoolController()


@contextmanager
def single_threaded_blas():
    """Hold every BLAS library at one thread; restore the setting at the end.

    Small products run slower on several threads than on one, and their last bits
    would depend on the number of threads. The limit holds for the whole process, so
    concurrent users share it: the first one in sets it, the last one out restores.
    """
    global _users, _limit
    with _lock:
        if _users == 0:
            _limit = _controller().limit(limits=1, user_api="blas")
        _users += 1
    try:
        yield
    finally:
        with _lock:
            _users -= 1
            if _users == 0:
                _limit.restore_original_limits()
