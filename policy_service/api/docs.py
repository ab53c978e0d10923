"""GET /openapi.json and /docs, the contract for programs and people; nothing of it comes from another host.

The contract describes the state to post as the active rules declare it, so it changes with them, and its ETag too.
"""

import hashlib
import json
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from flask import Blueprint, Response, request, send_from_directory
from flask_smorest import Api

from policy_service.api.access import needs
from policy_service.api.contract import answered, with_facts
from policy_service.api.shared import service
from policy_service.decisions.bundles.evaluators import NoActiveBundle
from policy_service.decisions.explaining import catalogue
from policy_service.decisions.ports.records import NotFound, StoreUnavailable
from policy_service.policies.bundle import Bundle

_HERE = Path(__file__).parent
_PAGE = (_HERE / "templates" / "docs.html").read_bytes()
_OURS = _HERE / "static"
_SWAGGER = Path(str(files("flask_swagger_ui"))) / "dist"
_FILES = {
    "docs.js": _OURS,
    "swagger-ui.css": _SWAGGER,
    "swagger-ui-bundle.js": _SWAGGER,
    "favicon-32x32.png": _SWAGGER,
}
"""All that the page loads. Its validatorUrl is null, or Swagger UI would show the contract to a public validator."""
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


@dataclass(frozen=True, slots=True)
class _Written:
    """The contract as it is under one bundle, or where there is none."""

    bundle: str | None
    text: bytes
    tag: str


class _Contract:
    """The contract as it is under the active bundle, written once a bundle."""

    def __init__(self, static: dict[str, Any]) -> None:
        self._static = static
        self._written: _Written | None = None

    def current(self) -> _Written:
        active = _active()
        found = self._written
        if found is None or found.bundle != (active.id if active is not None else None):
            found = self._written = self._write(active)  # two threads may both write it: the same
        return found

    def _write(self, active: Bundle | None) -> _Written:
        facts = None if active is None else catalogue.facts_schema(active.rules)
        text = json.dumps(with_facts(self._static, facts), ensure_ascii=False, indent=2).encode()
        return _Written(None if active is None else active.id, text, hashlib.sha256(text).hexdigest()[:32])


def _active() -> Bundle | None:
    """The active bundle. Null where there is none, or the store was never readable; the contract is served anyway."""
    try:
        return service().resolver.active().bundle
    except (NoActiveBundle, StoreUnavailable):
        return None


def blueprint(api: Api) -> Blueprint:
    """The routes of the contract; made when all resources are registered."""
    made = Blueprint("docs", __name__)
    contract = _Contract(answered(api.spec.to_dict()))

    @made.get("/openapi.json")
    @needs.anyone
    def openapi() -> Response:
        found = contract.current()
        response = Response(found.text, content_type="application/json", headers={"Cache-Control": "no-cache"})
        response.set_etag(found.tag)
        response.make_conditional(request)
        return response

    @made.get("/docs")
    @needs.anyone
    def page() -> Response:
        return Response(_PAGE, content_type="text/html; charset=utf-8", headers={"Content-Security-Policy": _POLICY})

    @made.get("/docs/<name>")
    @needs.anyone
    def part(name: str) -> Response:
        if name not in _FILES:
            raise NotFound(f"there is no file `{name[:64]}`")
        return send_from_directory(_FILES[name], name, max_age=3600)

    return made
