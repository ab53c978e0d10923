"""Each part of the rule language, in policies made for it, on every engine."""

from collections.abc import Callable

from policy_service import canonical
from policy_service.decisions.answers.evaluate import Evaluator
from policy_service.decisions.rule_tests.caseruns import case_answer, failures
from policy_service.decisions.rule_tests.cases import Case
from policy_service.engines import registry

FOLDER = "tests/conformance/language"
Evaluators = Callable[[str, str], Evaluator]


def test_the_answer_is_the_expected_one(case: Case, engine: str, evaluator_of: Evaluators) -> None:
    found = failures(case, case_answer(case, evaluator_of(FOLDER, engine)))
    assert not [(f.expectation.key, f.expectation.value, f.got) for f in found]


def test_all_engines_answer_the_same_bytes(case: Case, evaluator_of: Evaluators) -> None:
    answers = [canonical.dumps(case_answer(case, evaluator_of(FOLDER, engine))) for engine in registry.NAMES]
    assert len(set(answers)) == 1
