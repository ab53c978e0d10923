"""Whoever may not see hidden values learns nothing of them from replays and comparisons, whatever rules they write."""

from typing import Any

import pytest

from policy_service.decisions.answers.redacting import HIDDEN, Redaction
from policy_service.decisions.deciding.replay import Replayed
from policy_service.diagnostics import InvalidInput
from policy_service.policies.bundle import Bundle, bundle

BELOW = "when: grade.bonus >= 0"
LOW, HIGH = 40, 4_000_000


def rules_of(club: Any, **changes: tuple[str, str]) -> Bundle:
    """The club's rules, in some files a text replaced."""
    sources = dict(club.rules.sources)
    for name, (before, after) in changes.items():
        file = next(one for one in sources if one.endswith(f"{name}.yaml"))
        assert before in sources[file]
        sources[file] = sources[file].replace(before, after)
    found, diagnostics = bundle(sources)
    assert found is not None, diagnostics
    return found


def adopted(club: Any, rules: Bundle) -> str:
    club.assembled.publishing.adopt_folder(rules, actor="test")
    club.assembled.service.evaluators.refresh()
    return rules.id


@pytest.fixture
def members(local_club: Any) -> tuple[str, str]:
    """Decisions on two members who differ in hidden values alone; a merchant is in both."""
    return tuple(
        local_club.decide(
            member={"id": f"u-{points}", "points": points, "joined_on": "2022-02-03"},
            merchant={"id": "m-1", "hours": 12},
        ).decision_id
        for points in (LOW, HIGH)
    )  # type: ignore[return-value]  two of them


def replayed(club: Any, id_: str, bundle: str, **asked: Any) -> Replayed:
    found = club.assembled.service.replay(id_, bundle, **asked)
    assert isinstance(found, Replayed)
    return found


# rules that ask: is the value above 500? Each tells it in another way.
SPIES = {
    "a reward": {"member": (BELOW, "when: grade.bonus > 500")},
    "an exception": {"member": ("grade.spare > 900000000", "grade.spare > 500")},
    "an audience": {"member": ("applies: member.joined_on <= as_of", "applies: member.points > 500")},
    "advice": {"member": ("when: doubled > 0", "when: doubled > 1000")},
    "a row": {"member": (">= 1 ", "> 500 ")},
    "a fact that is refused": {"facts": ("range: [0, 1000000000]", "range: [0, 500]")},
    "another policy": {"hours": ("topped_kept: {title: {zh: 甲, en: A}, kind: cash, when: size > 0",
                                 "topped_kept: {title: {zh: 甲, en: A}, kind: cash, when: member.points > 500")},
}  # fmt: skip


@pytest.mark.parametrize("spy", SPIES)
def test_two_decisions_that_differ_in_hidden_values_alone_replay_alike(
    local_club: Any, members: tuple[str, str], spy: str
) -> None:
    asked = adopted(local_club, rules_of(local_club, **SPIES[spy]))
    one, two = (replayed(local_club, id_, asked) for id_ in members)
    assert one == two
    assert "club.member" in one.hidden


@pytest.mark.parametrize("spy", [spy for spy in SPIES if spy != "a fact that is refused"])
def test_who_may_see_hidden_values_is_told_the_difference(local_club: Any, members: tuple[str, str], spy: str) -> None:
    """Else the test above could not fail."""
    asked = adopted(local_club, rules_of(local_club, **SPIES[spy]))
    one, two = (replayed(local_club, id_, asked, reveal=True) for id_ in members)
    assert (one.identical, one.differences) != (two.identical, two.differences)
    assert one.hidden == ()


def test_a_refused_fact_is_told_to_those_alone_who_may_see_it(local_club: Any, members: tuple[str, str]) -> None:
    asked = adopted(local_club, rules_of(local_club, **SPIES["a fact that is refused"]))
    with pytest.raises(InvalidInput):
        replayed(local_club, members[1], asked, reveal=True)
    assert replayed(local_club, members[1], asked).identical


def test_the_rest_of_the_answer_is_compared(local_club: Any, members: tuple[str, str]) -> None:
    asked = adopted(local_club, rules_of(local_club, hours=(">= 10         ", ">= 11         ")))
    assert replayed(local_club, members[0], asked).identical is False
    other = adopted(local_club, rules_of(local_club, hours=("| 10                  |", "| 11                  |")))
    found = replayed(local_club, members[0], other)
    amounts = [one for one in found.differences if one.pointer.endswith("/amount")]
    assert {(one.recorded, one.replayed) for one in amounts} == {(10, 11)}
    assert found.hidden == ("club.member",)


def test_what_only_the_new_rules_call_sensitive_is_hidden_too(local_club: Any) -> None:
    of_merchant = local_club.merchant(12).decision_id
    plain = "id: {type: id, label: {zh: 商家编号"
    secret = "id: {type: id, sensitive: true, label: {zh: 商家编号"
    asked = adopted(local_club, rules_of(local_club, facts=(plain, secret), hours=(">= 10         ", ">= 20         ")))
    found = replayed(local_club, of_merchant, asked)
    assert found.differences
    assert "m-1" not in repr(found.differences)
    assert "m-1" in repr(replayed(local_club, of_merchant, asked, reveal=True).differences)


def test_under_its_own_rules_and_day_all_of_the_answer_is_compared(local_club: Any, members: tuple[str, str]) -> None:
    found = replayed(local_club, members[1], "original")
    assert (found.identical, found.differences, found.hidden) == (True, (), ("club.member",))


def test_for_another_day_nothing_hidden_is_told(local_club: Any) -> None:
    ids = [
        local_club.decide(member={"id": "u-1", "points": 4, "joined_on": joined}).decision_id
        for joined in ("2022-02-03", "2023-03-31")
    ]
    one, two = (replayed(local_club, id_, "original", as_of="2023-02-01") for id_ in ids)
    assert one == two
    with pytest.raises(InvalidInput, match="2023-03-31"):
        replayed(local_club, ids[1], "original", as_of="2023-02-01", reveal=True)


# ---- comparisons


@pytest.mark.parametrize("spy", ["a reward", "an exception", "an audience"])
def test_a_comparison_tells_what_was_granted_and_no_more(local_club: Any, members: tuple[str, str], spy: str) -> None:
    """With other rules, what they would have granted to the two members is not told."""
    adopted(local_club, rules_of(local_club, **SPIES[spy]))
    later = local_club.decide(merchant={"id": "m-1", "hours": 6}).decision_id
    compare = local_club.auditing.compare
    low, high = (compare(id_, later) for id_ in members)
    for one in (low, high):
        one["from"].pop("decision_id")
    assert low == high
    assert low["hidden"] == ["club.member"]
    ours = [one for one in low["rewards"] if one["policy"] == "club.member"]
    assert ours
    for one in ours:
        assert (one["with_old"], one["shares"]) == (HIDDEN, HIDDEN)
        assert one["subject"] == {"type": "member", "id": HIDDEN}
    assert all("facts" in one["shares"] for one in low["rewards"] if one["policy"] == "club.hours" and one["shares"])
    shown = [compare(id_, later, reveal=True) for id_ in members]
    assert shown[0]["hidden"] == []
    assert shown[0]["rewards"] != shown[1]["rewards"]


def test_two_decisions_are_compared_by_what_was_recorded(local_club: Any) -> None:
    one, two = (local_club.member(points, policies=("club.member",)).decision_id for points in (5, 25))
    found = local_club.auditing.compare(one, two)
    large = next(one for one in found["rewards"] if one["id"] == "large")
    assert (large["from"], large["to"], large["difference"]) == (None, 20, 20)
    whole = local_club.auditing.compare(one, two, reveal=True)
    assert [(r["id"], r["from"], r["to"]) for r in whole["rewards"]] == [
        (r["id"], r["from"], r["to"]) for r in found["rewards"]
    ]


def test_in_the_place_of_a_hidden_id_stands_another_that_rules_accept(local_club: Any) -> None:
    known = local_club.assembled.service.evaluators.active().sensitivity
    facts = {"member": {"id": "u-1", "points": 5}, "merchant": {"id": "m-1"}, "products": [{"id": "p-1"}]}
    found = Redaction([facts], [known])
    assert found.facts(facts) == {"member": {"id": "hidden"}, "merchant": {"id": "m-1"}, "products": [{"id": "p-1"}]}
    assert found.policies == {"club.member"}
    assert Redaction([{"member": {"id": "u-1"}}], [known]).policies == set(), "what was not posted tells nothing"
