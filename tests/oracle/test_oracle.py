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
