"""A folder of heads: a file is written once and never changed."""

import os
import stat
from pathlib import Path
from typing import Any

import pytest

from policy_service.decisions.ports.witnesses import Unreachable
from policy_service.outside.folder import Folder


def test_a_file_is_written_once_and_stays_as_it_is(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    assert folder.put(7, "seven\n") is None
    assert folder.put(7, "other\n") == "seven\n"
    assert (tmp_path / "00000000000000000007.txt").read_text() == "seven\n"
    assert (tmp_path / "00000000000000000007.txt").stat().st_mode & 0o222 == 0


def test_the_largest_is_found_among_what_else_is_there(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    assert folder.largest() is None
    for size in (7, 2**62, 9):
        folder.put(size, f"{size}\n")
    (tmp_path / "zzz.txt").write_text("no head")
    (tmp_path / f"{'9' * 21}.txt").write_text("no head")
    assert folder.largest() == (2**62, f"{2**62}\n")


def test_what_is_no_text_is_read_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "00000000000000000007.txt").write_bytes(b"\xff")
    assert Folder(tmp_path).put(7, "seven\n") == "\ufffd"


def test_a_folder_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "unmounted")
    for use in (folder.largest, lambda: folder.put(7, "seven\n")):
        with pytest.raises(Unreachable, match="No such file"):
            use()
    assert not (tmp_path / "unmounted").exists()


def test_a_full_disk_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(Unreachable, match="No space left"):
        Folder(tmp_path).put(7, "seven\n")


def test_a_store_that_cannot_sync_its_folder_is_a_folder_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.fsync

    def no_folders(file: int) -> None:
        if stat.S_ISDIR(os.fstat(file).st_mode):
            raise OSError(22, "Invalid argument")
        real(file)

    monkeypatch.setattr(os, "fsync", no_folders)
    assert Folder(tmp_path).put(7, "seven\n") is None
