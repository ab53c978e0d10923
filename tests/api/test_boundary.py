"""Until there are keys only this machine is answered, under its own name."""

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from policy_service.api.boundary import is_loopback
from policy_service.decisions.deciding.service import PolicyService

Body = dict[str, Any]
Call = Callable[..., Any]


@pytest.mark.parametrize(
    "host",
    ["localhost", "LOCALHOST:80", "127.0.0.1", "127.0.0.1:8000", "127.1.2.3:1", "[::1]", "[::1]:65535"],
)
def test_a_loopback_host_is_answered(client: FlaskClient, host: str) -> None:
    assert client.get("/healthz", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "",
        "example.com",
        "localhost.example.com",
        "127.0.0.1.example.com",
        "example.com:8000",
        "10.0.0.1",
        "0.0.0.0",
        "[::]",
        "::1",
        "[::1]x",
        "localhost:",
        "localhost:x",
        "localhost:80:80",
        "localhost, example.com",
        "user@localhost",
        "localhost\u00e9",
    ],
)
@pytest.mark.parametrize("path", ["/healthz", "/docs", "/openapi.json", "/v1/policies", "/nothing"])
def test_any_other_host_is_refused(client: FlaskClient, parsed: Call, conforms: Call, host: str, path: str) -> None:
    response = client.get(path, headers={"Host": host.encode().decode("latin-1")})
    problem = parsed(response)
    conforms(problem, "Problem")
    assert (response.status_code, problem["type"]) == (421, "/problems/host-refused")


def test_a_page_of_another_host_decides_nothing(
    client: FlaskClient, service: PolicyService, request_body: Body
) -> None:
    before = service.decisions.count()
    headers = {"Host": "rebound.example.com:8000", "Origin": "http://rebound.example.com:8000"}
    assert client.post("/v1/evaluate", json=request_body, headers=headers).status_code == 421
    assert service.decisions.count() == before


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("localhost", True),
        ("::1", True),
        ("[::1]", True),
        ("0.0.0.0", False),
        ("::", False),
        ("", False),
        ("192.168.0.1", False),
        ("example.com", False),
        ("localhost.example.com", False),
        ("127.0.0.1.example.com", False),
        ("2130706433", False),
    ],
)
def test_a_host_to_bind_is_loopback_or_not(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected
