"""A name means one thing: parameter, decision, column, member of an enumeration, section, policy."""

from pathlib import Path

import pytest

from policy_service.language.references import Decision, Fact, shown
from policy_service.policies.loader import load, read_folder

BASE = read_folder(Path(__file__).parents[2] / "diagnostics/base")
HEAD = """policy: live.bonus
title: {zh: 奖励, en: Bonus}
subject: merchant
effective: {from: 2023-01-01, to: 2024-01-01}
basis: assumed
"""
LABEL = "label: {zh: 甲, en: A}"


def faults(text: str, files: dict[str, str] | None = None) -> list[tuple[str, str, str]]:
    """Place, code and message of each fault of a file, and of others beside it."""
    _, found = load(BASE | {"live/bonus.yaml": HEAD + text} | (files or {}))
    return [(f"{d.span.line}:{d.span.column}", d.code.code, d.message) for d in found]


def tier(type_: str, *members: str) -> str:
    """A decision `tier` that gives members for one hour, two hours and so on."""
    rows = "".join(f"      | r{hours} | {hours} | {member} |\n" for hours, member in enumerate(members, 1))
    table = f"      | row | live.hours | => level: {type_} |\n{rows}"
    return f"  tier:\n    hit: unique\n    default: null\n    table: |\n{table}"


PARAMETER = 'parameters:\n  gold: {{type: "{}", values: [{{from: 2023-01-01, value: {}}}]}}\n'


@pytest.mark.parametrize(("type_", "value"), [("integer", "3"), ("text", "silver"), ("enum(gold, silver)", "silver")])
def test_a_parameter_is_no_member(type_: str, value: str) -> None:
    text = PARAMETER.format(type_, value) + "decisions:\n" + tier("enum(gold, silver)", "gold", "silver")
    assert faults(text) == [("7:3", "P106", "`gold` is a member of an enumeration of this file too")]


@pytest.mark.parametrize("expression", ["live.hours > 2", "tier = silver", 'tier = "gold"'])
def test_a_decision_is_no_member_and_that_is_no_cycle(expression: str) -> None:
    text = f"decisions:\n  gold: {{expression: '{expression}'}}\n" + tier("enum(gold, silver)", "gold", "silver")
    assert faults(text) == [("7:3", "P106", "`gold` is a member of an enumeration of this file too")]


def test_a_decision_is_no_member_of_its_own() -> None:
    text = "decisions:\n" + tier("enum(tier, silver)", "tier", "silver")
    assert faults(text) == [("7:3", "P106", "`tier` is a member of an enumeration of this file too")]


def test_a_name_is_not_the_member_of_a_fact_that_it_is_compared_with() -> None:
    text = (
        "decisions:\n  individual: {expression: live.hours > 2}\n  a: {expression: merchant.store_type = individual}\n"
    )
    message = "`individual` is a name in reach, and a member of `enum(enterprise, individual)`"
    assert faults(text) == [("8:41", "P106", message)]
    assert not faults(text.replace("= individual}", '= "individual"}'))


def test_a_column_is_not_the_member_of_another() -> None:
    text = (
        "decisions:\n  a:\n    relation: |\n"
        "      | row | gold: boolean | level: enum(gold, silver) |\n"
        "      | one | true          | gold                      |\n"
    )
    assert faults(text) == [("10:31", "P106", "`gold` is a name in reach, and a member of `enum(gold, silver)`")]
    assert not faults(text.replace("gold                      |", '"gold"                    |'))


@pytest.mark.parametrize("member", ["null", "true", "if", "and", "as_of", "row", "this"])
def test_a_member_has_no_meaning_of_its_own(member: str) -> None:
    expected = [("P106", f"`{member}` already has a meaning in expressions")]
    assert [f[1:] for f in faults(f"decisions:\n{tier(f'enum({member}, silver)', 'silver')}")] == expected
    assert [f[1:] for f in faults(PARAMETER.format(f"enum({member}, silver)", "silver"))] == expected


@pytest.mark.parametrize("enum", ["enum(a-b, a)", "enum(a, a)", "enum()", "enum(1)", "enum(a b)"])
def test_members_are_words_each_once(enum: str) -> None:
    assert [f[1:] for f in faults(f"decisions:\n{tier(enum, 'a')}")] == [("P104", f"`{enum}` is not a type")]


@pytest.mark.parametrize("member", ["min", "count", "not", "live", "merchant", "金", "S", "day"])
def test_a_member_may_be_named_as_a_builtin_or_a_section(member: str) -> None:
    assert not faults("decisions:\n" + tier(f"enum({member}, silver)", member, "silver"))


def test_a_fact_may_be_named_as_a_keyword_but_no_section() -> None:
    facts = f"  more:\n    {LABEL}\n    facts:\n"
    facts += f"      if: {{type: boolean, {LABEL}}}\n      null: {{type: boolean, {LABEL}}}\n"
    text = "decisions:\n  a: {expression: more.if or more.null}\n"
    assert not faults(text, {"facts.yaml": BASE["facts.yaml"] + facts})
    found = faults("", {"facts.yaml": BASE["facts.yaml"] + facts.replace("more", "if")})
    assert [f[1:] for f in found] == [("P106", "`if` already has a meaning in expressions")]


def test_a_row_has_a_name() -> None:
    text = "decisions:\n  a:\n    relation: |\n      | row | x: integer |\n      | -   | 1          |\n"
    assert faults(text) == [("10:9", "P104", "`-` is not a row id")]


def test_no_campaign_is_named_as_the_period_of_other_claims() -> None:
    campaigns = BASE["campaigns.yaml"].replace("spring:", "once:")
    found = faults("", {"campaigns.yaml": campaigns})
    assert found == [("1:1", "P106", "`once` is the period of claims without one")]


HOURS = HEAD.replace("live.bonus", "live.hours") + "decisions:\n  x: {expression: live.orders > 1}\n"


def test_a_policy_may_have_the_name_of_a_fact() -> None:
    found, diagnostics = load(
        BASE
        | {
            "live/hours.yaml": HOURS,
            "live/bonus.yaml": HEAD
            + "optional: [live.*]\ndecisions:\n  y: {expression: decision(live.hours.x) and live.hours > 2}\n",
        }
    )
    assert not diagnostics
    assert found is not None
    (policy,) = found.versions("live.bonus")
    assert policy.optional == {Fact("live", "hours")}
    assert policy.reads == {Fact("live", "hours"), Decision("live.hours", "x")}


@pytest.mark.parametrize(
    ("optional", "names"),
    [
        ("live.*", {"live.gmv"}),
        ("decision(live.hours.x)", {"decision(live.hours.x)"}),
        ("decision(live.*)", {"decision(live.hours.x)"}),
        ("'*'", {"live.gmv", "decision(live.hours.x)"}),
    ],
)
def test_optional_names_facts_and_decisions_as_missing_lists_them(optional: str, names: set[str]) -> None:
    text = f"optional: [{optional}]\ndecisions:\n  y: {{expression: decision(live.hours.x) and live.gmv > 2}}\n"
    found, diagnostics = load(BASE | {"live/hours.yaml": HOURS, "live/bonus.yaml": HEAD + text})
    assert not diagnostics
    assert found is not None
    assert {shown(r) for r in found.versions("live.bonus")[0].optional} == names


def test_a_decision_that_is_optional_by_its_bare_name_is_told() -> None:
    text = "optional: [live.hours.x]\ndecisions:\n  y: {expression: decision(live.hours.x)}\n"
    _, found = load(BASE | {"live/hours.yaml": HOURS, "live/bonus.yaml": HEAD + text})
    assert [(d.code.code, d.message, d.hint) for d in found] == [
        ("L201", "`live.hours.x` is not declared", "did you mean `decision(live.hours.x)`?")
    ]
