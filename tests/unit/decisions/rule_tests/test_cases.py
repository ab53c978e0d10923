"""Case files: states laid under facts, subjects found, and every wrong word told at its place."""

from collections.abc import Callable
from decimal import Decimal
from functools import cache
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from policy_service.decisions.rule_tests.cases import Case, read_cases
from policy_service.diagnostics import Report
from policy_service.facts import StateReader
from policy_service.policies.loader import load, read_folder
from policy_service.policies.model import Rules

RULES = Path(__file__).parents[3] / "conformance" / "language"
POLICY = "relations/tasks"


@cache
def sources() -> dict[str, str]:
    return {path: text for path, text in read_folder(RULES).items() if not path.endswith(".test.yaml")}


@cache
def rules() -> Rules:
    found, _ = load(sources(), "rules")
    assert found is not None
    return found


def reading(text: str, policy: str = POLICY) -> tuple[tuple[Case, ...], list[tuple[str, str, str | None]]]:
    """The cases of one file, and what is wrong with it: place, message, hint."""
    report = Report()
    found = read_cases(sources() | {f"{policy}.test.yaml": dedent(text)}, "rules", rules(), report)
    return found, [(f"{d.span.line}:{d.span.column}", d.message, d.hint) for d in report.sorted()]


def posted(case: Case) -> dict[str, Any]:
    return StateReader(rules().dictionary).normalised(case.state)


@pytest.fixture
def faults() -> Callable[..., list[tuple[str, str, str | None]]]:
    return lambda *words: reading(*words)[1]


def only(text: str, policy: str = POLICY) -> Case:
    (case,), wrong = reading(text, policy)
    assert not wrong
    return case


# ---- facts


def test_facts_lie_over_those_of_the_state_fact_by_fact() -> None:
    case = only("""
        states:
          one: {merchant: {id: m-1, vip: true, name: old}, live: {hours: 1.50, orders: 3}}
        cases:
          - name: over
            as_of: 2023-04-01
            given: one
            facts: {merchant: {name: new, vip: null}, live: {best: 2}}
            expect: {status: applied}
    """)
    assert posted(case) == {
        "merchant": {"id": "m-1", "name": "new"},
        "live": {"hours": Decimal("1.5"), "orders": 3, "best": 2},
    }


def test_null_takes_a_section_away_and_a_list_takes_the_place_of_a_list() -> None:
    case = only(
        """
        states:
          one: {merchant: {id: m-1}, live: {hours: 1}, products: [{id: p-1, price: 1}, {id: p-2}]}
        cases:
          - name: over
            as_of: 2023-04-01
            given: one
            facts: {live: null, products: [{id: p-3, cost: 2}]}
            expect: {status: applied}
        """,
        "relations/shelf",
    )
    assert posted(case) == {"merchant": {"id": "m-1"}, "products": [{"id": "p-3", "cost": 2}]}
    assert case.subject == {"type": "product", "id": "p-3"}


def test_a_state_alone_is_enough() -> None:
    case = only("""
        states: {one: {merchant: {id: m-1}}}
        cases: [{name: alone, as_of: 2023-04-01, given: one, expect: {status: applied}}]
    """)
    assert posted(case) == {"merchant": {"id": "m-1"}}


def test_scalars_are_read_as_json_holds_them() -> None:
    case = only("""
        cases:
          - name: scalars
            as_of: 2023-04-01
            facts:
              merchant: {id: '007', name: "12", vip: true, opened_on: 2020-02-29, patience: P3D}
              number: {a: -1.50, n: 1e2, big: 999999999999999}
            expect: {status: applied}
    """)
    assert posted(case) == {
        "merchant": {"id": "007", "name": "12", "vip": True, "opened_on": "2020-02-29", "patience": "P3D"},
        "number": {"a": Decimal("-1.5"), "n": 100, "big": 999999999999999},
    }


@pytest.mark.parametrize(
    ("facts", "marked", "message", "hint"),
    [
        ("{live: {hours: '3'}}", "'3'", "a number is needed", "write it without quotes"),
        ("{live: {hours: 3.001}}", "3.001", "at most 2 decimals are allowed", None),
        ("{live: {hours: 25}}", "25", "the number is not from 0 to 24", None),
        ("{live: {hour: 3}}", "hour", "there is no fact `hour`", "did you mean `hours`?"),
        (
            "{live: {wholly_else: 3}}",
            "wholly_else",
            "there is no fact `wholly_else`",
            "facts.yaml declares what can be posted",
        ),
        ("{lives: {hours: 3}}", "lives", "there is no section `lives`", "did you mean `live`?"),
        ("{lives: null}", "lives", "there is no section `lives`", "did you mean `live`?"),
        ("{merchant: {vip: yes}}", "merchant", "`merchant` lacks its id", None),
        ("{merchant: {id: m-1, vip: yes}}", "yes", "true or false is needed", None),
        ("{merchant: {id: 7}}", "7", "an id is needed, a text", None),
        ("{merchant: {id: m-1, opened_on: 2023-04-02}}", "2023-04-02", "`2023-04-02` lies after as_of", None),
        ("{merchant: {id: m-1, type: shop}}", "shop", "`shop` is not one of the values", None),
        ("{products: [{id: p-1}, {id: p-1}]}", "p-1", "`p-1` is posted twice", None),
        ("{products: [{price: 1}]}", "{price: 1}", "an element of `products` lacks its id", None),
        ("{products: {id: p-1}}", "{id: p-1}", "`products` must be a list", None),
        ("{live: [1]}", "[1]", "`live` must be an object of facts", None),
        ("[1]", "[1]", "`facts` must be a mapping of sections", "`merchant: {id: m-1}`"),
    ],
)
def test_facts_are_judged_as_those_of_a_request_at_their_place(
    facts: str, marked: str, message: str, hint: str | None
) -> None:
    text = f"cases:\n - name: one\n   as_of: 2023-04-01\n   expect: {{status: applied}}\n   facts: {facts}\n"
    report = Report()
    read_cases(sources() | {f"{POLICY}.test.yaml": text}, "rules", rules(), report)
    found = {d.message: d for d in report}
    span = found[message].span
    assert text.split("\n")[span.line - 1][span.column - 1 : span.end - 1] == marked
    assert hint is None or found[message].hint == hint


def test_a_fault_of_a_state_is_told_once_and_where_it_stands(
    faults: Callable[..., list[tuple[str, str, str | None]]],
) -> None:
    found = faults("""\
        states:
          one: {live: {hours: 25}}
        cases:
          - {name: a, as_of: 2023-04-01, given: one, expect: {status: applied}}
          - {name: b, as_of: 2023-04-01, given: one, facts: {live: {hours: 1}}, expect: {status: applied}}
    """)
    assert found == [("2:23", "the number is not from 0 to 24", None)]


def test_a_state_without_an_id_is_right_where_each_case_has_one(
    faults: Callable[..., list[tuple[str, str, str | None]]],
) -> None:
    assert not faults("""
        states: {one: {merchant: {vip: true}}}
        cases: [{name: a, as_of: 2023-04-01, given: one, facts: {merchant: {id: m-1}}, expect: {status: applied}}]
    """)


# ---- the form


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("cases: [{as_of: 2023-04-01, facts: {}, expect: {status: applied}}]", "1:10", "a case lacks `name`"),
        ("cases: [{name: a, facts: {}, expect: {status: applied}}]", "1:10", "a case lacks `as_of`"),
        ("cases: [{name: a, as_of: 2023-04-01, expect: {status: applied}}]", "1:10", "a case lacks `facts`"),
        ("cases: [{name: a, as_of: 2023-04-01, facts: {}}]", "1:10", "a case lacks `expect`"),
        ("cases: [{name: a, as_of: 2023-04-01, facts: {}, expect: {}}]", "1:57",
         "`expect` must be a mapping that is not empty"),
        ("cases: [{name: a, as_of: 2023-02-29, facts: {}, expect: {status: applied}}]", "1:26",
         "`2023-02-29` is not a day"),
        ("cases: [{name: a, as_of: 1800-01-01, facts: {}, expect: {status: applied}}]", "1:26",
         "`1800-01-01` is not a day"),
        ("cases: [{name: a, as_of: 2023-04-01, given: x, expect: {status: applied}}]", "1:45", "there is no state `x`"),
        ("cases: [text]", "1:9", "a case must be a mapping"),
        ("cases: {}", "1:8", "`cases` must be a list"),
        ("states: {}", "1:1", "a case file lacks `cases`"),
        ("case: []", "1:1", "a case file has no key `case`"),
        ("- name: a", "1:1", "a case file must be a mapping"),
        ("states: {one: [1]}\ncases: []", "1:15", "state `one` must be a mapping of sections"),
        ("cases: [", "2:1", "not readable as YAML: expected the node content, but found '<stream end>'"),
    ],
)  # fmt: skip
def test_the_form_of_a_file_is_checked(
    faults: Callable[..., list[tuple[str, str, str | None]]], text: str, place: str, message: str
) -> None:
    assert (place, message) in [(p, m) for p, m, _ in faults(text + "\n")]


def test_without_rules_the_form_is_checked_and_no_case_comes_out() -> None:
    report = Report()
    text = "cases: [{name: a, as_of: 2023-04-01, facts: {live: {hour: 1}}, expects: {status: x}}]\n"
    assert read_cases({"a/b.test.yaml": text}, "rules", None, report) == ()
    assert [d.message for d in report] == ["a case lacks `expect`", "a case has no key `expects`"]


def test_cases_stand_beside_their_policy(faults: Callable[..., list[tuple[str, str, str | None]]]) -> None:
    found = faults("cases: [{name: a, as_of: 2023-04-01, facts: {}, expect: {status: applied}}]\n", "relations/task")
    assert found == [
        ("1:1", "no policy file `relations/task.yaml` stands beside these cases", "did you mean `relations/tasks`?")
    ]


@pytest.mark.parametrize("stem", ["periods/dated", "periods/dated@2023-07-01"])
def test_dated_files_share_cases_or_have_their_own(stem: str) -> None:
    case = only("cases: [{name: a, as_of: 2023-08-01, facts: {}, expect: {doubled: 1}}]\n", stem)
    assert case.policy == "periods.dated"


def test_names_are_those_of_the_file_that_answers_on_the_day(
    faults: Callable[..., list[tuple[str, str, str | None]]],
) -> None:
    found = faults("cases: [{name: a, as_of: 2023-06-30, facts: {}, expect: {doubled: 1}}]\n", "periods/dated")
    assert [m for _, m, _ in found] == ["`periods.dated` has no decision `doubled`"]


# ---- the subject


PRODUCTS = "facts: {products: [{id: p-1}, {id: p-2}]}"


def test_a_subject_is_named_where_several_are_posted(faults: Callable[..., list[tuple[str, str, str | None]]]) -> None:
    text = f"cases: [{{name: a, as_of: 2023-04-01, {PRODUCTS}, expect: {{status: applied}}}}]\n"
    assert faults(text, "relations/shelf") == [
        ("1:10", "2 of `products` are posted, `subject` must say which is judged", "`subject: p-1`")
    ]
    named = text.replace("{name: a", "{name: a, subject: p-2")
    assert only(named, "relations/shelf").subject == {"type": "product", "id": "p-2"}


def test_a_subject_that_is_not_posted_is_told(faults: Callable[..., list[tuple[str, str, str | None]]]) -> None:
    text = f"cases: [{{name: a, as_of: 2023-04-01, subject: p-12, {PRODUCTS}, expect: {{status: applied}}}}]\n"
    assert faults(text, "relations/shelf") == [("1:47", "no product `p-12` is posted", "did you mean `p-2`?")]


def test_a_subject_of_which_nothing_is_posted_has_no_id() -> None:
    text = "cases: [{name: a, as_of: 2023-04-01, facts: {}, expect: {status: not_applicable}}]\n"
    assert only(text).subject == {"type": "merchant"}


# ---- what is expected


@pytest.mark.parametrize(
    ("expect", "message", "hint"),
    [
        ("taks: []", "`relations.tasks` has no decision `taks`", "did you mean `tasks`?"),
        ("status: aplied", "`aplied` is not a status", "did you mean `applied`?"),
        ("rows: {taks: []}", "`relations.tasks` has no decision `taks`", "did you mean `tasks`?"),
        ("rows: {tasks: houers}", "`houers` is not a row of `tasks`", "did you mean `hours`?"),
        ("rows: {tasks: [hours, x]}", "`x` is not a row of `tasks`", "one of hours, orders, record"),
        ("rows: {met_rows: hours}", "`met_rows` is an expression, it has no rows", None),
        ("rows: [hours]", "`rows` must be a mapping", "`{}` when there are none"),
        ("rewards: {hour: 1}", "`relations.tasks` has no reward `hour`", "did you mean `hours`?"),
        ("rewards: {hours: many}", "a number is expected, `many` is none", None),
        ("rewards: []", "`rewards` must be a mapping", "`{}` when there are none"),
        ("not_granted: {hour: not_met}", "`relations.tasks` has no reward `hour`", "did you mean `hours`?"),
        ("not_granted: {hours: notmet}", "`notmet` is not a reason", "did you mean `not_met`?"),
        ("not_granted: {hours: {excluded: frozen}}", "`` is not a reason", None),
        ("recommendations: hours", "`recommendations` must be a list", "`[]` when there are none"),
        ("recommendations: [hour]", "`hour` is not a recommendation", "did you mean `hours`?"),
        ("missing: [live.hour]", "`live.hour` is not a fact", "did you mean `live.hours`?"),
        ("missing: {}", "`missing` must be a list", "`[]` when there are none"),
        ("met_count: many", "a number is expected, `many` is none", None),
        ("met_count: '3'", "a number is expected, `3` is none", None),
        ("met_count: true", "a number is expected, `true` is none", None),
        ("met_count: [1]", "a number is expected, this is none", None),
        ("all_met: 1", "a boolean is expected, `1` is none", None),
        ("met_rows: hours", "a list of text is expected, `hours` is none", None),
        ("groups: [hour]", "`hour` is not a value of enum(hours, sales)", "did you mean `hours`?"),
        ("tasks: [{row: houers}]", "`houers` is not a row of `tasks`", "did you mean `hours`?"),
        ("tasks: [{row: hours, mett: true}]", "there is no column `mett`", "did you mean `met`?"),
        ("tasks: [{met: true}]", "a row of `tasks` is a mapping with `row`", "`{row: …, met: true}`"),
        ("tasks: [hours]", "a row of `tasks` is a mapping with `row`", "`{row: …, met: true}`"),
        ("tasks: {row: hours}", "a relation is expected, this is none", None),
    ],
)
def test_what_cannot_be_expected_is_told(
    faults: Callable[..., list[tuple[str, str, str | None]]], expect: str, message: str, hint: str | None
) -> None:
    text = f"cases: [{{name: a, as_of: 2023-04-01, facts: {{}}, expect: {{{expect}}}}}]\n"
    found = {m: h for _, m, h in faults(text)}
    assert message in found
    if hint is not None:
        assert found[message] == hint


@pytest.mark.parametrize(
    ("expect", "message"),
    [("apart: P29", "a duration is expected, `P29` is none"), ("later: 2023-02-30", "a date is expected"),
     ("months_apart: P1D", "a years and months duration is expected, `P1D` is none")],
)  # fmt: skip
def test_times_are_written_as_answers_write_them(
    faults: Callable[..., list[tuple[str, str, str | None]]], expect: str, message: str
) -> None:
    text = f"cases: [{{name: a, as_of: 2023-04-01, facts: {{}}, expect: {{{expect}}}}}]\n"
    assert any(message in m for _, m, _ in faults(text, "time/days"))


def test_a_decision_with_the_name_of_a_word_of_cases_is_refused() -> None:
    text = sources()["time/campaign.yaml"].replace("  first: {", "  status: {")
    changed = sources() | {"time/campaign.yaml": text}
    found, _ = load(changed, "rules")
    report = Report()
    case = "cases: [{name: a, as_of: 2023-04-01, facts: {}, expect: {status: applied}}]\n"
    read_cases(changed | {"time/campaign.test.yaml": case}, "rules", found, report)
    assert [(d.message, d.hint) for d in report] == [
        ("`status` is a word of cases and a decision", "rename the decision")
    ]


def test_values_stand_as_an_answer_shows_them() -> None:
    case = only(
        "cases: [{name: a, as_of: 2023-04-01, facts: {}, expect: {months_apart: P14M, apart: -P1D, before: null}}]\n",
        "time/days",
    )
    assert [(e.kind, e.key, e.value) for e in case.expect] == [
        ("decision", "months_apart", "P1Y2M"), ("decision", "apart", "-P1D"), ("decision", "before", None),
    ]  # fmt: skip
