"""What every request meets before a view sees it, and every answer after.

There are no keys yet, so only this machine is answered. That a request comes in over loopback is not enough: a page of
another host can send one, by a name of its own that resolves to 127.0.0.1. So the host the request names must be ours.
"""

import re
from ipaddress import ip_address

from flask import Flask, Response, request

from policy_service.api import problems
from policy_service.api.problems import Refused

_AUTHORITY = re.compile(r"(localhost|127(?:\.[0-9]{1,3}){3}|\[::1\])(?::[0-9]{1,5})?", re.IGNORECASE)


def is_loopback(host: str) -> bool:
    """Whether an address to bind reaches this machine only."""
    if host == "localhost":
        return True
    try:
        return ip_address(host.removeprefix("[").removesuffix("]")).is_loopback
    except ValueError:
        return False


def register(app: Flask) -> None:
    app.before_request(_check)
    app.after_request(_finish)


def _check() -> None:
    if _AUTHORITY.fullmatch(request.headers.get("Host", "")) is None:
        raise Refused(problems.HOST_REFUSED, problems.HOST_REFUSED.meaning)
    accepted = request.headers.get("Accept", "*/*")
    if accepted != "*/*" and request.path.startswith("/v1/") and not request.accept_mimetypes["application/json"]:
        raise Refused(problems.NOT_ACCEPTABLE, problems.NOT_ACCEPTABLE.meaning)


def _finish(response: Response) -> Response:
    response.headers["X-Content-Type-Options"] = "nosniff"
    if request.path.startswith("/v1/"):
        response.headers["Cache-Control"] = "no-store"
    return response
