"""How fast a principal may ask, counted in memory that the workers of a host share.

The generic cell rate algorithm (ITU-T I.371): of each principal only the instant is kept at which all that it asked
would have been asked at its even rate. Nothing is locked: of two requests in one instant, one may not be counted, so
that a race lets a request too many through, never too few.
"""

import mmap
import time
from collections.abc import Callable
from hashlib import blake2b

_OF_KEYS, _OF_TOKENS = 1 << 16, 1 << 20
_BYTES = 8
_SECOND = 1_000_000_000


class Rates:
    """Instants of the monotonic clock, in nanoseconds, one a slot.

    Args:
        clock: the same for all processes of the host, in nanoseconds.
    """

    def __init__(self, clock: Callable[[], int] = time.monotonic_ns) -> None:
        self._memory = mmap.mmap(-1, (_OF_KEYS + _OF_TOKENS) * _BYTES)  # pages that nobody counts in take no memory
        self._slots = memoryview(self._memory).cast("Q")
        self._clock = clock

    def wait_seconds(self, slot: int, rate: int, burst: int) -> float:
        """Counts a request: 0.0 lets it pass; otherwise it is not counted, and would pass that much later.

        Args:
            rate: requests a second, 1 or more.
            burst: how many may come at once, 1 or more.
        """
        now = self._clock()
        step = _SECOND // rate
        due = max(self._slots[slot], now)
        early = due - now - (burst - 1) * step
        if early > 0:
            return early / _SECOND
        self._slots[slot] = due + step
        return 0.0


def slot_of_key(number: int) -> int:
    """Where the keys of a name are counted, by the number of its first one."""
    return number % _OF_KEYS


def slot_of_token(name: str) -> int:
    """Where the tokens of a subject are counted. Of a million slots two subjects rarely share one, with its rate."""
    return _OF_KEYS + int.from_bytes(blake2b(name.encode(), digest_size=8).digest()) % _OF_TOKENS


SHARED = Rates()
"""Made when the master imports it, before it forks: its workers count here together."""
