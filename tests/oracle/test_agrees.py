"""The oracle and the service say the same of every state that is kept here, to the last value of the full trace."""

import ast
import json
import sys
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from policy_service.decisions.answers.evaluate import Evaluator, Question
from policy_service.engines import registry
from policy_service.policies.bundle import load_folder
from tests.oracle import Oracle, difference, sources
from tests.oracle.cases import Case, posted_of, read_cases

ROOT = Path(__file__).parents[2]
LANGUAGE = "tests/conformance/language"
NOT_COMPARED = ("bundle", "decision_id", "decided_at", "receipt")


@cache
def files(folder: str) -> dict[str, str]:
    return {path.relative_to(ROOT / folder).as_posix(): path.read_text("utf-8") for path in _paths(folder)}


def _paths(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob("*.yaml"))


@cache
def oracle(folder: str) -> Oracle:
    return Oracle(files(folder))


@cache
def service(folder: str) -> Evaluator:
    bundle, diagnostics, _ = load_folder(ROOT / folder)
    assert bundle is not None, diagnostics
    return Evaluator(bundle, registry.engine("reference"))


def differs(
    folder: str,
    posted: dict[str, Any],
    as_of: date,
    policies: list[str] | None,
    trace: str = "full",
    purpose: str = "preview",
) -> str | None:
    """Where the answers of both differ."""
    evaluator = service(folder)
    every = evaluator.bundle.rules.order
    shown = {id for id in every if policies is None or any(fnmatchcase(id, each) for each in policies)}
    answer = evaluator.evaluate(evaluator.reader.read(posted, as_of), Question(as_of, purpose, trace, shown))
    theirs = {key: value for key, value in answer.items() if key not in NOT_COMPARED}
    return difference(oracle(folder).answer(posted, as_of, policies, trace, purpose), theirs)


def _cases() -> Iterator[Any]:
    for folder in ("rules", LANGUAGE):
        for case in read_cases(files(folder)):
            yield pytest.param(folder, case, id=f"{case.policy}-{case.name}")


@pytest.mark.parametrize(("folder", "case"), list(_cases()))
def test_a_case_has_one_answer(folder: str, case: Case) -> None:
    assert differs(folder, dict(case.posted), case.as_of, [case.policy]) is None


@pytest.mark.parametrize(
    "case", [pytest.param(each, id=f"{each.policy}-{each.name}") for each in read_cases(files(LANGUAGE))]
)
def test_a_case_has_one_answer_of_all_policies(case: Case) -> None:
    assert differs(LANGUAGE, dict(case.posted), case.as_of, None) is None


def _asked() -> Iterator[Any]:
    for path in sorted((ROOT / "tests/conformance/answers").glob("*.yaml")):
        document = sources.read(path.read_text("utf-8"))
        for each in document["answers"]:
            yield pytest.param(document["rules"], each["request"], id=each["name"])


@pytest.mark.parametrize(("folder", "request_"), list(_asked()))
def test_a_request_has_one_answer(folder: str, request_: dict[str, Any]) -> None:
    day = date.fromisoformat(request_["as_of"])
    sections = sources.read(files(folder)["facts.yaml"])["sections"]
    types = {name: {fact: each["type"] for fact, each in entry["facts"].items()} for name, entry in sections.items()}
    posted = posted_of(request_["facts"], types)
    trace, purpose = request_.get("trace", "fired"), request_.get("purpose", "decide")
    assert differs(folder, posted, day, request_.get("policies"), trace, purpose) is None


EXAMPLES = sorted(path for path in (ROOT / "examples").glob("*.json") if not path.name.endswith(".answer.json"))


@pytest.mark.parametrize("path", [pytest.param(path, id=path.stem) for path in EXAMPLES])
def test_an_example_has_the_answer_beside_it(path: Path) -> None:
    request, answer = _json(path), _json(path.with_suffix(".answer.json"))
    trace = request.get("options", {}).get("trace", "fired")
    found = oracle("rules").answer(
        request["facts"], date.fromisoformat(request["as_of"]), request.get("policies"), trace, answer["purpose"]
    )
    assert difference(found, {key: value for key, value in answer.items() if key not in NOT_COMPARED}) is None


@pytest.mark.parametrize("path", [pytest.param(path, id=path.stem) for path in EXAMPLES])
def test_an_example_has_one_answer_of_all_policies(path: Path) -> None:
    request = _json(path)
    assert differs("rules", request["facts"], date.fromisoformat(request["as_of"]), None) is None


def _json(path: Path) -> Any:
    return json.loads(path.read_text("utf-8"), parse_float=Decimal)


def test_the_oracle_imports_nothing_of_ours() -> None:
    allowed = ("tests.oracle", "yaml")
    modules = [path for path in Path(__file__).parent.glob("*.py") if not path.name.startswith("test_")]
    assert len(modules) > 10
    imported = {(path.name, name) for path in modules for name in _imports(path)}
    ours = {(path, name) for path, name in imported if not _is_library(name) and not name.startswith(allowed)}
    assert not ours


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        if isinstance(node, ast.ImportFrom):
            yield "." * node.level + (node.module or "")


def _is_library(name: str) -> bool:
    return name.partition(".")[0] in sys.stdlib_module_names
