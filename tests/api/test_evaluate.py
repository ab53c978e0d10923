"""POST /v1/evaluate: decisions and previews."""

import json
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest
from flask.testing import FlaskClient

from policy_service.assembly import Assembled
from policy_service.decisions.deciding.service import PolicyService
from policy_service.policies.bundle import Bundle
from tests import bundles as bundles_of

Body = dict[str, Any]
Call = Callable[..., Any]


def test_a_decision_earns_its_reward_and_is_in_the_log(
    client: FlaskClient, service: PolicyService, request_body: Body, parsed: Call, conforms: Call
) -> None:
    before = service.decisions.count()
    response = client.post("/v1/evaluate", json=request_body)
    answer = parsed(response)
    assert response.status_code == 201
    assert response.content_type == "application/json"
    conforms(answer, "Answer")
    (reward,) = answer["rewards"]
    assert (reward["id"], reward["amount"], reward["unit"]) == ("chuanliu_traffic", 10, "hour")
    assert reward["claim"]["key"] == "chuanliu.traffic_hours/chuanliu_traffic@merchant:m-1#2023-04-01"
    assert response.headers["Location"] == f"/v1/decisions/{answer['decision_id']}"
    assert service.decisions.count() == before + 1
    assert parsed(client.get(response.headers["Location"]))["answer"]["rewards"] == answer["rewards"]


def test_an_answer_is_canonical_json(client: FlaskClient, request_body: Body) -> None:
    text = client.post("/v1/evaluate", json=request_body).get_data(as_text=True)
    assert text.startswith('{"as_of":"2023-04-01","bundle":"sha256:')
    assert '"value":12.5' in text


def test_a_preview_has_no_claim_and_is_not_in_the_log(
    client: FlaskClient, service: PolicyService, request_body: Body, parsed: Call, conforms: Call
) -> None:
    before = service.decisions.count()
    response = client.post("/v1/evaluate", json={**request_body, "purpose": "preview"})
    answer = parsed(response)
    assert response.status_code == 200
    conforms(answer, "Preview")
    assert "Location" not in response.headers
    assert answer["rewards"][0]["amount"] == 10
    assert "claim" not in answer["rewards"][0]
    assert service.decisions.count() == before


def test_the_same_preview_is_the_same_bytes(client: FlaskClient, request_body: Body) -> None:
    request_body["purpose"] = "preview"
    answers = {client.post("/v1/evaluate", json=request_body).get_data() for _ in range(3)}
    assert len(answers) == 1


def test_a_preview_without_a_day_is_of_today_in_the_zone_of_the_bundle(
    client: FlaskClient, request_body: Body, parsed: Call
) -> None:
    del request_body["as_of"]
    answer = parsed(client.post("/v1/evaluate", json={**request_body, "purpose": "preview"}))
    assert answer["as_of"] == "2023-04-02"


@pytest.mark.parametrize(
    "as_of", ["2023-04-01T17:30:00Z", "2023-04-01t17:30:00.1234567890z", "2023-04-02T08:00:00+08:00"]
)
def test_an_instant_becomes_the_day_in_the_zone_of_the_bundle(
    client: FlaskClient, request_body: Body, parsed: Call, as_of: str
) -> None:
    request_body |= {"as_of": as_of, "purpose": "preview"}
    assert parsed(client.post("/v1/evaluate", json=request_body))["as_of"] == "2023-04-02"


def test_every_state_of_the_whole_catalogue_conforms_to_the_contract(
    client: FlaskClient, request_body: Body, parsed: Call, conforms: Call
) -> None:
    del request_body["policies"]
    request_body["facts"] |= {
        "influencer": {"id": "i-1", "main_push_settled_orders": 120},
        "products": [{"id": "p-1", "public_price": 10, "distribution_price": 9.5, "floor_price": 9.7}, {"id": "p-2"}],
    }
    for trace in ("none", "fired", "full"):
        body = {**request_body, "options": {"trace": trace}}
        answer = parsed(client.post("/v1/evaluate", json=body))
        conforms(answer, "Answer")
        assert {p["policy"] for p in answer["policies"]} > {"chuanliu.main_push", "chuanliu.product_advice"}
        assert answer["recommendations"]
        assert ("fired" in answer["policies"][0]) == (trace != "none")
        assert ("not_fired" in answer["policies"][0]) == (trace == "full")


def test_a_filter_of_patterns_chooses_what_is_shown(client: FlaskClient, request_body: Body, parsed: Call) -> None:
    request_body |= {"policies": ["chuanliu.*_hours", "chuanliu.main_*"], "purpose": "preview"}
    shown = [p["policy"] for p in parsed(client.post("/v1/evaluate", json=request_body))["policies"]]
    assert shown == ["chuanliu.main_push", "chuanliu.traffic_hours"]


def test_undeclared_facts_are_reported_when_that_is_asked(
    client: FlaskClient, service: PolicyService, request_body: Body, parsed: Call, conforms: Call
) -> None:
    request_body["facts"] |= {"weather": {"rain": True}}
    request_body["facts"]["live"]["hours_tody"] = 3
    request_body["options"] = {"unknown_facts": "report"}
    answer = parsed(client.post("/v1/evaluate", json=request_body))
    conforms(answer, "Answer")
    assert answer["ignored_facts"] == ["/facts/live/hours_tody", "/facts/weather"]


def test_an_undeclared_number_of_any_size_is_reported_and_not_read(
    client: FlaskClient, request_body: Body, parsed: Call
) -> None:
    request_body["options"] = {"unknown_facts": "report"}
    for number in ("1e999999999", "1e-999999999", "1e99999999999999999999", "9" * 5000, "18446744073709551616"):
        text = _with_section(request_body, f'"weather": {{"rain": {number}}}')
        for headers in ({}, {"Idempotency-Key": f"size-{number[:20]}"}):
            response = client.post("/v1/evaluate", data=text, content_type="application/json", headers=headers)
            assert response.status_code == 201, number[:20]
            assert parsed(response)["ignored_facts"] == ["/facts/weather"]


def test_the_merchant_id_stands_in_for_the_one_in_the_facts(
    client: FlaskClient, request_body: Body, parsed: Call
) -> None:
    del request_body["facts"]["merchant"]["id"]
    answer = parsed(client.post("/v1/evaluate", json={**request_body, "merchant_id": "m-7"}))
    assert answer["rewards"][0]["subject"] == {"type": "merchant", "id": "m-7"}


def test_null_is_the_same_as_a_key_left_out(client: FlaskClient, request_body: Body, parsed: Call) -> None:
    keys = ("merchant_id", "purpose", "policies", "bundle", "options", "provenance", "supersedes", "reason")
    request_body |= dict.fromkeys(keys)
    assert client.post("/v1/evaluate", json=request_body).status_code == 201
    request_body |= {"options": {"trace": None, "reach": None, "unknown_facts": None}, "provenance": {"source": None}}
    assert client.post("/v1/evaluate", json=request_body).status_code == 201


def test_provenance_is_recorded(client: FlaskClient, request_body: Body, parsed: Call, conforms: Call) -> None:
    request_body["provenance"] = {"source": "仓库", "snapshot": "s-1", "observed_at": "t", "ticket": "T-1"}
    location = client.post("/v1/evaluate", json=request_body).headers["Location"]
    record = parsed(client.get(location))
    conforms(record, "Record")
    shown = record["request"]["provenance"]
    assert (shown["source"], shown["observed_at"]) == ("仓库", "t")
    assert {"s-1", "T-1"}.isdisjoint(map(str, shown.values())), "they may name a person"
    revealed = parsed(client.get(f"{location}?reveal=true"))
    assert revealed["request"]["provenance"] == request_body["provenance"]


def test_a_correction_is_linked_in_both_directions(
    client: FlaskClient, request_body: Body, parsed: Call, conforms: Call
) -> None:
    first = parsed(client.post("/v1/evaluate", json=request_body))["decision_id"]
    request_body |= {"supersedes": first, "reason": "data_correction"}
    second = parsed(client.post("/v1/evaluate", json=request_body))["decision_id"]
    assert parsed(client.get(f"/v1/decisions/{second}"))["request"]["supersedes"] == first
    record = parsed(client.get(f"/v1/decisions/{first}"))
    conforms(record, "Record")
    assert record["superseded_by"] == [second]


def test_a_decision_may_be_pinned_to_a_bundle_that_was_active(
    own: Assembled, own_client: FlaskClient, rules: Bundle, later_rules: Bundle, request_body: Any, parsed: Any
) -> None:
    own.publishing.adopt_folder(later_rules, actor="test")
    assert parsed(own_client.post("/v1/evaluate", json=request_body))["rewards"][0]["amount"] == 11
    pinned = parsed(own_client.post("/v1/evaluate", json={**request_body, "bundle": rules.id}))
    assert (pinned["bundle"], pinned["rewards"][0]["amount"]) == (rules.id, 10)


def test_a_decision_by_a_bundle_that_never_was_active_is_a_conflict(
    own: Assembled, own_client: FlaskClient, later_rules: Bundle, request_body: Body, parsed: Call
) -> None:
    bundles_of.keep(own, later_rules)
    request_body["bundle"] = later_rules.id
    refused = own_client.post("/v1/evaluate", json=request_body)
    assert (refused.status_code, parsed(refused)["type"]) == (409, "/problems/bundle-not-active")
    assert own.service.decisions.count() == 0
    preview = own_client.post("/v1/evaluate", json={**request_body, "purpose": "preview"})
    assert parsed(preview)["rewards"][0]["amount"] == 11


def test_one_request_does_not_change_the_next(client: FlaskClient, request_body: Body, parsed: Call) -> None:
    request_body["purpose"] = "preview"
    first = client.post("/v1/evaluate", json=request_body).get_data()
    other = deepcopy(request_body)
    other["facts"]["live"]["hours_today"] = 1
    assert parsed(client.post("/v1/evaluate", json=other))["rewards"] == []
    assert client.post("/v1/evaluate", json=request_body).get_data() == first


def _with_section(body: dict[str, Any], section: str) -> str:
    """The body as text with one more section, whose numbers stand as written."""
    text = json.dumps(body)
    return text.replace('"facts": {', f'"facts": {{{section}, ', 1)
