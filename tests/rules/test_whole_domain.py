"""One posted state with every section, answered by every policy in one call."""

from datetime import date
from typing import Any

import pytest

from policy_service import canonical
from policy_service.decisions.answers.evaluate import Evaluator, Question
from policy_service.facts import Fact
from policy_service.language import types
from policy_service.language.values import exact

DAY = date(2023, 4, 1)


def posted(rete: Evaluator) -> dict[str, Any]:
    """A value for every declared fact: numbers in the middle of their range, everything else true or first."""
    facts: dict[str, Any] = {}
    for section in rete.bundle.rules.dictionary.sections.values():
        values = {key: middle(fact) for key, fact in section.facts.items()}
        facts[section.name] = [values] if section.element else values
    return facts


def middle(fact: Fact) -> Any:
    match fact.type:
        case types.Number(scale, low, high):
            return exact((low + high) // 2, scale)
        case types.Date():
            return "2023-03-30"
        case types.Boolean():
            return True
        case types.Enum(members):
            return members[0]
    return f"{fact.section}-1" if fact.is_id else "text"


def test_every_policy_answers_one_state_with_all_sections(rete: Evaluator, reference: Evaluator) -> None:
    facts = posted(rete)
    answers = [e.evaluate(e.reader.read(facts, DAY), Question(DAY, trace="full")) for e in (rete, reference)]
    assert canonical.trusted(answers[0]) == canonical.trusted(answers[1])
    entries = answers[0]["policies"]
    assert [entry["policy"] for entry in entries] == sorted(rete.bundle.rules.order)
    assert {entry["status"] for entry in entries} <= {"applied", "not_applicable", "not_in_effect"}
    assert sum(entry["status"] == "applied" for entry in entries) > 25
    assert not any(entry["missing"] for entry in entries)


@pytest.mark.parametrize("family", ["chuanliu", "doujin", "scores", "membership", "commission", "providers"])
def test_a_filter_shows_what_the_whole_answer_says_of_those_policies(rete: Evaluator, family: str) -> None:
    state = rete.reader.read(posted(rete), DAY)
    whole = rete.evaluate(state, Question(DAY))
    shown = frozenset(id_ for id_ in rete.bundle.rules.order if id_.startswith(f"{family}."))
    some = rete.evaluate(state, Question(DAY, shown=shown))
    assert {entry["policy"] for entry in some["policies"]} == shown
    for part in ("rewards", "not_granted", "recommendations", "policies"):
        assert some[part] == [entry for entry in whole[part] if entry["policy"] in shown]


def test_every_recommendation_says_which_facts_triggered_it(rete: Evaluator) -> None:
    recommended = rete.evaluate(rete.reader.read(posted(rete), DAY), Question(DAY))["recommendations"]
    assert len(recommended) > 10
    assert all(entry["because"] for entry in recommended)


def test_no_shipped_policy_recommends_without_a_condition(rete: Evaluator) -> None:
    for policy in rete.bundle.rules.policies:
        assert [r.id for r in policy.recommendations if r.when is None] == []
