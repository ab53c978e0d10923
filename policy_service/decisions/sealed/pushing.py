"""The pusher: shows the newest head to witnesses and puts it into a folder, so that it is known outside the store.

Every process pushes; several at once do no harm. Nothing waits for it: a witness that is away is told, and asked again.
"""

import logging
import time
from collections.abc import Callable, Sequence
from datetime import datetime

from policy_service.access import instants
from policy_service.background import Periodic
from policy_service.decisions.ports.cosignatures import CosignatureStore, KeptCosignature
from policy_service.decisions.ports.log import LogStore, SignedHead
from policy_service.decisions.ports.records import StoreUnavailable
from policy_service.decisions.ports.witnesses import HeadsFolder, Witness
from policy_service.decisions.sealed.asking import ALARMS, FINE, Asked, ask
from policy_service.decisions.sealed.shelving import Shelf
from policy_service.decisions.sealed.signing import LogKeys
from policy_service.proofs.cosignatures import CosignatureRefused, WitnessKey, joined, verified
from policy_service.proofs.notes import NoteRefused
from policy_service.telemetry import metrics

FOLDER = "folder"
"""The place that is no witness."""
ASK_AGAIN_SECONDS = 300.0
"""A witness is asked though the newest head has its cosignature: the store it is kept in may have been set back."""
_LOG = logging.getLogger(__name__)


class _Contact:
    """A witness, and how this process found it."""

    def __init__(self, witness: Witness) -> None:
        self.witness, self.place = witness, f"witness {witness.key.name}"
        self.asked_at = float("-inf")


class Pusher:
    """Pushes the heads of one log.

    Args:
        folder: null where heads are put into none.
        elapsed: a monotonic clock in seconds.
        seconds: between two pushes.
    """

    def __init__(
        self,
        log: LogStore,
        keys: LogKeys,
        kept: CosignatureStore,
        witnesses: Sequence[Witness] = (),
        folder: HeadsFolder | None = None,
        *,
        now: Callable[[], datetime],
        elapsed: Callable[[], float] = time.monotonic,
        seconds: float = 10.0,
    ) -> None:
        self.kept, self._log = kept, log
        self._contacts = [_Contact(witness) for witness in witnesses]
        self._shelf = None if folder is None else Shelf(folder, log, keys)
        self._now, self._elapsed = now, elapsed
        self._found: dict[str, Asked] = {}
        self._periodic = Periodic("pusher", seconds, self.push, unavailable=StoreUnavailable)

    @property
    def witnesses(self) -> tuple[WitnessKey, ...]:
        """The keys of the witnesses that are asked."""
        return tuple(contact.witness.key for contact in self._contacts)

    @property
    def has_places(self) -> bool:
        """Whether there is a witness or a folder to push to."""
        return bool(self._contacts) or self._shelf is not None

    @property
    def alarms(self) -> tuple[str, ...]:
        """What contradicts the store, as it was last found; a person must look at it."""
        found = self._found.copy()
        return tuple(f"{place}: {asked.message}" for place, asked in found.items() if asked.outcome in ALARMS)

    def push(self) -> dict[str, Asked]:
        """What is known of each place, those that were due asked again.

        Raises:
            StoreUnavailable.
        """
        head = self._log.head()
        for contact in self._contacts:
            if head is not None and not self._periodic.closing and self._is_due(contact, head):
                self._ask(contact)
        if self._shelf is not None:
            self._note(FOLDER, self._shelf.put(self.cosigned))
        return self._found.copy()

    def cosigned(self, head: SignedHead) -> str:
        """The note of a head with its cosignatures. Those that are none of the witnesses at hand, though they say so,
        are left out, since readers refuse a note with such a one.

        Raises:
            StoreUnavailable.
        """
        lines = [one.line for one in self.kept.of_head(head.size)]
        try:
            return joined(head.note, [line for line in lines if self._fits(head, line)])
        except NoteRefused:
            return head.note

    def _fits(self, head: SignedHead, line: str) -> bool:
        try:
            verified(joined(head.note, [line]), self.witnesses)
        except CosignatureRefused:
            return False
        return True

    def _is_due(self, contact: _Contact, head: SignedHead) -> bool:
        before = self._found.get(contact.place)
        if before is None or before.outcome != "cosigned":
            return True
        if self._elapsed() - contact.asked_at >= ASK_AGAIN_SECONDS:
            return True
        try:
            return not verified(self.cosigned(head), [contact.witness.key])
        except NoteRefused:
            return True

    def _ask(self, contact: _Contact) -> None:
        key = contact.witness.key
        asked = ask(self._log, contact.witness, self._old(key))
        contact.asked_at = self._elapsed()
        if asked.line:
            self.kept.keep(KeptCosignature(asked.size, key.label, asked.line, instants.text(self._now())))
        self._note(contact.place, asked)

    def _old(self, key: WitnessKey) -> int:
        """The size it cosigned last, as the store has it: no more than a guess, and never beyond the log."""
        head = self._log.head()
        return 0 if head is None else min(head.size, self.kept.largest(key.label))

    def _note(self, place: str, asked: Asked) -> None:
        metrics.pushed(place, asked.outcome)
        before = self._found.get(place)
        self._found[place] = asked
        if before is not None and before.outcome == asked.outcome:
            return  # it was told when it began
        if asked.outcome in ALARMS:
            _LOG.error("the log is contradicted by %s: %s", place, asked.message)
        elif asked.outcome not in FINE:
            _LOG.warning("a head could not be pushed to %s: %s: %s", place, asked.outcome, asked.message)
        elif before is not None and before.outcome not in FINE:
            _LOG.info("heads are pushed to %s again", place)

    # ---- in the background

    def start(self) -> None:
        """Start the thread that pushes every `seconds`, until `close`; none where there is no place to push to."""
        if self.has_places:
            self._periodic.start()

    def close(self, seconds: float = 5.0) -> None:
        """End the thread; a push under way is waited for, but no longer than some seconds."""
        self._periodic.close(seconds)
