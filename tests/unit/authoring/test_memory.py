"""The private folder of what earlier runs found: only what is surely ours and whole is read."""

import os
from pathlib import Path

import pytest

from policy_service.authoring import memory as module
from policy_service.authoring.memory import Memory, folder_of, key


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """A folder in which one entry is kept."""
    folder = tmp_path / "cache"
    memory = Memory(folder, "program")
    memory.keep("a", {"names": ["x"]})
    memory.save()
    return folder


def test_what_is_kept_is_there_the_next_time(kept: Path) -> None:
    assert Memory(kept, "program").get("a") == {"names": ["x"]}
    assert Memory(kept, "program").get("b") is None


def test_another_program_finds_nothing(kept: Path) -> None:
    assert Memory(kept, "another").get("a") is None


def test_folder_and_file_are_for_their_owner_alone(kept: Path) -> None:
    assert kept.stat().st_mode & 0o777 == 0o700
    assert [one.stat().st_mode & 0o777 for one in kept.iterdir()] == [0o600]


def test_nothing_is_written_before_it_is_saved_nor_where_nothing_is_new(tmp_path: Path, kept: Path) -> None:
    Memory(tmp_path / "new", "program").keep("a", True)
    assert list((tmp_path / "new").iterdir()) == []
    before = (kept / "program.json").stat().st_ino
    memory = Memory(kept, "program")
    memory.get("a")
    memory.save()
    assert (kept / "program.json").stat().st_ino == before


@pytest.mark.parametrize("mode", [0o750, 0o701, 0o777])
def test_a_folder_that_others_can_enter_is_neither_read_nor_written(kept: Path, mode: int) -> None:
    kept.chmod(mode)
    memory = Memory(kept, "program")
    assert memory.get("a") is None
    memory.keep("b", True)
    memory.save()
    kept.chmod(0o700)
    assert Memory(kept, "program").get("b") is None


def test_a_file_that_others_can_write_is_not_read(kept: Path) -> None:
    (kept / "program.json").chmod(0o620)
    assert Memory(kept, "program").get("a") is None


def test_what_belongs_to_another_user_is_not_read(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module.os, "geteuid", lambda: os.getuid() + 1)
    assert Memory(kept, "program").get("a") is None


def test_a_link_is_not_followed(kept: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(kept)
    assert Memory(tmp_path / "link", "program").get("a") is None
    (kept / "program.json").rename(tmp_path / "moved")
    (kept / "program.json").symlink_to(tmp_path / "moved")
    assert Memory(kept, "program").get("a") is None


@pytest.mark.parametrize("damaged", [b"", b"\n", b"{}", b"0" * 64 + b"\n{}", b"\x80\x04"])
def test_a_damaged_file_is_as_if_it_were_not_there_and_is_made_anew(kept: Path, damaged: bytes) -> None:
    (kept / "program.json").write_bytes(damaged)
    memory = Memory(kept, "program")
    assert memory.get("a") is None
    memory.keep("a", True)
    memory.save()
    assert Memory(kept, "program").get("a") is True


def test_every_byte_that_is_changed_is_noticed(kept: Path) -> None:
    file = kept / "program.json"
    whole = file.read_bytes()
    for at in range(len(whole)):
        file.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        assert Memory(kept, "program").get("a") is None


def test_beyond_the_bound_what_was_not_used_for_longest_goes(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_BYTES", 3000)
    memory = Memory(kept, "program")
    for number in range(40):
        memory.keep(f"{number}", "x" * 100)
        memory.get("a")
    memory.save()
    assert (kept / "program.json").stat().st_size < 3100
    found = Memory(kept, "program")
    assert found.get("a") is not None
    assert found.get("39") is not None
    assert found.get("0") is None


def test_of_programs_the_last_few_are_kept(kept: Path) -> None:
    for number in range(5):
        memory = Memory(kept, f"program{number}")
        memory.keep("a", True)
        memory.save()
        os.utime(kept / f"program{number}.json", (number + 1, number + 1))
    assert len(list(kept.iterdir())) == 3


def test_a_folder_that_cannot_be_made_or_written_holds_nothing(tmp_path: Path, kept: Path) -> None:
    (tmp_path / "file").write_text("")
    for memory in (Memory(tmp_path / "file" / "below", "program"), Memory(None, "program")):
        memory.keep("a", True)
        assert memory.get("a") is True
        memory.save()
    (kept / "new.json").mkdir()
    memory = Memory(kept, "new")
    memory.keep("a", True)
    memory.save()
    assert Memory(kept, "new").get("a") is None


def test_keys_tell_texts_apart_however_they_are_cut() -> None:
    assert len({key("ab", "c"), key("a", "bc"), key("abc"), key("ab", "c", "")}) == 4


def test_the_folder_is_that_of_the_setting_else_of_the_user() -> None:
    assert folder_of("off", {"HOME": "/u"}) is None
    assert folder_of("/tmp/x", {"HOME": "/u"}) == Path("/tmp/x")
    assert folder_of("auto", {"HOME": "/u"}) == Path("/u/.cache/policyctl")
    assert folder_of("auto", {"HOME": "/u", "XDG_CACHE_HOME": "/c"}) == Path("/c/policyctl")
    assert folder_of("auto", {}) is None
