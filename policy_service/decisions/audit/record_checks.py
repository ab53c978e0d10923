"""The checks of one decision against the log: its bytes, its place, its receipt, the heads, the witnesses."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from policy_service.access import instants
from policy_service.decisions.audit.checks import Check
from policy_service.decisions.audit.genuine import Genuine, NotGenuine
from policy_service.decisions.audit.proving import entry_of
from policy_service.decisions.ports.cosignatures import CosignatureStore
from policy_service.decisions.ports.log import LogEntry, LogStore
from policy_service.decisions.ports.records import DecisionRecord
from policy_service.decisions.sealed.reading import Malformed, read_record
from policy_service.decisions.sealed.receipted import NotReceipted, receipt_in
from policy_service.proofs import notes, tree
from policy_service.proofs.cosignatures import Cosignature, CosignatureRefused, WitnessKey, joined, verified
from policy_service.proofs.keys import Verifier
from policy_service.proofs.notes import NoteRefused
from policy_service.proofs.receipts import ReceiptRefused, digest_of
from policy_service.proofs.receipts import verified as verified_receipt

_LATEST = 253_402_300_799
"""The last second of the year 9999; a witness may sign a later one."""


class RecordChecks:
    """Checks records of a log. Every operation may raise StoreUnavailable.

    trusted: the keys that were ever trusted here, by which a receipt of a key that has ended is told from any other.
    witnesses: those that are asked for cosignatures.
    """

    def __init__(
        self,
        log: LogStore,
        genuine: Genuine,
        trusted: Sequence[Verifier],
        kept: CosignatureStore,
        witnesses: Sequence[WitnessKey],
    ) -> None:
        self._log, self._genuine, self._trusted = log, genuine, trusted
        self._kept, self._witnesses = kept, witnesses

    def of(self, record: DecisionRecord) -> list[Check]:
        """The checks of a record, its bytes first."""
        entry, waits = entry_of(self._log, record.id)
        index = None if entry is None else entry.index
        return [
            _bytes(record, entry),
            _place(entry, waits),
            *self._inclusion(record, entry),
            self._receipt(record, index),
        ]

    # ---- the newest head

    def _inclusion(self, record: DecisionRecord, entry: LogEntry | None) -> Iterator[Check]:
        """Checks of the newest head, and of the inclusion of the record's bytes under its root."""
        if entry is None:
            return
        try:
            head = self._genuine.head_beyond(entry.index)
            signers = ", ".join(verifier.label for verifier in self._genuine.signers())
        except NotGenuine as error:
            yield Check("head_lost" if error.kind == "head-lost" else "head_refused")
            return
        is_in = self._genuine.is_in(head, tree.leaf_hash(record.body), entry.index)
        yield Check("included" if is_in else "not_included", {"index": entry.index, "size": head.size})
        yield Check("head_signed", {"size": head.size, "at": signed_at(head), "signer": signers})

    # ---- the receipt

    def _receipt(self, record: DecisionRecord, index: int | None) -> Check:
        try:
            at = read_record("decision", record.id, record.body).at
            key = self._genuine.check_receipt(record, at, index)
        except Malformed:
            return Check("record_unreadable")
        except NotReceipted:
            return self._unreceipted(record)
        return Check("no_receipt") if key is None else Check("receipt_fits", {"signer": key.label, "at": at})

    def _unreceipted(self, record: DecisionRecord) -> Check:
        """What is wrong with a receipt that does not hold."""
        if record.receipt is None:
            return Check("receipt_lost")
        try:
            receipt = receipt_in(record.receipt)
            if receipt.digest != digest_of(tree.leaf_hash(record.body)):
                return Check("receipt_differs", {"digest": receipt.digest})
            key = verified_receipt(receipt, self._genuine.origin, record.id, self._trusted)
        except (NotReceipted, ReceiptRefused):
            return Check("receipt_refused")
        return Check("receipt_of_ended_key", {"signer": key.label})

    # ---- witnesses

    def witnessed(self, record: DecisionRecord) -> Iterator[Check]:
        """Of each witness, whether it cosigned a head that has the record in it."""
        entry = self._log.entry(record.id)
        if entry is None:
            return
        if not self._witnesses:
            yield Check("no_witness")
        for key in self._witnesses:
            size = self._kept.largest(key.label)
            if size <= entry.index:
                yield Check("not_witnessed_yet", {"witness": key.label})
                continue
            cosignature = self._cosignature(key, size, tree.leaf_hash(record.body), entry.index)
            if cosignature is None:
                yield Check("cosignature_refused", {"witness": key.label, "size": size})
            else:
                yield Check("witnessed", {"witness": key.label, "size": size, "at": _instant(cosignature.at)})

    def _cosignature(self, key: WitnessKey, size: int, leaf: bytes, index: int) -> Cosignature | None:
        """The cosignature of the head of a size, if that head has the leaf in it."""
        stored = self._log.head(size)
        if stored is None:
            return None
        try:
            head = self._genuine.opened(stored.note, size)
            note = joined(stored.note, [one.line for one in self._kept.of_head(size) if one.key == key.label])
            found = verified(note, [key])
        except (NotGenuine, NoteRefused, CosignatureRefused):
            return None
        return found[0] if found and self._genuine.is_in(head, leaf, index) else None


def _bytes(record: DecisionRecord, entry: LogEntry | None) -> Check:
    leaf = tree.leaf_hash(record.body)
    known = {text for text in (record.leaf, entry.leaf if entry is not None else None) if text is not None}
    named = {"digest": digest_of(leaf)}
    if not known:
        return Check("record_unhashed", named)
    return Check("record_fits" if known == {leaf.hex()} else "record_altered", named)


def _place(entry: LogEntry | None, waits: bool) -> Check:
    if entry is not None:
        return Check("sealed", {"index": entry.index})
    return Check("waiting" if waits else "unlogged")


def signed_at(head: notes.Head) -> str:
    """The instant that a head says it was signed at; `?` where it says none."""
    return next((one.removeprefix("time ") for one in head.extensions if one.startswith("time ")), "?")


def _instant(seconds: int) -> str:
    return instants.text(datetime.fromtimestamp(min(seconds, _LATEST), UTC))
