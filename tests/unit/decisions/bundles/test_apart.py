"""A bundle checked in a process of its own: it finds the same, and is ended at each bound."""

import json
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from policy_service.decisions.bundles import checker
from policy_service.decisions.bundles.apart import Apart, CheckFailed
from policy_service.decisions.bundles.checking import checked
from policy_service.decisions.bundles.results import BundleInvalid, Busy, CheckTooCostly
from policy_service.diagnostics import NOWHERE, Diagnostic, Span
from policy_service.diagnostics.catalogue import OPTIONAL_UNUSED, SYNTAX
from policy_service.diagnostics.plain_data import as_plain, from_plain
from policy_service.policies.loader import read_folder

RULES = read_folder(Path(__file__).parents[3] / "cli" / "rules")
ID = "sha256:" + "0" * 64
ENOUGH = 120, 1024
Speaking = Callable[[str], Apart]


@pytest.fixture
def speaking(tmp_path: Path) -> Speaking:
    """Has bundles checked by a process that runs a shell script instead."""

    def make(script: str) -> Apart:
        program = tmp_path / "python"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        return Apart(*ENOUGH, python=str(program))

    return make


def edited(old: str, new: str, path: str = "shop/hours.yaml") -> dict[str, str]:
    assert old in RULES[path]
    return {**RULES, path: RULES[path].replace(old, new)}


# ---- the same as here


@pytest.mark.parametrize(
    "sources",
    [
        RULES,
        edited("optional: [live.peers,", "optional: [live.peers, merchant.type,"),
        edited("granted > 0", "grantd > 0"),
        edited("policy: shop.hours", "policy: [\ud800"),
        {},
    ],
    ids=["sound", "a warning", "an error", "no text", "nothing"],
)
def test_it_finds_what_a_check_here_finds(sources: Mapping[str, str]) -> None:
    def found(check: Callable[[Mapping[str, str]], Any]) -> Any:
        try:
            return check(sources)
        except BundleInvalid as invalid:
            return invalid.errors, sorted(invalid.diagnostics, key=lambda one: (one.span, one.message))

    assert found(Apart(*ENOUGH)) == found(checked)


def test_of_very_many_faults_the_first_are_told_and_all_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    warning = Diagnostic(OPTIONAL_UNUSED, "warning", NOWHERE, "w")
    errors = [Diagnostic(SYNTAX, "error", Span("f", n, 1, 2), "e") for n in range(checker.MOST_TOLD + 5)]

    def refuse(_sources: object) -> None:
        raise BundleInvalid([warning, *errors])

    monkeypatch.setattr(checker, "checked", refuse)
    told = checker._found({})
    assert (told["id"], told["errors"]) == (None, checker.MOST_TOLD + 5)
    assert [from_plain(one) for one in told["diagnostics"]] == errors[: checker.MOST_TOLD]


# ---- bounds


def test_a_check_that_takes_too_long_is_ended() -> None:
    with pytest.raises(CheckTooCostly, match=r"longer than 0.001 seconds: .* POLICY_CHECK_SECONDS raised"):
        Apart(0.001, 1024)(RULES)


def test_a_check_that_takes_too_much_memory_is_ended() -> None:
    with pytest.raises(CheckTooCostly, match=r"more than 1 MiB of memory: .* POLICY_CHECK_MEMORY_MB raised"):
        Apart(120, 1)(RULES)


def test_the_bounds_are_set_before_anything_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    bounds = []
    monkeypatch.setattr(checker.resource, "setrlimit", lambda what, most: bounds.append((what, most)))
    monkeypatch.setattr(checker.signal, "signal", lambda *_: None)

    class Unread:
        def read(self) -> str:
            assert len(bounds) == 4
            raise MemoryError

    monkeypatch.setattr(sys, "stdin", Unread())
    assert checker.main(7, 5) == checker.OUT_OF_MEMORY
    resource = checker.resource
    assert dict(bounds)[resource.RLIMIT_CPU] == (7, 8)
    assert dict(bounds)[resource.RLIMIT_AS] == (5 * 2**20, 5 * 2**20)
    assert dict(bounds)[resource.RLIMIT_CORE] == (0, 0)


def test_the_system_ends_a_check_that_nobody_waits_for() -> None:
    spinning = f"from {checker.__name__} import _bound\n_bound(1, 4096)\nwhile True: pass"
    done = subprocess.run([sys.executable, "-c", spinning], check=False)
    assert done.returncode == -signal.SIGXCPU


@pytest.mark.parametrize(
    ("name", "said"), [("XCPU", "longer than 120 seconds"), ("SEGV", "1024 MiB"), ("KILL", "1024 MiB")]
)
def test_a_process_that_a_signal_ends_took_too_much(speaking: Speaking, name: str, said: str) -> None:
    with pytest.raises(CheckTooCostly, match=said):
        speaking(f"kill -{name} $$")(RULES)


def test_no_process_is_left_of_a_check_that_took_too_long(speaking: Speaking, tmp_path: Path) -> None:
    apart = speaking(f"echo $$ > {tmp_path}/pid.new; mv {tmp_path}/pid.new {tmp_path}/pid; exec sleep 3600")
    apart._seconds = 0.001
    waited = apart._run
    with open(os.devnull, "rb") as asked, open(os.devnull, "wb") as answered:
        for _ in range(200):  # until one was quick enough to say who it is
            with pytest.raises(CheckTooCostly):
                waited(asked, answered, answered)
            if (tmp_path / "pid").exists():
                break
            apart._seconds *= 2
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


# ---- what it is given, and what it says


def test_it_sees_nothing_of_the_environment_that_it_does_not_need(
    speaking: Speaking, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("POLICY_DATABASE_URL", "postgresql://secret")
    with pytest.raises(CheckFailed):
        speaking(f"env > {tmp_path}/seen")(RULES)
    assert "secret" not in (tmp_path / "seen").read_text()


def test_without_a_process_it_is_busy(tmp_path: Path) -> None:
    with pytest.raises(Busy):
        Apart(*ENOUGH, python=str(tmp_path / "none"))(RULES)


def test_a_fault_of_ours_is_told_in_the_log_and_quotes_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(_sources: object) -> None:
        raise ValueError(" ".join(("what", "was", "posted")))  # a place shows its line

    monkeypatch.setattr(checker, "checked", fail)
    monkeypatch.setattr(checker, "_bound", lambda *_: None)
    monkeypatch.setattr("json.load", lambda _: {})
    assert checker.main(1, 1) == checker.FAILED
    told = capsys.readouterr().err
    assert told.startswith("ValueError\n")
    assert "what was posted" not in told


def test_a_process_that_fails_is_a_fault_of_ours(speaking: Speaking, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(CheckFailed):
        speaking("echo KeyError >&2; exit 1")(RULES)
    assert "KeyError" in caplog.text


SOUND = {"id": ID, "label": None, "errors": 0, "diagnostics": []}
FAULT = as_plain(Diagnostic(SYNTAX, "error", Span("f", 1, 1, 2), "m", None, ((NOWHERE, "r"),)))


@pytest.mark.parametrize(
    "said",
    [
        [],
        {**SOUND, "id": "../x"},
        {**SOUND, "id": 5},
        {**SOUND, "label": 5},
        {**SOUND, "errors": 1},
        {**SOUND, "id": None},
        {**SOUND, "diagnostics": {}},
        {**SOUND, "diagnostics": [5]},
        {**SOUND, "diagnostics": [{**FAULT, "code": "Z999"}]},
        {**SOUND, "diagnostics": [{**FAULT, "severity": "fine"}]},
        {**SOUND, "diagnostics": [{**FAULT, "span": ["f", "1", 1, 2]}]},
        {**SOUND, "diagnostics": [{**FAULT, "message": None}]},
        {**SOUND, "diagnostics": [{**FAULT, "hint": 5}]},
        {**SOUND, "diagnostics": [{**FAULT, "related": [[["f", 1, 1], "r"]]}]},
        {**SOUND, "diagnostics": [{**FAULT, "related": [5]}]},
    ],
    ids=json.dumps,
)
def test_what_has_another_shape_is_not_believed(speaking: Speaking, said: Any) -> None:
    with pytest.raises(CheckFailed):
        speaking(f"cat <<'END'\n{json.dumps(said)}\nEND")(RULES)


def test_what_is_no_json_is_not_believed(speaking: Speaking) -> None:
    for script in ("echo '{'", "printf '\\377'", ":"):
        with pytest.raises(CheckFailed):
            speaking(script)(RULES)


def test_a_sound_answer_is_believed(speaking: Speaking) -> None:
    found = speaking(f"cat <<'END'\n{json.dumps({**SOUND, 'label': 'spring'})}\nEND")(RULES)
    assert (found.id, found.label, found.sources, found.warnings) == (ID, "spring", RULES, ())


def test_a_diagnostic_comes_back_as_it_was() -> None:
    one = Diagnostic(SYNTAX, "error", Span("a", 1, 2, 3), "m", "h", ((Span("b", 4, 5, 6), "r"),))
    assert from_plain(json.loads(json.dumps(as_plain(one)))) == one
