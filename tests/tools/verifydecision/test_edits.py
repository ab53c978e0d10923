"""Whatever is edited in the file of a decision is found out, by the checks that must find it."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from policy_service.decisions.ports.activations import BundleSources
from policy_service.decisions.ports.acts import Beginning, Change
from policy_service.policies.bundle import Bundle
from policy_service.proofs import notes, receipts, tree
from policy_service.proofs.export import Export, ExportRefused, Inclusion, ProvedAct
from policy_service.proofs.notes import Head
from tests.tools.verifydecision.conftest import Verify
from tests.tools.verifydecision.log import (
    ADDED,
    AT,
    BEGUN,
    ID,
    INDEX,
    NEW,
    OLD,
    ORDERED_AT,
    ORIGIN,
    PINNED,
    RETIRED,
    SEALED_AT,
    SIZE,
    STORED,
    STRANGER,
    Decided,
    act,
    all_but,
    exported,
    failing,
    ordered,
    short,
)

Edit = Callable[[Export], Export]
NOWHERE = "sha256:" + "0" * 64
PROVED = {"inclusion", "order", "keys"}
"""All that is under the head."""


# ---- how a part is changed


def texts(edit: Callable[[dict[str, str]], dict[str, str]]) -> Edit:
    return lambda e: replace(e, bundle=replace(e.bundle, sources=edit(e.bundle.sources)))


def order(edit: Callable[[ProvedAct], ProvedAct]) -> Edit:
    return lambda e: replace(e, bundle=replace(e.bundle, order=edit(e.bundle.order)))


def signing(number: int, edit: Callable[[ProvedAct], ProvedAct]) -> Edit:
    def changed(e: Export) -> Export:
        acts = list(e.signing)
        acts[number] = edit(acts[number])
        return replace(e, signing=tuple(acts))

    return changed


def place(edit: Callable[[Inclusion], Inclusion]) -> Edit:
    return lambda e: replace(e, inclusion=edit(e.inclusion))


def body(old: str, new: str) -> Callable[[ProvedAct], ProvedAct]:
    def changed(one: ProvedAct) -> ProvedAct:
        assert old.encode() in one.body
        return replace(one, body=one.body.replace(old.encode(), new.encode(), 1))

    return changed


def first(sources: dict[str, str]) -> str:
    return min(sources)


def private(**changed: Any) -> Edit:
    return lambda e: replace(e, private=(replace(e.private[0], **changed), *e.private[1:]))


def head(old: str, new: str) -> Edit:
    def changed(e: Export) -> Export:
        assert old in e.head
        return replace(e, head=e.head.replace(old, new, 1))

    return changed


def another_head(e: Export) -> Export:
    """A right head of another log of the same size, by the same key."""
    other = Head(ORIGIN, SIZE, tree.leaf_hash(b"other"), (f"time {SEALED_AT}",))
    return replace(e, head=notes.sign_head(other, [NEW]))


def hiding_an_order(e: Export) -> Export:
    """The digests of the edited texts, in an order that nobody signed."""
    path = first(e.bundle.sources)
    edited = {**e.bundle.sources, path: e.bundle.sources[path] + "# edited\n"}
    stored = BundleSources(e.bundle.id, "club", edited)
    forged, receipt = act(3, ORDERED_AT, OLD, lambda by: Change(by, bundles=[stored]))
    proved = replace(e.bundle.order, body=forged, receipt=receipt)
    return replace(e, bundle=replace(e.bundle, sources=edited, order=proved))


def issued(signer: Any = NEW, id_: str = ID, at: str = AT, leaf: bytes | None = None) -> Edit:
    return lambda e: replace(e, receipt=receipts.issue(signer, ORIGIN, id_, at, leaf or e.leaf))


EDITS: dict[str, tuple[Edit, set[str]]] = {
    # ---- the record
    "a byte of the record": (
        lambda e: replace(e, record=e.record.replace(b'"m-1"', b'"m-2"', 1)),
        {"record", "inclusion", "receipt"},
    ),
    "record and leaf": (
        lambda e: replace(e, record=e.record + b" ", leaf=tree.leaf_hash(e.record + b" ")),
        {"inclusion", "receipt"},
    ),
    "the leaf": (lambda e: replace(e, leaf=tree.leaf_hash(b"")), {"record"}),
    # ---- the bundle
    "the bundle's id": (lambda e: replace(e, bundle=replace(e.bundle, id=NOWHERE)), {"bundle", "texts", "order"}),
    "a byte of the model": (
        lambda e: replace(e, bundle=replace(e.bundle, model=e.bundle.model.replace(b'"club.', b'"clan.', 1))),
        {"bundle"},
    ),
    "the model in another spelling": (
        lambda e: replace(e, bundle=replace(e.bundle, model=e.bundle.model + b"\n")),
        {"bundle"},
    ),
    "no model": (lambda e: replace(e, bundle=replace(e.bundle, model=b"")), {"bundle"}),
    "a text edited": (texts(lambda s: {**s, first(s): s[first(s)] + "# edited\n"}), {"texts"}),
    "a space in a text": (texts(lambda s: {**s, first(s): s[first(s)].replace(" ", "  ", 1)}), {"texts"}),
    "a text missing": (texts(lambda s: all_but(s, first(s))), {"texts"}),
    "no texts": (texts(lambda _: {}), {"texts"}),
    "a text added": (texts(lambda s: {**s, "more.yaml": ""}), {"texts"}),
    "a text under another name": (texts(lambda s: {**all_but(s, first(s)), "x.yaml": s[first(s)]}), {"texts"}),
    "two texts exchanged": (
        texts(lambda s: {**s, "hours.yaml": s["prices.yaml"], "prices.yaml": s["hours.yaml"]}),
        {"texts"},
    ),
    # ---- the act that stored it
    "the order's label": (order(body('"label":"club"', '"label":"clan"')), {"order"}),
    "who ordered": (order(body('"actor":"op"', '"actor":"pm"')), {"order"}),
    "when it was ordered": (order(body(ORDERED_AT, SEALED_AT)), {"order"}),
    "a digest in the order": (order(body('"bundle.yaml":"sha256:', '"bundle.yaml":"SHA256:')), {"order", "texts"}),
    "an order after the record": (order(body('"version":3', '"version":4')), {"order"}),
    "an order without version": (order(body('"version":3', '"version":"3"')), {"order"}),
    "the bundle of another order": (
        lambda e: replace(e, bundle=replace(e.bundle, order=e.signing[1])),
        {"order", "texts"},
    ),
    "an order that nobody signed, with its texts": (hiding_an_order, {"order"}),
    "the order's receipt of another": (
        lambda e: replace(e, bundle=replace(e.bundle, order=replace(e.bundle.order, receipt=e.signing[0].receipt))),
        {"order"},
    ),
    "the record's receipt for the order": (
        lambda e: replace(e, bundle=replace(e.bundle, order=replace(e.bundle.order, receipt=e.receipt))),
        {"order"},
    ),
    "the order's index": (
        order(lambda one: replace(one, inclusion=replace(one.inclusion, index=STORED + 1))),
        {"order"},
    ),
    "the order's size": (order(lambda one: replace(one, inclusion=replace(one.inclusion, size=SIZE - 1))), {"order"}),
    "the order's hashes": (
        lambda e: order(lambda one: replace(one, inclusion=replace(one.inclusion, hashes=e.inclusion.hashes)))(e),
        {"order"},
    ),
    # ---- the proof
    "the index": (place(lambda i: replace(i, index=INDEX + 1)), {"inclusion"}),
    "an index beyond": (place(lambda i: replace(i, index=SIZE)), {"inclusion"}),
    "an index from before the first act": (place(lambda i: replace(i, index=0)), {"inclusion"}),
    "an index before any key": (place(lambda i: replace(i, index=BEGUN)), {"inclusion", "receipt"}),
    "a negative index": (place(lambda i: replace(i, index=-1)), {"inclusion"}),
    "the size": (place(lambda i: replace(i, size=SIZE + 1)), {"inclusion"}),
    "a hash less": (place(lambda i: replace(i, hashes=i.hashes[:-1])), {"inclusion"}),
    "a hash more": (place(lambda i: replace(i, hashes=(*i.hashes, b"\0" * 32))), {"inclusion"}),
    # ---- the head
    "another head": (another_head, PROVED),
    "the head's time": (head(SEALED_AT, SEALED_AT.replace("09", "10")), {"head"}),
    "the head's time left out": (head(f"time {SEALED_AT}\n", ""), {"head"}),
    "the size of the head before": (head("after 650", "after 651"), {"head"}),
    "the head's size": (head(f"\n{SIZE}\n", f"\n{SIZE}0\n"), PROVED | {"head"}),
    "the head's origin": (head(ORIGIN, "x" + ORIGIN), {"head", "keys", "order", "receipt"}),
    "no head": (lambda e: replace(e, head=""), PROVED | {"head", "receipt"}),
    # ---- the acts on keys
    "no act on keys": (lambda e: replace(e, signing=()), {"head", "keys", "order", "receipt"}),
    "the beginning left out": (lambda e: replace(e, signing=e.signing[1:]), {"head", "keys", "order", "receipt"}),
    "the act that added the key left out": (
        lambda e: replace(e, signing=(e.signing[0], e.signing[2])),
        {"head", "keys", "receipt"},
    ),
    "the acts on keys turned round": (
        lambda e: replace(e, signing=(e.signing[0], *reversed(e.signing[1:]))),
        {"keys"},
    ),
    "an act on keys twice": (lambda e: replace(e, signing=(*e.signing[:2], *e.signing[1:])), {"keys"}),
    "more records from before": (signing(0, body('"legacy":2', '"legacy":1')), {"keys"}),
    "as many records from before as there are": (
        signing(0, body('"legacy":2', '"legacy":999')),
        {"keys", "order", "receipt"},
    ),
    "another beginning": (
        signing(0, lambda one: replace(one, body=begun_by_another(one))),
        {"keys", "order"},
    ),
    "another key added": (
        signing(1, body(NEW.verifier.text, STRANGER.verifier.text)),
        {"head", "keys", "receipt"},
    ),
    "the receipt of an act on keys": (
        lambda e: signing(2, lambda one: replace(one, receipt=e.signing[1].receipt))(e),
        {"keys"},
    ),
    "the place of an act on keys": (
        signing(2, lambda one: replace(one, inclusion=replace(one.inclusion, index=RETIRED + 1))),
        {"keys"},
    ),
    # ---- the receipt
    "no receipt": (lambda e: replace(e, receipt=None), {"receipt"}),
    "a receipt of another record": (issued(leaf=tree.leaf_hash(b"")), {"receipt"}),
    "a receipt of another time": (issued(at=AT.replace("08", "09")), {"receipt"}),
    "a receipt of another decision": (issued(id_=ID[:-1]), {"receipt"}),
    "a receipt of a stranger": (issued(STRANGER), {"receipt"}),
    "a receipt that says to be of another key": (
        lambda e: replace(e, receipt=replace(issued(STRANGER)(e).receipt, key=NEW.verifier.label)),
        {"receipt"},
    ),
    "the receipt of an act": (lambda e: replace(e, receipt=e.bundle.order.receipt), {"receipt"}),
    # ---- private values
    "a private value": (private(value=b'"u-2"'), {"values"}),
    "a private value's salt": (private(salt=b"\0" * 32), {"values"}),
    "a private value's place": (private(pointer="/request/facts/merchant/id"), {"values"}),
    "a place that is not there": (private(pointer="/request/facts/live/0"), {"values"}),
    "a private value twice": (lambda e: replace(e, private=(*e.private, e.private[0])), {"values"}),
}


def begun_by_another(one: ProvedAct) -> bytes:
    forged, _ = act(1, ORDERED_AT, STRANGER, lambda by: Change(by, begin=Beginning(ORIGIN, (OLD.verifier.text,), 1)))
    assert forged != one.body
    return forged.replace(OLD.verifier.text.encode(), STRANGER.verifier.text.encode())


@pytest.mark.parametrize(("edit", "refused"), EDITS.values(), ids=EDITS)
def test_an_edit_is_found_by_the_checks_that_must_find_it(
    verify: Verify, export: Export, edit: Edit, refused: set[str]
) -> None:
    edited = edit(export)
    assert edited != export
    status, found = verify(edited, *PINNED, "--evaluate")
    assert (status, failing(found)) == (1, refused)
    assert found["evaluate"].startswith("note not done")


# ---- what whoever cannot sign may leave out


def test_an_act_that_retires_a_key_may_be_left_out_which_the_program_says(
    verify: Verify, decision: Decided, rules: Bundle
) -> None:
    """The one thing that the file alone cannot show: that there were no further acts on keys."""
    right = exported(decision, rules, index=500, signer=OLD)
    assert verify(right, *PINNED)[0] == 1
    without = replace(right, signing=right.signing[:2])
    assert verify(without, *PINNED)[0] == 0


# ---- acts that the log itself holds, and must not


def begins(keys: tuple[str, ...] = (), legacy: int = 2, origin: str = ORIGIN, signer: Any = OLD) -> Any:
    named = keys or (OLD.verifier.text,)
    return {BEGUN: act(1, ORDERED_AT, signer, lambda by: Change(by, begin=Beginning(origin, named, legacy)))}


WRONG_ACTS: dict[str, tuple[Any, set[str]]] = {
    "more records from before than places": (begins(legacy=3), {"order", "receipt"}),
    "the beginning of another log": (begins(origin="other"), {"keys"}),
    "begun with a key that did not sign it": (begins(signer=STRANGER), {"keys"}),
    "begun with what is no key": (begins(("none",)), {"head", "keys", "order", "receipt"}),
    "a second beginning": (
        {ADDED: act(2, ORDERED_AT, OLD, lambda by: Change(by, begin=Beginning(ORIGIN, (NEW.verifier.text,), 2)))},
        {"head", "keys", "order", "receipt"},
    ),
    "a key added by one that is not in force": (
        {ADDED: act(2, ORDERED_AT, NEW, lambda by: Change(by, signing_added=[NEW.verifier.text]))},
        {"keys"},
    ),
    "an act on keys that is about none": (
        {ADDED: act(2, ORDERED_AT, OLD, Change)},
        {"head", "keys", "order", "receipt"},
    ),
    "an order that stores no bundle": (
        {STORED: act(3, ORDERED_AT, STRANGER, Change)},
        {"order", "texts"},
    ),
}


@pytest.mark.parametrize(("changed", "refused"), WRONG_ACTS.values(), ids=WRONG_ACTS)
def test_acts_that_do_not_hold_are_refused_though_they_are_in_the_log(
    verify: Verify, decision: Decided, rules: Bundle, changed: Any, refused: set[str]
) -> None:
    status, found = verify(exported(decision, rules, changed=changed), *PINNED)
    assert (status, failing(found)) == (1, refused)


def test_a_bundle_that_was_stored_by_who_was_not_in_force_is_refused(
    verify: Verify, decision: Decided, rules: Bundle
) -> None:
    stored = [BundleSources(rules.id, "club", rules.sources)]
    changed = {STORED: act(3, ORDERED_AT, STRANGER, lambda by: Change(by, bundles=stored))}
    status, found = verify(exported(decision, rules, changed=changed), *PINNED)
    assert (status, failing(found)) == (1, {"order"})


@pytest.mark.parametrize(("orders", "fits"), [(3, True), (2, False), ("3", False)])
def test_a_bundle_must_have_been_stored_by_an_order_that_the_record_knows(
    verify: Verify, decision: Decided, rules: Bundle, orders: Any, fits: bool
) -> None:
    status, found = verify(exported(decision.with_(orders=orders), rules), *PINNED)
    assert (status, failing(found)) == ((0, set()) if fits else (1, {"order"}))


def test_a_bundle_that_is_stored_twice_by_one_order_is_refused(
    verify: Verify, decision: Decided, rules: Bundle
) -> None:
    twice = [BundleSources(rules.id, "club", rules.sources)] * 2
    changed = {STORED: act(3, ORDERED_AT, OLD, lambda by: Change(by, bundles=twice))}
    status, found = verify(exported(decision, rules, changed=changed), *PINNED)
    assert (status, failing(found)) == (1, {"order", "texts"})


def test_the_log_is_right_as_it_was_made_up(verify: Verify, decision: Decided, rules: Bundle) -> None:
    assert verify(exported(decision, rules, changed=ordered(rules)), *PINNED)[0] == 0


# ---- documents of another form


def bundle(edit: Callable[[dict[str, Any]], dict[str, Any]]) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda d: d | {"bundle": edit(d["bundle"])}


MALFORMED: dict[str, Callable[[dict[str, Any]], Any]] = {
    "a list": lambda _: [],
    "the former format": lambda d: d | {"format": 1},
    "a format that is a truth": lambda d: d | {"format": True},
    "a key more": lambda d: d | {"more": 1},
    "a key less": lambda d: all_but(d, "receipt"),
    "no order": lambda d: d | {"order": None},
    "an order without receipt": lambda d: d | {"order": d["order"] | {"receipt": None}},
    "an order without inclusion": lambda d: d | {"order": all_but(d["order"], "inclusion")},
    "an order that is no JSON": lambda d: d | {"order": d["order"] | {"body": 1}},
    "a record that is no text": lambda d: d | {"record": {}},
    "an index that is a text": lambda d: d | {"inclusion": d["inclusion"] | {"index": "5"}},
    "an index that is a truth": lambda d: d | {"inclusion": d["inclusion"] | {"index": True}},
    "a place with more": lambda d: d | {"inclusion": d["inclusion"] | {"more": 1}},
    "a short hash": lambda d: d | {"inclusion": d["inclusion"] | {"hashes": [short()]}},
    "hashes that are none": lambda d: d | {"inclusion": d["inclusion"] | {"hashes": None}},
    "a bundle without model": bundle(lambda b: all_but(b, "model")),
    "a model that is no text": bundle(lambda b: b | {"model": {}}),
    "sources that are a list": bundle(lambda b: b | {"sources": []}),
    "a source that is no text": bundle(lambda b: b | {"sources": b["sources"] | {"x.yaml": None}}),
    "acts on keys that are none": lambda d: d | {"signing": {}},
    "an act on keys that is none": lambda d: d | {"signing": [None]},
    "a receipt without key": lambda d: d | {"receipt": {"digest": "x"}},
    "a short salt": lambda d: d | {"private": [d["private"][0] | {"salt": "AAAA"}]},
    "a surrogate in a place": lambda d: d | {"private": [d["private"][0] | {"pointer": "/\ud800"}]},
    "a surrogate in the head": lambda d: d | {"head": "\ud800" + d["head"]},
    "a surrogate in a path": bundle(lambda b: b | {"sources": {"\ud800": ""}}),
    "a surrogate in a key": lambda d: d | {"keys": ["\ud800+" + d["keys"][0]]},
    "a lone surrogate": lambda d: d | {"record": d["record"].replace("m-1", "\ud800")},
}


@pytest.mark.parametrize("change", MALFORMED.values(), ids=MALFORMED)
def test_a_document_of_another_form_is_refused_by_both_readers(
    verify: Verify, export: Export, change: Callable[[dict[str, Any]], Any]
) -> None:
    text = json.dumps(change(export.json))
    with pytest.raises(ExportRefused):
        Export.loads(text)
    status, found = verify(text, *PINNED)
    assert (status, failing(found)) == (1, {"file"})


@pytest.mark.parametrize("what", ["record", "order"])
def test_a_record_or_act_with_a_key_twice_is_refused(verify: Verify, export: Export, what: str) -> None:
    """Readers differ on which of the two counts."""
    document = export.json
    if what == "record":
        document["record"] = document["record"].replace('{"answer"', '{"decision_id":"x","answer"', 1)
    else:
        document["order"]["body"] = document["order"]["body"].replace('{"act_id"', '{"order":{},"act_id"', 1)
    assert document != export.json
    status, found = verify(document, *PINNED)
    assert (status, found) == (1, {"file": "FAIL an object has a key twice"})
