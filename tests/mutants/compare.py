"""The quick comparison: rete against the reference, on the kept folders and on generated ones; always the same.

Ends with 0 when all answers are the same bytes, and with 1, after one line on standard output, at the first difference.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from policy_service import canonical
from policy_service.decisions.answers.evaluate import Evaluator, Question
from policy_service.decisions.rule_tests.cases import read_cases
from policy_service.diagnostics import Report
from policy_service.engines.registry import engine
from policy_service.facts import State
from policy_service.policies.bundle import Bundle, bundle
from policy_service.policies.loader import read_folder
from tests.differential import generate, states

TESTS = Path(__file__).parents[1]
WRITTEN = ("mutants/rules", "conformance/language")
SEEDS = (1, 11, 17, 18, 31, 37, 39, 42)
STATES, CASES_BETWEEN = 24, 6


class Asked(NamedTuple):
    """One state and what is asked about it; `where` says it again in words."""

    where: str
    state: State
    question: Question


class Pair:
    """Both engines on one bundle."""

    def __init__(self, found: Bundle) -> None:
        self.rules, self.sources = found.rules, found.sources
        self.rete, self.reference = (Evaluator(found, engine(name)) for name in ("rete", "reference"))

    def difference(self, asked: Asked) -> str | None:
        """What differs, in one line."""
        answers = [_answered(evaluator, asked) for evaluator in (self.rete, self.reference)]
        return None if answers[0] == answers[1] else f"{asked.where}: {_told(*answers)}"


def _answered(evaluator: Evaluator, asked: Asked) -> bytes:
    """The answer; of a fault in the service its name, since a fault of one engine alone is a difference too."""
    try:
        return canonical.trusted(evaluator.evaluate(asked.state, asked.question))
    except Exception as error:  # noqa: BLE001  whatever an engine raises is what we look for
        return f"{type(error).__name__}: {error}".encode()


def _told(one: bytes, two: bytes) -> str:
    at = next((i for i, (a, b) in enumerate(zip(one, two, strict=False)) if a != b), min(len(one), len(two)))
    found = (text[max(0, at - 40) : at + 60].decode("utf-8", "replace") for text in (one, two))
    return "rete {!r}, reference {!r}".format(*found)


def views(turn: int, as_of: date, shown: list[str] | None) -> Iterator[Question]:
    """What is asked of a state: all of it, and in turn a preview, a shorter trace, or every third policy."""
    yield Question(as_of, trace="full", shown=shown)
    if turn % CASES_BETWEEN == 0:
        yield Question(as_of, purpose="preview")
    elif turn % CASES_BETWEEN == 3:
        yield Question(as_of, trace="none")


def written(pair: Pair, folder: str) -> Iterator[Asked]:
    """The states of the cases beside the rules of a folder, each asked of the policy that it is about."""
    cases = read_cases(pair.sources, folder, pair.rules, Report())
    if not cases:
        raise SystemExit(f"{folder} has no cases")
    for turn, case in enumerate(cases):
        where = f"{folder}: {case.policy}, {case.name}"
        for question in views(turn, case.as_of, [case.policy]):
            yield Asked(where, case.state, question)


def generated(pair: Pair, name: str, rng: Random, times: int) -> Iterator[Asked]:
    """States around the constants of the rules, each also asked of some of the policies."""
    poster = states.Poster(pair.rules, lambda day: pair.rete.epoch_program(day).plan, rng, most=3)
    for turn in range(times):
        as_of = poster.as_of(rng)
        posted: dict[str, Any] = poster.state(rng, as_of)
        state = pair.rete.reader.read(posted, as_of)
        some = sorted(rng.sample(pair.rules.order, 1 + len(pair.rules.order) // 4))
        for question in (*views(turn, as_of, None), Question(as_of, trace="full", shown=some)):
            yield Asked(f"{name}: state {turn}", state, question)


def loaded(name: str, sources: dict[str, str]) -> Pair:
    found, diagnostics = bundle(sources, name)
    if found is None:
        errors = [d.message for d in diagnostics if d.severity == "error"]
        raise SystemExit(f"{name} does not load: {errors}")
    return Pair(found)


def everything() -> Iterator[tuple[Pair, Asked]]:
    """What is asked, and of which engines."""
    for name in WRITTEN:
        pair = loaded(name, read_folder(TESTS / name))
        yield from ((pair, asked) for asked in written(pair, name))
    for seed in SEEDS:
        pair = loaded(f"folder {seed}", generate.write_folder(Random(seed)).sources())
        yield from ((pair, asked) for asked in generated(pair, f"folder {seed}", Random(seed), STATES))


def main() -> int:
    count = 0
    for pair, asked in everything():
        difference = pair.difference(asked)
        if difference is not None:
            print(difference)
            return 1
        count += 1
    print(f"{count} answers are the same")
    return 0


if __name__ == "__main__":
    sys.exit(main())
