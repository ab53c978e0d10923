"""Leave for a thread to wait for its client, which at most half of the threads have at a time."""

from threading import BoundedSemaphore


def places_of(threads: int) -> int:
    """How many threads of a worker may wait for clients at a time; at least one, or no batch could stream."""
    return max(1, threads // 2)


def started_of(threads: int) -> int:
    """How many threads a worker starts: where there is to be one, a second, so that one never waits for a client."""
    return max(threads, 2 * places_of(threads))


class Place:
    """Leave for whichever thread answers on a connection.

    Args:
        places: what all connections of the worker share.
    """

    def __init__(self, places: BoundedSemaphore) -> None:
        self._places, self._held = places, False

    def take(self) -> bool:
        """Whether there is leave, held already or now; it is not waited for."""
        self._held = self._held or self._places.acquire(blocking=False)
        return self._held

    def free(self) -> None:
        """Give the leave back, if it is held."""
        if self._held:
            self._held = False
            self._places.release()
