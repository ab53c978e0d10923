"""A folder to rules: every fault of every file at once, each told once, sorted by place."""

import os
from pathlib import Path

import pytest

from policy_service import canonical
from policy_service.diagnostics import PolicyError, as_json
from policy_service.policies.loader import load, read_folder
from policy_service.policies.model import Policy, Rules

ROOT = Path(__file__).parents[3]
BASE = read_folder(ROOT / "tests/diagnostics/base")
HEAD = """policy: live.bonus
title: {zh: 奖励, en: Bonus}
subject: merchant
effective: {from: 2023-01-01, to: 2024-01-01}
basis: assumed
"""
REWARD = """rewards:
  coupon:
    title: {zh: 券, en: Coupon}
    kind: traffic_hours
    amount: "2"
    unit: hour
    claim: {per: day}
"""


def folder(**files: str) -> dict[str, str]:
    """The base folder and files on top, named `live_bonus` for live/bonus.yaml."""
    return BASE | {f"{name.replace('_', '/', 1)}.yaml": text for name, text in files.items()}


def faults(**files: str) -> list[tuple[str, str]]:
    return [(d.code.code, d.message) for d in load(folder(**files))[1]]


def rules(**files: str) -> Rules:
    found, diagnostics = load(folder(**files))
    assert [d.message for d in diagnostics] == []
    assert found is not None
    return found


def policy(text: str) -> Policy:
    (found,) = rules(live_bonus=text).versions("live.bonus")
    return found


def dated(start: str, end: str | None) -> str:
    return HEAD.replace("from: 2023-01-01, to: 2024-01-01", f"from: {start}" + (f", to: {end}" if end else ""))


def test_the_shipped_rules_load_without_any_diagnostic() -> None:
    found, diagnostics = load(read_folder(ROOT / "rules"))
    assert diagnostics == []
    assert found is not None
    assert len(found.policies) >= 7


def test_all_faults_of_all_files_are_told_at_once_sorted_by_place() -> None:
    one = HEAD + "decisions:\n  a: {expression: nobody}\n  b: {expression: live.hours +}\nowners: x\n"
    two = (
        dated("soon", None).replace("live.bonus", "live.other").replace("en: Bonus", "en: ''")
        + "decisions:\n  c: {expression: nothing}\n"
    )
    _, diagnostics = load(folder(live_bonus=one, live_other=two))
    assert [d.span for d in diagnostics] == sorted(d.span for d in diagnostics)
    assert [(d.span.file, d.span.line, d.code.code) for d in diagnostics] == [
        ("rules/live/bonus.yaml", 7, "L201"),
        ("rules/live/bonus.yaml", 8, "L101"),
        ("rules/live/bonus.yaml", 9, "P102"),
        ("rules/live/other.yaml", 2, "P116"),
        ("rules/live/other.yaml", 4, "P104"),
        ("rules/live/other.yaml", 7, "L201"),
    ]


def unread(folder: Path) -> list[tuple[str, str, str | None]]:
    with pytest.raises(PolicyError) as refused:
        read_folder(folder)
    found = refused.value.report.sorted()
    assert {d.code.code for d in found} == {"P117"}
    return [(Path(d.span.file).relative_to(folder).as_posix(), d.message, d.hint) for d in found]


def test_what_is_named_as_a_rule_file_and_is_none_is_told(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "live.yaml")
    with pytest.raises(PolicyError) as caught:
        read_folder(tmp_path)
    assert [d.message for d in caught.value.report] == ["this is no file"]


def test_links_and_files_of_another_ending_are_told_and_never_left_out_in_silence(tmp_path: Path) -> None:
    rules, elsewhere = tmp_path / "rules", tmp_path / "elsewhere"
    for made in (rules / "live", elsewhere):
        made.mkdir(parents=True)
    for file in (rules / "facts.yaml", rules / "live/b.yml", rules / "live/c.YAML", elsewhere / "d.yaml"):
        file.write_text("a: 1\n", "utf-8")
    (rules / "live/d.yaml").symlink_to(elsewhere / "d.yaml")
    (rules / "shared").symlink_to(elsewhere)
    (rules / "live/gone.yaml").symlink_to(elsewhere / "gone.yaml")
    (rules / "live/round.yaml").symlink_to(rules / "live/round.yaml")
    link = "a link is not followed", "put what it leads to in its place"
    assert unread(rules) == [
        ("live/b.yml", "a `.yml` file is not read", "name it `b.yaml`"),
        ("live/c.YAML", "a `.YAML` file is not read", "name it `c.yaml`"),
        ("live/d.yaml", *link),
        ("live/gone.yaml", *link),
        ("live/round.yaml", *link),
        ("shared", *link),
    ]


def test_what_is_no_rules_lies_beside_them_unread(tmp_path: Path) -> None:
    (tmp_path / "facts.yaml").write_text("a: 1\n", "utf-8")
    (tmp_path / "README.md").symlink_to(tmp_path / "nowhere.md")
    (tmp_path / ".#facts.yaml").symlink_to("someone@somewhere.123")
    (tmp_path / "notes.txt").write_text("b", "utf-8")
    assert read_folder(tmp_path) == {"facts.yaml": "a: 1\n"}


def test_the_folder_itself_may_be_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real/facts.yaml").write_text("a: 1\n", "utf-8")
    (tmp_path / "rules").symlink_to(tmp_path / "real")
    assert read_folder(tmp_path / "rules") == {"facts.yaml": "a: 1\n"}


def test_with_an_error_there_are_no_rules_and_with_a_warning_there_are() -> None:
    assert load(folder(live_bonus=HEAD + "decisions:\n  a: {expression: nobody}\n"))[0] is None
    found, diagnostics = load(folder(live_bonus=HEAD + "optional: [live.hours]\n"))
    assert found is not None
    assert [d.severity for d in diagnostics] == ["warning"]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (
            "decisions:\n  a: {expression: live.hours +}\n  b: {expression: a > 1}\n  c: {expression: b and a = 2}\n",
            ["L101"],
        ),
        ("decisions:\n  a: {expression: 'live.hours + live.gmv'}\n  b: {expression: a > 1}\n", ["L203"]),
        ("decisions:\n  a: {table: 5, expression: 6}\n  b: {expression: a > 1}\n", ["P103"]),
        ("decisions:\n  a: 5\n  b: {expression: a > 1}\n", ["P104"]),
        (
            "parameters:\n  p: {type: number, values: [{from: 2023-01-01, value: 1}]}\n"
            "decisions:\n  b: {expression: p > 1}\n",
            ["P104"],
        ),
        (
            "parameters:\n  p: {type: integer, values: [{from: 2023-01-01, value: 1.5}]}\n"
            "decisions:\n  b: {expression: p > 1}\n",
            ["P104"],
        ),
        ("decisions:\n  a: {expression: b + 1}\n  b: {expression: a + 1}\n  c: {expression: a > b}\n", ["P107"]),
        (
            "decisions:\n  t:\n    relation: |\n      | row | met: boolean |\n      | r   | live.hour    |\n"
            + REWARD.replace("coupon:\n", "coupon:\n    each: t\n    when: met\n"),
            ["L201"],
        ),
        (
            "decisions:\n  t:\n    relation: |\n      | row | met: boolean |\n      | r | true | 1 |\n"
            + REWARD.replace("coupon:\n", "coupon:\n    each: t\n    when: met\n"),
            ["T201"],
        ),
        ("optional: [live.hours]\ndecisions:\n  a: {expression: live.hours + live.gmv}\n", ["L203"]),
        (REWARD.replace("amount:", "amont:"), ["P103", "P102"]),
        (REWARD.replace("{per: day}", "day"), ["P104"]),
        (REWARD.replace("claim: {per: day}\n", "claim: {per: daily}\n    when: live.hour > 1\n"), ["P104"]),
        ("recommendations:\n  go: {when: live.hours > 2, priority: 1}\n", ["P103"]),
        ("invariants:\n  - 5\n", ["P104"]),
        (REWARD.replace("  coupon:\n", ""), ["P103"]),
    ],
)
def test_one_mistake_is_told_once(body: str, expected: list[str]) -> None:
    assert [code for code, _ in faults(live_bonus=HEAD + body)] == expected


def test_a_faulty_frame_file_is_not_told_again_by_its_readers() -> None:
    text = HEAD.replace("{from: 2023-01-01, to: 2024-01-01}", "{campaign: spring}") + (
        REWARD + "    stack: hours\n" + "decisions:\n  a: {expression: live.hours > 1 and campaign.from < as_of}\n"
    )
    assert rules(live_bonus=text).campaigns.keys() == {"spring"}
    for broken, code in (("facts", "F101"), ("campaigns", "P104"), ("bundle", "P104")):
        frame = {
            "facts": BASE["facts.yaml"].replace("range: [0, 24]", "range: [0]"),
            "campaigns": BASE["campaigns.yaml"].replace("2023-03-01", "soon"),
            "bundle": BASE["bundle.yaml"].replace("combine: sum", "combine: total"),
        }[broken]
        assert [c for c, _ in faults(live_bonus=text, **{broken: frame})] == [code], broken
        assert [c for c, _ in faults(live_bonus=text, **{broken: "a: [1"})] == ["P101"], broken


@pytest.mark.parametrize("missing", ["facts.yaml", "bundle.yaml"])
def test_a_folder_without_its_frame_is_one_fault(missing: str) -> None:
    sources = {path: text for path, text in BASE.items() if path != missing}
    assert [(d.code.code, d.message) for d in load(sources)[1]] == [("P117", f"the folder lacks `{missing}`")]


@pytest.mark.parametrize(
    ("second", "expected"),
    [
        (("2023-07-01", "2024-07-01"), [("P108", "two files of `live.bonus` are in force from 2023-07-01 on")]),
        (("2024-01-01", None), []),
        (("2024-02-01", None), [("P109", "no file of `live.bonus` is in force from 2024-01-01 to 2024-02-01")]),
        (("2022-01-01", "2023-01-01"), []),
        (("2022-01-01", "2023-01-02"), [("P108", "two files of `live.bonus` are in force from 2023-01-01 on")]),
    ],
)
def test_periods_of_two_files_of_one_policy_neither_overlap_nor_leave_a_hole(
    second: tuple[str, str | None], expected: list[tuple[str, str]]
) -> None:
    assert faults(live_bonus=HEAD, live_other=dated(*second)) == expected


def test_an_open_end_overlaps_with_every_later_file() -> None:
    assert [c for c, _ in faults(live_bonus=dated("2023-01-01", None), live_other=dated("2025-01-01", None))] == [
        "P108"
    ]


def test_files_of_one_policy_are_sorted_by_their_period() -> None:
    found = rules(live_bonus=dated("2024-01-01", None), live_other=dated("2023-01-01", "2024-01-01"))
    assert [p.file for p in found.versions("live.bonus")] == ["rules/live/other.yaml", "rules/live/bonus.yaml"]


def test_files_of_one_policy_have_one_subject() -> None:
    later = dated("2024-01-01", None).replace("subject: merchant", "subject: product")
    assert [c for c, _ in faults(live_bonus=HEAD, live_other=later)] == ["P112"]


def test_through_is_the_last_day_included() -> None:
    period = policy(HEAD.replace("to: 2024-01-01", "through: 2023-12-31")).effective.period
    assert period == policy(HEAD).effective.period


@pytest.mark.parametrize(
    ("period", "message"),
    [
        ("{from: 2023-01-01, to: 2023-01-01}", "`effective` ends before it begins"),
        ("{from: 2023-01-01, to: 2024-01-01, through: 2024-01-01}", "`effective` has both `to` and `through`"),
        ("{from: 2023-02-30}", "`2023-02-30` is not a date"),
        ("{to: 2024-01-01}", "`effective` lacks `from`"),
        ("{campaign: spring, from: 2023-01-01}", "`from` stands beside `campaign`"),
        ("{campaign: autumn}", "there is no campaign `autumn`"),
        ("2023", "`effective` must be a mapping"),
        ("{from: 2023-01-01, through: 9999-12-31}", "`9999-12-31` lies outside 1900-01-01 to 2199-12-31"),
    ],
)
def test_a_period_that_cannot_be_is_one_fault(period: str, message: str) -> None:
    text = (
        HEAD.replace("{from: 2023-01-01, to: 2024-01-01}", period)
        + "decisions:\n  a: {expression: campaign.from = as_of}\n"
    )
    assert [m for _, m in faults(live_bonus=text) if "campaign.from" not in m] == [message]


def test_a_campaign_gives_the_policy_its_days() -> None:
    found = policy(HEAD.replace("{from: 2023-01-01, to: 2024-01-01}", "{campaign: spring}"))
    assert found.effective.campaign == "spring"
    assert (str(found.effective.period.start), str(found.effective.period.end)) == ("2023-03-01", "2023-05-01")


FACT = """basis: assumed
sections:
  merchant:
    label: {zh: 商, en: M}
    facts:
      id: {type: id, label: {zh: 号, en: Id}}
"""


@pytest.mark.parametrize(
    ("declared", "message"),
    [
        ("type: decimal(4), scale: 2", "`decimal(4)` says the decimals of fact `merchant.n` already"),
        ("type: decimal(2), scale: 2", "`decimal(2)` says the decimals of fact `merchant.n` already"),
        ("type: integer, scale: 0", "`integer` says the decimals of fact `merchant.n` already"),
        ("type: decimal", "fact `merchant.n` cannot be of type `decimal`"),
    ],
)
def test_a_fact_says_its_decimals_once(declared: str, message: str) -> None:
    facts = FACT + f"      n: {{{declared}, range: [0, 9], label: {{zh: 数, en: N}}}}\n"
    _, found = load(BASE | {"facts.yaml": facts})
    assert ("F101", message) in [(d.code.code, d.message) for d in found]


@pytest.mark.parametrize("bound", ["1e3", "+5", "１２", "1_000", "007", '" 5"', ".5", "Infinity"])
def test_a_bound_of_a_range_is_written_in_digits(bound: str) -> None:
    facts = FACT + f"      n: {{type: integer, range: [0, {bound}], label: {{zh: 数, en: N}}}}\n"
    _, found = load(BASE | {"facts.yaml": facts})
    told = f"`{bound.strip(chr(34))}` is no integer of at most 15 digits"
    assert ("F101", told) in [(d.code.code, d.message) for d in found]


@pytest.mark.parametrize("value", ["007", "00", "1e3", ".5", "+5", "１", "5万", "1_000"])
def test_a_value_of_a_parameter_is_written_in_digits(value: str) -> None:
    declared = f"parameters:\n  p: {{type: integer, values: [{{from: 2023-01-01, value: {value}}}]}}\n"
    assert faults(live_bonus=HEAD + declared) == [("P104", f"`{value}` does not fit type `integer`")]


def test_a_file_whose_name_no_bundle_can_hold_is_told(tmp_path: Path) -> None:
    """A name of bytes that are no UTF-8 is shown by their numbers: a text of a program holds no half characters."""
    for name in (b"b\xff.yaml", b"a:b.yaml"):
        (tmp_path / os.fsdecode(name)).write_text("policy: live.b\n", "utf-8")
    with pytest.raises(PolicyError) as caught:
        read_folder(tmp_path)
    found = [(str(d.span), d.code.code, d.message) for d in caught.value.report]
    message = "its path holds a sign that none may hold"
    assert found == [(f"{tmp_path}/{name}:1:1", "P117", message) for name in ("a:b.yaml", "b\\xff.yaml")]
    assert all(canonical.dumps(as_json(d)) for d in caught.value.report)


def test_a_folder_whose_name_is_no_utf_8_is_told(tmp_path: Path) -> None:
    folder = tmp_path / os.fsdecode(b"r\xff")
    folder.mkdir()
    with pytest.raises(PolicyError) as caught:
        read_folder(folder)
    found = [(str(d.span), d.code.code, d.message) for d in caught.value.report]
    assert found == [(f"{tmp_path}/r\\xff:1:1", "P117", "the name of the folder is not UTF-8")]


@pytest.mark.parametrize("file", ["facts.yaml", "bundle.yaml", "campaigns.yaml", "live/bonus.yaml"])
def test_an_empty_file_is_told(file: str) -> None:
    found = [(d.span.file, d.code.code, d.message) for d in load(BASE | {file: ""})[1]]
    assert found == [(f"rules/{file}", "P101", "the file is empty")]
