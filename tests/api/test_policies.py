"""GET /v1/policies, GET /v1/policies/{id}: what the rules say, as the rule files say it."""

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from policy_service.policies.bundle import Bundle

Call = Callable[..., Any]


def test_every_policy_is_listed_with_its_periods(
    client: FlaskClient, rules: Bundle, parsed: Call, conforms: Call
) -> None:
    response = client.get("/v1/policies?as_of=2023-04-01")
    found = parsed(response)
    assert response.status_code == 200
    conforms(found, "PolicyList")
    assert (found["bundle"], found["as_of"]) == (rules.id, "2023-04-01")
    assert [p["policy"] for p in found["policies"]] == sorted(rules.rules.order)
    main_push = next(p for p in found["policies"] if p["policy"] == "chuanliu.main_push")
    assert main_push["in_force"] is True
    assert main_push["title"]["zh"] == "川流主推品分销奖励"
    assert main_push["periods"] == [
        {
            "from": "2023-03-30",
            "to": "2023-04-16",
            "campaign": "chuanliu_2023_spring",
            "basis": "stated",
            "source": {"seed": "004", "section": "2.1.3"},
        }
    ]


@pytest.mark.parametrize(
    ("day", "in_force"), [("2023-03-29", False), ("2023-03-30", True), ("2023-04-15", True), ("2023-04-16", False)]
)
def test_a_policy_is_in_force_on_the_days_of_its_period(
    client: FlaskClient, parsed: Call, day: str, in_force: bool
) -> None:
    assert parsed(client.get(f"/v1/policies/chuanliu.main_push?as_of={day}"))["in_force"] is in_force


def test_without_a_day_it_is_today_in_the_zone_of_the_bundle(client: FlaskClient, parsed: Call) -> None:
    assert parsed(client.get("/v1/policies"))["as_of"] == "2023-04-02"


def test_every_policy_is_shown_in_full(client: FlaskClient, rules: Bundle, parsed: Call, conforms: Call) -> None:
    for id_ in rules.rules.order:
        for day in ("2022-01-01", "2023-04-01", "2030-01-01"):
            found = parsed(client.get(f"/v1/policies/{id_}?as_of={day}"))
            conforms(found, "Policy")
            assert found["policy"] == id_


def test_a_table_is_shown_as_the_rule_file_writes_it(client: FlaskClient, parsed: Call) -> None:
    found = parsed(client.get("/v1/policies/chuanliu.traffic_hours?as_of=2023-04-01"))
    granted, exposures = found["decisions"]
    assert granted["table"]["hit"] == "unique"
    assert granted["table"]["default"] == ["null"]
    assert granted["table"]["header"] == [
        "row",
        "live.hours_today",
        "distribution.orders_180d",
        "distribution.buyer_hours_180d",
        "=> granted_hours: integer",
        "# note",
    ]
    assert granted["table"]["rows"][0] == ["h25", ">= min_live_hours", "-", ">= 30", "25", "30h+"]
    assert granted["table"]["rows"][1] == ["h10", ">= min_live_hours", "-", "[10..30)", "10", ""]
    assert exposures["expression"] == "granted_hours * live.peer_exposures_per_hour"


def test_a_relation_and_its_rewards_are_shown_row_by_row(client: FlaskClient, parsed: Call) -> None:
    found = parsed(client.get("/v1/policies/chuanliu.distribution_tasks?as_of=2023-04-01"))
    relation = next(d["relation"] for d in found["decisions"] if d["decision"] == "tasks")
    assert relation["header"] == ["row", "met: boolean", "already: boolean", "coupon: integer"]
    assert relation["rows"][2] == ["orders_1000", "distribution.campaign_paid_orders >= 1000", "false", "50000"]
    assert [r["row"] for r in found["rewards"]] == [{"relation": "tasks", "row": row[0]} for row in relation["rows"]]


def test_parameters_have_their_dated_values_exact_and_with_their_basis(client: FlaskClient, parsed: Call) -> None:
    found = parsed(client.get("/v1/policies/chuanliu.traffic_hours?as_of=2023-04-01"))
    assert found["parameters"] == [
        {
            "name": "min_live_hours",
            "type": "decimal(2)",
            "unit": "hour",
            "value": 4,
            "values": [
                {
                    "from": "2023-01-01",
                    "value": 4,
                    "basis": "stated",
                    "source": {"seed": "004", "section": "2.1.3"},
                }
            ],
        }
    ]
    assert found["readings"][0]["id"] == "lower_bound_inclusive"


def test_a_parameter_has_no_value_before_its_first_day(client: FlaskClient, parsed: Call) -> None:
    found = parsed(client.get("/v1/policies/chuanliu.traffic_hours?as_of=2022-12-31"))
    assert found["parameters"][0]["value"] is None


def test_a_reward_shows_its_claim_and_its_exceptions(client: FlaskClient, parsed: Call) -> None:
    (reward,) = parsed(client.get("/v1/policies/chuanliu.traffic_hours?as_of=2023-04-01"))["rewards"]
    assert reward["claim"] == {"per": "day", "on_increase": "top_up", "on_decrease": "keep"}
    assert reward["except"][0]["when"] == "merchant.live_frozen"
    assert reward["except"][0]["text"]["en"] == "Live rights are frozen"


@pytest.mark.parametrize("id_", ["nothing", "chuanliu", "chuanliu.*", "CHUANLIU.MAIN_PUSH", "%00", "%ff"])
def test_a_policy_that_does_not_exist_is_not_found(client: FlaskClient, parsed: Call, conforms: Call, id_: str) -> None:
    response = client.get(f"/v1/policies/{id_}")
    conforms(parsed(response), "Problem")
    assert response.status_code == 404


@pytest.mark.parametrize("path", ["/v1/policies", "/v1/policies/chuanliu.main_push"])
@pytest.mark.parametrize(
    ("query", "errors"),
    [
        ("as_of=", [("/as_of", "A105")]),
        ("as_of=yesterday", [("/as_of", "A105")]),
        ("as_of=2023-02-30", [("/as_of", "A105")]),
        ("as_of=1800-01-01", [("/as_of", "A103")]),
        ("as_of=2023-04-01&as_of=2023-04-02", [("/as_of", "A117")]),
        ("asof=2023-04-01&x=1", [("/asof", "A113"), ("/x", "A113")]),
    ],
)
def test_a_query_that_cannot_be_read_is_refused(
    client: FlaskClient, parsed: Call, conforms: Call, path: str, query: str, errors: list[tuple[str, str]]
) -> None:
    response = client.get(f"{path}?{query}")
    problem = parsed(response)
    conforms(problem, "Problem")
    assert response.status_code == 422
    assert [(e["pointer"], e["code"]) for e in problem["errors"]] == errors
