"""Optional facts of a policy and settings of the bundle: exclusions, suspensions, caps."""

from pathlib import Path

import pytest

from policy_service.language.references import Fact
from policy_service.policies.loader import load, read_folder
from policy_service.policies.model import Policy, Rules

BASE = read_folder(Path(__file__).parents[2] / "diagnostics/base")
HEAD = """policy: live.bonus
title: {zh: 奖励, en: Bonus}
subject: merchant
effective: {from: 2023-01-01, to: 2024-01-01}
basis: assumed
"""
TASKS = """decisions:
  tasks:
    relation: |
      | row  | met: boolean   | points: integer |
      | some | live.hours > 2 | 1               |
      | most | live.hours > 8 | 5               |
"""
REWARD = """rewards:
  coupon:
    title: {zh: 券, en: Coupon}
    kind: traffic_hours
    amount: "2"
    unit: hour
    claim: {per: day}
"""


def rules(text: str, bundle: str = "") -> Rules:
    found, diagnostics = load(BASE | {"live/bonus.yaml": text, "bundle.yaml": BASE["bundle.yaml"] + bundle})
    assert [d.message for d in diagnostics] == []
    assert found is not None
    return found


def policy(text: str) -> Policy:
    (found,) = rules(text).versions("live.bonus")
    return found


def faults(text: str, bundle: str = "") -> list[tuple[str, str]]:
    sources = BASE | {"live/bonus.yaml": text, "bundle.yaml": BASE["bundle.yaml"] + bundle}
    return [(d.code.code, d.message) for d in load(sources)[1]]


@pytest.mark.parametrize(
    ("optional", "expected"),
    [
        ("live.hours", {"live.hours"}),
        ("live.*", {"live.hours", "live.orders"}),
        ("'*'", {"live.hours", "live.orders"}),
        ("live.h*, live.orders", {"live.hours", "live.orders"}),
    ],
)
def test_optional_facts_may_be_given_by_a_pattern(optional: str, expected: set[str]) -> None:
    found = policy(
        HEAD + f"optional: [{optional}]\ndecisions:\n  a: {{expression: live.hours > 2 and live.orders > 1}}\n"
    )
    assert found.optional == {Fact(*name.split(".")) for name in expected}


@pytest.mark.parametrize(("optional", "code"), [("live.gmv", "P118"), ("merchant.*", "P118"), ("live.hour", "L201")])
def test_an_optional_entry_that_nothing_reads_is_told(optional: str, code: str) -> None:
    assert [c for c, _ in faults(HEAD + f"optional: [{optional}]\n" + TASKS)] == [code]


@pytest.mark.parametrize(
    ("cell", "is_warned"),
    [
        ('not("enterprise")', True),
        ('!= "enterprise"', True),
        ("not(null)", False),
        ('"enterprise"', False),
        ("-", False),
    ],
)
def test_a_negated_cell_of_an_optional_fact_is_a_warning(cell: str, is_warned: bool) -> None:
    text = (
        HEAD
        + "optional: [merchant.*]\ndecisions:\n  a:\n    hit: first\n    table: |\n"
        + (f"      | row | merchant.store_type | => a: integer |\n      | r   | {cell} | 1 |\n")
    )
    assert [c for c, _ in faults(text)] == (["L208"] if is_warned else [])


@pytest.mark.parametrize(
    ("test", "is_warned"),
    [
        ("merchant.restricted != true", True),
        ("not(merchant.restricted)", True),
        ("merchant.restricted != null", False),
        ("not(merchant.restricted = null)", False),
        ("live.hours != 3", False),
    ],
)
def test_a_negated_test_of_an_optional_fact_is_a_warning(test: str, is_warned: bool) -> None:
    text = HEAD + f"optional: [merchant.*]\ndecisions:\n  a: {{expression: merchant.restricted or {test}}}\n"
    assert [c for c, _ in faults(text)] == (["L208"] if is_warned else [])


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ("{policy: live.bonus, reason: wrong}", []),
        ("{policy: live.bonus, reward: coupon, reason: wrong}", []),
        ("{policy: live.bonsu, reason: wrong}", [("P115", "there is no policy `live.bonsu`")]),
        ("{policy: live.bonus, reward: cupon, reason: wrong}", [("P115", "`live.bonus` has no reward `cupon`")]),
        ("{policy: live.bonus}", [("P103", "a suspension lacks `reason`")]),
    ],
)
def test_a_suspension_names_a_policy_or_one_of_its_rewards(entry: str, expected: list[tuple[str, str]]) -> None:
    assert faults(HEAD + REWARD, f"suspended:\n  - {entry}\n") == expected


@pytest.mark.parametrize(
    "text", ["a: [1", HEAD.replace("merchant", "nobody") + REWARD, HEAD + REWARD.replace("kind", "kidn")]
)
def test_a_suspension_of_a_policy_with_a_fault_adds_none(text: str) -> None:
    bundle = "suspended:\n  - {policy: live.bonus, reward: coupon, reason: wrong}\n"
    assert faults(text, bundle) == faults(text)


@pytest.mark.parametrize(
    ("bundle", "message"),
    [
        (
            "exclusions:\n  - {id: bad, when: merchant.restrict, text: {zh: 限, en: Bad}}\n",
            "`merchant.restrict` is not declared",
        ),
        (
            "exclusions:\n  - {id: bad, when: product.price > 1, text: {zh: 限, en: Bad}}\n",
            "`product.price` is known per product, the policy is judged per merchant",
        ),
        ("exclusions:\n  - {id: bad, text: {zh: 限, en: Bad}}\n", "an exclusion lacks `when`"),
        ('day_starts: "24:00"\n', "`24:00` is not a time of day"),
        ("label: [a]\n", None),
    ],
)
def test_a_setting_of_the_bundle_that_does_not_fit_is_told(bundle: str, message: str | None) -> None:
    expected = message or "key `label` stands twice"
    assert [m for _, m in faults(HEAD, bundle)] == [expected]


@pytest.mark.parametrize(
    ("cap", "is_told"),
    [
        ("25", False),
        ("0.5", False),
        ("1-2", True),
        ("-1", True),
        ("0.0000001", True),
        ("1" * 16, True),
        ("many", True),
    ],
)
def test_a_cap_is_a_number_that_answers_can_hold(cap: str, is_told: bool) -> None:
    sources = BASE | {"bundle.yaml": BASE["bundle.yaml"].replace("cap: 25", f"cap: {cap}")}
    assert [d.code.code for d in load(sources)[1]] == (["P104"] if is_told else [])


def test_an_optional_fact_that_is_not_declared_is_told_where_it_is_read() -> None:
    text = HEAD + "optional: [live.hour]\ndecisions:\n  a: {expression: live.hour > 2}\n"
    assert faults(text) == [("L201", "`live.hour` is not declared")]
