"""Short runs of the fuzzer, so that it stays able to run; the long one is `make fuzz-http`."""

import subprocess
import sys
from pathlib import Path

import pytest

FUZZ = Path(__file__).with_name("fuzz.py")


@pytest.mark.slow
@pytest.mark.parametrize("count", [300, pytest.param(4000, marks=pytest.mark.long)])
def test_hostile_inputs_are_refused_and_decide_nothing(count: int) -> None:
    ran = subprocess.run(
        [sys.executable, str(FUZZ), "--count", str(count), "--seed", "1"],
        capture_output=True,
        text=True,
        timeout=1800,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
