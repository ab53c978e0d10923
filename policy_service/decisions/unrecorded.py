"""Ports of a preview: one bundle, loaded and active, and decisions that are nowhere kept."""

# ruff: noqa: ARG002  a port that keeps nothing reads few of its arguments

from collections.abc import Mapping

from policy_service.decisions.records import (
    Activation,
    Appended,
    BundleEntry,
    DecisionRecord,
    IdempotencyClaim,
    StoreUnavailable,
)
from policy_service.policies.bundle import Bundle


class OneBundle:
    """The bundle store of a folder: it holds that bundle alone, and it is active."""

    def __init__(self, bundle: Bundle) -> None:
        self._bundle = bundle

    def save_bundle(self, id: str, label: str | None, sources: Mapping[str, str], seen_at: str) -> bool:
        raise StoreUnavailable("a preview keeps no bundles")

    def sources(self, id: str) -> dict[str, str] | None:
        return dict(self._bundle.sources) if id == self._bundle.id else None

    def bundles(self) -> list[BundleEntry]:
        return [BundleEntry(self._bundle.id, self._bundle.label, "")]

    def activate(self, id: str, at: str, actor: str, reason: str, folder: bool = False) -> None:
        raise StoreUnavailable("a preview activates no bundles")

    def active(self) -> str | None:
        return self._bundle.id

    def was_active(self, id: str) -> bool:
        return id == self._bundle.id

    def last_from_folder(self) -> str | None:
        return self._bundle.id

    def activations(self) -> list[Activation]:
        return []


class NoDecisions:
    """The decision store of a preview: empty, and it takes none."""

    def append(self, record: DecisionRecord, claim: IdempotencyClaim | None) -> Appended:
        raise StoreUnavailable("a preview is not recorded")

    def decision(self, id: str) -> DecisionRecord | None:
        return None

    def replayed(self, claim: IdempotencyClaim) -> DecisionRecord | None:
        return None

    def superseding(self, id: str) -> tuple[str, ...]:
        return ()

    def count(self) -> int:
        return 0
