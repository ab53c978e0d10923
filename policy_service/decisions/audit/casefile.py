"""The data of a readable page about one decision: the record, the rules then in force, its corrections, its proofs.

It holds no sensitive value, even where the store still has it: in its place stands a `Withheld`.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from policy_service.decisions.answers.evaluate import Evaluator
from policy_service.decisions.audit.checks import UNTRUSTED, Check, Limit
from policy_service.decisions.audit.genuine import Genuine
from policy_service.decisions.audit.limits import limits
from policy_service.decisions.audit.origins import Origins, Tracing
from policy_service.decisions.audit.record_checks import RecordChecks
from policy_service.decisions.bundles.evaluators import Evaluators, UnknownBundle, UnusableBundle
from policy_service.decisions.deciding.chains import Chain, chain
from policy_service.decisions.deciding.recording import parsed
from policy_service.decisions.deciding.replay import NotReplayable, check_replayable
from policy_service.decisions.ports.activations import BundleStore
from policy_service.decisions.ports.cosignatures import CosignatureStore
from policy_service.decisions.ports.log import LogStore
from policy_service.decisions.ports.records import DecisionRecord, DecisionStore
from policy_service.decisions.sealed.ordering import SignedOrders
from policy_service.diagnostics import escape
from policy_service.policies.bundle import Bundle
from policy_service.policies.bundle import bundle as bundle_of
from policy_service.proofs.commitments import COMMITMENT, Private, fits, is_commitment
from policy_service.proofs.cosignatures import WitnessKey

_SUBJECT = re.compile(r"/answer/[a-z_]+/\d+/subject/id|/request/facts/[a-z0-9_]+(?:/\d+)?/id|/request/merchant_id")
_POLICY_SUBJECT = re.compile(r"/answer/policies/(\d+)/subject/id")


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
        body: the record, sensitive values as Withheld; null where the stored bytes are not those that the service
            signed, are no record that this program can read, or where `bundle` is null.
        bundle: the rules that decided; null where they are not stored as they were.
        origins: who asked and who ordered; null where `body` is.
        limits: what the checks do not prove; none where `body` is null.
        subjects_erased: whether the subjects of some policy cannot be distinguished any more.
        origin: the log's name.
        keys: the labels of the keys that are trusted here.
    """

    id: str
    body: Mapping[str, Any] | None
    bundle: Bundle | None
    chain: Chain | None
    origins: Origins | None
    checks: tuple[Check, ...]
    limits: tuple[Limit, ...]
    subjects_erased: bool
    origin: str
    keys: tuple[str, ...]


class Gathering:
    """Gathers the file of one decision. It may raise StoreUnavailable.

    Args:
        kept, witnesses: cosignatures, and the witnesses that are asked for them.
    """

    def __init__(
        self,
        decisions: DecisionStore,
        log: LogStore,
        bundles: BundleStore,
        evaluators: Evaluators,
        orders: SignedOrders,
        kept: CosignatureStore,
        witnesses: Sequence[WitnessKey],
    ) -> None:
        self._decisions, self._bundles, self._evaluators = decisions, bundles, evaluators
        self._keys, genuine = orders.keys, Genuine(log, orders)
        self._checks = RecordChecks(log, genuine, orders.keys.verifiers, kept, witnesses)
        self._tracing = Tracing(log, orders, genuine)

    def of(self, record: DecisionRecord) -> CaseFile:
        """The file of a decision; what does not fit is a failed check in it, not an exception."""
        checks = self._checks.of(record)
        body = _readable(record) if _is_trusted(checks) else None
        if body is None:
            return self._refused(record, checks)
        found = self._evaluator(body["bundle"])
        origins = self._tracing.of(body)
        checks.append(Check("bundle_altered" if found is None else "bundle_fits", {"bundle": body["bundle"]}))
        checks += self._tracing.checks(body, origins, None if found is None else found.bundle)
        checks.append(_private_check(body, record.privates))
        checks += self._checks.witnessed(record)
        places = [] if found is None else found.sensitive_places(body["request"], body["answer"])
        withholding = _Withholding(record.privates, places)
        return CaseFile(
            record.id,
            None if found is None else withholding.of(body),
            None if found is None else found.bundle,
            chain(self._decisions, record),
            None if found is None else origins,
            tuple(checks),
            () if found is None else tuple(limits(checks, origins.asker)),
            withholding.merged,
            *self._log_words(),
        )

    def _refused(self, record: DecisionRecord, checks: list[Check]) -> CaseFile:
        """The file of a record of which nothing is shown."""
        if _is_trusted(checks):
            checks[0] = Check("record_unreadable")
        return CaseFile(record.id, None, None, None, None, tuple(checks), (), False, *self._log_words())

    def _log_words(self) -> tuple[str, tuple[str, ...]]:
        return self._keys.origin, tuple(verifier.label for verifier in self._keys.verifiers)

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


def _is_trusted(checks: Sequence[Check]) -> bool:
    """Whether the service signed what is stored; of what is older than receipts, whether it is under a signed head."""
    found = {check.finding for check in checks}
    if "no_receipt" in found and not {"included", "head_signed"} <= found:
        return False
    return found.isdisjoint(UNTRUSTED)


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
