"""The pusher: heads reach witnesses and the folder, what contradicts the store is an alarm, and nothing else waits."""

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import delete, insert, update

from policy_service.decisions.ports.cosignatures import KeptCosignature
from policy_service.decisions.ports.log import SignedHead
from policy_service.decisions.ports.records import StoreUnavailable
from policy_service.decisions.ports.witnesses import Unreachable, WitnessAnswer
from policy_service.decisions.sealed import asking
from policy_service.decisions.sealed.pushing import ASK_AGAIN_SECONDS, Pusher
from policy_service.outside.folder import Folder
from policy_service.outside.witnesses import HttpWitness
from policy_service.proofs import notes
from policy_service.proofs.cosignatures import WitnessKey, cosign, verified
from policy_service.proofs.keys import FileSigner
from policy_service.store import SqlCosignatureStore
from policy_service.store.database import writing
from policy_service.store.tables import log_heads, log_tiles
from tools import witness as program

NAME = "witness.example/w1"
PLACE = f"witness {NAME}"
BEGUN = 2
"""Acts at the beginning of a club's log, which are sealed."""


class Ours:
    """A witness of our program, on a server of this machine, with what it was asked."""

    def __init__(self, folder: Path, log: str, name: str = NAME) -> None:
        program.new(folder, name)
        self.own, self.memory = program.loaded(folder, [log])
        self.server = program.Server("127.0.0.1", 0, self.own)
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        self.thread.start()
        self.key = WitnessKey.parse(self.own.key.text)
        self._over_http = HttpWitness(self.key, f"http://127.0.0.1:{self.server.server_address[1]}")
        self.asked: list[int] = []

    def add_checkpoint(self, old: int, proof: Sequence[bytes], note: str) -> WitnessAnswer:
        self.asked.append(old)
        return self._over_http.add_checkpoint(old, proof, note)

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()
        self.memory.close()


@pytest.fixture
def ours(local_club: Any, tmp_path: Path) -> Iterator[Ours]:
    found = Ours(tmp_path / "witness", local_club.auditing.keys.verifiers[0].text)
    yield found
    found.close()


class Clock:
    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


Make = Callable[..., Pusher]


@pytest.fixture
def make(local_club: Any, clock: Clock) -> Make:
    def pusher(*witnesses: Any, folder: Path | None = None, **changes: Any) -> Pusher:
        log, keys = local_club.auditing.log, local_club.auditing.keys
        kept = SqlCosignatureStore(local_club.engine)
        shelf = None if folder is None else Folder(folder)
        return Pusher(log, keys, kept, witnesses, shelf, now=local_club.now, elapsed=clock, **changes)

    return pusher


def grown(club: Any, records: int) -> SignedHead:
    """The head after so many more records."""
    for n in range(records):
        club.merchant(n)
    club.seal()
    found: SignedHead = club.auditing.log.head()
    return found


def set_back(club: Any, size: int) -> Callable[[], None]:
    """The log without what came after a size, as a backup would bring it back; what puts the rest in again."""
    log = club.auditing.log
    tile = log.tile(0, 0)
    gone = [one for one in log.heads() if one.size > size]
    with writing(club.engine) as connection:
        connection.execute(delete(log_heads).where(log_heads.c.size > size))
        connection.execute(update(log_tiles).where(log_tiles.c.level == 0).values(hashes=tile[: 32 * size]))

    def again() -> None:
        with writing(club.engine) as connection:
            connection.execute(update(log_tiles).where(log_tiles.c.level == 0).values(hashes=tile))
            rows = [{"size": one.size, "root": one.root, "at": one.at, "note": one.note} for one in gone]
            connection.execute(insert(log_heads), rows)

    return again


# ---- witnesses


def test_the_newest_head_is_cosigned_and_its_cosignature_is_kept(local_club: Any, make: Make, ours: Ours) -> None:
    pusher = make(ours)
    assert pusher.push()[PLACE].size == BEGUN
    for records, size in ((3, 5), (4, 9), (1, 10)):
        head = grown(local_club, records)
        assert pusher.push()[PLACE].outcome == "cosigned"
        assert [one.key for one in verified(pusher.cosigned(head), [ours.key])] == [ours.key]
        (kept,) = pusher.kept.of_head(size)
        assert (kept.size, kept.key) == (size, ours.key.label)
    assert ours.asked == [0, 2, 5, 9]
    assert pusher.alarms == ()


def test_before_the_first_head_nothing_is_shown(
    make_club: Callable[[str], Any], sqlite_store_url: Callable[[Path], str], tmp_path: Path
) -> None:
    club, shelf, witness = make_club(sqlite_store_url(tmp_path / "new.db")), tmp_path / "heads", Scripted(Unreachable())
    shelf.mkdir()
    log, keys, kept = club.auditing.log, club.auditing.keys, SqlCosignatureStore(club.engine)
    pusher = Pusher(log, keys, kept, [witness], Folder(shelf), now=club.now)
    assert pusher.push()["folder"].outcome == "nothing"
    assert (witness.asked, list(shelf.iterdir())) == (0, [])


def test_heads_that_were_not_pushed_are_passed_over(local_club: Any, make: Make, ours: Ours) -> None:
    pusher = make(ours)
    for _ in range(3):
        head = grown(local_club, 2)
    assert pusher.push()[PLACE].size == BEGUN + 6 == head.size
    assert pusher.kept.of_head(BEGUN + 2) == []


def test_what_is_cosigned_is_asked_again_only_now_and_then(
    local_club: Any, make: Make, ours: Ours, clock: Clock
) -> None:
    pusher = make(ours)
    grown(local_club, 3)
    for _ in range(3):
        pusher.push()
    assert ours.asked == [0]
    clock.seconds = ASK_AGAIN_SECONDS
    pusher.push()
    assert ours.asked == [0, BEGUN + 3]


def test_another_process_asks_once_for_itself_and_finds_all_well(local_club: Any, make: Make, ours: Ours) -> None:
    grown(local_club, 3)
    make(ours).push()
    other = make(ours)
    other.push()
    other.push()
    assert ours.asked == [0, BEGUN + 3]
    assert other.alarms == ()


def test_a_witness_that_remembers_another_size_than_the_store_is_asked_from_there(
    local_club: Any, make: Make, ours: Ours
) -> None:
    grown(local_club, 3)
    pusher = make(ours)
    pusher.push()
    with writing(local_club.engine) as connection:
        connection.exec_driver_sql("DELETE FROM cosignatures")
    grown(local_club, 2)
    assert pusher.push()[PLACE].outcome == "cosigned"
    assert ours.asked == [0, 0, BEGUN + 3]


def test_a_store_that_was_set_back_is_an_alarm_until_it_is_whole_again(
    local_club: Any, make: Make, ours: Ours, caplog: pytest.LogCaptureFixture
) -> None:
    grown(local_club, 3)
    grown(local_club, 4)
    make(ours).push()
    again = set_back(local_club, BEGUN + 3)
    pusher = make(ours)
    with caplog.at_level(logging.INFO):
        for _ in range(3):
            assert pusher.push()[PLACE].outcome == "behind"
    assert pusher.alarms == (f"{PLACE}: it has seen a log of 9 records, the store has 5: the store was set back",)
    told = [record for record in caplog.records if "contradicted" in record.getMessage()]
    assert [record.levelname for record in told] == ["ERROR"]
    again()
    assert pusher.push()[PLACE].outcome == "cosigned"
    assert pusher.alarms == ()


def test_a_store_that_was_set_back_while_it_ran_is_found_out_without_a_new_head(
    local_club: Any, make: Make, ours: Ours, clock: Clock
) -> None:
    grown(local_club, 3)
    pusher = make(ours)
    pusher.push()
    grown(local_club, 4)
    pusher.push()
    set_back(local_club, BEGUN + 3)
    clock.seconds = ASK_AGAIN_SECONDS
    assert pusher.push()[PLACE].outcome == "behind"


def test_another_history_of_the_same_key_is_an_alarm(
    local_club: Any, make: Make, ours: Ours, caplog: pytest.LogCaptureFixture
) -> None:
    grown(local_club, 3)
    pusher = make(ours)
    pusher.push()
    keys = local_club.auditing.keys
    forged = notes.Head(keys.origin, BEGUN + 3, b"\1" * 32)
    with writing(local_club.engine) as connection:
        note = notes.sign_head(forged, keys.signers)
        connection.execute(
            update(log_heads).where(log_heads.c.size == forged.size).values(root=forged.root.hex(), note=note)
        )
    assert make(ours).push()[PLACE].outcome == "forked"
    assert "does not continue" in caplog.text


def test_a_tree_that_lacks_hashes_is_an_alarm(local_club: Any, make: Make, ours: Ours) -> None:
    grown(local_club, 3)
    pusher = make(ours)
    pusher.push()
    grown(local_club, 4)
    with writing(local_club.engine) as connection:
        connection.execute(update(log_tiles).values(hashes=b""))
    assert pusher.push()[PLACE].outcome == "damaged"
    assert len(pusher.alarms) == 1


class Scripted:
    """A witness that answers what it is told to."""

    def __init__(self, *said: WitnessAnswer | Exception, before: Callable[[], None] = lambda: None) -> None:
        self.key = WitnessKey(NAME, Ed25519PrivateKey.from_private_bytes(b"5" * 32).public_key().public_bytes_raw())
        self._said, self._before = list(said), before
        self.asked = 0

    def add_checkpoint(self, old: int, proof: Sequence[bytes], note: str) -> WitnessAnswer:
        self.asked += 1
        self._before()
        one = self._said.pop(0) if len(self._said) > 1 else self._said[0]
        if isinstance(one, Exception):
            raise one
        return one


def test_a_witness_that_is_away_is_told_once_and_then_that_it_is_back(
    local_club: Any, make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    grown(local_club, 1)
    head = local_club.auditing.log.head()
    line = cosign(notes.parse(head.note).text, NAME, Ed25519PrivateKey.from_private_bytes(b"5" * 32), 1)
    back = WitnessAnswer("cosigned", lines=(line,))
    pusher = make(Scripted(Unreachable("away"), Unreachable("away"), back))
    with caplog.at_level(logging.INFO):
        found = [pusher.push()[PLACE].outcome for _ in range(3)]
    assert found == ["unreachable", "unreachable", "cosigned"]
    assert pusher.alarms == ()
    told = [(record.levelname, record.getMessage()) for record in caplog.records if "pushed to" in record.getMessage()]
    assert told == [
        ("WARNING", f"a head could not be pushed to {PLACE}: unreachable: away"),
        ("INFO", f"heads are pushed to {PLACE} again"),
    ]


OTHERS = cosign("other\n", NAME, Ed25519PrivateKey.from_private_bytes(b"5" * 32), 1)


@pytest.mark.parametrize(
    "lines", [(), ("text\n",), (OTHERS,), (cosign("x\n", "w2", Ed25519PrivateKey.from_private_bytes(b"6" * 32), 1),)]
)
def test_what_is_no_cosignature_of_the_witness_is_not_kept(local_club: Any, make: Make, lines: tuple[str, ...]) -> None:
    head = grown(local_club, 1)
    pusher = make(Scripted(WitnessAnswer("cosigned", lines=lines)))
    assert pusher.push()[PLACE].outcome == "invalid"
    assert pusher.kept.of_head(head.size) == []


def test_a_witness_that_refuses_is_no_alarm(local_club: Any, make: Make) -> None:
    grown(local_club, 1)
    pusher = make(Scripted(WitnessAnswer("refused", reason="it answers 404")))
    assert (pusher.push()[PLACE].outcome, pusher.alarms) == ("refused", ())


def test_a_witness_to_which_another_process_showed_a_newer_head_meanwhile_is_no_alarm(
    local_club: Any, make: Make
) -> None:
    grown(local_club, 1)
    newer = Scripted(WitnessAnswer("other_size", size=3), before=lambda: grown(local_club, 2))
    assert make(newer).push()[PLACE].outcome == "late"
    assert newer.asked == asking._TRIES


def test_one_place_that_fails_keeps_no_other_from_its_head(
    local_club: Any, make: Make, ours: Ours, tmp_path: Path
) -> None:
    grown(local_club, 3)
    away = Scripted(Unreachable("away"))
    away.key = WitnessKey("witness.example/away", bytes(32))
    shelf = tmp_path / "heads"
    shelf.mkdir()
    found = make(away, ours, folder=shelf).push()
    assert {place: asked.outcome for place, asked in found.items()} == {
        "witness witness.example/away": "unreachable",
        PLACE: "cosigned",
        "folder": "kept",
    }


# ---- what the store holds is not believed


def test_a_cosignature_that_somebody_wrote_into_the_store_is_neither_shown_nor_believed(
    local_club: Any, make: Make, ours: Ours
) -> None:
    head = grown(local_club, 3)
    pusher = make(ours)
    forged = cosign(notes.parse(head.note).text, NAME, Ed25519PrivateKey.from_private_bytes(b"6" * 32), 1)
    data = notes.parse(f"x\n\n{forged}").signatures[0].value
    line = f"— {NAME} {notes.base64(ours.key.id + data)}\n"
    pusher.push()
    for one in (line, "", "— x y\n", "\n\n— evil\n"):
        pusher.kept.keep(KeptCosignature(head.size, ours.key.label, one, head.at))
        assert pusher.cosigned(head) == head.note
        opened = notes.open_head(pusher.cosigned(head), local_club.auditing.keys.verifiers, "policy-service")
        assert opened.size == head.size
        pusher.push()  # it is asked again, since the head has no cosignature of it
        assert len(verified(pusher.cosigned(head), [ours.key])) == 1
    assert ours.asked == [0, *[head.size] * 4]


def test_a_size_that_somebody_wrote_into_the_store_is_no_more_than_a_guess(
    local_club: Any, make: Make, ours: Ours
) -> None:
    grown(local_club, 3)
    pusher = make(ours)
    pusher.kept.keep(KeptCosignature(2**60, ours.key.label, "x", "now"))
    assert pusher.push()[PLACE].outcome == "cosigned"
    assert pusher.alarms == ()


# ---- the folder


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    found = tmp_path / "heads"
    found.mkdir()
    return found


def file(shelf: Path, size: int) -> Path:
    return shelf / f"{size:020d}.txt"


def test_the_newest_head_is_put_into_the_folder_with_its_cosignatures(
    local_club: Any, make: Make, ours: Ours, shelf: Path
) -> None:
    pusher = make(ours, folder=shelf)
    for records, size in ((3, 5), (2, 7)):
        head = grown(local_club, records)
        assert [pusher.push()["folder"].outcome for _ in range(2)] == ["kept", "kept"]
        assert file(shelf, size).read_text() == pusher.cosigned(head)
        assert len(verified(file(shelf, size).read_text(), [ours.key])) == 1
    assert len(list(shelf.iterdir())) == 2


def test_another_process_leaves_the_file_as_it_is(local_club: Any, make: Make, ours: Ours, shelf: Path) -> None:
    head = grown(local_club, 3)
    make(folder=shelf).push()
    assert make(ours, folder=shelf).push()["folder"].outcome == "kept"
    assert file(shelf, BEGUN + 3).read_text() == head.note


@pytest.mark.parametrize("running", [True, False])
def test_the_folder_tells_of_a_store_that_was_set_back(local_club: Any, make: Make, shelf: Path, running: bool) -> None:
    grown(local_club, 3)
    grown(local_club, 4)
    pusher = make(folder=shelf)
    pusher.push()
    again = set_back(local_club, BEGUN + 3)
    pusher = pusher if running else make(folder=shelf)
    assert pusher.push()["folder"].outcome == "behind"
    assert pusher.alarms == ("folder: it has seen a log of 9 records, the store has 5: the store was set back",)
    again()
    assert pusher.push()["folder"].outcome == "kept"


def test_the_folder_tells_of_another_history(local_club: Any, make: Make, shelf: Path) -> None:
    grown(local_club, 3)
    keys = local_club.auditing.keys
    file(shelf, BEGUN + 3).write_text(notes.sign_head(notes.Head(keys.origin, BEGUN + 3, b"\1" * 32), keys.signers))
    pusher = make(folder=shelf)
    assert pusher.push()["folder"].outcome == "forked"
    assert pusher.push()["folder"].outcome == "forked"


@pytest.mark.parametrize("signed", [True, False])
def test_a_file_that_is_no_head_of_this_log_is_no_alarm(local_club: Any, make: Make, shelf: Path, signed: bool) -> None:
    grown(local_club, 3)
    stranger = FileSigner("policy-service", Ed25519PrivateKey.generate())
    head = notes.Head("policy-service", BEGUN + 9, b"\1" * 32)
    for size in (BEGUN + 3, BEGUN + 9):
        file(shelf, size).write_text(notes.sign_head(head, [stranger]) if signed else "")
    pusher = make(folder=shelf)
    assert (pusher.push()["folder"].outcome, pusher.alarms) == ("refused", ())


@pytest.mark.parametrize("changes", [{"note": "no note"}, {"root": "1" * 64}])
def test_a_head_that_somebody_wrote_into_the_store_is_not_put_into_the_folder(
    local_club: Any, make: Make, ours: Ours, shelf: Path, changes: dict[str, str]
) -> None:
    grown(local_club, 3)
    with writing(local_club.engine) as connection:
        connection.execute(update(log_heads).values(**changes))
    assert make(ours, folder=shelf).push()["folder"].outcome == "damaged"
    assert list(shelf.iterdir()) == []


def test_a_folder_that_is_not_there_is_tried_again(local_club: Any, make: Make, tmp_path: Path) -> None:
    grown(local_club, 3)
    pusher = make(folder=tmp_path / "unmounted")
    assert pusher.push()["folder"].outcome == "unreachable"
    (tmp_path / "unmounted").mkdir()
    assert pusher.push()["folder"].outcome == "kept"


# ---- beside the requests


def test_the_thread_pushes_until_it_is_closed_and_outlives_a_store_that_fails(
    local_club: Any, make: Make, ours: Ours, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    grown(local_club, 3)
    pusher, pushed, failed = make(ours, seconds=0.01), threading.Event(), threading.Event()
    keep = pusher.kept.keep

    def fails_first(found: KeptCosignature) -> None:
        if not failed.is_set():
            failed.set()
            raise StoreUnavailable("down")
        keep(found)
        pushed.set()

    monkeypatch.setattr(pusher.kept, "keep", fails_first)
    pusher.start()
    assert pushed.wait(60)
    pusher.close()
    assert "pusher: unavailable: down" in caplog.text
    assert not [thread for thread in threading.enumerate() if thread.name == "pusher"]


def test_without_a_place_to_push_to_there_is_no_thread(make: Make) -> None:
    pusher = make(seconds=0.01)
    pusher.start()
    assert not [thread for thread in threading.enumerate() if thread.name == "pusher"]
    pusher.close()
