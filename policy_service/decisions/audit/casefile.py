"""The data of a readable page about one decision: the record, the rules then in force, its corrections, its proofs.

It holds no sensitive value, even where the store still has it: in its place stands a `Withheld`.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from policy_service.decisions.answers.evaluate import Evaluator
from policy_service.decisions.bundles.evaluators import Evaluators, UnknownBundle, UnusableBundle
from policy_service.decisions.deciding.chains import Chain, chain
from policy_service.decisions.deciding.recording import parsed
from policy_service.decisions.deciding.replay import NotReplayable, check_replayable
from policy_service.decisions.ports.activations import BundleStore
from policy_service.decisions.ports.log import LogEntry, LogStore
from policy_service.decisions.ports.records import DecisionRecord, DecisionStore
from policy_service.decisions.sealed.sealing import StoredTiles
from policy_service.decisions.sealed.signing import LogKeys
from policy_service.diagnostics import escape
from policy_service.policies.bundle import Bundle
from policy_service.policies.bundle import bundle as bundle_of
from policy_service.proofs import notes, tree
from policy_service.proofs.commitments import COMMITMENT, Private, fits, is_commitment
from policy_service.proofs.receipts import Receipt, ReceiptRefused, digest_of, verified
from policy_service.proofs.tiles import TileNodes, TreeDamaged

CheckOutcome = Literal["ok", "failed", "pending", "absent"]
CheckFinding = Literal[
    "record_fits", "record_altered", "record_unhashed", "record_unreadable",
    "sealed", "waiting", "unlogged",
    "included", "not_included",
    "head_signed", "head_refused", "head_lost",
    "receipt_fits", "receipt_differs", "receipt_refused", "no_receipt",
    "bundle_fits", "bundle_altered",
    "nothing_private", "private_fits", "private_altered", "private_erased",
]  # fmt: skip
FINDINGS: tuple[CheckFinding, ...] = get_args(CheckFinding)
_OUTCOMES: Mapping[str, CheckOutcome] = {
    "record_unhashed": "absent",
    "waiting": "pending",
    "no_receipt": "absent",
    "private_erased": "absent",
    **dict.fromkeys(
        ("record_altered", "record_unreadable", "unlogged", "not_included", "head_refused", "head_lost"), "failed"
    ),
    **dict.fromkeys(("receipt_differs", "receipt_refused", "bundle_altered", "private_altered"), "failed"),
}
"""The outcomes of findings that are not `ok`."""
_DISTRUSTED = {"record_altered", "record_unreadable", "not_included", "receipt_differs"}
"""Findings after which the content of the stored record is not to be trusted."""
_SUBJECT = re.compile(r"/answer/[a-z_]+/\d+/subject/id|/request/facts/[a-z0-9_]+(?:/\d+)?/id|/request/merchant_id")
_POLICY_SUBJECT = re.compile(r"/answer/policies/(\d+)/subject/id")


@dataclass(frozen=True, slots=True)
class Check:
    """One check of the proofs of a decision, made now.

    named: the values in the text of the finding: `index`, `size`, `at`, `signer`, `digest`, `count`, `bundle`.
    """

    finding: CheckFinding
    named: Mapping[str, str | int] = field(default_factory=dict)

    @property
    def outcome(self) -> CheckOutcome:
        return _OUTCOMES.get(self.finding, "ok")


@dataclass(frozen=True, slots=True)
class Withheld:
    """What stands in the place of a sensitive value.

    erased: whether the store has the value no more.
    number: distinguishes subjects whose ids are withheld, from 1; 0 where there is nothing to distinguish.
    """

    erased: bool
    number: int = 0


@dataclass(frozen=True, slots=True)
class CaseFile:
    """One decision with all that explains and proves it.

    Args:
        id: of the decision.
        body: the record, sensitive values as Withheld; null where the stored bytes are not those that were logged, are
            no record that this program can read, or where `bundle` is null.
            bundle: the rules that decided; null where they are not stored as they were.
        subjects_erased: whether the subjects of some policy cannot be distinguished any more.
        origin: the log's name.
        keys: the labels of the keys that are trusted here.
    """

    id: str
    body: Mapping[str, Any] | None
    bundle: Bundle | None
    chain: Chain | None
    checks: tuple[Check, ...]
    subjects_erased: bool
    origin: str
    keys: tuple[str, ...]


class Gathering:
    """Gathers the files of decisions. Every operation may raise StoreUnavailable."""

    def __init__(
        self, decisions: DecisionStore, log: LogStore, bundles: BundleStore, evaluators: Evaluators, keys: LogKeys
    ) -> None:
        self._decisions, self._log, self._bundles = decisions, log, bundles
        self._evaluators, self._keys = evaluators, keys

    def of(self, record: DecisionRecord) -> CaseFile:
        """The file of a decision; what does not fit is a failed check in it, not an exception."""
        entry, waits = self._entry(record.id)
        checks = [_record_check(record, entry), _place_check(entry, waits), *self._inclusion(record, entry)]
        checks.append(self._receipt(record))
        body = None
        if _DISTRUSTED.isdisjoint(check.finding for check in checks):
            body = _readable(record)
            if body is None:
                checks[0] = Check("record_unreadable")
        found: Evaluator | None = None
        places: list[str] = []
        if body is not None:
            found = self._evaluator(body["bundle"])
            checks.append(Check("bundle_altered" if found is None else "bundle_fits", {"bundle": body["bundle"]}))
            checks.append(_private_check(body, record.privates))
        if body is not None and found is not None:
            places = found.sensitive_places(body["request"], body["answer"])
        withholding = _Withholding(record.privates, places)
        return CaseFile(
            record.id,
            None if found is None else withholding.of(body),
            None if found is None else found.bundle,
            None if body is None else chain(self._decisions, record),
            tuple(checks),
            withholding.merged,
            self._keys.origin,
            tuple(verifier.label for verifier in self._keys.verifiers),
        )

    def _entry(self, id_: str) -> tuple[LogEntry | None, bool]:
        """The entry of a record; without one, whether the record waits for it."""
        entry = self._log.entry(id_)
        if entry is None and self._log.waiting_body(id_) is not None:
            return None, True
        return entry or self._log.entry(id_), False  # it may have been sealed between the two readings

    def _inclusion(self, record: DecisionRecord, entry: LogEntry | None) -> Iterator[Check]:
        """Checks of the newest head, and of the inclusion of the record's bytes under its root."""
        if entry is None:
            return
        stored = self._log.head()
        if stored is None or stored.size <= entry.index:
            yield Check("head_lost")
            return
        try:
            head = notes.open_head(stored.note, self._keys.verifiers, self._keys.origin)
            _, signed = notes.opened(stored.note, self._keys.verifiers)
        except notes.NoteRefused:
            yield Check("head_refused", {"size": stored.size})
            return
        named = {"index": entry.index, "size": head.size}
        leaf = tree.leaf_hash(record.body)
        yield Check("included" if self._leads(leaf, entry.index, head) else "not_included", named)
        labels = ", ".join(verifier.label for verifier in signed)
        yield Check("head_signed", {"size": head.size, "at": stored.at, "signer": labels})

    def _leads(self, leaf: bytes, index: int, head: notes.Head) -> bool:
        try:
            hashes = tree.inclusion_proof(TileNodes(StoredTiles(self._log)), index, head.size)
        except (TreeDamaged, ValueError):
            return False
        return tree.verify_inclusion(leaf, index, head.size, hashes, head.root)

    def _receipt(self, record: DecisionRecord) -> Check:
        if record.receipt is None:
            return Check("no_receipt")
        try:
            receipt = Receipt.parse(parsed(record.receipt.encode()))
            key = verified(receipt, self._keys.origin, record.id, self._keys.verifiers)
        except (ReceiptRefused, ValueError):
            return Check("receipt_refused")
        if receipt.digest != digest_of(tree.leaf_hash(record.body)):
            return Check("receipt_differs", {"digest": receipt.digest})
        return Check("receipt_fits", {"signer": key.label, "at": receipt.decided_at})

    def _evaluator(self, id_: str) -> Evaluator | None:
        """The evaluator of a bundle, if the sources that are stored now give it; None otherwise."""
        sources = self._bundles.sources(id_)
        if sources is None:
            return None
        try:
            known = self._evaluators.of(id_)
        except (UnknownBundle, UnusableBundle):
            return None
        if dict(known.bundle.sources) == dict(sources):
            return known
        found, _ = bundle_of(sources)
        return self._evaluators.uncached(found) if found is not None and found.id == id_ else None


# ---- the record itself


def _record_check(record: DecisionRecord, entry: LogEntry | None) -> Check:
    leaf = tree.leaf_hash(record.body)
    known = {text for text in (record.leaf, entry.leaf if entry is not None else None) if text is not None}
    named = {"digest": digest_of(leaf)}
    if not known:
        return Check("record_unhashed", named)
    return Check("record_fits" if known == {leaf.hex()} else "record_altered", named)


def _place_check(entry: LogEntry | None, waits: bool) -> Check:
    if entry is not None:
        return Check("sealed", {"index": entry.index})
    return Check("waiting" if waits else "unlogged")


def _readable(record: DecisionRecord) -> dict[str, Any] | None:
    """The record; null where it is not this decision's, or of a version that this program does not know."""
    try:
        check_replayable(record.id, record.body, None)
    except NotReplayable:
        return None
    body = parsed(record.body)
    return body if body.get("decision_id") == record.id else None


# ---- what is withheld


def _private_check(body: Any, privates: Collection[Private]) -> Check:
    """Whether the values that are kept fit their commitments in the record. A commitment without one was erased."""
    committed = dict(_commitments(body))
    kept = {private.pointer: private for private in privates}
    if any(pointer not in committed or not fits(committed[pointer], one) for pointer, one in kept.items()):
        return Check("private_altered")
    if not committed:
        return Check("nothing_private")
    gone = len(committed) - len(kept)
    return Check("private_erased", {"count": gone}) if gone else Check("private_fits", {"count": len(kept)})


def _commitments(value: Any, at: str = "") -> Iterator[tuple[str, str]]:
    """Every commitment in a record with its JSON pointer."""
    if is_commitment(value):
        yield at, value[COMMITMENT]
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _commitments(item, f"{at}/{escape(key)}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _commitments(item, f"{at}/{index}")


class _Withholding:
    """Puts a Withheld in the place of every commitment, and of each sensitive value in a record without commitments.

    Subjects whose ids are withheld must stay distinguishable, or the rewards of one would be shown with another: equal
    ids get equal numbers. Of erased ids it is not known which are equal: the subjects of a policy are then numbered in
    their order.
    """

    def __init__(self, privates: Collection[Private], places: Collection[str]) -> None:
        self._places = frozenset(places)
        self._kept = {private.pointer: private.value for private in privates}
        ids = dict.fromkeys(value for pointer, value in self._kept.items() if _SUBJECT.fullmatch(pointer))
        self._numbers = {value: number if len(ids) > 1 else 0 for number, value in enumerate(ids, start=1)}
        self._erased: dict[str, int] = {}
        self.merged = False

    def of(self, value: Any, at: str = "", policy: str = "") -> Any:
        if is_commitment(value):
            return self._one(at, policy)
        if at in self._places:
            return Withheld(False)
        if isinstance(value, dict):
            policy = str(value.get("policy", policy))
            return {key: self.of(item, f"{at}/{escape(key)}", policy) for key, item in value.items()}
        if isinstance(value, list):
            return [self.of(item, f"{at}/{index}", policy) for index, item in enumerate(value)]
        return value

    def _one(self, at: str, policy: str) -> Withheld:
        if at in self._kept:
            return Withheld(False, self._numbers[self._kept[at]] if _SUBJECT.fullmatch(at) else 0)
        if _POLICY_SUBJECT.fullmatch(at) is None:
            return Withheld(True)
        before = self._erased.get(policy, 0)
        self._erased[policy] = before + 1
        self.merged = self.merged or before > 0
        return Withheld(True, before + 1 if before else 0)
