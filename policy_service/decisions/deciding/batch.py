"""Many requests of one caller, in chunks: one bundle for all, one durable commit for each chunk."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from policy_service.decisions.deciding.resolving import EvaluateRequest
from policy_service.decisions.deciding.service import Evaluated, PolicyService, Refusal
from policy_service.decisions.ports.records import StoreUnavailable


class Item(NamedTuple):
    """A request, and its idempotency key."""

    request: EvaluateRequest
    key: str | None = None

    @property
    def elements(self) -> int:
        """How many elements its lists have: what its answer grows with."""
        return sum(len(section) for section in self.request.facts.values() if isinstance(section, list))


MOST_ELEMENTS = 2000
"""Of items that are answered together: all their answers are in memory at one time."""


def together(elements: Sequence[int]) -> Iterator[slice]:
    """Runs of items that are answered together, in order: of several with at most MOST_ELEMENTS elements, or of one.

    Args:
        elements: of each item.
    """
    start, held = 0, 0
    for at, many in enumerate(elements):
        if held + many > MOST_ELEMENTS and at > start:
            yield slice(start, at)
            start, held = at, 0
        held += many
    if start < len(elements):
        yield slice(start, len(elements))


ItemResult = Evaluated | Refusal | StoreUnavailable
"""What became of an item. After StoreUnavailable nothing more is tried: all later items have it too."""


class Batch:
    """The chunks of a batch, in order.

    Args:
        seconds: how long it may take; what is not evaluated by then has TookTooLong.
    Raises:
        NoActiveBundle, StoreUnavailable.
    """

    def __init__(self, service: PolicyService, caller: str, seconds: float, asked_by: str = "-") -> None:
        self._service, self._caller, self._asked_by = service, caller, asked_by
        self._until = service.elapsed() + seconds
        self._lost: StoreUnavailable | None = None
        self._active = service.unstopped()

    def answer(self, items: Sequence[Item]) -> list[ItemResult]:
        """The result of each item of a chunk; the decisions are durably committed when this returns.

        An item that is at fault has its refusal. A fault of ours is raised, and nothing was committed.
        """
        if self._lost is None:
            try:
                return list(
                    self._service.evaluate_all(
                        items, caller=self._caller, asked_by=self._asked_by, active=self._active, until=self._until
                    )
                )
            except StoreUnavailable as error:
                self._lost = error
        return [self._lost for _ in items]
