"""What only whoever signs can do against the rules of the log: what, after which step, the finding due.

All else in the log is signed and fits.
"""

import json
from collections.abc import Callable
from typing import Any

from tests.tools.verifylog.fabricate import (
    FIRST,
    ORIGIN,
    SECOND,
    STRANGER,
    A,
    B,
    Log,
    at,
    base64,
    id_of,
    note,
    receipt,
    root,
)

Step = Callable[[Log], object]


def respelled(change: Callable[[str], str]) -> Step:
    """The body of the last record spelled otherwise, and signed so."""

    def respell(log: Log) -> None:
        one = log.records[-1]
        body = change(one.body)
        assert body != one.body
        log.records[-1] = type(one)(one.kind, one.id, body, receipt(log.key, one.id, at(log.second), body))

    return respell


def with_number(text: str) -> Step:
    return respelled(lambda body: body.replace('{"asked_by"', '{"a":' + text + ',"asked_by"'))


def without(name: str) -> Step:
    """The last record without one of its parts."""

    def take_out(body: str) -> str:
        found = json.loads(body)
        del found[name]
        return json.dumps(found, ensure_ascii=False, sort_keys=True, separators=(",", ":"))

    return respelled(take_out)


def receipt_of_another_time(log: Log) -> None:
    one = log.records[-1]
    one.receipt = receipt(log.key, one.id, at(0), one.body)


def act_without_actor(log: Log) -> None:
    log.act("decision.reveal")
    without("actor")(log)


def ordered(version: int = 0, previous: str | None = None, **parts: Any) -> Step:
    """An order; `version` is added to the one that is due."""

    def order(log: Log) -> None:
        log.version += version
        log.previous = log.previous if previous is None else previous
        log.order(**parts)

    return order


def order_without_chain(log: Log) -> None:
    log.act("order", order={"stops": []})


def ordered_earlier(log: Log) -> None:
    log.second -= 9
    log.order(stops=[])
    log.second += 9


def known_too_early(log: Log) -> None:
    """A decision under the bundle of a later order, naming the orders before that."""
    log.order(bundles=[log.bundle("c" * 64, "third", {})])
    log.decide("c" * 64)
    log.order(activations=[{"bundle": f"sha256:{'c' * 64}"}])


def unknown_order(log: Log) -> None:
    log.version += 100
    log.decide(B)
    log.version -= 100


def headed(*more: str) -> Step:
    """A head with these further lines, signed; `BEFORE` in them is the size of the head before."""

    def sign(log: Log) -> None:
        log.head()
        size, _ = log.heads[-1]
        further = [line.replace("BEFORE", str(log.heads[-2][0])) for line in more]
        lines = [ORIGIN, str(size), base64(root(log.leaves)), *further]
        log.heads[-1] = size, note("".join(f"{line}\n" for line in lines), *log.keys)

    return sign


def other_head(log: Log) -> None:
    """A head over other records, as of a log that was rewritten."""
    kept = log.records[-1]
    log.records[-1] = type(kept)(kept.kind, kept.id, kept.body + " ", kept.receipt)
    log.head()
    log.records[-1] = kept


def head_of_another_log(log: Log) -> None:
    log.head()
    size, text = log.heads[-1]
    log.heads[-1] = size, note(text.rpartition("\n\n")[0].replace(ORIGIN, "other", 1) + "\n", *log.keys)


def adopted(**changed: Any) -> Step:
    def adopt(log: Log) -> None:
        log.head()
        backup = {"size": log.heads[-1][0], "root": base64(root(log.leaves)), "version": 1, "lost": {}}
        log.order(adopted={**backup, **changed})

    return adopt


def brought_again(log: Log) -> None:
    log.order(bundles=[{**log.bundle(A, "first", {"rules/a.yaml": "other"})}])
    log.bundles.pop()


def begun(also: dict[str, Any] | None = None, **changed: Any) -> Step:
    """A beginning."""

    def begin(log: Log) -> None:
        log.order(begin={"origin": ORIGIN, "keys": [FIRST.text], "legacy": 4, **changed}, **(also or {}))

    return begin


SIGNED: list[tuple[str, str, str, Step]] = [
    # spelling
    ("spaces", "end", "canonical", respelled(lambda body: body.replace(":", ": ", 1))),
    ("a space at the end", "end", "canonical", respelled(lambda body: body + " ")),
    ("keys out of order", "end", "canonical", respelled(lambda body: '{"z":1,' + body[1:])),
    ("a key twice", "end", "canonical", respelled(lambda body: '{"asked_by":"x",' + body[1:])),
    ("an escape too many", "end", "canonical", respelled(lambda body: body.replace("cli", "\\u0063li"))),
    ("a slash escaped", "end", "canonical", respelled(lambda body: body.replace("cli", "c\\/i"))),
    ("a newline as a number", "end", "canonical", respelled(lambda body: body.replace("\\n", "\\u000a"))),
    ("a character as a number", "end", "canonical", respelled(lambda body: body.replace("川", "\\u5ddd"))),
    ("a zero at the end", "end", "canonical", with_number("1.50")),
    ("an exponent", "end", "canonical", with_number("1e3")),
    ("a number below zero", "end", "canonical", with_number("-0")),
    ("a whole number with a point", "end", "canonical", with_number("1.0")),
    ("too many digits", "end", "canonical", with_number("1." + "1" * 30)),
    # what a record must have
    ("a decision without a time", "end", "record", without("decided_at")),
    ("a decision without an id", "end", "id", without("decision_id")),
    ("a decision without a bundle", "end", "record", without("bundle")),
    ("a decision without orders", "end", "record", without("orders")),
    ("a decision without a request", "end", "record", without("request")),
    ("a time that is none", "end", "record", respelled(lambda body: body.replace("2026-03-01T", "2026-02-30T"))),
    ("an act without an actor", "end", "record", act_without_actor),
    ("an order that is no object", "end", "record", lambda log: log.act("order", order=[])),
    ("an erasure of its own", "end", "record", lambda log: log.add("erasure", ("erasure_id", "at"), {"records": []})),
    ("a receipt of another time", "end", "receipt", receipt_of_another_time),
    # orders
    ("a version left out", "end", "order", ordered(version=1, stops=[])),
    ("a version again", "end", "order", ordered(version=-1, stops=[])),
    ("another order before", "end", "order", ordered(previous="sha256:" + "0" * 64, stops=[])),
    ("no order before", "end", "order", ordered(previous="", stops=[])),
    ("no chain", "end", "order", order_without_chain),
    ("an earlier time", "end", "order", ordered_earlier),
    ("nothing", "end", "order", ordered()),
    ("a second beginning", "end", "order", begun()),
    ("a bundle again with other texts", "end", "order", brought_again),
    ("a bundle that has no id", "end", "order", ordered(bundles=[{"id": "x", "label": "", "files": {}}])),
    ("bundles that are no list", "end", "order", ordered(bundles={})),
    ("an unknown bundle activated", "end", "order", ordered(activations=[{"bundle": "sha256:" + "c" * 64}])),
    ("an unknown bundle shadowed", "end", "order", ordered(shadows=[{"bundle": "sha256:" + "c" * 64}])),
    ("a backup that was never a head", "end", "order", adopted(size=12)),
    ("a backup with another root", "end", "order", adopted(root=base64(bytes(32)))),
    ("a backup from the future", "end", "order", adopted(size=10**6)),
    # signing keys
    ("a key added twice", "end", "signing-keys", ordered(signing_keys={"add": [SECOND.text]})),
    ("a retired key added", "end", "signing-keys", ordered(signing_keys={"add": [FIRST.text]})),
    ("a key that is none added", "end", "signing-keys", ordered(signing_keys={"add": ["x"]})),
    ("the last key retired", "end", "signing-keys", ordered(signing_keys={"retire": [SECOND.text]})),
    ("an unknown key retired", "end", "signing-keys", ordered(signing_keys={"retire": [STRANGER.text]})),
    ("neither added nor retired", "end", "signing-keys", ordered(signing_keys={})),
    # decisions
    ("an unknown bundle", "end", "decision", lambda log: log.decide("c" * 64)),
    ("a bundle activated later", "end", "decision", known_too_early),
    ("an order that is not there", "end", "decision", unknown_order),
    ("an order below one", "end", "decision", lambda log: log.decide(B, orders=0)),
    ("a correction of nothing", "end", "supersedes", lambda log: log.decide(B, supersedes=id_of(10**6))),
    ("a correction of an act", "end", "supersedes", lambda log: log.decide(B, supersedes=id_of(4))),
    ("an erasure of nothing", "end", "erasure", lambda log: log.act("e", erasure={"records": [id_of(10**6)]})),
    ("an erasure of an act", "end", "erasure", lambda log: log.act("e", erasure={"records": [id_of(4)]})),
    ("an erasure of what comes later", "begin", "erasure", lambda log: log.act("e", erasure={"records": [id_of(9)]})),
    ("an erasure without records", "end", "erasure", lambda log: log.act("e", erasure={"records": None})),
    # heads
    ("an earlier time in a head", "end", "clock-regressed", headed("time 2026-02-01T00:00:00Z", "after BEFORE")),
    ("no time in a head", "end", "head", headed()),
    ("another head before", "end", "head", lambda log: log.head(after=1)),
    ("a root of other records", "end", "root", other_head),
    ("a head of another log", "end", "head", head_of_another_log),
]

WRONGLY_BEGUN: dict[str, Step] = {
    "nothing begun": ordered(stops=[]),
    "more than begun": begun(also={"stops": []}),
    "more records before than there are": begun(legacy=5),
    "fewer records than none before": begun(legacy=-1),
    "no key": begun(keys=[]),
    "a key that is none": begun(keys=["x"]),
    "a part more": begun(more=1),
    "an origin that is no text": begun(origin=1),
}
"""First orders in the place of the right one, which follows them as a second."""
