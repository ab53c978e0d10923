"""A short run of the chaos, so that it stays able to run; the long one is `make chaos`."""

import subprocess
import sys
from pathlib import Path

import pytest

CHAOS = Path(__file__).with_name("chaos.py")


@pytest.mark.slow
@pytest.mark.parametrize(("store", "rounds"), [("sqlite", 2), ("postgresql", 4)])
def test_what_was_answered_outlives_every_kill(store: str, rounds: int) -> None:
    ran = subprocess.run(
        [sys.executable, str(CHAOS), "--rounds", str(rounds), "--store", store, "--seed", "1"],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
