"""The sealer: gives waiting records their indices, extends the tree, signs the head.

Any number of sealers may work at once, by optimistic concurrency on the size of the log: an extension is made for the
size that was read, and the store adds it only if the log still has that size. Nothing of the queue is believed: a
record is sealed only with a receipt of a key that signs the log at its place, and under the hash of its own bytes.
"""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple, cast

from policy_service.access import instants
from policy_service.access.trail import TrailEntry
from policy_service.background import Periodic
from policy_service.decisions.ports.acts import LogState
from policy_service.decisions.ports.log import Extension, LogEntry, LogStore, Refused, SignedHead, Term, Unsealed
from policy_service.decisions.ports.recorded import RecordBody
from policy_service.decisions.ports.records import DecisionRecord, StoreUnavailable
from policy_service.decisions.sealed.guard import GuardRefused
from policy_service.decisions.sealed.inforce import KeysInForce
from policy_service.decisions.sealed.ordering import KeyUnknown, SignedOrders
from policy_service.decisions.sealed.owed import Owed
from policy_service.decisions.sealed.reading import Malformed, read_record
from policy_service.decisions.sealed.receipted import NotReceipted, check_receipt
from policy_service.decisions.sealed.signing import LogKeys
from policy_service.decisions.sealed.terms import terms_of
from policy_service.proofs import notes, tiles, tree
from policy_service.proofs.commitments import CommitmentRefused, Private, reveal
from policy_service.proofs.keys import Verifier
from policy_service.proofs.tree import leaf_hash
from policy_service.telemetry import metrics

MOST_AT_ONCE = 500
"""Records in one seal: on SQLite no decision is recorded while they are written."""
CLOCK_TOLERANCE = timedelta(minutes=1)
"""A clock this far behind the last head repeats its time; beyond it, the head tells the clock's, and `verify` that."""
MISSING = "log.record-missing"
_LOG = logging.getLogger(__name__)


class _Sealable(NamedTuple):
    """A record that may be sealed."""

    one: Unsealed
    leaf: bytes
    body: Any
    at: str


class Sealer:
    """Seals the log of one store.

    Args:
        owed: what this process has committed; that of `orders` by default.
    """

    def __init__(
        self,
        log: LogStore,
        orders: SignedOrders,
        *,
        now: Callable[[], datetime],
        owed: Owed | None = None,
        seconds: float = 1.0,
    ) -> None:
        self.log, self.orders = log, orders
        self.guard, self.owed = orders.guard, owed or orders.owed
        self._now, self._legacy = now, False
        self._periodic = Periodic("sealer", seconds, self._turn)

    @property
    def keys(self) -> LogKeys:
        return self.orders.keys

    def seal_all(self) -> int:
        """Number of records that were given an index here, until none waited.

        Raises:
            StoreUnavailable: also where the store is behind what was signed before.
            TreeDamaged, StoreRefused: the store contradicts itself, and nothing more can be sealed: verify it.
        """
        sealed = 0
        while (some := self.seal()) != 0:
            sealed += some or 0
        return sealed

    def seal(self, most: int = MOST_AT_ONCE) -> int | None:
        """Number of records that were given an index: 0 if none waited, null if another sealer was first.

        Raises:
            StoreUnavailable, TreeDamaged, StoreRefused.
        """
        self.guard.check()
        last = self._last()
        size = self.log.size()  # before what waits is read: while this is the size, all of it waits
        waiting = self.log.unsealed(most)
        if not waiting:
            self._stay(last, size)
            return 0
        followed = self.orders.catch_up()
        if not followed.version and not self._legacy:  # no trusted key has begun it
            raise StoreUnavailable("the log has no first order that is followed here")
        sealable = self._sealable(waiting)
        if not sealable:
            return None  # what was refused no longer waits: look again
        try:
            extension = self._extension(sealable, size)
            self._stand(last, LogState(size, "", followed.version, followed.leaf), extension)
        except tiles.TreeDamaged:
            if self.log.size() == size:
                raise
            return None  # another sealer extended the log between the two reads
        if not self.log.extend(extension):
            return None
        self._sealed(sealable, extension)
        return len(sealable)

    def seal_legacy(self) -> None:
        """Give records that are older than receipts their indices, before the log begins.

        Raises:
            StoreUnavailable, TreeDamaged, StoreRefused.
        """
        self._legacy = self.orders.known.version == 0
        try:
            self.seal_all()
        finally:
            self._legacy = False

    def _sealable(self, waiting: Sequence[Unsealed]) -> list[_Sealable]:
        """Those that may be sealed; the others are taken out of the queue, with the reason."""
        keys = KeysInForce(self.orders.known, self.keys, self.log)
        found, refused, ids = list[_Sealable](), list[Refused](), set[str]()
        for one in waiting:
            try:
                if one.sealed or one.id in ids:
                    raise Malformed("it is in the log already")
                found.append(self._checked(one, keys))
                ids.add(one.id)
            except (Malformed, NotReceipted) as error:
                refused.append(Refused(one.number, one.kind, one.id, str(error)[:500], instants.text(self._now())))
        if refused:
            self._refuse(refused)
        return found

    def _refuse(self, refused: Sequence[Refused]) -> None:
        """Nothing is told of what another sealer has taken out of the queue meanwhile."""
        taken = self.log.refuse(refused)
        for one in taken:
            _LOG.critical("%s %s is not sealed: %s", one.kind[:20], one.id[:64], one.reason)
        metrics.seal_refused(len(taken))

    def _checked(self, one: Unsealed, keys: KeysInForce) -> _Sealable:
        """The record, if it is the service's own. Raises Malformed, NotReceipted."""
        if one.record is None:
            raise Malformed("no such record is stored")
        said = read_record(one.kind, one.id, one.record.body)
        leaf = leaf_hash(one.record.body)
        if one.record.receipt is None and self._legacy:
            return _Sealable(one, leaf, said.body, said.at)
        if self.owed.leaf(one.id) != leaf.hex():  # what this process has signed itself needs no second look
            check_receipt(one.record.receipt, one.id, said.at, one.record.body, self.keys.origin, keys.at())
        keys.pass_by(one.id)
        return _Sealable(one, leaf, said.body, said.at)

    def _extension(self, records: Sequence[_Sealable], size: int) -> Extension:
        changed, root = tiles.extend(StoredTiles(self.log), size, [one.leaf for one in records])
        entries, terms = [], list[Term]()
        for index, (one, leaf, body, at) in enumerate(records, start=size):
            decided = isinstance(one.record, DecisionRecord)
            as_of = body["request"]["as_of"] if decided else None
            entries.append(LogEntry(index, "decision" if decided else "act", one.id, leaf.hex(), at, as_of))
            terms += _terms(one, body, index)
        before = self.log.head()
        time = self._time("" if before is None else before.at)
        # There is a head of every size that the log ever had: where somebody has taken the last away, this one says so.
        head = notes.Head(self.keys.origin, size + len(records), root, (f"time {time}", f"after {size}"))
        return Extension(
            after=size,
            numbers=[one.one.number for one in records],
            entries=entries,
            terms=terms,
            tiles={(tile.level, tile.number): tile.hashes for tile in changed},
            head=SignedHead(head.size, root.hex(), time, notes.sign_head(head, self.keys.signers)),
        )

    def _time(self, before: str) -> str:
        """What the next head says the time is; see CLOCK_TOLERANCE."""
        now = self._now()
        last = instants.moment(before)
        return before if last is not None and now < last <= now + CLOCK_TOLERANCE else instants.text(now)

    # ---- the guard

    def _last(self) -> LogState:
        """How far this host has seen the log signed; to be asked before the store, which must not be behind it."""
        try:
            return self.guard.last()
        except GuardRefused as error:
            self._hold(str(error))
            self.guard.check()
            raise

    def _stand(self, last: LogState, state: LogState, extension: Extension | None = None) -> None:
        """Check that the store is not behind what this host has seen signed, and begins as that did.

        Args:
            state: its size and last order, read after `last`.
            extension: what is to be signed: it must continue what was signed before.
        Raises:
            StoreUnavailable: it is not, and nothing is signed any more.
        """
        self._hold(self._fault(last, state, extension))
        self.guard.check()

    def _stay(self, last: LogState, size: int) -> None:
        """Check, while nothing waits, that the store is not behind what this host has seen. Raises StoreUnavailable."""
        behind = self._behind(last, size, self.orders.store.last_version())
        if behind is not None:
            self._hold(behind)
        self.guard.check()

    def _fault(self, last: LogState, state: LogState, extension: Extension | None) -> str | None:
        if (behind := self._behind(last, state.size, state.version)) is not None:
            return behind
        try:
            self.orders.check_keys()
        except KeyUnknown as error:
            return str(error)
        if last.version and self.orders.known.leaves[last.version - 1] != last.order:
            return f"order {last.version} is another than was signed before"
        if last.size and not self._continues(last, state, extension):
            return f"the first {last.size} records are others than were signed before"
        if extension is None and state.size and not self._is_signed(state):
            return f"the last head, of {state.size} records, is none that the log signed of its tree"
        return None

    @staticmethod
    def _behind(last: LogState, size: int, version: int) -> str | None:
        """What is said of a store that has fewer records or orders than were signed; null for one that has not."""
        if size >= last.size and version >= last.version:
            return None
        return (
            f"the store has {size} records and {version} orders, {last.size} and {last.version} were"
            " signed before: it was set back; see `policyctl audit adopt-backup`"
        )

    def _is_signed(self, state: LogState) -> bool:
        """Whether the head of a state is the log's own, and that of the tree: the guard must not learn another."""
        head, followed = self.log.head(state.size), self.orders.known
        ever = [Verifier.parse(change.key) for change in followed.signing if change.added]
        try:
            signed = notes.open_head("" if head is None else head.note, [*ever, *self.keys.verifiers], self.keys.origin)
            root = tree.root(tiles.TileNodes(StoredTiles(self.log)), state.size)
        except (notes.NoteRefused, tiles.TreeDamaged):
            return False
        return (signed.size, signed.root, signed.root.hex()) == (state.size, root, state.root)

    def _continues(self, last: LogState, state: LogState, extension: Extension | None) -> bool:
        """Whether a tree begins with the one that was signed before, by a consistency proof."""
        written = {} if extension is None else extension.tiles
        nodes = tiles.TileNodes(_Over(written, StoredTiles(self.log)))
        size = state.size if extension is None else extension.head.size
        old = bytes.fromhex(last.root)
        try:
            root = tree.root(nodes, size) if extension is None else bytes.fromhex(extension.head.root)
            return tree.verify_consistency(last.size, size, tree.consistency_proof(nodes, last.size, size), old, root)
        except tiles.TreeDamaged:
            return False

    def _hold(self, fault: str | None) -> None:
        if fault is not None and self.guard.held != fault:
            _LOG.critical("nothing is signed any more: %s", fault)
        self.guard.held = fault

    def state(self) -> LogState:
        """How far the store is; its root is that of its last head."""
        head = self.log.head()
        followed = self.orders.catch_up()
        size, root = (0, "") if head is None else (head.size, head.root)
        return LogState(size, root, followed.version, followed.leaf)

    def look_at_guard(self) -> None:
        """Check the store against the guard, and let the guard advance to it. Raises StoreUnavailable."""
        last = self._last()
        state = self.state()
        self._stand(last, state)
        with _told():
            self.guard.advance(state, instants.text(self._now()))

    def _sealed(self, records: Sequence[_Sealable], extension: Extension) -> None:
        """The head is durable: remember it outside of the store, and what is owed no longer."""
        for one in records:
            self.owed.sealed(one.one.id, one.leaf.hex())
        followed = self.orders.known
        state = LogState(extension.head.size, extension.head.root, followed.version, followed.leaf)
        with _told():
            self.guard.advance(state, instants.text(self._now()))

    # ---- in the background

    def start(self) -> None:
        """Start the thread that seals what waits every `seconds`, until `close`."""
        self._periodic.start()

    def close(self, seconds: float = 5.0) -> None:
        """End the thread; a seal under way is waited for, but no longer than some seconds."""
        self._periodic.close(seconds)

    def _turn(self) -> None:
        try:
            # What came meanwhile waits for the next turn: sealing two at a time costs more than all requests do.
            # Where another sealer is at work, the rest is left to it.
            while self.seal() == MOST_AT_ONCE and not self._periodic.closing:
                pass
            self._look_for_missing()
        except StoreUnavailable as error:
            _LOG.warning("the log cannot be sealed now: %s", error)

    def _look_for_missing(self) -> None:
        """What this process has committed and nobody has any more is told in the log itself."""
        for one in self.owed.missing(self.log):
            _LOG.critical("the record %s was committed, and is not in the log as it was", one.id)
            metrics.record_missing()
            detail = {"digest": f"sha256:{one.leaf}", "found": "" if one.found is None else f"sha256:{one.found}"}
            self.orders.note(TrailEntry(instants.text(self._now()), "service", MISSING, one.id, detail=detail))


def _terms(one: Unsealed, body: Any, index: int) -> Iterator[Term]:
    if not isinstance(one.record, DecisionRecord):
        return
    for text, private in terms_of(body, shown(body, one.record.privates)).items():
        yield Term(text, index, private)


def shown(record: RecordBody, privates: Sequence[Private]) -> RecordBody:
    """A record with its private values filled in; unchanged where they do not fit it, which `verifying` reports."""
    try:
        return cast(RecordBody, reveal(record, privates)) if privates else record
    except CommitmentRefused:
        return record


@dataclass(frozen=True, slots=True)
class StoredTiles:
    """The tiles of a store, as the tree reads them."""

    log: LogStore

    def get(self, level: int, number: int) -> bytes | None:
        return self.log.tile(level, number)


@dataclass(frozen=True, slots=True)
class _Over:
    """Tiles that are to be written, over those that are."""

    written: Mapping[tuple[int, int], bytes]
    below: StoredTiles

    def get(self, level: int, number: int) -> bytes | None:
        found = self.written.get((level, number))
        return found if found is not None else self.below.get(level, number)


@contextmanager
def _told() -> Iterator[None]:
    """A guard that cannot be written stops nothing that is durable already; somebody must see to it."""
    try:
        yield
    except GuardRefused as error:
        _LOG.critical("%s", error)
