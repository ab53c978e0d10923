"""Every way in which a log may have been changed by hand is found, at its first place, on both databases."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, delete, insert, select, text, update

from policy_service.decisions.audit.findings import Finding, GivenReceipt, Progress, Verified
from policy_service.decisions.deciding.recording import parsed
from policy_service.decisions.ports.log import LogEntry, SignedHead
from policy_service.decisions.sealed.sealing import Sealer
from policy_service.decisions.sealed.signing import LogKeys
from policy_service.proofs import keys, notes
from policy_service.proofs.receipts import Receipt, issue
from policy_service.proofs.tree import leaf_hash, root_of
from policy_service.store.tables import (
    bundle_sources,
    bundles,
    decisions,
    erasures,
    log_entries,
    log_heads,
    log_tiles,
    private_values,
    terms,
    unsealed,
)


@pytest.fixture
def log(club: Any) -> Any:
    """Ten records under heads of 3, 6 and 10: members with private values at 0, 3, 6 and 9, merchants between."""
    for size in (3, 3, 4):
        for n in range(size):
            club.member(100 + n, id=f"u-{club.read}") if n % 3 == 0 else club.merchant(n + 4)
        club.seal()
    return club


def kinds(found: Verified) -> list[str]:
    return [one.kind for one in found.findings]


def first(club: Any, **asked: Any) -> Finding:
    found = club.auditing.verify(**asked)
    assert found.findings, "nothing was found"
    told: Finding = found.findings[0]
    return told


def entry(club: Any, index: int) -> LogEntry:
    found = club.auditing.log.entries(index, 1)[0]
    assert isinstance(found, LogEntry)
    return found


def tamper(engine: Engine, *statements: Any) -> None:
    """What somebody does who may write to the database, whatever it says of foreign keys."""
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("PRAGMA foreign_keys = OFF")
        else:
            connection.execute(text("SET session_replication_role = replica"))
        for statement in statements:
            assert connection.execute(statement).rowcount != 0, "the tampering changed nothing"
        connection.commit()
        connection.exec_driver_sql(
            "PRAGMA foreign_keys = ON" if engine.dialect.name == "sqlite" else "SET session_replication_role = DEFAULT"
        )


def body_of(club: Any, id_: str) -> bytes:
    with club.engine.connect() as connection:
        return bytes(connection.scalars(select(decisions.c.body).where(decisions.c.id == id_)).one())


def set_body(id_: str, body: bytes) -> Any:
    return update(decisions).where(decisions.c.id == id_).values(body=body)


# ---- what is whole


def test_a_log_that_nobody_touched_is_whole(log: Any) -> None:
    log.member(5)
    seen: list[int] = []
    found = log.auditing.verify(step=seen.append)
    assert found.findings == ()
    assert (found.records, found.heads, found.bundles, found.waiting) == (10, 3, 1, 1)
    assert seen == list(range(1, 11))


def test_an_empty_log_is_whole(club: Any) -> None:
    assert club.auditing.verify().findings == ()


def test_a_log_is_whole_after_an_erasure(log: Any) -> None:
    erased = log.auditing.erasing.erase("member", parsed_member(log, 0), ticket="T-1", actor="op")
    assert erased.values
    found = log.auditing.verify()
    assert (found.findings, found.records) == ((), 11)


def test_a_log_is_whole_while_the_record_of_an_erasure_waits(log: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log.auditing.sealer, "seal_all", lambda: 0)
    assert log.auditing.erasing.erase("member", parsed_member(log, 3), ticket="T-1", actor="op").values
    found = log.auditing.verify()
    assert (found.findings, found.waiting) == ((), 1)


def parsed_member(club: Any, index: int) -> str:
    found = club.auditing.log.privates([entry(club, index).id])[entry(club, index).id]
    return next(one.value for one in found if one.pointer == "/request/facts/member/id").decode().strip('"')


def test_a_kept_head_and_a_kept_receipt_of_a_whole_log_fit(log: Any) -> None:
    found = log.auditing.verify(heads=[log.auditing.log.head(6).note], given=[receipt(log, 4)])
    assert found.findings == ()
    assert found.heads == 4


def receipt(club: Any, index: int) -> GivenReceipt:
    id_ = entry(club, index).id
    kept = club.auditing.decisions.decision(id_).receipt
    return GivenReceipt(id_, Receipt.parse(parsed(kept.encode())))


# ---- records


def test_a_changed_byte_of_a_record_is_found(log: Any) -> None:
    id_ = entry(log, 4).id
    body = body_of(log, id_)
    tamper(log.engine, set_body(id_, body.replace(b'"hours":5', b'"hours":6')))
    found = log.auditing.verify()
    assert [(one.kind, one.index, one.id) for one in found.findings] == [("record-altered", 4, id_)]


def test_a_record_changed_with_its_hash_is_found(log: Any) -> None:
    id_ = entry(log, 4).id
    body = body_of(log, id_).replace(b'"hours":5', b'"hours":6')
    forged = {"leaf": leaf_hash(body).hex()}
    tamper(
        log.engine,
        update(decisions).where(decisions.c.id == id_).values(body=body, **forged),
        update(log_entries).where(log_entries.c.index == 4).values(**forged),
    )
    told = log.auditing.verify().findings
    assert [(one.kind, one.index) for one in told] == [("tree-altered", 4)]


def test_a_record_changed_with_its_hash_and_its_tile_is_found_under_the_first_head_over_it(log: Any) -> None:
    id_ = entry(log, 4).id
    body = body_of(log, id_).replace(b'"hours":5', b'"hours":6')
    leaf = leaf_hash(body)
    tile = log.auditing.log.tile(0, 0)
    tamper(
        log.engine,
        update(decisions).where(decisions.c.id == id_).values(body=body, leaf=leaf.hex()),
        update(log_entries).where(log_entries.c.index == 4).values(leaf=leaf.hex()),
        update(log_tiles).values(hashes=tile[: 4 * 32] + leaf + tile[5 * 32 :]),
    )
    told = log.auditing.verify().findings
    assert [(one.kind, one.index) for one in told] == [("root-differs", 3)]
    assert "3 to 5" in told[0].message


def test_a_deleted_record_is_found(log: Any) -> None:
    id_ = entry(log, 4).id
    tamper(log.engine, delete(decisions).where(decisions.c.id == id_))
    assert [(one.kind, one.index, one.id) for one in log.auditing.verify().findings] == [("record-lost", 4, id_)]


def test_a_deleted_record_of_an_erasure_is_found(log: Any) -> None:
    log.auditing.erasing.erase("member", parsed_member(log, 0), ticket="T-1", actor="op")
    tamper(log.engine, delete(erasures))
    told = [(one.kind, one.index) for one in log.auditing.verify().findings]
    assert told == [("record-lost", 10), ("private-value-lost", 0)]


def test_swapped_records_are_found(log: Any) -> None:
    one, two = entry(log, 4).id, entry(log, 7).id
    tamper(log.engine, set_body(one, body_of(log, two)), set_body(two, body_of(log, one)))
    told = [(found.kind, found.index) for found in log.auditing.verify().findings]
    assert told == [("record-altered", 4), ("record-altered", 7)]


def test_a_record_that_was_put_in_beside_the_log_is_found(log: Any) -> None:
    with log.engine.connect() as connection:
        row = dict(connection.execute(select(decisions).limit(1)).mappings().one())
    tamper(log.engine, insert(decisions).values(row | {"id": "0" * 36}))
    told = log.auditing.verify().findings
    assert [(one.kind, one.id) for one in told] == [("record-not-logged", "0" * 36)]


def test_an_erasure_that_was_put_in_beside_the_log_is_found(log: Any) -> None:
    row = {"id": "0" * 36, "at": "2023-04-02T00:00:00.000Z", "body": b"{}", "leaf": "0" * 64}
    tamper(log.engine, insert(erasures).values(row))
    assert [(one.kind, one.id) for one in log.auditing.verify().findings] == [("record-not-logged", "0" * 36)]


def test_a_record_that_was_put_in_with_an_entry_below_the_log_is_found(log: Any) -> None:
    with log.engine.connect() as connection:
        row = dict(connection.execute(select(decisions).limit(1)).mappings().one())
        line = dict(connection.execute(select(log_entries).limit(1)).mappings().one())
    tamper(
        log.engine,
        insert(decisions).values(row | {"id": "0" * 36}),
        insert(log_entries).values(line | {"id": "0" * 36, "index": -1}),
    )
    assert [(one.kind, one.id) for one in log.auditing.verify().findings] == [("record-not-logged", "0" * 36)]


def test_a_record_that_waits_and_is_changed_or_lost_is_found(log: Any) -> None:
    changed, lost = log.merchant(7).decision_id, log.merchant(8).decision_id
    tamper(
        log.engine,
        set_body(changed, body_of(log, changed).replace(b'"hours":7', b'"hours":9')),
        delete(decisions).where(decisions.c.id == lost),
    )
    told = {(one.kind, one.id) for one in log.auditing.verify().findings}
    assert told == {("record-altered", changed), ("record-lost", lost)}
    assert log.seal() == 1, "the others are sealed all the same"
    told = {(one.kind, one.id) for one in log.auditing.verify().findings}
    assert told == {("record-altered", changed), ("record-lost", lost)}


# ---- entries


def test_a_deleted_entry_is_found(log: Any) -> None:
    id_ = entry(log, 4).id
    tamper(log.engine, delete(log_entries).where(log_entries.c.index == 4))
    told = [(one.kind, one.index, one.id) for one in log.auditing.verify().findings]
    assert told == [("index-gap", 4, None), ("record-not-logged", None, id_)]


def test_a_deleted_first_entry_is_found(log: Any) -> None:
    tamper(log.engine, delete(log_entries).where(log_entries.c.index == 0))
    assert (first(log).kind, first(log).index) == ("index-gap", 0)


def test_swapped_entries_are_found(log: Any) -> None:
    tamper(
        log.engine,
        *(
            update(log_entries).where(log_entries.c.index == old).values(index=new)
            for old, new in ((4, 99), (7, 4), (99, 7))
        ),
    )
    told = [(one.kind, one.index) for one in log.auditing.verify().findings]
    assert told == [("tree-altered", 4), ("tree-altered", 7)]


@pytest.mark.parametrize("index", [10, 11, 10**12])
def test_an_entry_that_was_put_in_is_found(log: Any, index: int) -> None:
    forged = {"index": index, "kind": "decision", "id": "0" * 36, "leaf": "0" * 64, "at": "x", "as_of": "2023-04-01"}
    tamper(log.engine, insert(log_entries).values(forged))
    told = [(one.kind, one.index) for one in log.auditing.verify().findings]
    assert told[0] == (("index-gap", 10) if index > 10 else ("record-lost", 10))
    assert ("record-lost", index) in told
    assert ("head-lost", index) in told


@pytest.mark.parametrize(
    "changed", [{"as_of": "2020-01-01"}, {"at": "2020-01-01T00:00:00.000Z"}, {"kind": "erasure"}, {"leaf": "0" * 64}]
)
def test_an_entry_that_says_something_else_than_its_record_is_found(log: Any, changed: Mapping[str, str]) -> None:
    tamper(log.engine, update(log_entries).where(log_entries.c.index == 4).values(**changed))
    wanted = {"kind": "record-lost", "leaf": "record-altered"}.get(next(iter(changed)), "entry-altered")
    told = [(one.kind, one.index) for one in log.auditing.verify().findings]
    assert told[0] == (wanted, 4)
    assert {index for _, index in told} <= {4}


# ---- tiles


def test_a_changed_hash_in_a_tile_is_found(log: Any) -> None:
    tile = bytearray(log.auditing.log.tile(0, 0))
    tile[4 * 32] ^= 1
    tamper(log.engine, update(log_tiles).values(hashes=bytes(tile)))
    assert (first(log).kind, first(log).index) == ("tree-altered", 4)


@pytest.mark.parametrize("change", ["longer", "shorter"])
def test_a_tile_of_another_length_is_found(log: Any, change: str) -> None:
    tile = log.auditing.log.tile(0, 0)
    tamper(log.engine, update(log_tiles).values(hashes=tile + b"0" * 32 if change == "longer" else tile[:-32]))
    assert {one.kind for one in log.auditing.verify().findings} == {"tree-altered"}


def test_a_changed_hash_in_a_higher_tile_is_found(local_club: Any) -> None:
    """A proof would be put together from it."""
    for _ in range(260):
        local_club.merchant(5)
    local_club.seal()
    assert local_club.auditing.verify().findings == ()
    tamper(local_club.engine, update(log_tiles).where(log_tiles.c.level == 1).values(hashes=b"0" * 32))
    assert [(one.kind, one.index) for one in local_club.auditing.verify().findings] == [("tree-altered", 0)]


# ---- heads


@pytest.fixture
def attacker(tmp_path: Path, log: Any) -> LogKeys:
    """Keys of the same name, which nobody trusts."""
    return LogKeys(log.settings.log_origin, (keys.make(tmp_path / "attacker.pem", log.settings.log_origin),))


def set_head(size: int, **values: Any) -> Any:
    return update(log_heads).where(log_heads.c.size == size).values(**values)


def test_a_head_by_another_key_is_found(log: Any, attacker: LogKeys) -> None:
    head = notes.parse_head(notes.parse(log.auditing.log.head(6).note).text)
    tamper(log.engine, set_head(6, note=notes.sign_head(head, attacker.signers)))
    told = log.auditing.verify().findings
    assert [(one.kind, one.index) for one in told] == [("head-refused", 5)]


def test_a_head_with_another_root_under_the_old_signature_is_found(log: Any) -> None:
    stored = log.auditing.log.head(6)
    other = log.auditing.log.head(3)
    root = notes.parse_head(notes.parse(other.note).text).text.split("\n")[2]
    mine = notes.parse_head(notes.parse(stored.note).text).text.split("\n")[2]
    tamper(log.engine, set_head(6, note=stored.note.replace(mine, root), root=other.root))
    assert [(one.kind, one.index) for one in log.auditing.verify().findings] == [("head-refused", 5)]


def test_a_head_that_is_stored_with_another_root_than_it_signs_is_found(log: Any) -> None:
    tamper(log.engine, set_head(6, root="0" * 64))
    assert [(one.kind, one.index) for one in log.auditing.verify().findings] == [("head-refused", 5)]


def test_a_head_of_another_size_put_in_the_place_of_one_is_found(log: Any) -> None:
    other = log.auditing.log.head(3)
    tamper(log.engine, set_head(6, note=other.note, root=other.root))
    assert [(one.kind, one.index) for one in log.auditing.verify().findings] == [("head-refused", 5)]


def test_a_deleted_last_head_is_found(log: Any) -> None:
    tamper(log.engine, delete(log_heads).where(log_heads.c.size == 10))
    assert [(one.kind, one.index) for one in log.auditing.verify().findings] == [("head-lost", 9)]


def test_a_deleted_earlier_head_is_found_by_who_kept_it(log: Any) -> None:
    kept = log.auditing.log.head(6).note
    tamper(log.engine, delete(log_heads).where(log_heads.c.size == 6))
    assert log.auditing.verify().findings == (), "the records are still those of the later head"
    assert [(one.kind, one.index) for one in log.auditing.verify(heads=[kept]).findings] == [("head-lost", 5)]


def test_a_forged_head_beyond_the_log_is_found(log: Any, attacker: LogKeys) -> None:
    head = notes.Head(log.settings.log_origin, 99, bytes(32))
    forged = SignedHead(99, bytes(32).hex(), "x", notes.sign_head(head, attacker.signers))
    tamper(log.engine, insert(log_heads).values(size=99, root=forged.root, at="x", note=forged.note))
    assert [(one.kind, one.index) for one in log.auditing.verify().findings] == [("head-refused", 98)]


def test_a_given_head_by_an_unknown_key_is_refused(log: Any, attacker: LogKeys) -> None:
    head = notes.parse_head(notes.parse(log.auditing.log.head(6).note).text)
    assert (
        kinds(log.auditing.verify(heads=[notes.sign_head(head, attacker.signers), "no note"])) == ["head-refused"] * 2
    )


# ---- a log that was cut off, or written anew


def cut(club: Any, size: int) -> None:
    """The log as it was at a size, records and all: nothing in it contradicts anything."""
    gone = [one.id for one in club.auditing.log.entries(size, 1000)]
    tile = club.auditing.log.tile(0, 0)
    tamper(
        club.engine,
        delete(log_entries).where(log_entries.c.index >= size),
        delete(log_heads).where(log_heads.c.size > size),
        update(log_tiles).values(hashes=tile[: size * 32]),
        delete(terms).where(terms.c.index >= size),
        delete(private_values).where(private_values.c.record.in_(gone)),
        delete(decisions).where(decisions.c.id.in_(gone)),
    )


def test_a_log_that_was_cut_off_is_found_by_a_kept_receipt(log: Any) -> None:
    kept = receipt(log, 8)
    cut(log, 6)
    told = log.auditing.verify(given=[kept]).findings
    assert [(one.kind, one.id) for one in told] == [("receipt-unmet", kept.decision_id)]


def test_a_log_that_was_cut_off_is_found_by_a_kept_head(log: Any) -> None:
    kept = log.auditing.log.head(10).note
    cut(log, 6)
    assert [(one.kind, one.index) for one in log.auditing.verify(heads=[kept]).findings] == [("log-truncated", 6)]


def test_a_log_that_was_cut_off_is_found_by_who_verified_it_before(log: Any) -> None:
    before = log.auditing.verify().progress
    cut(log, 6)
    found = log.auditing.verify(resume=before)
    assert [(one.kind, one.index) for one in found.findings] == [("log-truncated", 6)]


def test_a_log_that_was_cut_off_and_has_grown_again_is_found_by_who_verified_it_before(log: Any) -> None:
    before = log.auditing.verify().progress
    cut(log, 6)
    for n in range(6):
        log.merchant(20 + n)
    log.seal()
    assert kinds(log.auditing.verify(resume=before)) == ["root-differs"]


def test_nothing_in_a_log_that_was_cut_off_tells_of_it(log: Any) -> None:
    """What only a receipt or a head that somebody kept can show; the count of records is all that is said."""
    cut(log, 6)
    found = log.auditing.verify()
    assert (found.findings, found.records) == ((), 6)


def test_a_log_whose_entries_alone_were_cut_off_is_found(log: Any) -> None:
    tamper(log.engine, delete(log_entries).where(log_entries.c.index >= 6))
    told = kinds(log.auditing.verify())
    assert told[0] == "tree-altered"
    assert {"log-truncated", "record-not-logged"} <= set(told)


def test_a_log_that_was_written_anew_under_another_key_is_found(log: Any, attacker: LogKeys) -> None:
    kept = receipt(log, 4)
    id_ = kept.decision_id
    body = body_of(log, id_).replace(b'"hours":5', b'"hours":6')
    tamper(
        log.engine,
        update(decisions).where(decisions.c.id == id_).values(body=body, leaf=leaf_hash(body).hex()),
        delete(log_entries), delete(log_heads), delete(log_tiles), delete(terms),
        insert(unsealed).from_select(
            ["kind", "id"], select(text("'decision'"), decisions.c.id).order_by(decisions.c.id)
        ),
    )  # fmt: skip
    Sealer(log.auditing.log, attacker, now=log.now).seal_all()
    told = log.auditing.verify(given=[kept]).findings
    assert [(one.kind, one.index) for one in told] == [("head-refused", 9), ("receipt-unmet", 4)]


# ---- receipts


def test_a_receipt_for_another_decision_is_refused(log: Any) -> None:
    wrong = replace(receipt(log, 4), decision_id=entry(log, 5).id)
    assert kinds(log.auditing.verify(given=[wrong])) == ["receipt-refused"]


def test_a_forged_receipt_is_refused(log: Any, attacker: LogKeys) -> None:
    good = receipt(log, 4)
    forged = issue(attacker.signers[0], attacker.origin, good.decision_id, good.receipt.decided_at, bytes(32))
    spliced = replace(good.receipt, digest=forged.digest)
    given = [GivenReceipt(good.decision_id, one) for one in (forged, spliced)]
    assert kinds(log.auditing.verify(given=given)) == ["receipt-refused"] * 2


def test_a_receipt_for_a_record_that_was_changed_is_unmet_though_its_entry_says_otherwise(log: Any) -> None:
    kept = receipt(log, 4)
    before = log.auditing.verify().progress
    tamper(log.engine, set_body(kept.decision_id, b"{}"))
    assert kinds(log.auditing.verify(given=[kept], resume=before)) == ["receipt-unmet"]


def test_a_receipt_for_a_record_that_waits_is_met(log: Any) -> None:
    found = log.merchant(6)
    given = GivenReceipt(found.decision_id, Receipt.parse(found.answer["receipt"]))
    assert log.auditing.verify(given=[given]).findings == ()


# ---- private values and bundles


def test_a_changed_private_value_is_found(log: Any) -> None:
    id_ = entry(log, 3).id
    where = (private_values.c.record == id_, private_values.c.pointer == "/request/facts/member/points")
    tamper(log.engine, update(private_values).where(*where).values(value=b"999"))
    told = log.auditing.verify().findings
    assert [(one.kind, one.index, one.id) for one in told] == [("private-value-altered", 3, id_)]
    assert "999" not in told[0].message


@pytest.mark.parametrize("which", ["one", "all"])
def test_private_values_that_are_gone_without_an_erasure_are_found(log: Any, which: str) -> None:
    id_ = entry(log, 3).id
    where = [private_values.c.record == id_]
    if which == "one":
        where.append(private_values.c.pointer == "/request/facts/member/points")
    tamper(log.engine, delete(private_values).where(*where))
    assert [(one.kind, one.index, one.id) for one in log.auditing.verify().findings] == [("private-value-lost", 3, id_)]


def test_an_edited_source_of_a_bundle_is_found(log: Any) -> None:
    where = bundle_sources.c.path == "hours.yaml"
    source = log.rules.sources["hours.yaml"]
    edited = source.replace("| 10                  |", "| 11                  |")
    assert edited != source
    tamper(log.engine, update(bundle_sources).where(where).values(text=edited))
    assert [(one.kind, one.id) for one in log.auditing.verify().findings] == [("bundle-altered", log.rules.id)]


def test_a_deleted_source_and_a_deleted_bundle_are_found(log: Any) -> None:
    tamper(log.engine, delete(bundle_sources).where(bundle_sources.c.path == "hours.yaml"))
    assert kinds(log.auditing.verify()) == ["bundle-altered"]
    tamper(log.engine, delete(bundles))
    assert [(one.kind, one.index) for one in log.auditing.verify().findings] == [("bundle-lost", 0)]


# ---- going on from where a walk stopped


Tamper = Callable[[Any], None]
LATER: dict[str, Tamper] = {
    "a record": lambda club: tamper(club.engine, set_body(entry(club, 7).id, b"{}")),
    "an entry": lambda club: tamper(club.engine, delete(log_entries).where(log_entries.c.index == 7)),
    "the last head": lambda club: tamper(club.engine, delete(log_heads).where(log_heads.c.size == 10)),
}


@pytest.fixture
def half_way(log: Any) -> Progress:
    """The progress of a walk that saw six records."""
    leaves = [bytes.fromhex(one.leaf) for one in log.auditing.log.entries(0, 6)]
    return Progress(6, ((2, root_of(leaves[:4]).hex()), (1, root_of(leaves[4:]).hex())))


@pytest.mark.parametrize("changed", LATER)
def test_a_walk_that_goes_on_finds_what_the_whole_walk_finds(log: Any, half_way: Progress, changed: str) -> None:
    LATER[changed](log)
    resumed, whole = log.auditing.verify(resume=half_way), log.auditing.verify()
    assert resumed.findings == whole.findings != ()


def test_a_walk_that_goes_on_reads_only_the_rest_and_ends_as_the_whole_walk(log: Any, half_way: Progress) -> None:
    seen: list[int] = []
    resumed, whole = log.auditing.verify(resume=half_way, step=seen.append), log.auditing.verify()
    assert resumed.findings == ()
    assert resumed.progress == whole.progress
    assert seen == [7, 8, 9, 10]


def test_a_walk_that_goes_on_is_not_fooled_by_other_records_before(log: Any, half_way: Progress) -> None:
    wrong = Progress(6, tuple((level, bytes(32).hex()) for level, _ in half_way.complete))
    assert first(log, resume=wrong).kind == "root-differs"


def test_a_head_that_was_kept_of_records_before_is_judged_by_a_walk_that_goes_on(log: Any, half_way: Progress) -> None:
    signers = log.auditing.keys.signers
    wrong = notes.sign_head(notes.Head(log.settings.log_origin, 3, bytes(32)), signers)
    assert log.auditing.verify(resume=half_way, heads=[log.auditing.log.head(3).note]).findings == ()
    assert kinds(log.auditing.verify(resume=half_way, heads=[wrong])) == ["root-differs"]


def test_findings_beyond_the_first_hundred_are_counted(log: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("policy_service.decisions.audit.verifying.MOST_FINDINGS", 3)
    tamper(log.engine, update(decisions).values(body=b"{}"))
    found = log.auditing.verify()
    assert len(found.findings) == 3
    assert found.further >= 7


def test_a_log_that_grows_during_the_walk_is_whole(log: Any) -> None:
    def grow(done: int) -> None:
        log.member(7, id=f"u-{done}")
        log.seal()

    found = log.auditing.verify(step=grow)
    assert (found.findings, found.records) == ((), 10)
    assert log.auditing.verify(resume=found.progress).records == 20
