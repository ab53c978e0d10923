"""Requests and answers as the log keeps them, and back."""

import json
from decimal import Decimal
from typing import Any, cast

from policy_service import __version__, canonical
from policy_service.decisions.asking import Asked, EvaluateRequest
from policy_service.decisions.evaluate import FORMAT, Trace
from policy_service.decisions.records import DecisionRecord
from policy_service.policies.model import LANGUAGE_VERSION

_SHORT = 40


def record_of(
    request: EvaluateRequest, asked: Asked, answer: dict[str, Any], key: str | None, id_: str, decided_at: str
) -> DecisionRecord:
    """The record of a decision: all that a replay needs.

    Args:
        answer: its compared part.
    """
    evaluator, state, question = asked
    day = question.as_of.isoformat()
    body = {
        "decision_id": id_,
        "decided_at": decided_at,
        "service_version": __version__,
        "language": LANGUAGE_VERSION,
        "format": FORMAT,
        "bundle": evaluator.bundle.id,
        "request": {
            **envelope(request),
            "as_of": day,
            "facts": evaluator.door.normalised(state),
        },
        "answer": answer,
    }
    if key is not None:
        body["idempotency_key"] = key
    merchant = state.ids.get("merchant") or request.merchant_id
    return DecisionRecord(
        id_,
        decided_at,
        evaluator.bundle.id,
        day,
        merchant,
        canonical.dumps(body),
        request.supersedes,
    )


def envelope(request: EvaluateRequest) -> dict[str, Any]:
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
    return {key: value for key, value in found.items() if value is not None}


def digest_of(request: EvaluateRequest) -> str:
    """What an idempotency key stands for: the request by value, nulls left out of its facts.

    It is asked before the facts are judged, so every JSON has one: the largest numbers, halves of characters.
    """
    posted = {**envelope(request), "as_of": request.as_of, "facts": _without_nulls(request.facts)}
    return canonical.digest(json.dumps(posted, sort_keys=True, default=_by_value).encode())


def _by_value(number: Decimal) -> Any:
    """What is the same for equal numbers: an int where one is short, else sign, digits and exponent."""
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


def request_of(record: dict[str, Any], bundle: str | None, as_of: str | None) -> EvaluateRequest:
    request = record["request"]
    record["as_of_recorded"] = request["as_of"]
    options = request["options"]
    return EvaluateRequest(
        request["facts"],
        as_of or request["as_of"],
        "decide",
        request.get("merchant_id"),
        tuple(request["policies"]) if "policies" in request else None,
        bundle,
        cast(Trace, options["trace"]),
        options["unknown_facts"],
    )


def parsed(body: bytes) -> dict[str, Any]:
    return cast(dict[str, Any], json.loads(body, parse_float=Decimal))


def answer_of(record: DecisionRecord) -> dict[str, Any]:
    return answered(parsed(record.body)["answer"], record)


def answered(answer: dict[str, Any], record: DecisionRecord) -> dict[str, Any]:
    return {**answer, "decision_id": record.id, "decided_at": record.decided_at}
