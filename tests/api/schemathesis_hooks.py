"""What JSON Schema cannot say of a request, made true of the requests that are meant to be valid.

Imported by schemathesis, not by pytest. Parts of a request that are meant to be invalid pass untouched, but for one:
with `unknown_facts: report` undeclared facts are allowed, so that there an undeclared fact is no fault.

SEEDS names a file with the ids of what there is, and ANSWERED one to which every answer adds its operation and status.
"""

import json
import os
from collections.abc import Iterator
from decimal import Decimal
from io import BytesIO
from itertools import count
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import schemathesis
from schemathesis import Case, GenerationMode, HookContext
from schemathesis.core.parameters import ParameterLocation

from policy_service.api import examples

POLICIES = ["chuanliu.traffic_hours", "chuanliu.*", "*"]
LATEST = "2199-12-31"
SEEDS: dict[str, Any] = json.loads(Path(os.environ["SEEDS"]).read_text())
_NUMBERS = count()


@schemathesis.serializer("application/x-ndjson")
def lines(_context: Any, value: Any) -> bytes:
    return b"".join(json.dumps(one).encode() + b"\n" for one in (value if isinstance(value, list) else [value]))


@schemathesis.hook
def before_call(context: HookContext, case: Case, _kwargs: dict[str, Any]) -> None:
    operation = _name(case)
    valid = {part for part in ParameterLocation if _is_valid(case, part)}  # before anything changes
    if ParameterLocation.PATH in valid:
        case.path_parameters.update(_there(operation, case.path_parameters))
    if ParameterLocation.QUERY in valid and case.query:
        _asked(operation, case.query)
    if ParameterLocation.BODY in valid:
        _post(operation, case)
    elif isinstance(case.body, dict):
        options = case.body.get("options")
        if isinstance(options, dict) and options.get("unknown_facts") == "report":
            options["unknown_facts"] = "refuse"


@schemathesis.hook
def after_call(context: HookContext, case: Case, response: Any) -> None:
    with Path(os.environ["ANSWERED"]).open("a") as answered:
        answered.write(f"{_name(case)} {response.status_code}\n")


def _name(case: Case) -> str:
    return str(case.operation.definition.raw["operationId"])


def _is_valid(case: Case, part: ParameterLocation) -> bool:
    """Whether a part of the request is meant to be valid."""
    if case.meta is None:
        return False
    known = case.meta.components.get(part, case.meta.generation)
    return known.mode == GenerationMode.POSITIVE


# ---- paths and queries


def _there(operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
    """Ids of what there is in the place of made-up ones; of keys none but those made to be ended."""
    match operation:
        case "decision" | "replay" | "proof" | "evidence":
            return {"id": SEEDS["decisions"][0]}
        case "compare":
            return dict(zip("ab", SEEDS["decisions"], strict=True))
        case "policy" | "stopPolicy":
            return {"id": POLICIES[0]}
        case "resumePolicy":
            return {"id": SEEDS["stopped"].pop() if SEEDS["stopped"] else POLICIES[0]}
        case "bundle" | "activateBundle":
            return {"id": SEEDS["bundle"]}
        case "startShadow" | "shadow" | "endShadow":
            return {"id": SEEDS["bundle"]}
        case "rotateKey" | "revokeKey":
            return {"id": SEEDS[operation]}
        case "problem":
            return {"name": "not-found"}
    return parameters


def _asked(operation: str, query: dict[str, Any]) -> None:
    if "policies" in query:
        query["policies"] = POLICIES[:1]  # a pattern must match a policy
    for name in ("size", "to"):
        if name in query:
            query[name] = SEEDS["size"]  # a size that the log had
    if operation == "consistency":
        query["from"] = 0
    for name in ("as_of", "decided"):
        if f"{name}_from" in query:
            query.pop(f"{name}_to", None)  # the end lies behind the beginning
    if operation == "evidence" or "reveal" in query:
        query.pop("reveal", None)


# ---- bodies


def _post(operation: str, case: Case) -> None:
    if case.media_type == "application/zip":
        case.body = zipped()  # bytes are what its serializer takes
    elif isinstance(case.body, list):
        for one in case.body:
            if isinstance(one, dict):
                _whole(one, case.operation)
    elif isinstance(case.body, dict):
        _object(operation, case.body, case.operation)


def _object(operation: str, body: dict[str, Any], declared: Any) -> None:
    if operation == "uploadBundle" and "files" in body:
        body["files"] = dict(examples.SOURCES)  # files are rules without a fault
    elif operation == "createKey" and "name" in body:
        body["name"] = f"name-{next(_NUMBERS)}"  # no key of the name is in force
    if "expires_at" in body:
        body["expires_at"] = None  # an instant of the next year
    if operation == "activateBundle" and "at" in body:
        body["at"] = "now"  # an instant that is not past
    if "reward" in body:
        body["reward"] = None  # a reward of the policy
    if operation in ("evaluate", "evaluateBatch"):
        _whole(body, declared)
    if operation == "replay":
        body |= {"bundle": "original", "as_of": None}  # a day for which the facts are not of the future


def zipped() -> bytes:
    """A rules folder without a fault."""
    made = BytesIO()
    with ZipFile(made, "w") as archive:
        for path, text in examples.SOURCES.items():
            archive.writestr(path, text)
    return made.getvalue()


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
