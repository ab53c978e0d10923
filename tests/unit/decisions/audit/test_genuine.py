"""What somebody wrote into the store, who cannot sign, counts for nothing under a claim, and is named."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, insert, select, update

from policy_service import canonical
from policy_service.access.trail import TrailEntry
from policy_service.decisions.ports.acts import Change
from policy_service.decisions.sealed.inforce import KeysByPlace
from policy_service.decisions.sealed.ordering import SignedOrders
from policy_service.decisions.sealed.sealing import Sealer
from policy_service.decisions.sealed.signing import LogKeys
from policy_service.proofs import keys, receipts
from policy_service.proofs.tree import leaf_hash
from policy_service.store.tables import (
    acts,
    bundle_sources,
    decisions,
    log_entries,
    log_heads,
    log_tiles,
    private_values,
    terms,
)
from tests.unit.decisions.conftest import BEGUN, ORIGIN

KEY = "club.hours/topped_kept@merchant:m-1#2023-04-01"
FORGED = "018738d0-0000-7000-8000-0000000000ff"
Change_ = Callable[[Any, str], None]


@pytest.fixture
def paid(local_club: Any) -> Any:
    """Two decisions on a claim: five are due, then ten."""
    local_club.made = [local_club.merchant(6).decision_id, local_club.merchant(12).decision_id]
    local_club.seal()
    return local_club


def write(club: Any, *statements: Any) -> None:
    with club.engine.begin() as connection:
        for statement in statements:
            connection.execute(statement)


def read(club: Any, statement: Any) -> Any:
    with club.engine.begin() as connection:
        return connection.execute(statement).mappings().all()


def history(club: Any, key: str = KEY) -> tuple[list[tuple[str, Any]], list[tuple[str, str, int]]]:
    """Ids with what was due; and what was refused."""
    found = club.auditing.searching.claim(key)
    said = found.json["refused"]
    assert [(one["kind"], one["decision_id"], one["index"]) for one in said] == [
        (one.kind, one.id, one.index) for one in found.refused
    ]
    return [(one.decision_id, one.due) for one in found.decisions], [
        (one.kind, one.id, one.index) for one in found.refused
    ]


def receipted(body: bytes, id_: str, at: str, signer: keys.Signer) -> str:
    return canonical.dumps(receipts.issue(signer, ORIGIN, id_, at, leaf_hash(body)).json).decode()


def forge(club: Any, **changed: Any) -> None:
    """A decision that grants a thousand, at the end of the log, with all that is kept beside a genuine one."""
    row = dict(read(club, select(decisions).where(decisions.c.id == club.made[1]))[0])
    body = row["body"].replace(club.made[1].encode(), FORGED.encode()).replace(b'"amount":10,', b'"amount":1000,')
    assert body.count(b":1000,") >= 1
    row |= {"id": FORGED, "body": body, "leaf": leaf_hash(body).hex(), **changed}
    entry = read(club, select(log_entries).where(log_entries.c.id == club.made[1]))[0]
    index = club.auditing.log.size()
    found = read(club, select(terms).where(terms.c.index == entry["index"]))
    write(
        club,
        insert(decisions).values(row),
        insert(log_entries).values(dict(entry) | {"index": index, "id": FORGED, "leaf": row["leaf"]}),
        insert(terms).values([dict(one) | {"index": index} for one in found]),
    )


def test_a_decision_that_was_written_into_the_store_is_never_due(paid: Any) -> None:
    before, refused = history(paid)
    assert ([due for _, due in before], refused) == ([5, 10], [])
    forge(paid)  # with the receipt of another
    assert history(paid) == (before, [("record-not-receipted", FORGED, BEGUN + 2)])


def test_a_decision_without_a_receipt_is_never_due(paid: Any) -> None:
    before, _ = history(paid)
    forge(paid, receipt=None)
    assert history(paid) == (before, [("record-not-receipted", FORGED, BEGUN + 2)])


def test_a_decision_with_a_receipt_of_some_other_key_is_never_due(paid: Any, tmp_path: Path) -> None:
    before, _ = history(paid)
    forge(paid)
    row = read(paid, select(decisions).where(decisions.c.id == FORGED))[0]
    signer = keys.make(tmp_path / "mine.pem", ORIGIN)
    text = receipted(row["body"], FORGED, row["decided_at"], signer)
    write(paid, update(decisions).where(decisions.c.id == FORGED).values(receipt=text))
    assert history(paid) == (before, [("record-not-receipted", FORGED, BEGUN + 2)])


def test_a_receipted_decision_that_is_not_in_the_tree_is_not_due(paid: Any) -> None:
    """The key may have been stolen and retired since: whoever has it cannot reach the signed heads."""
    before, _ = history(paid)
    forge(paid)
    row = read(paid, select(decisions).where(decisions.c.id == FORGED))[0]
    text = receipted(row["body"], FORGED, row["decided_at"], paid.auditing.keys.signers[0])
    write(paid, update(decisions).where(decisions.c.id == FORGED).values(receipt=text))
    assert history(paid) == (before, [("head-lost", FORGED, BEGUN + 2)])


def test_decisions_that_changed_places_are_not_due(paid: Any) -> None:
    """Which of them came last decides what is due."""
    one, two = BEGUN, BEGUN + 1
    for index, to in ((one, 1000), (two, one), (1000, two)):
        write(paid, update(log_entries).where(log_entries.c.index == index).values(index=to))
    assert history(paid) == ([], [("record-altered", paid.made[1], one), ("record-altered", paid.made[0], two)])


def _no_json(club: Any, id_: str) -> None:
    write(club, update(decisions).where(decisions.c.id == id_).values(body=b"\xff"))


def _more(club: Any, id_: str) -> None:
    body = read(club, select(decisions.c.body).where(decisions.c.id == id_))[0]["body"]
    body = body.replace(b'"amount":10,', b'"amount":99,')
    write(club, update(decisions).where(decisions.c.id == id_).values(body=body, leaf=leaf_hash(body).hex()))


def _lost(club: Any, id_: str) -> None:
    write(club, delete(decisions).where(decisions.c.id == id_))


def _an_act(club: Any, id_: str) -> None:
    act = read(club, select(acts.c.id))[0]["id"]
    write(
        club,
        delete(log_entries).where(log_entries.c.id == act),
        update(log_entries).where(log_entries.c.id == id_).values(id=act),
    )


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        (_no_json, "record-malformed"),
        (_more, "record-not-receipted"),
        (_lost, "record-lost"),
        (_an_act, "record-lost"),
    ],
)
def test_a_decision_that_was_tampered_with_is_left_out_and_named(paid: Any, change: Change_, kind: str) -> None:
    change(paid, paid.made[1])
    due, refused = history(paid)
    assert (due, [one[0] for one in refused]) == ([(paid.made[0], 5)], [kind])


@pytest.mark.parametrize(
    ("statement", "kind"),
    [
        (delete(log_heads), "head-lost"),
        (update(log_heads).values(note="a head\n"), "head-refused"),
        (update(log_tiles).values(hashes=b""), "record-altered"),
    ],
)
def test_nothing_is_due_by_a_log_that_cannot_be_proved(paid: Any, statement: Any, kind: str) -> None:
    write(paid, statement)
    due, refused = history(paid)
    assert (due, {one[0] for one in refused}) == ([], {kind})


def test_a_larger_head_than_was_signed_is_no_head(paid: Any) -> None:
    write(paid, update(log_heads).where(log_heads.c.size == paid.auditing.log.head().size).values(size=900))
    assert {one[0] for one in history(paid)[1]} == {"head-refused"}


def test_private_values_that_do_not_fit_are_not_shown_as_those_of_the_decision(local_club: Any) -> None:
    local_club.member(5, id="u-9")
    local_club.seal()
    write(local_club, update(private_values).values(value=b'"u-1"'))
    due, refused = history(local_club, "club.member/welcome@member:u-9#once")
    assert (due, [one[0] for one in refused]) == ([], ["private-value-altered"])


def test_a_refusal_by_rules_that_are_not_stored_as_they_were_is_named(
    paid: Any, make_club: Callable[[str], Any]
) -> None:
    none = paid.merchant(0).decision_id
    paid.seal()
    write(paid, update(bundle_sources).values(text="forged: true"))
    reader = type(paid).__new__(type(paid))  # a process that has loaded no bundle yet
    reader.__dict__.update(paid.__dict__)
    reader.__post_init__()
    due, refused = history(reader)
    assert ([id_ for id_, _ in due], refused) == (paid.made, [("bundle-altered", none, BEGUN + 2)])


def test_of_records_from_before_receipts_those_alone_that_are_in_the_tree_are_due(paid: Any) -> None:
    """The first order says how many there are."""
    followed = paid.assembled.orders.known
    assert followed.begin is not None
    followed.begin = replace(followed.begin, legacy=BEGUN + 1)
    write(paid, update(decisions).values(receipt=None))
    due, refused = history(paid)
    assert (due, refused) == ([(paid.made[0], 5)], [("record-not-receipted", paid.made[1], BEGUN + 1)])
    body = read(paid, select(decisions.c.body).where(decisions.c.id == paid.made[0]))[0]["body"]
    body = body.replace(b'"amount":5,', b'"amount":55,')
    write(paid, update(decisions).where(decisions.c.id == paid.made[0]).values(body=body, leaf=leaf_hash(body).hex()))
    assert history(paid)[1][0] == ("record-altered", paid.made[0], BEGUN)


# ---- keys


def rotate(club: Any, signers: tuple[keys.Signer, ...], **change: Any) -> int:
    """The size of the log once others have sealed the change."""
    orders = club.assembled.orders
    orders.give(Change(TrailEntry("", "op", "log.rotate-key", "key"), **change), orders.catch_up().version)
    other = SignedOrders(
        orders.store, LogKeys(ORIGIN, signers, club.auditing.keys.verifiers), orders.guard, now=club.now, new_id=str
    )
    Sealer(club.auditing.log, other, now=club.now).seal_all()
    return int(club.auditing.log.size())


def test_keys_are_those_in_force_at_a_place(paid: Any, tmp_path: Path) -> None:
    new, old = keys.make(tmp_path / "new.pem", ORIGIN), paid.auditing.keys.signers[0]
    both = {old.verifier, new.verifier}
    added = rotate(paid, (old,), signing_added=[new.verifier.text])
    retired = rotate(paid, (new,), signing_retired=[old.verifier.text])
    found = KeysByPlace(paid.assembled.orders.known, paid.auditing.keys, paid.auditing.log)
    places = (0, added - 1, added, retired - 1, retired, None)
    assert [set(found.at(place)) for place in places] == [
        {old.verifier}, {old.verifier}, both, both, {new.verifier}, {new.verifier},
    ]  # fmt: skip


def test_what_a_retired_key_receipted_before_stays_due(paid: Any, tmp_path: Path) -> None:
    """The heads since are signed by the new one."""
    before, _ = history(paid)
    new, old = keys.make(tmp_path / "new.pem", ORIGIN), paid.auditing.keys.signers[0]
    rotate(paid, (old,), signing_added=[new.verifier.text])
    rotate(paid, (new,), signing_retired=[old.verifier.text])
    assert history(paid) == (before, [])
    forge(paid)
    row = read(paid, select(decisions).where(decisions.c.id == FORGED))[0]
    text = receipted(row["body"], FORGED, row["decided_at"], old)
    write(paid, update(decisions).where(decisions.c.id == FORGED).values(receipt=text))
    assert history(paid) == (before, [("record-not-receipted", FORGED, BEGUN + 4)])
