"""Permits for threads to wait for their clients, as of a counting semaphore: at most half of the threads hold one."""

from threading import BoundedSemaphore


def permits_of(threads: int) -> int:
    """How many threads of a worker may wait for clients at a time; at least one, or no batch could stream."""
    return max(1, threads // 2)


def started_of(threads: int) -> int:
    """How many threads a worker starts: where there is to be one, a second, so that one never waits for a client."""
    return max(threads, 2 * permits_of(threads))


class Permit:
    """What a thread needs to wait for the client of a connection.

    Args:
        permits: what all connections of the worker share.
    """

    def __init__(self, permits: BoundedSemaphore) -> None:
        self._permits, self._held = permits, False

    def take(self) -> bool:
        """Whether it is held, already or from now on; it is not waited for."""
        self._held = self._held or self._permits.acquire(blocking=False)
        return self._held

    def free(self) -> None:
        """Give it back, if it is held."""
        if self._held:
            self._held = False
            self._permits.release()
