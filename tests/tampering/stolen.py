"""Manipulations by who has stolen the key that signs the log, and whoever then kept something elsewhere."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from policy_service.decisions.audit.findings import Finding
from policy_service.decisions.sealed.guard import NOTHING
from tests.tampering import forging
from tests.tampering.case import OWNED, Tampering
from tests.tampering.forging import Key
from tests.tampering.run import service
from tests.tampering.victim import Hand, Place
from tests.unit.decisions.conftest import ORIGIN, Club


@dataclass(frozen=True)
class Stolen:
    """A manipulation with the key: the log fits itself afterwards, so that nothing in it tells of it.

    by_head, by_receipt: the kinds of findings that a kept head, or a kept receipt, leads to.
    head, receipt: which head was kept, by its number, and whose receipt.
    """

    name: str
    do: Callable[["Thief"], None]
    by_head: frozenset[str]
    by_receipt: frozenset[str]
    receipt: str
    head: int = -1
    which: str = "whole"


def _nothing(_: object) -> None:
    pass


@dataclass
class Thief:
    """Who may write the database and has the key; and may run the service with it."""

    tampering: Tampering
    place: Place
    url: str
    guard: Path

    def edit(self, name: str, old: bytes, new: bytes) -> None:
        """A decision with a part replaced, and a receipt that fits."""
        t = self.tampering
        body = t.edit(name, old, new, leaf=True)
        at = t.hand.row("decisions", t.id(name))["decided_at"]
        t.change("decisions", name, receipt=t.key.receipt(t.id(name), at, body))

    def seal_again(self, kept: int, *, without: str = "") -> None:
        """The log anew from a size on, by the service itself."""
        t = self.tampering
        t.unseal(kept)
        t.hand.run("DELETE FROM unsealed")
        for kind, id_, _ in t.story.records[kept:]:
            if id_ != t.story.ids.get(without):
                t.queue(kind, id_)
        self.run(_nothing)

    def run(self, do: Callable[[Club], None]) -> None:
        with service(self.url, self.place, self.guard) as club:
            do(club)
            club.seal()


def _edited(kept: int, name: str) -> Callable[[Thief], None]:
    def do(thief: Thief) -> None:
        thief.edit(name, b'"amount":5', b'"amount":9')
        thief.seal_again(kept)

    return do


def _removed(thief: Thief) -> None:
    for table, column in OWNED:
        sql = f"DELETE FROM {table} WHERE {column} = :id"
        thief.tampering.hand.run(sql, id=thief.tampering.id("late-1"))
    thief.seal_again(28, without="late-1")


def _cut(thief: Thief) -> None:
    thief.tampering.cut(39)
    hand, ordered = thief.tampering.hand, forging.bundles(body for _, _, body in thief.place.story.records[:39])
    for row in hand.rows("SELECT id FROM bundles"):
        if row["id"] not in ordered:
            hand.run("DELETE FROM bundle_sources WHERE bundle = :id", id=row["id"])
            hand.run("DELETE FROM bundles WHERE id = :id", id=row["id"])
    thief.run(_nothing)


def _fork(thief: Thief) -> None:
    def others(club: Club) -> None:
        for n in range(14):
            club.merchant(5 + n)

    thief.run(others)


REWRITTEN, LOST, CUT = (
    frozenset({"root-differs", "head-lost"}),
    frozenset({"receipt-unmet"}),
    frozenset({"log-truncated"}),
)
STOLEN = (
    Stolen("all rewritten", _edited(0, "early-0"), REWRITTEN, LOST, "early-0"),
    Stolen("rewritten from a head on", _edited(16, "noon-0"), REWRITTEN, LOST, "noon-0"),
    Stolen("a decision taken out", _removed, REWRITTEN, LOST, "late-1"),
    Stolen("truncated to an older head", _cut, CUT, LOST, "last-0"),
    Stolen("an older backup", _nothing, CUT, LOST, "noon-0", which="backup"),
    Stolen("a fork after a restore", _fork, REWRITTEN, LOST, "noon-0", head=1, which="backup"),
)


@dataclass
class Told:
    """What `verify` finds with nothing that was kept, with the guard, with a head, a cosigned head, a receipt."""

    alone: Sequence[Finding]
    guard: Sequence[Finding]
    head: Sequence[Finding]
    witness: Sequence[Finding]
    receipt: Sequence[Finding]


def attempt(place: Place, case: Stolen, folder: Path) -> Told:
    with place.copied(folder, case.which) as (url, guard):
        own = folder / "thief.guard"
        own.unlink(missing_ok=True)
        hand = Hand(url)
        try:
            thief = Thief(Tampering(hand, place.story, Key.stolen(ORIGIN, place.key)), place, url, own)
            case.do(thief)
        finally:
            hand.close()
        own.unlink(missing_ok=True)
        return _told(place, case, url, guard, own)


def _told(place: Place, case: Stolen, url: str, guard: Path, own: Path) -> Told:
    kept, receipt = place.story.heads[case.head], place.story.receipts[case.receipt]
    cosigned = kept + Key.new("witness.example").line(kept.partition("\n\n")[0] + "\n")
    with service(url, place, guard) as club:
        by_guard = club.auditing.verify().findings
    with service(url, place, own) as club:
        audit = club.auditing
        own.unlink(missing_ok=True)
        audit.sealer.guard._last = NOTHING  # somebody else verifies, who has no guard
        return Told(
            audit.verify().findings,
            by_guard,
            audit.verify(heads=[kept]).findings,
            audit.verify(heads=[cosigned]).findings,
            audit.verify(given=[receipt]).findings,
        )
