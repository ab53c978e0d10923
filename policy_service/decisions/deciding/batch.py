"""Many requests of one caller, chunk by chunk: one bundle for all, one durable commit a chunk."""

from collections.abc import Sequence
from typing import NamedTuple

from policy_service.decisions.deciding.resolving import EvaluateRequest
from policy_service.decisions.deciding.service import Evaluated, PolicyService, Refusal
from policy_service.decisions.ports.records import StoreUnavailable


class Item(NamedTuple):
    """A request, and its idempotency key."""

    request: EvaluateRequest
    key: str | None = None


ItemResult = Evaluated | Refusal | StoreUnavailable
"""What became of an item. After StoreUnavailable nothing further is tried: all that follow have it too."""


class Batch:
    """The chunks of a batch, in order.

    Args:
        seconds: how long it may take; what is not evaluated by then has TookTooLong.
    Raises:
        NoActiveBundle, StoreUnavailable.
    """

    def __init__(self, service: PolicyService, caller: str, seconds: float) -> None:
        self._service, self._caller = service, caller
        self._until = service.elapsed() + seconds
        self._lost: StoreUnavailable | None = None
        self._active = service.unstopped()

    def answer(self, items: Sequence[Item]) -> list[ItemResult]:
        """What becomes of a chunk; its decisions are durably committed when this returns.

        An item of its own fault has its refusal. A fault of ours is raised, and nothing was committed.
        """
        if self._lost is None:
            try:
                return list(
                    self._service.evaluate_all(items, caller=self._caller, active=self._active, until=self._until)
                )
            except StoreUnavailable as error:
                self._lost = error
        return [self._lost for _ in items]
