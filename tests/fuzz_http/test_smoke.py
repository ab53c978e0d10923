"""A short run of the fuzzer, so that it stays able to run; the long one is `make fuzz-http`."""

import subprocess
import sys
from pathlib import Path

FUZZ = Path(__file__).with_name("fuzz.py")


def test_hostile_inputs_are_refused_and_decide_nothing() -> None:
    ran = subprocess.run(
        [sys.executable, str(FUZZ), "--count", "300", "--seed", "1"],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
