"""Compares the engines on fresh random folders and states until COUNT evaluations are done; `make fuzz`.

A difference is cut down, written to tests/differential/failures/ with the command that shows it again, and ends
the program with 1.
"""

from __future__ import annotations

import argparse
import copy
import faulthandler
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[1]))  # run as a program, its own folder is in reach alone

from policy_service.policies.bundle import bundle  # noqa: E402
from policy_service.policies.loader import read_folder  # noqa: E402
from tests.differential import generate, judging, states  # noqa: E402

FAILURES = HERE / "failures"
STATES = 150
TRIES, DRAWS = 3000, 4


@dataclass
class Case:
    """A folder and a state on a day."""

    folder: generate.Folder
    posted: dict[str, Any]
    as_of: date


def fault(case: Case) -> Exception | None:
    """What is wrong with a case; None when all is well or the folder does not load."""
    return fault_of(case.folder.sources(), case.posted, case.as_of)


def fault_of(sources: dict[str, str], posted: dict[str, Any], as_of: date) -> Exception | None:
    try:
        found, _ = bundle(sources)
        if found is None:
            return None
        judge = judging.Judge(found)
        for draw in range(DRAWS):  # of the filters and neighbours that are looked at
            judge.compare(posted, as_of, Random(draw))
    except judging.InvalidInput:
        return None
    except Exception as error:  # noqa: BLE001  whatever an engine raises is what we look for
        return error
    return None


def like(one: Exception, other: Exception | None) -> bool:
    """Whether two faults look like one bug."""
    return type(one) is type(other) and str(one)[:25] == str(other)[:25]


def reduced(case: Case, found: Exception, tries: int = TRIES) -> Case:
    """The case with everything left out that the fault does not need."""
    left, progress = tries, True
    while progress and left > 0:
        progress = False
        for change in list(_cuts(case)):
            left -= 1
            smaller = copy.deepcopy(case)
            if left > 0 and change(smaller) and like(found, fault(smaller)):
                case, progress = smaller, True
    return case


Change = Callable[[Case], bool]


def _cuts(case: Case) -> Iterator[Change]:
    """Every single thing that can be left out, large ones first."""
    for name in list(case.folder.files):
        if "/" in name:
            yield lambda c, n=name: c.folder.files.pop(n, None) is not None
    paths = sorted(_paths({"files": case.folder.files, "posted": case.posted}), key=len)
    for path in paths:
        yield lambda c, p=path: _remove({"files": c.folder.files, "posted": c.posted}, p)


def _paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if isinstance(value, generate.Grid):
        yield from ((*path, "rows", n) for n in range(len(value.rows)))
        yield from ((*path, "column", n) for n in range(1, len(value.header)))
        yield from ((*path, "cell", n, m) for n in range(len(value.rows)) for m in range(1, len(value.header)))
    elif isinstance(value, dict | list):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield (*path, key)
            yield from _paths(value[key], (*path, key))


def _remove(root: Any, path: tuple[Any, ...]) -> bool:
    """Leave out what the path names; a cell becomes `-`."""
    value = root
    for at, key in enumerate(path):
        if isinstance(value, generate.Grid):
            return _cut_grid(value, path[at:])
        if key not in value if isinstance(value, dict) else key >= len(value):
            return False
        if at == len(path) - 1:
            del value[key]
            return True
        value = value[key]
    return False


def _cut_grid(grid: generate.Grid, path: tuple[Any, ...]) -> bool:
    match path:
        case ("rows", int(row)) if row < len(grid.rows) > 1:
            del grid.rows[row]
        case ("column", int(column)) if column < len(grid.header):
            for cells in (grid.header, *grid.rows):
                del cells[column]
        case ("cell", int(row), int(column)) if row < len(grid.rows) and column < len(grid.header):
            if grid.rows[row][column] == "-":
                return False
            grid.rows[row][column] = "-"
        case _:
            return False
    return True


def keep(case: Case, found: Exception | None, name: str) -> Path:
    """Write a failing case; gives its folder."""
    folder = FAILURES / name
    for path, text in case.folder.sources().items():
        (folder / "rules" / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / "rules" / path).write_text(text, "utf-8")
    state = {"as_of": case.as_of.isoformat(), "facts": case.posted}
    (folder / "case.json").write_text(json.dumps(state, ensure_ascii=False, indent=1, default=_exact), "utf-8")
    (folder / "fault.txt").write_text(f"{type(found).__name__}: {found}\n", "utf-8")
    for engine, answer in getattr(found, "answers", {}).items():
        (folder / f"{engine}.json").write_bytes(answer)
    return folder


def _exact(value: Decimal) -> Any:
    """A Decimal keeps its text, marked so that reading it back is exact."""
    return {"decimal": str(value)}


def _read(value: dict[str, Any]) -> Any:
    return Decimal(value["decimal"]) if list(value) == ["decimal"] else value


def replay(folder: Path) -> int:
    """Run a kept case again."""
    case = json.loads((folder / "case.json").read_text("utf-8"), object_hook=_read)
    found = fault_of(read_folder(folder / "rules"), case["facts"], date.fromisoformat(case["as_of"]))
    print("0 differences" if found is None else f"{type(found).__name__}: {found}")
    for engine, answer in getattr(found, "answers", {}).items():
        print(f"{engine}: {answer.decode()}")
    return found is not None


@dataclass
class Outcome:
    """What one folder came to: evaluations done, whether it loaded, and the case that failed."""

    seed: int
    asked: int
    done: int
    loaded: bool
    failed: Case | None = None


def look(seed: int, most: int) -> Outcome:
    """One folder, at most so many states."""
    rng = Random(seed)
    case, done = Case(generate.write_folder(rng), {}, date(2023, 4, 1)), 0
    try:
        found, _ = bundle(case.folder.sources())
        if found is None:
            return Outcome(seed, most, 0, loaded=False)
        judge = judging.Judge(found)
        poster = states.Poster(found.rules, judge.plan, rng)
        for done in range(most):  # noqa: B007  how far it came is read below
            case.as_of = poster.as_of(rng)
            case.posted = poster.state(rng, case.as_of)
            judge.compare(case.posted, case.as_of, rng if rng.randrange(8) == 0 else None)
        judge.close()
    except Exception:  # noqa: BLE001  whatever an engine raises is what we look for
        return Outcome(seed, most, done, loaded=True, failed=case)
    return Outcome(seed, most, most, loaded=True)


def run(count: int, seed: int, jobs: int) -> int:
    """Evaluate until the count is reached; 1 at the first difference."""
    done = folders = loaded = 0
    started = told = time.monotonic()
    with ProcessPoolExecutor(jobs, initializer=faulthandler.enable) as pool:
        pending: dict[Future[Outcome], int] = {}
        planned, following = 0, seed
        while done < count:
            while planned < count and len(pending) < 2 * jobs:
                most = min(STATES, count - planned)
                pending[pool.submit(look, following, most)] = following
                planned, following = planned + most, following + 1
            for future in wait(pending, return_when=FIRST_COMPLETED).done:
                try:
                    outcome = future.result()
                except BrokenProcessPool:
                    print(f"a process died; it was at one of the seeds {sorted(pending.values())}")
                    return 1
                del pending[future]
                folders, loaded, done = folders + 1, loaded + outcome.loaded, done + outcome.done
                planned -= outcome.asked - outcome.done
                if outcome.failed is not None:
                    pool.shutdown(cancel_futures=True)
                    return report(outcome, done)
            if time.monotonic() - told > 10:
                told = time.monotonic()
                print(f"{done} evaluations, {folders} folders, {done / (told - started):.0f} a second", flush=True)
    print(f"{loaded} of {folders} folders loaded, seeds {seed} to {following - 1}")
    print(f"{done} evaluations, 0 differences")
    return 0


def report(outcome: Outcome, done: int) -> int:
    """Cut the failed case down and keep it."""
    case = outcome.failed
    assert case is not None
    found = fault(case)
    print(f"seed {outcome.seed}: {type(found).__name__}: {found}; cutting it down", flush=True)
    if found is not None:  # else it takes the evaluations before it: then all is in the seed
        case = reduced(case, found)
        found = fault(case)
    folder = keep(case, found, str(outcome.seed))
    print(f"see it again with: python {Path(__file__).name} --replay {folder.relative_to(HERE)}")
    print(f"{done} evaluations, 1 difference")
    return 1


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1_000_000, help="evaluations to do")
    parser.add_argument("--seed", type=int, help="the first seed; fresh ones when left out")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes; all cores when left out")
    parser.add_argument("--replay", type=Path, help="a folder below failures/ to run again")
    given = parser.parse_args()
    if given.replay is not None:
        return replay(given.replay)
    return run(given.count, given.seed if given.seed is not None else time.time_ns() // 1_000_000, given.jobs)


if __name__ == "__main__":
    sys.exit(main())
