"""What a command loads: a package that it does not use costs every run of it."""

import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
_RUN = """
import sys
from policy_service.cli.main import main
try:
    main(sys.argv[1:])
finally:
    print(*sorted({name.partition(".")[0] for name in sys.modules} - sys.stdlib_module_names), file=sys.stderr)
"""
_ALWAYS = {"click", "lark", "orjson", "policy_service", "tzdata", "yaml"}
_DURABLE = {"durable_rules_engine"}
_NO_DATABASE = {"alembic", "mako", "pg8000", "sqlalchemy"}
_NO_SERVER = {"flask", "gunicorn", "jwt", "opentelemetry", "prometheus_client", "werkzeug"}
_OF_PYTHON = ("_", "cython_runtime", "sitecustomize", "usercustomize")
"""What Python's own start loads where the machine has it."""


def _loaded(*words: str | Path) -> set[str]:
    """The packages, besides Python's own, that a run of `policyctl` loads."""
    command = [sys.executable, "-c", _RUN, *map(str, words)]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    names = set(found.stderr.splitlines()[-1].split())
    return {name for name in names if not name.startswith(_OF_PYTHON)}


@pytest.mark.parametrize("words", [("check",), ("test", "tests/cli/rules/shop/hours.test.yaml")])
def test_what_checks_rules_loads_nothing_of_the_service(words: tuple[str, ...]) -> None:
    loaded = _loaded(*words, "--rules", "tests/cli/rules")
    assert loaded >= _ALWAYS
    assert loaded - _ALWAYS - _DURABLE == set()


@pytest.mark.parametrize("command", ["explain", "evaluate"])
def test_a_preview_loads_no_database_and_no_server(command: str) -> None:
    loaded = _loaded(command, "--rules", "tests/cli/rules", HERE / "request.json")
    assert loaded >= _ALWAYS | _DURABLE
    assert loaded & (_NO_DATABASE | _NO_SERVER) == set()
