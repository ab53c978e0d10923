"""Cases of rule folders and whole answers, on every engine."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from policy_service.decisions.answers.evaluate import Evaluator
from policy_service.decisions.rule_tests.cases import Case, read_cases
from policy_service.diagnostics import Report
from policy_service.engines import registry
from policy_service.policies.bundle import Bundle, load_folder

ROOT = Path(__file__).parents[2]


@cache
def loaded(folder: str) -> Bundle:
    bundle, diagnostics, _ = load_folder(ROOT / folder)
    assert bundle is not None, [d.message for d in diagnostics]
    return bundle


@cache
def evaluator(folder: str, engine: str) -> Evaluator:
    return Evaluator(loaded(folder), registry.engine(engine))


@cache
def cases(folder: str) -> tuple[Case, ...]:
    report = Report()
    bundle = loaded(folder)
    found = read_cases(bundle.sources, (ROOT / folder).as_posix(), bundle.rules, report)
    assert not report.sorted()
    return found


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """`case` is every case of the module's FOLDER, `engine` every engine."""
    if "case" in metafunc.fixturenames:
        found = cases(metafunc.module.FOLDER)
        metafunc.parametrize("case", found, ids=[f"{c.policy}-{c.name}" for c in found])
    if "engine" in metafunc.fixturenames:
        metafunc.parametrize("engine", registry.NAMES)


@pytest.fixture
def evaluator_of() -> Callable[[str, str], Evaluator]:
    """The evaluator of a rules folder on an engine."""
    return evaluator
