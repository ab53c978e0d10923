"""What a case tells of its proofs, orders and witnesses, and what it does not show of a forgery."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import delete, update

from policy_service import canonical
from policy_service.access.keys import Key
from policy_service.access.trail import Act, TrailEntry
from policy_service.decisions.audit.casefile import CaseFile, Gathering
from policy_service.decisions.audit.origins import asker_of
from policy_service.decisions.ports.acts import Change
from policy_service.decisions.ports.cosignatures import KeptCosignature
from policy_service.proofs import keys, notes, receipts
from policy_service.proofs.cosignatures import WitnessKey, cosign
from policy_service.proofs.tree import leaf_hash
from policy_service.store import SqlCosignatureStore
from policy_service.store.tables import acts, decisions, log_heads
from tests.unit.decisions.conftest import BEGUN, ORIGIN

PRIVATE = Ed25519PrivateKey.from_private_bytes(b"w" * 32)
WITNESS = WitnessKey("w.example", PRIVATE.public_key().public_bytes_raw())
AT = datetime(2023, 4, 3, tzinfo=UTC)


def case(club: Any, id_: str, *witnesses: WitnessKey) -> CaseFile:
    auditing = club.auditing
    gathering = Gathering(
        auditing.decisions,
        auditing.log,
        auditing.bundles,
        club.assembled.service.evaluators,
        club.assembled.orders,
        SqlCosignatureStore(club.engine),
        witnesses,
    )
    return gathering.of(auditing.decisions.decision(id_))


def found(file: CaseFile) -> set[str]:
    return {check.finding for check in file.checks}


def limits(file: CaseFile) -> list[str]:
    return [limit.kind for limit in file.limits]


def write(club: Any, statement: Any) -> None:
    with club.engine.begin() as connection:
        connection.execute(statement)


def signed_anew(club: Any, id_: str, change: Callable[[Any], Any], signer: keys.Signer | None = None) -> None:
    """A waiting record as whoever holds a key of the log could have written it."""
    body = json.loads(club.auditing.decisions.decision(id_).body)
    change(body)
    data = canonical.dumps(body)
    leaf, at = leaf_hash(data), body["decided_at"]
    receipt = receipts.issue(signer or club.auditing.keys.signers[0], ORIGIN, id_, at, leaf).json
    kept = {"body": data, "leaf": leaf.hex(), "receipt": canonical.dumps(receipt).decode()}
    write(club, update(decisions).where(decisions.c.id == id_).values(**kept))


# ---- receipts


def test_what_a_strange_key_receipted_is_not_shown(local_club: Any, tmp_path: Any) -> None:
    id_ = local_club.merchant(6).decision_id
    signed_anew(local_club, id_, lambda _: None, keys.make(tmp_path / "mine.pem", ORIGIN))
    file = case(local_club, id_)
    assert "receipt_refused" in found(file)
    assert (file.body, file.origins, file.limits) == (None, None, ())


def test_what_a_key_that_had_ended_receipted_is_not_shown(local_club: Any, tmp_path: Any) -> None:
    """The key is still trusted here: it signed what is older."""
    old, new = local_club.auditing.keys.signers[0], keys.make(tmp_path / "new.pem", ORIGIN)
    orders = local_club.assembled.orders
    local_club.seal()
    early = local_club.merchant(6).decision_id
    change = Change(
        TrailEntry("", "op", "log.rotate-key", "key"),
        signing_added=[new.verifier.text],
        signing_retired=[old.verifier.text],
    )
    orders.give(change, orders.catch_up().version)
    object.__setattr__(orders.keys, "signers", (new, old))
    local_club.seal()
    file = case(local_club, early)
    assert file.body is not None
    assert {"receipt_fits", "head_signed", "included"} <= found(file)
    signed_anew(local_club, (waits := local_club.merchant(8).decision_id), lambda _: None, old)
    file = case(local_club, waits)
    assert "receipt_of_ended_key" in found(file)
    assert file.body is None


def legacy(club: Any, count: int) -> None:
    """As if the first order had said that so many records are older than receipts."""
    followed = club.assembled.orders.known
    followed.begin = replace(followed.begin, legacy=count)


def test_what_is_older_than_receipts_is_shown_by_its_place_in_the_tree_alone(local_club: Any) -> None:
    id_ = local_club.merchant(6).decision_id
    local_club.seal()
    write(local_club, update(decisions).values(receipt=None))
    assert "receipt_lost" in found(case(local_club, id_))
    legacy(local_club, BEGUN + 1)
    file = case(local_club, id_)
    assert "no_receipt" in found(file)
    assert file.body is not None
    assert "legacy" in limits(file)
    write(local_club, delete(log_heads))
    file = case(local_club, id_)
    assert {"no_receipt", "head_lost"} <= found(file)
    assert file.body is None


# ---- orders


def test_the_orders_of_a_decision_are_those_before_it(local_club: Any) -> None:
    one = local_club.merchant(6).decision_id
    local_club.assembled.publishing.stop("club.prices", None, Act("wei", "wrong"))
    two = local_club.merchant(6).decision_id
    file = case(local_club, one)
    assert [(order.version, order.index, order.activation.kind) for order in file.origins.orders] == [
        (2, None, "folder")
    ]
    assert (file.origins.stops, found(file) & {"order_waiting", "order_fits"}) == ((), {"order_waiting"})
    local_club.seal()
    file = case(local_club, two)
    assert [(order.version, order.activation.kind, order.activation.actor) for order in file.origins.orders] == [
        (2, "folder", "test"), (3, "stop", "wei"),
    ]  # fmt: skip
    assert [order.index for order in file.origins.orders] == [1, 3]
    assert {"order_fits", "stops_kept"} <= found(file)
    assert not {"order_waiting", "order_altered"} & found(file)


@pytest.mark.parametrize(
    ("change", "finding"),
    [
        (lambda body: body.update(orders=1), "not_ordered"),
        (lambda body: body.update(orders=99), "not_ordered"),
        (lambda body: body.update(orders=0), "not_ordered"),
        (lambda body: body.update(orders=3), "stop_ignored"),
        (lambda body: body.update(asked_by="key:nobody"), "asker_unknown"),
    ],
)
def test_whoever_holds_the_key_cannot_speak_of_orders_that_were_not_given(
    local_club: Any, change: Callable[[Any], Any], finding: str
) -> None:
    id_ = local_club.merchant(6).decision_id
    local_club.assembled.publishing.stop("club.prices", None, Act("wei", "wrong"))
    assert not {"not_ordered", "stop_ignored", "asker_unknown"} & found(case(local_club, id_))
    signed_anew(local_club, id_, change)
    local_club.seal()
    assert finding in found(case(local_club, id_))


def test_an_order_that_was_altered_in_the_store_is_named(local_club: Any) -> None:
    id_ = local_club.merchant(6).decision_id
    local_club.seal()
    assert "order_fits" in found(case(local_club, id_))
    write(local_club, update(acts).where(acts.c.version == 2).values(body=acts.c.body + b" "))
    file = case(local_club, id_)
    assert "order_altered" in found(file)
    assert file.origins.orders[0].activation.actor == "test", "as it was followed"


def test_an_order_that_was_written_anew_by_whoever_holds_the_key_is_named(local_club: Any) -> None:
    id_ = local_club.merchant(6).decision_id
    local_club.seal()
    act = local_club.assembled.orders.store.act(local_club.assembled.orders.known.steps[1].act)
    body = act.body.replace(b'"actor":"test"', b'"actor":"nobody"')
    assert body != act.body
    signer = local_club.auditing.keys.signers[0]
    receipt = canonical.dumps(receipts.issue(signer, ORIGIN, act.id, act.at, leaf_hash(body)).json).decode()
    write(local_club, update(acts).where(acts.c.id == act.id).values(body=body, receipt=receipt))
    assert "order_altered" in found(case(local_club, id_))


def test_a_record_from_before_orders_is_placed_among_them_by_its_instant(local_club: Any) -> None:
    id_ = local_club.merchant(6).decision_id
    signed_anew(local_club, id_, lambda body: (body.pop("orders"), body.pop("asked_by")))
    file = case(local_club, id_)
    assert (file.origins.asker.kind, [order.version for order in file.origins.orders]) == ("unknown", [2])
    signed_anew(local_club, id_, lambda body: body.update(decided_at="2020-01-01T00:00:00.000Z"))
    file = case(local_club, id_)
    assert "before_orders" in found(file)
    assert file.origins.orders == ()


@pytest.mark.parametrize(
    ("body", "kind", "name"),
    [
        ({"asked_by": "key:k1"}, "key", "payer"),
        ({"asked_by": "key:k2"}, "key", None),
        ({"asked_by": "token:0011223344556677"}, "token", None),
        ({"asked_by": "local"}, "local", None),
        ({"asked_by": "cli"}, "cli", None),
        ({"asked_by": "somebody"}, "unknown", None),
        ({}, "unknown", None),
    ],
)
def test_who_asked_is_told_by_the_pseudonym(body: dict[str, str], kind: str, name: str | None) -> None:
    key = Key("k1", "payer", "0" * 64, ("evaluate",), None, "2023-04-01T08:00:00.000Z", "admin")
    asker = asker_of(body | {"idempotency": "hmac-sha256:00"}, {"k1": key})
    assert (asker.kind, asker.key and asker.key.name, asker.keyed) == (kind, name, True)
    assert not asker_of(body, {}).keyed


# ---- witnesses


def cosigned(club: Any, head: Any, *, said: str | None = None) -> None:
    line = cosign(said or notes.parse(head.note).text, WITNESS.name, PRIVATE, int(AT.timestamp()))
    SqlCosignatureStore(club.engine).keep(KeptCosignature(head.size, WITNESS.label, line, "2023-04-03T00:00:00.000Z"))


def test_a_witness_of_this_head_or_a_later_one_proves_the_record(local_club: Any) -> None:
    one = local_club.merchant(6).decision_id
    local_club.seal()
    assert (found(case(local_club, one)) & {"no_witness", "witnessed"}, "signer" in limits(case(local_club, one))) == (
        {"no_witness"},
        True,
    )
    assert "not_witnessed_yet" in found(case(local_club, one, WITNESS))
    two = local_club.merchant(7).decision_id
    local_club.seal()
    cosigned(local_club, local_club.auditing.log.head())
    local_club.merchant(8)
    local_club.seal()
    for id_ in (one, two):
        file = case(local_club, id_, WITNESS)
        (check,) = [check for check in file.checks if check.finding == "witnessed"]
        assert check.named == {"witness": WITNESS.label, "size": BEGUN + 2, "at": "2023-04-03T00:00:00.000Z"}
        assert "signer_witnessed" in limits(file)


def test_a_witness_of_an_earlier_head_proves_nothing_of_a_later_record(local_club: Any) -> None:
    local_club.merchant(6)
    local_club.seal()
    cosigned(local_club, local_club.auditing.log.head())
    two = local_club.merchant(7).decision_id
    local_club.seal()
    assert "not_witnessed_yet" in found(case(local_club, two, WITNESS))


def test_what_is_no_cosignature_of_the_stored_head_is_named(local_club: Any) -> None:
    one = local_club.merchant(6).decision_id
    local_club.seal()
    head = local_club.auditing.log.head()
    cosigned(local_club, head, said="another head\n")
    file = case(local_club, one, WITNESS)
    assert "cosignature_refused" in found(file)
    assert "signer" in limits(file)
    cosigned(local_club, replace(head, size=head.size + 900))
    assert "cosignature_refused" in found(case(local_club, one, WITNESS)), "there is no such head"


def test_a_cosigned_head_that_has_another_record_in_that_place_proves_nothing(local_club: Any) -> None:
    """Whoever holds the key has shown another log to the witness."""
    one = local_club.merchant(6).decision_id
    local_club.seal()
    head = local_club.auditing.log.head()
    local_club.merchant(7)
    local_club.seal()
    other = notes.sign_head(notes.Head(ORIGIN, head.size, bytes(32)), local_club.auditing.keys.signers)
    write(local_club, update(log_heads).where(log_heads.c.size == head.size).values(note=other))
    cosigned(local_club, replace(head, note=other))
    file = case(local_club, one, WITNESS)
    assert "cosignature_refused" in found(file)
    assert {"included", "head_signed", "receipt_fits"} <= found(file), "of the newest head"


def test_of_a_record_that_waits_no_witness_says_anything(local_club: Any) -> None:
    file = case(local_club, local_club.merchant(6).decision_id, WITNESS)
    assert not {"witnessed", "not_witnessed_yet", "no_witness"} & found(file)
    assert limits(file) == ["waiting", "signer", "instant", "asked_openly", "facts", "others"]
