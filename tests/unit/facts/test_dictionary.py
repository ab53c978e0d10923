"""What facts.yaml may declare."""

import pytest

from policy_service.diagnostics import Report
from policy_service.facts import Dictionary, read_dictionary
from policy_service.sources import read


def declared(facts: str) -> tuple[Dictionary, list[tuple[str, str, str | None]]]:
    """The dictionary of a merchant with facts, and code, message and hint of each fault."""
    text = f"""\
basis: assumed
sections:
  merchant:
    label: {{zh: 商家, en: Merchant}}
    facts:
{facts}
"""
    report = Report()
    root = read("facts.yaml", text, report)
    assert root is not None
    found = read_dictionary(root, report)
    return found, [(d.code.code, d.message, d.hint) for d in report.sorted()]


@pytest.mark.parametrize(
    "type_", ["text", "date", "boolean", "integer, range: [0, 9]", "enum, values: {a: {zh: 一, en: A}}"]
)
def test_what_names_a_subject_is_an_id(type_: str) -> None:
    _, faults = declared(f"      id: {{type: {type_}, label: {{zh: 编号, en: Id}}}}")
    message = "fact `merchant.id` names a subject, its type is `id`"
    assert faults == [("F101", message, "`type: id`; call a fact of another type something else")]


def test_other_facts_may_be_ids_too() -> None:
    found, faults = declared("      parent: {type: id, label: {zh: 编号, en: Id}}")
    assert not faults
    assert found.by_name["merchant.parent"].is_id
    assert not found.subjects


@pytest.mark.parametrize("value", ['""', '"a\\nb"', '"\\u202e"', "a" * 201, "😀"])
def test_members_of_an_enum_are_plain_texts(value: str) -> None:
    members = f"{value}: {{zh: 一, en: A}}"
    _, faults = declared(f"      tier: {{type: enum, values: {{{members}}}, label: {{zh: 级, en: Tier}}}}")
    hint = "1 to 200 characters up to U+D7FF, none of them a control sign"
    assert faults == [("F101", "a value of an enum must be a plain text", hint)]


def test_members_of_an_enum_may_be_several_words() -> None:
    _, faults = declared(
        "      tier: {type: enum, values: {a b: {zh: 一, en: A}, 企业店: {zh: 二, en: B}}, label: {zh: 级, en: Tier}}"
    )
    assert not faults
