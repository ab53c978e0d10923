"""`make bench-load`: how loading and checking grow with what the rule files hold.

Each folder is made, loaded and checked in a process of its own: `load` reads, types and judges the files, `check`
compiles every epoch for the engine that serves. Time is the processor's, memory the most that the process held. The
exponent says how a step grew from the one before: 1 is in proportion, 2 is its square.
"""

import argparse
import json
import math
import resource
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from time import process_time

from policy_service.decisions.answers.evaluate import Evaluator
from policy_service.engines.registry import engine
from policy_service.policies.bundle import bundle
from policy_service.policies.loader import is_case_file, read_folder

SHIPPED = Path(__file__).resolve().parent.parent / "rules"
_FIRST = date(2023, 1, 1)
_BUNDLE = 'time_zone: Asia/Shanghai\nday_starts: "00:00"\n'
_FACTS = """basis: assumed
sections:
  merchant:
    label: {zh: 商家, en: Merchant}
    facts:
      id: {type: id, label: {zh: 商家编号, en: Merchant id}}
      tier: {type: integer, range: [0, 999999], label: {zh: 等级, en: Tier}}
      orders: {type: integer, range: [0, 999999], label: {zh: 订单, en: Orders}}
      category: {type: text, label: {zh: 类目, en: Category}}
"""
Folder = dict[str, str]


@dataclass(frozen=True, slots=True)
class Series:
    """Folders that differ in one size alone."""

    name: str
    make: Callable[[int], Folder]
    steps: tuple[int, ...]


def _policy(name: str, body: str, parameters: str = "") -> str:
    return (
        f"policy: load.{name}\ntitle: {{zh: 题, en: Title}}\nsubject: merchant\nbasis: assumed\n"
        f"effective: {{from: {_FIRST}}}\n{parameters}decisions:\n{body}"
    )


def _folder(policies: Iterable[tuple[str, str]]) -> Folder:
    return {"facts.yaml": _FACTS, "bundle.yaml": _BUNDLE} | {f"{name}.yaml": text for name, text in policies}


def _table(hit: str, header: str, rows: Iterable[str]) -> str:
    lines = [
        f"      | row | {header} | => out: integer |",
        *(f"      | r{n} | {row} | {n} |" for n, row in enumerate(rows)),
    ]
    return f"  out:\n    hit: {hit}\n    default: null\n    table: |\n" + "\n".join(lines) + "\n"


def _values(count: int, name: str = "limit") -> str:
    days = (_FIRST + timedelta(days=n) for n in range(count))
    entries = "".join(f"      - {{from: {day}, value: {100000 + n}}}\n" for n, day in enumerate(days))
    return f"parameters:\n  {name}:\n    type: integer\n    values:\n{entries}"


def _one(body: str, parameters: str = "") -> Folder:
    return _folder([("p", _policy("p", body, parameters))])


def _ranges(count: int) -> Iterator[str]:
    return (f"[{10 * n}..{10 * n + 10})" for n in range(count))


def _grid(count: int) -> Iterator[str]:
    """Rows told apart by two columns together."""
    side = math.isqrt(count)
    return (f"[{n // side}..{n // side + 1}) | [{n % side}..{n % side + 1})" for n in range(count))


def _shipped(count: int) -> Folder:
    """The shipped rules and one policy with a dated parameter."""
    shipped = {path: text for path, text in read_folder(SHIPPED).items() if not is_case_file(path)}
    return shipped | {"aside.yaml": _policy("aside", "  out: {expression: limit + 1}\n", _values(count))}


def _each_dated(count: int) -> Folder:
    """Policies each of which has a value from a day of its own on."""
    values = "parameters:\n  limit: {type: integer, values: [{from: 2023-01-01, value: 1}, {from: DAY, value: 2}]}\n"
    days = (_FIRST + timedelta(days=n + 1) for n in range(count))
    body = _table("unique", "merchant.orders", ["< limit", ">= limit"])
    return _folder((f"p{n}", _policy(f"p{n}", body, values.replace("DAY", str(d)))) for n, d in enumerate(days))


def _relation(count: int) -> Folder:
    rows = "".join(f"      | r{n} | merchant.orders >= {n} | {n} |\n" for n in range(count))
    body = f"  tasks:\n    relation: |\n      | row | met: boolean | gift: integer |\n{rows}"
    reward = (
        "rewards:\n  tasks:\n    each: tasks\n    title: {zh: 奖, en: Gift}\n    kind: cash\n    unit: yuan\n"
        "    when: met\n    amount: gift\n    claim: {per: day}\n"
    )
    return _folder([("p", _policy("p", body) + reward)])


def _nodes(count: int) -> Folder:
    return _one(f"  out: {{expression: '{' and '.join(f'merchant.orders != {n}' for n in range(count))}'}}\n")


SERIES = (
    Series(
        "rows of a unique table", lambda n: _one(_table("unique", "merchant.orders", _ranges(n))), (50, 200, 800, 3200)
    ),
    Series(
        "rows told apart by two columns",
        lambda n: _one(_table("unique", "merchant.tier | merchant.orders", _grid(n))),
        (49, 196, 784, 3136),
    ),
    Series(
        "rows told apart by a text",
        lambda n: _one(_table("unique", "merchant.category", (f'"c{i}"' for i in range(n)))),
        (50, 200, 800, 3200),
    ),
    Series(
        "rows of a first table",
        lambda n: _one(_table("first", "merchant.orders", (f">= {n - i}" for i in range(n)))),
        (50, 200, 800, 3200),
    ),
    Series(
        "rows that all overlap",
        lambda n: _one(_table("unique", "merchant.orders", (f">= {i}" for i in range(n)))),
        (50, 200, 800, 3200),
    ),
    Series("rows of a relation", _relation, (50, 200, 800, 3200)),
    Series(
        "policies",
        lambda n: _folder(
            (f"p{i}", _policy(f"p{i}", _table("unique", "merchant.orders", _ranges(3)))) for i in range(n)
        ),
        (25, 100, 400, 1600),
    ),
    Series("dated values beside the shipped rules", _shipped, (10, 100, 1000)),
    Series("policies with a value of their own day", _each_dated, (10, 40, 160, 640)),
    Series(
        "200 rows x values that the table does not read",
        lambda n: _one(
            _table("unique", "merchant.orders", _ranges(200)) + "  so: {expression: limit + 1}\n", _values(n)
        ),
        (5, 45, 365),
    ),
    Series(
        "200 rows x values that a row reads",
        lambda n: _one(
            _table("unique", "merchant.orders", ["> limit", *(f"[{i}0..{i}9]" for i in range(1, 200))]), _values(n)
        ),
        (5, 45, 365),
    ),
    Series(
        "200 rows x values that each row reads",
        lambda n: _one(
            _table("unique", "merchant.orders | merchant.tier", (f"{i} | > limit" for i in range(200))), _values(n)
        ),
        (5, 45, 365),
    ),
    Series("comparisons in one condition", _nodes, (50, 200, 800, 3200)),
)


def main() -> int:
    options = _options()
    if options.child is not None:
        series, step = options.child
        _child(SERIES[int(series)].make(int(step)), options.seconds)
        return 0
    print(f"Seconds of the processor and MiB at most; each step may take {options.seconds} s.\n")
    for number, one in enumerate(SERIES):
        if options.only in one.name:
            _tell(number, one, options.seconds)
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure how loading and checking grow.")
    parser.add_argument("--seconds", type=int, default=60, help="the most processor time of one step; 60 by default")
    parser.add_argument("--only", default="", help="only the series whose names hold this text")
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    return parser.parse_args()


def _child(folder: Folder, seconds: int) -> None:
    """Print what each phase took as soon as it is over; the system ends the process when its time is over."""
    bundle(_one("  out: {expression: merchant.orders}\n"))  # what is made once, such as the grammar
    used = math.ceil(process_time())
    resource.setrlimit(resource.RLIMIT_CPU, (used + seconds, used + seconds))
    start = process_time()
    found, diagnostics = bundle(folder)
    _say("load", start, len(diagnostics))
    if found is not None:
        start = process_time()
        Evaluator(found, engine("rete")).try_all()
        _say("check", start, len(diagnostics))


def _say(phase: str, start: float, diagnostics: int) -> None:
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
    print(json.dumps([phase, process_time() - start, memory, diagnostics]), flush=True)


def _tell(number: int, series: Series, seconds: int) -> None:
    print(f"{series.name}\n{'size':>8} {'load':>8} {'grew':>6} {'MiB':>6} {'check':>8} {'grew':>6} {'MiB':>6}")
    before: dict[str, tuple[int, float]] = {}
    for step in series.steps:
        phases = _phases(number, step, seconds)
        cells = []
        for phase in ("load", "check"):
            took, memory = phases.get(phase, (None, None))
            cells.append(_cell(took, memory, before.get(phase), step))
            if took is not None:
                before[phase] = step, took
        print(f"{step:>8} {' '.join(cells)}{phases['end']}", flush=True)
        if "load" not in phases:
            break
    print()


def _phases(number: int, step: int, seconds: int) -> dict[str, tuple[float | None, float | None]]:
    """Seconds and MiB of each phase that ended, and under `end` a remark."""
    command = [sys.executable, __file__, "--seconds", str(seconds), "--child", str(number), str(step)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    found = {}
    faults = 0
    for line in ran.stdout.splitlines():
        phase, took, memory, faults = json.loads(line)
        found[phase] = took, memory
    found["end"] = _remark(ran, faults, found, seconds)
    return found


def _remark(ran: subprocess.CompletedProcess[str], faults: int, found: dict[str, object], seconds: int) -> str:
    if ran.returncode < 0:
        phase = "check" if "load" in found else "load"
        return f"  {phase} was ended after {seconds} s"
    if ran.returncode:
        return f"  failed: {ran.stderr.strip().splitlines()[-1]}"
    return "" if "check" in found else f"  {faults} faults are told, nothing to compile"


def _cell(took: float | None, memory: float | None, before: tuple[int, float] | None, step: int) -> str:
    if took is None or memory is None:
        return f"{'-':>8} {'':>6} {'':>6}"
    grew = "" if before is None else f"{math.log(took / before[1]) / math.log(step / before[0]):.2f}"
    return f"{took:>8.2f} {grew:>6} {memory:>6.0f}"


if __name__ == "__main__":
    sys.exit(main())
