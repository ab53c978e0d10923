"""`policyctl bundle`: packed, stored, activated and taken back on a real database."""

import json
import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

Run = Callable[..., Result]
Edit = Callable[[str, str, str], None]
BUNDLE = r"sha256:[0-9a-f]{64}"


@pytest.fixture
def on_store(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """`policyctl` on a database of its own."""
    monkeypatch.setenv("POLICY_ENGINE", "reference")
    url = f"sqlite:///{tmp_path / 'store' / 'policy.sqlite3'}"
    return lambda *words: run(*words, POLICY_DATABASE_URL=url)


def published(on_store: Run, folder: Path) -> str:
    found = on_store("bundle", "publish", folder, "--format", "json")
    assert found.exit_code == 0, found.output
    return str(json.loads(found.stdout)["id"])


def test_the_same_folder_gives_the_same_zip(run: Run, rules: Path, tmp_path: Path) -> None:
    found = run("bundle", "build", rules, "-o", tmp_path / "one.zip")
    assert (found.exit_code, found.stderr) == (0, "")
    assert re.fullmatch(rf".*one\.zip: 8 files, \d+ bytes: {BUNDLE}\n", found.stdout)
    (rules / "bundle.yaml").touch()
    run("bundle", "build", rules, "-o", tmp_path / "two.zip")
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "one.zip") as archive:
        assert archive.namelist() == sorted(archive.namelist())
        assert archive.read("bundle.yaml") == (rules / "bundle.yaml").read_bytes()


def test_a_folder_with_an_error_is_not_packed(run: Run, rules: Path, edit: Edit, tmp_path: Path) -> None:
    edit("shop/hours.yaml", "granted > 0", "grantd > 0")
    found = run("bundle", "build", rules, "-o", tmp_path / "one.zip")
    assert found.exit_code == 1
    assert "grantd" in found.stderr
    assert not (tmp_path / "one.zip").exists()


def test_a_zip_and_its_folder_are_one_bundle(on_store: Run, rules: Path, tmp_path: Path) -> None:
    on_store("bundle", "build", rules, "-o", tmp_path / "one.zip")
    id_ = published(on_store, rules)
    found = on_store("bundle", "publish", tmp_path / "one.zip")
    assert (found.exit_code, found.stdout) == (0, f"stored before: {id_}\n")


def test_a_folder_with_an_error_is_not_stored(on_store: Run, rules: Path, edit: Edit) -> None:
    edit("shop/hours.yaml", "granted > 0", "grantd > 0")
    found = on_store("bundle", "publish", rules)
    assert (found.exit_code, found.stdout) == (1, "")
    assert "rules/shop/hours.yaml:35:11: error L201" in found.stderr
    told = on_store("bundle", "publish", rules, "--format", "json")
    assert told.exit_code == 1
    assert "L201" in {one["code"] for one in json.loads(told.stdout)["diagnostics"]}
    assert json.loads(on_store("bundle", "list", "--format", "json").stdout) == {"bundles": []}


def test_what_is_no_zip_is_told(on_store: Run, tmp_path: Path) -> None:
    (tmp_path / "x.zip").write_bytes(b"nothing")
    found = on_store("bundle", "publish", tmp_path / "x.zip")
    assert found.exit_code == 1
    assert "not a zip" in found.stderr


def test_activated_listed_and_rolled_back(on_store: Run, rules: Path, edit: Edit) -> None:
    first = published(on_store, rules)
    edit("shop/hours.yaml", "| 10                  |", "| 11                  |")
    second = published(on_store, rules)
    for id_ in (first, second):
        found = on_store("bundle", "activate", id_, "--reason", "rules of April")
        assert (found.exit_code, found.stderr) == (0, "")
        assert found.stdout.endswith(f": {id_}\n")
    rows = {one["id"]: one for one in json.loads(on_store("bundle", "list", "--format", "json").stdout)["bundles"]}
    assert (rows[first]["active"], rows[second]["active"]) == (False, True)
    assert f"{second}  active, published" in on_store("bundle", "list").stdout
    back = json.loads(on_store("bundle", "rollback", "--reason", "wrong", "--format", "json").stdout)
    assert (back["published"], back["replaces"], back["actor"]) == (first, second, "policyctl")


def test_an_activation_to_come_is_listed(on_store: Run, rules: Path) -> None:
    id_ = published(on_store, rules)
    assert on_store("bundle", "activate", id_, "--reason", "x").exit_code == 0
    past = on_store("bundle", "activate", id_, "--reason", "x", "--at", "2023-04-01T00:00:00+08:00")
    assert (past.exit_code, past.stderr) == (1, "error: it lies in the past\n")
    assert on_store("bundle", "activate", id_, "--reason", "x", "--at", "2023-04-01").exit_code == 2


@pytest.mark.parametrize(
    "words",
    [("activate", "sha256:0", "--reason", "x"), ("rollback", "--reason", "x")],
)
def test_what_cannot_be_done_is_told(on_store: Run, words: tuple[str, ...]) -> None:
    found = on_store("bundle", *words)
    assert (found.exit_code, found.stdout) == (1, "")
    assert found.stderr.startswith("error: ")


def test_a_reason_is_needed_on_one_line(on_store: Run) -> None:
    assert on_store("bundle", "rollback").exit_code == 2
    assert on_store("bundle", "rollback", "--reason", "a\nb").exit_code == 2


def test_a_database_that_cannot_be_opened_is_told(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    found = run("bundle", "list", POLICY_DATABASE_URL=f"sqlite:///{tmp_path / 'file' / 'x'}")
    assert found.exit_code == 1
    assert found.stderr.startswith("error: the store cannot be used")
