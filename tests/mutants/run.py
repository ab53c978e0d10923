"""Seeds one fault after the other into a copy of the service and tells whether the reference finds it; `make mutants`.

Ends with 1 when a fault is not found, or when its replacement no longer applies.
"""

from __future__ import annotations

import argparse
import compileall
import os
import py_compile
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import Queue
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))  # run as a program, its own folder is in reach alone

from tests.mutants.faults import FAULTS, Fault  # noqa: E402

COPIED = ("policy_service", "tests/mutants", "tests/differential", "tests/conformance/language")
SECONDS = 600
"""After so long a comparison hangs: a fault too, but not one that says what is wrong."""


class Verdict(NamedTuple):
    """Whether a fault was found, and by what; a fault that cannot be seeded is not found."""

    fault: Fault
    found: bool
    said: str


class Copy:
    """A copy of the service in a folder of its own, into which a fault is put and taken out again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in COPIED:
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "failures"))
        # By hash: a fault of the same length, seeded within the same second, is not missed.
        compileall.compile_dir(folder, quiet=2, invalidation_mode=py_compile.PycInvalidationMode.CHECKED_HASH)

    def verdict(self, fault: Fault) -> Verdict:
        path = self.folder / "policy_service" / fault.file
        text = path.read_text("utf-8") if path.is_file() else ""
        if text.count(fault.before) != 1:
            return Verdict(fault, found=False, said=f"stands {text.count(fault.before)} times in {fault.file}")
        path.write_text(text.replace(fault.before, fault.after), "utf-8")
        try:
            return Verdict(fault, *compared(self.folder))
        finally:
            path.write_text(text, "utf-8")


def compared(folder: Path) -> tuple[bool, str]:
    """Whether the comparison of the service in a folder found a difference, and what it said."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.mutants.compare"],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    said = (done.stdout.strip() or done.stderr.strip()).splitlines() or [""]
    return done.returncode == 1 and bool(done.stdout), said[-1]


def verdicts(faults: Sequence[Fault], jobs: int) -> Iterator[Verdict]:
    """In the order of the faults."""
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(jobs) as pool:
        copies: Queue[Copy] = Queue()
        for number in range(jobs):
            copies.put(Copy(Path(folder) / str(number)))

        def judged(fault: Fault) -> Verdict:
            copy = copies.get()
            try:
                return copy.verdict(fault)
            finally:
                copies.put(copy)

        yield from pool.map(judged, faults)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="faults whose meaning holds these words")
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    given = parser.parse_args()
    differs, said = compared(ROOT)
    print(f"without any fault: {said}", flush=True)
    if differs or not said.endswith("answers are the same"):
        return 1
    faults = [fault for fault in FAULTS if given.only in fault.meaning]
    count = 0
    for fault, found, said in verdicts(faults, given.jobs):
        count += found
        print(f"{'found    ' if found else 'NOT FOUND'}  {fault.meaning}: {said}", flush=True)
    print(f"{count} of {len(faults)} found")
    return 0 if count == len(faults) else 1


if __name__ == "__main__":
    sys.exit(main())
