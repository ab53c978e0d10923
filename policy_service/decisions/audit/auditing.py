"""The operations of auditors: proofs, exports, comparisons, erasures, and the verification of the log."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any, Literal

from policy_service.access import instants
from policy_service.decisions.answers.days import moment_of
from policy_service.decisions.answers.redacting import Redaction
from policy_service.decisions.audit import comparing
from policy_service.decisions.audit.casefile import CaseFile, Gathering
from policy_service.decisions.audit.cost import check_cost
from policy_service.decisions.audit.erasing import Erasing
from policy_service.decisions.audit.evidence import Evidence
from policy_service.decisions.audit.exporting import Exported, LogExport
from policy_service.decisions.audit.findings import GivenReceipt, Progress, Verified
from policy_service.decisions.audit.proving import InclusionProof, NotSealed, entry_of, proved, sealed_entry
from policy_service.decisions.audit.searching import Searching
from policy_service.decisions.audit.verifying import Stores, Verification
from policy_service.decisions.audit.witnessed import Quorum, witnessed
from policy_service.decisions.bundles.evaluators import Evaluators
from policy_service.decisions.deciding.recording import revealed
from policy_service.decisions.ports.activations import BundleStore
from policy_service.decisions.ports.log import LogStore, SignedHead
from policy_service.decisions.ports.records import DecisionRecord, DecisionStore, NotFound
from policy_service.decisions.sealed.pushing import Pusher
from policy_service.decisions.sealed.sealing import Sealer, StoredTiles
from policy_service.decisions.sealed.signing import LogKeys
from policy_service.diagnostics import InvalidInput, fault
from policy_service.diagnostics.catalogue import OUT_OF_RANGE
from policy_service.proofs import tree
from policy_service.proofs.export import Export
from policy_service.proofs.keys import Verifier, base64
from policy_service.proofs.tiles import TileNodes


@dataclass(frozen=True, slots=True)
class LogPlace:
    """Where a record is in the log: `waiting` for its index, which takes a moment; `sealed`, with its index; or
    `missing`, which is a fault of the store.
    """

    state: Literal["sealed", "waiting", "missing"]
    index: int | None = None


class Auditing:
    """The operations of auditors that the HTTP face and the command line call."""

    def __init__(
        self,
        decisions: DecisionStore,
        log: LogStore,
        searching: Searching,
        sealer: Sealer,
        pusher: Pusher,
        erasing: Erasing,
        evaluators: Evaluators,
        bundles: BundleStore,
        *,
        keys: LogKeys,
        now: Callable[[], datetime],
    ) -> None:
        self.decisions, self.log, self.bundles = decisions, log, bundles
        self.searching, self.sealer, self.pusher, self.erasing = searching, sealer, pusher, erasing
        self.keys, self._evaluators, self._now = keys, evaluators, now
        self._evidence = Evidence(log, sealer.orders, bundles, evaluators, pusher.cosigned, keys)

    # ---- proofs

    def proof(self, id_: str, size: int | None = None) -> InclusionProof:
        """The inclusion proof of a decision or an erasure, to the last head or to an earlier one.

        Raises:
            NotFound, NotSealed.
            InvalidInput: there is no head of this size, or the record came later.
        """
        entry = sealed_entry(self.log, id_)
        head = self.head(size)
        if entry.index >= head.size:
            raise InvalidInput([fault("/size", OUT_OF_RANGE, f"the record came after the head of size {head.size}")])
        return proved(self.log, entry, head)

    def consistency(self, old: int, new: int | None = None) -> tuple[SignedHead, tuple[bytes, ...]]:
        """The later head, and the consistency proof: the hashes that show that the earlier tree is its beginning.

        Raises:
            InvalidInput: there is no head of a size, or `old` is the greater one.
        """
        head = self.head(new, "/to")
        if not 0 <= old <= head.size:
            raise InvalidInput([fault("/from", OUT_OF_RANGE, f"`from` is not from 0 to {head.size}")])
        return head, tree.consistency_proof(TileNodes(StoredTiles(self.log)), old, head.size)

    def head(self, size: int | None = None, pointer: str = "/size") -> SignedHead:
        """The last signed head, or that of a size.

        Raises:
            NotSealed: nothing was sealed yet.
            InvalidInput: there is no head of this size.
        """
        head = self.log.head(size)
        if head is None and size is None:
            raise NotSealed("nothing is sealed yet")
        if head is None:
            raise InvalidInput([fault(pointer, OUT_OF_RANGE, "there is no head of this size")])
        return head

    def shown(self, head: SignedHead) -> dict[str, Any]:
        """A head as JSON: its root in base64, its note with the cosignatures of witnesses, the keys that verify it.

        Raises:
            StoreUnavailable.
        """
        return {
            "origin": self.keys.origin,
            "size": head.size,
            "root": base64(bytes.fromhex(head.root)),
            "signed_at": head.at,
            "note": self.pusher.cosigned(head),
            "keys": [verifier.text for verifier in self.keys.verifiers],
        }

    def place(self, id_: str) -> LogPlace:
        """Where a decision is in the log."""
        entry, waits = entry_of(self.log, id_)
        if entry is not None:
            return LogPlace("sealed", entry.index)
        return LogPlace("waiting" if waits else "missing")

    def now_text(self) -> str:
        """The instant as records tell it."""
        return instants.text(self._now())

    def waiting_seconds(self) -> float:
        """Seconds that the oldest waiting record has waited for its index; 0 where none waits."""
        since = self.log.waiting_since()
        found = None if since is None else moment_of(since)
        return 0.0 if found is None else max(0.0, (self._now() - found).total_seconds())

    def export(self, id_: str, *, private: bool = False) -> Export:
        """All that proves one decision to somebody who has neither the service nor the store.

        Args:
            private: whether to include the values behind the commitments of the record.
        Raises:
            NotFound, NotSealed, NotProvable.
        """
        record = self._record(id_)
        return self._evidence.of(record, self.proof(id_), private=private)

    def export_log(self, folder: Path, step: Callable[[int], None] = lambda _: None) -> Exported:
        """The whole log in a folder; see `exporting`. Raises NotFound, ExportBlocked, StoreUnavailable."""
        return LogExport(self.log, self.bundles, self.pusher.kept, self.keys, folder).write(step)

    def case(self, id_: str) -> CaseFile:
        """All that explains and proves one decision, for a page; no sensitive value is in it. Raises NotFound."""
        record, pusher = self._record(id_), self.pusher
        gathering = Gathering(
            self.decisions,
            self.log,
            self.bundles,
            self._evaluators,
            self.sealer.orders,
            pusher.kept,
            pusher.witnesses,
        )
        return gathering.of(record)

    def _record(self, id_: str) -> DecisionRecord:
        record = self.decisions.decision(id_)
        if record is None:
            raise NotFound(f"there is no decision `{id_}`")
        return record

    # ---- why

    def compare(self, one: str, two: str, *, reveal: bool = False) -> comparing.Comparison:
        """Why the second decision differs from the first; see `comparing`.

        Args:
            reveal: whether what depends on hidden values is shown.
        Raises:
            NotFound, ValuesErased, NotComparable, ComparisonTooCostly.
        """
        sides = [self._compared(id_) for id_ in (one, two)]
        check_cost(sides[0], sides[1], self._evaluators, self.bundles)
        known = [self._evaluators.of(side.bundle).sensitivity for side in sides]
        redaction = None if reveal else Redaction([side.facts for side in sides], known)
        return comparing.compare(sides[0], sides[1], comparing.mixed(self._evaluators, self.bundles), redaction)

    def _compared(self, id_: str) -> comparing.Compared:
        record = self._record(id_)
        body = revealed(record)
        request = body["request"]
        return comparing.Compared(
            id_,
            body["bundle"],
            date.fromisoformat(request["as_of"]),
            request["facts"],
            request.get("merchant_id"),
            tuple(request["policies"]) if "policies" in request else None,
            tuple(body["answer"]["rewards"]),
        )

    # ---- is it whole

    def verify(
        self,
        *,
        verifiers: Sequence[Verifier] = (),
        heads: Sequence[str] = (),
        given: Sequence[GivenReceipt] = (),
        quorum: Quorum | None = None,
        resume: Progress | None = None,
        step: Callable[[int], None] = lambda _: None,
        keep: Callable[[Progress], None] = lambda _: None,
    ) -> Verified:
        """Every record, index, head, bundle and receipt checked; see `verifying`.

        Args:
            verifiers: the keys to trust; by default those that this log is signed with, and its retired ones.
            quorum: the witnesses that must have cosigned; null where none need have.
        Raises:
            StoreUnavailable.
        """
        keys = replace(self.keys, signers=(), retired=tuple(verifiers) or self.keys.verifiers)
        begun = resume or Progress()
        walk = Verification(
            Stores(self.log, self.sealer.orders.store, self.bundles, self.decisions),
            keys,
            now=self._now,
            guard=self.sealer.guard.last(),
            heads=heads,
            given=given,
            resume=begun,
        )
        found = walk.run(step, keep)
        if quorum is None:
            return found
        kept, origin, after = self.pusher.kept, self.keys.origin, begun.records
        by = witnessed(self.log, kept, quorum, self._now(), origin=origin, heads=heads, after=after)
        return replace(found, findings=(*found.findings, *by.findings), witnessed=by.size)
