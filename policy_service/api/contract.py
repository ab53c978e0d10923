"""The OpenAPI contract, generated from blueprints and schemas."""

from collections.abc import Mapping
from copy import deepcopy
from decimal import Decimal
from typing import Any

from flask import Flask, Response
from flask_smorest import Api
from werkzeug.exceptions import HTTPException
from werkzeug.routing import BaseConverter

from policy_service import __version__
from policy_service.api import observing, problems
from policy_service.api.access import SECURITY_SCHEMES
from policy_service.api.schemas.problem import ProblemSchema
from policy_service.requests.schemas import DECLARED, REQUEST_CONDITIONS

_DESCRIPTION = """\
Post a merchant's state and get the rewards it has earned and recommendations, each with its reason. Every decision is
logged before it is answered and can be replayed.

Every refusal is `application/problem+json` (RFC 9457) and lists all faults at once, each with a JSON Pointer. Numbers
are exact decimals: read them as such.

The state to post is described as the active rules declare it, so this contract changes with them; its `ETag` tells.
While no key was ever made and no issuer is configured, only requests from this machine are answered.
"""
CONFIG = {
    "API_TITLE": "Policy service",
    "API_VERSION": __version__,
    "OPENAPI_VERSION": "3.1.0",
    "API_SPEC_OPTIONS": {
        "info": {"description": _DESCRIPTION, "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"}}
    },
}


_REQUEST_ID = {
    "schema": {"type": "string", "pattern": observing.ID},
    "description": "Names the request in the log and the audit trail: the one that was sent, where it is fit, or ours. "
    "An answer to what could not be read as a request, or not be taken up, has none.",
}
_HEADERS = {"RequestId": _REQUEST_ID | {"required": True}, "RequestIdIfRead": _REQUEST_ID}
_BEFORE_A_VIEW = ("400", "414", "500", "503")
"""Statuses that the worker may answer with by itself."""


class BundleId(BaseConverter):
    """What may stand for a bundle's id below /v1/bundles: all but the name of the route beside it.

    Otherwise a GET of that name would be answered as one of a bundle, and its `Allow` would list GET.
    """

    regex = "(?!rollback(?:/|$))[^/]+"


class Contract(Api):
    """flask-smorest's Api, whose errors are problems."""

    ERROR_SCHEMA = ProblemSchema
    DEFAULT_ERROR_RESPONSE_NAME = None

    def __init__(self, app: Flask) -> None:
        app.config.update(CONFIG)
        app.url_map.converters["bundle"] = BundleId
        super().__init__(app)
        for name, scheme in SECURITY_SCHEMES.items():
            self.spec.components.security_scheme(name, scheme)
        for name, header in _HEADERS.items():
            self.spec.components.header(name, header)

    def handle_http_exception(self, error: HTTPException) -> Response:
        return problems.of_http(error)

    def _register_pagination_header(self) -> None:
        """No resource has pages."""

    def register_all(self, *blueprints: Any) -> None:
        for blueprint in blueprints:
            self.register_blueprint(blueprint)


def answered(static: dict[str, Any]) -> dict[str, Any]:
    """The contract with the headers that every response has."""
    whole = deepcopy(static)  # parts of it are one object, which a change would reach many times
    for path in whole["paths"].values():
        for operation in (one for one in path.values() if isinstance(one, dict)):
            for status, response in operation["responses"].items():
                name = "RequestIdIfRead" if status in _BEFORE_A_VIEW else "RequestId"
                named = {observing.HEADER: {"$ref": f"#/components/headers/{name}"}}
                response["headers"] = response.get("headers", {}) | named
    return whole


# ---- what depends on the rules


def with_facts(static: Mapping[str, Any], facts: Mapping[str, Any] | None) -> dict[str, Any]:
    """The contract with the posted state described, one component `Facts.<section>` each.

    Args:
        static: the contract as it is without rules.
        facts: JSON Schema of the state; null where no rules are active: then it is any object.
    """
    whole = deepcopy(dict(static))
    schemas = whole["components"]["schemas"]
    for schema in list(schemas.values()):
        state = schema.get("properties", {}).get("facts", {})
        if state.pop(DECLARED, None) is not None:
            schema["properties"]["facts"] = {
                "$ref": "#/components/schemas/Facts",
                "description": state["description"],
            }
            schema["allOf"] = deepcopy(list(REQUEST_CONDITIONS))
    schemas |= _sections({"type": "object"} if facts is None else _readable(facts))
    return whole


def _sections(facts: dict[str, Any]) -> dict[str, Any]:
    facts.pop("$schema", None)  # the dialect of OpenAPI 3.1 is the same
    sections = facts.get("properties", {})
    if "merchant" in sections:
        del sections["merchant"]["required"]  # `merchant_id` may stand in: the request says when
    if sections:
        facts["properties"] = {name: {"$ref": f"#/components/schemas/Facts.{name}"} for name in sections}
    return {"Facts": facts} | {f"Facts.{name}": section for name, section in sections.items()}


def _readable(value: Any) -> Any:
    """The value as the json module writes it; a bound has at most 15 digits, which its floats keep."""
    if isinstance(value, Mapping):
        return {key: _readable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_readable(item) for item in value]
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value
