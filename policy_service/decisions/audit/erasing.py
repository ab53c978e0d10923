"""The erasure of a person's values, and the record of it in the log."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from policy_service.access import instants
from policy_service.access.trail import TrailEntry
from policy_service.decisions.audit.remaining import remains_of
from policy_service.decisions.ports.acts import ErasedRecords, StoredAct
from policy_service.decisions.ports.records import StoreUnavailable
from policy_service.decisions.ports.remains import RemainsStore
from policy_service.decisions.sealed.acts import made
from policy_service.decisions.sealed.sealing import Sealer
from policy_service.decisions.sealed.terms import term

ERASE = "decision.erase"
"""The action of an erasure."""


@dataclass(frozen=True, slots=True)
class Erased:
    """What an erasure did. `id` is None where there was nothing to erase, and then nothing was recorded.

    not_yet_gone: where values may still be, as sentences: first in the database, then where nothing here can look.
    """

    id: str | None
    records: tuple[str, ...]
    values: int
    not_yet_gone: tuple[str, ...] = ()


class Erasing:
    """Erases the private values of a subject. The hashed records stay as they are, so every proof stays valid."""

    def __init__(
        self, sealer: Sealer, remains: RemainsStore, *, now: Callable[[], datetime], new_id: Callable[[], str]
    ) -> None:
        self._sealer, self._log, self.remains = sealer, sealer.log, remains
        self._now, self._new_id = now, new_id

    def erase(self, kind: str, id: str, *, ticket: str, actor: str) -> Erased:
        """Erase the private values of every record about a subject.

        A record about several persons loses the values of all of them, since they come from one request. Decisions made
        while the erasure runs may be left out: erase once more to include them.

        Args:
            kind, id: of the subject, as in `member:u-77`.
            ticket: the reason; recorded in the log.
        Raises:
            StoreUnavailable: nothing was erased.
            TreeDamaged, StoreRefused: the log cannot be sealed, and nothing was erased.
        """
        self._sealer.seal_all()  # what waits can be found only then
        about = self._log.records_of(term("subject", f"{kind}:{id}"))
        private = self._log.privates(about)
        records = tuple(record for record in about if record in private)
        if not records:
            return Erased(None, (), 0)
        erasure = self._erasure(kind, records, ticket, actor)
        values = self._log.erase(erasure, records)
        if not values:
            return Erased(None, (), 0)  # another erasure was first
        self._sealer.owed.committed([erasure])
        with suppress(StoreUnavailable):  # it is done, and its record is sealed a moment later
            self._sealer.seal_all()
        left = remains_of(self.remains, erasure.id, records)
        return Erased(erasure.id, records, values, (*(one.message for one in left), *self.remains.beyond))

    def _erasure(self, kind: str, records: tuple[str, ...], ticket: str, actor: str) -> StoredAct:
        """The act that says which records lose their values; it names no person."""
        self._sealer.orders.may_sign()
        entry = TrailEntry(instants.text(self._now()), actor, ERASE, kind, ticket)
        return made(self._new_id(), entry, self._sealer.keys, erased=ErasedRecords(kind, records))
