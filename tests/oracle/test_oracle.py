"""What the oracle says where the service cannot be asked: expected values are worked by hand."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from tests.oracle import Oracle, difference

FACTS = """
sections:
  merchant: {facts: {id: {type: id}}}
  test: {facts: {x: {type: integer}, level: {type: level}}}
"""
TYPES = """
level:
  type: enum
  values:
    - {from: 2023-01-01, members: [S, A, B]}
    - {from: 2023-07-01, members: [A, S, B, C]}
"""
POLICY = """
policy: p.a
subject: merchant
effective: {from: 2023-01-01}
decisions:
  best:
    hit: priority
    table: |
      | row | test.x | => level: level |
      | s   | >= 1   | S               |
      | a   | >= 1   | A               |
  ranked:
    hit: output order
    table: |
      | row | test.x | => level: level |
      | b   | >= 1   | B               |
      | a   | >= 1   | A               |
      | s   | >= 1   | S               |
"""


@pytest.mark.parametrize(
    ("day", "best", "ranked"),
    [(date(2023, 6, 30), "S", ["S", "A", "B"]), (date(2023, 7, 1), "A", ["A", "S", "B"])],
)
def test_members_stand_in_the_order_of_the_day(day: date, best: str, ranked: list[str]) -> None:
    oracle = Oracle({"facts.yaml": FACTS, "bundle.yaml": "", "types.yaml": TYPES, "p/a.yaml": POLICY})
    entry = oracle.answer({"merchant": {"id": "m-1"}, "test": {"x": 1, "level": "A"}}, day)["policies"][0]
    assert entry["decisions"] == {"best": best, "ranked": ranked}


BEHIND = """
policy: p.b
subject: merchant
effective: {from: 2023-01-01}
optional: [test.x]
decisions: {v: {expression: test.x + 1}}
"""
READER = """
policy: p.a
subject: merchant
effective: {from: 2023-01-01}
optional: [decision(p.b.v)]
rewards:
  r: {kind: cash, when: decision(p.b.v) > 1, amount: "1", claim: {per: once}}
"""


@pytest.mark.parametrize(
    ("posted", "until", "reason"),
    [
        ({}, "2024-01-01", "insufficient_facts"),  # the other policy applies, and its fact is not known
        ({"test": {"x": 0}}, "2024-01-01", "not_met"),
        ({"test": {"x": 5}}, "2023-04-01", "not_met"),  # the other policy is over; nothing is unknown
    ],
)
def test_a_fact_behind_another_decision_may_be_lacking(posted: dict[str, Any], until: str, reason: str) -> None:
    behind = BEHIND.replace("from: 2023-01-01", f"from: 2023-01-01, to: {until}")
    oracle = Oracle({"facts.yaml": FACTS, "bundle.yaml": "", "p/a.yaml": READER, "p/b.yaml": behind})
    answer = oracle.answer({"merchant": {"id": "m-1"}, **posted}, date(2023, 4, 1), ["p.a"])
    assert [each["reason"] for each in answer["not_granted"]] == [reason]


def test_a_fact_is_read_though_a_null_stands_beside_it() -> None:
    policy = (
        "{policy: p.a, subject: merchant, effective: {from: 2023-01-01}, decisions: {v: {expression: test.x + null}}}"
    )
    oracle = Oracle({"facts.yaml": FACTS, "bundle.yaml": "", "p/a.yaml": policy})
    entry = oracle.answer({"merchant": {"id": "m-1"}}, date(2023, 4, 1))["policies"][0]
    assert (entry["status"], entry["missing"]) == ("insufficient_facts", ["test.x"])


@pytest.mark.parametrize(
    ("oracle", "service", "told"),
    [
        ({"a": 1}, {"a": Decimal("1.00")}, None),
        ({"a": [1, 2]}, {"a": [2, 1]}, "/a/0: oracle 1, service 2"),
        ({"a": [1]}, {"a": [1, None]}, "/a/1: oracle (absent), service None"),
        ({"a/b": True}, {"a/b": 1}, "/a~1b: oracle True, service 1"),
        ({"a": None}, {}, "/a: oracle None, service (absent)"),
        ({"a": "1"}, {"a": 1}, "/a: oracle '1', service 1"),
    ],
)
def test_the_first_difference_is_named(oracle: Any, service: Any, told: str | None) -> None:
    assert difference(oracle, service) == told
