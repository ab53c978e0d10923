"""Each record against its receipt, and against the columns that are kept beside it."""

from hashlib import sha256
from typing import Any

from policy_service.decisions.audit.whole.noting import Findings, Read
from policy_service.decisions.audit.whole.orders import OrdersSeen
from policy_service.decisions.ports.acts import StoredAct
from policy_service.decisions.ports.log import LogStore, Record
from policy_service.decisions.ports.records import DecisionRecord
from policy_service.decisions.sealed.receipted import NotReceipted, check_receipt, receipt_in
from policy_service.decisions.sealed.sealing import MISSING
from policy_service.proofs.commitments import is_commitment
from policy_service.proofs.receipts import digest_of
from policy_service.proofs.tree import leaf_hash


class ReceiptsSeen:
    """Every record has a receipt, of a key in force at its place; only those from before the first order may have none.

    Args:
        before: number of records whose receipts were verified earlier: of them only the bytes are compared.
    """

    def __init__(self, origin: str, orders: OrdersSeen, findings: Findings, before: int) -> None:
        self._origin, self._orders, self._findings, self._before = origin, orders, findings, before
        self._all = sha256()
        self._bare: list[Read] = []

    def digest(self) -> str:
        """A digest of all receipts so far, hexadecimal."""
        return self._all.copy().hexdigest()

    def record(self, read: Read) -> None:
        """To be asked before the orders fold it: the first order is signed by a key that it names."""
        receipt = read.record.receipt
        self._all.update(f"{receipt}\n".encode())
        if receipt is None and self._orders.legacy is None:
            self._bare.append(read)
        elif receipt is not None or read.entry.index >= (self._orders.legacy or 0):
            self._check(read)

    def _check(self, read: Read) -> None:
        try:
            if read.entry.index < self._before:
                if receipt_in(read.record.receipt).digest != digest_of(leaf_hash(read.record.body)):
                    raise NotReceipted("its receipt is for other bytes")
                return
            verifiers = self._orders.verifiers()
            check_receipt(read.record.receipt, read.entry.id, read.at, read.record.body, self._origin, verifiers)
        except NotReceipted as error:
            self._findings.add("record-not-receipted", f"{read.name}: {error}", read.entry.index, read.entry.id)

    def end(self) -> None:
        legacy = self._orders.legacy or 0
        for read in self._bare:
            if read.entry.index >= legacy:
                message = f"{read.name} has no receipt, and is not from before the first order"
                self._findings.add("record-not-receipted", message, read.entry.index, read.entry.id)


class Columns:
    """What is kept beside a record is what the record says."""

    def __init__(self, orders: OrdersSeen, findings: Findings) -> None:
        self._orders, self._findings = orders, findings

    def record(self, read: Read) -> None:
        """To be asked before the orders fold it: what comes before the first order may have no leaf hash beside it."""
        kept = _entry(read, from_before=self._orders.legacy is None) | (
            _of_act(read.record, read.body) if isinstance(read.record, StoredAct) else _of(read.record, read.body)
        )
        wrong = sorted(name for name, (is_, due) in kept.items() if is_ != due)
        if wrong:
            message = f"{', '.join(wrong)} of {read.name} are not those of its record"
            self._findings.add("entry-altered", message, read.entry.index, read.entry.id)

    def end(self) -> None:
        """Nothing is left to look at."""


def _entry(read: Read, *, from_before: bool) -> dict[str, tuple[Any, Any]]:
    as_of = read.body["request"]["as_of"] if read.entry.kind == "decision" else None
    leaf = leaf_hash(read.record.body).hex()
    leaves = (leaf if read.record.leaf is None and from_before else read.record.leaf, leaf)
    return {"at": (read.entry.at, read.at), "as_of": (read.entry.as_of, as_of), "leaf": leaves}


def _of_act(act: StoredAct, body: Any) -> dict[str, tuple[Any, Any]]:
    action = body.get("action", act.action)  # an erasure of an early version has none
    version = body["order"]["version"] if "order" in body else None
    return {"instant": (act.at, body["at"]), "action": (act.action, action), "version": (act.version, version)}


def _of(record: DecisionRecord, body: Any) -> dict[str, tuple[Any, Any]]:
    request = body["request"]
    merchant = (request["facts"].get("merchant") or {}).get("id") or request.get("merchant_id")
    hidden = is_commitment(merchant) or is_commitment(request.get("merchant_id"))
    return {
        "decided_at": (record.decided_at, body["decided_at"]),
        "bundle": (record.bundle, body["bundle"]),
        "day": (record.as_of, request["as_of"]),
        "merchant_id": (record.merchant_id, None if hidden else merchant),
        "supersedes": (record.supersedes, request.get("supersedes")),
    }


class MissingSeen:
    """What a process missed that it had committed: it is lost, unless it was put back."""

    def __init__(self, log: LogStore, findings: Findings) -> None:
        self._log, self._findings = log, findings
        self._told: dict[str, tuple[str, int | None]] = {}  # digests and indices of the acts, by id of the record

    def record(self, read: Read) -> None:
        self._look(read.entry.index, read.body)

    def meanwhile(self, _: Record, body: Any) -> None:
        self._look(None, body)

    def _look(self, index: int | None, body: Any) -> None:
        if body.get("action") == MISSING:
            self._told[body["target"]] = body["detail"]["digest"], index

    def end(self) -> None:
        for id_, (digest, index) in self._told.items():
            body = self._log.waiting_body(id_)
            waits = body is not None and digest_of(leaf_hash(body)) == digest
            if not waits and digest_of(bytes.fromhex(self._log.placed([id_]).get(id_, "0" * 64))) != digest:
                self._findings.add("record-lost", f"{id_} was committed, and is not in the log as it was", index, id_)
