"""The whole command line: its help, its version, and that it starts without what a command does not need."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from policy_service import __version__

ROOT = Path(__file__).parents[2]
SMALL = "tests/cli/rules"  # the pages of docs/ ask the same of the shipped rules
COMMANDS = [
    "audit", "bundle", "check", "compare", "decisions", "evaluate", "explain", "inventory", "judged", "keys", "replay",
    "resume", "serve", "stop", "test", "trail",
]  # fmt: skip
Run = Callable[..., Result]


def test_help_lists_every_command_with_a_sentence(run: Run) -> None:
    found = run("--help")
    assert found.exit_code == 0
    assert re.findall(r"^  ([a-z]+)  +[A-Z]", found.stdout, re.MULTILINE) == COMMANDS


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(run: Run, command: str) -> None:
    found = run(command, "-h")
    assert found.exit_code == 0
    assert found.stdout.startswith(f"Usage: policyctl {command} ")


def test_the_version_is_told(run: Run) -> None:
    assert run("--version").stdout == f"policyctl {__version__}\n"


@pytest.mark.parametrize("words", [(), ("chek",), ("--verbose", "check")])
def test_no_command_or_an_unknown_one_is_a_wrong_command_line(run: Run, words: tuple[str, ...]) -> None:
    assert run(*words).exit_code == 2


def python(*words: str, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *words], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )


def test_the_package_runs_as_the_command_line() -> None:
    found = python("-m", "policy_service", "check", "--rules", SMALL)
    assert (found.returncode, found.stderr) == (0, "")
    assert re.search(
        r"^\d+ policies, \d+ files, 0 errors, 0 warnings: sha256:[0-9a-f]{64}$", found.stdout, re.MULTILINE
    )


def test_cases_pass_as_the_command_line_runs_them() -> None:
    found = python("-m", "policy_service", "test", "--rules", SMALL)
    assert (found.returncode, found.stderr) == (0, "")
    assert re.fullmatch(r"[1-9]\d* cases passed, 0 failed\n", found.stdout)


def test_a_terminal_without_chinese_gets_the_numbers_of_its_signs() -> None:
    words = ("-m", "policy_service", "inventory", "--rules", SMALL, "--assumed", "--lang", "zh")
    found = python(*words, environment=os.environ | {"PYTHONIOENCODING": "latin-1", "PYTHONUTF8": "0"})
    assert (found.returncode, found.stderr) == (0, "")
    assert "\\u" in found.stdout


def test_a_closed_pipe_is_no_traceback() -> None:
    program = f"{sys.executable} -m policy_service inventory | head -n 1"
    found = subprocess.run(["sh", "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert found.stdout.count("\n") == 1
    assert "Traceback" not in found.stderr


@pytest.mark.parametrize(
    ("command", "unneeded"),
    [("check", {"flask", "marshmallow", "sqlalchemy", "durable_rules_engine", "gunicorn"}),
     ("test", {"flask", "marshmallow", "sqlalchemy", "gunicorn"}),
     ("evaluate", {"gunicorn", "durable_rules_engine"}),
     ("explain", {"gunicorn", "durable_rules_engine"})],
)  # fmt: skip
def test_a_command_starts_without_what_it_does_not_need(command: str, unneeded: set[str]) -> None:
    program = (
        "import sys; from policy_service.cli.main import main\n"
        "try: main(sys.argv[1:])\n"
        "except SystemExit: print(*sys.modules, sep='\\n')\n"
    )
    found = python("-c", program, command, "--help")
    assert not unneeded & set(found.stdout.split())


@pytest.mark.parametrize("command", ["evaluate", "explain"])
def test_a_request_in_a_file_is_answered_without_a_web_framework(command: str) -> None:
    program = (
        "import sys; from policy_service.cli.main import main\n"
        "try: main(sys.argv[1:])\n"
        "except SystemExit as end: print(end.code, *sys.modules, file=sys.stderr)\n"
    )
    here = ROOT / "tests" / "cli"
    found = python("-c", program, command, str(here / "request.json"), "--rules", str(here / "rules"))
    status, *loaded = found.stderr.split()
    assert status == "0"
    assert found.stdout
    assert not {"flask", "flask_smorest", "webargs", "werkzeug"} & set(loaded)
