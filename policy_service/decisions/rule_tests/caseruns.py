"""Runs cases, and compares the answers with what the cases expect."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from policy_service import canonical
from policy_service.decisions.answers.differences import Difference, differences
from policy_service.decisions.answers.evaluate import Evaluator, Question
from policy_service.decisions.rule_tests.cases import Case
from policy_service.decisions.rule_tests.expecting import Expectation
from policy_service.engines.answer import ComparedPart


@dataclass(frozen=True, slots=True)
class Failure:
    """An expectation that the answer does not meet; values are as answers show them."""

    case: Case
    expectation: Expectation
    got: Any


@dataclass(frozen=True, slots=True)
class CaseResult:
    """The result of a case.

    failures: by engine; engines without failures are absent.
    differences: by the names of two engines, where their answers differ.
    """

    case: Case
    failures: Mapping[str, tuple[Failure, ...]]
    differences: Mapping[tuple[str, str], tuple[Difference, ...]]

    @property
    def passed(self) -> bool:
        return not self.failures and not self.differences


def run(case: Case, evaluators: Mapping[str, Evaluator]) -> CaseResult:
    """Run a case on each engine. Whole answers are compared too: of engines that disagree one is wrong."""
    answers = {name: case_answer(case, evaluator) for name, evaluator in evaluators.items()}
    failed = {name: found for name, answer in answers.items() if (found := failures(case, answer))}
    first = next(iter(answers))
    differing = {
        (first, name): tuple(differences(answers[first], answer))
        for name, answer in answers.items()
        if canonical.trusted(answer) != canonical.trusted(answers[first])
    }
    return CaseResult(case, failed, differing)


def case_answer(case: Case, evaluator: Evaluator) -> ComparedPart:
    """The answer for the policy of the case; of the other policies only those that it needs are evaluated."""
    return evaluator.evaluate(case.state, Question(case.as_of, shown=frozenset((case.policy,))))


def failures(case: Case, answer: ComparedPart) -> tuple[Failure, ...]:
    """The expectations that an answer does not meet, in the order of the case."""
    found = ((expectation, _got(case, expectation, answer)) for expectation in case.expect)
    return tuple(Failure(case, e, got) for e, got in found if not _meets(e, got))


def _got(case: Case, expectation: Expectation, answer: ComparedPart) -> Any:
    """The part of the answer that an expectation is about."""
    entry = next(p for p in answer["policies"] if p["subject"] == case.subject)
    match expectation.kind:
        case "decision":
            return entry["decisions"].get(expectation.key)
        case "status" | "missing":
            return entry[expectation.kind]
        case "rows":
            return [fired["row"] for fired in entry["fired"] if fired["decision"] == expectation.key]
        case "rewards":
            return {e["id"]: e["amount"] for e in answer["rewards"] if e["subject"] == case.subject}
        case "not_granted":
            return {e["id"]: e["reason"] for e in answer["not_granted"] if e["subject"] == case.subject}
        case "recommendations":
            return [e["id"] for e in answer["recommendations"] if e["subject"] == case.subject]


def _meets(expectation: Expectation, got: Any) -> bool:
    if expectation.kind in ("rewards", "not_granted") and expectation.value.keys() != got.keys():
        return False
    return is_same(expectation.value, got)


def is_same(expected: Any, got: Any) -> bool:
    """Whether a value is the expected one: numbers by value, lists in order, of a record the expected columns."""
    if isinstance(expected, dict) and isinstance(got, dict):
        return all(name in got and is_same(value, got[name]) for name, value in expected.items())
    if isinstance(expected, list) and isinstance(got, list):
        return len(expected) == len(got) and all(map(is_same, expected, got))
    return bool(isinstance(expected, bool) == isinstance(got, bool) and expected == got)
