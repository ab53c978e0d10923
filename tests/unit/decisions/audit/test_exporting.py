"""The whole log in a folder, and what a program that shares no code with the service finds in it."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, delete, insert, select, text, update

from policy_service.access.trail import Act
from policy_service.decisions.audit.exporting import ExportBlocked, Exported
from policy_service.decisions.ports.records import NotFound
from policy_service.store.database import writing
from policy_service.store.tables import acts, bundle_sources, bundles, decisions, log_entries, log_heads, log_tiles

TOOL = Path(__file__).parents[4] / "tools" / "verify_log.py"
BY = Act("wei", "修正")


@pytest.fixture
def full(club: Any) -> Any:
    """A log with decisions, orders of two kinds, an erasure, and several heads."""
    club.member(7, "u-1")
    club.merchant(3)
    club.seal()
    club.assembled.publishing.stop("club.hours", "badge", BY)
    club.merchant(12)
    club.member(8, "u-2", key="order-1")
    club.auditing.erasing.erase("member", "u-1", ticket="T-1", actor="wei")
    return club


@pytest.fixture
def local_full(local_club: Any) -> Any:
    """The same on SQLite alone, and smaller."""
    local_club.member(7, "u-1")
    local_club.assembled.publishing.stop("club.hours", "badge", BY)
    local_club.seal()
    local_club.merchant(3)
    local_club.seal()
    return local_club


def verified(club: Any, folder: Path) -> tuple[int, set[str]]:
    """Exit status of the program on an export, and the kinds of its findings."""
    command = [sys.executable, "-I", TOOL, folder, "--format", "json", "--key", club.auditing.keys.verifiers[0].text]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    assert found.returncode in (0, 1), found.stderr
    return found.returncode, {one["kind"] for one in json.loads(found.stdout)["findings"]}


def test_an_export_fits_and_has_all_of_the_log(full: Any, tmp_path: Path) -> None:
    steps: list[int] = []
    found = full.auditing.export_log(tmp_path / "log", steps.append)
    size = full.auditing.log.size()
    assert found == Exported(size, len(full.auditing.log.heads()), len(full.assembled.publishing.bundles.bundles()))
    assert steps == list(range(1, size + 1))
    assert verified(full, tmp_path / "log") == (0, set())
    lines = (tmp_path / "log" / "records" / f"{0:012}.ndjson").read_text("utf-8").splitlines()
    assert [json.loads(line)["body"].encode() for line in lines] == [
        full.auditing.log.bodies([entry])[entry.id] for entry in full.entries()
    ]


def test_hidden_values_terms_and_keys_of_requests_are_not_in_it(full: Any, tmp_path: Path) -> None:
    full.auditing.export_log(tmp_path / "log")
    written = b"".join(path.read_bytes() for path in (tmp_path / "log").rglob("*") if path.is_file())
    for hidden in (b"u-1", b"u-2", b"2022-02-03", b"order-1"):
        assert hidden not in written


def test_what_waits_is_not_in_it(local_full: Any, tmp_path: Path) -> None:
    waiting = str(local_full.merchant(9).decision_id)
    found = local_full.auditing.export_log(tmp_path / "log")
    assert found.size == local_full.auditing.log.size()
    assert waiting not in (tmp_path / "log" / "records" / f"{0:012}.ndjson").read_text("utf-8")


def test_a_log_of_more_than_a_tile_fits(local_club: Any, tmp_path: Path) -> None:
    for n in range(300):
        local_club.merchant(n % 7)
    local_club.seal()
    local_club.auditing.export_log(tmp_path / "log")
    assert {path.name for path in (tmp_path / "log" / "tile" / "0").iterdir()} == {"000", "001.p"}
    assert verified(local_club, tmp_path / "log") == (0, set())


# ---- refused


def test_before_the_first_head_there_is_nothing_to_export(
    make_club: Any, sqlite_store_url: Callable[[Path], str], tmp_path: Path
) -> None:
    with pytest.raises(NotFound, match="nothing is sealed"):
        make_club(sqlite_store_url(tmp_path / "new.db")).auditing.export_log(tmp_path / "log")
    assert not (tmp_path / "log").exists()


def test_a_folder_with_files_in_it_is_left_as_it_is(local_full: Any, tmp_path: Path) -> None:
    (tmp_path / "log").mkdir()
    (tmp_path / "log" / "mine").write_text("x")
    with pytest.raises(ExportBlocked, match="is not empty"):
        local_full.auditing.export_log(tmp_path / "log")
    assert [path.name for path in (tmp_path / "log").iterdir()] == ["mine"]


def test_a_place_that_is_no_folder_is_told(local_full: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(ExportBlocked, match="cannot be written: Not a directory"):
        local_full.auditing.export_log(tmp_path / "file" / "log")


# ---- what somebody did to the store is found in the export of it

INDEX = log_entries.c.index


def _at(index: int) -> Any:
    return select(log_entries.c.id).where(index == INDEX).scalar_subquery()


def _decision(connection: Connection) -> str:
    return str(connection.scalars(select(log_entries.c.id).where(log_entries.c.kind == "decision")).first())


def _body_changed(connection: Connection) -> None:
    one = connection.execute(select(decisions).where(decisions.c.id == _decision(connection))).one()
    changed = bytes(one.body).replace(b'"as_of":"2023-04-01"', b'"as_of":"2023-04-02"')
    connection.execute(update(decisions).where(decisions.c.id == one.id).values(body=changed))


def _record_deleted(connection: Connection) -> None:
    connection.execute(text("DELETE FROM private_values"))
    connection.execute(delete(decisions).where(decisions.c.id == _decision(connection)))


def _entry_deleted(connection: Connection) -> None:
    connection.execute(delete(log_entries).where(INDEX == 3))


def _entries_swapped(connection: Connection) -> None:
    for old, new in ((2, -1), (3, 2), (-1, 3)):
        connection.execute(update(log_entries).where(old == INDEX).values(index=new))


def _tile_changed(connection: Connection) -> None:
    tile = connection.scalars(select(log_tiles.c.hashes)).first()
    connection.execute(update(log_tiles).values(hashes=b"\0" * 32 + bytes(tile or b"")[32:]))


def _tile_deleted(connection: Connection) -> None:
    connection.execute(delete(log_tiles))


def _head_changed(connection: Connection) -> None:
    size = connection.scalars(select(log_heads.c.size)).first()
    note = connection.scalars(select(log_heads.c.note).where(log_heads.c.size == size)).one()
    connection.execute(
        update(log_heads).where(log_heads.c.size == size).values(note=note.replace(f"\n{size}\n", f"\n{size + 1}\n"))
    )


def _heads_cut(connection: Connection) -> None:
    last = connection.scalars(select(log_heads.c.size).order_by(log_heads.c.size.desc())).first()
    connection.execute(update(log_heads).where(log_heads.c.size == last).values(note="no note"))


def _receipt_of_another(connection: Connection) -> None:
    other = connection.scalars(select(acts.c.receipt)).first()
    connection.execute(update(decisions).where(decisions.c.id == _decision(connection)).values(receipt=other))


def _receipt_taken(connection: Connection) -> None:
    connection.execute(update(decisions).where(decisions.c.id == _decision(connection)).values(receipt=None))


def _receipt_garbled(connection: Connection) -> None:
    connection.execute(update(decisions).where(decisions.c.id == _decision(connection)).values(receipt="{"))


def _order_edited(connection: Connection) -> None:
    order = connection.execute(select(acts).where(acts.c.version == 3)).one()
    connection.execute(
        update(acts).where(acts.c.id == order.id).values(body=bytes(order.body).replace(b'"badge"', b'"other"'))
    )


def _order_deleted(connection: Connection) -> None:
    connection.execute(delete(acts).where(acts.c.version == 3))


def _rule_edited(connection: Connection) -> None:
    connection.execute(
        update(bundle_sources)
        .where(bundle_sources.c.path == "hours.yaml")
        .values(
            text=select(bundle_sources.c.text).where(bundle_sources.c.path == "facts.yaml").limit(1).scalar_subquery()
        )
    )


def _rule_added(connection: Connection) -> None:
    first = connection.scalars(select(bundles.c.id)).first()
    connection.execute(insert(bundle_sources), {"bundle": first, "path": "more.yaml", "text": "x"})


def _record_added(connection: Connection) -> None:
    one = connection.execute(select(decisions).where(decisions.c.id == _decision(connection))).one()._asdict()
    last = connection.execute(select(log_entries).order_by(INDEX.desc())).first()
    assert last is not None
    forged = "01873a5e-8400-7c3e-9f6b-2b1d6c0a4e11"
    connection.execute(insert(decisions), one | {"id": forged})
    connection.execute(
        update(log_entries).where(last.index == INDEX).values(kind="decision", id=forged, leaf=one["leaf"])
    )


MANIPULATIONS: dict[str, tuple[Callable[[Connection], None], set[str]]] = {
    "a body changed": (_body_changed, {"receipt"}),
    "a record deleted": (_record_deleted, {"line"}),
    "an entry deleted": (_entry_deleted, {"index"}),
    "two entries swapped": (_entries_swapped, {"tile"}),
    "a tile changed": (_tile_changed, {"tile"}),
    "the tiles deleted": (_tile_deleted, {"tile"}),
    "a head changed": (_head_changed, {"head"}),
    "the last head garbled": (_heads_cut, {"head"}),
    "a receipt of another record": (_receipt_of_another, {"receipt"}),
    "a receipt taken away": (_receipt_taken, {"receipt"}),
    "a receipt that is none": (_receipt_garbled, {"receipt"}),
    "an order edited": (_order_edited, {"receipt"}),
    "an order deleted": (_order_deleted, {"line", "decision"}),
    "a rule edited": (_rule_edited, {"bundle"}),
    "a rule added": (_rule_added, {"bundle"}),
    "a record put in the place of another": (_record_added, {"id"}),
}


@pytest.mark.parametrize("how", MANIPULATIONS)
def test_a_manipulation_of_the_store_is_found_in_its_export(local_full: Any, tmp_path: Path, how: str) -> None:
    manipulate, kinds = MANIPULATIONS[how]
    with writing(local_full.engine) as connection:
        connection.exec_driver_sql("PRAGMA defer_foreign_keys = on")
        manipulate(connection)
    local_full.auditing.export_log(tmp_path / "log")
    status, found = verified(local_full, tmp_path / "log")
    assert status == 1
    assert kinds <= found


@pytest.mark.parametrize("id_", ["sha256:../../escaped", "/escaped", "sha256:" + "A" * 64, ""])
def test_an_id_of_a_bundle_leads_nowhere_outside_the_folder(local_full: Any, tmp_path: Path, id_: str) -> None:
    with writing(local_full.engine) as connection:
        connection.execute(insert(bundles), {"id": id_, "label": None, "seen_at": "2023-04-01T00:00:00.000Z"})
    before = set(tmp_path.iterdir())
    local_full.auditing.export_log(tmp_path / "log")
    assert set(tmp_path.iterdir()) - before == {tmp_path / "log"}
    assert verified(local_full, tmp_path / "log") == (0, set())


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE log_tiles SET hashes = 'text'",
        "UPDATE decisions SET body = 'text'",
        "UPDATE log_heads SET note = 7 WHERE size > 3",
        "UPDATE decisions SET receipt = 7",
        """UPDATE decisions SET receipt = '{"a": "\\ud800"}'""",
        "UPDATE bundle_sources SET text = x'ff' WHERE path = 'hours.yaml'",
    ],
)
def test_what_has_another_type_than_is_due_is_exported_and_found(
    local_full: Any, tmp_path: Path, statement: str
) -> None:
    """SQLite takes any type in any column."""
    with writing(local_full.engine) as connection:
        connection.exec_driver_sql(statement)
    local_full.auditing.export_log(tmp_path / "log")
    assert verified(local_full, tmp_path / "log")[0] == 1
