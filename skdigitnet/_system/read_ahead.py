"""Items read in another thread, each while the one before it is used."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import TypeVar

Item = TypeVar("Item")


def read_ahead(read: Callable[[Event], Iterator[Item]]) -> Iterator[Item]:
    """The items of an iterator, and its exceptions.

    The thread exists until the last item has been used, or the generator is closed.

    Parameters
    ----------
    read : callable
        Returns the iterator, given an event that is set once no more items are wanted. It
        should look at it often: closing the generator waits for the item in progress.
    """
    unwanted = Event()
    items = read(unwanted)
    with ThreadPoolExecutor(1, "skdigitnet-read") as thread:
        try:
            upcoming = thread.submit(next, items, None)
            while (item := upcoming.result()) is not None:
                upcoming = thread.submit(next, items, None)
                yield item
        finally:
            unwanted.set()
