"""Compares the engines on fresh random folders and states until COUNT evaluations are done; `make fuzz`.

Each is asked of rete, of the reference and, where there is one, of tests/oracle. A difference is cut down and kept in
tests/differential/failures/, with the command that shows it again; after one, or after `--keep-going N` of them, the
program ends with 1.
"""

from __future__ import annotations

import argparse
import copy
import faulthandler
import gc
import importlib
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

from policy_service import canonical  # noqa: E402
from policy_service.policies.bundle import bundle  # noqa: E402
from policy_service.policies.loader import read_folder  # noqa: E402
from tests.differential import generate, judging, states  # noqa: E402

FAILURES = HERE / "failures"
HAS_ORACLE = (HERE.parent / "oracle").is_dir()
STATES, EPOCHS = 600, 2  # of one folder: to load it and to make plans takes as long as a few hundred evaluations
VIEWS = 8  # in one of so many evaluations the properties of the answer are looked at too, in one of four of them others
TRIES, DRAWS = 3000, 4


class Third:
    """The oracle on a folder: it shares nothing with the service but the folder's text."""

    def __init__(self, sources: dict[str, str]) -> None:
        self.package = importlib.import_module("tests.oracle")
        self.oracle = self.package.Oracle(sources)

    def compare(self, posted: dict[str, Any], as_of: date, answer: dict[str, Any]) -> None:
        """Raises Fault where the oracle answers something else."""
        found = self.oracle.answer(posted, as_of, trace="full", purpose="decide")
        difference = self.package.difference(found, {k: v for k, v in answer.items() if k != "bundle"})
        if difference is not None:
            shown = json.dumps(found, ensure_ascii=False, indent=1, default=str).encode()
            raise judging.Fault(
                f"the oracle differs: {difference}", {"oracle": shown, "rete": canonical.trusted(answer)}
            )


def oracle(sources: dict[str, str]) -> Third | None:
    return Third(sources) if HAS_ORACLE else None


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
        judge, third = judging.Judge(found), oracle(sources)
        for draw in range(DRAWS):  # of the filters and neighbours that are looked at
            answer = judge.compare(posted, as_of, Random(draw))
        if third is not None:
            third.compare(posted, as_of, answer)
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
class Found:
    """A case that failed."""

    seed: int
    case: Case


@dataclass
class Outcome:
    """What one folder came to: evaluations done, those against the oracle, whether it loaded, what failed."""

    seed: int
    asked: int
    done: int = 0
    judged: int = 0
    loaded: bool = False
    failed: Found | None = None


def look(seed: int, most: int, every: int = 0) -> Outcome:
    """One folder, at most so many states; against the oracle one of so many, none for 0."""
    rng, outcome = Random(seed), Outcome(seed, most)
    case = Case(generate.write_any(rng), {}, date(2023, 4, 1))
    gc.disable()  # what an evaluation leaves is freed by counting; the cycles go once a folder
    try:
        sources = case.folder.sources()
        found, _ = bundle(sources)
        if found is None:
            return outcome
        outcome.loaded = True
        judge, third = judging.Judge(found), oracle(sources) if every else None
        poster = states.Poster(found.rules, judge.plan, rng, EPOCHS)
        for outcome.done in range(most):
            case.as_of = poster.as_of(rng)
            case.posted = poster.state(rng, case.as_of)
            if outcome.done % VIEWS == 0:
                answer = judge.compare(case.posted, case.as_of, rng if outcome.done % (4 * VIEWS) == 0 else None)
            else:
                answer = judge.agreed(case.posted, case.as_of)
            if third is not None and outcome.done % every == 0:
                third.compare(case.posted, case.as_of, answer)
                outcome.judged += 1
        judge.close()
    except Exception:  # noqa: BLE001  whatever an engine raises is what we look for
        outcome.failed = Found(seed, case)
        return outcome
    finally:
        gc.enable()
        gc.collect()
    outcome.done = most
    return outcome


class Run:
    """Evaluates on all cores until a count is reached or there are too many differences."""

    def __init__(self, given: argparse.Namespace) -> None:
        self.count, self.seed, self.jobs, self.most = given.count, given.seed, given.jobs, given.keep_going
        self.every = given.oracle_every if given.oracle and HAS_ORACLE else 0
        self.following = self.seed
        self.planned = self.done = self.judged = self.folders = self.loaded = 0
        self.faults: list[Found] = []
        self.started = self.told = time.monotonic()
        self.pending: dict[Future[Outcome], int] = {}

    def go(self) -> int:
        with ProcessPoolExecutor(self.jobs, initializer=faulthandler.enable) as pool:
            while self.done < self.count and len(self.faults) < self.most:
                self.plan(pool)
                for future in wait(self.pending, return_when=FIRST_COMPLETED).done:
                    try:
                        outcome = future.result()
                    except BrokenProcessPool:
                        print(f"a process died; it was at one of the seeds {sorted(self.pending.values())}")
                        return 1
                    del self.pending[future]
                    self.add(outcome)
                self.tell()
            pool.shutdown(cancel_futures=True)
        print(self.summary())
        return 1 if self.faults else 0

    def plan(self, pool: ProcessPoolExecutor) -> None:
        while self.planned < self.count and len(self.pending) < 2 * self.jobs:
            most = min(STATES, self.count - self.planned)
            self.pending[pool.submit(look, self.following, most, self.every)] = self.following
            self.planned, self.following = self.planned + most, self.following + 1

    def add(self, outcome: Outcome) -> None:
        self.folders, self.loaded = self.folders + 1, self.loaded + outcome.loaded
        self.done, self.judged = self.done + outcome.done, self.judged + outcome.judged
        self.planned -= outcome.asked - outcome.done
        if outcome.failed is not None:
            self.faults.append(outcome.failed)
            report(outcome.failed)

    def tell(self) -> None:
        if time.monotonic() - self.told > 10:
            self.told = time.monotonic()
            rate = self.done / (self.told - self.started)
            print(f"{self.done} evaluations, {self.folders} folders, {rate:.0f} a second", flush=True)

    def summary(self) -> str:
        differences = f"{len(self.faults)} difference{'' if len(self.faults) == 1 else 's'}"
        return (
            f"seeds {self.seed} to {self.following - 1}, {self.loaded} of {self.folders} folders loaded\n"
            f"{self.done} evaluations, {self.done} against the reference, {self.judged} against the oracle, "
            f"{differences}"
        )


def report(failed: Found) -> None:
    """Cut the failed case down and keep it."""
    case, found = failed.case, fault(failed.case)
    print(f"seed {failed.seed}: {type(found).__name__}: {str(found)[:300]}; cutting it down", flush=True)
    if found is not None:  # else it takes the evaluations before it: then all is in the seed
        case = reduced(case, found)
        found = fault(case)
    folder = keep(case, found, str(failed.seed))
    print(f"see it again with: python {Path(__file__).name} --replay {folder.relative_to(HERE)}", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1_000_000, help="evaluations to do")
    parser.add_argument("--seed", type=int, default=time.time_ns() // 1_000_000, help="the first seed, else fresh ones")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes; all cores when left out")
    parser.add_argument("--keep-going", type=int, default=1, metavar="N", help="end after so many differences")
    parser.add_argument(
        "--oracle", action=argparse.BooleanOptionalAction, default=True, help="compare with tests/oracle too"
    )
    parser.add_argument("--oracle-every", type=int, default=1, metavar="N", help="one of so many evaluations")
    parser.add_argument("--replay", type=Path, help="a folder below failures/ to run again")
    given = parser.parse_args()
    return replay(given.replay) if given.replay is not None else Run(given).go()


if __name__ == "__main__":
    sys.exit(main())
