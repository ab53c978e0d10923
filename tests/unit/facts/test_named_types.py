"""types.yaml, and facts whose type stands in it: members belong on days."""

from datetime import date
from pathlib import Path

import pytest

from policy_service.diagnostics import InvalidInput
from policy_service.facts import StateReader
from policy_service.facts.named_types import MOST_MEMBERS, MOST_TYPES
from policy_service.policies.loader import load, read_folder
from policy_service.policies.model import Rules

BASE = read_folder(Path(__file__).parents[2] / "diagnostics/base")
LABELS = "S: {zh: S 级, en: Level S}, A: {zh: A 级, en: Level A}"
FIRST = "{from: 2023-01-01, members: [S, A], labels: {%s}}" % LABELS  # noqa: UP031  braces are YAML's
LEVEL_FACT = "      level: {type: level, label: {zh: 等级, en: Level}}\n  live:\n"


def level(*entries: str) -> str:
    return "level:\n  type: enum\n  values:\n" + "".join(f"    - {entry}\n" for entry in entries)


def faults(types: str, fact: str = LEVEL_FACT) -> list[tuple[str, str]]:
    files = BASE | {"types.yaml": types, "facts.yaml": BASE["facts.yaml"].replace("  live:\n", fact, 1)}
    return [(d.code.code, d.message) for d in load(files)[1]]


def rules(types: str, fact: str = LEVEL_FACT) -> Rules:
    files = BASE | {"types.yaml": types, "facts.yaml": BASE["facts.yaml"].replace("  live:\n", fact, 1)}
    found, diagnostics = load(files)
    assert [d.message for d in diagnostics] == []
    assert found is not None
    return found


THREE = level(
    FIRST,
    "{from: 2024-01-01, members: [SS, S], labels: {SS: {zh: SS 级, en: Level SS}}}",
    "{from: 2025-01-01, members: [A, SS, S], labels: {A: {zh: 甲级, en: First level}}}",
)


def test_on_a_day_the_members_of_the_entry_begun_last_belong_in_its_order() -> None:
    kind = rules(THREE).types["level"].kind
    days = [date(2022, 12, 31), date(2023, 1, 1), date(2023, 12, 31), date(2024, 1, 1), date(2199, 12, 31)]
    assert [kind.at(day) for day in days] == [(), ("S", "A"), ("S", "A"), ("SS", "S"), ("A", "SS", "S")]


def test_all_members_are_those_of_the_last_entry_then_those_of_earlier_ones() -> None:
    gone = level(FIRST, "{from: 2024-01-01, members: [SS], labels: {SS: {zh: SS 级, en: Level SS}}}")
    assert rules(gone).types["level"].kind.members == ("SS", "S", "A")


def test_the_label_of_a_member_is_the_one_given_last_and_a_fact_shows_them() -> None:
    fact = rules(THREE).dictionary.by_name["merchant.level"]
    assert list(fact.values) == ["A", "SS", "S"]
    assert fact.values["A"] == {"zh": "甲级", "en": "First level"}
    assert fact.values["S"] == {"zh": "S 级", "en": "Level S"}


@pytest.mark.parametrize(
    ("types", "expected"),
    [
        ("[level]\n", [("P104", "types.yaml is a mapping of names")]),
        ("level: !enum {}\n", [("P101", "tags are not used in rule files")]),
        ("level: enum\n", [("P104", "type `level` must be a mapping")]),
        (level(FIRST).replace("enum", "text"), [("P104", "`type` cannot be `text`")]),
        ("level: {type: enum}\n", [("P103", "type `level` lacks `values`")]),
        ("level: {type: enum, values: []}\n", [("F102", "type `level` has no members")]),
        (level("{from: 2023-01-01}"), [("F102", "type `level` has no members from a day on")]),
        (level("{from: 2023-01-01, members: []}"), [("F102", "type `level` has no members from a day on")]),
        (level(FIRST.replace("from: 2023-01-01", "from: soon")), [("P104", "`soon` is not a date")]),
        (level(FIRST.replace("from: 2023-01-01, ", "")), [("P103", "a dated value of type `level` lacks `from`")]),
        (level(FIRST, FIRST), [("F102", "the days of dated values ascend")]),
        (level(FIRST.replace("[S, A]", "[S, A, S]")), [("F102", "member `S` stands twice")]),
        (level(FIRST.replace("[S, A]", '[S, A, "1a"]')), [
            ("F102", "`1a` cannot be a member"),
            ("F102", "member `1a` of type `level` has no label"),
        ]),
        (level(FIRST.replace("[S, A]", "[S]")), [("F102", "`A` is not a member of type `level` from that day on")]),
        (level(FIRST.replace("[S, A]", "[S, A, B]")), [("F102", "member `B` of type `level` has no label")]),
        (level(FIRST.replace("zh: S 级, ", "")), [("P116", "member `S` of type `level` lacks `zh`")]),
        (level(FIRST.replace("labels", "label")), [
            ("F102", "member `S` of type `level` has no label"),
            ("F102", "member `A` of type `level` has no label"),
            ("P102", "a dated value of type `level` has no key `label`"),
        ]),
        (level(FIRST) + "text: {type: enum, values: [%s]}\n" % FIRST, [("F102", "`text` is a type already")]),  # noqa: UP031
        (level(FIRST) + "Tier: {type: enum, values: [%s]}\n" % FIRST, [("F102", "`Tier` is not a name")]),  # noqa: UP031
    ],
    ids=str,
)  # fmt: skip
def test_each_fault_of_a_type_is_told_once_and_not_again_by_what_is_of_it(
    types: str, expected: list[tuple[str, str]]
) -> None:
    assert sorted(faults(types)) == sorted(expected)


def test_there_are_bounds() -> None:
    few = "".join(f"t{i}: {{type: enum, values: [{FIRST}]}}\n" for i in range(MOST_TYPES))
    assert ("F102", f"more than {MOST_TYPES} types") in faults(few + level(FIRST))
    many = [f"m{i}" for i in range(MOST_MEMBERS + 1)]
    labels = ", ".join(f"{m}: {{zh: 级, en: Level}}" for m in many)
    too_many = level(f"{{from: 2023-01-01, members: [{', '.join(many)}], labels: {{{labels}}}}}")
    assert faults(too_many) == [("F102", f"type `level` has more than {MOST_MEMBERS} members")]


def test_a_fact_of_a_named_type_has_no_values_of_its_own() -> None:
    own = LEVEL_FACT.replace("type: level,", "type: level, values: {S: {zh: S, en: S}},")
    assert faults(level(FIRST), own) == [
        ("F101", "the values of fact `merchant.level` stand in types.yaml, under `level`")
    ]


def test_a_fact_of_a_type_that_is_not_there_is_told_which_there_are() -> None:
    files = BASE | {"types.yaml": level(FIRST)}
    files["facts.yaml"] = BASE["facts.yaml"].replace("  live:\n", LEVEL_FACT.replace("type: level", "type: rank"), 1)
    (found,) = load(files)[1]
    assert found.message == "fact `merchant.level` cannot be of type `rank`"
    assert (found.hint or "").endswith("enum, id, level")


@pytest.mark.parametrize(
    ("member", "day", "hint"),
    [
        ("A", date(2022, 12, 31), "none belongs on that day"),
        ("A", date(2023, 1, 1), None),
        ("A", date(2023, 12, 31), None),
        ("A", date(2024, 1, 1), "one of SS, S"),
        ("SS", date(2023, 12, 31), "one of S, A"),
        ("SS", date(2024, 1, 1), None),
        ("A", date(2025, 1, 1), None),
        ("B", date(2025, 1, 1), "one of A, SS, S"),
    ],
)
def test_a_member_is_refused_on_a_day_on_which_it_does_not_belong(member: str, day: date, hint: str | None) -> None:
    reader = StateReader(rules(THREE).dictionary)
    posted = {"merchant": {"id": "m-1", "level": member}}
    if hint is None:
        assert reader.normalised(reader.read(posted, day)) == posted
        return
    with pytest.raises(InvalidInput) as refused:
        reader.read(posted, day)
    (fault,) = refused.value.faults
    assert (fault.pointer, fault.code, fault.hint) == ("/facts/merchant/level", "A107", hint)
