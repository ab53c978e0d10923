"""Every row of every shipped policy is hit by one of its cases, and every answer is given by one."""

from collections.abc import Iterator
from pathlib import Path

from policy_service.decisions.answers.evaluate import Evaluator
from policy_service.decisions.rule_tests.caseruns import case_answer
from policy_service.decisions.rule_tests.cases import read_cases
from policy_service.diagnostics import Report
from policy_service.policies.bundle import Bundle
from policy_service.policies.model import Policy, Table


def test_every_row_reward_and_recommendation_is_hit_by_a_case(shipped: Bundle, rete: Evaluator) -> None:
    hit: set[tuple[str, ...]] = set()
    report = Report()
    folder = (Path(__file__).parents[2] / "rules").as_posix()
    cases = read_cases(shipped.sources, folder, shipped.rules, report)
    assert not report.sorted()
    for case in cases:
        answer = case_answer(case, rete)
        for policy in answer["policies"]:
            hit |= {(policy["policy"], fired["decision"], fired["row"]) for fired in policy["fired"]}
        for kind in ("rewards", "recommendations"):
            hit |= {(entry["policy"], kind, entry["id"]) for entry in answer[kind]}
    declared = {one for policy in shipped.rules.policies for one in rows_and_answers(policy)}
    assert len(declared) > 300
    assert declared - hit == set()


def rows_and_answers(policy: Policy) -> Iterator[tuple[str, ...]]:
    """Rows of tables, rows that an `each` stands on, rewards and recommendations."""
    for decision in policy.decisions.values():
        if isinstance(decision.body, Table):
            yield from ((policy.id, decision.name, row.id) for row in decision.body.rows)
    for kind, answers in (("rewards", policy.rewards), ("recommendations", policy.recommendations)):
        for answer in answers:
            yield policy.id, kind, answer.id
            if answer.row is not None:
                yield policy.id, answer.row.relation, answer.row.row
