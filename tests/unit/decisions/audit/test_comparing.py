"""Why two decisions differ: counterfactuals and shares that add up."""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from itertools import combinations, permutations
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy_service.decisions.audit.comparing import (
    FACTORS,
    Compared,
    NotComparable,
    apportioned,
    compare,
    mixed,
    shapley,
)
from policy_service.decisions.bundles.evaluators import Evaluators
from policy_service.decisions.ports.unrecorded import OneBundle
from policy_service.engines.registry import engine
from policy_service.policies.bundle import Bundle
from tests.bundles import edited, loaded

RULES = Path(__file__).parents[3] / "cli" / "rules"
HOURS = "shop/hours.yaml"
SIDES = [frozenset(chosen) for size in range(5) for chosen in combinations(FACTORS, size)]
Facts = Mapping[str, Any]
Compare = Callable[..., dict[str, Any]]


class Stored(OneBundle):
    """Several bundles, all stored."""

    def __init__(self, *bundles: Bundle) -> None:
        super().__init__(bundles[0])
        self._sources = {one.id: dict(one.sources) for one in bundles}

    def sources(self, id: str) -> dict[str, str] | None:
        return self._sources.get(id)


@pytest.fixture(scope="module")
def before() -> Bundle:
    return loaded(RULES)


def facts(hours: str = "5", orders: int = 100, **merchant: Any) -> Facts:
    return {
        "merchant": {"id": "m-1", "enrolled_on": "2023-01-01", "frozen": False, **merchant},
        "live": {"hours": Decimal(hours), "orders": orders, "peers": 100},
    }


def compared(
    one: Bundle, two: Bundle, facts_one: Facts, facts_two: Facts, days: tuple[str, str] = ("2023-04-01", "2023-04-01")
) -> dict[str, dict[str, Any]]:
    """The comparison's rewards by id."""
    store = Stored(one, two)
    evaluators = Evaluators(
        store, engine("reference"), now=lambda: datetime(2023, 4, 2, tzinfo=UTC), elapsed=lambda: 0.0, refresh_seconds=1
    )
    sides = [
        Compared(f"d-{n}", of.id, date.fromisoformat(day), posted, None, None)
        for n, (of, day, posted) in enumerate(zip((one, two), days, (facts_one, facts_two), strict=True))
    ]
    found = compare(*sides, mixed(evaluators, store))
    return {reward["id"]: reward for reward in found["rewards"]}


def amounts(reward: dict[str, Any]) -> dict[str, Any]:
    return {factor: share["amount"] for factor, share in reward["shares"].items()}


def test_of_two_equal_decisions_nothing_has_a_share(before: Bundle) -> None:
    found = compared(before, before, facts(), facts())["traffic"]
    assert (found["from"], found["to"], found["difference"]) == (10, 10, 0)
    assert amounts(found) == dict.fromkeys(FACTORS, 0)


def test_what_only_the_facts_changed_is_theirs(before: Bundle) -> None:
    found = compared(before, before, facts(orders=100), facts(orders=50))["traffic"]
    assert (found["from"], found["to"]) == (10, 5)
    assert found["with_old"] == {"facts": 10, "rules": 5, "parameters": 5, "calendar": 5}
    assert amounts(found) == {"facts": -5, "rules": 0, "parameters": 0, "calendar": 0}


def test_a_changed_row_is_a_rule_and_a_changed_value_a_parameter(before: Bundle) -> None:
    row = edited(
        before,
        HOURS,
        ("| some | >= min_hours          | [10..100)   | 5 ", "| some | >= min_hours          | [10..100)   | 7 "),
    )
    assert amounts(compared(before, row, facts(orders=50), facts(orders=50))["traffic"])["rules"] == 2
    value = edited(before, HOURS, ("value: 4}", "value: 6}"))
    found = compared(before, value, facts(orders=50), facts(orders=50))["traffic"]
    assert amounts(found) == {"facts": 0, "rules": 0, "parameters": -4, "calendar": 0}
    assert found["with_old"]["parameters"] == 5


def test_a_value_of_a_parameter_that_begins_between_the_days_is_the_calendars(before: Bundle) -> None:
    posted = facts(hours="4.2", orders=50)
    found = compared(before, before, posted, posted, ("2023-06-30", "2023-07-01"))["traffic"]
    assert (found["from"], found["to"]) == (5, 1)
    assert amounts(found) == {"facts": 0, "rules": 0, "parameters": 0, "calendar": -4}


def test_two_changes_that_need_each_other_share_what_they_did_together(before: Bundle) -> None:
    raised = edited(before, HOURS, ("value: 4}", "value: 6}"))
    found = compared(before, raised, facts(hours="8", orders=50), facts(hours="5", orders=50))["traffic"]
    assert (found["from"], found["to"]) == (5, 1)
    assert amounts(found) == {"facts": -2, "rules": 0, "parameters": -2, "calendar": 0}


def test_a_reward_that_one_side_alone_grants_counts_as_nothing_on_the_other(before: Bundle) -> None:
    found = compared(before, before, facts(frozen=True), facts())["traffic"]
    assert (found["from"], found["to"], found["difference"]) == (None, 10, 10)
    assert found["with_old"]["facts"] is None
    assert amounts(found)["facts"] == 10


def test_a_fact_of_the_later_day_is_no_fault_of_the_earlier(before: Bundle) -> None:
    listed = facts() | {"products": [{"id": "p-1", "price": Decimal("1.00"), "listed_on": "2023-05-01"}]}
    found = compared(before, before, facts(), listed, ("2023-04-01", "2023-05-02"))["traffic"]
    assert found["difference"] == 0


def test_facts_that_the_other_dictionary_does_not_hold_are_told(before: Bundle) -> None:
    narrow = edited(before, "facts.yaml", ("range: [0, 24]", "range: [0, 8]"))
    with pytest.raises(NotComparable, match=r"facts of d-0 do not fit .*/live/hours"):
        compared(before, narrow, facts(hours="9"), facts(hours="2"))


def test_rules_that_do_not_take_the_other_parameters_are_told(before: Bundle) -> None:
    typed = edited(
        before,
        HOURS,
        ("type: decimal(2)", "type: decimal(3)"),
        ("value: 4}", "value: 4.125}"),
        ("value: 4.5", "value: 4.500"),
    )
    with pytest.raises(NotComparable, match="do not take the parameters"):
        compared(before, typed, facts(), facts())


values = st.fixed_dictionaries({side: st.integers(-50, 50).map(Fraction) for side in SIDES})


@given(values)
def test_shares_are_the_mean_over_all_orders_and_add_up(game: dict[frozenset[str], Fraction]) -> None:
    orders = list(permutations(FACTORS))
    for factor in FACTORS:
        gains = []
        for order in orders:
            earlier = frozenset(order[: order.index(factor)])
            gains.append(game[earlier | {factor}] - game[earlier])
        assert shapley(factor, game) == sum(gains) / len(orders)
    assert sum(shapley(factor, game) for factor in FACTORS) == game[SIDES[-1]] - game[SIDES[0]]


@given(st.lists(st.integers(-1000, 1000), min_size=4, max_size=4))
def test_rounded_shares_have_six_decimals_and_the_same_sum(twelfths: list[int]) -> None:
    exact = {factor: Fraction(n, 12) for factor, n in zip(FACTORS, twelfths, strict=True)}
    total = sum(exact.values(), Fraction(0))
    if (total * 10**6).denominator != 1:
        total = Fraction(round(total))  # a difference of amounts has at most six decimals
        exact["calendar"] += total - sum(exact.values())
    found = apportioned(exact, total)
    assert sum(found.values()) == total
    for factor, share in found.items():
        assert (share * 10**6).denominator == 1
        assert abs(share - exact[factor]) < Fraction(1, 10**6)
