"""Builds what is generated in the documentation: `python -m tools.build_docs`, or `make docs`.

Then runs the blocks of the pages and renews the outputs that they show. With `--check` nothing is written: stale files
are listed, and the exit status is 1 if there are any. It leaves the outputs of blocks to the tests, which run them.
"""

import argparse
import os
import signal
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

from tools.docs.blocks import BlockFault
from tools.docs.examples import ExampleRefused
from tools.docs.files import pages, stale
from tools.docs.running import Processes, RunFault, fences, rerun
from tools.docs.shipped import RulesFaulty, shipped

ROOT = Path(__file__).parents[1]


def main() -> int:
    """The exit status."""
    parser = argparse.ArgumentParser(prog="build_docs", description="Build what is generated in the documentation.")
    parser.add_argument("--check", action="store_true", help="write nothing; list stale files and exit with 1")
    asked = parser.parse_args()
    try:
        with shipped(ROOT) as rules:
            differing = stale(rules)
        if not asked.check:
            _write(differing)
            differing |= dict(renewed(ROOT))
    except (RulesFaulty, BlockFault, ExampleRefused, RunFault) as error:
        print(error, file=sys.stderr)
        return 1
    for path in sorted(differing):
        print(f"stale: {path}" if asked.check else f"wrote {path}")
    return 1 if asked.check and differing else 0


def _write(files: dict[str, str | None]) -> None:
    for path, text in files.items():
        file = ROOT / path
        if text is None:
            file.unlink()
            continue
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")


def renewed(root: Path) -> Iterator[tuple[str, None]]:
    """The pages whose blocks print something else than they show; they are rewritten."""
    found = [p for p in pages(root) if fences((root / p).read_text("utf-8"))]
    processes = Processes()

    def run(path: str) -> str:
        return rerun((root / path).read_text("utf-8"), root, path, processes)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        try:
            for path, page in [(path, pool.submit(run, path)) for path in found]:
                while not page.done():
                    wait([page], timeout=1)  # a signal that another thread has taken is seen when this one wakes
                if (text := page.result()) != (root / path).read_text("utf-8"):
                    (root / path).write_text(text, "utf-8")
                    yield path, None
        finally:
            processes.end()  # else the pool would wait for the pages that still run


def interruptible(work: Callable[[], int]) -> int:
    """The exit status of some work; 130 if it is told to end, and then it leaves nothing running."""
    for told in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(told) is not signal.SIG_IGN:  # as under nohup
            signal.signal(told, signal.default_int_handler)
    try:
        return work()
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(interruptible(main))
