"""Short runs of the chaos, so that it stays able to run; the long one is `make chaos`."""

import subprocess
import sys
from pathlib import Path

import pytest

CHAOS = Path(__file__).with_name("chaos.py")


# A round takes seconds whatever is done: killed services start again, and PostgreSQL recovers.
@pytest.mark.slow
@pytest.mark.parametrize(
    ("store", "rounds"),
    [
        ("sqlite", 2),
        pytest.param("sqlite", 8, marks=pytest.mark.long),
        pytest.param("postgresql", 8, marks=pytest.mark.long),
    ],
)
def test_what_was_answered_outlives_every_kill(store: str, rounds: int) -> None:
    ran = subprocess.run(
        [sys.executable, str(CHAOS), "--rounds", str(rounds), "--store", store, "--seed", "1"],
        capture_output=True,
        text=True,
        timeout=1800,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
