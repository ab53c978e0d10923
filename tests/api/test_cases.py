"""Every case of the shipped rules, asked over HTTP."""

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from policy_service import canonical
from policy_service.decisions.rule_tests.cases import Case, read_cases
from policy_service.diagnostics import Report
from policy_service.facts import StateReader
from policy_service.policies.bundle import Bundle

Body = dict[str, Any]
Call = Callable[..., Any]
RULES = Path(__file__).parents[2] / "rules"


@pytest.fixture(scope="module")
def cases(rules: Bundle) -> list[tuple[Case, Body]]:
    """Each case with its facts as they would be posted."""
    report = Report()
    found = read_cases(rules.sources, RULES.as_posix(), rules.rules, report)
    assert not report.has_errors
    reader = StateReader(rules.rules.dictionary)
    return [(case, reader.normalised(case.state)) for case in found]


def ask(client: FlaskClient, case: Case, facts: Body) -> bytes:
    """The preview of a case's own policy, with all that failed."""
    body = {
        "as_of": case.as_of.isoformat(),
        "purpose": "preview",
        "facts": facts,
        "policies": [case.policy],
        "options": {"trace": "full"},
    }
    response = client.post("/v1/evaluate", data=canonical.trusted(body), content_type="application/json")
    assert response.status_code == 200, (case.span, response.get_data(as_text=True))
    return response.get_data()


def test_the_answer_to_every_case_is_what_the_contract_says(
    client: FlaskClient, cases: list[tuple[Case, Body]], conforms: Call
) -> None:
    for case, facts in cases:
        conforms(json.loads(ask(client, case, facts)), "Preview")


def test_the_smallest_state_of_a_policy_is_enough_for_its_whole_answer(
    client: FlaskClient, cases: list[tuple[Case, Body]], parsed: Call
) -> None:
    @cache
    def smallest(policy: str) -> Body:
        found: Body = parsed(client.get(f"/v1/facts?policies={policy}"))
        return {name: (one.get("items") or one)["properties"] for name, one in found["properties"].items()}

    for case, facts in cases:
        known = smallest(case.policy)
        cut = {
            name: [_cut(element, known[name]) for element in posted]
            if isinstance(posted, list)
            else _cut(posted, known[name])
            for name, posted in facts.items()
            if name in known
        }
        assert ask(client, case, cut) == ask(client, case, facts), case.span


def _cut(posted: Body, known: Body) -> Body:
    return {key: value for key, value in posted.items() if key in known}
