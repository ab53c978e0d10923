"""Files read before are not read again, and nothing that is found in them is lost by it."""

from pathlib import Path

import pytest

from policy_service.policies.bundle import bundle
from policy_service.policies.loader import cache, load, read_folder
from policy_service.policies.loader.cache import FileCache, Read

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
def known(monkeypatch: pytest.MonkeyPatch) -> FileCache:
    found = FileCache()
    monkeypatch.setattr(cache, "CACHE", found)
    return found


def place(path: str, sources: dict[str, str]) -> tuple[str, str]:
    return f"rules/{path}", sources[path]


def test_a_bundle_after_another_is_the_one_that_it_is_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    other = {**BASE, HOURS: BASE[HOURS].replace(TITLE, "Other")}
    found = [bundle(sources)[0] for sources in (BASE, other, BASE)]
    monkeypatch.setattr(cache, "CACHE", FileCache())
    found.append(bundle(other)[0])
    first, second, again, alone = (one.id if one is not None else "" for one in found)
    assert first == again != second == alone


def test_what_is_found_in_a_file_is_found_each_time(known: FileCache) -> None:
    load(BASE)
    sources = {**BASE, "live/bonus.yaml": FAULTY}
    first = load(sources)[1]
    assert [one.code.code for one in first] != []
    assert load(sources)[1] == first
    assert known.get(*place("live/bonus.yaml", sources)) is None


def test_while_there_is_an_error_no_file_is_kept(known: FileCache) -> None:
    load({**BASE, "live/bonus.yaml": FAULTY})
    assert all(known.get(*place(path, BASE)) is None for path in BASE)
    load(BASE)
    assert known.get(*place("facts.yaml", BASE)) is not None


def test_the_same_text_in_another_place_is_another_file(known: FileCache) -> None:
    load(BASE)
    assert known.get(*place("facts.yaml", BASE)) is not None
    assert known.get("elsewhere/facts.yaml", BASE["facts.yaml"]) is None


def test_the_files_of_one_load_are_kept() -> None:
    kept = FileCache()
    read: Read = (None, None)
    kept.put({("a", "1"): read, ("b", "1"): read})
    kept.put({("a", "1"): read, ("b", "2"): read})
    assert [kept.get(*one) is not None for one in (("a", "1"), ("b", "1"), ("b", "2"))] == [True, False, True]
