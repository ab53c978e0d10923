"""Many evaluations in a row in one process: errors, memory, and whether the answers stay what they were."""

import gc
from dataclasses import dataclass
from time import perf_counter

from measure import Contender, resident


@dataclass(frozen=True, slots=True)
class Soaked:
    """What happened.

    errors: the messages of evaluations that failed.
    early, late: resident MiB after 10 % and at the end; None where it is not known.
    """

    wanted: int
    done: int
    seconds: float
    errors: list[str]
    same_answers: bool
    early: float | None
    late: float | None


def soak(contender: Contender, wanted: int, until: float) -> Soaked:
    """Evaluate the inputs over and over.

    Args:
        until: it stops early when this has come, by `perf_counter`.
    """
    call, inputs = contender.call, contender.inputs
    first = [call(one) for one in inputs]
    gc.collect()
    done, errors, early = 0, [], None
    start = perf_counter()
    while done < wanted and perf_counter() < until:
        for one in inputs:
            try:
                call(one)
            except Exception as error:  # noqa: BLE001  whatever it is, it is counted and shown
                errors.append(repr(error))
        done += len(inputs)
        if early is None and done >= wanted // 10:
            early = resident()
    late, took = resident(), perf_counter() - start
    same = [call(one) for one in inputs] == first
    return Soaked(wanted, done, took, errors, same, early, late)
