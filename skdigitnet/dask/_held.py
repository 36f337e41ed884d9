"""Objects that the workers of a cluster hold, whichever of them die in the meantime."""

from __future__ import annotations

import asyncio

import dask
import distributed

from skdigitnet._system.cluster import SILENCE_SECONDS, ClusterWatch

# A method is called again if a worker dies, each time after Dask itself has tried as often as
# its setting allowed-failures says.
ATTEMPTS = 3
LOOK_SECONDS = 1.0  # between two looks at whether there still are workers
LOST = (distributed.KilledWorker, distributed.CancelledError, OSError)


class Held:
    """Objects that workers hold.

    Parameters
    ----------
    client : distributed.Client
    watch : ClusterWatch
        Of that client.
    delayed : list of dask.delayed.Delayed
        How to make them, now and whenever their worker has died.
    """

    def __init__(self, client, watch: ClusterWatch, delayed: list):
        self._client, self._watch, self._delayed = client, watch, delayed
        self._futures = client.compute(delayed)

    def mapped(self, method: str, *arguments) -> Held:
        """What this method of every object returns, held by the workers."""
        made = [dask.delayed(_ask)(each, method, arguments, {}) for each in self._delayed]
        # of what is there already
        return Held(self._client, self._watch, made)

    def call(self, method: str, *arguments, **options) -> list:
        """What this method of every object returns, here.

        Raises
        ------
        RuntimeError
            If the cluster has lost it several times.
        """
        for _ in range(ATTEMPTS):
            try:
                futures = [
                    self._client.submit(_ask, each, method, arguments, options, pure=False)
                    for each in self._futures
                ]
                return self._results(futures)
            except Exception as error:
                self._watch.check_scheduler()  # without one, any error may come
                if not isinstance(error, LOST):
                    raise
                lost = error
                self._futures = self._client.compute(self._delayed)
        raise RuntimeError(
            f"The workers were lost {ATTEMPTS} times while they computed ({lost!r}). See their"
            " logs: do the rows need more memory than a worker has?"
        ) from lost

    def _results(self, futures: list) -> list:
        """What the futures give, waited for as long as there are workers."""

        async def gather(timeout: float) -> list | None:
            # client.sync's own timeout leaves an error that holds the futures until it is
            # collected as garbage
            try:
                results = self._client.gather(futures, asynchronous=True)
                return await asyncio.wait_for(results, timeout)
            except TimeoutError:
                return None

        while True:
            have_ended = all(future.done() for future in futures)
            timeout = SILENCE_SECONDS if have_ended else LOOK_SECONDS
            results = self._client.sync(gather, timeout)
            if results is not None:
                return results
            if have_ended:
                raise TimeoutError(f"The scheduler said nothing for {timeout:g} seconds.")
            self._watch.check()


def _ask(each, method: str, arguments: tuple, options: dict):
    return getattr(each, method)(*arguments, **options)
