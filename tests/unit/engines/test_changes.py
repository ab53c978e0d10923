"""What each epoch brings: together the plans hold every formula that any epoch holds."""

from collections.abc import Callable, Iterable
from datetime import date
from pathlib import Path

import pytest

from policy_service.engines.changes import changes
from policy_service.engines.plan import Plan, RelationPlan, TablePlan, plan_of, plan_only
from policy_service.language.typed import Node
from policy_service.policies.loader import load, read_folder
from policy_service.policies.model import Rules
from policy_service.policies.stretches import epochs

ROOT = Path(__file__).parents[3]
BASE = read_folder(ROOT / "tests/diagnostics/base")
POLICY = """policy: live.bonus
title: {zh: 奖励, en: Bonus}
subject: merchant
effective: {from: 2023-01-01, to: 2024-01-01}
basis: assumed
applies: live.orders >= least
parameters:
  least:
    type: integer
    values: [{from: 2023-01-01, value: 1}, {from: 2023-04-01, value: 1}, {from: 2023-05-01, value: 2}]
  gift:
    type: integer
    values: [{from: 2023-01-01, value: 5}, {from: 2023-07-01, value: 6}, {from: 2024-02-01, value: 7}]
decisions:
  level:
    hit: unique
    default: null
    table: |
      | row  | live.hours | => level: integer |
      | long | >= gift    | 2                 |
      | some | [1..5)     | 1                 |
  tasks:
    relation: |
      | row  | met: boolean       | coupon: integer |
      | some | live.orders > 9    | 10              |
      | many | live.orders > gift | 20              |
rewards:
  tasks:
    each: tasks
    title: {zh: 任务, en: Task}
    kind: cash
    unit: yuan
    when: met
    amount: coupon
    claim: {per: day}
"""
NEXT = POLICY.replace("{from: 2023-01-01, to: 2024-01-01}", "{from: 2024-01-01}").replace("value: 7", "value: 8")


def rules(**files: str) -> Rules:
    found, diagnostics = load({**BASE, **{f"live/{name}.yaml": text for name, text in files.items()}})
    assert found is not None, diagnostics
    return found


def shipped() -> Rules:
    found, _ = load(read_folder(ROOT / "rules"))
    assert found is not None
    return found


def formulas(plans: Iterable[Plan]) -> set[Node]:
    """Those of files in force, with their values."""
    return {formula.typed for plan in plans for formula in _in_force(plan).formulas}


def _in_force(plan: Plan) -> Plan:
    files = [p.policy for p in plan.policies if plan.epoch.start in p.policy.effective.period]
    return plan_only(plan.rules, plan.epoch, files)


@pytest.mark.parametrize("found", [lambda: rules(bonus=POLICY, later=NEXT), shipped])
def test_the_plans_of_the_changes_hold_all_that_the_epochs_hold(found: Callable[[], Rules]) -> None:
    whole = formulas(plan_of(found(), epoch) for epoch in epochs(found()))
    assert formulas(changes(found())) == whole


def test_a_new_value_brings_only_what_reads_it() -> None:
    brought = {plan.epoch.start: rows(plan) for plan in changes(rules(bonus=POLICY))}
    assert brought == {
        date(2023, 1, 1): ["long", "some", "some", "many"],
        date(2023, 5, 1): [],
        date(2023, 7, 1): ["long", "many"],
    }


def rows(plan: Plan) -> list[str]:
    bodies = [decision.body for policy in plan.policies for decision in policy.decisions]
    tables = [row.id for body in bodies if isinstance(body, TablePlan) for row in body.rows]
    return tables + [row for body in bodies if isinstance(body, RelationPlan) for row in body.rows]


def test_a_file_that_uses_another_is_tried_again_when_that_one_is_replaced() -> None:
    user = POLICY[: POLICY.index("applies")].replace("live.bonus", "live.user").replace(", to: 2024-01-01", "")
    user += "decisions:\n  twice: {expression: decision(live.bonus.level) * 2}\n"
    found = rules(bonus=POLICY, later=NEXT, user=user)
    days = [plan.epoch.start for plan in changes(found) if "live.user" in [p.id for p in plan.policies]]
    assert days == [date(2023, 1, 1), date(2024, 1, 1)]
