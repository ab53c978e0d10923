"""What is sensitive stands in a record as a commitment, and nowhere else."""

import json
import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, select

from policy_service import canonical
from policy_service.decisions.audit.searching import Query
from policy_service.decisions.deciding.previewing import previewing
from policy_service.decisions.deciding.recording import Making, commitments, parsed, record_of, revealed
from policy_service.decisions.deciding.resolving import EvaluateRequest
from policy_service.decisions.deciding.service import PolicyService
from policy_service.decisions.ports.records import DecisionRecord
from policy_service.decisions.sealed.terms import terms_of
from policy_service.engines.registry import engine
from policy_service.facts import Fact
from policy_service.language import types
from policy_service.policies.bundle import Bundle, bundle, load_folder
from policy_service.store.tables import metadata, private_values, terms

ID, POINTS, JOINED = "u-MARKER-7", 700700700, "2021-11-23"
DERIVED = {
    POINTS + 1,  # an output of a table
    POINTS * 2,  # a decision over that
    POINTS + 10,  # a cell of a relation
    POINTS * 2 + 30,  # a sum of cells
}
MARKERS = [ID, JOINED, *map(str, [POINTS, *DERIVED])]


def stored(club: Any, id_: str) -> DecisionRecord:
    found = club.auditing.decisions.decision(id_)
    assert isinstance(found, DecisionRecord)
    return found


def decide(club: Any, **asked: Any) -> tuple[dict[str, Any], DecisionRecord]:
    found = club.decide(member={"id": ID, "points": POINTS, "joined_on": JOINED}, **asked)
    return found.answer, stored(club, found.decision_id)


def rows(engine: Engine, *leaving_out: str) -> str:
    """All that is stored, but for some tables, as one text."""
    with engine.connect() as connection:
        return "\n".join(
            repr(tuple(row))
            for table in metadata.sorted_tables
            if table.name not in leaving_out
            for row in connection.execute(select(table))
        )


@pytest.mark.parametrize("trace", ["none", "fired", "full"])
def test_nothing_that_is_computed_from_a_sensitive_fact_is_in_the_record(local_club: Any, trace: str) -> None:
    answer, record = decide(local_club, trace=trace)
    told = canonical.trusted(answer).decode()
    assert all(marker in told for marker in MARKERS), "the caller gets every value"
    assert [marker for marker in MARKERS if marker in record.body.decode()] == []
    assert commitments(record.body)


def test_a_text_of_an_exception_that_shows_a_sensitive_value_is_hidden(local_club: Any) -> None:
    found = local_club.member(999_000_123)
    refused = next(r for r in found.answer["not_granted"] if r.get("exception") == "rich")
    assert refused["text"]["en"] == "Has 999000124 points"
    assert b"999000124" not in stored(local_club, found.decision_id).body


def test_a_reason_that_the_plan_does_not_know_is_hidden(local_club: Any) -> None:
    answer, _ = decide(local_club, trace="full")
    evaluator = local_club.assembled.service.evaluators.active()
    request = {"facts": {"member": {"id": ID, "points": POINTS}}}
    places = evaluator.sensitivity.places(request, answer, dict)
    reasons = [p for p in pointers(answer, "/answer") if "/because/" in p and p.endswith("/value")]
    assert sorted(p for p in places if "/because/" in p) == sorted(reasons)


def pointers(value: Any, pointer: str) -> list[str]:
    """Where an answer has something that is not null."""
    below = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    found = [p for key, item in below for p in pointers(item, f"{pointer}/{key}")]
    return found if below else [pointer] if value is not None else []


def test_a_record_revealed_is_the_record_that_would_have_been_written(local_club: Any) -> None:
    answer, record = decide(local_club, trace="full", provenance={"ticket": "T-1"})
    plain = revealed(record)
    compared = {k: v for k, v in answer.items() if k not in ("decision_id", "decided_at", "receipt")}
    assert canonical.trusted(plain["answer"]) == canonical.trusted(compared)
    assert plain["request"]["facts"] == {"member": {"id": ID, "points": POINTS, "joined_on": JOINED}}
    assert not commitments(canonical.trusted(plain))


def test_only_private_rows_and_private_terms_hold_what_is_sensitive(local_club: Any) -> None:
    decide(local_club, key="k", trace="full")
    local_club.seal()
    kept = rows(local_club.engine, "private_values", "terms")
    assert [marker for marker in MARKERS if marker in kept] == []
    with local_club.engine.connect() as connection:
        public = connection.scalars(select(terms.c.text).where(~terms.c.private)).all()
        private = connection.scalars(select(terms.c.text).where(terms.c.private)).all()
        assert connection.scalars(select(private_values.c.value)).all()
    assert not any(ID in text for text in public)
    assert {f"subject:member:{ID}", f"claim:club.member/welcome@member:{ID}#once"} <= set(private)


def test_a_list_of_found_decisions_shows_nothing_sensitive(local_club: Any) -> None:
    decide(local_club)
    local_club.seal()
    page = local_club.auditing.searching.search(Query((f"subject:member:{ID}",)))
    assert len(page.decisions) == 1
    assert not any(marker in repr(page) for marker in MARKERS)


def test_a_request_without_sensitive_facts_has_no_commitments(local_club: Any) -> None:
    record = stored(local_club, local_club.merchant(12, trace="full").decision_id)
    assert record.privates == ()
    assert commitments(record.body) == []


def test_a_repeated_request_is_answered_with_the_values_and_the_same_receipt(local_club: Any) -> None:
    first = local_club.member(77, key="k")
    again = local_club.member(77, key="k")
    assert again.replayed
    assert canonical.trusted(again.answer) == canonical.trusted(first.answer)


@pytest.fixture(scope="module")
def with_secret_merchants(club_rules: Bundle) -> Bundle:
    facts = club_rules.sources["facts.yaml"]
    plain = "id: {type: id, label: {zh: 商家编号"
    assert facts.count(plain) == 1
    secret = facts.replace(plain, "id: {type: id, sensitive: true, label: {zh: 商家编号")
    found, diagnostics = bundle({**club_rules.sources, "facts.yaml": secret})
    assert found is not None, diagnostics
    return found


@pytest.mark.parametrize("posted", [{"merchant": {"id": ID, "hours": 12}}, {"merchant": {"hours": 12}}])
def test_a_merchant_whose_id_is_sensitive_is_hidden_wherever_a_request_names_it(
    local_club: Any, with_secret_merchants: Bundle, posted: Mapping[str, Any]
) -> None:
    local_club.assembled.publishing.adopt_folder(with_secret_merchants, actor="test")
    local_club.assembled.service.evaluators.refresh()
    found = local_club.decide(**posted, merchant_id=ID)
    assert ID in repr(found.answer)
    local_club.seal()
    assert ID not in rows(local_club.engine, "private_values", "terms")
    assert revealed(stored(local_club, found.decision_id))["request"]["merchant_id"] == ID
    page = local_club.auditing.searching.search(Query((f"subject:merchant:{ID}",)))
    assert [one.merchant_id for one in page.decisions] == [None]


# ---- the shipped rules, on generated states

SHIPPED = Path(__file__).parents[4] / "rules"
SHOWN = ("merchant", "member", "buyer", "products")
"""Sections that the policies about members and buyers read."""
MARKED_ID, MARKED_YEAR, MARKED_NUMBER = "u-MARKER-7", 1987, 777_000_000


@pytest.fixture(scope="module")
def shipped() -> Bundle:
    found, diagnostics, _ = load_folder(SHIPPED)
    assert found is not None, diagnostics
    return found


@pytest.fixture(scope="module")
def shipped_service(shipped: Bundle) -> PolicyService:
    return previewing(shipped, engine("reference"))


def values(fact: Fact) -> st.SearchStrategy[Any]:
    """Values of a fact; a sensitive one has those that are told from all others, where its range is wide enough."""
    match fact.type:
        case types.Boolean():
            return st.booleans()
        case types.Enum(members=members):
            return st.sampled_from(members)
        case types.Date():
            year = MARKED_YEAR if fact.sensitive else 2022
            return st.dates(date(year, 1, 1), date(year, 12, 31)).map(date.isoformat)
        case types.Number(scale=scale, low=low, high=high):
            if fact.sensitive and scale == 0 and high > MARKED_NUMBER + 1000:
                return st.integers(MARKED_NUMBER, MARKED_NUMBER + 999)
            return st.integers(low, min(high, low + 10_000)).map(lambda n: Decimal(n).scaleb(-scale))
    return st.just(MARKED_ID if fact.sensitive else f"{fact.section}-1") if fact.is_id else st.just("text")


def sections(rules: Bundle) -> st.SearchStrategy[dict[str, Any]]:
    found: dict[str, st.SearchStrategy[Any]] = {}
    for name in SHOWN:
        facts = list(rules.rules.dictionary.sections[name].facts.values())
        ids = {fact.key: values(fact) for fact in facts if fact.is_id}
        posted = st.fixed_dictionaries(ids, optional={fact.key: values(fact) for fact in facts if not fact.is_id})
        found[name] = posted.map(lambda one: [one]) if name == "products" else posted
    return st.fixed_dictionaries(found)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(data=st.data())
def test_no_record_of_the_shipped_rules_shows_a_sensitive_value(
    shipped: Bundle, shipped_service: PolicyService, data: st.DataObject
) -> None:
    facts = data.draw(sections(shipped))
    request = EvaluateRequest(facts, "2023-04-01", trace="full")
    resolved = shipped_service.resolver.resolve(request, None)
    answer = resolved.evaluator.evaluate(resolved.state, resolved.question)
    record = record_of(request, resolved, answer, Making("d-1", "2023-04-02T00:00:00.000Z", "local", 1))
    hidden = parsed(record.body)
    public = [text for text, private in terms_of(hidden, revealed(record)).items() if not private]
    shown = record.body.decode() + json.dumps(public)
    assert MARKED_ID not in shown
    assert f'"{MARKED_YEAR}-' not in shown
    assert str(MARKED_NUMBER)[:6] not in re.sub("[0-9a-f]{64}", "", shown)
    plain = revealed(record)
    assert canonical.trusted(plain["answer"]) == canonical.trusted(answer)
    assert canonical.trusted(plain["request"]["facts"]) == canonical.trusted(
        resolved.evaluator.reader.normalised(resolved.state)
    )


def test_the_shipped_rules_show_members_and_buyers_to_be_hidden(shipped: Bundle) -> None:
    """Else the test above could not fail."""
    hidden = {fact.section for fact in shipped.rules.dictionary if fact.sensitive}
    assert hidden <= set(SHOWN)
    assert {"member", "buyer"} <= hidden
