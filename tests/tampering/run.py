"""A manipulation made on a copy of the store, and what `verify` and a freshly started service make of it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from policy_service.access import credentials
from policy_service.access.keyring import KeyRing, KeysUnknown
from policy_service.decisions.audit.findings import Finding
from policy_service.decisions.bundles.evaluators import NoActiveBundle, UnusableBundle
from policy_service.decisions.ports.records import IdempotencyConflict, StoreRefused, StoreUnavailable
from policy_service.policies.bundle import Bundle, stored
from policy_service.policies.loader import Sources
from policy_service.proofs.tiles import TreeDamaged
from tests.tampering import forging
from tests.tampering.case import Case, Tampering
from tests.tampering.forging import Key
from tests.tampering.orders import KEY
from tests.tampering.victim import DAY, RETRIES, STOPPED, Hand, Place, Story
from tests.unit.decisions.conftest import ORIGIN, Club

FAILS = (StoreUnavailable, StoreRefused, TreeDamaged, NoActiveBundle, UnusableBundle)
"""How a service may refuse on a store that somebody has changed: with 503, and nothing forged."""


@dataclass
class Outcome:
    """What came of a manipulation.

    wrong: what the service did that it must never do, in words.
    answers, seals: whether it decided something new, and gave that an index.
    """

    findings: Sequence[Finding] = ()
    sealed: Sequence[Finding] = ()
    wrong: list[str] = field(default_factory=list)
    answers: bool = False
    seals: bool = False
    forgot: set[str] = field(default_factory=set)
    why: str = ""


def attempt(place: Place, case: Case, folder: Path) -> tuple[Outcome, Tampering]:
    with place.copied(folder, case.which) as (url, guard):
        hand = Hand(url)
        tampering = Tampering(hand, place.story, Key.new(ORIGIN))
        try:
            case.do(tampering)
        finally:
            hand.close()
        with service(url, place, guard) as club:
            resume = place.story.progress if case.resumes else None
            outcome = Outcome(club.auditing.verify(resume=resume).findings)
        with service(url, place, guard) as club:
            consequences(club, place.story, outcome)
            _sealed(club, url, place.story, outcome)
            outcome.sealed = club.auditing.verify().findings
    return outcome, tampering


_KNOWN: dict[tuple[str, str], Bundle | None] = {}


def quickly(sources: Sources, id_: str) -> Bundle | None:
    """As `stored`, once for the same sources: it depends on nothing else, and takes most of the time."""
    key = id_, forging.canonical(dict(sources)).decode()
    if key not in _KNOWN:
        _KNOWN[key] = stored(sources, id_)
    return _KNOWN[key]


@contextmanager
def service(url: str, place: Place, guard: Path) -> Iterator[Club]:
    """A process that has just started."""
    engine = place.engine(url)
    try:
        yield Club(engine, place.key, guard, place.story.rules, read=place.story.clock + 100)
    finally:
        engine.dispose()


# ---- what the service does


def consequences(club: Club, story: Story, outcome: Outcome) -> None:
    _look_at_keys(club, story, outcome)
    for key in RETRIES:
        _retry(club, story, key, outcome)
    with suppress(*FAILS):
        found = club.decide(merchant={"id": "m-13", "hours": 12}, as_of=DAY)
        outcome.answers = True
        _judge(found.answer, story, outcome)


def _look_at_keys(club: Club, story: Story, outcome: Outcome) -> None:
    def read() -> Any:
        with suppress(StoreUnavailable):
            return club.assembled.keys.keys()

    ring = KeyRing(read, now=club.now, elapsed=lambda: 0.0, refresh_seconds=1.0)
    for text in (KEY, story.keys["gone"]):
        with suppress(KeysUnknown):
            if ring.principal(text) is not None:
                outcome.wrong.append(f"the key {credentials.parts(text)[0]} opens")


def _retry(club: Club, story: Story, key: str, outcome: Outcome) -> None:
    try:
        found = club.decide(key=key, as_of=DAY, **RETRIES[key])
    except (*FAILS, IdempotencyConflict):
        return
    if found.replayed and found.decision_id != story.ids[key]:
        outcome.wrong.append(f"the retry {key} is answered with {found.decision_id}")
    if not found.replayed:
        outcome.forgot.add(key)


def _judge(answer: Any, story: Story, outcome: Outcome) -> None:
    """The answer is that of the bundle that the service's own orders have made active, under its own stops."""
    rewards = {(one["policy"], one["id"]): one["amount"] for one in answer["rewards"]}
    if STOPPED in rewards:
        outcome.wrong.append("what was stopped is granted")
    if answer["bundle"] != story.active or rewards.get(("club.hours", "first_kept")) != 11:
        outcome.wrong.append(f"it decides by {answer['bundle']}")


# ---- what it seals


def _sealed(club: Club, url: str, story: Story, outcome: Outcome) -> None:
    known = {id_: body for _, id_, body in story.records}
    before = {row["id"] for row in _entries(url)}
    sealed = 0
    try:
        sealed = club.auditing.sealer.seal_all()
        club.auditing.sealer._look_for_missing()
    except FAILS as error:
        outcome.why = f"{type(error).__name__}: {error}"
    hand = Hand(url)
    try:
        new = [row for row in _entries(url) if row["id"] not in before]
        for row in new:
            body = known.get(row["id"]) or _own(hand, row["id"])
            if row["leaf"] != forging.leaf(body).hex():
                outcome.wrong.append(f"{row['id']} is sealed, and is forged")
        head = hand.rows("SELECT size, root FROM log_heads ORDER BY size DESC LIMIT 1")
        if sealed:
            leaves = [forging.leaf(body) for _, _, body in story.records[: story.size]]
            leaves += [bytes.fromhex(row["leaf"]) for row in new]
            due = {"size": len(leaves), "root": forging.root(leaves).hex()}
            if due not in hand.rows("SELECT size, root FROM log_heads"):
                outcome.wrong.append(f"a head is signed over other records: {head}")
        outcome.seals = sealed > 0
    finally:
        hand.close()


def _own(hand: Hand, id_: str) -> bytes:
    """What the service has made in this attempt; an id of the attacker's gives nothing."""
    if id_.startswith("01a22e43-0000-7000-8000"):
        return b""
    for table in ("decisions", "acts"):
        for row in hand.rows(f"SELECT body FROM {table} WHERE id = :id", id=id_):
            return bytes(row["body"])
    return b""


def _entries(url: str) -> list[dict[str, Any]]:
    hand = Hand(url)
    try:
        return hand.rows('SELECT "index", id, leaf FROM log_entries ORDER BY "index"')
    finally:
        hand.close()
