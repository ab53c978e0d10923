"""Files read before are not read again, and nothing that is found in them is lost by it."""

from pathlib import Path

import pytest

from policy_service.policies import loader
from policy_service.policies.bundle import bundle
from policy_service.policies.loader import load, read_folder
from policy_service.policies.remembering import Read, Remembered

ROOT = Path(__file__).parents[3]
BASE = read_folder(ROOT / "tests/diagnostics/base")
HOURS, TITLE = "live/hours.yaml", "Live hours"
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
    other = {**BASE, HOURS: BASE[HOURS].replace(TITLE, "Other")}
    found = [bundle(sources)[0] for sources in (BASE, other, BASE)]
    monkeypatch.setattr(loader, "REMEMBERED", Remembered())
    found.append(bundle(other)[0])
    first, second, again, alone = (one.id if one is not None else "" for one in found)
    assert first == again != second == alone


def test_what_is_found_in_a_file_is_found_each_time(remembered: Remembered) -> None:
    load(BASE)
    sources = {**BASE, "live/bonus.yaml": FAULTY}
    first = load(sources)[1]
    assert [one.code.code for one in first] != []
    assert load(sources)[1] == first
    assert remembered.find(*place("live/bonus.yaml", sources)) is None


def test_while_there_is_an_error_no_file_is_kept(remembered: Remembered) -> None:
    load({**BASE, "live/bonus.yaml": FAULTY})
    assert all(remembered.find(*place(path, BASE)) is None for path in BASE)
    load(BASE)
    assert remembered.find(*place("facts.yaml", BASE)) is not None


def test_the_same_text_in_another_place_is_another_file(remembered: Remembered) -> None:
    load(BASE)
    assert remembered.find(*place("facts.yaml", BASE)) is not None
    assert remembered.find("elsewhere/facts.yaml", BASE["facts.yaml"]) is None


def test_the_files_of_one_load_are_kept() -> None:
    kept = Remembered()
    read: Read = (None, None)
    kept.keep({("a", "1"): read, ("b", "1"): read})
    kept.keep({("a", "1"): read, ("b", "2"): read})
    assert [kept.find(*one) is not None for one in (("a", "1"), ("b", "1"), ("b", "2"))] == [True, False, True]
