"""Rewards, recommendations and the bundle's settings: texts, claims, groups, optional facts, suspensions."""

from pathlib import Path

import pytest

from policy_service.language import typed
from policy_service.language.typed import Symbol
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
EACH = """rewards:
  tasks:
    each: tasks
    title: {some: {zh: 一, en: Some}, most: {zh: 多, en: Most}}
    kind: traffic_coupon
    when: met
    amount: points
    claim: {per: day}
    except:
      - {id: early, when: points > 3 and live.orders = 0, text: {zh: 早, en: "Early: {points}"}}
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


def advice(text: str) -> str:
    return (
        HEAD
        + f"recommendations:\n  go:\n    when: live.hours < 4\n    priority: 1\n    text: {{zh: '{text}', en: Go}}\n"
    )


def test_each_gives_one_answer_per_row_with_the_columns_in_reach() -> None:
    found = policy(HEAD + TASKS + EACH)
    assert [(r.id, r.declaration, r.title["en"]) for r in found.rewards] == [
        ("some", "tasks", "Some"),
        ("most", "tasks", "Most"),
    ]
    assert [typed.symbols(r.when.typed) for r in found.rewards if r.when is not None] == [
        {Symbol("cell", "live.bonus.tasks[some].met")},
        {Symbol("cell", "live.bonus.tasks[most].met")},
    ]
    assert [e.text["en"].text for e in found.rewards[0].exceptions] == ["Early: {points}"]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            "most: {zh: 多, en: Most}",
            "mots: {zh: 多, en: Most}",
            [("P115", "relation `tasks` has no row `mots`"), ("P116", "reward `tasks` has no title for row `most`")],
        ),
        ("each: tasks", "each: task", [("P115", "`task` is not a relation of this file")]),
        ("when: met", "when: points", [("L202", "a condition is needed, this is a number")]),
        ("amount: points", "amount: met", [("L202", "an amount is a number, this is a boolean")]),
        ("{points}", "{point}", [("L201", "`point` is not declared")]),
        ("{points}", "{points", [("P104", "`{` is never closed")]),
        ("kind: traffic_coupon", "kind: right", [("P114", "a `right` is a standing answer, it is never claimed")]),
        (
            "    claim: {per: day}",
            "    claim: {per: day}\n    unit: hour\n    stack: hour",
            [("P115", "there is no stacking group `hour`")],
        ),
        (
            "    claim: {per: day}",
            "    claim: {per: day}\n    priority: 2",
            [("P104", "`priority` of a reward belongs to `stack`")],
        ),
        (
            "    claim: {per: day}",
            "    claim: {per: day}\n    validity: {from: as_of, for: 30}",
            [("P104", "`30` is not a duration")],
        ),
        (
            "    claim: {per: day}",
            "    claim: {per: day}\n    details: {hours: [1]}",
            [("P104", "`hours` must be a single value")],
        ),
        (
            "    claim: {per: day}",
            "    claim: {per: day}\n    details: {huge: live.gmv * live.orders * 0.01}",
            [("L205", "the value may pass 15 digits")],
        ),
    ],
)
def test_a_reward_that_does_not_fit_is_told(old: str, new: str, expected: list[tuple[str, str]]) -> None:
    assert faults(HEAD + TASKS + EACH.replace(old, new)) == expected


def test_all_faults_of_a_reward_are_told_at_once() -> None:
    text = (
        HEAD + "rewards:\n  coupon:\n    kind: gift\n    amount: 2 +\n    when: live.hours >\n    claim: {per: year}\n"
    )
    assert sorted(code for code, _ in faults(text)) == ["L101", "L101", "P103", "P104", "P104"]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("no braces", ["no braces"]),
        ("{live.hours}", ["live.hours"]),
        ("now {live.hours} h", ["now ", "live.hours", " h"]),
        ("{live.hours}{live.orders}", ["live.hours", "live.orders"]),
        ("再播 {4 - live.hours} 小时", ["再播 ", "4 - live.hours", " 小时"]),
        ('{if live.hours > 2 then "}" else "{"}', ['if live.hours > 2 then "}" else "{"']),
        ('{if live.hours > 2 then "\\"}" else "a"}.', ['if live.hours > 2 then "\\"}" else "a"', "."]),
        ("a } b", ["a } b"]),
    ],
)
def test_a_text_holds_expressions_in_braces(text: str, parts: list[str]) -> None:
    (found,) = policy(advice(text)).recommendations
    assert [p if isinstance(p, str) else p.text for p in found.text["zh"].parts] == parts


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{live.hour}", "`live.hour` is not declared"),
        ("{}", "an expression is missing"),
        ("{live.hours", "`{` is never closed"),
        ("{live.hours＋1} 小时", "full-width `＋`"),
    ],
)
def test_a_fault_inside_a_text_is_marked_there(text: str, message: str) -> None:
    assert [m for _, m in faults(advice(text))] == [message]


def test_recommendations_count_their_priority_from_one() -> None:
    assert faults(advice("a").replace("priority: 1", "priority: 0")) == [("P104", "`priority` counts from 1")]


def test_a_recommendation_without_a_text_for_its_rows_is_told() -> None:
    text = HEAD + TASKS + "recommendations:\n  go: {each: tasks, when: met, priority: 1, text: {}}\n"
    assert faults(text) == [("P116", f"recommendation `go` has no text for row `{row}`") for row in ("most", "some")]


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
    assert found.optional == {Symbol("fact", name) for name in expected}


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
