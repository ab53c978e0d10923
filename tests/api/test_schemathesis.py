"""schemathesis, with all its checks, against the real server: it does what the contract says, and refuses the rest."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from policy_service.access.principals import ROLES

ROOT = Path(__file__).parents[2]
HOOKS = Path(__file__).with_name("schemathesis_hooks.py")
SERVE = """
import sys
from policy_service.serving import serve
from policy_service.settings import read_settings
sys.exit(serve(read_settings(), "127.0.0.1", 0, 1))
"""
EXAMPLES = 15
"""Per operation and phase, so that the whole takes about a minute."""


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[str, str]]:
    """Where the service is, and a key with every role: without one, the first key that is made closes it."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("POLICY_", "GUNICORN"))}
    environment |= {
        "POLICY_DATABASE_URL": f"sqlite:///{tmp_path / 'policy.sqlite3'}",
        "POLICY_RULES": str(ROOT / "rules"),
    }
    made = subprocess.run(
        [
            sys.executable, "-m", "policy_service", "keys", "create", "--name", "tester", "--format", "json",
            "--rate", "1000000", *(word for role in ROLES for word in ("--role", role)),
        ],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    key = re.search(r"psk_[A-Za-z0-9_-]+", made.stdout)
    assert key
    with (tmp_path / "errors.txt").open("w") as errors:
        process = subprocess.Popen(
            [sys.executable, "-c", SERVE], cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=errors, text=True,
            start_new_session=True,
        )  # fmt: skip
    assert process.stdout is not None
    try:
        found = re.search(r"http://127\.0\.0\.1:\d+", process.stdout.readline())
        assert found, (tmp_path / "errors.txt").read_text()
        yield found[0], key[0]
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
        process.wait(120)
        process.stdout.close()


@pytest.mark.slow
def test_the_service_does_what_its_contract_says_and_refuses_the_rest(served: tuple[str, str], tmp_path: Path) -> None:
    """Every operation of the contract, every check, valid and invalid data, and sequences that follow the links."""
    url, key = served
    ran = subprocess.run(
        [
            sys.executable, "-m", "schemathesis.cli", "run", f"{url}/openapi.json", "--no-color", "--checks", "all",
            "--mode", "all", "--phases", "examples,coverage,fuzzing,stateful", "--max-examples", str(EXAMPLES),
            "--generation-deterministic", "--continue-on-failure", "--no-shrink",
            "--request-timeout", "60", "--header", f"Authorization: Bearer {key}",
        ],
        cwd=tmp_path,
        env=os.environ | {"SCHEMATHESIS_HOOKS": str(HOOKS), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout + ran.stderr
    selected = re.search(r"Selected: (\d+)/(\d+)\s+Tested: (\d+)", ran.stdout)
    assert selected, ran.stdout
    assert len(set(selected.groups())) == 1, ran.stdout
