"""Changes good rule files until COUNT folders were checked; whatever they hold, there are diagnostics and no exception.

A folder without an error is then used: its cases run on both engines, and states at the edges of its constants. What
fails is kept in tests/fuzz_rules/failures/ with the command that checks it again.
"""

from __future__ import annotations

import argparse
import sys
import time
import traceback
from datetime import date
from functools import cache
from pathlib import Path
from random import Random

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
# Run as a program, its own folder is in reach alone; hence imports after a statement.
sys.path[:0] = [str(ROOT), str(HERE), str(HERE.parent / "differential")]

import mutate  # noqa: E402
import states  # noqa: E402

from policy_service import canonical  # noqa: E402
from policy_service.decisions.answers.evaluate import Evaluator, Question  # noqa: E402
from policy_service.decisions.bundles.checking import check, errors  # noqa: E402
from policy_service.decisions.explaining import catalogue  # noqa: E402
from policy_service.decisions.rule_tests import caseruns  # noqa: E402
from policy_service.decisions.rule_tests.cases import read_cases  # noqa: E402
from policy_service.diagnostics import Diagnostic, Report, as_json, render_all  # noqa: E402
from policy_service.engines import registry  # noqa: E402
from policy_service.policies.bundle import Bundle, bundle  # noqa: E402
from policy_service.policies.inventory import inventory  # noqa: E402
from policy_service.policies.loader import Sources, check_sources, read_folder  # noqa: E402

FAILURES = HERE / "failures"
FOLDERS = ("rules", "tests/conformance/language", "tests/diagnostics/base", "tests/cli/rules")
FRAME = ("facts.yaml", "bundle.yaml", "campaigns.yaml")
STATES = 3


@cache
def folder(name: str) -> Sources:
    return read_folder(ROOT / name)


def drawn(rng: Random) -> dict[str, str]:
    """The frame of a folder, and one or two of its policies with their cases and the policies that they name."""
    whole = folder(rng.choice(FOLDERS))
    frame = {path: whole[path] for path in FRAME if path in whole}
    policies = {path for path in whole if path not in FRAME and not path.endswith(".test.yaml")}
    chosen = rng.sample(sorted(policies), min(len(policies), rng.choice((1, 2))))
    beside = [path.replace(".yaml", ".test.yaml") for path in chosen]
    found = frame | {path: whole[path] for path in (*chosen, *beside) if path in whole}
    while named := {path for path in policies - found.keys() if _is_named(path, found)}:
        found |= {path: whole[path] for path in sorted(named)}
    return found


def _is_named(path: str, sources: Sources) -> bool:
    """Whether the policy of a file is named in others."""
    name = path.removesuffix(".yaml").partition("@")[0].replace("/", ".")
    return any(name in text for text in sources.values())


class Wrong(Exception):
    """A diagnostic that cannot be shown, or engines that differ."""


def look(sources: Sources, rng: Random) -> bool:
    """Whether the folder has no error. Raises whatever goes wrong."""
    found, diagnostics = bundle(sources)
    told = check(found, diagnostics, sources)
    _shown(told, sources)
    if found is None or errors(told):
        return False
    _used(found, rng)
    return True


def _shown(told: list[Diagnostic], sources: Sources) -> None:
    """Every diagnostic can be printed, and stands where the file has something."""
    places = check_sources(sources)
    render_all(told, places).encode("utf-8", "surrogateescape")
    canonical.dumps([as_json(one) for one in told])
    for one in told:
        lines = places.get(one.span.file, "").split("\n")
        if "\n" in one.message or not 1 <= one.span.line <= max(1, len(lines)) or one.span.end <= one.span.column:
            raise Wrong(f"{one.span} to {one.span.end}: {one.message!r}")


def _used(found: Bundle, rng: Random) -> None:
    evaluators = {name: Evaluator(found, registry.engine(name)) for name in registry.NAMES}
    try:
        for case in read_cases(found.sources, "rules", found.rules, Report()):
            outcome = caseruns.run(case, evaluators)
            if outcome.differences:
                raise Wrong(f"the engines differ in `{case.name}`")
        _asked(found, evaluators, rng)
    finally:
        for evaluator in evaluators.values():
            evaluator.close()
    catalogue.facts_schema(found.rules, None)
    list(inventory(found.rules))
    for id_ in found.rules.order:
        canonical.dumps(catalogue.policy(found, id_, date(2023, 4, 1)))


def _asked(found: Bundle, evaluators: dict[str, Evaluator], rng: Random) -> None:
    first = next(iter(evaluators.values()))
    poster = states.Poster(found.rules, lambda day: first.epoch_program(day).plan, rng, most=2)
    for _ in range(STATES):
        as_of = poster.as_of(rng)
        state = first.reader.read(poster.state(rng, as_of), as_of)
        question = Question(as_of, trace="full")
        if len({canonical.dumps(one.evaluate(state, question)) for one in evaluators.values()}) != 1:
            raise Wrong("the engines differ")


def run(count: int, seed: int) -> int:
    """How many of so many folders went wrong; each is kept."""
    good = wrong = 0
    for one in range(seed, seed + count):
        rng = Random(one)
        sources = mutate.mutated(drawn(rng), rng)
        try:
            good += look(sources, rng)
        except Exception as error:  # noqa: BLE001  whatever is raised is what we look for
            wrong += 1
            print(f"{keep(one, sources, error)}: {type(error).__name__}: {str(error)[:200]}")
            print(f"  see it again with: python {Path(__file__).name} --seed {one} --count 1", flush=True)
    print(f"seeds {seed} to {one}: {good} folders without an error, {wrong} went wrong")
    return wrong


def keep(seed: int, sources: Sources, error: Exception) -> Path:
    """Write a folder that went wrong."""
    to = FAILURES / str(seed)
    for path, text in sources.items():
        (to / "rules" / path).parent.mkdir(parents=True, exist_ok=True)
        (to / "rules" / path).write_bytes(text.encode("utf-8", "surrogatepass"))
    (to / "fault.txt").write_text("".join(traceback.format_exception(error)), "utf-8", "backslashreplace")
    return to


def main() -> int:
    parser = argparse.ArgumentParser(description="Check rule files with faults.")
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=time.time_ns() // 1_000_000)
    given = parser.parse_args()
    return 1 if run(given.count, given.seed) else 0


if __name__ == "__main__":
    sys.exit(main())
