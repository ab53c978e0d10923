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
        ("live.hours", ">= 4", "must be at least 4 hours", "需至少 4 小时"),
        ("live.hours", "> 4.5", "must be above 4.5 hours", "需大于 4.5 小时"),
        ("live.hours", "< 4", "must be below 4 hours", "需小于 4 小时"),
        ("live.hours", "<= 4", "must be at most 4 hours", "需不超过 4 小时"),
        ("live.hours", "[1..4]", "must be from 1 to 4 hours", "需介于 1 至 4 小时（含两端）"),
        ("live.hours", "[1..4)", "must be from 1 to below 4 hours", "需介于 1 至 4 小时（含下限，不含上限）"),
        ("live.hours", "(1..4]", "must be above 1 and up to 4 hours", "需介于 1 至 4 小时（不含下限，含上限）"),
        ("live.hours", "(1..4)", "must be above 1 and below 4 hours", "需介于 1 至 4 小时（不含两端）"),
        ("live.hours", "between 1 and 4", "must be from 1 to 4 hours", "需介于 1 至 4 小时（含两端）"),
        ("live.hours", "1, 3", "must be 1 hours or be 3 hours", "需为 1 小时 或为 3 小时"),
        ("live.hours", "not(1, [3..4])", "must not be 1 hours or be from 3 to 4 hours",
         "不得为 1 小时 或介于 3 至 4 小时（含两端）"),
        ("live.hours", "in (1, > 3)", "must be 1 hours or be above 3 hours", "需为 1 小时 或大于 3 小时"),
        ("live.hours", "null", "must be unknown", "需未知"),
        ("live.hours", "= null", "must be unknown", "需未知"),
        ("live.hours", "!= null", "must be known", "需已知"),
        ("live.hours", "not(null)", "must not be unknown", "不得未知"),
        ("live.hours", "!= 3", "must not be 3 hours", "不得为 3 小时"),
        ("live.hours", "1, != 3", "must be 1 hours or not be 3 hours", "需为 1 小时 或不为 3 小时"),
        ("live.hours", ">= live.orders + 1", "must be at least Orders + 1", "需至少 订单数 + 1"),
        ("granted", ">= 4", "must be at least 4", "需至少 4"),
        ("merchant.frozen", "= true", "must be yes", "需为 是"),
        ("merchant.frozen", "false", "must be no", "需为 否"),
        ("merchant.type", '= "enterprise"', "must be Enterprise store", "需为 企业店"),
        ("merchant.type", '"individual"', "must be Individual store", "需为 个人店"),
        ("merchant.type", '!= "individual"', "must not be Individual store", "不得为 个人店"),
        ("merchant.enrolled_on", "<= as_of", "must be on or before the day judged", "需不晚于 判定日"),
        ("merchant.enrolled_on", '> date("2023-01-01")', "must be after 2023-01-01", "需晚于 2023-01-01"),
        ("merchant.enrolled_on", ">= campaign.from", "must be on or after the first day of the campaign",
         "需不早于 活动首日"),
        ("as_of - merchant.enrolled_on", '<= duration("P30D")', "must be at most 30 days", "需不超过 30 天"),
    ],
)  # fmt: skip
def test_what_is_asked_of_a_value_is_told_in_words(of: str, test: str, en: str, zh: str) -> None:
    assert phrases("en").requirement(of, tree(test)) == en
    assert phrases("zh").requirement(of, tree(test)) == zh


@pytest.mark.parametrize(
    ("of", "test", "value", "holds", "en", "zh"),
    [
        ("live.hours", ">= 4", Decimal(5), True,
         "Hours broadcast on the day is 5 hours and must be at least 4 hours: met",
         "当天开播小时数 5 小时，需至少 4 小时：满足"),
        ("live.hours", "< 4", Decimal("4.5"), False,
         "Hours broadcast on the day is 4.5 hours and must be below 4 hours: not met",
         "当天开播小时数 4.5 小时，需小于 4 小时：不满足"),
        ("live.hours", ">= 4", None, None,
         "Hours broadcast on the day is ? (not known) and must be at least 4 hours: cannot be told",
         "当天开播小时数 ?（未知），需至少 4 小时：无法判定"),
    ],
)  # fmt: skip
def test_a_condition_is_a_sentence_that_says_what_became_of_it(
    of: str, test: str, value: Any, holds: bool | None, en: str, zh: str
) -> None:
    subject = parse_expression(of, plain(of), Report())
    assert subject is not None
    assert phrases("en").sentence(subject, tree(test), of, value, holds=holds) == en
    assert phrases("zh").sentence(subject, tree(test), of, value, holds=holds) == zh


def test_a_condition_without_words_stays_as_the_answer_writes_it() -> None:
    said = phrases("en").raw("live.hours * 2", "? > 3", Decimal(1), holds=False)
    assert said == "live.hours * 2 is 1, asked is ? > 3: not met"
    assert phrases("zh").raw("live.hours", "[?]", None, holds=None) == "当天开播小时数 为 ?（未知），要求 [?]：无法判定"


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
