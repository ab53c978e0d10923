"""A certificate of an erasure is given once nothing is left, and what is left is said before."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert

from policy_service.decisions.audit.certifying import certify
from policy_service.decisions.audit.erasing import Erased
from policy_service.decisions.ports.records import NotFound, StoreUnavailable
from policy_service.proofs import tree
from policy_service.proofs.receipts import digest_of
from policy_service.store import connect
from policy_service.store.tables import private_values

ID, OTHER = "u-MARKER-7", "u-OTHER-8"


def erase(club: Any) -> Erased:
    found = club.auditing.erasing.erase("member", ID, ticket="T-9", actor="op")
    assert isinstance(found, Erased)
    return found


def places(club: Any, id_: str | None, *, renew: bool = False) -> list[str]:
    return [one.place for one in certify(club.auditing, str(id_), renew=renew).remains]


@pytest.fixture
def erased(club: Any) -> Any:
    """A club that has erased a member with many decisions among those of another, so that pages were split."""
    for n in range(30):
        club.member(n + 1, id=ID, key=f"k-{n}")
        club.member(n + 1, id=OTHER)
    club.told = erase(club)
    return club


@contextmanager
def an_old_reader(club: Any) -> Iterator[None]:
    """Somebody who began to read before and has not ended."""
    with club.engine.connect() as connection:
        sqlite = connection.dialect.name == "sqlite"
        connection.exec_driver_sql("BEGIN" if sqlite else "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        connection.exec_driver_sql("SELECT count(*) FROM private_values").all()
        yield
        connection.exec_driver_sql("COMMIT")


def test_an_erasure_says_what_is_not_yet_gone(erased: Any) -> None:
    told = erased.told.not_yet_gone
    assert f"policyctl audit erased {erased.told.id} --vacuum" in told[0]
    assert any("backups" in one for one in told)
    on_a_server = erased.engine.dialect.name == "postgresql"
    assert any("write-ahead log of the database server" in one for one in told) == on_a_server


def test_what_was_never_erased_is_nowhere(club: Any) -> None:
    club.member(5, id=OTHER)
    assert erase(club).not_yet_gone == ()


def test_there_is_a_certificate_once_the_tables_were_written_anew(erased: Any) -> None:
    assert places(erased, erased.told.id) == ["pages"]
    found = certify(erased.auditing, erased.told.id, renew=True)
    assert found.remains == ()
    shown = found.certificate
    assert (shown["gone"], shown["not_yet_gone"]) == (True, [])
    assert (shown["subject"], tuple(shown["records"])) == ({"type": "member"}, erased.told.records)
    assert shown["not_covered"] == list(erased.auditing.erasing.remains.beyond)
    assert ID not in repr(shown)
    assert erased.auditing.verify().findings == ()


def test_a_certificate_proves_that_the_erasure_is_in_the_log(erased: Any) -> None:
    place = certify(erased.auditing, erased.told.id, renew=True).certificate["log"]
    entry = erased.auditing.log.entry(erased.told.id)
    body = erased.auditing.log.bodies([entry])[entry.id]
    assert place["leaf"] == digest_of(tree.leaf_hash(body))
    proof = erased.auditing.proof(erased.told.id).inclusion
    root = bytes.fromhex(erased.auditing.head(place["size"]).root)
    assert tree.verify_inclusion(tree.leaf_hash(body), place["index"], place["size"], proof.hashes, root)
    assert len(place["hashes"]) == len(proof.hashes)


def test_nothing_of_the_person_is_left_in_the_files_once_it_is_certified(
    local_club: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Values and salts are looked for as bytes; those of another person show that they would be found."""
    for n in range(40):
        local_club.member(n + 1, id=ID)
        local_club.member(n + 1, id=OTHER)
    local_club.seal()
    salts = [
        private.salt
        for one in local_club.entries()
        for private in local_club.auditing.log.privates([one.id]).get(one.id, ())
        if private.value == f'"{ID}"'.encode()
    ]
    told = erase(local_club)
    assert places(local_club, told.id, renew=True) == []
    for suffix in ("", "-wal"):
        with open(f"{local_club.engine.url.database}{suffix}", "rb") as file:
            kept = file.read()
        assert ID.encode() not in kept
        assert not any(salt in kept for salt in salts)
        assert (OTHER.encode() in kept) is (suffix == "")
    assert salts


def test_copies_in_unused_parts_of_the_file_are_gone_once_it_is_certified(local_club: Any) -> None:
    """Such as those of a version that did not overwrite what it deleted."""
    local_club.member(5, id=ID)
    told = erase(local_club)
    path = local_club.engine.url.database
    left = b"LEFT-BEHIND" * 1000
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA secure_delete = OFF")
        connection.execute("INSERT INTO private_values VALUES (?, '/x', 's', ?)", (told.records[0], left))
        connection.execute("DELETE FROM private_values WHERE pointer = '/x'")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert b"LEFT-BEHIND" in Path(path).read_bytes()
    assert places(local_club, told.id) == ["pages"]
    assert b"LEFT-BEHIND" in Path(path).read_bytes()
    assert places(local_club, told.id, renew=True) == []
    assert b"LEFT-BEHIND" not in Path(path).read_bytes()


def test_as_long_as_somebody_reads_what_was_before_there_is_no_certificate(make_club: Any, url: str) -> None:
    club = make_club(url)
    club.member(5, id=ID)
    club.seal()
    impatient = make_club(url)  # another process, which does not wait for readers
    impatient.engine.dispose()
    impatient.engine = connect(url, busy_timeout_ms=50)
    impatient.__post_init__()
    with an_old_reader(club):
        told = erase(impatient)
        assert "somebody still reads" in told.not_yet_gone[0]
        assert "readers" in places(impatient, told.id, renew=True)
    assert places(impatient, told.id, renew=True) == []
    impatient.engine.dispose()


def test_values_that_are_in_the_database_again_are_told(erased: Any) -> None:
    """As where a backup was restored."""
    record = erased.told.records[0]
    with erased.engine.begin() as connection:
        one = {"record": record, "pointer": "/x", "salt": b"s" * 32, "value": b"1"}
        connection.execute(insert(private_values), one)
        if erased.engine.dialect.name == "postgresql":
            connection.exec_driver_sql("COMMIT")
    found = certify(erased.auditing, erased.told.id, renew=True)
    assert [one.place for one in found.remains] == ["rows"]
    assert "1 rows" in found.remains[0].message
    assert found.certificate["gone"] is False


def test_tables_that_are_not_written_anew_are_not_certified(erased: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """As where a server refuses VACUUM to who does not own the tables, which it says in a warning alone."""
    monkeypatch.setattr(type(erased.auditing.erasing.remains), "renew", lambda _self: False)
    assert places(erased, erased.told.id, renew=True) == ["pages"]


def test_where_the_database_cannot_be_looked_at_the_erasure_is_told_all_the_same(
    club: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def down(*_: object) -> int:
        raise StoreUnavailable("down")

    club.member(5, id=ID)
    monkeypatch.setattr(type(club.auditing.erasing.remains), "kept", down)
    told = erase(club)
    assert told.id is not None
    assert "cannot be looked at" in told.not_yet_gone[0]


def test_what_is_no_erasure_has_no_certificate(club: Any) -> None:
    made = club.member(5).decision_id
    for id_ in (made, "nothing"):
        with pytest.raises(NotFound):
            certify(club.auditing, id_)


def test_every_connection_to_sqlite_overwrites_what_it_deletes(local_club: Any) -> None:
    with local_club.engine.connect() as one, local_club.engine.connect() as other:
        for connection in (one, other):
            assert connection.exec_driver_sql("PRAGMA secure_delete").scalar_one() == 1
