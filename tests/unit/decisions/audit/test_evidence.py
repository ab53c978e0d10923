"""The file of a decision is put together from what the store has; tools/verify_decision.py judges it."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import text

from policy_service.access.trail import Act, TrailEntry
from policy_service.assembly import assemble_on
from policy_service.decisions.audit import evidence
from policy_service.decisions.audit.evidence import NotProvable
from policy_service.decisions.audit.proving import NotSealed
from policy_service.decisions.ports.acts import Change, StoredAct
from policy_service.decisions.ports.cosignatures import KeptCosignature
from policy_service.proofs.cosignatures import WitnessKey, cosign
from policy_service.proofs.export import Export
from policy_service.proofs.keys import Verifier
from tests.unit.decisions.conftest import BEGUN, Club
from tools import verify_decision

STRANGER = Verifier("stranger", b"\1" * 32)
Judge = Callable[..., set[str]]


@pytest.fixture
def made(local_club: Club) -> Club:
    local_club.decide(member={"id": "u-1", "points": 7}, merchant={"id": "m-1", "hours": 12})
    local_club.seal()
    return local_club


@pytest.fixture
def judge(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Judge:
    """The checks that a file does not pass."""

    def run(club: Club, export: Export, *options: str) -> set[str]:
        file = tmp_path / "decision.json"
        file.write_text(export.dumps(), "utf-8")
        key = club.auditing.keys.verifiers[0].text
        status = verify_decision.main([str(file), "--key", key, "--evaluate", *options])
        failed = {line.split()[1] for line in capsys.readouterr().out.splitlines() if line.startswith("FAIL")}
        assert status == bool(failed)
        return failed

    return run


def exported(club: Club, place: int = BEGUN, *, private: bool = True) -> Export:
    return club.auditing.export(club.entries()[place].id, private=private)


def change(club: Club, **what: Any) -> None:
    orders = club.auditing.sealer.orders
    entry = TrailEntry(club.auditing.now_text(), "op", "log.rotate", "log")
    orders.give(Change(entry, **what), orders.catch_up().version)


def edit(club: Club, statement: str, **values: Any) -> None:
    with club.engine.begin() as connection:
        connection.execute(text(statement), values)


def afresh(club: Club) -> Club:
    """As another process, which remembers nothing."""
    club.assembled = assemble_on(club.engine, club.settings, now=club.now, elapsed=lambda: 0.0)
    return club


def test_what_the_service_exports_is_proved(made: Club, judge: Judge) -> None:
    for private in (True, False):
        found = exported(made, private=private)
        assert (bool(found.private), judge(made, found)) == (private, set())


def test_the_acts_that_changed_the_keys_are_in_the_file_as_far_as_the_head_has_them(made: Club, judge: Judge) -> None:
    change(made, signing_added=[STRANGER.text])
    assert len(exported(made).signing) == 1
    made.seal()
    found = exported(made)
    assert [act.inclusion.index for act in found.signing] == [0, BEGUN + 1]
    assert judge(made, found) == set()


def test_under_an_earlier_head_there_is_nothing_that_came_later(made: Club) -> None:
    first = made.auditing.head()
    change(made, signing_added=[STRANGER.text])
    made.seal()
    id_ = made.entries()[BEGUN].id
    record, proof = made.auditing.decisions.decision(id_), made.auditing.proof(id_, first.size)
    assert record is not None
    assert len(made.auditing._evidence.of(record, proof, private=False).signing) == 1
    with pytest.raises(NotSealed):  # the act that stored the bundle is at 1
        made.auditing._evidence.of(record, replace(proof, head=replace(first, size=1)), private=False)


def test_the_head_in_the_file_has_the_cosignatures_of_witnesses(made: Club, judge: Judge) -> None:
    key, head = Ed25519PrivateKey.from_private_bytes(b"w" * 32), made.auditing.head()
    line = cosign(head.note.rpartition("\n\n")[0] + "\n", "w.org", key, 1680339600)
    vkey = WitnessKey("w.org", key.public_key().public_bytes_raw())
    made.auditing.pusher.kept.keep(KeptCosignature(head.size, vkey.label, line, made.auditing.now_text()))
    assert judge(made, exported(made), "--witness", vkey.text) == set()


def test_a_text_that_was_edited_in_the_store_is_exported_and_found_out(made: Club, judge: Judge) -> None:
    edit(made, "UPDATE bundle_sources SET text = text || :more WHERE path = 'prices.yaml'", more="\n# edited\n")
    assert judge(afresh(made), exported(made)) == {"texts"}


def test_where_the_texts_do_not_give_the_bundle_any_more_nothing_is_exported(made: Club) -> None:
    edit(made, "UPDATE bundle_sources SET text = replace(text, '< 100', '< 900') WHERE path = 'prices.yaml'")
    with pytest.raises(NotProvable, match="do not give that bundle"):
        exported(afresh(made))


def test_a_text_that_is_missing_from_the_store_is_found_out(made: Club, judge: Judge) -> None:
    edit(made, "DELETE FROM bundle_sources WHERE path = 'prices.yaml'")
    assert judge(made, exported(made)) == {"texts"}


def test_a_bundle_that_no_act_stored_proves_nothing(made: Club) -> None:
    made.auditing.sealer.orders.known.stored_by.clear()
    with pytest.raises(NotProvable, match="no order that is followed stored the bundle"):
        exported(made)


def test_a_log_that_was_not_begun_proves_nothing(made: Club) -> None:
    made.auditing.sealer.orders.known.signing.clear()
    with pytest.raises(NotProvable, match="began the log"):
        exported(made)


@pytest.mark.parametrize("receipt", [None, "{}", "x"])
def test_an_act_without_receipt_proves_nothing(made: Club, receipt: str | None) -> None:
    edit(made, "UPDATE acts SET receipt = :receipt WHERE version = 2", receipt=receipt)
    with pytest.raises(NotProvable, match="proves nothing"):
        exported(made)


def test_an_act_that_the_log_lacks_proves_nothing(made: Club, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evidence, "entry_of", lambda *_: (None, False))
    with pytest.raises(NotProvable, match="is not in the log"):
        exported(made)


def test_an_act_that_waits_is_waited_for(made: Club, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evidence, "entry_of", lambda *_: (None, True))
    with pytest.raises(NotSealed):
        exported(made)


# ---- who only reads, and has no key


@dataclass
class Orders:
    """Of a store, as somebody wrote them."""

    kept: Sequence[StoredAct]

    def orders(self, after: int, most: int) -> list[StoredAct]:
        return [one for one in self.kept if one.version is not None and one.version > after][:most]


def unchecked(kept: Sequence[StoredAct]) -> Any:
    store: Any = Orders(kept)
    return evidence._unchecked(store)


def test_who_has_no_key_takes_the_orders_as_they_stand(made: Club) -> None:
    kept = made.auditing.sealer.orders.store.orders(0, 10)
    followed = made.auditing.sealer.orders.known
    assert unchecked(kept) == followed
    assert unchecked([]).version == 0


def test_orders_that_cannot_be_read_end_what_is_taken(made: Club) -> None:
    first, second = made.auditing.sealer.orders.store.orders(0, 10)
    for body in (b"{}", b"x", first.body, second.body.replace(b'"version":2', b'"version":3')):
        wrong = StoredAct(second.id, second.at, second.action, 2, body, second.leaf, second.receipt)
        assert unchecked([first, wrong]).version == 1
    assert json.loads(second.body)["order"]["version"] == 2


# ---- a store with records from before the first act


def aged(club: Club) -> Club:
    """As an earlier version left it: decisions without receipts, in no log, and no acts."""
    for table in ("acts", "unsealed", "terms", "log_entries", "log_heads", "log_tiles"):
        edit(club, f"DELETE FROM {table}")
    edit(club, "UPDATE decisions SET receipt = NULL")
    edit(club, "INSERT INTO unsealed (kind, id) SELECT 'decision', id FROM decisions ORDER BY id")
    club.guard.unlink()
    return afresh(club)


def test_a_record_from_before_the_first_act_is_proved_without_receipt_and_later_ones_are_not(
    made: Club, judge: Judge
) -> None:
    for hours in (1, 2):
        made.merchant(hours)
    club = aged(made)
    assert club.assembled.ceremonies.begin(Act("op", "moved")) == 3
    club.assembled.publishing.adopt_folder(club.rules, actor="test")
    club.merchant(3)
    club.seal()
    kinds = [entry.kind for entry in club.entries()]
    assert kinds[:4] == ["decision"] * 3 + ["act"]
    for place, receipted in ((0, False), (2, False), (kinds.index("decision", 3), True)):
        found = exported(club, place)
        assert (found.receipt is not None) == receipted
        assert judge(club, found) == set()
        assert judge(club, replace(found, receipt=None)) == ({"receipt"} if receipted else set())
