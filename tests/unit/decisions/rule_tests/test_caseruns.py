"""Cases against answers: by value, in order, whole where something is paid; and engines against each other."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from policy_service.decisions.answers.evaluate import Evaluator, Question
from policy_service.decisions.rule_tests.caseruns import case_answer, failures, is_same, run
from policy_service.decisions.rule_tests.cases import Case, read_cases
from policy_service.diagnostics import Report
from policy_service.engines.registry import engine
from policy_service.facts import State
from policy_service.policies.bundle import Bundle, load_folder

RULES = Path(__file__).parents[3] / "conformance" / "language"


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    found, _, _ = load_folder(RULES)
    assert found is not None
    return found


@pytest.fixture(scope="module")
def reference(bundle: Bundle) -> Evaluator:
    return Evaluator(bundle, engine("reference"))


def case_of(bundle: Bundle, expect: str, policy: str = "relations/tasks") -> Case:
    text = (
        f"cases: [{{name: a, as_of: 2023-04-01, facts: {{merchant: {{id: m-1, frozen: false}},"
        f" live: {{hours: 4, best: 10, orders: 5, goal: 3}}}}, expect: {{{expect}}}}}]\n"
    )
    report = Report()
    sources = {p: t for p, t in bundle.sources.items() if not p.endswith(".test.yaml")}
    (case,) = read_cases(sources | {f"{policy}.test.yaml": text}, RULES.as_posix(), bundle.rules, report)
    assert not report.sorted()
    return case


@pytest.mark.parametrize(
    ("expect", "got"),
    [
        ("rewards: {hours: 100}", {"hours": 100, "record": 250}),
        ("rewards: {hours: 100, record: 250, orders: 500}", {"hours": 100, "record": 250}),
        ("rewards: {hours: 101, record: 250}", {"hours": 100, "record": 250}),
        ("rewards: {}", {"hours": 100, "record": 250}),
        ("not_granted: {}", {"orders": "not_met"}),
        ("not_granted: {orders: excluded}", {"orders": "not_met"}),
        ("recommendations: []", ["orders"]),
        ("status: rule_conflict", "applied"),
        ("missing: []", ["merchant.blocked", "merchant.type", "merchant.vip"]),
        ("rows: {tasks: [hours, record]}", ["hours", "record", "orders"]),
        ("rows: {tasks: [record, hours, orders]}", ["hours", "record", "orders"]),
        ("met_rows: [record, hours]", ["hours", "record"]),
        ("met_count: 2.5", 2),
        ("granted_sum: null", 350),
    ],
)
def test_what_an_answer_does_not_meet_is_a_failure(bundle: Bundle, reference: Evaluator, expect: str, got: Any) -> None:
    case = case_of(bundle, expect)
    (failure,) = failures(case, case_answer(case, reference))
    assert failure.got == got
    assert failure.expectation.span.line == 1


@pytest.mark.parametrize(
    "expect",
    [
        "rewards: {record: 250.00, hours: 100}", "not_granted: {orders: not_met}", "met_count: 2.0",
        "missing: [merchant.vip, merchant.type, merchant.blocked]",
        "tasks: [{row: hours}, {row: record}, {row: orders}]",
        "tasks: [{row: hours, bonus: 50.00}, {row: record, met: true}, {row: orders, left: 3}]",
    ],
)  # fmt: skip
def test_only_what_is_named_is_compared(bundle: Bundle, reference: Evaluator, expect: str) -> None:
    case = case_of(bundle, expect)
    assert failures(case, case_answer(case, reference)) == ()


@pytest.mark.parametrize(
    ("one", "two", "same"),
    [
        (1, Decimal("1.00"), True), (True, True, True), (True, 1, False), (0, False, False), (None, None, True),
        (None, 0, False), ("1", 1, False), ([1, 2], [1, 2], True), ([1], [1, 2], False), ([], None, False),
        ({"a": 1}, {"a": 1, "b": 2}, True), ({"a": 1, "b": 2}, {"a": 1}, False), ({}, [], False),
    ],
)  # fmt: skip
def test_values_are_the_same_by_value(one: Any, two: Any, same: bool) -> None:
    assert is_same(one, two) is same


def test_the_answer_is_about_the_policy_of_the_case_alone(bundle: Bundle, reference: Evaluator) -> None:
    answer = case_answer(case_of(bundle, "status: applied"), reference)
    assert [entry["policy"] for entry in answer["policies"]] == ["relations.tasks"]


class Lying(Evaluator):
    """An engine with a fault: a reward more than there is."""

    def evaluate(self, state: State, question: Question) -> dict[str, Any]:
        answer = super().evaluate(state, question)
        return answer | {"rewards": [*answer["rewards"][:-1], answer["rewards"][-1] | {"amount": 251}]}


def test_engines_that_disagree_fail_a_case_even_where_nothing_named_differs(
    bundle: Bundle, reference: Evaluator
) -> None:
    lying = Lying(bundle, engine("reference"))
    result = run(case_of(bundle, "status: applied"), {"reference": reference, "lying": lying})
    assert not result.passed
    assert not result.failures
    ((engines, found),) = result.differences.items()
    assert engines == ("reference", "lying")
    assert [(d.pointer, d.recorded, d.replayed) for d in found] == [("/rewards/1/amount", 250, 251)]


def test_a_failure_is_told_of_the_engine_that_fails(bundle: Bundle, reference: Evaluator) -> None:
    lying = Lying(bundle, engine("reference"))
    result = run(case_of(bundle, "rewards: {hours: 100, record: 250}"), {"lying": lying, "reference": reference})
    assert list(result.failures) == ["lying"]


def test_a_case_of_another_day_is_another_case(bundle: Bundle, reference: Evaluator) -> None:
    case = replace(case_of(bundle, "status: not_in_effect"), as_of=date(2023, 4, 16))
    assert failures(case, case_answer(case, reference)) == ()
