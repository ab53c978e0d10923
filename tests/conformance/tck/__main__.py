"""Runs the kit and counts what became of it: `python -m tests.conformance.tck`; `--write` records it."""

from __future__ import annotations

import argparse
import sys

from tests.conformance.tck import kit, record
from tests.conformance.tck.running import results


def main() -> int:
    """The exit status: 1 when something came out otherwise than it is recorded."""
    parser = argparse.ArgumentParser(prog="tck", description="Run the cases of the DMN kit on every engine.")
    parser.add_argument("--write", action="store_true", help="record the results")
    asked = parser.parse_args()
    found = {name: record.record(results(kit.read(path))) for name, path in kit.folders().items()}
    if asked.write:
        record.write(found)
    for what, count in sorted(record.counts(found).items()):
        print(f"{count:5} {what}")
    return 0 if asked.write or found == record.recorded() else 1


if __name__ == "__main__":
    sys.exit(main())
