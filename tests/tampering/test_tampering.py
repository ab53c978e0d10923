"""Whatever somebody changes in the store by hand is found, is not followed and is not sealed; on both databases."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from policy_service.policies.bundle import load_folder
from policy_service.proofs import keys
from tests.tampering import run, stolen
from tests.tampering.case import TABLES, Case
from tests.tampering.stolen import STOLEN, Stolen
from tests.tampering.table import CASES, KINDS, faults, possible, stolen_faults, victims
from tests.tampering.victim import Hand, Place
from tests.unit.decisions.conftest import CLUB, ORIGIN

_QUICK = 8
ROWS = [
    pytest.param(kind, one, id=f"{kind}: {one.name}", marks=() if (n + k) % _QUICK == 0 else pytest.mark.long)
    for k, kind in enumerate(KINDS)
    for n, one in enumerate(possible(kind))
]
"""All of them take four minutes: one in eight of each database is tried each time, the others by `make test-long`."""


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory, postgresql_server: Path) -> Iterator[dict[str, Place]]:
    folder = tmp_path_factory.mktemp("victim")
    rules, _, _ = load_folder(CLUB)
    assert rules is not None
    keys.make(folder / "log.pem", ORIGIN)
    with victims(folder, folder / "log.pem", rules, postgresql_server) as found:
        yield found


def test_the_table_is_long_and_says_each_thing_once() -> None:
    assert len(CASES) >= 80
    assert len({one.name for one in CASES}) == len(CASES)


@pytest.mark.parametrize(("kind", "one"), ROWS)
def test_a_manipulation_without_the_key_is_found_and_has_no_effect(
    places: dict[str, Place], tmp_path: Path, kind: str, one: Case
) -> None:
    outcome, tampering = run.attempt(places[kind], one, tmp_path)
    assert faults(one, outcome, tampering) == []


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("one", STOLEN, ids=[one.name for one in STOLEN])
def test_a_manipulation_with_a_stolen_key_is_found_by_whoever_kept_something(
    places: dict[str, Place], tmp_path: Path, kind: str, one: Stolen
) -> None:
    assert stolen_faults(one, stolen.attempt(places[kind], one, tmp_path)) == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_copy_that_nobody_touched_is_whole_and_is_served(places: dict[str, Place], tmp_path: Path, kind: str) -> None:
    untouched = Case("nothing", "database", lambda _: None, {})
    outcome, _ = run.attempt(places[kind], untouched, tmp_path)
    assert (outcome.findings, outcome.sealed, outcome.wrong, outcome.forgot) == ((), (), [], set())
    assert (outcome.answers, outcome.seals) == (True, True)


@pytest.mark.parametrize("kind", KINDS)
def test_a_store_that_was_emptied_is_not_begun_anew(places: dict[str, Place], tmp_path: Path, kind: str) -> None:
    place = places[kind]
    with place.copied(tmp_path) as (url, guard):
        hand = Hand(url)
        for table in TABLES:
            hand.run(f"DELETE FROM {table}")
        with run.service(url, place, guard):
            assert hand.rows("SELECT id FROM acts") == []
        hand.close()


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_process_misses_is_told_in_the_log(places: dict[str, Place], tmp_path: Path, kind: str) -> None:
    """A record that vanishes with its place in the queue before it is sealed leaves no other trace."""
    place = places[kind]
    with place.copied(tmp_path) as (url, guard), run.service(url, place, guard) as club:
        lost = club.merchant(7).decision_id
        hand = Hand(url)
        for table in ("unsealed", "decisions"):
            hand.change(f"DELETE FROM {table} WHERE id = :id", id=lost)
        hand.close()
        club.seal()
        assert club.auditing.verify().findings == ()
        for _ in range(2):  # what is missing twice is missing
            club.auditing.sealer._look_for_missing()
        club.seal()
        assert [(one.kind, one.id) for one in club.auditing.verify().findings] == [("record-lost", lost)]
