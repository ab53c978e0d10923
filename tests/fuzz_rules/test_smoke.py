"""Short runs of the fuzzer, so that it stays able to run; the long one is `make fuzz-rules`."""

import subprocess
import sys
from pathlib import Path

import pytest

FUZZ = Path(__file__).with_name("fuzz.py")


@pytest.mark.slow
@pytest.mark.parametrize("count", [60, pytest.param(600, marks=pytest.mark.long)])
def test_rule_files_with_faults_end_in_diagnostics(count: int) -> None:
    ran = subprocess.run(
        [sys.executable, str(FUZZ), "--count", str(count), "--seed", "1"],
        capture_output=True,
        text=True,
        timeout=1800,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
