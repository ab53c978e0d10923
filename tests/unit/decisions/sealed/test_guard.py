"""The guard goes forward only, whoever writes it, and nothing is signed on a store that is behind it."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, update

from policy_service.decisions.ports.acts import LogState
from policy_service.decisions.sealed.guard import NOTHING, Guard, GuardRefused, Held
from policy_service.store.database import writing
from policy_service.store.tables import acts, log_entries, log_heads, log_tiles, unsealed
from tests.signed import NOON, ORIGIN

ROOT = Path(__file__).parents[4]
ONE, TWO, THREE = (LogState(n, f"{n:064}", n, f"{n:064}") for n in (1, 2, 3))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "log.guard"


def guard(path: Path | None) -> Guard:
    return Guard(path, ORIGIN)


# ---- the file


def test_where_there_is_no_file_nothing_was_seen(path: Path) -> None:
    assert guard(path).last() == NOTHING
    assert not path.exists()


def test_what_was_seen_is_known_to_the_next_process(path: Path) -> None:
    guard(path).advance(TWO, NOON)
    assert guard(path).last() == TWO
    assert path.stat().st_mode & 0o777 == 0o600
    found = json.loads(path.read_text("utf-8"))
    assert (found["origin"], found["size"], found["at"]) == (ORIGIN, 2, NOON)


def test_a_guard_goes_forward_only(path: Path) -> None:
    one, other = guard(path), guard(path)
    one.advance(TWO, NOON)
    other.advance(ONE, NOON)
    assert (one.last(), other.last()) == (TWO, TWO)
    other.advance(THREE, NOON)
    one.advance(TWO, NOON)
    assert (one.last(), guard(path).last()) == (THREE, THREE)


def test_heads_and_orders_go_forward_each_by_itself(path: Path) -> None:
    mine = guard(path)
    mine.advance(LogState(5, "5" * 64, 1, "1" * 64), NOON)
    mine.advance(LogState(4, "4" * 64, 2, "2" * 64), NOON)
    assert guard(path).last() == LogState(5, "5" * 64, 2, "2" * 64)


def test_another_root_of_the_same_size_is_not_learnt(path: Path) -> None:
    mine = guard(path)
    mine.advance(TWO, NOON)
    mine.advance(LogState(2, "f" * 64, 2, "f" * 64), NOON)
    assert guard(path).last() == TWO


def test_a_process_remembers_what_it_saw_when_the_file_is_taken_away(path: Path) -> None:
    mine = guard(path)
    mine.advance(TWO, NOON)
    path.unlink()
    assert mine.last() == TWO
    mine.advance(ONE, NOON)
    assert (mine.last(), guard(path).last()) == (TWO, TWO)


def test_without_a_file_a_process_remembers_by_itself() -> None:
    mine = guard(None)
    mine.advance(TWO, NOON)
    mine.advance(ONE, NOON)
    assert mine.last() == TWO
    mine.set_back(ONE, NOON)
    assert mine.last() == ONE


def test_a_guard_is_set_back_by_who_says_so(path: Path) -> None:
    mine = guard(path)
    mine.advance(THREE, NOON)
    mine.held = "set back"
    mine.set_back(ONE, NOON)
    assert (mine.held, mine.last(), guard(path).last()) == (None, ONE, ONE)


def test_while_it_is_held_nothing_may_be_signed(path: Path) -> None:
    mine = guard(path)
    mine.check()
    mine.held = "the store was set back"
    with pytest.raises(Held, match="set back"):
        mine.check()


GOOD: dict[str, Any] = {"origin": ORIGIN, "size": 1, "root": "0" * 64, "version": 1, "order": "0" * 64, "at": NOON}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        "[" * 100_000,
        "\0",
        *(json.dumps(GOOD | wrong) for wrong in (
            {"size": -1}, {"size": "1"}, {"size": 1.0}, {"size": True}, {"version": -1}, {"version": None},
            {"root": "0" * 63}, {"root": "x" * 64}, {"root": 0}, {"more": 1},
        )),
        *(json.dumps({key: GOOD[key] for key in GOOD if key != left_out}) for left_out in GOOD),
    ],
)  # fmt: skip
def test_a_file_that_is_no_guards_is_refused(path: Path, text: str) -> None:
    path.write_text(text)
    for act in (lambda: guard(path).last(), lambda: guard(path).advance(TWO, NOON)):
        with pytest.raises(GuardRefused, match="not written by this service"):
            act()
    assert path.read_text() == text, "it is left as it is"


def test_a_file_of_another_log_is_refused(path: Path) -> None:
    Guard(path, "other.example/policy").advance(TWO, NOON)
    with pytest.raises(GuardRefused, match="another log"):
        guard(path).last()
    with pytest.raises(GuardRefused, match="another log"):
        guard(path).advance(THREE, NOON)


def test_a_file_that_cannot_be_read_or_written_is_refused(path: Path, tmp_path: Path) -> None:
    path.mkdir()
    with pytest.raises(GuardRefused, match="cannot be read"):
        guard(path).last()
    with pytest.raises(GuardRefused, match="cannot be written"):
        guard(tmp_path / "none" / "log.guard").advance(ONE, NOON)


def test_a_write_that_is_broken_off_leaves_the_guard_that_was(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    guard(path).advance(ONE, NOON)

    def full(_: int) -> None:
        raise OSError(28, "no space left")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(GuardRefused, match="no space"):
            guard(path).advance(TWO, NOON)
    assert guard(path).last() == ONE


def test_two_processes_that_advance_at_once_leave_the_farthest(path: Path) -> None:
    program = (
        "import sys; from pathlib import Path\n"
        "from policy_service.decisions.sealed.guard import Guard, LogState\n"
        "print('ready', flush=True); sys.stdin.readline()\n"
        "guard, first = Guard(Path(sys.argv[1]), sys.argv[2]), int(sys.argv[3])\n"
        "last = 0\n"
        "for n in range(first, 200, 2):\n"
        "    guard.advance(LogState(n, f'{n:064}', n, ''), '')\n"
        "    assert guard.last().size >= max(n, last)\n"
        "    last = guard.last().size\n"
    )
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(path), ORIGIN, str(first)],
            env={"PYTHONPATH": str(ROOT)}, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for first in (1, 2)
    ]  # fmt: skip
    for process in processes:
        assert process.stdout is not None
        process.stdout.readline()
    for process in processes:
        process.communicate("go\n", timeout=60)
    assert [process.returncode for process in processes] == [0, 0]
    assert guard(path).last().size == 199


# ---- the store against it


def write(club: Any, *statements: Any) -> None:
    with writing(club.engine) as connection:
        for statement in statements:
            connection.execute(statement)


def cut(club: Any, size: int) -> None:
    """Set the log back to a size, as an older backup would be; its tiles too, which are of one level here."""
    hashes = club.auditing.log.tile(0, 0)
    write(
        club,
        delete(log_entries).where(log_entries.c.index >= size),
        delete(log_heads).where(log_heads.c.size > size),
        update(log_tiles).values(hashes=hashes[: 32 * size]),
    )


def sealed_twice(club: Any) -> None:
    for n in range(2):
        club.merchant(n)
        club.seal()


def test_the_guard_knows_each_head_as_soon_as_it_is_durable(club: Any) -> None:
    club.merchant(1)
    club.seal()
    head, known = club.auditing.log.head(), club.assembled.orders.known
    found = Guard(club.guard, club.settings.log_origin).last()
    assert found == LogState(head.size, head.root, known.version, known.leaf)


def test_a_store_that_was_set_back_is_signed_no_more(club: Any) -> None:
    sealed_twice(club)
    cut(club, 3)
    club.merchant(3)
    before = club.auditing.log.heads()
    with pytest.raises(Held, match="set back"):
        club.seal()
    with pytest.raises(Held, match="set back"):
        club.merchant(4)
    assert club.auditing.log.heads() == before
    assert club.auditing.log.waiting() == 1


def test_a_store_that_was_set_back_is_found_at_the_start(club: Any) -> None:
    sealed_twice(club)
    cut(club, 3)
    club.__post_init__()
    assert "set back" in club.assembled.orders.guard.held
    with pytest.raises(Held):
        club.merchant(4)


def test_a_store_that_lost_orders_is_found_at_the_start(club: Any) -> None:
    write(club, delete(acts).where(acts.c.version == 2))
    club.__post_init__()
    assert "1 orders" in club.assembled.orders.guard.held


def test_a_store_that_is_farther_than_the_guard_is_gone_on_with(club: Any, tmp_path: Path) -> None:
    """As where another host has sealed meanwhile."""
    earlier = club.guard.read_text()
    sealed_twice(club)
    club.guard.write_text(earlier)
    club.__post_init__()
    assert club.assembled.orders.guard.held is None
    assert Guard(club.guard, club.settings.log_origin).last().size == 4
    club.merchant(3)
    assert club.seal() == 1


def test_a_host_without_a_guard_learns_it_from_the_store(club: Any) -> None:
    sealed_twice(club)
    club.guard.unlink()
    club.__post_init__()
    assert club.assembled.orders.guard.held is None
    assert Guard(club.guard, club.settings.log_origin).last().size == 4


@pytest.mark.parametrize("text", ["", json.dumps(GOOD | {"origin": "other.example/policy"})])
def test_a_guard_that_cannot_be_used_holds_every_signature(club: Any, text: str) -> None:
    club.guard.write_text(text)
    club.__post_init__()
    assert "the guard" in club.assembled.orders.guard.held
    with pytest.raises(Held):
        club.merchant(1)


@pytest.mark.parametrize("restart", [True, False])
def test_another_log_of_the_same_length_is_not_signed(club: Any, restart: bool) -> None:
    sealed_twice(club)
    found = json.loads(club.guard.read_text())
    club.guard.write_text(json.dumps(found | {"root": "f" * 64}))
    if restart:
        club.__post_init__()
    else:
        club.assembled.orders.guard._last = NOTHING  # it has read the file alone
        club.merchant(1)
        with pytest.raises(Held):
            club.seal()
    assert "others than were signed" in club.assembled.orders.guard.held


def test_other_orders_of_the_same_number_are_not_signed(club: Any) -> None:
    found = json.loads(club.guard.read_text())
    club.guard.write_text(json.dumps(found | {"order": "f" * 64}))
    club.__post_init__()
    assert "order 2 is another" in club.assembled.orders.guard.held


HEADS = {
    "a root": {"root": "f" * 64},
    "a note": {"note": "nonsense"},
    "a size": {"size": 1_000_000},
}


@pytest.mark.parametrize("what", HEADS)
def test_the_guard_learns_no_head_that_the_log_has_not_signed(club: Any, what: str) -> None:
    """Else whoever writes the database could have it refuse the true log for ever after."""
    sealed_twice(club)
    club.guard.unlink()
    head = club.auditing.log.head()
    write(club, update(log_heads).where(log_heads.c.size == head.size).values(**HEADS[what]))
    club.__post_init__()
    assert "none that the log signed" in club.assembled.orders.guard.held
    assert not club.guard.exists()
    kept = {name: getattr(head, name) for name in HEADS[what].keys() | {"size"}}
    write(club, update(log_heads).where(log_heads.c.size >= head.size).values(**kept))
    club.__post_init__()
    assert club.assembled.orders.guard.held is None


def test_a_guard_that_cannot_be_written_stops_nothing_that_is_durable(
    club: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    club.merchant(1)

    def refuse(*_: object) -> None:
        raise GuardRefused("the guard cannot be written")

    monkeypatch.setattr(club.assembled.orders.guard, "advance", refuse)
    assert club.seal() == 1
    assert "cannot be written" in caplog.text


def test_a_store_that_was_set_back_is_held_though_nothing_waits(club: Any) -> None:
    sealed_twice(club)
    write(club, delete(unsealed))
    cut(club, 2)
    with pytest.raises(Held, match="set back"):
        club.auditing.sealer.seal()
    with pytest.raises(Held, match="set back"):
        club.merchant(1)
