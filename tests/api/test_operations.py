"""Liveness, readiness, and the pages of problems."""

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from policy_service import __version__
from policy_service.api import problems
from policy_service.api.problems import Kind
from policy_service.app import create_app
from policy_service.assembly import Assembled
from policy_service.decisions.records import StoreUnavailable
from policy_service.policies.bundle import Bundle

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
    assert (response.status_code, found) == (200, {"status": "ready", "bundle": rules.id})


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

    monkeypatch.setattr(own.service.bundles, "standing", unreachable)
    response = own_client.get("/readyz")
    problem = parsed(response)
    conforms(problem, "Problem")
    assert (response.status_code, problem["type"]) == (503, "/problems/not-ready")
    assert [(e["pointer"], e["code"]) for e in problem["errors"]] == [("/store", "D101")]
    assert "secret" not in response.get_data(as_text=True)


@pytest.mark.parametrize("kind", problems.KINDS.values(), ids=str)
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
