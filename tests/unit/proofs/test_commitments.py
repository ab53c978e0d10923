"""Hidden values come back, and nothing but the value at its place under its salt fits a commitment."""

import hashlib
import hmac
import json
from copy import deepcopy
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policy_service import canonical
from policy_service.proofs import commitments
from policy_service.proofs.commitments import CommitmentRefused, PlaceUnknown, Private, commit, fits, hide, reveal

SALT = bytes(range(32))
RECORD = {
    "request": {
        "facts": {
            "merchant": {"id": "m-1", "phone": "139 0000 0000", "sales/30~d": Decimal("12.50")},
            "members": [{"id": "u-1", "phone": "139 0000 0000"}, {"id": "u-2", "phone": None}],
        }
    },
    "answer": {"because": [{"fact": "merchant.phone", "value": "139 0000 0000"}]},
}
PLACES = (
    "/request/facts/merchant/phone",
    "/request/facts/merchant/sales~130~0d",
    "/request/facts/members/0/phone",
    "/request/facts/members/1/phone",
    "/answer/because/0/value",
)


def test_a_commitment_is_that_of_the_design() -> None:
    made = hmac.new(SALT, b'/request/facts/merchant/id\n"m-1"', hashlib.sha256).hexdigest()
    assert commit("/request/facts/merchant/id", b'"m-1"', SALT) == f"hmac-sha256:{made}"


def test_hidden_values_are_nowhere_in_the_record_and_come_back() -> None:
    before = deepcopy(RECORD)
    hidden, privates = hide(RECORD, PLACES)
    text = canonical.dumps(hidden)
    assert before == RECORD
    assert b"139 0000" not in text  # with its space: the hexadecimal digits of a commitment may hold 139
    assert b"12.5" not in text
    assert b'"m-1"' in text
    assert sorted(private.pointer for private in privates) == sorted(PLACES)
    assert canonical.dumps(reveal(hidden, privates)) == canonical.dumps(RECORD)
    assert canonical.dumps(reveal(json.loads(text), privates)) == canonical.dumps(RECORD)


def test_equal_values_have_commitments_that_differ() -> None:
    hidden, privates = hide(RECORD, PLACES)
    values = [hidden["request"]["facts"]["merchant"]["phone"], hidden["request"]["facts"]["members"][0]["phone"]]
    assert values[0] != values[1]
    assert len({private.salt for private in privates}) == len(PLACES)
    assert hide(RECORD, PLACES)[0] != hidden
    assert commit("/a", b"1", SALT) != commit("/b", b"1", SALT)  # also under one salt


def test_some_values_come_back_while_others_stay_hidden() -> None:
    hidden, privates = hide(RECORD, PLACES)
    shown = reveal(hidden, [p for p in privates if p.pointer == PLACES[0]])
    assert shown["request"]["facts"]["merchant"]["phone"] == "139 0000 0000"
    assert commitments.is_commitment(shown["answer"]["because"][0]["value"])


def test_nothing_hidden_is_nothing_changed() -> None:
    assert hide(RECORD, ()) == (RECORD, ())


def test_a_place_named_twice_is_hidden_once() -> None:
    assert len(hide(RECORD, (PLACES[0], PLACES[0]))[1]) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"salt": b"\0" * 32},
        {"salt": b""},
        {"value": b'"139 0000 0001"'},
        {"value": b'"139 0000 0000" '},
        {"pointer": PLACES[2]},
    ],
)
def test_a_wrong_salt_a_wrong_value_and_a_moved_value_are_refused(change: dict[str, Any]) -> None:
    hidden, (private,) = hide(RECORD, PLACES[:1])
    hidden["request"]["facts"]["members"][0]["phone"] = hidden["request"]["facts"]["merchant"]["phone"]
    assert fits(hidden["request"]["facts"]["merchant"]["phone"]["commitment"], private)
    with pytest.raises(CommitmentRefused) as refusal:
        reveal(hidden, [replace(private, **change)])
    assert "139" not in str(refusal.value)


def test_a_pointer_and_a_value_cannot_trade_a_line() -> None:
    assert commit("/a\n1", b"2", SALT) != commit("/a", b"12", SALT)
    assert not fits(commit("/a", b"1", SALT), Private("/a\n1", SALT, b""))


@pytest.mark.parametrize("text", ["", "hmac-sha256:", "hmac-sha256:é", "0" * 64])
def test_what_is_no_commitment_fits_nothing(text: str) -> None:
    assert not fits(text, Private("/a", SALT, b"1"))


@pytest.mark.parametrize("value", ["x", {"commitment": 1}, {"commitment": "x", "more": 1}, {}, None])
def test_a_place_that_holds_no_commitment_is_refused(value: Any) -> None:
    with pytest.raises(CommitmentRefused):
        reveal({"a": value}, [Private("/a", SALT, b"1")])


def test_two_values_for_a_place_are_refused() -> None:
    hidden, (private,) = hide(RECORD, PLACES[:1])
    with pytest.raises(CommitmentRefused, match="two values"):
        reveal(hidden, [private, private])


@pytest.mark.parametrize("pointer", ["", "a", "/", "/a/b", "/request/facts/members/2", "/request/facts/members/-1"])
def test_a_value_for_a_place_that_is_not_there_is_refused(pointer: str) -> None:
    with pytest.raises(CommitmentRefused):
        reveal(RECORD, [Private(pointer, SALT, b"1")])


@pytest.mark.parametrize(
    "places",
    [
        ("",),
        ("request",),
        ("/request/facts/nobody",),
        ("/request/facts/members/2",),
        ("/request/facts/members/00",),
        ("/request/facts/members/-",),
        ("/request/facts/members/٠",),
        ("/request/facts/merchant/id/0",),
        ("/request/facts/merchant/sales~130~2d",),
        ("/request/facts", "/request/facts/merchant/id"),
        ("/request/facts/merchant/id", "/request/facts"),
    ],
)
def test_places_that_are_not_there_or_inside_each_other_are_refused(places: tuple[str, ...]) -> None:
    with pytest.raises(PlaceUnknown):
        hide(RECORD, places)


def test_a_salt_has_32_bytes() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        commit("/a", b"1", b"short")


SCALARS = st.none() | st.booleans() | st.integers(-(10**15), 10**15) | st.text(st.characters(codec="utf-8"))
KEYS = st.text(st.characters(max_codepoint=0xD7FF), max_size=4)
DOCUMENTS = st.dictionaries(
    KEYS,
    st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4)),
    min_size=1,
    max_size=5,
)


def _places(value: Any, at: str = "") -> list[str]:
    if isinstance(value, dict):
        steps = [(key.replace("~", "~0").replace("/", "~1"), below) for key, below in value.items()]
    elif isinstance(value, list):
        steps = [(str(index), below) for index, below in enumerate(value)]
    else:
        steps = []
    return [place for step, below in steps for place in (f"{at}/{step}", *_places(below, f"{at}/{step}"))]


@settings(max_examples=200, deadline=None)
@given(DOCUMENTS, st.data())
def test_whatever_is_hidden_comes_back(document: dict[str, Any], data: st.DataObject) -> None:
    chosen: list[str] = []
    for place in data.draw(st.lists(st.sampled_from(_places(document)), max_size=6)):
        if not any(f"{place}/".startswith(f"{one}/") or one.startswith(f"{place}/") for one in chosen):
            chosen.append(place)
    hidden, privates = hide(document, chosen)
    assert len(privates) == len(chosen)
    assert reveal(json.loads(canonical.dumps(hidden)), privates) == document
