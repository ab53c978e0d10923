"""Members of a named type in cases, in the schema of what can be posted, and in explanations."""

from datetime import date
from functools import cache
from pathlib import Path

import pytest

from policy_service.decisions.explaining import catalogue
from policy_service.decisions.explaining.phrasing import Phrases
from policy_service.decisions.rule_tests.cases import read_cases
from policy_service.diagnostics import Report
from policy_service.language import ast
from policy_service.policies.bundle import Bundle, load_folder

FOLDER = Path(__file__).parents[3] / "conformance/language"
"""Its `level` is S, A, B, C; from 2023-07-01 SS, S, A, B; from 2024-01-01 B, A, S, SS."""


@cache
def loaded() -> Bundle:
    found, _, _ = load_folder(FOLDER)
    assert found is not None
    return found


def faults(cases: str) -> list[tuple[int, str, str | None]]:
    report = Report()
    read_cases({"named/reader.test.yaml": cases}, FOLDER.as_posix(), loaded().rules, report)
    return [(d.span.line, d.message, d.hint) for d in report.sorted()]


def case(day: str, level: str, expected: str, state: str = "merchant: {id: m-1}") -> str:
    return (
        f"states:\n  one: {{{state}}}\ncases:\n  - name: it is so\n    as_of: {day}\n    given: one\n"
        f"    facts: {{merchant: {{level: {level}}}, live: {{orders: 1}}}}\n    expect: {{best: {expected}}}\n"
    )


@pytest.mark.parametrize(
    ("cases", "expected"),
    [
        (case("2023-06-30", "C", "C"), []),
        (case("2023-07-01", "C", "B"), [(7, "`C` is not one of the values", "one of SS, S, A, B")]),
        (case("2023-07-01", "B", "C"), [(8, "`C` is not a value of level", "one of A, B, S, SS")]),
        (case("2023-06-30", "B", "SS"), [(8, "`SS` is not a value of level", "did you mean `S`?")]),
        # A state is for cases of several days: what belongs on some day is no fault of the state itself.
        (case("2023-06-30", "B", "B", "merchant: {id: m-1, level: C}"), []),
        (case("2023-06-30", "B", "B", "merchant: {id: m-1, level: D}"),
         [(2, "`D` is not one of the values", "one of B, A, S, SS")]),
    ],
)  # fmt: skip
def test_a_case_posts_and_expects_members_of_its_day(cases: str, expected: list[tuple[int, str, str | None]]) -> None:
    assert faults(cases) == expected


def test_the_schema_lists_all_members_with_their_labels_and_says_which_belong_when() -> None:
    fact = catalogue.facts_schema(loaded().rules)["properties"]["merchant"]["properties"]["level"]
    assert fact["enum"] == ["B", "A", "S", "SS", "C", None]
    assert fact["x-labels"]["SS"] == {"zh": "SS 级", "en": "Level SS"}
    assert fact["x-members"] == [
        {"from": "2023-01-01", "members": ["S", "A", "B", "C"]},
        {"from": "2023-07-01", "members": ["SS", "S", "A", "B"]},
        {"from": "2024-01-01", "members": ["B", "A", "S", "SS"]},
    ]
    assert fact["description"].endswith("`C`: Level C. Which of them belong depends on `as_of`.")


def test_an_enumeration_of_its_own_has_no_days() -> None:
    fact = catalogue.facts_schema(loaded().rules)["properties"]["merchant"]["properties"]["type"]
    assert "x-members" not in fact
    assert "as_of" not in fact["description"]


def test_a_policy_shows_the_name_of_a_type() -> None:
    shown = catalogue.policy(loaded(), "named.reader", date(2023, 4, 1))
    assert [p["type"] for p in shown["parameters"]] == ["level"]
    kinds = {d["decision"]: d["type"] for d in shown["decisions"]}
    assert (kinds["level"], kinds["best"], kinds["ranked"]) == ("level", "level", "list of record")
    (kept,) = (d for d in shown["decisions"] if d["decision"] == "kept")
    assert kept["table"]["header"] == ["row", "level", "=> level: level"]


def test_words_are_the_labels_of_the_type() -> None:
    rules = loaded().rules
    english = Phrases(rules, rules.version_for("named.reader", date(2023, 4, 1)), "en")
    chinese = Phrases(rules, rules.version_for("named.reader", date(2023, 4, 1)), "zh")
    assert (english.value("merchant.level", "SS"), chinese.value("merchant.level", "SS")) == ("Level SS", "SS 级")
    assert english.requirement("merchant.level", ast.StringLiteral("SS")) == "must be Level SS"
