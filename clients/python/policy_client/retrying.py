"""When to try again, and for how long."""

import random
import time
from dataclasses import dataclass

from policy_client.errors import PolicyServiceError, Problem, Unreachable

_DICE = random.SystemRandom()


@dataclass(frozen=True, slots=True)
class Retries:
    """How to try again.

    Only what may be repeated is: a decision under its key, and requests that change nothing. Again means: after a
    connection that failed, or a status of 429, 502, 503 or 504. No other refusal is ever tried again.

    Args:
        deadline: seconds that a call may take in all, pauses included; of a batch, a chunk.
        attempts: how often at most.
        pause: seconds before the second attempt at most; each further may be twice as long. The pause is drawn from
            0 to that bound, so that clients do not come back all at once, and is never below `Retry-After`.
        longest_pause: what the bound stops at.
    """

    deadline: float = 30.0
    attempts: int = 8
    pause: float = 0.1
    longest_pause: float = 5.0


class Patience:
    """The attempts of one call."""

    def __init__(self, retries: Retries) -> None:
        self._retries, self._made = retries, 1
        self._end = time.monotonic() + retries.deadline

    def left(self) -> float:
        """Seconds up to the deadline. Raises Unreachable behind it."""
        found = self._end - time.monotonic()
        if found <= 0:
            raise Unreachable("no answer before the deadline")
        return found

    def wait(self, error: PolicyServiceError) -> None:
        """Pause before the next attempt. Raises the error where there is to be none."""
        pause = self._pause(error)
        if pause is None:
            raise error
        self._made += 1
        time.sleep(pause)

    def may_wait(self, error: PolicyServiceError) -> bool:
        return self._pause(error) is not None

    def _pause(self, error: PolicyServiceError) -> float | None:
        if isinstance(error, Problem) and not error.retryable:
            return None
        if self._made >= self._retries.attempts:
            return None
        bound = min(self._retries.longest_pause, self._retries.pause * 2 ** (self._made - 1))
        asked = error.retry_after if isinstance(error, Problem) and error.retry_after is not None else 0.0
        pause = asked + _DICE.uniform(0, bound)
        return pause if time.monotonic() + pause < self._end else None
