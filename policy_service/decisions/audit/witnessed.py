"""Whether witnesses saw the log that the store has.

A cosignature says that its witness saw this head, and until then none that it does not continue. So who can sign for
the log cannot change what is below a cosigned head without being found out, unless a quorum of witnesses helps. That
the heads fit the records is not looked at here: `verifying` does.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import groupby

from policy_service.access import instants
from policy_service.decisions.audit.findings import Finding
from policy_service.decisions.ports.cosignatures import CosignatureStore
from policy_service.decisions.ports.log import LogStore
from policy_service.proofs import notes
from policy_service.proofs.cosignatures import CosignatureRefused, WitnessKey, is_line, joined, verified
from policy_service.proofs.notes import NoteRefused

WITHIN_SECONDS = 600
"""How long ago a quorum may have cosigned a head if the newest one has no quorum: meanwhile heads are on their way."""


@dataclass(frozen=True, slots=True)
class Quorum:
    """So many of these witnesses must have cosigned.

    Raises:
        ValueError: two have one public key, under which either could speak for both; or there are not so many.
    """

    keys: tuple[WitnessKey, ...]
    number: int

    def __post_init__(self) -> None:
        if len({key.public for key in self.keys}) < len(self.keys):
            raise ValueError("two witnesses have one key")
        if not 1 <= self.number <= len(self.keys):
            raise ValueError(f"a quorum of {self.number} cannot be had from {len(self.keys)} witnesses")


@dataclass(slots=True)
class Witnessed:
    """What witnesses saw.

    origin: the log; heads of others are passed over.
    newest: size of the largest head there is.
    size: of the largest head that a quorum cosigned; null where there is none.
    at: the instant, in seconds since 1970, up to which a quorum says that it saw no larger head than that one.
    """

    origin: str
    newest: int = 0
    size: int | None = None
    at: int = 0
    findings: list[Finding] = field(default_factory=list)


def witnessed(
    log: LogStore,
    kept: CosignatureStore,
    quorum: Quorum,
    now: datetime,
    *,
    origin: str,
    heads: Sequence[str] = (),
    after: int = 0,
) -> Witnessed:
    """The findings `witness-quorum` and `cosignature-refused`, and how far the log was witnessed.

    Args:
        heads: notes that somebody kept; their cosignatures count as those in the store.
        after: a size up to which cosignatures were looked at before: no further back than this, or the last quorum.
    Raises:
        StoreUnavailable.
    """
    found = Witnessed(origin)
    seen: dict[str, dict[WitnessKey, int]] = {}
    for kept_head in heads:
        _look(kept_head, quorum, found, seen)
    for size, lines in _stored(log, kept):
        if size <= after and found.size is not None:
            break
        note = _note(log, size, lines, found)
        if note is not None:
            _look(note, quorum, found, seen)
    _demand(quorum, found, now)
    return found


def _stored(log: LogStore, kept: CosignatureStore) -> Iterator[tuple[int, list[str]]]:
    """The size of the newest head, then those of all that have cosignatures, with these; descending."""
    newest = log.head()
    if newest is not None:
        yield newest.size, []
    below: int | None = None
    while some := kept.before(below):
        for size, group in groupby(some, key=lambda one: one.size):
            yield size, [one.line for one in group]
        below = some[-1].size


def _note(log: LogStore, size: int, lines: Sequence[str], found: Witnessed) -> str | None:
    """The note of a stored head with its cosignatures; null where it is none."""
    if not all(map(is_line, lines)):
        _refused(found, f"what is kept with the head of {size} records is no cosignature")
    head = log.head(size)
    if head is None:
        _refused(found, f"there are cosignatures of {size} records, and no head of them")
        return None
    try:
        return joined(head.note, lines)
    except NoteRefused:
        return None  # `verifying` reports it


def _look(note: str, quorum: Quorum, found: Witnessed, seen: dict[str, dict[WitnessKey, int]]) -> None:
    """Take the cosignatures of a note into account, with those of other copies of the same head."""
    try:
        text = notes.parse(note).text
        head = notes.parse_head(text)
        cosignatures = verified(note, quorum.keys)
    except NoteRefused:
        return  # `verifying` reports it
    except CosignatureRefused as error:
        _refused(found, f"{error} of {head.size} records")
        return
    if head.origin != found.origin:
        return
    found.newest = max(found.newest, head.size)
    times = seen.setdefault(text, {})
    for one in cosignatures:
        times[one.key] = max(one.at, times.get(one.key, 0))
    if len(times) >= quorum.number and head.size >= (found.size or 0):
        found.size, found.at = head.size, sorted(times.values(), reverse=True)[quorum.number - 1]


def _refused(found: Witnessed, message: str) -> None:
    found.findings.append(Finding("cosignature-refused", message))


def _demand(quorum: Quorum, found: Witnessed, now: datetime) -> None:
    of = f"{quorum.number} of the {len(quorum.keys)} witnesses"
    if found.size is None:
        found.findings.append(Finding("witness-quorum", f"no head is cosigned by {of}"))
    elif found.size < found.newest and now.timestamp() - found.at > WITHIN_SECONDS:
        at = instants.text(datetime.fromtimestamp(min(found.at, 253_402_300_799), UTC))
        message = (
            f"the newest head has {found.newest} records; {of} cosigned no later one than that of {found.size}, at {at}"
        )
        found.findings.append(Finding("witness-quorum", message))
