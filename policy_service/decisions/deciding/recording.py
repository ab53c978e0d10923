"""From requests and answers to records, and back."""

import json
import re
from dataclasses import dataclass, replace
from decimal import Decimal
from hmac import compare_digest
from typing import Any, cast

from policy_service import __version__, canonical
from policy_service.decisions.answers.evaluate import FORMAT, Trace
from policy_service.decisions.deciding.resolving import EvaluateRequest, Resolved
from policy_service.decisions.ports.recorded import Envelope, RecordBody
from policy_service.decisions.ports.records import Appended, DecisionRecord, IdempotencyClaim
from policy_service.decisions.sealed.receipted import NotReceipted, check_receipt
from policy_service.decisions.sealed.signing import LogKeys
from policy_service.engines.answer import ComparedPart, Decision, ReceiptShown
from policy_service.policies.model import LANGUAGE_VERSION
from policy_service.proofs.commitments import SALT_SIZE, commit, hide, reveal
from policy_service.proofs.receipts import issue
from policy_service.proofs.tree import leaf_hash

_SHORT = 40


_COMMITTED = re.compile(rb'\{"commitment":"(hmac-sha256:[0-9a-f]{64})"\}')
"""A commitment in canonical JSON; inside a text its quotes would be escaped."""


def commitments(body: bytes) -> list[str]:
    """Every commitment in the canonical JSON of a record."""
    return [found.decode() for found in _COMMITTED.findall(body)]


class ValuesErased(Exception):
    """Values of a decision were erased, so it cannot be evaluated again."""

    def __init__(self, id_: str) -> None:
        super().__init__(f"values of decision `{id_}` were erased")
        self.id = id_


@dataclass(frozen=True, slots=True)
class Making:
    """What a record says of its making.

    asked_by: pseudonym of the principal.
    orders: the version of the last order that it is made under.
    claim: null where no idempotency key was posted.
    """

    id: str
    at: str
    asked_by: str
    orders: int
    claim: IdempotencyClaim | None = None


def record_of(
    request: EvaluateRequest, resolved: Resolved, answer: ComparedPart, made: Making, log: LogKeys | None = None
) -> DecisionRecord:
    """The record of a decision: all that a replay needs, sensitive values as commitments.

    Args:
        answer: its compared part.
        log: what the receipt is signed as; without it there is none.
    """
    evaluator, state, question = resolved
    day = question.as_of.isoformat()
    body: RecordBody = {
        "decision_id": made.id,
        "decided_at": made.at,
        "service_version": __version__,
        "language": LANGUAGE_VERSION,
        "format": FORMAT,
        "bundle": evaluator.bundle.id,
        "asked_by": made.asked_by,
        "orders": made.orders,
        "request": {
            **envelope(request),
            "as_of": day,
            "facts": evaluator.reader.normalised(state),
        },
        "answer": answer,
    }
    if made.claim is not None:
        body["idempotency"] = claim_tag(made.claim)
    sensitivity = evaluator.sensitivity
    merchant = None if sensitivity.hides("merchant") else state.ids.get("merchant") or request.merchant_id
    hidden, privates = hide(body, evaluator.sensitive_places(body["request"], answer))
    data = canonical.trusted(hidden)
    leaf = leaf_hash(data)
    receipt = None
    if log is not None:
        receipt = canonical.trusted(issue(log.signers[0], log.origin, made.id, made.at, leaf).json).decode()
    return DecisionRecord(
        made.id,
        made.at,
        evaluator.bundle.id,
        day,
        merchant,
        data,
        request.supersedes,
        leaf.hex(),
        receipt,
        privates,
        made.orders,
    )


def claim_tag(claim: IdempotencyClaim) -> str:
    """How a record names the idempotency key that it answers: a commitment, whose salt is kept beside the key alone."""
    return commit("/idempotency", canonical.dumps([claim.caller, claim.key, claim.request_digest]), claim.salt)


def check_answers(kept: Appended, claim: IdempotencyClaim, log: LogKeys | None) -> None:
    """Check that a record is the service's own and was made for a claim: the row that leads to it proves nothing.

    Raises:
        NotReceipted.
    """
    record = kept.record
    body = record_body(record.body)
    if body["decision_id"] != record.id:
        raise NotReceipted("it is kept under another id")
    if log is not None:
        check_receipt(record.receipt, record.id, body["decided_at"], record.body, log.origin, log.verifiers)
    if kept.salt is None and "orders" not in body:
        return  # older than these commitments: every later record says its orders
    tag = body.get("idempotency", "")
    salted = replace(claim, salt=kept.salt or b"")
    if len(salted.salt) != SALT_SIZE or not compare_digest(tag, claim_tag(salted)):
        raise NotReceipted("it was made for another key or another request")


def envelope(request: EvaluateRequest) -> Envelope:
    """The request but for `as_of` and `facts`, options resolved, absent keys left out."""
    found = {
        "purpose": request.purpose,
        "merchant_id": request.merchant_id,
        "bundle": request.bundle,
        "policies": list(request.policies) if request.policies is not None else None,
        "options": {"trace": request.trace, "reach": False, "unknown_facts": request.unknown_facts},
        "provenance": dict(request.provenance) if request.provenance is not None else None,
        "supersedes": request.supersedes,
        "reason": request.reason,
    }
    return cast(Envelope, {key: value for key, value in found.items() if value is not None})


def digest_of(request: EvaluateRequest) -> str:
    """The digest of a request under an idempotency key: equal for equal requests; null facts count as absent.

    It is computed before the facts are checked, so it must work for any JSON: huge numbers, unpaired surrogates.
    """
    posted = {**envelope(request), "as_of": request.as_of, "facts": _without_nulls(request.facts)}
    return canonical.digest(json.dumps(posted, sort_keys=True, default=_by_value).encode())


def _by_value(number: Decimal) -> Any:
    """The same for equal numbers: an int of at most 40 digits, else sign, digits and exponent."""
    sign, digits, exponent = number.as_tuple()
    text = "".join(map(str, digits)).rstrip("0")
    shift = int(exponent) + len(digits) - len(text)
    if not text:
        return 0
    return int(number) if shift >= 0 and shift + len(text) <= _SHORT else [sign, text, shift]


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_without_nulls(item) for item in value]
    return value


def request_of(record: RecordBody, bundle: str | None, as_of: str | None) -> EvaluateRequest:
    """The request of a record, to be evaluated again.

    Args:
        bundle: null for the active one.
        as_of: null for that of the record.
    """
    request = record["request"]
    options = request["options"]
    return EvaluateRequest(
        request["facts"],
        request["as_of"] if as_of is None else as_of,
        "decide",
        request.get("merchant_id"),
        tuple(request["policies"]) if "policies" in request else None,
        bundle,
        cast(Trace, options["trace"]),
        options["unknown_facts"],
    )


def record_body(body: bytes) -> RecordBody:
    """The body of a decision's record, commitments in the place of sensitive values."""
    return cast(RecordBody, parsed(body))


def parsed(body: bytes) -> dict[str, Any]:
    """An object of canonical JSON; numbers are int or Decimal."""
    return cast(dict[str, Any], json.loads(body, parse_float=Decimal))


def revealed(record: DecisionRecord) -> RecordBody:
    """The body of a record with its sensitive values.

    Raises:
        ValuesErased: not all of them are there.
        CommitmentRefused: one of them is not what was recorded.
    """
    if len(commitments(record.body)) > len(record.privates):
        raise ValuesErased(record.id)
    return cast(RecordBody, reveal(parsed(record.body), record.privates))


def answer_of(record: DecisionRecord) -> Decision:
    """The answer that a record was made with. Raises ValuesErased where values of it are gone."""
    return decision_answer(revealed(record)["answer"], record)


def decision_answer(answer: ComparedPart, record: DecisionRecord) -> Decision:
    """The answer of a decision: the compared part with id, instant and receipt."""
    found = cast(Decision, {**answer, "decision_id": record.id, "decided_at": record.decided_at})
    if record.receipt is not None:
        found["receipt"] = receipt_of(record.receipt)
    return found


def receipt_of(kept: str) -> ReceiptShown:
    """The receipt as JSON, from the canonical text that is kept with the record."""
    return cast(ReceiptShown, parsed(kept.encode()))
