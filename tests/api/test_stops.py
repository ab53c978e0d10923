"""The red button over HTTP: what is stopped is granted by nobody, pinned or not, until it is resumed."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from policy_service.app import create_app
from policy_service.assembly import Assembled
from policy_service.policies.bundle import Bundle, bundle
from policy_service.policies.loader import read_folder
from policy_service.settings import Settings

RULES = Path(__file__).parents[1] / "cli" / "rules"
STOP, RESUME = "/v1/policies/shop.hours/stop", "/v1/policies/shop.hours/resume"
WRONG = {"reason": "pays twice the hours"}
REQUEST: dict[str, Any] = {
    "as_of": "2023-04-01",
    "facts": {
        "merchant": {"id": "m-1", "enrolled_on": "2023-03-01", "type": "enterprise", "frozen": False},
        "live": {"hours": 5, "orders": 120, "peers": 10},
    },
}
Call = Callable[..., Any]


@pytest.fixture(scope="module")
def shop() -> Bundle:
    found, diagnostics = bundle(read_folder(RULES))
    assert found is not None, diagnostics
    return found


@pytest.fixture
def served(make_service: Call, shop: Bundle) -> Assembled:
    return make_service(shop)


@pytest.fixture
def http(served: Assembled) -> FlaskClient:
    return create_app(Settings(rules=RULES), assembled=served).test_client()


def granted(http: FlaskClient, **more: Any) -> set[str]:
    response = http.post("/v1/evaluate", json=REQUEST | more)
    assert response.status_code in (200, 201), response.get_json()
    return {one["id"] for one in response.get_json()["rewards"]}


def test_a_stopped_policy_grants_nothing_from_the_answer_on(
    http: FlaskClient, served: Assembled, parsed: Call, conforms: Call
) -> None:
    assert "traffic" in granted(http)
    response = http.post(STOP, json=WRONG)
    found = parsed(response)
    assert response.status_code == 200
    conforms(found, "Stopped")
    assert found["new"]
    assert found["event"]["policy"] == "shop.hours"
    answer = http.post("/v1/evaluate", json=REQUEST).get_json()
    assert answer["bundle"] == found["bundle"]
    assert {p["policy"]: p["status"] for p in answer["policies"]}["shop.hours"] == "suspended"
    assert not [one for one in answer["rewards"] if one["policy"] == "shop.hours"]
    entry = served.trail.trail()[0]
    assert (entry.actor, entry.action, entry.target, entry.reason) == (
        "local", "policy.stop", "shop.hours", WRONG["reason"],
    )  # fmt: skip


def test_a_single_reward_is_stopped(http: FlaskClient) -> None:
    http.post(STOP, json={"reward": "traffic", **WRONG})
    answer = http.post("/v1/evaluate", json=REQUEST).get_json()
    assert ("traffic", "suspended") in {(one["id"], one["reason"]) for one in answer["not_granted"]}
    assert {p["policy"]: p["status"] for p in answer["policies"]}["shop.hours"] == "applied"


def test_it_is_granted_again_after_it_is_resumed(http: FlaskClient, shop: Bundle, parsed: Call) -> None:
    before = granted(http)
    http.post(STOP, json=WRONG)
    found = parsed(http.post(RESUME, json={"reason": "mended"}))
    assert (found["bundle"], found["warnings"]) == (shop.id, [])
    assert granted(http) == before


def test_a_nightly_run_does_not_sail_past_the_red_button(http: FlaskClient, shop: Bundle, parsed: Call) -> None:
    pinned = {"bundle": shop.id}
    key = {"Idempotency-Key": "nightly-1"}
    first = http.post("/v1/evaluate", json=REQUEST | pinned, headers=key)
    assert first.status_code == 201
    http.post(STOP, json={"reward": "traffic", **WRONG})
    refused = http.post("/v1/evaluate", json=REQUEST | pinned, headers={"Idempotency-Key": "nightly-2"})
    problem = parsed(refused)
    assert (refused.status_code, problem["type"]) == (409, "/problems/bundle-withdrawn")
    assert "`shop.hours/traffic`" in problem["detail"]
    preview = http.post("/v1/evaluate", json=REQUEST | pinned | {"purpose": "preview"})
    assert preview.status_code == 200
    again = http.post("/v1/evaluate", json=REQUEST | pinned, headers=key)
    assert (again.status_code, again.headers["Idempotent-Replayed"], again.data) == (201, "true", first.data)
    http.post(RESUME, json={"reward": "traffic", "reason": "mended"})
    assert http.post("/v1/evaluate", json=REQUEST | pinned).status_code == 201


def test_a_pin_of_the_derived_bundle_decides(http: FlaskClient) -> None:
    derived = http.post(STOP, json=WRONG).get_json()["bundle"]
    assert http.post("/v1/evaluate", json=REQUEST | {"bundle": derived}).status_code == 201


def test_a_second_stop_of_the_same_changes_nothing(http: FlaskClient, parsed: Call) -> None:
    first = parsed(http.post(STOP, json=WRONG))
    response = http.post(STOP, json={"reason": "again"})
    assert (response.status_code, parsed(response)) == (200, first | {"new": False})


@pytest.mark.parametrize("path", [STOP, RESUME])
def test_an_unknown_policy_is_404(http: FlaskClient, path: str) -> None:
    assert http.post(path.replace("hours", "gone"), json=WRONG).status_code == 404


def test_an_unknown_reward_is_422(http: FlaskClient, parsed: Call) -> None:
    response = http.post(STOP, json={"reward": "gone", **WRONG})
    assert (response.status_code, [one["pointer"] for one in parsed(response)["errors"]]) == (422, ["/reward"])


def test_to_resume_what_is_not_stopped_is_409(http: FlaskClient, parsed: Call) -> None:
    http.post(STOP, json=WRONG)
    response = http.post(RESUME, json={"reward": "traffic", **WRONG})
    assert (response.status_code, parsed(response)["type"]) == (409, "/problems/not-stopped")


def test_to_resume_what_the_file_suspends_is_told(http: FlaskClient, parsed: Call) -> None:
    http.post("/v1/policies/shop.stopped/stop", json=WRONG)
    (warning,) = parsed(http.post("/v1/policies/shop.stopped/resume", json=WRONG))["warnings"]
    assert "bundle.yaml" in warning


@pytest.mark.parametrize(
    "body", [{}, {"reason": "a\x00b"}, {"reason": "x", "reward": 5}, {"reason": "x", "policy": "y"}, []]
)
@pytest.mark.parametrize("path", [STOP, RESUME])
def test_a_body_of_another_form_is_refused(http: FlaskClient, path: str, body: Any) -> None:
    assert http.post(path, json=body).status_code == 422
    assert http.get("/v1/stops").get_json() == {"in_force": [], "history": []}


def test_stops_in_force_and_the_history(http: FlaskClient, parsed: Call, conforms: Call) -> None:
    http.post(STOP, json=WRONG)
    http.post("/v1/policies/shop.spring/stop", json=WRONG)
    http.post(RESUME, json={"reason": "mended"})
    found = parsed(http.get("/v1/stops"))
    conforms(found, "StopList")
    assert [one["policy"] for one in found["in_force"]] == ["shop.spring"]
    assert [(one["action"], one["policy"]) for one in found["history"]] == [
        ("resume", "shop.hours"),
        ("stop", "shop.spring"),
        ("stop", "shop.hours"),
    ]


def test_without_a_bundle_there_is_nothing_to_stop(make_service: Call) -> None:
    http = create_app(Settings(rules=RULES), assembled=make_service(None)).test_client()
    assert http.post(STOP, json=WRONG).status_code == 503
