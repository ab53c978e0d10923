"""The ports for previews: a store of one loaded, active bundle, and a store of decisions that keeps nothing."""

# ruff: noqa: ARG002  a port that keeps nothing reads few of its arguments

from collections.abc import Sequence

from policy_service.decisions.ports.activations import (
    Activation,
    ActivationState,
    BundleEntry,
    StopEvent,
    Stops,
)
from policy_service.decisions.ports.records import (
    Appended,
    DecisionRecord,
    IdempotencyClaim,
    IdempotencyConflict,
    NewRecord,
    StaleOrders,
    StoreUnavailable,
)
from policy_service.policies.bundle import Bundle

_BEFORE = "0001-01-01T00:00:00.000Z"


class OneBundle:
    """A bundle store with one bundle, which is the active one."""

    def __init__(self, bundle: Bundle) -> None:
        self._bundle = bundle

    def sources(self, id: str) -> dict[str, str] | None:
        return dict(self._bundle.sources) if id == self._bundle.id else None

    def bundle(self, id: str) -> BundleEntry | None:
        return BundleEntry(id, self._bundle.label, _BEFORE) if id == self._bundle.id else None

    def bundles(self) -> list[BundleEntry]:
        return [BundleEntry(self._bundle.id, self._bundle.label, _BEFORE)]

    def activation_state(self, now: str) -> ActivationState:
        return ActivationState(0, Activation(self._bundle.id, self._bundle.id, "folder", _BEFORE, _BEFORE, "", ""))

    def stops(self, *, fresh: bool = False) -> Stops:
        return Stops()

    def was_active(self, id: str, now: str) -> bool:
        return id == self._bundle.id

    def last_from_folder(self) -> str | None:
        return self._bundle.id

    def activations(self, before: int | None = None, limit: int | None = None) -> list[Activation]:
        return []

    def stop_events(self) -> list[StopEvent]:
        return []


class NoDecisions:
    """A decision store that is empty and refuses every decision."""

    def append(self, record: DecisionRecord, claim: IdempotencyClaim | None) -> Appended:
        raise StoreUnavailable("a preview is not recorded")

    def append_all(self, entries: Sequence[NewRecord]) -> list[Appended | IdempotencyConflict | StaleOrders]:
        raise StoreUnavailable("a preview is not recorded")

    def decision(self, id: str) -> DecisionRecord | None:
        return None

    def claimed(self, claim: IdempotencyClaim) -> Appended | None:
        return None

    def superseding(self, id: str) -> tuple[str, ...]:
        return ()

    def count(self) -> int:
        return 0

    def purge_idempotency(self, before: str) -> int:
        return 0

    def count_as_of(self, days: Sequence[tuple[str, str]]) -> int:
        return 0
