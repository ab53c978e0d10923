"""Ids of decisions: UUIDv7 (RFC 9562), which sort in the order in which they were made."""

import secrets
import threading
import time
from collections.abc import Callable
from uuid import UUID

RANDOM_BYTES = 10

_RANDOM_BITS = 74  # 12 of rand_a, 62 of rand_b
_STEP_BITS = 56  # wide, so that processes forked within one millisecond part
_LOW_BITS = 62
_VERSION = 7 << 76
_VARIANT = 0b10 << 62


def decision_id(now_ms: int, random: bytes) -> str:
    """The UUIDv7 of an instant and ten random bytes.

    Args:
        now_ms: milliseconds since 1970-01-01 UTC, below 2**48.
        random: ten bytes; the first six bits are not used.
    """
    return _text(_ordinal(now_ms, random))


class DecisionIds:
    """Ids of one process, each greater than the one before, whatever the clock does.

    Args:
        now_ms: reads the clock, in milliseconds since 1970-01-01 UTC.
        random: gives a number of random bytes.
    """

    def __init__(self, now_ms: Callable[[], int], random: Callable[[int], bytes]) -> None:
        self._now_ms = now_ms
        self._random = random
        self._last = -1
        self._lock = threading.Lock()

    def next(self) -> str:
        """An id of the present millisecond, or the last id plus a random step if that is not greater."""
        with self._lock:
            drawn = _ordinal(self._now_ms(), self._random(RANDOM_BYTES))
            if drawn <= self._last:
                drawn = self._last + 1 + _bits(self._random(RANDOM_BYTES), _STEP_BITS)
            self._last = drawn
        return _text(drawn)


_IDS = DecisionIds(lambda: time.time_ns() // 1_000_000, secrets.token_bytes)


def new_decision_id() -> str:
    """A new id, greater than all that this process made before."""
    return _IDS.next()


def _ordinal(now_ms: int, random: bytes) -> int:
    """Instant and randomness as one number; a carry out of the randomness moves the instant."""
    if len(random) != RANDOM_BYTES:
        raise ValueError(f"an id takes {RANDOM_BYTES} random bytes, not {len(random)}")
    return now_ms << _RANDOM_BITS | _bits(random, _RANDOM_BITS)


def _bits(random: bytes, width: int) -> int:
    return int.from_bytes(random) & (1 << width) - 1


def _text(ordinal: int) -> str:
    """The number with version and variant set in their places; ValueError beyond 48 bits of milliseconds."""
    high, low = ordinal >> _LOW_BITS, ordinal & (1 << _LOW_BITS) - 1
    instant, rand_a = high >> 12, high & 0xFFF
    return str(UUID(int=instant << 80 | _VERSION | rand_a << 64 | _VARIANT | low))
