"""Every failing path ends in the one shape, and no text of an exception leaves."""

import json
import logging
import sqlite3
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from policy_service.api import examples
from policy_service.app import create_app
from policy_service.assembly import Assembled
from policy_service.decisions.deciding.service import PolicyService
from policy_service.decisions.ports.records import StoreRefused, StoreUnavailable
from policy_service.policies.bundle import Bundle

Body = dict[str, Any]
Call = Callable[..., Any]

DECISION = examples.DECISION
FAILING = [
    ("GET", "/", {}, 404),
    ("GET", "/v1", {}, 404),
    ("GET", "/v1/", {}, 404),
    ("GET", "/v1/evaluate/", {}, 404),
    ("GET", "/favicon.ico", {}, 404),
    ("GET", "/static/app.js", {}, 404),
    ("GET", "/docs/", {}, 404),
    ("GET", "/docs/index.html", {}, 404),
    ("GET", "/docs/..%2f..%2fapp.py", {}, 404),
    ("GET", "/docs/swagger-ui.js", {}, 404),
    ("GET", "/v1/batch", {}, 404),
    ("POST", "/v1/evaluate/batch", {"json": {}}, 400),
    ("POST", "/v1/evaluate/batch", {"data": "[]"}, 415),
    ("GET", "/v1/evaluate/batch", {}, 405),
    ("GET", "/v1/decisions?merchant=%20", {}, 422),
    ("GET", "/v1/decisions?cursor=x", {}, 422),
    ("GET", "/v1/decisions/export?format=xml", {}, 422),
    ("GET", "/v1/decisions/export", {"headers": {"Accept": "application/json"}}, 406),
    ("GET", "/v1/claims", {}, 422),
    ("GET", "/v1/log/consistency", {}, 422),
    ("GET", f"/v1/decisions/{DECISION}/evidence", {}, 404),
    ("GET", f"/v1/decisions/{DECISION}/compare/x", {}, 404),
    ("GET", "/v1/decisions/x", {}, 404),
    ("GET", f"/v1/decisions/{DECISION}", {}, 404),
    ("GET", f"/v1/decisions/{DECISION}/proof", {}, 404),
    ("POST", f"/v1/decisions/{DECISION}/replay", {"json": {}}, 404),
    ("GET", "/v1/policies/x", {}, 404),
    ("GET", "/problems/x", {}, 404),
    ("GET", "/v1/evaluate", {}, 405),
    ("PUT", "/v1/evaluate", {"json": {}}, 405),
    ("DELETE", f"/v1/decisions/{DECISION}", {}, 405),
    ("POST", "/v1/policies", {"json": {}}, 405),
    ("POST", "/v1/facts", {"json": {}}, 405),
    ("POST", "/healthz", {}, 405),
    ("BREW", "/v1/evaluate", {}, 405),
    ("POST", "/v1/evaluate", {"data": "{", "content_type": "application/json"}, 400),
    ("POST", "/v1/evaluate", {"json": {}, "headers": {"Accept": "text/html"}}, 406),
    ("GET", "/v1/policies", {"headers": {"Accept": "text/html"}}, 406),
    ("POST", "/v1/evaluate", {"data": b"x" * 1_048_577, "content_type": "application/json"}, 413),
    ("POST", f"/v1/decisions/{DECISION}/replay", {"data": b"x" * 1_048_577, "content_type": "application/json"}, 413),
    ("POST", "/v1/evaluate", {"data": "{}"}, 415),
    ("POST", f"/v1/decisions/{DECISION}/replay", {"data": "{}"}, 415),
    ("POST", "/v1/keys", {"json": {"name": "a", "roles": ["admin"]}}, 403),
    ("GET", "/v1/policies", {"headers": {"Host": "example.com"}}, 421),
    ("POST", "/v1/evaluate", {"json": {}}, 422),
    ("POST", f"/v1/decisions/{DECISION}/replay", {"json": {"bundle": 1}}, 422),
    ("GET", "/v1/policies?x=1", {}, 422),
    ("GET", f"/v1/decisions/{DECISION}?x=1", {}, 422),
    ("GET", "/v1/policies/chuanliu.main_push?as_of=x", {}, 422),
    ("GET", "/v1/facts?policies=x", {}, 422),
]


@pytest.mark.parametrize(("method", "path", "more", "status"), FAILING, ids=lambda value: str(value)[:50])
def test_every_failing_path_has_the_one_shape(
    client: FlaskClient,
    service: PolicyService,
    parsed: Call,
    conforms: Call,
    method: str,
    path: str,
    more: Body,
    status: int,
) -> None:
    before = service.decisions.count()
    response = client.open(path, method=method, **more)
    problem = parsed(response)
    conforms(problem, "Problem")
    assert response.status_code == status == problem["status"]
    assert response.content_type == "application/problem+json"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert client.get(problem["type"]).status_code == 200
    assert service.decisions.count() == before


def test_a_wrong_method_tells_the_right_ones(client: FlaskClient) -> None:
    assert set(client.get("/v1/evaluate").headers["Allow"].split(", ")) == {"POST", "OPTIONS"}


@pytest.fixture
def broken(own: Assembled, own_client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> Call:
    """Makes an operation of a service of its own raise."""

    def make(error: Exception) -> FlaskClient:
        def fail(*_: Any, **__: Any) -> None:
            raise error

        for name in ("evaluate", "decision", "replay", "policies", "policy", "facts_schema"):
            monkeypatch.setattr(own.service, name, fail)
        return own_client

    return make


CALLS = [
    ("POST", "/v1/evaluate", {"json": examples.REQUEST}),
    ("GET", f"/v1/decisions/{DECISION}", {}),
    ("POST", f"/v1/decisions/{DECISION}/replay", {"json": {}}),
    ("GET", "/v1/policies", {}),
    ("GET", "/v1/policies/chuanliu.main_push", {}),
    ("GET", "/v1/facts", {}),
]


@pytest.mark.parametrize(("method", "path", "more"), CALLS, ids=str)
@pytest.mark.parametrize(
    "error", [RuntimeError("secret"), KeyError("secret"), StoreRefused("secret"), RecursionError()]
)
def test_a_fault_of_ours_is_logged_under_the_name_that_the_caller_gets(
    broken: Call,
    parsed: Call,
    conforms: Call,
    caplog: pytest.LogCaptureFixture,
    method: str,
    path: str,
    more: Body,
    error: Exception,
) -> None:
    with caplog.at_level(logging.ERROR):
        response = broken(error).open(path, method=method, **more)
    problem = parsed(response)
    conforms(problem, "Problem")
    assert (response.status_code, problem["type"]) == (500, "/problems/internal-error")
    assert "secret" not in response.get_data(as_text=True)
    assert "Traceback" not in response.get_data(as_text=True)
    (record,) = [r for r in caplog.records if r.name.startswith("policy_service")]
    assert problem["instance"].startswith("urn:uuid:")
    assert problem["instance"] in record.getMessage()
    assert record.exc_info is not None


@pytest.mark.parametrize(("method", "path", "more"), CALLS, ids=str)
def test_a_store_that_cannot_be_used_asks_to_try_again(
    broken: Call, parsed: Call, conforms: Call, caplog: pytest.LogCaptureFixture, method: str, path: str, more: Body
) -> None:
    with caplog.at_level(logging.WARNING):
        response = broken(StoreUnavailable("secret://place")).open(path, method=method, **more)
    problem = parsed(response)
    conforms(problem, "Problem")
    assert (response.status_code, problem["type"]) == (503, "/problems/store-unavailable")
    assert response.headers["Retry-After"] == "1"
    assert "secret" not in response.get_data(as_text=True)
    assert "secret://place" in caplog.text


@pytest.mark.parametrize(("method", "path", "more"), CALLS[:1] + CALLS[3:], ids=str)
def test_without_an_active_bundle_nothing_is_answered(
    make_service: Call, parsed: Call, conforms: Call, method: str, path: str, more: Body
) -> None:
    client = create_app(assembled=make_service(None)).test_client()
    response = client.open(path, method=method, **more)
    problem = parsed(response)
    conforms(problem, "Problem")
    assert (response.status_code, problem["type"]) == (503, "/problems/no-active-bundle")
    assert response.headers["Retry-After"] == "1"


def test_faults_are_told_even_without_an_active_bundle(make_service: Call, parsed: Call) -> None:
    client = create_app(assembled=make_service(None)).test_client()
    response = client.post("/v1/evaluate", json={"facts": {}, "purpose": "x"})
    assert response.status_code == 422
    assert [e["pointer"] for e in parsed(response)["errors"]] == ["/purpose"]


def test_a_decision_that_cannot_be_logged_is_not_answered(
    make_service: Call, rules: Bundle, request_body: Body, parsed: Call, conforms: Call
) -> None:
    assembled = make_service(rules, busy_timeout_ms=1)
    service = assembled.service
    client = create_app(assembled=assembled).test_client()
    assert client.post("/v1/evaluate", json=request_body).status_code == 201
    other = sqlite3.connect(service.decisions._engine.url.database)
    other.execute("BEGIN IMMEDIATE")
    response = client.post("/v1/evaluate", json=request_body)
    problem = parsed(response)
    conforms(problem, "Problem")
    assert (response.status_code, problem["type"]) == (503, "/problems/store-unavailable")
    assert client.post("/v1/evaluate", json={**request_body, "purpose": "preview"}).status_code == 200
    other.rollback()
    other.close()
    assert service.decisions.count() == 1
    assert client.post("/v1/evaluate", json=request_body).status_code == 201


@pytest.mark.parametrize("terminated", [True, False])
def test_a_body_that_ends_before_its_length_is_refused(
    client: FlaskClient, service: PolicyService, request_body: Body, terminated: bool
) -> None:
    before = service.decisions.count()
    data = json.dumps(request_body).encode()
    environ = {"CONTENT_LENGTH": str(len(data) + 1)} | ({"wsgi.input_terminated": True} if terminated else {})
    response = client.post("/v1/evaluate", data=data, content_type="application/json", environ_overrides=environ)
    assert (response.status_code, response.get_json(force=True)["type"]) == (400, "/problems/bad-request")
    assert service.decisions.count() == before
