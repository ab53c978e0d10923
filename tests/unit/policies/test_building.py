"""What one policy file may say: names, parameters, tables, relations, rewards, texts, and other policies' decisions."""

from pathlib import Path

import pytest

from policy_service.language import types
from policy_service.language.references import Decision
from policy_service.policies.loader import load, read_folder
from policy_service.policies.model import Policy

BASE = read_folder(Path(__file__).parents[2] / "diagnostics/base")
HEAD = """policy: live.bonus
title: {zh: 奖励, en: Bonus}
subject: merchant
effective: {from: 2023-01-01, to: 2024-01-01}
basis: assumed
"""
GOODS = HEAD.replace("live.bonus", "goods.price").replace("subject: merchant", "subject: product")


def faults(text: str, **more: str) -> list[tuple[str, str]]:
    files = {"live/bonus.yaml": text} | {f"{name.replace('_', '/', 1)}.yaml": body for name, body in more.items()}
    return [(d.code.code, d.message) for d in load(BASE | files)[1]]


def policy(text: str, **more: str) -> Policy:
    files = {"live/bonus.yaml": text} | {f"{name.replace('_', '/', 1)}.yaml": body for name, body in more.items()}
    rules, diagnostics = load(BASE | files)
    assert [d.message for d in diagnostics] == []
    assert rules is not None
    return next(p for p in rules.policies if p.file == "rules/live/bonus.yaml")


def decisions(*lines: str) -> str:
    return HEAD + "decisions:\n" + "".join(f"  {line}\n" for line in lines)


def table(hit: str, *lines: str, default: str = "") -> str:
    body = "".join(f"      {line}\n" for line in lines)
    answers = f"    default: {default}\n" if default else ""
    return HEAD + f"decisions:\n  out:\n    hit: {hit}\n{answers}    table: |\n{body}"


def test_decisions_are_ordered_so_that_each_needs_only_earlier_ones() -> None:
    found = policy(
        decisions(
            "last: {expression: middle + 1}", "middle: {expression: first + 1}", "first: {expression: live.orders}"
        )
    )
    assert list(found.decisions) == ["first", "middle", "last"]


def test_the_name_of_a_builtin_is_no_need_of_a_decision_of_that_name() -> None:
    assert list(policy(decisions("count: {expression: 'count([1, 2])'}")).decisions) == ["count"]


def test_several_loops_are_told_each_and_their_readers_are_silent() -> None:
    text = decisions(
        "a: {expression: b}", "b: {expression: a}", "c: {expression: c + 1}", "d: {expression: a + c + live.hour}"
    )
    assert faults(text) == [
        ("P107", "decisions need each other: a -> b -> a"),
        ("P107", "decisions need each other: c -> c"),
    ]


def test_another_policys_decision_is_known_whatever_the_order_of_the_files() -> None:
    other = HEAD.replace("live.bonus", "zoo.other") + "decisions:\n  best: {expression: live.orders}\n"
    found = policy(decisions("mine: {expression: decision(zoo.other.best) + 1}"), zoo_other=other)
    assert found.reads == {Decision("zoo.other", "best")}


def test_a_column_of_another_policys_table_is_known_and_its_relation_is_not() -> None:
    other = HEAD.replace("live.bonus", "zoo.other") + (
        "decisions:\n  t:\n    hit: first\n    table: |\n      | row | live.hours | => a: integer | => b: text |\n"
        '      | r   | -          | 1             | "x"       |\n'
    )
    found = policy(decisions("mine: {expression: decision(zoo.other.t.a) + 1}"), zoo_other=other)
    assert found.decisions["mine"].type == types.Number(0, 2, 2)
    text = decisions(
        "mine: {expression: decision(zoo.other.t.c) + 1}", "yours: {expression: decision(live.bonus.mine)}"
    )
    assert [m for _, m in faults(text, zoo_other=other)] == [
        "`zoo.other.t.c` is no decision of another policy in reach",
        "`live.bonus.mine` is no decision of another policy in reach",
    ]


def test_policies_that_need_each_other_are_one_fault() -> None:
    other = HEAD.replace("live.bonus", "zoo.other") + "decisions:\n  best: {expression: decision(live.bonus.mine)}\n"
    assert faults(decisions("mine: {expression: decision(zoo.other.best)}"), zoo_other=other) == [
        ("P107", "policies need each other: live.bonus -> zoo.other -> live.bonus")
    ]


@pytest.mark.parametrize(
    "other",
    [
        "decisions:\n  best: {expression: live.hour}\n",
        "decisions:\n  best: {expression: live.hours +}\n",
        "effective: 5\n",
        "a: [1",
    ],
)
def test_a_fault_of_another_policy_is_not_told_by_its_readers(other: str) -> None:
    head = HEAD.replace("live.bonus", "zoo.other")
    head = head.replace("effective: {from: 2023-01-01, to: 2024-01-01}\n", "") if "effective" in other else head
    found = faults(decisions("mine: {expression: decision(zoo.other.best) + 1}"), zoo_other=head + other)
    assert len(found) == 1
    assert "zoo.other.best" not in found[0][1]


def test_a_merchant_may_not_use_what_is_judged_per_product_and_a_product_may_use_both() -> None:
    goods = GOODS + "decisions:\n  dear: {expression: product.price > 10 and live.hours > 1}\n"
    assert [c for c, _ in faults(decisions("a: {expression: decision(goods.price.dear)}"), goods_price=goods)] == [
        "P112"
    ]
    mine = decisions("a: {expression: live.hours > 1}")
    more = GOODS.replace("goods.price", "goods.more") + (
        "decisions:\n  b: {expression: decision(live.bonus.a) and decision(goods.price.dear)}\n"
    )
    assert policy(mine, goods_price=goods, goods_more=more).subject == "merchant"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("as_of", "`as_of` already has a meaning in expressions"),
        ("row", "`row` already has a meaning in expressions"),
        ("in", "`in` already has a meaning in expressions"),
        ("merchant", "`merchant` already names a section of facts"),
        ("Best", "`Best` is not a name"),
    ],
)
def test_a_decision_has_a_name_of_its_own(name: str, message: str) -> None:
    assert [m for _, m in faults(decisions(f"{name}: {{expression: live.orders}}"))] == [message]
