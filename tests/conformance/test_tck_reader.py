"""The reader of the kit, on a model and cases of our own, so that it is tested where the kit is not."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any
from xml.etree import ElementTree

import pytest

from policy_service.language import types
from tests.conformance.tck import kit, record
from tests.conformance.tck.running import Result, results
from tests.conformance.tck.values import Days, Months, Other, ours, same, value_of

MODEL = """\
<definitions xmlns="https://www.omg.org/spec/DMN/20230324/MODEL/" name="shop" id="_shop">
  <itemDefinition name="tStore"><itemComponent name="Size"><typeRef>number</typeRef></itemComponent>
    <itemComponent name="Opened"><typeRef>date</typeRef></itemComponent></itemDefinition>
  <itemDefinition name="tLevel"><typeRef>string</typeRef>
    <allowedValues><text>"Top", "Low"</text></allowedValues></itemDefinition>
  <inputData name="Store" id="i_store"><variable name="Store" typeRef="tStore"/></inputData>
  <inputData name="Hours Live" id="i_hours"><variable name="Hours Live" typeRef="number"/></inputData>
  <inputData name="Begins" id="i_begins"><variable name="Begins" typeRef="time"/></inputData>
  <decision name="Level" id="d_level"><variable name="Level" typeRef="tLevel"/>
    <informationRequirement><requiredInput href="#i_store"/></informationRequirement>
    <informationRequirement><requiredInput href="#i_hours"/></informationRequirement>
    <decisionTable hitPolicy="PRIORITY"><input><inputExpression><text>Store.Size</text></inputExpression></input>
      <input><inputExpression><text>Hours Live</text></inputExpression></input><output/>
      <rule><inputEntry><text>-</text></inputEntry><inputEntry><text>&gt;= 1</text></inputEntry>
        <outputEntry><text>"Low"</text></outputEntry></rule>
      <rule><inputEntry><text>[10..20)</text></inputEntry><inputEntry><text/></inputEntry>
        <outputEntry><text>"Top"</text></outputEntry></rule></decisionTable></decision>
  <businessKnowledgeModel name="Bonus" id="b_bonus"><variable name="Bonus"/>
    <encapsulatedLogic><formalParameter name="Grade Given" typeRef="string"/>
      <context>
        <contextEntry><variable name="base"/><literalExpression><text>10</text></literalExpression></contextEntry>
        <contextEntry><literalExpression><text>if Grade Given = "Top" then base * 2 else base</text></literalExpression>
        </contextEntry></context></encapsulatedLogic></businessKnowledgeModel>
  <decision name="Hours Granted" id="d_hours"><variable name="Hours Granted" typeRef="number"/>
    <informationRequirement><requiredDecision href="#d_level"/></informationRequirement>
    <knowledgeRequirement><requiredKnowledge href="#b_bonus"/></knowledgeRequirement>
    <invocation><literalExpression><text>Bonus</text></literalExpression>
      <binding><parameter name="Grade Given"/><literalExpression><text>Level</text></literalExpression></binding>
    </invocation></decision>
  <decision name="Age" id="d_age"><variable name="Age"/>
    <informationRequirement><requiredInput href="#i_store"/></informationRequirement>
    <literalExpression><text>date("2023-04-01") - Store.Opened</text></literalExpression></decision>
  <decision name="Third" id="d_third"><variable name="Third" typeRef="number"/>
    <literalExpression><text>1 / 4</text></literalExpression></decision>
  <decision name="Mistyped" id="d_mistyped"><variable name="Mistyped" typeRef="string"/>
    <literalExpression><text>1 + 1</text></literalExpression></decision>
  <decision name="After Third" id="d_after"><variable name="After Third"/>
    <informationRequirement><requiredDecision href="#d_third"/></informationRequirement>
    <literalExpression><text>Third + 1</text></literalExpression></decision>
  <decision name="Start" id="d_start"><variable name="Start"/>
    <informationRequirement><requiredInput href="#i_begins"/></informationRequirement>
    <literalExpression><text>Begins</text></literalExpression></decision>
  <decision name="Shown" id="d_shown"><variable name="Shown"/><conditional/></decision>
  <decision name="After Shown" id="d_after_shown"><variable name="After Shown"/>
    <informationRequirement><requiredDecision href="#d_shown"/></informationRequirement>
    <literalExpression><text>Shown = null</text></literalExpression></decision>
</definitions>
"""
RESULT = '<resultNode name="{}"><expected><value xsi:type="xsd:{}">{}</value></expected></resultNode>'
CASES = f"""\
<testCases xmlns="http://www.omg.org/spec/DMN/20160719/testcase"
  xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:xsd="http://www.w3.org/2001/XMLSchema">
  <testCase id="large">
    <inputNode name="Store"><component name="Size"><value xsi:type="xsd:decimal">12.5</value></component>
      <component name="Opened"><value xsi:type="xsd:date">2023-03-01</value></component></inputNode>
    <inputNode name="Hours Live"><value xsi:type="xsd:decimal">1</value></inputNode>
    <inputNode name="Begins"><value xsi:type="xsd:time">10:00:00</value></inputNode>
    {RESULT.format("Level", "string", "Top")}{RESULT.format("Hours Granted", "decimal", "20.0")}
    {RESULT.format("Age", "duration", "P31D")}{RESULT.format("Third", "decimal", "0.25")}
    {RESULT.format("After Third", "decimal", "1.25")}{RESULT.format("Mistyped", "string", "2")}
    {RESULT.format("Start", "time", "10:00:00")}{RESULT.format("Shown", "string", "")}
    {RESULT.format("After Shown", "boolean", "true")}
  </testCase>
  <testCase id="small">
    <inputNode name="Hours Live"><value xsi:type="xsd:decimal">2</value></inputNode>
    {RESULT.format("Level", "string", "Top")}
  </testCase>
</testCases>
"""


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Result]:
    folder = tmp_path_factory.mktemp("kit") / "compliance-level-2" / "shop"
    folder.mkdir(parents=True)
    (folder / "shop.dmn").write_text(MODEL, "utf-8")
    (folder / "shop-test-01.xml").write_text(CASES, "utf-8")
    return results(kit.read(kit.folders(folder.parents[1])["shop"]))


def test_a_model_becomes_rules_whose_answers_are_compared(found: Mapping[str, Result]) -> None:
    assert record.record(found) == {
        "passes": ["large/Level", "large/Hours Granted", "large/Age"],
        "outside": {"L206": ["large/Third", "large/After Third"], "L202": ["large/Mistyped"], "F101": ["large/Start"]},
        "unsupported": {"boxed conditional": ["large/Shown", "large/After Shown"]},
        "differs": ["small"],
        "reference": {"passes": ["large/Third", "large/After Third"], "differs": ["large/Mistyped"]},
    }


def test_what_differs_says_what_came_instead(found: Mapping[str, Result]) -> None:
    assert (found["small"].answer, found["small"].engines_agree) == ("Low", True)


def value(inner: str) -> Any:
    spaces = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
    return value_of(ElementTree.fromstring(f"<expected {spaces}>{inner}</expected>"))  # noqa: S314  our own text


@pytest.mark.parametrize(
    ("inner", "meant"),
    [
        ("", None),
        ('<value xsi:nil="true"/>', None),
        ('<value xsi:type="xsd:string"/>', ""),
        ('<value xsi:type="xs:boolean">false</value>', False),
        ('<value xsi:type="xsd:double">1.50</value>', Decimal("1.5")),
        ('<value xsi:type="xsd:date">2023-04-01</value>', date(2023, 4, 1)),
        ('<value xsi:type="xsd:date">-2017-12-31</value>', Other("date", "-2017-12-31")),
        ('<value xsi:type="xsd:duration">-P1DT1H1M0.5S</value>', Days(Decimal("-90060.5"))),
        ('<value xsi:type="xsd:duration">P1Y2M</value>', Months(14)),
        ("<list/>", []),
        ('<list xsi:nil="true"/>', None),
        ('<list><item><value xsi:type="xsd:string">a</value></item><item/></list>', ["a", None]),
        ('<component name="a"><value xsi:type="xsd:integer">1</value></component>', {"a": Decimal(1)}),
    ],
)
def test_a_value_is_read_in_each_of_its_forms(inner: str, meant: Any) -> None:
    assert same(meant, value(inner))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (None, False),
        (None, []),
        (None, ""),
        (Decimal(1), True),
        (Decimal("0.3333333333"), Decimal("0.33333333333")),
        (["a"], "a"),
        (["a", "b"], ["b", "a"]),
        ({"a": None}, {}),
        (Days(Decimal(0)), Months(0)),
        (date(2023, 4, 1), "2023-04-01"),
    ],
)
def test_what_only_looks_alike_is_not_the_same(one: Any, other: Any) -> None:
    assert not same(one, other)
    assert not same(other, one)


def test_our_answers_mean_what_their_type_says() -> None:
    assert same(Days(Decimal(86400)), ours(types.Duration(0, 9), "P1D"))
    assert same("P1D", ours(types.Text(), "P1D"))
    assert same(Months(14), ours(types.Months(0, 99), "P1Y2M"))
    kind = types.Record((("rate_given", types.Number(1, 0, 99)),))
    assert same([{"Rate Given": Decimal("2.50")}], ours(types.List(kind, 1), [{"rate_given": Decimal("2.5")}]))
