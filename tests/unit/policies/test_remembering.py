"""Files read before are not read again, and nothing that is found in them is lost by it."""

from pathlib import Path

import pytest

from policy_service.policies import loader
from policy_service.policies.bundle import bundle
from policy_service.policies.loader import load, read_folder
from policy_service.policies.remembering import Read, Remembered

ROOT = Path(__file__).parents[3]
BASE = read_folder(ROOT / "tests/diagnostics/base")
SHIPPED = read_folder(ROOT / "rules")
HOURS = "chuanliu/traffic_hours.yaml"
CELL = "| [10..30)                      | 10  "
FAULTY = """policy: live.bonus
title: {zh: 奖励, en: Bonus}
subject: merchant
effective: {from: 2023-01-01, campaign: CAMPAIGN}
basis: assumed
applies: merchant.no_such_fact
"""


@pytest.fixture(autouse=True)
def remembered(monkeypatch: pytest.MonkeyPatch) -> Remembered:
    found = Remembered()
    monkeypatch.setattr(loader, "REMEMBERED", found)
    return found


def place(path: str, sources: dict[str, str]) -> tuple[str, str]:
    return f"rules/{path}", sources[path]


def test_a_bundle_after_another_is_the_one_that_it_is_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    other = {**SHIPPED, HOURS: SHIPPED[HOURS].replace(CELL, CELL.replace("10  ", "11  "))}
    first, _ = bundle(SHIPPED)
    second, _ = bundle(other)
    again, _ = bundle(SHIPPED)
    monkeypatch.setattr(loader, "REMEMBERED", Remembered())
    alone, _ = bundle(other)
    assert first is not None
    assert second is not None
    assert again is not None
    assert alone is not None
    assert first.id == again.id != second.id == alone.id
    assert second.rules == alone.rules


def test_what_is_found_in_a_file_is_found_each_time(remembered: Remembered) -> None:
    load(BASE)
    sources = {**BASE, "live/bonus.yaml": FAULTY}
    first = load(sources)[1]
    assert [one.code.code for one in first] != []
    assert load(sources)[1] == first
    assert remembered.find(*place("live/bonus.yaml", sources)) is None


def test_a_warning_is_told_each_time(remembered: Remembered) -> None:
    path = next(path for path in BASE if path.count("/") == 1 and not path.endswith(".test.yaml"))
    later = BASE[path].replace("to: 2024-01-01", "to: 2023-06-01")
    begins = BASE[path].replace("from: 2023-01-01", "from: 2023-08-01", 1)
    sources = {**BASE, path: later, path.replace(".yaml", "@2023-08-01.yaml"): begins}
    if load(sources)[0] is None:
        pytest.fail(str([(d.code.code, d.message) for d in load(sources)[1]]))
    first = load(sources)[1]
    assert first
    assert load(sources)[1] == first


def test_while_there_is_an_error_no_file_is_kept(remembered: Remembered) -> None:
    load({**BASE, "live/bonus.yaml": FAULTY})
    assert all(remembered.find(*place(path, BASE)) is None for path in BASE)
    load(BASE)
    assert remembered.find(*place("facts.yaml", BASE)) is not None


def test_the_same_text_in_another_place_is_another_file(remembered: Remembered) -> None:
    load(BASE)
    load(BASE, "elsewhere")
    assert remembered.find("elsewhere/facts.yaml", BASE["facts.yaml"]) is not remembered.find(
        "rules/facts.yaml", BASE["facts.yaml"]
    )


def test_what_was_not_asked_for_longest_goes_first() -> None:
    kept = Remembered(most=10)
    read: Read = (None, None)
    kept.keep({("a", "12345"): read, ("b", "12345"): read})
    assert kept.find("a", "12345") is read
    kept.keep({("c", "1"): read})
    assert [name for name in "abc" if kept.find(name, "1" if name == "c" else "12345") is not None] == ["a", "c"]
