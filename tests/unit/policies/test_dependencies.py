"""What depends on what, worked by hand on a small folder."""

from datetime import date
from pathlib import Path

from policy_service.decisions.explaining.catalogue import facts_schema
from policy_service.engines.plan import plan
from policy_service.language.references import Decision, Fact
from policy_service.policies.dependencies import Dependencies, needed_policies
from policy_service.policies.loader import load, read_folder
from policy_service.policies.model import Policy, Rules

BASE = read_folder(Path(__file__).parents[2] / "diagnostics/base")
EXCLUSION = """exclusions:
  - {id: restricted, when: merchant.restricted, text: {zh: "{merchant.store_type}", en: "{merchant.store_type}"}}
"""
HEAD = """title: {zh: 甲, en: A}
subject: merchant
effective: {from: 2023-01-01}
basis: assumed
"""
FIRST = f"""policy: live.first
{HEAD}
optional: [live.orders]
decisions:
  seen: {{expression: live.hours > 1}}
  many: {{expression: if seen then live.orders else 0}}
  fixed: {{expression: 1}}
"""
SECOND = f"""policy: live.second
{HEAD}
decisions:
  twice: {{expression: decision(live.first.many) * 2}}
rewards:
  gift:
    title: {{zh: 礼, en: Gift}}
    kind: cash
    unit: yuan
    amount: if twice > 2 then 1 else 0
    claim: {{per: day}}
    stack: both
    priority: 1
"""
THIRD = f"""policy: live.third
{HEAD}
rewards:
  other:
    title: {{zh: 礼, en: Gift}}
    kind: cash
    unit: yuan
    amount: 1
    claim: {{per: day}}
    stack: both
    priority: 2
"""


def rules() -> Rules:
    group = "stacking:\n  both: {combine: sum, cap: 9, unit: yuan}\n"
    settings = EXCLUSION + BASE["bundle.yaml"].replace("stacking:\n", group)
    files = {"live/first.yaml": FIRST, "live/second.yaml": SECOND, "live/third.yaml": THIRD}
    found, diagnostics = load({**BASE, "bundle.yaml": settings, **files})
    assert found is not None, diagnostics
    return found


def of(found: Rules, id_: str) -> Policy:
    return found.versions(id_)[0]


HOURS, ORDERS = Fact("live", "hours"), Fact("live", "orders")
RESTRICTED, TYPE = Fact("merchant", "restricted"), Fact("merchant", "store_type")
MANY = Decision("live.first", "many")


def test_a_policy_requires_what_it_reads_unless_it_is_optional() -> None:
    reads = Dependencies(rules(), of(rules(), "live.first")).reads
    assert reads.required == {HOURS}
    assert reads.optional == {ORDERS}


def test_what_the_text_of_an_exclusion_reads_is_optional_for_whoever_grants_something() -> None:
    reads = Dependencies(rules(), of(rules(), "live.second")).reads
    assert reads.required == {MANY}
    assert reads.optional == {RESTRICTED, TYPE}


def test_the_plan_and_the_facts_to_post_name_it_too() -> None:
    (second,) = (p for p in plan(rules(), date(2023, 1, 1)).policies if p.id == "live.second")
    assert [one.name for one in second.optional] == ["merchant.restricted", "merchant.store_type"]
    schema = facts_schema(rules(), frozenset({"live.third"}))
    assert schema["properties"]["merchant"]["properties"]["store_type"]["x-read-by"] == {
        "optional": ["live.second", "live.third"]
    }


def test_behind_a_decision_stands_what_its_file_reads_for_it() -> None:
    first = Dependencies(rules(), of(rules(), "live.first"))
    assert first.behind_decision("many") == {HOURS, ORDERS}
    assert first.behind_decision("fixed") == frozenset()
    second = Dependencies(rules(), of(rules(), "live.second"))
    assert second.behind(of(rules(), "live.second").rewards[0].amount.typed) == {MANY}


def test_to_show_a_policy_those_it_uses_and_its_groups_members_are_evaluated() -> None:
    everything = {"live.first", "live.second", "live.third"}
    assert needed_policies(rules().policies, ["live.first"]) == {"live.first"}
    assert needed_policies(rules().policies, ["live.second"]) == everything
    assert needed_policies(rules().policies, ["live.third"]) == everything
    assert needed_policies(rules().policies, ["no.such"]) == frozenset()
