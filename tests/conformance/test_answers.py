"""What cases do not name: claims, cuts, traces and texts of whole answers, on every engine."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest

from policy_service.decisions.answers.evaluate import Evaluator, Question
from policy_service.decisions.rule_tests.caseruns import is_same
from policy_service.decisions.rule_tests.expecting import plain_value
from policy_service.diagnostics import Report
from policy_service.sources import Mapping, Node, Sequence, read

FILES = sorted((Path(__file__).parent / "answers").glob("*.yaml"))


@dataclass(frozen=True)
class Asked:
    rules: str
    name: str
    request: dict[str, Any]
    answer: dict[str, Any]


def value(node: Node | None) -> Any:
    match node:
        case Mapping(entries):
            return {key.value: value(item) for key, item in entries}
        case Sequence(items):
            return [value(item) for item in items]
    assert node is not None
    return plain_value(node)


def read_file(path: Path) -> list[Asked]:
    root = value(read(path.name, path.read_text("utf-8"), Report()))
    return [Asked(root["rules"], **one) for one in root["answers"]]


def at(found: Any, pointer: str) -> Any:
    """What stands at a pointer; None where nothing does."""
    for step in pointer.split("/")[1:]:
        if isinstance(found, list):
            found = found[int(step)] if int(step) < len(found) else None
        elif isinstance(found, dict):
            found = found.get(step)
    return found


def meets(expected: Any, got: Any) -> bool:
    """As cases compare, and a null where the answer has no such key."""
    if isinstance(expected, dict) and isinstance(got, dict):
        return all(meets(item, got.get(key)) for key, item in expected.items())
    if isinstance(expected, list) and isinstance(got, list):
        return len(expected) == len(got) and all(map(meets, expected, got))
    return is_same(expected, got)


@pytest.mark.parametrize("asked", [pytest.param(a, id=a.name) for path in FILES for a in read_file(path)])
def test_the_answer_holds_what_is_said_of_it(
    asked: Asked, engine: str, evaluator_of: Callable[[str, str], Evaluator]
) -> None:
    evaluator = evaluator_of(asked.rules, engine)
    request = asked.request
    day = date.fromisoformat(request["as_of"])
    patterns = request.get("policies", ["*"])
    shown = {id_ for id_ in evaluator.bundle.rules.order if any(fnmatchcase(id_, p) for p in patterns)}
    question = Question(day, request.get("purpose", "decide"), request.get("trace", "fired"), shown)
    answer = evaluator.evaluate(evaluator.reader.read(request["facts"], day), question)
    wrong = {p: at(answer, p) for p, expected in asked.answer.items() if not meets(expected, at(answer, p))}
    assert not wrong
