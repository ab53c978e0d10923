"""Until there are keys only this machine is answered, under its own name and without a proxy between."""

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from policy_service.access.issuing import Issuing
from policy_service.access.this_machine import is_loopback
from policy_service.api import examples
from policy_service.app import create_app
from policy_service.assembly import Assembled
from policy_service.decisions.deciding.service import PolicyService
from policy_service.settings import Settings

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


PATHS = ["/healthz", "/docs", "/openapi.json", "/v1/policies", "/nothing", f"/decisions/{examples.DECISION}"]
"""Of everybody and of roles, a page, and what is not there."""


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("peer", ["10.0.0.1", "192.0.2.7", "2001:db8::1", "0.0.0.0", "::ffff:10.0.0.1", "", "x"])
def test_a_peer_elsewhere_is_refused_whatever_host_it_names(
    client: FlaskClient, parsed: Call, conforms: Call, peer: str, path: str
) -> None:
    response = client.get(path, headers={"Host": "localhost"}, environ_overrides={"REMOTE_ADDR": peer})
    problem = parsed(response)
    conforms(problem, "Problem")
    assert (response.status_code, problem["type"]) == (421, "/problems/host-refused")
    assert problem["detail"].endswith("the request is not from this machine")


@pytest.mark.parametrize("peer", ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"])
def test_a_peer_of_this_machine_is_answered(client: FlaskClient, peer: str) -> None:
    assert client.get("/v1/policies", environ_overrides={"REMOTE_ADDR": peer}).status_code == 200


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "header",
    [
        "Forwarded",
        "X-Forwarded-For",
        "x-forwarded-host",
        "X-Forwarded-Proto",
        "X-Forwarded-Anything",
        "X-Real-IP",
        "Via",
        "CF-Connecting-IP",
        "True-Client-IP",
    ],
)
def test_a_request_that_was_passed_on_is_refused(
    client: FlaskClient, parsed: Call, conforms: Call, header: str, path: str
) -> None:
    response = client.get(path, headers={"Host": "localhost", header: ""})
    problem = parsed(response)
    conforms(problem, "Problem")
    assert (response.status_code, problem["type"]) == (421, "/problems/host-refused")
    assert f"proxy: it has `{header.title()}`" in problem["detail"]


@pytest.mark.parametrize("mark", [{"PROXY_PROTOCOL": "TCP4"}, {"SERVER_PROTOCOL": "HTTP/1.0"}], ids=str)
def test_a_proxy_that_adds_no_header_may_still_be_told(client: FlaskClient, mark: dict[str, str]) -> None:
    assert client.get("/v1/policies", environ_overrides=mark).status_code == 421


def test_with_a_key_peers_and_proxies_are_answered(own: Assembled) -> None:
    key = Issuing(own.keys, now=own.service.now).create("a", ["read"], actor="test").text
    client = create_app(Settings(key_refresh_ms=0), assembled=own).test_client()
    headers = {"X-Forwarded-For": "192.0.2.7", "Via": "1.1 proxy"}
    passed_on: dict[str, Any] = {"headers": headers, "environ_overrides": {"REMOTE_ADDR": "10.0.0.1"}}
    assert client.get("/healthz", **passed_on).status_code == 200
    headers["Authorization"] = f"Bearer {key}"
    assert client.get("/v1/facts", **passed_on).status_code == 200


def test_who_is_refused_takes_nothing_of_the_rate(own: Assembled) -> None:
    client = create_app(Settings(rate_limit=1), assembled=own).test_client()
    for _ in range(3):
        assert client.get("/v1/facts", headers={"Via": "1.1 proxy"}).status_code == 421
    assert client.get("/v1/facts").status_code == 200


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("localhost", True),
        ("::1", True),
        ("[::1]", True),
        ("::ffff:127.0.0.1", True),
        ("::ffff:10.0.0.1", False),
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
