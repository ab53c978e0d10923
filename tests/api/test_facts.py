"""GET /v1/facts: the JSON Schema and the reader of facts say the same."""

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from flask.testing import FlaskClient
from jsonschema import Draft202012Validator, ValidationError, validators

from policy_service.decisions.explaining.catalogue import DAY_PATTERN
from policy_service.diagnostics import InvalidInput
from policy_service.engines.plan import plan
from policy_service.facts import FIRST_DAY, LAST_DAY, Fact, StateReader
from policy_service.language import types
from policy_service.language.values import exact
from policy_service.policies.bundle import Bundle
from policy_service.policies.dependencies import needed_policies
from policy_service.policies.stretches import epochs

Body = dict[str, Any]
Call = Callable[..., Any]


@pytest.fixture(scope="module")
def schema(client: FlaskClient, parsed: Call) -> Any:
    return parsed(client.get("/v1/facts"))


def test_it_is_a_schema_of_the_draft_it_names(schema: Body) -> None:
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    Draft202012Validator.check_schema(schema)


def test_it_holds_every_declared_fact(schema: Body, rules: Bundle) -> None:
    declared = {s.name: list(s.facts) for s in rules.rules.dictionary.sections.values()}
    shown = {name: list((one.get("items") or one)["properties"]) for name, one in schema["properties"].items()}
    assert {name: sorted(keys) for name, keys in shown.items()} == {n: sorted(k) for n, k in declared.items()}


def test_a_fact_shows_title_unit_range_and_step(schema: Body) -> None:
    hours = schema["properties"]["live"]["properties"]["hours_today"]
    assert hours["title"] == "Hours broadcast on the day"
    assert hours["x-title"]["zh"] == "当天开播小时数"
    assert (hours["minimum"], hours["maximum"], hours["x-scale"]) == (0, 24, 2)
    assert (hours["x-unit"], hours["x-window"]) == ("hour", {"days": 1, "ends": "as_of"})
    assert hours["x-read-by"]["required"][-1] == "chuanliu.traffic_hours"
    store = schema["properties"]["merchant"]["properties"]["store_type"]
    assert store["enum"] == ["enterprise", "individual", "flagship", "other", None]
    assert store["x-labels"]["enterprise"] == {"zh": "企业店", "en": "Enterprise store"}


def test_bounds_are_written_as_exact_decimals_and_scales_as_counts(client: FlaskClient) -> None:
    text = client.get("/v1/facts").get_data(as_text=True)
    assert '"minimum":0.01' in text
    assert '"x-scale":4' in text
    assert "multipleOf" not in text  # a validator that divides binary floats would refuse 0.07 as a multiple of 0.01


def test_for_some_policies_it_is_the_smallest(client: FlaskClient, parsed: Call) -> None:
    found = parsed(client.get("/v1/facts?policies=chuanliu.traffic_hours"))["properties"]
    shown = {name: sorted((one.get("items") or one)["properties"]) for name, one in found.items()}
    assert shown == {
        "merchant": ["chuanliu_enrolled_on", "id", "live_frozen", "restricted"],
        "distribution": ["buyer_hours_180d", "orders_180d"],
        "live": ["hours_today", "peer_exposures_per_hour"],
    }


def test_for_a_product_policy_it_has_the_list_of_products(client: FlaskClient, parsed: Call) -> None:
    found = parsed(client.get("/v1/facts?policies=chuanliu.product_advice"))["properties"]
    assert found["products"]["type"] == ["array", "null"]
    assert found["products"]["items"]["required"] == ["id"]
    assert sorted(found["products"]["items"]["properties"]) == [
        "distribution_price",
        "floor_price",
        "id",
        "public_price",
    ]


def test_patterns_and_several_policies_are_joined(client: FlaskClient, parsed: Call) -> None:
    both = parsed(client.get("/v1/facts?policies=chuanliu.traffic_hours,chuanliu.main_push"))
    pattern = parsed(client.get("/v1/facts?policies=chuanliu.main_*,*.traffic_hours"))
    assert both == pattern
    assert "influencer" in both["properties"]


@pytest.mark.parametrize(
    ("query", "errors"),
    [
        ("policies=", [("/policies/0", "A117")]),
        ("policies=chuanliu.*,,nothing", [("/policies/1", "A117")]),
        ("policies=chuanliu.*,nothing,nowhere", [("/policies/1", "A115"), ("/policies/2", "A115")]),
        ("policies=" + "x" * 201, [("/policies/0", "A112")]),
        ("policies=" + ",".join("x" * 101), [("/policies", "A118")]),
        ("policy=x", [("/policy", "A113")]),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_filter_that_names_nothing_is_refused(
    client: FlaskClient, parsed: Call, conforms: Call, query: str, errors: list[tuple[str, str]]
) -> None:
    response = client.get(f"/v1/facts?{query}")
    problem = parsed(response)
    conforms(problem, "Problem")
    assert response.status_code == 422
    assert [(e["pointer"], e["code"]) for e in problem["errors"]] == errors


def test_the_policies_that_a_state_must_feed_are_those_that_are_evaluated(rules: Bundle) -> None:
    plans = [plan(rules.rules, epoch.start) for epoch in epochs(rules.rules)]
    for id_ in rules.rules.order:
        evaluated = set().union(*(needed_policies([p.policy for p in one.policies], {id_}) for one in plans))
        assert needed_policies(rules.rules.policies, {id_}) == evaluated


def _probes(fact: Fact) -> list[Any]:
    """Values at and just beyond every bound of a fact, and of every other JSON type."""
    found: list[Any] = [
        None,
        True,
        False,
        "",
        "x",
        "x\x00",
        "1899-12-31",
        "2200-01-01",
        {},
        [],
        0,
        1,
        Decimal("0.5"),
        "P30D",
        "2023-02-30",
        "2023-04-01",
    ]
    match fact.type:
        case types.Number(scale, low, high):
            ends = [end + step for end in (low, high) for step in (-1, 0, 1)]
            found += [exact(end, scale) for end in ends]
            found += [Decimal(low * 10 + 1).scaleb(-scale - 1)]
            if scale:  # jsonschema takes no Decimal for an integer, though JSON Schema takes 1.0 for one
                found += [Decimal(low).scaleb(-scale).quantize(Decimal(10) ** -8)]
        case types.Enum(members):
            found += [*members, members[0].upper()]
        case types.Text():
            found += ["x" * fact.max_length, "x" * (fact.max_length + 1), "a b"]
    return found


def _scale(_: Any, scale: int, value: Any, __: Any) -> Iterator[ValidationError]:
    if isinstance(value, Decimal) and value != round(value, scale):
        yield ValidationError(f"more than {scale} decimals")


def test_every_day_that_may_be_posted_fits_the_pattern_and_no_other_text_does() -> None:
    day, days = FIRST_DAY, 0
    while day <= LAST_DAY:
        assert re.fullmatch(DAY_PATTERN, day.isoformat()), day
        day, days = day + timedelta(days=1), days + 1
    texts = (f"{y:04}-{m:02}-{d:02}" for y in range(1899, 2201) for m in range(14) for d in range(33))
    assert sum(re.fullmatch(DAY_PATTERN, text) is not None for text in texts) == days


def test_schema_and_door_accept_the_same_values_of_every_fact(schema: Body, rules: Bundle) -> None:
    """The schema with its own key for decimals, which a validator has to be told."""
    told = validators.extend(Draft202012Validator, {"x-scale": _scale})
    validator = told(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)
    reader = StateReader(rules.rules.dictionary)
    for section in rules.rules.dictionary.sections.values():
        for fact in section.facts.values():
            for value in _probes(fact):
                one = {"id": "i-1", fact.key: value} if section.has_id else {fact.key: value}
                state = {section.name: one if section.element is None else [one]}
                assert validator.is_valid(state) == _is_accepted(reader, state), (fact.name, value)


def test_schema_and_door_agree_on_the_shape_of_a_state(schema: Body, rules: Bundle) -> None:
    validator = Draft202012Validator(schema)
    reader = StateReader(rules.rules.dictionary)
    for state in (
        {},
        {"merchant": None},
        {"merchant": {}},
        {"merchant": []},
        {"merchant": {"id": "m", "age": 1}},
        {"weather": {}},
        {"weather": None},
        {"products": None},
        {"products": []},
        {"products": {}},
        {"products": [{"id": "p"}]},
        {"products": [{}]},
        {"products": [None]},
        {"products": [{"id": f"p-{i}"} for i in range(1000)]},
        {"products": [{"id": f"p-{i}"} for i in range(1001)]},
    ):
        assert validator.is_valid(state) == _is_accepted(reader, state), state


def _is_accepted(reader: StateReader, state: dict[str, Any]) -> bool:
    try:
        reader.read(state, LAST_DAY)
    except InvalidInput:
        return False
    return True


def test_probes_reach_beyond_both_ends(rules: Bundle) -> None:
    hours = rules.rules.dictionary.by_name["live.hours_today"]
    assert {Decimal("-0.01"), 0, 24, Decimal("24.01")} <= {p for p in _probes(hours) if isinstance(p, int | Decimal)}
