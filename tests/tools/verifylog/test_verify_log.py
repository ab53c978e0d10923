"""The command, and what only heads, receipts and witnesses find that were kept elsewhere."""

import ast
import io
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.tools.verifylog.fabricate import (
    FIRST,
    ORIGIN,
    SECOND,
    STRANGER,
    WITNESSES,
    B,
    Key,
    Log,
    example,
    id_of,
    note,
    put,
)
from tests.tools.verifylog.folder import Folder, altered, line, lines
from tools import verify_log

TOOL = Path(__file__).parents[3] / "tools" / "verify_log.py"
KEY = ("--key", SECOND.text)
TWO = ("--witness", WITNESSES[0].text, "--witness", WITNESSES[1].text)


@pytest.fixture(scope="module")
def log() -> Log:
    return example(many=5)


@pytest.fixture(scope="module")
def export(log: Log, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("export")
    log.write(folder)
    return folder


Verify = Callable[..., tuple[int, dict[str, int]]]


@pytest.fixture
def verify(capsys: pytest.CaptureFixture[str]) -> Verify:
    """Exit status and how many findings there are of each kind."""

    def run(folder: Path, *options: str) -> tuple[int, dict[str, int]]:
        status = verify_log.main([str(folder), *options, "--format", "json"])
        kinds = [one["kind"] for one in json.loads(capsys.readouterr().out)["findings"]]
        return status, {kind: kinds.count(kind) for kind in kinds}

    return run


def kept_head(tmp_path: Path, log: Log, number: int, name: str = "head.txt") -> str:
    put(tmp_path / name, log.heads[number][1])
    return str(tmp_path / name)


def kept_receipt(tmp_path: Path, log: Log, index: int, **changed: Any) -> str:
    record = log.records[index]
    put(tmp_path / "answer.json", json.dumps({"decision_id": record.id, "receipt": record.receipt, **changed}))
    return str(tmp_path / "answer.json")


# ---- the command


def test_the_program_runs_alone(export: Path, tmp_path: Path) -> None:
    """In isolated mode neither the repository nor PYTHONPATH is importable."""
    alone = tmp_path / "verify.py"
    alone.write_bytes(TOOL.read_bytes())
    command = [sys.executable, "-I", str(alone), str(export), *KEY]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1] == "all fits"


def test_it_imports_the_standard_library_and_cryptography_alone() -> None:
    found = set()
    for node in ast.walk(ast.parse(TOOL.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add((node.module or "").partition(".")[0])
    assert found - sys.stdlib_module_names == {"cryptography"}


def test_findings_are_told_by_kind_place_and_message(
    export: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = shutil.copytree(export, tmp_path / "export")
    line(20, receipt=None)(Folder(folder))
    assert verify_log.main([str(folder), *KEY]) == 1
    first, *_, counts, last = capsys.readouterr().out.splitlines()
    assert first == "receipt: record 20: it has no receipt"
    assert counts.startswith("heads: 8, records: 53, ")
    assert last == "1 finding"


def test_in_json_it_is_the_same(export: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = shutil.copytree(export, tmp_path / "export")
    line(20, receipt=None)(Folder(folder))
    assert verify_log.main([str(folder), *KEY, "--format", "json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert found["findings"] == [{"kind": "receipt", "place": "record 20", "message": "it has no receipt"}]
    assert (found["fits"], found["further"], found["counts"]["records"]) == (False, 0, 53)


def test_every_kind_of_finding_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        verify_log.main(["--help"])
    assert ended.value.code == 0
    shown = capsys.readouterr().out
    assert all(f"\n  {kind} " in shown for kind in verify_log.KINDS)
    told = {node.value for node in ast.walk(ast.parse(TOOL.read_text("utf-8"))) if isinstance(node, ast.Constant)}
    assert verify_log.KINDS.keys() <= told


@pytest.mark.parametrize(
    "options",
    [
        (),
        ("--key", "no key"),
        ("--key", WITNESSES[0].text),
        (*KEY, "--witness", SECOND.text),
        (*KEY, "--quorum", "1"),
        (*KEY, *TWO, "--quorum", "0"),
        (*KEY, *TWO, "--quorum", "3"),
        (*KEY, *TWO, *TWO),
        (*KEY, "--head", "nowhere.txt"),
        (*KEY, "--head", str(TOOL)),
        (*KEY, "--receipt", "nowhere.json"),
        (*KEY, "--receipt", str(TOOL)),
        (*KEY, "--format", "yaml"),
    ],
)
def test_wrong_use_ends_with_2(options: tuple[str, ...], export: Path) -> None:
    with pytest.raises(SystemExit) as ended:
        verify_log.main([str(export), *options])
    assert ended.value.code == 2


def test_a_folder_that_is_none_is_wrong_use(tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as ended:
        verify_log.main([str(tmp_path / "nowhere"), *KEY])
    assert ended.value.code == 2


@pytest.mark.parametrize("content", ["{}", "[]", '{"note": 1}', "{", '{"decision_id": "x", "receipt": {}}', "\x00"])
@pytest.mark.parametrize("option", ["--head", "--receipt"])
def test_a_kept_file_that_is_none_is_wrong_use(option: str, content: str, export: Path, tmp_path: Path) -> None:
    put(tmp_path / "kept", content)
    with pytest.raises(SystemExit) as ended:
        verify_log.main([str(export), *KEY, option, str(tmp_path / "kept")])
    assert ended.value.code == 2


def test_an_empty_folder_is_told_and_not_a_traceback(verify: Verify, tmp_path: Path) -> None:
    status, found = verify(tmp_path, *KEY)
    assert (status, found.keys()) == (1, {"log", "file", "head", "order", "trust"})


def test_nothing_in_a_folder_steers_the_terminal(
    export: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = Folder(shutil.copytree(export, tmp_path / "export"))
    line(20, id="\x1b[0m")(folder)
    line(21, body='{"decision_id":"\\u001b[0m"}')(folder)
    put(folder.path / "records/\x1b[31m\u202e", "x")
    assert verify_log.main([str(folder.path), *KEY]) == 1
    assert not {"\x1b", "\u202e"} & set(capsys.readouterr().out)


def test_findings_of_a_kind_are_shown_up_to_a_bound_and_all_are_counted(
    export: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verify_log, "SHOWN", 3)
    folder = Folder(shutil.copytree(export, tmp_path / "export"))
    lines(lambda found: [one.update(receipt=None) for one in found])(folder)
    assert verify_log.main([str(folder.path), *KEY]) == 1
    shown = capsys.readouterr().out.splitlines()
    assert sum(one.startswith("receipt: ") for one in shown) == 3
    assert shown[-3] == "and 46 more"


def test_a_line_that_is_too_long_is_passed_over_and_the_rest_is_verified(
    verify: Verify, export: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verify_log, "LONGEST", 4000)
    folder = Folder(shutil.copytree(export, tmp_path / "export"))
    line(20, body="x" * 20_000)(folder)
    assert verify(folder.path, *KEY) == (1, {"line": 2})  # by its length, and as the record that it is not


def test_a_file_with_more_records_than_are_allowed_is_told(
    verify: Verify, export: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verify_log, "LINES", 50)
    assert verify(export, *KEY) == (1, {"file": 1})


def test_a_file_that_cannot_be_read_is_told(verify: Verify, export: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(export, tmp_path / "export")
    records = folder / "records/000000000000.ndjson"
    records.rename(folder / "elsewhere")
    records.symlink_to(records)
    status, found = verify(folder, *KEY)
    assert status == 1
    assert found["file"] == 1


def test_at_a_terminal_it_shows_how_far_it_has_come(
    export: Path, log: Log, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    assert verify_log.main([str(export), *KEY]) == 0
    assert terminal.getvalue() == f"\r{len(log.records)} of {len(log.records)} records\n"


def test_partial_tiles_of_earlier_sizes_may_be_there(verify: Verify, export: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(export, tmp_path / "export")
    hashes = (folder / "tile/0/000.p/53").read_bytes()
    put(folder / "tile/0/000.p/7", hashes[: 7 * 32])
    assert verify(folder, *KEY) == (0, {})


# ---- trust


@pytest.mark.parametrize("key", [FIRST, SECOND])
def test_the_key_of_the_first_order_or_of_the_newest_head_is_enough(verify: Verify, export: Path, key: Key) -> None:
    assert verify(export, "--key", key.text) == (0, {})


def test_under_a_key_that_the_log_never_had_nothing_is_trusted(verify: Verify, export: Path) -> None:
    assert verify(export, "--key", STRANGER.text) == (1, {"trust": 1})
    assert verify(export, "--key", STRANGER.text, *KEY) == (0, {})


def test_a_log_that_a_stranger_made_fits_in_itself_and_is_not_trusted(verify: Verify, tmp_path: Path) -> None:
    log = Log(key=STRANGER, keys=[STRANGER], told_keys=[STRANGER])
    log.order(begin={"origin": ORIGIN, "keys": [STRANGER.text], "legacy": 0})
    log.head()
    log.write(tmp_path)
    assert verify(tmp_path, "--key", STRANGER.text) == (0, {})
    assert verify(tmp_path, *KEY) == (1, {"trust": 1})


def test_the_first_order_is_signed_by_a_key_of_its_own(verify: Verify, tmp_path: Path) -> None:
    log = Log(key=STRANGER)
    log.order(begin={"origin": ORIGIN, "keys": [FIRST.text, SECOND.text], "legacy": 0})
    log.head()
    log.write(tmp_path)
    assert verify(tmp_path, "--key", FIRST.text, "--key", STRANGER.text) == (1, {"receipt": 1})


def test_a_log_without_a_first_order_says_so(verify: Verify, tmp_path: Path) -> None:
    log = Log()
    log.decide(B)
    log.head()
    log.write(tmp_path)
    status, found = verify(tmp_path, "--key", FIRST.text)
    assert (status, found) == (1, {"receipt": 1, "decision": 1, "order": 1})


# ---- heads and receipts that were kept, witnesses


def test_every_head_of_the_log_fits_when_it_was_kept(verify: Verify, export: Path, log: Log, tmp_path: Path) -> None:
    kept = [("--head", kept_head(tmp_path, log, n, f"{n}.txt")) for n in range(len(log.heads))]
    assert verify(export, *KEY, *[word for pair in kept for word in pair]) == (0, {})


def test_a_head_is_read_from_the_JSON_of_the_service_too(
    verify: Verify, export: Path, log: Log, tmp_path: Path
) -> None:
    put(tmp_path / "head.json", json.dumps({"size": 53, "note": log.heads[-1][1], "keys": []}))
    assert verify(export, *KEY, "--head", str(tmp_path / "head.json")) == (0, {})


@pytest.mark.parametrize(
    "text",
    [
        note(f"{ORIGIN}\n53\n{'A' * 43}=\n", STRANGER),
        note(f"{ORIGIN}\n53\n{'A' * 43}=\n", SECOND),
        note(f"{ORIGIN}\n20\n{'A' * 43}=\n", FIRST),
        note(f"{ORIGIN}\n54\n{'A' * 43}=\n", SECOND),
        note(f"{ORIGIN}\n54\n{'A' * 43}=\n", STRANGER),
        note(f"other\n53\n{'A' * 43}=\n", SECOND),
    ],
    ids=["a stranger's", "another root", "between heads", "longer", "longer, a stranger's", "of another log"],
)
def test_a_kept_head_that_does_not_fit_is_told(verify: Verify, export: Path, tmp_path: Path, text: str) -> None:
    put(tmp_path / "head.txt", text)
    assert verify(export, *KEY, "--head", str(tmp_path / "head.txt")) == (1, {"kept-head": 1})


def test_a_kept_head_proves_nothing_unless_it_is_signed(verify: Verify, export: Path, log: Log, tmp_path: Path) -> None:
    put(tmp_path / "head.txt", note(log.heads[-1][1].rpartition("\n\n")[0] + "\n", STRANGER))
    assert verify(export, *KEY, "--head", str(tmp_path / "head.txt")) == (1, {"kept-head": 1})


def test_where_records_are_missing_a_kept_head_cannot_be_compared(
    verify: Verify, export: Path, log: Log, tmp_path: Path
) -> None:
    folder = shutil.copytree(export, tmp_path / "export")
    line(52, index=10**9)(Folder(folder))
    kept = [kept_head(tmp_path, log, number, f"{number}.txt") for number in (-1, -2)]
    put(tmp_path / "last.txt", note(f"{ORIGIN}\n{10**9 + 1}\n{'A' * 43}=\n", SECOND))
    options = [word for name in (*kept, str(tmp_path / "last.txt")) for word in ("--head", name)]
    found = {"index": 1, "root": 1, "head": 1, "log": 1}
    assert verify(folder, *KEY, *options) == (1, found | {"kept-head": 1})  # the tile tells the missing hash
    (folder / "tile/0/000.p/53").unlink()
    assert verify(folder, *KEY, *options) == (1, found | {"kept-head": 2})


@pytest.mark.parametrize("index", [7, 12, 52])
def test_receipts_of_the_log_fit_when_they_were_kept(
    verify: Verify, export: Path, log: Log, tmp_path: Path, index: int
) -> None:
    assert verify(export, *KEY, "--receipt", kept_receipt(tmp_path, log, index)) == (0, {})


def test_the_receipt_of_an_act_fits_too(verify: Verify, export: Path, log: Log, tmp_path: Path) -> None:
    act = log.records[4]
    put(tmp_path / "act.json", json.dumps({"act_id": act.id, "receipt": act.receipt}))
    assert verify(export, *KEY, "--receipt", str(tmp_path / "act.json")) == (0, {})


def test_a_receipt_for_another_record_is_told_as_forged(verify: Verify, export: Path, log: Log, tmp_path: Path) -> None:
    for id_ in (log.records[8].id, id_of(10**6)):
        kept = kept_receipt(tmp_path, log, 7, decision_id=id_)
        assert verify(export, *KEY, "--receipt", kept) == (1, {"kept-receipt": 1})


def test_the_witnesses_of_the_newest_head_are_counted(verify: Verify, export: Path) -> None:
    third = ("--witness", WITNESSES[2].text)
    assert verify(export, *KEY, *TWO) == (0, {})
    assert verify(export, *KEY, *TWO, *third) == (1, {"witness": 1})
    assert verify(export, *KEY, *TWO, *third, "--quorum", "2") == (0, {})
    assert verify(export, *KEY, *third) == (1, {"witness": 1})


def test_a_witness_may_stand_on_a_kept_copy_of_the_newest_head(
    verify: Verify, export: Path, log: Log, tmp_path: Path
) -> None:
    body = log.heads[-1][1].rpartition("\n\n")[0] + "\n"
    put(tmp_path / "head.txt", log.heads[-1][1] + WITNESSES[2].line(body))
    options = (*KEY, *TWO, "--witness", WITNESSES[2].text, "--head", str(tmp_path / "head.txt"))
    assert verify(export, *options) == (0, {})


def test_a_wrong_cosignature_is_told_though_the_quorum_is_met(
    verify: Verify, export: Path, log: Log, tmp_path: Path
) -> None:
    folder = shutil.copytree(export, tmp_path / "export")
    _, text = log.heads[-1]
    put(tmp_path / "head.txt", text + WITNESSES[2].line("another text\n"))
    options = (*KEY, *TWO, "--witness", WITNESSES[2].text, "--quorum", "2", "--head", str(tmp_path / "head.txt"))
    assert verify(folder, *options) == (1, {"witness": 1})


def test_without_a_head_there_is_nothing_to_witness(verify: Verify, export: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(export, tmp_path / "export")
    put(folder / "heads.ndjson", "")
    assert verify(folder, *KEY, *TWO)[1]["witness"] == 1


# ---- with a stolen key: what fits in itself, and is found by what was kept


def rewritten() -> Log:
    """All records from one on are other ones, signed again."""
    return example("decisions", lambda log: log.decide(B.replace("b", "a")), many=5)


def cut() -> Log:
    """The log ends at an earlier head of its own."""
    log = example(many=5)
    size = log.heads[4][0]
    del log.records[size:], log.heads[5:], log.bundles[1:]
    return log


def without_one() -> Log:
    return example(many=4)


STOLEN = {"rewritten": rewritten, "cut": cut, "a record taken out": without_one}


@pytest.mark.parametrize("made", STOLEN.values(), ids=STOLEN)
def test_a_log_signed_with_a_stolen_key_fits_in_itself_and_not_with_what_was_kept(
    verify: Verify, log: Log, tmp_path: Path, made: Callable[[], Log]
) -> None:
    other = made()
    other.write(tmp_path / "export")
    keys = (*KEY, "--key", FIRST.text)
    assert verify(tmp_path / "export", *keys) == (0, {})
    head, receipt = kept_head(tmp_path, log, -2), kept_receipt(tmp_path, log, 47)
    assert verify(tmp_path / "export", *keys, "--head", head)[1] == {"kept-head": 1}
    assert verify(tmp_path / "export", *keys, "--receipt", receipt)[1] == {"kept-receipt": 1}
    other.heads[-1] = (other.heads[-1][0], other.heads[-1][1].partition("— witness")[0])
    other.write(tmp_path / "export")
    assert verify(tmp_path / "export", *keys, *TWO)[1] == {"witness": 1}


def test_a_record_from_before_is_held_by_the_heads_alone(verify: Verify, export: Path, tmp_path: Path) -> None:
    """It has no receipt: who alters it must sign every head again."""
    folder = shutil.copytree(export, tmp_path / "export")
    lines(lambda found: altered(found[1]))(Folder(folder))
    Folder(folder).fit_tiles()
    assert verify(folder, *KEY) == (1, {"root": 1})
