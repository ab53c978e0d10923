"""A quorum of witnesses is demanded, and what is no cosignature is found, whoever wrote it into the store."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import delete, update

from policy_service.decisions.audit.findings import Progress
from policy_service.decisions.audit.witnessed import WITHIN_SECONDS, Quorum, Witnessed, witnessed
from policy_service.decisions.ports.cosignatures import KeptCosignature
from policy_service.decisions.ports.log import SignedHead
from policy_service.proofs import notes
from policy_service.proofs.cosignatures import WitnessKey, cosign, joined
from policy_service.store import SqlCosignatureStore
from policy_service.store.database import writing
from policy_service.store.tables import log_heads
from tests.unit.decisions.conftest import BEGUN

PRIVATE = {f"w{n}.example": Ed25519PrivateKey.from_private_bytes(bytes([n]) * 32) for n in (1, 2, 3)}
KEYS = tuple(WitnessKey(name, one.public_key().public_bytes_raw()) for name, one in PRIVATE.items())
AT = datetime(2023, 4, 1, 12, tzinfo=UTC)
SOON, LATE = AT + timedelta(seconds=WITHIN_SECONDS), AT + timedelta(seconds=WITHIN_SECONDS + 1)


class Log:
    """A log with heads of three records, of five and of eight, the first acts among them, and witnesses that cosign."""

    def __init__(self, club: Any) -> None:
        self.club, self.log = club, club.auditing.log
        self.kept = SqlCosignatureStore(club.engine)
        self.heads: list[SignedHead] = []
        for records in (3 - BEGUN, 2, 3):
            for n in range(records):
                club.merchant(n)
            club.seal()
            self.heads.append(self.log.head())

    def line(self, name: str, head: SignedHead, at: datetime = AT) -> str:
        return cosign(notes.parse(head.note).text, name, PRIVATE[name], int(at.timestamp()))

    def cosign(self, place: int, *witnesses: int, at: datetime = AT) -> None:
        for n in witnesses:
            self.keep(self.heads[place].size, KEYS[n - 1], self.line(KEYS[n - 1].name, self.heads[place], at))

    def keep(self, size: int, key: WitnessKey, line: str) -> None:
        self.kept.keep(KeptCosignature(size, key.label, line, "2023-04-01T12:00:00.000Z"))

    def check(self, number: int, now: datetime = SOON, **given: Any) -> Witnessed:
        origin = self.club.auditing.keys.origin
        return witnessed(self.log, self.kept, Quorum(KEYS, number), now, origin=origin, **given)


@pytest.fixture
def log(local_club: Any) -> Log:
    return Log(local_club)


def kinds(found: Witnessed) -> list[str]:
    return [one.kind for one in found.findings]


def test_a_quorum_of_the_newest_head_is_enough_however_long_ago(log: Log) -> None:
    log.cosign(2, 1, 3)
    found = log.check(2, AT + timedelta(days=3650))
    assert (found.size, found.newest, found.findings) == (8, 8, [])
    found = log.check(3)
    assert (found.size, kinds(found)) == (None, ["witness-quorum"])
    assert found.findings[0].message == "no head is cosigned by 3 of the 3 witnesses"


def test_without_any_cosignature_there_is_no_quorum(log: Log, local_club: Any) -> None:
    assert kinds(log.check(1)) == ["witness-quorum"]


def test_a_log_without_heads_has_no_quorum(local_club: Any) -> None:
    auditing = local_club.auditing
    found = witnessed(
        auditing.log, SqlCosignatureStore(local_club.engine), Quorum(KEYS, 1), AT, origin="policy-service"
    )
    assert kinds(found) == ["witness-quorum"]


@pytest.mark.parametrize(("now", "kind"), [(SOON, []), (LATE, ["witness-quorum"])])
def test_an_earlier_head_is_enough_only_if_it_was_cosigned_a_moment_ago(
    log: Log, now: datetime, kind: list[str]
) -> None:
    log.cosign(0, 1, 2, 3, at=LATE)
    log.cosign(1, 1, 2)
    log.cosign(2, 1, at=LATE)
    found = log.check(2, now)
    assert (found.size, kinds(found)) == (5, kind)
    if kind:
        assert found.findings[0].message == (
            "the newest head has 8 records; 2 of the 3 witnesses cosigned no later one than that of 5, "
            "at 2023-04-01T12:00:00.000Z"
        )


def test_the_moment_is_that_of_the_quorum_not_of_its_quickest_member(log: Log) -> None:
    log.cosign(1, 1)
    log.cosign(1, 2, at=LATE)
    assert kinds(log.check(2, LATE)) == ["witness-quorum"]
    assert kinds(log.check(1, LATE)) == []


def test_what_the_store_says_of_its_instants_does_not_matter(log: Log, local_club: Any) -> None:
    log.cosign(1, 1, 2)
    with writing(local_club.engine) as connection:
        connection.execute(update(log_heads).values(at="2099-01-01T00:00:00.000Z"))
        connection.exec_driver_sql("UPDATE cosignatures SET at = '2099-01-01T00:00:00.000Z'")
    assert kinds(log.check(2, LATE)) == ["witness-quorum"]


def test_cosignatures_of_a_head_that_somebody_kept_count_with_those_of_the_store(log: Log) -> None:
    log.cosign(2, 1)
    kept = joined(log.heads[2].note, [log.line("w2.example", log.heads[2])])
    assert log.check(2, heads=[kept]).findings == []
    assert log.check(3, heads=[kept, joined(kept, [log.line("w3.example", log.heads[2])])]).findings == []


def test_a_kept_head_beyond_the_store_is_the_newest(log: Log, local_club: Any) -> None:
    log.cosign(0, 1, 2)
    kept = log.heads[2].note
    with writing(local_club.engine) as connection:
        connection.execute(delete(log_heads).where(log_heads.c.size > 3))
    assert kinds(log.check(2, LATE)) == []
    assert kinds(log.check(2, LATE, heads=[kept])) == ["witness-quorum"]


def test_a_witness_counts_once_whatever_it_sends(log: Log) -> None:
    twice = joined(log.heads[2].note, [log.line("w1.example", log.heads[2], at) for at in (AT, SOON)])
    assert kinds(log.check(2, heads=[twice])) == ["witness-quorum"]


def test_a_head_of_another_log_witnesses_nothing_here(log: Log, local_club: Any) -> None:
    other = notes.sign_head(notes.Head("other.example", 8, b"\1" * 32), local_club.auditing.keys.signers)
    text = notes.parse(other).text
    lines = [cosign(text, name, private, int(AT.timestamp())) for name, private in PRIVATE.items()]
    assert kinds(log.check(1, heads=[joined(other, lines), "no note"])) == ["witness-quorum"]


# ---- what somebody wrote into the store


def test_a_cosignature_of_another_head_is_found(log: Log) -> None:
    log.cosign(2, 1, 2)
    log.keep(5, KEYS[0], log.line("w1.example", log.heads[0]))
    found = log.check(2)
    assert (found.size, kinds(found)) == (8, ["cosignature-refused"])
    assert found.findings[0].message == f"the cosignature of {KEYS[0].label} does not fit the head of 5 records"


@pytest.mark.parametrize("line", ["", "text\n", "— w1.example AAAA\n", "\n\n— w1.example AAAAAAAA\n"])
def test_what_has_not_the_form_of_a_cosignature_is_found(log: Log, line: str) -> None:
    log.cosign(2, 1, 2)
    log.keep(5, KEYS[0], line)
    assert kinds(log.check(2)) == ["cosignature-refused"]


def test_a_cosignature_without_its_head_is_found(log: Log) -> None:
    log.cosign(2, 1, 2)
    log.keep(9, KEYS[0], log.line("w1.example", log.heads[0]))
    assert kinds(log.check(2)) == ["cosignature-refused"]


def test_a_root_that_no_witness_saw_has_no_quorum(log: Log, local_club: Any) -> None:
    """Somebody who can sign for the log rewrites it all: the witnesses' word does not fit what is there now."""
    log.cosign(2, 1, 2, 3)
    keys = local_club.auditing.keys
    with writing(local_club.engine) as connection:
        note = notes.sign_head(notes.Head(keys.origin, 8, b"\1" * 32), keys.signers)
        connection.execute(update(log_heads).where(log_heads.c.size == 8).values(note=note))
    assert kinds(log.check(1)) == ["cosignature-refused", "witness-quorum"]
    with writing(local_club.engine) as connection:
        connection.exec_driver_sql("DELETE FROM cosignatures")
    assert kinds(log.check(1)) == ["witness-quorum"]


def test_a_head_that_is_no_note_is_left_to_the_verification_of_heads(log: Log, local_club: Any) -> None:
    log.cosign(2, 1, 2)
    with writing(local_club.engine) as connection:
        connection.execute(update(log_heads).where(log_heads.c.size == 8).values(note="no note"))
    assert kinds(log.check(2)) == ["witness-quorum"]


def test_cosignatures_that_were_looked_at_before_are_not_looked_at_again(log: Log) -> None:
    log.cosign(2, 1, 2)
    log.keep(3, KEYS[0], "wrong")
    assert kinds(log.check(2)) == ["cosignature-refused"]
    assert kinds(log.check(2, after=5)) == []
    assert kinds(log.check(3, after=5)) == ["cosignature-refused", "witness-quorum"]


# ---- within the whole verification


def test_the_whole_verification_reports_the_quorum(log: Log, local_club: Any) -> None:
    auditing, quorum = local_club.auditing, Quorum(KEYS, 2)
    assert [one.kind for one in auditing.verify(quorum=quorum).findings] == ["witness-quorum"]
    log.cosign(2, 1, 2)
    found = auditing.verify(quorum=quorum)
    assert (found.findings, found.witnessed, found.records) == ((), 8, 8)
    found = auditing.verify(quorum=quorum, resume=found.progress)
    assert (found.findings, found.witnessed) == ((), 8)
    assert auditing.verify().witnessed is None
    assert auditing.verify(resume=Progress()).findings == ()


@pytest.mark.parametrize("number", [0, 4])
def test_a_quorum_that_cannot_be_had_is_none(number: int) -> None:
    with pytest.raises(ValueError, match="cannot be had"):
        Quorum(KEYS, number)


def test_one_key_under_two_names_is_one_witness() -> None:
    with pytest.raises(ValueError, match="one key"):
        Quorum((*KEYS, WitnessKey("w4.example", KEYS[0].public)), 2)
