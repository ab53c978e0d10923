"""Time and memory of this process.

Time is the processor's for this process: what other programs take away from it does not count. On an idle machine it
is the time that passes.
"""

import os
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

_STATM = Path("/proc/self/statm")


@dataclass(frozen=True, slots=True)
class Contender:
    """Something that is called with one input after the other; its inputs are made beforehand."""

    name: str
    call: Callable[[Any], Any]
    inputs: Sequence[Any]


@dataclass(frozen=True, slots=True)
class Timing:
    """Microseconds per call, one number for each round."""

    name: str
    rounds: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.rounds)

    @property
    def best(self) -> float:
        return min(self.rounds)

    def ratio(self, other: "Timing") -> float:
        """How many times as long as the other: the median over rounds, each round's two numbers taken together."""
        return statistics.median(a / b for a, b in zip(self.rounds, other.rounds, strict=True))


def race(contenders: Sequence[Contender], rounds: int, until: float, window: float = 0.02) -> list[Timing]:
    """Every contender once in each round, so that what else the machine does meets all of them.

    Args:
        until: no round begins later than this, by `perf_counter`.
        window: seconds that a contender runs in a round, at least; it goes through all its inputs in any case.
    """
    repeats = [_repeats(contender, window) for contender in contenders]
    found: list[list[float]] = [[] for _ in contenders]
    for number in range(rounds):
        if number and perf_counter() > until:
            break
        for contender, repeat, into in zip(contenders, repeats, found, strict=True):
            into.append(_pass(contender, repeat))
    return [Timing(c.name, tuple(times)) for c, times in zip(contenders, found, strict=True)]


def _repeats(contender: Contender, window: float) -> int:
    _pass(contender, 1)  # warm
    return max(1, round(window / (_pass(contender, 1) * 1e-6 * len(contender.inputs))))


def _pass(contender: Contender, repeat: int) -> float:
    """Microseconds per call."""
    call, inputs = contender.call, contender.inputs
    start = process_time()
    for _ in range(repeat):
        for one in inputs:
            call(one)
    return (process_time() - start) / (repeat * len(inputs)) * 1e6


def resident() -> float | None:
    """Resident memory of this process in MiB; None where /proc does not tell."""
    if not _STATM.exists():
        return None
    return int(_STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
