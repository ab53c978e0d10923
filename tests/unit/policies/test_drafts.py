"""Drafts are plain values: a file of another format gives the same rules as the YAML file that says the same."""

import json
from pathlib import Path
from typing import Any

import pytest

from policy_service.diagnostics import Report, Span, plain
from policy_service.facts import NamedTypes
from policy_service.language.parser import parse_cell, parse_expression
from policy_service.language.types import declared_type
from policy_service.policies.building import build_rules
from policy_service.policies.bundle import document
from policy_service.policies.drafts import (
    Draft,
    DraftColumn,
    DraftDecision,
    DraftEffective,
    DraftExpression,
    DraftFolder,
    DraftParameter,
    DraftPeriod,
    DraftReward,
    DraftRow,
    DraftSettings,
    DraftTable,
    DraftValue,
    Written,
)
from policy_service.policies.loader import load, read_folder
from policy_service.policies.model import Claim, Rules

BASE = read_folder(Path(__file__).parents[2] / "diagnostics/base")
YAML = """policy: live.level
title: {zh: 等级, en: Level}
subject: merchant
effective: {from: 2023-01-01, through: 2023-12-31}
basis: assumed
parameters:
  least: {type: decimal(2), values: [{from: 2023-01-01, value: 4.50}]}
decisions:
  bonus:
    hit: first
    table: |
      | row  | live.hours | => bonus: integer |
      | much | >= least   | 10                |
      | none | -          | 0                 |
rewards:
  extra:
    title: {zh: 奖励, en: Bonus}
    kind: traffic_coupon
    amount: bonus
    claim: {per: day}
"""
JSON = json.dumps(
    {
        "id": "live.level",
        "title": {"zh": "等级", "en": "Level"},
        "days": ["2023-01-01", "2023-12-31"],
        "parameters": {"least": ["decimal(2)", "2023-01-01", "4.50"]},
        "table": {
            "name": "bonus",
            "input": "live.hours",
            "output": ["bonus", "integer"],
            "rows": {"much": [">= least", "10"], "none": ["-", "0"]},
        },
        "reward": {"name": "extra", "title": {"zh": "奖励", "en": "Bonus"}, "amount": "bonus"},
    }
)
FILE = "rules/level.json"


def place(number: int = 1) -> Span:
    return Span(FILE, number, 1, 2)


def written(text: str) -> Written:
    return Written(text, place())


def expression(text: str) -> DraftExpression:
    tree = parse_expression(text, plain(text, FILE), Report())
    assert tree is not None
    return DraftExpression(tree, place())


def table(said: dict[str, Any]) -> DraftTable:
    name, declared = said["output"]
    kind = declared_type(declared)
    assert kind is not None
    rows = (
        DraftRow(id_, ((parse_cell(cell, plain(cell, FILE), Report()), place()),), (expression(value),), {}, place())
        for id_, (cell, value) in said["rows"].items()
    )
    column = DraftColumn(name, kind, declared, place(), place())
    return DraftTable("first", None, (expression(said["input"]),), (column,), tuple(rows), None, place())


def parameter(name: str, declared: str, start: str, value: str) -> DraftParameter:
    kind = declared_type(declared)
    assert kind is not None
    values = (DraftValue(written(start), value, place(3), None, None),)
    return DraftParameter(name, kind, place(), declared, None, values, "assumed", None, place())


def read_json(text: str) -> Draft:
    """A reader of another format: it makes drafts, and knows nothing of what follows."""
    said = json.loads(text)
    start, last = said["days"]
    period = DraftPeriod(written(start), None, written(last), False, place())
    effective = DraftEffective(period, None, "assumed", None)
    draft = Draft(
        said["id"], FILE, said["title"], written("merchant"), effective, "assumed", None, None,
        (), None, (), (), place(),
    )  # fmt: skip
    draft.parameters = {name: parameter(name, *rest) for name, rest in said["parameters"].items()}
    of_table, reward = said["table"], said["reward"]
    draft.decisions = {of_table["name"]: DraftDecision(of_table["name"], None, table(of_table), place())}
    draft.rewards = [
        DraftReward(
            reward["name"], None, {"": reward["title"]}, "traffic_coupon", None, expression(reward["amount"]), None,
            {}, Claim("day"), (), None, None, None, place(),
        )
    ]  # fmt: skip
    return draft


def loaded(text: str) -> Rules:
    found, diagnostics = load({**BASE, "live/level.yaml": text})
    assert found is not None, diagnostics
    return found


def built(*drafts: Draft) -> tuple[Rules | None, Report]:
    """Rules of drafts beside the dictionary of the folder."""
    report = Report()
    settings = DraftSettings(None, written("Asia/Shanghai"), None, {}, (), {}, ())
    folder = DraftFolder(loaded(YAML).dictionary, NamedTypes(), {}, settings, drafts, frozenset())
    return build_rules(folder, report), report


def test_another_format_gives_the_policy_that_the_yaml_file_gives() -> None:
    rules, report = built(read_json(JSON))
    assert rules is not None
    assert list(report) == []
    (one,) = [p for p in document(rules)["policies"] if p["policy"] == "live.level"]
    (two,) = [p for p in document(loaded(YAML))["policies"] if p["policy"] == "live.level"]
    assert one == two


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ('"4.50"', '"4.505"', ("P104", 3)),
        ('"2023-12-31"', '"2022-12-31"', ("P104", 1)),
        ('"amount": "bonus"', '"amount": "nothing"', ("L201", 1)),
    ],
)
def test_its_faults_are_told_where_its_values_stand(old: str, new: str, fault: tuple[str, int]) -> None:
    _, report = built(read_json(JSON.replace(old, new)))
    assert [(one.code.code, one.span.line) for one in report if one.span.file == FILE] == [fault]
