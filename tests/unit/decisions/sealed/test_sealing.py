"""The sealer: gapless indices in order of arrival, the tree, and signed heads, whoever else seals at the same time."""

import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import insert, select, text, update

from policy_service.decisions.ports.log import Extension
from policy_service.decisions.ports.records import StoreRefused, StoreUnavailable
from policy_service.decisions.sealed.sealing import Sealer, StoredTiles
from policy_service.decisions.sealed.signing import LogKeys
from policy_service.proofs import keys, notes, tree
from policy_service.proofs.tiles import TileNodes, TreeDamaged
from policy_service.proofs.tree import leaf_hash, root_of
from policy_service.store import connect, log, migrate, migrations
from policy_service.store.database import writing
from policy_service.store.tables import decisions, log_tiles, unsealed

HERE = Path(__file__).parent
ROOT = HERE.parents[3]


def leaves(club: Any) -> list[bytes]:
    return [bytes.fromhex(one.leaf) for one in club.auditing.log.entries(0, 10_000)]


def is_whole(club: Any, size: int) -> None:
    """Indices without a gap, each record once, and the root of every head that of a tree made from the records."""
    sealed = club.auditing.log
    entries = sealed.entries(0, 10_000)
    assert [one.index for one in entries] == list(range(size))
    bodies = sealed.bodies(entries)
    assert len(bodies) == size
    hashes = [leaf_hash(bodies[one.id]) for one in entries]
    assert [one.leaf for one in entries] == [one.hex() for one in hashes]
    for head in sealed.heads(0, 10_000):
        signed = notes.open_head(head.note, club.auditing.keys.verifiers, club.settings.log_origin)
        assert (signed.size, signed.root) == (head.size, root_of(hashes[: head.size]))
        assert head.root == signed.root.hex()
    assert sealed.size() == size
    assert (sealed.head().size if size else sealed.head()) == (size or None)
    assert club.auditing.verify().findings == ()


def test_records_get_indices_in_the_order_in_which_they_came(club: Any) -> None:
    ids = [club.merchant(n).decision_id for n in range(5)]
    assert club.auditing.log.size() == 0
    assert club.auditing.log.waiting() == 5
    assert club.seal() == 5
    ids += [club.merchant(n).decision_id for n in range(3)]
    assert club.seal() == 3
    assert [one.id for one in club.entries()] == ids
    assert club.auditing.log.waiting() == 0
    assert club.auditing.log.waiting_since() is None
    is_whole(club, 8)


def test_nothing_is_sealed_where_nothing_waits(club: Any) -> None:
    assert club.seal() == 0
    assert club.auditing.log.head() is None


def test_an_entry_says_when_and_about_which_day_its_record_was_made(club: Any) -> None:
    found = club.merchant(1, as_of="2023-02-03")
    assert club.auditing.log.waiting_since() == found.answer["decided_at"]
    club.seal()
    one = club.entries()[0]
    assert (one.kind, one.id, one.at, one.as_of) == (
        "decision", found.decision_id, found.answer["decided_at"], "2023-02-03"
    )  # fmt: skip
    assert found.answer["receipt"]["digest"] == f"sha256:{one.leaf}"


def test_the_tree_is_that_of_the_records_at_every_size_across_the_border_of_a_tile(local_club: Any) -> None:
    club, sizes = local_club, (1, 2, 200, 53, 1, 1, 1, 2, 40)
    for some in sizes:
        for n in range(some):
            club.merchant(n % 20)
        assert club.auditing.sealer.seal() == some
    is_whole(club, sum(sizes))
    nodes, hashes = TileNodes(StoredTiles(club.auditing.log)), leaves(club)
    for size in (1, 3, 255, 256, 257, 258, 301):
        assert tree.root(nodes, size) == root_of(hashes[:size])
    for index in (0, 254, 255, 256, 300):
        found = club.auditing.proof(club.entries()[index].id)
        step = found.inclusion
        assert tree.verify_inclusion(found.leaf, step.index, step.size, step.hashes, bytes.fromhex(found.head.root))
    _, hashes_between = club.auditing.consistency(203, 301)
    assert tree.verify_consistency(203, 301, hashes_between, root_of(hashes[:203]), root_of(hashes))


def test_what_waits_is_sealed_a_portion_at_a_time(club: Any) -> None:
    for n in range(7):
        club.merchant(n)
    assert [club.auditing.sealer.seal(3) for _ in range(4)] == [3, 3, 1, 0]
    assert [one.size for one in club.auditing.log.heads()] == [3, 6, 7]
    is_whole(club, 7)


def test_the_record_of_an_erasure_is_sealed(club: Any) -> None:
    club.member(5)
    erased = club.auditing.erasing.erase("member", "u-1", ticket="T-1", actor="op")
    assert [(one.kind, one.id) for one in club.entries()][1:] == [("erasure", erased.id)]
    assert club.entries()[1].as_of is None
    is_whole(club, 2)


# ---- keys


def test_during_a_rotation_both_keys_sign_and_after_it_the_old_one_is_still_trusted(club: Any, tmp_path: Path) -> None:
    origin = club.settings.log_origin
    old = club.auditing.keys.signers[0]
    new = keys.make(tmp_path / "new.pem", origin)
    for signers in ((old,), (old, new), (new, old), (new,)):
        club.merchant(1)
        Sealer(club.auditing.log, LogKeys(origin, signers), now=club.now).seal_all()
    signed = [notes.opened(head.note, (old.verifier, new.verifier))[1] for head in club.auditing.log.heads()]
    assert [set(one) for one in signed] == [
        {old.verifier}, {old.verifier, new.verifier}, {old.verifier, new.verifier}, {new.verifier}
    ]  # fmt: skip
    both = club.auditing.verify(verifiers=(new.verifier, old.verifier))
    assert both.findings == ()
    only_new = club.auditing.verify(verifiers=(new.verifier,))
    assert [(one.kind, one.index) for one in only_new.findings] == [("head-refused", 0)]


# ---- several sealers


class Beaten:
    """A log in which another sealer comes between two readings of the one under test."""

    def __init__(self, club: Any, at: str) -> None:
        self._club, self._at, self._done = club, at, False

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._club.auditing.log, name)

        def beaten(*given: Any) -> Any:
            if name == self._at and not self._done:
                self._done = True
                self._club.merchant(19)
                assert self._club.seal()
            return found(*given)

        return beaten


@pytest.mark.parametrize("already", [0, 3, 255])
@pytest.mark.parametrize("at", ["size", "unsealed", "tile", "extend"])
def test_a_sealer_that_another_one_beats_adds_nothing_and_complains_of_nothing(
    local_club: Any, at: str, already: int
) -> None:
    club = local_club
    for n in range(already):
        club.merchant(n % 20)
    club.seal()
    for n in range(3):
        club.merchant(n)
    mine = Sealer(Beaten(club, at), club.auditing.keys, now=club.now)
    assert mine.seal() in (None, 0)
    is_whole(club, already + 4)


def test_sealers_in_threads_seal_everything_once(club: Any) -> None:
    """Each thread decides and seals; where it is beaten, the winner has sealed."""
    faults: list[BaseException] = []

    def work() -> None:
        try:
            for n in range(15):
                club.merchant(n)
                club.auditing.sealer.seal(4)
            club.auditing.sealer.seal_all()
        except Exception as fault:  # noqa: BLE001  told below
            faults.append(fault)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert faults == []
    is_whole(club, 60)


def test_sealers_in_processes_seal_everything_once(club: Any, url: str) -> None:
    for n in range(120):
        club.merchant(n % 20)
    command_ = [sys.executable, str(HERE / "sealing_beside.py"), url, str(club.key)]
    processes = [
        subprocess.Popen(
            command_, env={"PYTHONPATH": str(ROOT)}, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    told = []
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in processes:
        told.append(process.communicate(timeout=120)[0])
    assert [process.returncode for process in processes] == [0, 0]
    assert sum(map(int, told)) == 120
    is_whole(club, 120)


# ---- what fails


def test_a_store_that_fails_in_the_middle_of_a_seal_keeps_nothing_of_it(
    club: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    club.merchant(1)
    club.seal()
    club.member(2)
    real = log._extend

    def half(connection: Any, extension: Extension) -> bool:
        real(connection, extension)
        raise StoreUnavailable("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(log, "_extend", half)
        with pytest.raises(StoreUnavailable):
            club.seal()
    assert club.auditing.log.waiting() == 1
    is_whole(club, 1)
    assert club.seal() == 1
    is_whole(club, 2)


def test_a_damaged_tree_is_told_and_nothing_is_sealed_over_it(club: Any) -> None:
    club.merchant(1)
    club.seal()
    club.merchant(2)
    with club.engine.connect() as connection:
        connection.execute(update(log_tiles).values(hashes=b""))
        connection.commit()
    with pytest.raises(TreeDamaged):
        club.seal()
    assert club.auditing.log.size() == 1


def test_a_sealed_record_that_waits_again_is_told_and_not_sealed_twice(club: Any) -> None:
    found = club.merchant(1)
    club.seal()
    with club.engine.connect() as connection:
        connection.execute(insert(unsealed).values(kind="decision", id=found.decision_id))
        connection.commit()
    with pytest.raises(StoreRefused):
        club.seal()
    assert club.auditing.log.size() == 1


def test_a_changed_private_value_does_not_keep_a_record_from_being_sealed(club: Any) -> None:
    found = club.member(5)
    with club.engine.connect() as connection:
        connection.execute(text("UPDATE private_values SET pointer = '/nowhere' WHERE pointer LIKE '%points'"))
        connection.commit()
    assert club.seal() == 1
    assert {one.kind for one in club.auditing.verify().findings} == {"private-value-altered"}
    assert club.entries()[0].id == found.decision_id


# ---- records older than the log


def migrate_to(engine: Any, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    with writing(engine) as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Of a database without tables."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/old.db"
    found: str = request.getfixturevalue("postgresql_url")
    return found


def test_records_of_before_the_log_are_sealed_in_the_order_in_which_they_were_made(
    empty_url: str, make_club: Any, local_club: Any
) -> None:
    bodies = []
    for n in range(3):
        id_ = local_club.merchant(n).decision_id
        bodies.append((id_, local_club.auditing.decisions.decision(id_)))
    engine = connect(empty_url)
    migrate_to(engine, "0003")
    with engine.connect() as connection:
        bundle = bodies[0][1].bundle
        connection.execute(
            text("INSERT INTO bundles (id, label, seen_at) VALUES (:id, 'x', '2023-01-01T00:00:00.000Z')"),
            {"id": bundle},
        )
        for path, source in local_club.rules.sources.items():
            connection.execute(
                text("INSERT INTO bundle_sources (bundle, path, text) VALUES (:bundle, :path, :text)"),
                {"bundle": bundle, "path": path, "text": source},
            )
        for id_, record in reversed(bodies):
            connection.execute(
                text(
                    "INSERT INTO decisions (id, decided_at, bundle, as_of, merchant_id, body)"
                    " VALUES (:id, :at, :bundle, :as_of, 'm-1', :body)"
                ),
                {"id": id_, "at": record.decided_at, "bundle": bundle, "as_of": record.as_of, "body": record.body},
            )
        connection.commit()
    migrate(engine)
    engine.dispose()
    club = make_club(empty_url)
    assert club.auditing.log.waiting() == 3
    newer = club.merchant(9).decision_id
    assert club.seal() == 4
    assert [one.id for one in club.entries()] == [*(id_ for id_, _ in bodies), newer]
    with club.engine.connect() as connection:
        assert connection.scalars(select(decisions.c.leaf).where(decisions.c.id == bodies[0][0])).one() is None
    is_whole(club, 4)


# ---- beside the requests


def test_the_thread_seals_what_waits_until_it_is_closed(club: Any) -> None:
    sealer = Sealer(club.auditing.log, club.auditing.keys, now=club.now, seconds=0.01)
    sealer.start()
    sealer.start()
    try:
        club.merchant(1)
        for _ in range(3000):
            if club.auditing.log.size():
                break
            threading.Event().wait(0.01)
    finally:
        sealer.close()
    assert not [thread for thread in threading.enumerate() if thread.name == "sealer"]
    is_whole(club, 1)
    sealer.close()


def test_the_thread_outlives_a_store_that_fails(local_club: Any, caplog: pytest.LogCaptureFixture) -> None:
    failed = threading.Event()

    class Down:
        def __getattr__(self, name: str) -> Any:
            if not failed.is_set():
                failed.set()
                raise StoreUnavailable("down")
            return getattr(local_club.auditing.log, name)

    sealer = Sealer(Down(), local_club.auditing.keys, now=local_club.now, seconds=0.01)
    local_club.merchant(1)
    sealer.start()
    try:
        for _ in range(3000):
            if local_club.auditing.log.size():
                break
            threading.Event().wait(0.01)
    finally:
        sealer.close()
    assert failed.is_set()
    assert "the log cannot be sealed now" in caplog.text
    is_whole(local_club, 1)
