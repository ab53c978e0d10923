"""Liveness, readiness, and the pages of problems."""

from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families

from policy_service import __version__
from policy_service.api.shared import begin_to_stop
from policy_service.app import create_app
from policy_service.assembly import Assembled
from policy_service.decisions.ports.records import StoreUnavailable
from policy_service.decisions.sealed.agents import AgentSigner
from policy_service.decisions.sealed.signing import LogKeys
from policy_service.policies.bundle import Bundle
from policy_service.problems import kinds
from policy_service.problems.kinds import Kind
from policy_service.telemetry.metrics import METRICS

Call = Callable[..., Any]


def test_a_living_process_says_so_and_asks_the_store_nothing(
    make_service: Call, monkeypatch: pytest.MonkeyPatch, parsed: Call, conforms: Call
) -> None:
    assembled = make_service(None)
    monkeypatch.setattr(assembled.service, "bundles", None)
    monkeypatch.setattr(assembled.service, "decisions", None)
    found = parsed(create_app(assembled=assembled).test_client().get("/healthz"))
    conforms(found, "Health")
    assert found == {"status": "ok", "version": __version__}


def test_a_service_with_a_bundle_is_ready(client: FlaskClient, rules: Bundle, parsed: Call, conforms: Call) -> None:
    response = client.get("/readyz")
    found = parsed(response)
    conforms(found, "Readiness")
    assert found.pop("looked_seconds_ago") >= 0
    assert (response.status_code, found) == (200, {"status": "ready", "bundle": rules.id, "reasons": []})


def test_a_bundle_that_cannot_be_taken_over_degrades_and_is_told(
    own: Assembled, own_client: FlaskClient, monkeypatch: pytest.MonkeyPatch, parsed: Call, conforms: Call
) -> None:
    monkeypatch.setattr(own.service.evaluators, "_active_fault", "the active bundle b cannot be used")
    response = own_client.get("/readyz")
    found = parsed(response)
    conforms(found, "Readiness")
    assert (response.status_code, found["status"]) == (200, "degraded")
    assert found["reasons"] == ["the active bundle b cannot be used"]


def test_a_worker_that_is_about_to_end_is_not_ready(own: Assembled, parsed: Call) -> None:
    app = create_app(assembled=own)
    begin_to_stop(app)
    response = app.test_client().get("/readyz")
    assert (response.status_code, parsed(response)["errors"][0]["code"]) == (503, "D103")


@pytest.mark.parametrize(
    ("asked", "answered"), [("job-7.x_Y", "job-7.x_Y"), ("a" * 64, "a" * 64), ("a" * 65, None), ("a b", None)]
)
def test_a_request_keeps_the_id_it_came_with_if_it_is_one(
    client: FlaskClient, asked: str, answered: str | None
) -> None:
    found = client.get("/healthz", headers={"X-Request-Id": asked}).headers.getlist("X-Request-Id")
    assert len(found) == 1
    assert found[0] == (answered or str(UUID(found[0])))


def test_metrics_are_prometheus_text_with_templates_for_routes(client: FlaskClient) -> None:
    client.get("/v1/policies/nothing.there", buffered=True)
    client.get("/no/such/path", buffered=True)
    client.open("/healthz", method="BREW", buffered=True)
    response = client.get("/metrics")
    assert response.content_type == "text/plain; version=1.0.0; charset=utf-8"
    text = response.get_data(as_text=True)
    names = {family.name for family in text_string_to_metric_families(text)}
    assert set(METRICS) <= names
    assert "nothing.there" not in text
    assert "/no/such" not in text
    assert "BREW" not in text
    assert 'route="unknown"' in text


def test_without_a_bundle_it_is_not_ready_and_says_why(make_service: Call, parsed: Call, conforms: Call) -> None:
    response = create_app(assembled=make_service(None)).test_client().get("/readyz")
    problem = parsed(response)
    conforms(problem, "Problem")
    assert (response.status_code, problem["type"]) == (503, "/problems/not-ready")
    assert [(e["pointer"], e["code"]) for e in problem["errors"]] == [("/bundle", "D102")]


def test_without_its_store_it_is_not_ready_and_says_why(
    own: Assembled, own_client: FlaskClient, monkeypatch: pytest.MonkeyPatch, parsed: Call, conforms: Call
) -> None:
    def unreachable(_now: str) -> None:
        raise StoreUnavailable("secret://place")

    monkeypatch.setattr(own.service.bundles, "activation_state", unreachable)
    response = own_client.get("/readyz")
    problem = parsed(response)
    conforms(problem, "Problem")
    assert (response.status_code, problem["type"]) == (503, "/problems/not-ready")
    assert [(e["pointer"], e["code"]) for e in problem["errors"]] == [("/store", "D101")]
    assert "secret" not in response.get_data(as_text=True)


def test_while_its_key_cannot_sign_it_is_not_ready_and_says_why(
    own: Assembled, own_client: FlaskClient, monkeypatch: pytest.MonkeyPatch, parsed: Call, conforms: Call,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    known = own.auditing.keys
    agents = LogKeys(known.origin, (AgentSigner(known.verifiers[0], Path("secret place")),))
    monkeypatch.setattr(own.auditing, "keys", agents)
    response = own_client.get("/readyz")
    problem = parsed(response)
    conforms(problem, "Problem")
    assert (response.status_code, problem["type"]) == (503, "/problems/not-ready")
    assert [(e["pointer"], e["code"]) for e in problem["errors"]] == [("/key", "D104")]
    assert "secret" not in response.get_data(as_text=True)
    assert "the agent at `secret place` does not sign" in caplog.text


@pytest.mark.parametrize("kind", kinds.KINDS.values(), ids=str)
def test_the_type_of_a_problem_is_a_path_that_explains_it(
    client: FlaskClient, parsed: Call, conforms: Call, kind: Kind
) -> None:
    response = client.get(kind.type)
    found = parsed(response)
    conforms(found, "Kind")
    assert response.status_code == 200
    assert (found["type"], found["status"], found["title"]) == (kind.type, kind.status, kind.title)


def test_a_problem_that_does_not_exist_is_not_found(client: FlaskClient) -> None:
    assert client.get("/problems/nothing").status_code == 404
