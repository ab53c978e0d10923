"""The digest of the program: another program, Python or package gives another, and so another memory."""

from collections.abc import Callable
from pathlib import Path

import pytest

from policy_service.authoring import program


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "a.py").write_text("1")
    (tmp_path / "grammar.lark").write_text("x")
    monkeypatch.setattr(program, "files", lambda _: tmp_path)
    return tmp_path


def test_the_same_program_has_the_same_digest(package: Path) -> None:
    (package / "notes.txt").write_text("not read")
    assert program.digest() == program.digest()


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: (folder / "inner" / "a.py").write_text("2"),
        lambda folder: (folder / "inner" / "a.py").rename(folder / "inner" / "b.py"),
        lambda folder: (folder / "grammar.lark").write_text("y"),
        lambda folder: (folder / "b.py").write_text(""),
    ],
)
def test_any_change_of_a_file_changes_it(package: Path, change: Callable[[Path], object]) -> None:
    before = program.digest()
    change(package)
    assert program.digest() != before


def test_another_python_or_another_package_changes_it(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = program.digest()
    monkeypatch.setattr(program.sys, "version", "another")
    assert program.digest() != before
    monkeypatch.undo()
    monkeypatch.setattr(program, "files", lambda _: package)
    monkeypatch.setattr(program, "_packages", lambda: ["lark-0.dist-info"])
    assert program.digest() != before
