"""GET /v1/decisions/{a}/compare/{b}."""

import re
from collections.abc import Callable
from copy import deepcopy
from datetime import date
from fractions import Fraction
from typing import Any

import pytest
from flask.testing import FlaskClient

from policy_service.api import examples
from policy_service.api.shared import shared_by
from policy_service.app import create_app
from policy_service.assembly import Assembled
from policy_service.decisions.audit import cost as cost_of
from policy_service.decisions.audit.comparing import Compared
from policy_service.policies.bundle import Bundle, bundle
from policy_service.settings import Settings

Call = Callable[..., Any]
UNKNOWN = "01873a5e-8400-7c3e-9f6b-2b1d6c0a4e11"


@pytest.fixture(scope="module")
def decided(make_service: Call, rules: Bundle, later_rules: Bundle) -> tuple[FlaskClient, str, str, str]:
    """Three decisions: ten hours; twice the peers' exposures under rules that give eleven; the same as the first."""
    own: Assembled = make_service(rules)
    client = create_app(Settings(), assembled=own).test_client()
    first = client.post("/v1/evaluate", json=examples.REQUEST).get_json()["decision_id"]
    own.publishing.adopt_folder(later_rules, actor="test")
    own.service.evaluators.refresh()
    other = deepcopy(examples.REQUEST)
    other["facts"]["distribution"]["buyer_hours_180d"] = 30
    second = client.post("/v1/evaluate", json=other).get_json()["decision_id"]
    third = client.post("/v1/evaluate", json=examples.REQUEST).get_json()["decision_id"]
    return client, first, second, third


def compared(client: FlaskClient, a: str, b: str) -> Any:
    response = client.get(f"/v1/decisions/{a}/compare/{b}")
    assert response.status_code == 200, response.get_data()
    return response.get_json()


def test_a_change_of_facts_alone_is_the_facts(decided: Any, conforms: Call, later_rules: Bundle) -> None:
    client, _, second, third = decided
    found = compared(client, third, second)
    conforms(found, "Comparison")
    assert found["from"] == {"decision_id": third, "bundle": later_rules.id, "as_of": "2023-04-01"}
    (reward,) = found["rewards"]
    assert (reward["from"], reward["to"], reward["difference"]) == (11, 25, 14)
    assert reward["with_old"] == {"facts": 11, "rules": 25, "parameters": 25, "calendar": 25}
    assert {name: share["amount"] for name, share in reward["shares"].items()} == {
        "facts": 14,
        "rules": 0,
        "parameters": 0,
        "calendar": 0,
    }


def test_shares_of_facts_and_rules_add_up(decided: Any, rules: Bundle, later_rules: Bundle) -> None:
    client, first, second, _ = decided
    found = compared(client, first, second)
    (reward,) = found["rewards"]
    assert (found["from"]["bundle"], found["to"]["bundle"]) == (rules.id, later_rules.id)
    # The new facts are in another row, which did not change: with them the rules make no difference.
    assert reward["with_old"] == {"facts": 11, "rules": 25, "parameters": 25, "calendar": 25}
    assert {name: share["exact"] for name, share in reward["shares"].items()} == {
        "facts": "29/2",  # the mean of 15, which it adds first, and 14, which it adds after the rules
        "rules": "1/2",
        "parameters": "0",
        "calendar": "0",
    }
    assert sum(Fraction(share["exact"]) for share in reward["shares"].values()) == reward["difference"] == 15


def test_a_decision_does_not_differ_from_itself(decided: Any) -> None:
    client, first, _, _ = decided
    (reward,) = compared(client, first, first)["rewards"]
    assert reward["difference"] == 0
    assert {share["amount"] for share in reward["shares"].values()} == {0}


@pytest.mark.parametrize("pair", [("{first}", UNKNOWN), (UNKNOWN, "{first}"), ("x", "{first}"), ("{first}", "a%20b")])
def test_a_decision_that_does_not_exist_is_not_found(decided: Any, pair: tuple[str, str]) -> None:
    client, first, _, _ = decided
    a, b = (one.format(first=first) for one in pair)
    response = client.get(f"/v1/decisions/{a}/compare/{b}")
    assert (response.status_code, response.get_json()["type"]) == (404, "/problems/not-found")
    assert client.get(f"/v1/decisions/{first}/compare/{first}?x=1").status_code == 422


def test_facts_that_do_not_fit_the_other_rules_are_told(
    own: Assembled, own_client: FlaskClient, rules: Bundle, conforms: Call
) -> None:
    first = own_client.post("/v1/evaluate", json=examples.REQUEST).get_json()["decision_id"]
    narrow = rules.sources["facts.yaml"].replace("range: [0, 24]", "range: [0, 4]", 1)
    found, diagnostics = bundle({**rules.sources, "facts.yaml": narrow})
    assert found is not None, diagnostics
    own.publishing.adopt_folder(found, actor="test")
    own.service.evaluators.refresh()
    other = deepcopy(examples.REQUEST)
    other["facts"]["live"]["hours_today"] = 4
    second = own_client.post("/v1/evaluate", json=other).get_json()["decision_id"]
    response = own_client.get(f"/v1/decisions/{first}/compare/{second}")
    problem = response.get_json()
    conforms(problem, "Problem")
    assert (response.status_code, problem["type"]) == (422, "/problems/not-comparable")
    assert "/live/hours_today" in problem["detail"]


# ---- what it costs


@pytest.fixture
def most(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Sets how much a comparison may cost."""
    return lambda cost: monkeypatch.setattr(cost_of, "MOST", cost)


def cost(client: FlaskClient, a: str, b: str, most: Callable[[int], None]) -> int:
    """What a comparison costs, as its refusal says."""
    most(0)
    detail = client.get(f"/v1/decisions/{a}/compare/{b}").get_json()["detail"]
    return int(re.search("as much as ([0-9]+) policies", detail)[1])


def test_a_comparison_may_cost_so_much_and_no_more(decided: Any, most: Callable[[int], None], conforms: Call) -> None:
    client, first, second, _ = decided
    whole = cost(client, first, second, most)
    most(whole)
    compared(client, first, second)
    most(whole - 1)
    response = client.get(f"/v1/decisions/{first}/compare/{second}")
    conforms(response.get_json(), "Problem")
    assert (response.status_code, response.get_json()["type"]) == (422, "/problems/comparison-too-costly")
    assert "replay" in response.get_json()["detail"]


def test_what_costs_too_much_is_not_evaluated(
    decided: Any, most: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    def evaluate(*_: object, **__: object) -> None:
        raise AssertionError("it was evaluated")

    client, first, second, _ = decided
    most(0)
    monkeypatch.setattr("policy_service.decisions.answers.evaluate.Evaluator.evaluate", evaluate)
    assert client.get(f"/v1/decisions/{first}/compare/{second}").status_code == 422


def test_the_cost_is_counted_by_hand(
    decided: Any, most: Callable[[int], None], rules: Bundle, later_rules: Bundle
) -> None:
    client, first, second, third = decided
    policies = len(rules.rules.order)
    assert cost(client, second, third, most) == 2 * policies  # two sides, one bundle, one day
    texts = [text for of in (rules, later_rules) for path, text in of.sources.items() if ".test." not in path]
    assert cost(client, first, second, most) == 2 * 2 * 2 * policies + sum(map(len, texts)) * 2 // 10


def test_each_element_of_a_list_costs(own_client: FlaskClient, most: Callable[[int], None], rules: Bundle) -> None:
    ids = []
    for many in (1, 11):
        body = deepcopy(examples.REQUEST)
        body["facts"]["products"] = [{"id": f"p-{n}"} for n in range(many)]
        ids.append(own_client.post("/v1/evaluate", json=body).get_json()["decision_id"])
    one, two = (cost(own_client, id_, id_, most) for id_ in ids)
    of_products = sum(rules.rules.versions(id_)[-1].subject == "product" for id_ in rules.rules.order)
    assert two - one == 2 * 10 * of_products


def test_the_largest_decisions_by_two_bundles_can_be_compared(decided: Any, rules: Bundle, later_rules: Bundle) -> None:
    client, *_ = decided
    publishing = shared_by(client.application).publishing
    facts = {"merchant": {"id": "m-1"}, "products": [{"id": f"p-{n}"} for n in range(1000)]}
    one, two = (Compared("d", of.id, date(2023, 4, 1), facts, None, None) for of in (rules, later_rules))
    cost_of.check_cost(one, two, publishing.evaluators, publishing.bundles)
