"""A small rules folder, requests to it, and `policyctl` run inside this process."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from policy_service.cli.main import main

HERE = Path(__file__).parent
Run = Callable[..., Result]


@pytest.fixture(scope="session")
def caches(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where `policyctl` may remember things: not where the developer's own does."""
    return tmp_path_factory.mktemp("caches")


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caches: Path) -> Run:
    """`policyctl` with some words, in an empty folder and without settings of the environment."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith(("POLICY_", "LC_"))] + ["LANG"]:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("POLICY_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(caches))
    monkeypatch.setenv("COLUMNS", "100")

    def call(*words: str | Path, input: str | bytes | None = None, **environment: str) -> Result:
        found = CliRunner().invoke(main, [str(w) for w in words], input=input, env=environment, prog_name="policyctl")
        if found.exception is not None and not isinstance(found.exception, SystemExit):
            raise found.exception
        return found

    return call


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    """A copy of the small rules folder, to be changed."""
    return Path(shutil.copytree(HERE / "rules", tmp_path / "rules"))


@pytest.fixture
def edit(rules: Path) -> Callable[[str, str, str], None]:
    """Replaces a text that must stand once in a file of the rules folder."""

    def change(file: str, old: str, new: str) -> None:
        text = (rules / file).read_text("utf-8")
        assert text.count(old) == 1
        (rules / file).write_text(text.replace(old, new), "utf-8")

    return change


@pytest.fixture
def request_file(tmp_path: Path) -> Callable[[dict[str, Any]], Path]:
    """A file with a request: the standard one, some of its keys replaced."""

    def write(changes: dict[str, Any] | None = None) -> Path:
        body = json.loads((HERE / "request.json").read_text("utf-8")) | (changes or {})
        file = tmp_path / "request.json"
        file.write_text(json.dumps(body, ensure_ascii=False), "utf-8")
        return file

    return write
