"""Liveness, readiness, and the pages of problems."""

import pytest

from policy_service import __version__
from policy_service.api import problems
from policy_service.app import create_app
from policy_service.decisions.records import StoreUnavailable


def test_a_living_process_says_so_and_asks_the_store_nothing(make_service, monkeypatch, parsed, conforms):
    service = make_service(None)
    monkeypatch.setattr(service, "bundles", None)
    monkeypatch.setattr(service, "decisions", None)
    found = parsed(create_app(service=service).test_client().get("/healthz"))
    conforms(found, "Health")
    assert found == {"status": "ok", "version": __version__}


def test_a_service_with_a_bundle_is_ready(client, rules, parsed, conforms):
    response = client.get("/readyz")
    found = parsed(response)
    conforms(found, "Readiness")
    assert (response.status_code, found) == (200, {"status": "ready", "bundle": rules.id})


def test_without_a_bundle_it_is_not_ready_and_says_why(make_service, parsed, conforms):
    response = create_app(service=make_service(None)).test_client().get("/readyz")
    problem = parsed(response)
    conforms(problem, "Problem")
    assert (response.status_code, problem["type"]) == (503, "/problems/not-ready")
    assert [(e["pointer"], e["code"]) for e in problem["errors"]] == [("/bundle", "D102")]


def test_without_its_store_it_is_not_ready_and_says_why(own, own_client, monkeypatch, parsed, conforms):
    def unreachable() -> None:
        raise StoreUnavailable("secret://place")

    monkeypatch.setattr(own.bundles, "active", unreachable)
    response = own_client.get("/readyz")
    problem = parsed(response)
    conforms(problem, "Problem")
    assert (response.status_code, problem["type"]) == (503, "/problems/not-ready")
    assert [(e["pointer"], e["code"]) for e in problem["errors"]] == [("/store", "D101")]
    assert "secret" not in response.get_data(as_text=True)


@pytest.mark.parametrize("kind", problems.KINDS.values(), ids=str)
def test_the_type_of_a_problem_is_a_path_that_explains_it(client, parsed, conforms, kind):
    response = client.get(kind.type)
    found = parsed(response)
    conforms(found, "Kind")
    assert response.status_code == 200
    assert (found["type"], found["status"], found["title"]) == (kind.type, kind.status, kind.title)


def test_a_problem_that_does_not_exist_is_not_found(client):
    assert client.get("/problems/nothing").status_code == 404
