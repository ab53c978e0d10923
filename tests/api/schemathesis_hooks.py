"""What JSON Schema cannot say of a request, made true of the requests that are meant to be valid.

Imported by schemathesis, not by pytest. Requests that are meant to be invalid pass untouched, but for one: with
`unknown_facts: report` undeclared facts are allowed, so that there an undeclared fact is no fault.
"""

import json
from collections.abc import Iterator
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any

import schemathesis
from schemathesis import Case, GenerationMode, HookContext

POLICIES = ["chuanliu.traffic_hours", "chuanliu.*", "*"]
DAY = "2023-04-01"
LATEST = "2199-12-31"
RULES = Path(__file__).parents[2] / "rules"
_NUMBERS = count()


@schemathesis.serializer("application/x-ndjson")
def lines(_context: Any, value: Any) -> bytes:
    return b"".join(json.dumps(one).encode() + b"\n" for one in (value if isinstance(value, list) else [value]))


@schemathesis.hook
def before_call(context: HookContext, case: Case, _kwargs: dict[str, Any]) -> None:
    positive = case.meta is not None and case.meta.generation.mode == GenerationMode.POSITIVE
    if positive and isinstance(case.body, list):
        for one in case.body:
            if isinstance(one, dict):
                _whole(one, case.operation)
    if isinstance(case.body, dict):
        if positive and case.path == "/v1/bundles" and "files" in case.body:
            case.body["files"] = _files()  # files are rules without a fault
        elif positive and case.path == "/v1/keys" and "name" in case.body:
            case.body["name"] = f"name-{next(_NUMBERS)}"  # no key of the name is in force
        elif positive and case.path.endswith("/activate") and "at" in case.body:
            case.body["at"] = "now"  # an instant that exists
        elif positive:
            _whole(case.body, case.operation)
        elif isinstance(case.body.get("options"), dict) and case.body["options"].get("unknown_facts") == "report":
            case.body["options"]["unknown_facts"] = "refuse"
    if positive and case.query and "policies" in case.query:
        case.query["policies"] = POLICIES[:1]  # a pattern must match a policy
    if positive and case.query:
        case.query.pop("cursor", None)  # only a page before gives one


def _files() -> dict[str, str]:
    return {path.relative_to(RULES).as_posix(): path.read_text() for path in sorted(RULES.rglob("*.yaml"))}


def _whole(body: dict[str, Any], operation: Any) -> None:
    """A pattern matches a policy; a bundle and a decision exist; provenance has 2 KiB in all; facts fit each other."""
    if body.get("policies"):
        body["policies"] = POLICIES[: len(body["policies"])]
    if str(body.get("bundle")).startswith("sha256:"):
        body["bundle"] = None
    if body.get("supersedes"):
        body["supersedes"] = body["reason"] = None
    if body.get("provenance"):
        body["provenance"] = {key: text and text[:100] for key, text in body["provenance"].items()}
    facts = body.get("facts")
    if isinstance(facts, dict):
        body["facts"] = {name: _section(value, _declared(operation, name)) for name, value in facts.items()}
        if body.get("as_of"):
            body["as_of"] = LATEST  # no date lies behind it
        else:
            body["facts"] = {name: _past(value) for name, value in body["facts"].items()}
        merchant = body["facts"].get("merchant")
        if body.get("merchant_id") and merchant and merchant.get("id"):
            merchant["id"] = body["merchant_id"]


def _declared(operation: Any, name: str) -> dict[str, Any]:
    components: dict[str, Any] = operation.schema.raw_schema["components"]["schemas"]
    section = components.get(f"Facts.{name}", {})
    found: dict[str, Any] = section.get("items", section)["properties"]
    return found


def _section(value: Any, declared: dict[str, Any]) -> Any:
    """Numbers at their scale; elements of a list with ids of their own."""
    if isinstance(value, list):
        elements = [_section(one, declared) for one in value]
        return [one | ({"id": f"e-{at}"} if "id" in one else {}) for at, one in enumerate(elements)]
    if not isinstance(value, dict):
        return value
    return {key: _scaled(one, declared[key].get("x-scale")) for key, one in value.items()}


def _scaled(value: Any, scale: int | None) -> Any:
    if scale is None or not isinstance(value, float):
        return value
    return float(round(Decimal(str(value)), scale))


def _past(value: Any) -> Any:
    """Without the days that may lie after today, which is what a preview judges by default."""
    if isinstance(value, list):
        return [_past(one) for one in value]
    return dict(_not_days(value)) if isinstance(value, dict) else value


def _not_days(section: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for key, one in section.items():
        yield key, None if isinstance(one, str) and key.endswith("_on") else one
