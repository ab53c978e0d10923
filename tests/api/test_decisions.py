"""GET /v1/decisions/{id}, POST /v1/decisions/{id}/replay."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from policy_service.assembly import Assembled
from policy_service.decisions.deciding.service import PolicyService
from policy_service.policies.bundle import Bundle

Body = dict[str, Any]
Call = Callable[..., Any]

UNKNOWN = "01873a5e-8400-7c3e-9f6b-2b1d6c0a4e11"


@pytest.fixture
def decided(client: FlaskClient, request_body: Body, parsed: Call) -> Any:
    """A decision that the shared service has made."""
    return parsed(client.post("/v1/evaluate", json=request_body))


def test_the_record_holds_request_answer_and_bundle(
    client: FlaskClient, decided: Body, request_body: Body, parsed: Call, conforms: Call
) -> None:
    response = client.get(f"/v1/decisions/{decided['decision_id']}")
    record = parsed(response)
    assert response.status_code == 200
    conforms(record, "Record")
    assert record["request"]["facts"] == json.loads(json.dumps(request_body["facts"]))
    assert record["request"]["options"] == {"trace": "fired", "reach": False, "unknown_facts": "refuse"}
    compared = {key: value for key, value in decided.items() if key not in ("decision_id", "decided_at", "receipt")}
    assert record["answer"] == compared
    assert record["receipt"] == decided["receipt"]
    assert record["superseded_by"] == []


@pytest.mark.parametrize("id_", [UNKNOWN, "x", "%00", "%ff", "a" * 300, UNKNOWN.upper(), UNKNOWN + "%0a", "'"])
@pytest.mark.parametrize("path", ["/v1/decisions/{}", "/v1/decisions/{}/replay"])
def test_a_decision_that_does_not_exist_is_not_found(
    client: FlaskClient, parsed: Call, conforms: Call, id_: str, path: str
) -> None:
    target = path.format(id_)
    response = client.post(target, json={}) if target.endswith("replay") else client.get(target)
    problem = parsed(response)
    conforms(problem, "Problem")
    assert (response.status_code, problem["type"]) == (404, "/problems/not-found")


@pytest.mark.parametrize("body", [{}, {"bundle": "original"}, {"bundle": None, "as_of": None}, {"bundle": "active"}])
def test_a_replay_under_the_same_rules_is_identical(
    client: FlaskClient, service: PolicyService, decided: Body, parsed: Call, conforms: Call, body: Any
) -> None:
    before = service.decisions.count()
    response = client.post(f"/v1/decisions/{decided['decision_id']}/replay", json=body)
    replayed = parsed(response)
    assert response.status_code == 200
    conforms(replayed, "Replayed")
    assert replayed == {"identical": True, "bundle": decided["bundle"], "differences": [], "hidden": []}
    assert service.decisions.count() == before


def test_a_replay_without_a_body_is_of_the_original(client: FlaskClient, decided: Body, parsed: Call) -> None:
    response = client.post(f"/v1/decisions/{decided['decision_id']}/replay")
    assert (response.status_code, parsed(response)["identical"]) == (200, True)


def test_a_replay_under_other_rules_shows_each_difference(
    own: Assembled,
    own_client: FlaskClient,
    rules: Bundle,
    later_rules: Bundle,
    request_body: Body,
    parsed: Call,
    conforms: Call,
) -> None:
    location = own_client.post("/v1/evaluate", json=request_body).headers["Location"]
    own.publishing.adopt_folder(later_rules, actor="test")
    replayed = parsed(own_client.post(f"{location}/replay", json={"bundle": "active"}))
    conforms(replayed, "Replayed")
    assert (replayed["identical"], replayed["bundle"]) == (False, later_rules.id)
    assert {"pointer": "/rewards/0/amount", "recorded": 10, "replayed": 11} in replayed["differences"]
    assert {d["pointer"] for d in replayed["differences"]}.isdisjoint({"/bundle", "/as_of"})
    original = parsed(own_client.post(f"{location}/replay", json={"bundle": rules.id}))
    assert original == {"identical": True, "bundle": rules.id, "differences": [], "hidden": []}


def test_a_replay_for_another_day_shows_what_it_changes(
    client: FlaskClient, decided: Body, parsed: Call, conforms: Call
) -> None:
    response = client.post(f"/v1/decisions/{decided['decision_id']}/replay", json={"as_of": "2024-01-01"})
    replayed = parsed(response)
    conforms(replayed, "Replayed")
    assert not replayed["identical"]
    statuses = [d for d in replayed["differences"] if d["pointer"] == "/policies/0/status"]
    assert statuses == [{"pointer": "/policies/0/status", "recorded": "applied", "replayed": "not_in_effect"}]


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({"bundle": "sha256:" + "0" * 64}, [("/bundle", "A116")]),
        ({"bundle": "newest", "as_of": 5}, [("/as_of", "A101"), ("/bundle", "A116")]),
        ({"as_of": "2023-02-30"}, [("/as_of", "A105")]),
        ({"bundel": "active"}, [("/bundel", "A113")]),
        ([], [("", "A101")]),
    ],
    ids=str,
)
def test_a_replay_that_cannot_be_asked_is_refused(
    client: FlaskClient, decided: Body, parsed: Call, conforms: Call, body: Any, errors: list[tuple[str, str]]
) -> None:
    response = client.post(f"/v1/decisions/{decided['decision_id']}/replay", json=body)
    problem = parsed(response)
    conforms(problem, "Problem")
    assert response.status_code == 422
    assert [(e["pointer"], e["code"]) for e in problem["errors"]] == errors


def test_a_replay_under_rules_that_know_less_facts_says_where_they_differ(
    own: Assembled, own_client: FlaskClient, rules: Bundle, request_body: Body, parsed: Call, conforms: Call
) -> None:
    from policy_service.policies.bundle import bundle

    location = own_client.post("/v1/evaluate", json=request_body).headers["Location"]
    narrow = rules.sources["facts.yaml"].replace("range: [0, 24]", "range: [0, 4]", 1)
    found, diagnostics = bundle({**rules.sources, "facts.yaml": narrow})
    assert found is not None, diagnostics
    own.publishing.adopt_folder(found, actor="test")
    response = own_client.post(f"{location}/replay", json={"bundle": "active"})
    problem = parsed(response)
    conforms(problem, "Problem")
    assert response.status_code == 422
    assert problem["errors"][0]["pointer"] == "/request/facts/live/hours_today"
