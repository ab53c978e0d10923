"""What a person does to the log itself: keys changed, a backup adopted, what lost its place put back; told in it."""

import json
import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, func, insert, select, update

from policy_service.access.trail import Act
from policy_service.app import create_app
from policy_service.assembly import Assembled, assemble_on
from policy_service.decisions.deciding.resolving import EvaluateRequest
from policy_service.decisions.ports.acts import LogState
from policy_service.decisions.ports.records import StoreUnavailable
from policy_service.decisions.sealed.ceremonies import CeremonyRefused
from policy_service.decisions.sealed.guard import Held
from policy_service.proofs import keys
from policy_service.settings import Settings
from policy_service.store.database import writing
from policy_service.store.tables import acts, decisions, log_entries, unsealed

BY = Act("policyctl", "as agreed")
ORIGIN = Settings().log_origin


def host(club: Any, *signing: Path, retired: Path | None = None, guard: Path | None = None) -> Assembled:
    """The service on the club's store as another process has it, with keys of its own."""
    settings = Settings(
        engine="reference",
        signing_key=":".join(map(str, signing or (club.key,))),
        retired_keys=str(retired or ""),
        guard=str(guard or club.guard),
        bundle_refresh_ms=0,
    )
    return assemble_on(club.engine, settings, now=club.now, elapsed=lambda: 0.0)


def decide(made: Assembled, hours: int = 7) -> str:
    request = EvaluateRequest({"merchant": {"id": "m-1", "hours": hours}}, "2023-04-01")
    return str(made.service.evaluate(request, caller="till").decision_id)


def findings(made: Assembled) -> list[str]:
    assert made.auditing is not None
    return [one.kind for one in made.auditing.verify().findings]


def last_act(made: Assembled) -> Any:
    return made.trail.trail(limit=1)[0]


# ---- keys of the log


@pytest.fixture
def second(tmp_path: Path) -> Path:
    path = tmp_path / "second.pem"
    keys.make(path, ORIGIN)
    return path


def label(path: Path) -> str:
    return keys.load(path, ORIGIN).verifier.label


def rotated(club: Any, second: Path, tmp_path: Path) -> Assembled:
    """The service after both keys were in force, and the first was retired."""
    club.assembled.ceremonies.add_key(keys.load(second, ORIGIN).verifier, BY)
    retired = tmp_path / "retired.txt"
    retired.write_text(keys.load(club.key, ORIGIN).verifier.text + "\n", "utf-8")
    made = host(club, second, retired=retired)
    made.ceremonies.retire_key(label(club.key), BY)
    return made


def test_a_key_that_was_added_signs_and_one_that_was_retired_is_valid_for_what_it_signed(
    club: Any, second: Path, tmp_path: Path
) -> None:
    club.merchant(3)
    club.seal()
    with pytest.raises(Held, match="no known key signed the receipt"):
        host(club, second).orders.may_sign()
    made = rotated(club, second, tmp_path)
    decide(made)
    assert made.auditing is not None
    made.auditing.sealer.seal_all()
    assert findings(made) == []
    told = {one.action: (one.actor, one.target, one.reason) for one in made.trail.trail(limit=2)}
    assert told["log.retire-key"] == ("policyctl", label(club.key), "as agreed")
    assert "log.rotate-key" in {one.action for one in made.trail.trail()}


def test_a_process_that_still_signs_with_the_retired_key_answers_503(
    local_club: Any, second: Path, tmp_path: Path
) -> None:
    client = create_app(Settings(), assembled=local_club.assembled).test_client()
    posted = {"facts": {"merchant": {"id": "m-1", "hours": 7}}, "as_of": "2023-04-01", "purpose": "decide"}
    assert client.post("/v1/evaluate", json=posted).status_code == 201
    rotated(local_club, second, tmp_path)
    local_club.assembled.orders.catch_up()  # as it does within POLICY_BUNDLE_REFRESH_MS
    answer = client.post("/v1/evaluate", json=posted)
    assert (answer.status_code, answer.get_json()["type"]) == (503, "/problems/store-unavailable")
    assert client.get("/readyz").get_json()["errors"][0]["code"] == "D105"


def test_what_the_retired_key_signs_afterwards_is_refused_though_a_process_has_not_heard_of_it(
    club: Any, second: Path, tmp_path: Path
) -> None:
    made = rotated(club, second, tmp_path)
    assert made.auditing is not None
    with pytest.raises(StoreUnavailable):
        club.merchant(5)  # it is decided under the orders before, so it is evaluated again, and the key is out
    forged = club.assembled
    forged.orders._followed = made.orders.known  # who has the retired key needs no honest program
    forged.orders.check_keys = lambda: None
    id_ = decide(forged)
    made.auditing.sealer.seal_all()
    assert [one.id for one in made.auditing.log.refused(0, 10)] == [id_]
    assert findings(made) == ["record-not-logged", "record-refused"]


def test_a_key_that_signs_already_is_not_added_again(local_club: Any) -> None:
    with pytest.raises(CeremonyRefused, match="signs already"):
        local_club.assembled.ceremonies.add_key(keys.load(local_club.key, ORIGIN).verifier, BY)


def test_a_key_that_is_none_of_the_log_is_not_retired(local_club: Any, second: Path) -> None:
    with pytest.raises(CeremonyRefused, match=f"no key .* signs: {label(local_club.key)[:14]}"):
        local_club.assembled.ceremonies.retire_key(label(second), BY)


def test_the_key_that_would_sign_its_own_end_is_not_retired(local_club: Any, second: Path) -> None:
    """So the last one never is."""
    with pytest.raises(CeremonyRefused, match="still signs here"):
        local_club.assembled.ceremonies.retire_key(label(local_club.key), BY)
    local_club.assembled.ceremonies.add_key(keys.load(second, ORIGIN).verifier, BY)
    both = host(local_club, second, local_club.key)
    with pytest.raises(CeremonyRefused, match="on every host, first"):
        both.ceremonies.retire_key(label(local_club.key), BY)


def test_a_key_that_is_not_in_force_changes_no_keys(local_club: Any, second: Path) -> None:
    stranger = host(local_club, second)
    for refused in (
        lambda: stranger.ceremonies.add_key(keys.load(second, ORIGIN).verifier, BY),
        lambda: stranger.ceremonies.retire_key(label(local_club.key), BY),
    ):
        with pytest.raises(Held):
            refused()
    assert local_club.assembled.orders.catch_up().signing_keys() == (keys.load(local_club.key, ORIGIN).verifier.text,)


# ---- a store that was set back


Backup = Callable[[], None]


@pytest.fixture
def club_on_file(tmp_path: Path, local_club: Any) -> tuple[Any, Path]:
    return local_club, Path(local_club.engine.url.database)


def copied(source: Path, target: Path) -> None:
    with sqlite3.connect(source) as one, sqlite3.connect(target) as two:
        one.backup(two)
    one.close()
    two.close()


@pytest.fixture
def set_back(club_on_file: tuple[Any, Path], tmp_path: Path) -> Any:
    """A club whose database is an older copy: two decisions and a stop are lost to it; its lost state."""
    club, file = club_on_file
    club.merchant(1)
    club.seal()
    copied(file, tmp_path / "older.db")
    club.merchant(2)
    club.assembled.publishing.stop("club.hours", None, BY)
    club.merchant(3)
    club.seal()
    lost = club.assembled.orders.guard.last()
    copied(tmp_path / "older.db", file)
    return club, lost


def test_on_an_older_copy_nothing_is_signed_until_it_is_adopted(set_back: Any) -> None:
    club, _ = set_back
    made = host(club)
    assert made.orders.guard.held is not None
    assert "adopt-backup" in made.orders.guard.held
    for refused in (lambda: decide(made), lambda: made.publishing.stop("club.hours", None, BY)):
        with pytest.raises(StoreUnavailable):
            refused()
    with pytest.raises(Held):
        made.trail.note(BY.entry("2023-04-03T00:00:00.000Z", "test", "t", {}))
    client = create_app(Settings(), assembled=made).test_client()
    assert client.get("/readyz").get_json()["errors"][0]["code"] == "D105"
    assert "log-truncated" in findings(made)


def test_an_adopted_copy_goes_on_and_says_what_was_lost(set_back: Any) -> None:
    club, lost = set_back
    made = host(club)
    found = made.ceremonies.adopt_backup(BY)
    assert (found.lost, found.at.size < lost.size, found.at.version < lost.version) == (lost, True, True)
    decide(made)
    assert made.auditing is not None
    made.auditing.sealer.seal_all()
    assert findings(made) == []
    body = json.loads(made.orders.store.orders(found.at.version, 1)[0].body)
    assert body["order"]["adopted"]["lost"] == asdict(lost)
    assert (body["actor"], body["action"], body["reason"]) == ("policyctl", "log.adopt-backup", "as agreed")
    assert host(club).orders.guard.held is None


def test_the_heads_and_receipts_that_were_kept_still_tell_of_the_loss(club_on_file: Any, tmp_path: Path) -> None:
    club, file = club_on_file
    club.seal()
    copied(file, tmp_path / "older.db")
    club.merchant(2)
    club.seal()
    kept = club.auditing.log.head().note
    copied(tmp_path / "older.db", file)
    made = host(club)
    made.ceremonies.adopt_backup(BY)
    for _ in range(4):
        decide(made)
    assert made.auditing is not None
    made.auditing.sealer.seal_all()
    assert findings(made) == []
    assert "root-differs" in [one.kind for one in made.auditing.verify(heads=[kept]).findings]


def test_each_host_adopts_it_with_its_own_guard(set_back: Any, tmp_path: Path) -> None:
    """The other host's guard is still ahead, and once the log has grown past it, it is of another log."""
    club, lost = set_back
    for guard in ("same.guard", "grown.guard"):
        shutil.copyfile(club.guard, tmp_path / guard)
    first = host(club)
    first.ceremonies.adopt_backup(BY)
    other = host(club, guard=tmp_path / "same.guard")
    assert other.orders.guard.held is not None
    other.ceremonies.adopt_backup(BY)
    assert other.orders.guard.held is None
    for _ in range(8):
        decide(first)
    assert first.auditing is not None
    first.auditing.sealer.seal_all()
    late = host(club, guard=tmp_path / "grown.guard")
    assert late.orders.guard.held is not None
    assert late.ceremonies.adopt_backup(BY).lost == lost
    decide(late)
    assert findings(late) == []


def test_a_store_that_is_not_behind_is_not_adopted(local_club: Any) -> None:
    local_club.merchant(1)
    with pytest.raises(CeremonyRefused, match="not behind"):
        local_club.assembled.ceremonies.adopt_backup(BY)
    local_club.seal()
    with pytest.raises(CeremonyRefused, match="not behind"):
        host(local_club).ceremonies.adopt_backup(BY)


def test_an_adoption_that_fails_leaves_the_guard_where_it_was(set_back: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    club, lost = set_back
    made = host(club)
    held = made.orders.guard.held

    def broken_off(*_: object) -> None:
        raise StoreUnavailable("gone")

    monkeypatch.setattr(made.orders.store, "add", broken_off)
    with pytest.raises(StoreUnavailable, match="gone"):
        made.ceremonies.adopt_backup(BY)
    assert (made.orders.guard.held, made.orders.guard.last()) == (held, lost)


def test_a_key_that_the_restored_log_does_not_know_cannot_adopt_it(set_back: Any, second: Path) -> None:
    club, lost = set_back
    stranger = host(club, second)
    with pytest.raises(StoreUnavailable):
        stranger.ceremonies.adopt_backup(BY)
    assert stranger.orders.guard.last() == lost


# ---- records that lost their place in the queue


def test_a_record_that_lost_its_place_in_the_queue_is_put_back_and_the_log_says_so(club: Any) -> None:
    lost = str(club.merchant(1).decision_id)
    with writing(club.engine) as connection:
        connection.execute(delete(unsealed).where(unsealed.c.id == lost))
    club.seal()
    assert findings(club.assembled) == ["record-not-logged"]
    assert club.assembled.ceremonies.repair(BY) == (1, 0)
    club.seal()
    assert findings(club.assembled) == []
    assert club.auditing.log.entry(lost) is not None
    told = last_act(club.assembled)
    assert (told.action, told.reason, told.detail) == ("log.repair", "as agreed", {"records": "1", "forged": "0"})


def test_where_nothing_is_wrong_nothing_is_repaired_or_told(club: Any) -> None:
    club.merchant(1)
    before = last_act(club.assembled)
    assert club.assembled.ceremonies.repair(BY) == (0, 0)
    assert last_act(club.assembled) == before


def test_a_record_that_somebody_wrote_is_not_put_into_the_queue(club: Any) -> None:
    """However many there are: those of the service behind them are found."""
    made = club.merchant(1)
    with writing(club.engine) as connection:
        one = connection.execute(select(decisions).where(decisions.c.id == str(made.decision_id))).one()._asdict()
        forged = [one | {"id": f"00000000-0000-7000-8000-{n:012}"} for n in range(1500)]
        connection.execute(insert(decisions), forged)
        connection.execute(delete(unsealed).where(unsealed.c.id == one["id"]))
    assert club.assembled.ceremonies.repair(BY) == (1, 0)
    club.seal()
    assert club.auditing.log.entry(str(made.decision_id)) is not None
    assert club.auditing.log.entry(forged[0]["id"]) is None


# ---- orders that nobody gave


def forge(club: Any, **changes: Any) -> str:
    """An order of nobody at the next version, as who writes the database can put it there."""
    with writing(club.engine) as connection:
        version = connection.scalars(select(func.max(acts.c.version))).one()
        last = connection.execute(select(acts).where(acts.c.version == version)).one()._asdict()
        del last["number"]
        forged = last | {"id": "00000000-0000-7000-8000-000000000001", "version": version + 1} | changes
        connection.execute(insert(acts), forged)
        connection.execute(insert(unsealed), {"kind": "act", "id": forged["id"]})
    return str(forged["id"])


def test_a_forged_order_stops_orders_and_decisions_until_it_is_repaired(club: Any) -> None:
    club.merchant(1)
    id_ = forge(club)
    with pytest.raises(StoreUnavailable):
        club.merchant(2)
    with pytest.raises(StoreUnavailable):
        club.assembled.publishing.stop("club.hours", None, BY)
    assert "order-refused" in findings(club.assembled)
    made = host(club)
    assert made.ceremonies.repair(BY) == (0, 1)
    assert made.orders.store.act(id_) is None
    assert last_act(made).detail == {"records": "0", "forged": "1"}
    made.publishing.stop("club.hours", None, BY)
    for one in (made, club.assembled):
        decide(one)
    club.seal()
    assert findings(club.assembled) == []


def test_while_an_order_is_not_followed_it_is_not_ready(local_club: Any) -> None:
    client = create_app(Settings(), assembled=local_club.assembled).test_client()
    assert client.get("/readyz").status_code == 200
    forge(local_club)
    answer = client.get("/readyz")
    assert (answer.status_code, answer.get_json()["errors"][0]["code"]) == (503, "D105")
    local_club.assembled.ceremonies.repair(BY)
    assert client.get("/readyz").status_code == 200


@pytest.mark.parametrize("body", [b"", b"{}", b'{"act_id": 7}', b"\xff"])
def test_an_order_that_is_none_is_taken_out_too(club: Any, body: bytes) -> None:
    forge(club, body=body)
    assert club.assembled.ceremonies.repair(BY) == (0, 1)
    decide(club.assembled)


def test_a_true_order_that_was_edited_is_not_thrown_away_as_forged_without_a_word(club: Any) -> None:
    """Its receipt is for other bytes, so nobody can tell it from a forged one; the log still owes it its place."""
    club.assembled.publishing.stop("club.hours", None, BY)
    club.seal()
    with writing(club.engine) as connection:
        version = club.assembled.orders.known.version
        connection.execute(update(acts).where(acts.c.version == version).values(body=b"{}"))
    made = host(club)
    assert made.ceremonies.repair(BY) if made.orders.guard.held is None else True
    with writing(club.engine) as connection:
        assert connection.execute(select(acts.c.id).where(acts.c.version == version)).first() is not None
        assert connection.execute(select(log_entries.c.id)).first() is not None


def test_nothing_is_repaired_on_a_store_that_was_set_back(set_back: Any) -> None:
    club, _ = set_back
    forge(club)
    made = host(club)
    with pytest.raises(Held):
        made.ceremonies.repair(BY)
    assert LogState(0, "", 0, "") != made.orders.guard.last()
