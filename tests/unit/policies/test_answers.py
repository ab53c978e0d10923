"""Rewards, recommendations and the bundle's settings: texts, claims, groups, optional facts, suspensions."""

from pathlib import Path

import pytest

from policy_service.language import typed
from policy_service.language.references import Cell
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
    assert [typed.references(r.when.typed) for r in found.rewards if r.when is not None] == [
        {Cell("live.bonus", "tasks", "some", "met")},
        {Cell("live.bonus", "tasks", "most", "met")},
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
            [("P104", "`30` is not a duration of up to a hundred years")],
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
        (
            "Early: {points}",
            "Early: {live.gmv * live.orders * 0.01}",
            [("L205", "the value may pass 15 digits")],
        ),
        (
            "when: met",
            "when: met and live.gmv * live.orders * 0.01 > 5",
            [("L205", "the value may pass 15 digits, and `because` shows it")],
        ),
    ],
)
def test_a_reward_that_does_not_fit_is_told(old: str, new: str, expected: list[tuple[str, str]]) -> None:
    assert faults(HEAD + TASKS + EACH.replace(old, new)) == expected


def test_a_column_that_no_answer_can_show_is_told() -> None:
    table = """  d:
    hit: any
    default: null
    table: |
      | row | live.gmv * live.orders * 0.01 | => n: integer |
      | r   | > 5                           | 1             |
"""
    assert faults(HEAD + TASKS + table) == [("L205", "the value may pass 15 digits")]


@pytest.mark.parametrize(
    ("amount", "kind"),
    [('"gold"', "text"), ("live.hours > 1", "boolean"), ("1", None), ("if live.hours > 1 then 3 else null", None)],
)
def test_a_ceiling_is_for_amounts_that_are_numbers(amount: str, kind: str | None) -> None:
    """A text was compared with the ceiling when the reward was granted, which ended in a 500."""
    text = f"""rewards:
  gold:
    title: {{zh: 金, en: Gold}}
    kind: right
    amount: '{amount}'
    claim: {{per: none}}
"""
    message = f"the amount of a kind with a ceiling is a number, this is a {kind}"
    assert faults(HEAD + text) == []
    assert faults(HEAD + text, "ceilings: {right: {per_reward: 5}}\n") == ([("L202", message)] if kind else [])


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
