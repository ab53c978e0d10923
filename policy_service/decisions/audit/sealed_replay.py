"""Replays of sealed decisions: of one, or of all that a search finds."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from policy_service.decisions.answers.differences import Difference
from policy_service.decisions.audit.auditing import Auditing
from policy_service.decisions.audit.searching import Query
from policy_service.decisions.bundles.evaluators import UnknownBundle, UnusableBundle
from policy_service.decisions.deciding.recording import ValuesErased
from policy_service.decisions.deciding.replay import NotReplayable, Replayed, check_replayable, replay
from policy_service.decisions.deciding.service import PolicyService
from policy_service.decisions.ports.log import LogEntry
from policy_service.decisions.ports.records import DecisionRecord
from policy_service.diagnostics import InvalidInput
from policy_service.proofs.commitments import CommitmentRefused, Private

ReplayOutcome = Literal["identical", "different", "erased", "refused"]


@dataclass(frozen=True, slots=True)
class ReplayResult:
    """The replay of one decision.

    index: null where the decision was named by its id.
    bundle: the one that it was evaluated by; null where it was not evaluated.
    reason: why it was not evaluated; null where it was.
    hidden: ids of the policies that were left out, as in `Replayed`.
    """

    decision_id: str
    index: int | None
    outcome: ReplayOutcome
    bundle: str | None = None
    differences: tuple[Difference, ...] = ()
    reason: str | None = None
    hidden: tuple[str, ...] = ()


@dataclass(slots=True)
class Tally:
    """Number of decisions by outcome, and of those that were refused by reason."""

    outcomes: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)

    def add(self, one: ReplayResult) -> None:
        self.outcomes[one.outcome] += 1
        if one.outcome == "refused":
            self.reasons[one.reason or ""] += 1


class SealedReplay:
    """Replays sealed decisions; nothing is recorded.

    reveal: whether differences show what depends on hidden values. Whoever asks for it has it noted in the trail.
    """

    def __init__(self, service: PolicyService, auditing: Auditing, *, reveal: bool = False) -> None:
        self._service, self._auditing, self._reveal = service, auditing, reveal

    def one(self, id_: str, bundle: str = "original", as_of: str | None = None) -> Replayed:
        """The recorded request evaluated again, once it is checked that the record is the one that was sealed.

        Raises:
            NotFound, InvalidInput, NoActiveBundle, NotReplayable, ValuesErased.
        """
        entry = self._auditing.log.entry(id_)
        if entry is not None:
            body = self._auditing.log.bodies([entry]).get(id_)
            if body is not None:
                check_replayable(id_, body, entry.leaf)
        try:
            return self._service.replay(id_, bundle, as_of, reveal=self._reveal)
        except (CommitmentRefused, UnusableBundle) as error:
            raise NotReplayable(id_, str(error)) from error

    def all(self, query: Query, bundle: str = "original", as_of: str | None = None) -> Iterator[ReplayResult]:
        """The replay of every sealed decision that a query finds, by ascending index.

        Raises:
            UnknownBundle: `bundle` names none. NoActiveBundle. StoreUnavailable.
        """
        if bundle not in ("original", "active"):
            self._service.evaluators.of(bundle)
        for portion in self._auditing.searching.records(query):
            privates = self._auditing.log.privates([entry.id for entry, _ in portion])
            for entry, body in portion:
                yield self._again(entry, body, privates.get(entry.id, ()), bundle, as_of)

    def _again(
        self, entry: LogEntry, body: bytes | None, privates: tuple[Private, ...], bundle: str, as_of: str | None
    ) -> ReplayResult:
        if body is None:
            return ReplayResult(entry.id, entry.index, "refused", reason="its record is not stored")
        record = DecisionRecord(entry.id, entry.at, "", entry.as_of or "", None, body, privates=privates)
        try:
            check_replayable(entry.id, body, entry.leaf)
            found = replay(record, self._service.resolver, bundle, as_of, reveal=self._reveal)
        except ValuesErased:
            return ReplayResult(entry.id, entry.index, "erased", reason="values of it were erased")
        except NotReplayable as error:
            return ReplayResult(entry.id, entry.index, "refused", reason=error.reason)
        except CommitmentRefused as error:
            return ReplayResult(entry.id, entry.index, "refused", reason=str(error))
        except (UnknownBundle, UnusableBundle) as error:
            return ReplayResult(entry.id, entry.index, "refused", reason=str(error))
        except InvalidInput as error:
            first = error.faults[0]
            return ReplayResult(entry.id, entry.index, "refused", reason=f"{first.pointer}: {first.message}")
        outcome: ReplayOutcome = "identical" if found.identical else "different"
        return ReplayResult(entry.id, entry.index, outcome, found.bundle, found.differences, hidden=found.hidden)
