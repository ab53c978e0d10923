"""The OpenAPI contract, generated from blueprints and schemas."""

from typing import Any

from flask import Flask, Response
from flask_smorest import Api
from werkzeug.exceptions import HTTPException

from policy_service import __version__
from policy_service.api import problems
from policy_service.api.schemas.problem import ProblemSchema

_DESCRIPTION = """\
Post a merchant's state and get the rewards it has earned and recommendations, each with its reason. Every decision is
logged before it is answered and can be replayed.

Every refusal is `application/problem+json` (RFC 9457) and lists all faults at once, each with a JSON Pointer. Numbers
are exact decimals: read them as such.

Not here yet: batches, upload and activation of bundles, stops, search of decisions, proofs, metrics, and keys. Without
keys only requests from this machine are answered.
"""
CONFIG = {
    "API_TITLE": "Policy service",
    "API_VERSION": __version__,
    "OPENAPI_VERSION": "3.1.0",
    "API_SPEC_OPTIONS": {
        "info": {"description": _DESCRIPTION, "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"}}
    },
}


class Contract(Api):
    """flask-smorest's Api, whose errors are problems."""

    ERROR_SCHEMA = ProblemSchema
    DEFAULT_ERROR_RESPONSE_NAME = None

    def __init__(self, app: Flask) -> None:
        app.config.update(CONFIG)
        super().__init__(app)

    def handle_http_exception(self, error: HTTPException) -> Response:
        return problems.of_http(error)

    def _register_pagination_header(self) -> None:
        """No resource has pages."""

    def register_all(self, *blueprints: Any) -> None:
        for blueprint in blueprints:
            self.register_blueprint(blueprint)
