"""Tests and expressions of rules in words, in both languages."""

from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from policy_service.decisions.explaining.phrasing import Phrases
from policy_service.decisions.explaining.words import Tongue
from policy_service.diagnostics import Report, plain
from policy_service.language import ast
from policy_service.language.parser import parse_cell, parse_expression
from policy_service.policies.bundle import load_folder
from policy_service.policies.model import Rules

RULES = Path(__file__).parents[3] / "cli" / "rules"


@cache
def rules() -> Rules:
    bundle, _, _ = load_folder(RULES)
    assert bundle is not None
    return bundle.rules


def phrases(tongue: Tongue, policy: str = "shop.hours") -> Phrases:
    return Phrases(rules(), rules().version_for(policy, date(2023, 4, 1)), tongue)


@pytest.mark.parametrize(
    ("of", "test", "en", "zh"),
    [
        ("live.hours", ">= 4", "to be at least 4", "应至少 4"),
        ("live.hours", "> 4.5", "to be above 4.5", "应大于 4.5"),
        ("live.hours", "< 4", "to be below 4", "应小于 4"),
        ("live.hours", "<= 4", "to be at most 4", "应不超过 4"),
        ("live.hours", "[1..4]", "to be from 1 to 4", "应在 1 至 4 之间，含两端"),
        ("live.hours", "[1..4)", "to be from 1 to below 4", "应在 1 至 4 之间，不含后者"),
        ("live.hours", "(1..4]", "to be above 1 and up to 4", "应在 1 至 4 之间，不含前者"),
        ("live.hours", "(1..4)", "to be above 1 and below 4", "应在 1 至 4 之间，不含两端"),
        ("live.hours", "between 1 and 4", "to be from 1 to 4", "应在 1 至 4 之间，含两端"),
        ("live.hours", "1, 3", "to be 1 or to be 3", "应为 1 或 应为 3"),
        ("live.hours", "not(1, [3..4])", "not: to be 1 or to be from 3 to 4",
         "不得：应为 1 或 应在 3 至 4 之间，含两端"),
        ("live.hours", "in (1, > 3)", "to be 1 or to be above 3", "应为 1 或 应大于 3"),
        ("live.hours", "null", "to be unknown", "应未知"),
        ("live.hours", "= null", "to be unknown", "应未知"),
        ("live.hours", "!= null", "to be known", "应已知"),
        ("live.hours", "!= 3", "not to be 3", "应不是 3"),
        ("live.hours", ">= live.orders + 1", "to be at least Orders + 1", "应至少 订单数 + 1"),
        ("merchant.frozen", "= true", "to be yes", "应为 是"),
        ("merchant.frozen", "false", "to be no", "应为 否"),
        ("merchant.type", '= "enterprise"', "to be Enterprise store", "应为 企业店"),
        ("merchant.type", '"individual"', "to be Individual store", "应为 个人店"),
        ("merchant.enrolled_on", "<= as_of", "to be on or before the day judged", "应不晚于 判定日"),
        ("merchant.enrolled_on", '> date("2023-01-01")', "to be after 2023-01-01", "应晚于 2023-01-01"),
        ("merchant.enrolled_on", ">= campaign.from", "to be on or after the first day of the campaign",
         "应不早于 活动首日"),
        ("as_of - merchant.enrolled_on", '<= duration("P30D")', "to be at most 30 days", "应不超过 30 天"),
    ],
)  # fmt: skip
def test_what_is_asked_of_a_value_is_told_in_words(of: str, test: str, en: str, zh: str) -> None:
    assert phrases("en").requirement(of, tree(test)) == en
    assert phrases("zh").requirement(of, tree(test)) == zh


def tree(test: str) -> ast.Node:
    """A cell, or `between` and `in` with an operand."""
    if test.startswith(("between ", "in ")):
        found = parse_expression(f"x {test}", plain(f"x {test}"), Report())
    else:
        found = parse_cell(test, plain(test), Report())
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("of", "value", "en", "zh"),
    [
        ("live.hours", Decimal("2.5"), "2.5 hours", "2.5 小时"),
        ("live.peers", 10, "10 exposures per hour", "10 次曝光每小时"),
        ("live.hours", None, "not known", "未知"),
        ("merchant.frozen", True, "yes", "是"),
        ("merchant.type", "individual", "Individual store", "个人店"),
        ("merchant.id", "m-1", "m-1", "m-1"),
        ("merchant.enrolled_on", "2023-01-01", "2023-01-01", "2023-01-01"),
        ("granted", 10, "10", "10"),
        ("unmet", ["a", "b"], "a, b", "a、b"),
        ("unmet", [], "none", "无"),
    ],
)
def test_a_value_is_told_with_its_unit_or_label(of: str, value: Any, en: str, zh: str) -> None:
    assert phrases("en").value(of, value) == en
    assert phrases("zh").value(of, value) == zh


@pytest.mark.parametrize(
    ("amount", "unit", "en"),
    [(1000, "exposure", "1000 exposures"), (5, "barrel", "5 barrel"), (5, None, "5"), (Decimal("0.9"), "ratio", "0.9"),
     (True, None, "yes"), ("gold", "yuan", "gold")],
)  # fmt: skip
def test_an_amount_is_told_with_its_unit(amount: Any, unit: str | None, en: str) -> None:
    assert phrases("en").amount(amount, unit) == en


@pytest.mark.parametrize(
    ("expression", "en"),
    [
        ("granted > 0", "Hours granted is above 0"),
        ('merchant.type = "enterprise" and live.orders >= 1',
         "Type of store is Enterprise store and Orders is at least 1"),
        ("(merchant.frozen or live.orders < 3) and live.hours > 1",
         "(Live rights frozen or Orders is below 3) and Hours broadcast on the day is above 1"),
        ("merchant.enrolled_on <= as_of", "Enrolled from is on or before the day judged"),
        ('merchant.enrolled_on + duration("P30D") >= as_of', "Enrolled from + 30 days is on or after the day judged"),
        ("not(merchant.frozen)", "not(Live rights frozen)"),
        ("live.hours between 1 and 4", "Hours broadcast on the day between 1 and 4"),
        ("if merchant.frozen then 0 else live.orders", "if Live rights frozen then 0 else Orders"),
        ("decision(shop.hours.granted) = null", "Hours granted is not known"),
        ("decision(shop.nothing.granted)", "shop.nothing.granted"),
        ("min_hours * 2", "min_hours * 2"),
        ("as_of < date(2023, min_hours, 1)", "the day judged is before date(2023, min_hours, 1)"),
    ],
)  # fmt: skip
def test_an_expression_is_told_with_labels_for_names(expression: str, en: str) -> None:
    tree = parse_expression(expression, plain(expression), Report())
    assert tree is not None
    assert phrases("en").text(tree) == en


def test_a_name_that_is_also_a_word_of_ours_stays_a_name() -> None:
    assert [phrases("en").name(name) for name in ("missing", "advice", "cut")] == ["missing", "advice", "cut"]
