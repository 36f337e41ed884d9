"""Ctrl-C, deferred until it can do no harm."""

from __future__ import annotations

import os
import signal
import threading
from contextlib import contextmanager
from typing import Any


class Interrupts:
    """Defers Ctrl-C while weights and their bookkeeping change together.

    An exception between the two would leave a state from which training cannot resume
    exactly. A context manager that takes over the signal; within it, Ctrl-C waits for the
    end of a block ``with interrupts.held:``. Only the main thread is ever interrupted, and
    only if Python handles the signal; elsewhere nothing is done.
    """

    def __init__(self) -> None:
        self.held = _Held(self)
        self.is_held = False
        self._handler: Any = None
        self._waiting: tuple | None = None
        self._thread = threading.get_ident()

    def __enter__(self) -> Interrupts:
        if threading.current_thread() is threading.main_thread():
            self._take_over()
        return self

    def __exit__(self, *_) -> None:
        if signal.getsignal(signal.SIGINT) == self._receive:
            signal.signal(signal.SIGINT, self._handler)

    def _take_over(self) -> None:
        handler = signal.getsignal(signal.SIGINT)
        if callable(handler):
            self._handler = handler
            signal.signal(signal.SIGINT, self._receive)

    def _receive(self, *arguments) -> None:
        if self.is_held:
            self._waiting = arguments
        else:
            self._deliver(arguments)

    def release(self) -> None:
        self.is_held = False
        if self._waiting is not None:
            arguments, self._waiting = self._waiting, None
            self._deliver(arguments)

    @staticmethod
    def forget_other_threads() -> None:
        """In the child of a fork, take Ctrl-C from fits of threads that it does not have."""
        handler = signal.getsignal(signal.SIGINT)
        while isinstance(interrupts := getattr(handler, "__self__", None), Interrupts):
            if interrupts._thread == threading.get_ident():
                break
            handler = interrupts._handler
            signal.signal(signal.SIGINT, handler)

    def _deliver(self, arguments: tuple) -> None:
        # restored before it raises: another Ctrl-C may come before __exit__
        signal.signal(signal.SIGINT, self._handler)
        self._handler(*arguments)
        self._take_over()  # from it, or from another that it installed


if hasattr(os, "register_at_fork"):  # Windows has no fork
    os.register_at_fork(after_in_child=Interrupts.forget_other_threads)


class _Held:
    """The block that Ctrl-C waits for; entered often, so it does as little as it can."""

    def __init__(self, interrupts: Interrupts):
        self._interrupts = interrupts

    def __enter__(self) -> None:
        self._interrupts.is_held = True

    def __exit__(self, *_) -> None:
        self._interrupts.release()


@contextmanager
def uninterrupted():
    """Defer Ctrl-C until the block has ended."""
    with Interrupts() as interrupts, interrupts.held:
        yield
