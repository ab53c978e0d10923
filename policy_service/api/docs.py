"""GET /openapi.json and /docs, the contract for programs and people; nothing of it comes from another host."""

import json
from importlib.resources import files
from pathlib import Path

from flask import Blueprint, Response, send_from_directory
from flask_smorest import Api

from policy_service.decisions.service import NotFound

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


def blueprint(api: Api) -> Blueprint:
    """Serves the contract as it is when all resources are registered."""
    made = Blueprint("docs", __name__)
    contract = json.dumps(api.spec.to_dict(), ensure_ascii=False, indent=2).encode()

    @made.get("/openapi.json")
    def openapi() -> Response:
        return Response(contract, content_type="application/json")

    @made.get("/docs")
    def page() -> Response:
        return Response(_PAGE, content_type="text/html; charset=utf-8", headers={"Content-Security-Policy": _POLICY})

    @made.get("/docs/<name>")
    def part(name: str) -> Response:
        if name not in _FILES:
            raise NotFound(f"there is no file `{name[:64]}`")
        return send_from_directory(_FILES[name], name, max_age=3600)

    return made
