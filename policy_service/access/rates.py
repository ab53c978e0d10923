"""How fast a principal may ask, counted in memory that the workers of a host share.

The generic cell rate algorithm (GCRA, ITU-T I.371), which keeps one number for each principal: its theoretical arrival
time, at which the next request would be due if all came evenly spaced. A request passes unless it comes earlier than
the burst allows. A batch passes as one request does, however large it is, and then counts as many as it has items: so a
batch larger than the burst is not refused for ever, but its sender waits for all of it before the next request.

Nothing is locked: of two requests at the same moment one may not be counted, so that a race may let one request, or one
chunk of a batch, too many through, but never refuses one wrongly.
"""

import mmap
import time
from collections.abc import Callable
from hashlib import blake2b

_OF_KEYS, _OF_TOKENS = 1 << 16, 1 << 20
_BYTES = 8
_SECOND = 1_000_000_000


class Rates:
    """Theoretical arrival times by slot, in nanoseconds of the monotonic clock.

    Args:
        clock: the same for all processes of the host, in nanoseconds.
    """

    def __init__(self, clock: Callable[[], int] = time.monotonic_ns) -> None:
        self._memory = mmap.mmap(-1, (_OF_KEYS + _OF_TOKENS) * _BYTES)  # pages that nobody counts in take no memory
        self._slots = memoryview(self._memory).cast("Q")
        self._clock = clock

    def wait_seconds(self, slot: int, rate: int, burst: int) -> float:
        """How long the caller has to wait: 0.0 where the request passes, which counts it. One that has to wait is not
        counted.

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

    def count(self, slot: int, rate: int, items: int) -> None:
        """Counts further items of a request that has passed, beyond the burst too."""
        self._slots[slot] = max(self._slots[slot], self._clock()) + items * (_SECOND // rate)


def slot_of_key(number: int) -> int:
    """Where the keys of a name are counted, by the number of its first one."""
    return number % _OF_KEYS


def slot_of_token(name: str) -> int:
    """Where the tokens of a subject are counted. Of a million slots two subjects rarely share one, with its rate."""
    return _OF_KEYS + int.from_bytes(blake2b(name.encode(), digest_size=8).digest()) % _OF_TOKENS


SHARED = Rates()
"""Made when the master imports it, before it forks: its workers count here together."""
