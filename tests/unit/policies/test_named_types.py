"""Named types in policies: one type in every file, members only on their days, and decisions that vanish."""

from datetime import date
from pathlib import Path

import pytest

from policy_service.language import types
from policy_service.policies.bundle import bundle, changed_days, document
from policy_service.policies.loader import load, read_folder
from policy_service.policies.model import Period, Rules, Table
from policy_service.policies.stretches import epochs

BASE = read_folder(Path(__file__).parents[2] / "diagnostics/base")
LEVEL = """level:
  type: enum
  values:
    - {from: 2023-01-01, members: [S, A, B], labels: {S: {zh: S 级, en: S}, A: {zh: A 级, en: A}, B: {zh: B 级, en: B}}}
    - {from: 2023-07-01, members: [SS, S, A], labels: {SS: {zh: SS 级, en: SS}}}
"""
TIER = """tier:
  type: enum
  values:
    - {from: 2023-01-01, members: [S, A], labels: {S: {zh: S, en: S}, A: {zh: A, en: A}}}
"""
USED = "  used: {expression: least}\n"


def file(policy: str, period: str, body: str, more: str = "") -> str:
    title = "title: {zh: 策略, en: Policy}\nsubject: merchant"
    return f"policy: {policy}\n{title}\neffective: {{{period}}}\nbasis: assumed\n{more}decisions:\n{body}"


def table(kind: str, *rows: str, hit: str = "first") -> str:
    lines = "".join(f"      | r{i} | {row} |\n" for i, row in enumerate(rows))
    head = f"      | row | live.orders | => level: {kind} |\n"
    return f"  level:\n    hit: {hit}\n    default: null\n    table: |\n{head}{lines}"


def least(member: str, more: str = "") -> str:
    return f"parameters:\n  least: {{type: level, values: [{{from: 2023-01-01, value: {member}}}{more}]}}\n"


def found(**files: str) -> tuple[Rules | None, list[tuple[str, str]]]:
    """The rules of the base folder with files on top, named `live_score__2024` for live/score@2024.yaml."""
    named = {f"{n.replace('__', '@').replace('_', '/', 1)}.yaml": text for n, text in files.items()}
    rules, diagnostics = load(BASE | named)
    return rules, [(d.code.code, d.message) for d in diagnostics]


def faults(**files: str) -> list[tuple[str, str]]:
    return found(**files)[1]


def sound(**files: str) -> Rules:
    rules, diagnostics = found(**files)
    assert rules is not None
    assert diagnostics == []
    return rules


def hint(**files: str) -> str | None:
    named = {f"{n.replace('__', '@').replace('_', '/', 1)}.yaml": text for n, text in files.items()}
    (one,) = load(BASE | named)[1]
    return one.hint


FIRST = file("live.score", "from: 2023-01-01, to: 2023-07-01", table("level", ">= 10 | S", "- | B"))
SECOND = file("live.score", "from: 2023-07-01", table("level", ">= 20 | SS", ">= 10 | S", "- | A"))
READER = file("live.reader", "from: 2023-01-01", "  best: {expression: decision(live.score.level)}\n")


# ---- one type everywhere


def test_a_later_file_gives_a_member_that_the_earlier_one_could_not_and_readers_know_both() -> None:
    rules = sound(types=LEVEL, live_score=FIRST, live_score__2023=SECOND, live_reader=READER)
    level = rules.types["level"].kind
    assert level.members == ("SS", "S", "A", "B")
    (reader,) = rules.versions("live.reader")
    assert reader.decisions["best"].type == level
    for version in rules.versions("live.score"):
        body = version.decisions["level"].body
        assert isinstance(body, Table)
        assert [(o.type, o.declared) for o in body.outputs] == [(level, "level")]


def test_an_epoch_begins_where_the_members_change() -> None:
    rules = sound(types=LEVEL, live_score=FIRST, live_score__2023=SECOND)
    assert date(2023, 7, 1) in [epoch.start for epoch in epochs(rules)]
    alone = sound(types=LEVEL, live_reader=file("live.reader", "from: 2023-01-01", USED, least("S")))
    assert date(2023, 7, 1) in [epoch.start for epoch in epochs(alone)]


@pytest.mark.parametrize(
    ("body", "more", "told"),
    [
        (table("levl", "- | S"), "", "did you mean `level`?"),
        (table("booleen", "- | true"), "", "did you mean `boolean`?"),
        (
            "  r:\n    relation: |\n      | row | rank: levl |\n      | one | S          |\n",
            "",
            "did you mean `level`?",
        ),
        (USED, least("S").replace("level", "levels"), "did you mean `level`?"),
        (USED, least("S").replace("level", "enum"), "date, duration, text, enum(A, B), level"),
    ],
)
def test_a_type_that_is_not_there_is_told_once_with_those_there_are(body: str, more: str, told: str) -> None:
    files = {"types": LEVEL, "live_other": file("live.other", "from: 2023-01-01", body, more)}
    assert [code for code, _ in faults(**files)] == ["P104"]
    assert (hint(**files) or "").endswith(told)


def test_a_faulty_type_is_not_told_again_by_what_is_of_it() -> None:
    broken = LEVEL.replace("2023-07-01", "2022-07-01")
    files = {
        "live_score": FIRST,
        "live_reader": READER,
        "live_other": file("live.other", "from: 2023-01-01", USED, least("S")),
    }
    assert faults(types=broken, **files) == [("F102", "the days of dated values ascend")]


def test_types_of_two_names_do_not_fit_though_their_members_do() -> None:
    other = file(
        "live.other",
        "from: 2023-01-01",
        table("level", "- | other") + "  other: {expression: least}\n",
        least("S").replace("level", "tier"),
    )
    assert faults(types=LEVEL + TIER, live_other=other) == [("L202", "tier does not fit level")]


def test_two_enumerations_of_one_decision_are_refused_with_what_to_write_instead() -> None:
    files = {
        "live_score": file("live.score", "from: 2023-01-01, to: 2023-07-01", table("enum(S, A)", "- | S")),
        "live_score__2023": file("live.score", "from: 2023-07-01", table("enum(SS, S, A)", "- | SS")),
    }
    assert [code for code, _ in faults(**files)] == ["L202"]
    assert hint(**files) == "declare the members once, dated, in types.yaml"


def test_a_choice_between_two_enumerations_is_refused_with_what_to_write_instead() -> None:
    ranks = table("enum(S, A)", "- | S") + table("enum(A, S)", "- | S").replace("  level:\n", "  other:\n")
    choice = ranks + "  best: {expression: 'if live.orders > 1 then level else other'}\n"
    assert faults(live_other=file("live.other", "from: 2023-01-01", choice)) == [
        ("L202", "enum(S, A) and enum(A, S) are two enumerations")
    ]
    assert (hint(live_other=file("live.other", "from: 2023-01-01", choice)) or "").endswith("in types.yaml")


def test_members_of_two_types_are_not_compared_though_they_are_the_same_texts() -> None:
    entry = "{from: 2023-01-01, members: [S, A], labels: {S: {zh: S, en: S}, A: {zh: A, en: A}}}"
    named = "".join(f"{name}: {{type: enum, values: [{entry}]}}\n" for name in ("grade", "rank"))
    decided = table("grade", "- | S") + table("rank", "- | S").replace("  level:\n", "  other:\n")
    compared = decided + "  same: {expression: level = other}\n"
    found = load(BASE | {"types.yaml": named, "live/other.yaml": file("live.other", "from: 2023-01-01", compared)})[1]
    told = [(d.code.code, d.message) for d in found if d.severity == "error"]
    assert told == [("L202", "a `grade` is compared with a `rank`")]


def test_what_is_a_text_in_one_file_is_a_text_to_readers_and_may_be_no_member() -> None:
    files = {
        "live_score": file("live.score", "from: 2023-01-01, to: 2023-07-01", table("text", '- | "zzz"')),
        "live_score__2023": file("live.score", "from: 2023-07-01", table("enum(S, A)", "- | S")),
    }
    (reader,) = sound(**files, live_reader=READER).versions("live.reader")
    assert reader.decisions["best"].type == types.Text()
    ranks = file("live.reader", "from: 2023-01-01", table("enum(S, A)", "- | decision(live.score.level)"))
    assert faults(**files, live_reader=ranks) == [("L202", "a text may be none of S, A")]


def test_a_file_that_was_read_before_takes_the_members_of_today() -> None:
    before = sound(types=LEVEL, live_score=FIRST, live_score__2023=SECOND)
    after = sound(types=LEVEL.replace("[SS, S, A]", "[A, S, SS]"), live_score=FIRST, live_score__2023=SECOND)
    kinds = [r.versions("live.score")[1].decisions["level"].type for r in (before, after)]
    assert [k.at(date(2023, 7, 1)) for k in kinds if isinstance(k, types.Enum)] == [("SS", "S", "A"), ("A", "S", "SS")]


# ---- the bundle


def test_types_are_in_the_document_with_members_in_order_and_labels() -> None:
    rules = sound(types=LEVEL, live_score=FIRST, live_score__2023=SECOND)
    assert document(rules)["types"] == {
        "level": {
            "values": [
                {"from": "2023-01-01", "members": ["S", "A", "B"]},
                {"from": "2023-07-01", "members": ["SS", "S", "A"]},
            ],
            "labels": {m: {"zh": f"{m} 级", "en": m} for m in ("SS", "S", "A", "B")},
        }
    }


def test_the_id_follows_members_order_days_and_labels_and_not_the_layout() -> None:
    def id_(text: str) -> str:
        made, diagnostics = bundle(
            BASE | {"types.yaml": text, "live/reader.yaml": file("live.reader", "from: 2023-01-01", USED, least("S"))}
        )
        assert made is not None, diagnostics
        return made.id

    other = [
        LEVEL.replace("[SS, S, A]", "[S, SS, A]"),
        LEVEL.replace("2023-07-01", "2023-07-02"),
        LEVEL.replace("SS 级", "特级"),
        LEVEL.replace("[S, A, B]", "[S, B, A]"),
    ]
    assert len({id_(text) for text in (LEVEL, *other)}) == 5
    assert id_(LEVEL.replace("{zh: S 级, en: S}", "{en: S, zh: S 级}") + "# note\n") == id_(LEVEL)


def test_a_folder_without_types_has_the_id_that_it_always_had() -> None:
    assert "types" not in document(sound())


def test_only_the_policies_that_are_of_a_type_change_with_it_and_only_on_its_days() -> None:
    files = {"live_score": FIRST, "live_score__2023": SECOND, "live_reader": READER}
    old = sound(types=LEVEL, **files)
    turned = sound(types=LEVEL.replace("[SS, S, A]", "[A, S, SS]"), **files)
    assert changed_days(old, turned) == {"live.score": (Period(date(2023, 7, 1), None),)}
    later = sound(types=LEVEL + "    - {from: 2024-01-01, members: [S, A, SS]}\n", **files)
    assert changed_days(old, later) == {"live.score": (Period(date(2024, 1, 1), None),)}
    assert changed_days(old, old) == {}


# ---- members on their days


def test_what_a_row_may_give_must_belong_on_each_of_its_days() -> None:
    early = SECOND.replace("from: 2023-07-01", "from: 2023-06-30")
    assert faults(types=LEVEL, live_score__2023=early) == [
        ("P121", "`SS` does not belong to `level` from 2023-06-30 to 2023-07-01")
    ]
    late = FIRST.replace(", to: 2023-07-01", "")
    assert faults(types=LEVEL, live_score=late) == [("P121", "`B` does not belong to `level` from 2023-07-01 on")]
    before = FIRST.replace("from: 2023-01-01", "from: 2022-01-01").replace("- | B", "- | S")
    assert (
        faults(types=LEVEL, live_score=before)
        == [("P121", "`S` does not belong to `level` from 2022-01-01 to 2023-01-01")] * 2
    )


def test_the_hint_names_the_day_to_divide_the_file_on() -> None:
    late = FIRST.replace(", to: 2023-07-01", "")
    assert (hint(types=LEVEL, live_score=late) or "").startswith("end the file on 2023-07-01 and begin another")
    early = SECOND.replace("from: 2023-07-01", "from: 2023-06-01")
    assert (hint(types=LEVEL, live_score__2023=early) or "").startswith("end the file on 2023-07-01 and begin another")


OF = {"types": LEVEL, "live_score": FIRST, "live_score__2023": SECOND}


def best(expression: str) -> str:
    return f"  best: {{expression: '{expression.replace('LEVEL', 'decision(live.score.level)')}'}}\n"


def by_level(*rows: str) -> str:
    return table("level", *rows).replace("live.orders", "decision(live.score.level)")


def with_own(members: str) -> str:
    return table("level", "- | own") + "  own:\n" + table(members, "- | S").partition("\n")[2]


def relation(member: str) -> str:
    return f"  r:\n    relation: |\n      | row | rank: level |\n      | one | {member} |\n"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (best('LEVEL = "SS"'), None),
        (best('LEVEL in ("SS", "B")'), None),
        (best('LEVEL = "C"'), "L201"),
        (best('if LEVEL = "SS" then "SS" else LEVEL'), None),
        (best('if live.orders > 1 then "SS" else LEVEL'), "P121"),
        (best('if LEVEL = "SS" then LEVEL else "B"'), "P121"),
        (best('[LEVEL, "SS"]'), "P121"),
        (best('if LEVEL = (if live.orders > 1 then "SS" else "S") then "S" else LEVEL'), None),
        (best('if LEVEL = (if live.orders > 1 then "SS" else "S") then "SS" else LEVEL'), "P121"),
        (table("level", '- | if live.orders > 1 or live.hours > 1 then "SS" else null'), "P121"),
        (by_level("- | decision(live.score.level)"), None),
        (by_level('"SS" | SS'), None),
        (by_level('"SS", "S" | SS'), "P121"),
        (by_level('not("S") | SS'), "P121"),
        (table("level", "- | null").replace("default: null", 'default: "B"'), "P121"),
        (with_own("enum(S, A)"), None),
        (with_own("enum(S, B)"), "P121"),
        (relation("S"), None),
        (relation("SS"), "P121"),
    ],
)
def test_to_ask_for_a_member_is_no_fault_to_give_it_is(body: str, expected: str | None) -> None:
    told = [code for code, _ in faults(**OF, live_other=file("live.other", "from: 2023-01-01", body))]
    assert told == ([expected] if expected else [])


def test_a_member_that_belongs_on_no_day_of_the_file_is_told_once_with_those_that_do() -> None:
    asks = file(
        "live.other",
        "from: 2023-01-01, to: 2023-07-01",
        "  best: {expression: 'decision(live.score.level) = \"SS\"'}\n",
    )
    assert faults(**OF, live_other=asks) == [("P121", "`SS` belongs to `level` on no day of this file")]
    assert hint(**OF, live_other=asks) == "then it has S, A, B"
    gives = file("live.other", "from: 2023-01-01, to: 2023-07-01", table("level", "- | SS"))
    assert faults(**OF, live_other=gives) == [("P121", "`SS` belongs to `level` on no day of this file")]
    ever = file("live.other", "from: 2022-01-01, to: 2023-01-01", table("level", "- | S"))
    assert hint(**OF, live_other=ever) == "`level` begins later"


@pytest.mark.parametrize(
    ("parameter", "expected"),
    [
        (least("S"), []),
        (least("B"), ["`B` does not belong to `level` from 2023-07-01 on"]),
        (least("B", ", {from: 2023-07-01, value: SS}"), []),
        (
            least("B", ", {from: 2023-06-01, value: SS}"),
            ["`SS` does not belong to `level` from 2023-06-01 to 2023-07-01"],
        ),
        (
            least("B", ", {from: 2023-08-01, value: SS}"),
            ["`B` does not belong to `level` from 2023-07-01 to 2023-08-01"],
        ),
    ],
)
def test_a_parameters_value_belongs_for_as_long_as_it_holds(parameter: str, expected: list[str]) -> None:
    other = file("live.other", "from: 2023-01-01", USED, parameter)
    assert faults(types=LEVEL, live_other=other) == [("P121", message) for message in expected]


def test_a_parameter_of_no_member_is_told_like_any_other_value() -> None:
    other = file("live.other", "from: 2023-01-01", USED, least("C"))
    assert faults(types=LEVEL, live_other=other) == [("P104", "`C` does not fit type `level`")]


# ---- types and decisions that are not there


def test_a_type_that_nothing_is_of_is_a_warning() -> None:
    assert faults(types=LEVEL) == [("F103", "type `level` is the type of nothing")]
    fact = BASE["facts.yaml"].replace(
        "  live:\n", "      level: {type: level, label: {zh: 等级, en: Level}}\n  live:\n", 1
    )
    assert faults(types=LEVEL, facts=fact) == []


GIVEN = "  many: {expression: live.orders > 9}\n"
TAKEN = "  taken: {expression: decision(live.score.many)}\n"


@pytest.mark.parametrize(
    ("given", "reader", "days"),
    [
        (["from: 2023-01-01"], "from: 2023-01-01", None),
        (["from: 2023-01-01"], "from: 2022-12-31, to: 2024-01-01", "from 2022-12-31 to 2023-01-01"),
        (["from: 2023-01-01, to: 2024-01-01"], "from: 2023-01-01", "from 2024-01-01 on"),
        (["from: 2023-01-01, to: 2024-01-01"], "from: 2023-01-01, to: 2024-01-01", None),
        (
            ["from: 2023-01-01, to: 2024-01-01"],
            "from: 2023-01-01, through: 2024-01-01",
            "from 2024-01-01 to 2024-01-02",
        ),
        (["from: 2023-01-01, to: 2024-01-01"], "from: 2025-01-01", "from 2025-01-01 on"),
        (["from: 2023-01-01, to: 2024-01-01", "from: 2024-01-01"], "from: 2023-06-01", None),
        (["from: 2023-01-01, to: 2023-06-01", "from: 2024-01-01"], "from: 2024-01-01", None),
    ],
)
def test_a_decision_that_is_read_is_given_on_each_day_of_the_reader(
    given: list[str], reader: str, days: str | None
) -> None:
    files = {f"live_score__{i}": file("live.score", period, GIVEN) for i, period in enumerate(given)}
    told = faults(**files, live_reader=file("live.reader", reader, TAKEN))
    expected = [("P122", f"no file of `live.score` has `many` {days}")] if days else []
    assert [one for one in told if one[0] != "P109"] == expected


def test_a_later_file_without_the_decision_and_a_hole_are_told_where_it_is_read_first() -> None:
    files = {
        "live_score__1": file("live.score", "from: 2023-01-01, to: 2024-01-01", GIVEN),
        "live_score__2": file("live.score", "from: 2024-01-01, to: 2025-01-01", "  other: {expression: live.orders}\n"),
        "live_score__3": file("live.score", "from: 2025-01-01", GIVEN),
    }
    reader = file("live.reader", "from: 2023-01-01", TAKEN + TAKEN.replace("taken", "again"))
    named = {
        f"{n.replace('__', '@').replace('_', '/', 1)}.yaml": text
        for n, text in (files | {"live_reader": reader}).items()
    }
    (one,) = load(BASE | named)[1]
    assert one.message == "no file of `live.score` has `many` from 2024-01-01 to 2025-01-01"
    assert (one.span.file, one.span.line, one.severity) == ("rules/live/reader.yaml", 7, "warning")


def test_a_reader_that_may_do_without_it_is_not_warned_and_an_output_counts_as_its_decision() -> None:
    ends = file("live.score", "from: 2023-01-01, to: 2024-01-01", GIVEN)
    optional = file("live.reader", "from: 2023-01-01", TAKEN, "optional: [decision(live.score.many)]\n")
    assert faults(live_score=ends, live_reader=optional) == []
    two = table("integer", "- | 1 | 2").replace("=> level: integer", "=> one: integer | => two: integer")
    pair = file("live.score", "from: 2023-01-01, to: 2024-01-01", two)
    reader = file("live.reader", "from: 2023-01-01", "  cell: {expression: decision(live.score.level.one)}\n")
    assert faults(live_score=pair, live_reader=reader) == [
        ("P122", "no file of `live.score` has `level` from 2024-01-01 on")
    ]


def test_a_cell_and_a_header_read_too() -> None:
    ends = file("live.score", "from: 2023-01-01, to: 2024-01-01", "  goal: {expression: live.orders}\n")
    cell = file("live.reader", "from: 2023-01-01", table("integer", ">= decision(live.score.goal) | 1"))
    header = file(
        "live.reader", "from: 2023-01-01", table("integer", "1 | 1").replace("live.orders", "decision(live.score.goal)")
    )
    for reader in (cell, header):
        assert faults(live_score=ends, live_reader=reader) == [
            ("P122", "no file of `live.score` has `goal` from 2024-01-01 on")
        ]
