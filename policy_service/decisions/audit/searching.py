"""Searches of decisions by what they are about, and the history of a claim.

Only sealed decisions are found. Pages go by descending index, so that they stay the same while decisions arrive. A
decision that is not sealed yet, for a second at most, is found by its id alone; `sealed_through` is the number of
decisions that a search covers.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple, Protocol, cast

from policy_service.decisions.audit.findings import Finding
from policy_service.decisions.audit.genuine import Genuine, NotGenuine
from policy_service.decisions.bundles.evaluators import Evaluators, UnknownBundle, UnusableBundle
from policy_service.decisions.ports.log import LogEntry, LogStore, Record
from policy_service.decisions.ports.recorded import RecordBody
from policy_service.decisions.ports.records import DecisionRecord
from policy_service.decisions.sealed.ordering import SignedOrders
from policy_service.decisions.sealed.terms import term
from policy_service.engines.answer import NotGranted, Reward
from policy_service.proofs.commitments import CommitmentRefused, reveal

MOST_ON_A_PAGE = 500
PAGE = 50
CURSOR = "d(0|[1-9][0-9]{0,14})"
"""Pattern of the text that names a place in the log."""
Amount = int | Decimal


@dataclass(frozen=True, slots=True)
class Query:
    """Which decisions are searched for; every condition that is given must hold.

    Args:
        terms: texts of `terms`, each of which the decision has.
        as_of, decided: half-open ranges; null for no bound.
        before: only entries with a smaller index than this; that of the last entry of the page before.
        reveal: whether terms may be found that name what is hidden in the records; a claim key always is.
    """

    terms: tuple[str, ...] = ()
    as_of: tuple[str | None, str | None] = (None, None)
    decided: tuple[str | None, str | None] = (None, None)
    before: int | None = None
    limit: int = PAGE
    reveal: bool = False

    def revealing(self) -> "Query":
        """The query, looking for hidden values too. Whoever asks it has that noted in the trail."""
        return replace(self, reveal=True)


@dataclass(frozen=True, slots=True)
class Found:
    """A decision in a list, without sensitive values."""

    index: int
    id: str
    decided_at: str
    as_of: str
    bundle: str
    merchant_id: str | None
    supersedes: str | None
    superseded_by: tuple[str, ...]

    @property
    def json(self) -> dict[str, Any]:
        shown = {**asdict(self), "decision_id": self.id, "superseded_by": list(self.superseded_by)}
        del shown["id"]
        return _without_nulls(shown)


@dataclass(frozen=True, slots=True)
class Page:
    """Decisions, newest index first.

    next: the `before` of the next page; null on the last one.
    sealed_through: number of sealed records when the search began.
    """

    decisions: tuple[Found, ...]
    next: int | None
    sealed_through: int

    @property
    def cursor(self) -> str | None:
        """The text that names the next page; null on the last one."""
        return None if self.next is None else f"d{self.next}"

    @property
    def json(self) -> dict[str, Any]:
        """`next` is the cursor of the next page, absent on the last."""
        shown = {"decisions": [one.json for one in self.decisions], "sealed_through": self.sealed_through}
        return _without_nulls({**shown, "next": self.cursor})


class SearchStore(Protocol):
    """The port through which sealed decisions are searched. Every operation may raise StoreUnavailable."""

    def search(self, query: Query) -> list[Found]:
        """At most `limit` decisions, by descending index."""

    def log_entries(self, query: Query) -> Iterator[list[LogEntry]]:
        """All decisions that a query finds, `before` and `limit` ignored, by ascending index, in chunks."""


@dataclass(frozen=True, slots=True)
class Bearing:
    """A decision that granted or refused the reward of a claim.

    granted: null where the reward was not granted; `reason` then says why.
    due: the amount due to date after this decision, by `on_increase` and `on_decrease` of the claim; null as long as
        no decision determined it.
    """

    decision_id: str
    index: int
    decided_at: str
    as_of: str
    bundle: str
    granted: Amount | None
    reason: str | None
    due: Amount | None
    supersedes: str | None

    @property
    def json(self) -> dict[str, Any]:
        """`granted` and `due` are shown even where they are null; other nulls are left out."""
        return {**_without_nulls(asdict(self)), "granted": self.granted, "due": self.due}


@dataclass(frozen=True, slots=True)
class History:
    """What is known of a claim.

    refused: records that were found for it and are not the service's own, or not whole. While there is one, somebody
        has written into the store, and the amounts due are those of the other decisions.
    """

    decisions: tuple[Bearing, ...] = ()
    refused: tuple[Finding, ...] = ()

    @property
    def json(self) -> dict[str, Any]:
        return {
            "decisions": [one.json for one in self.decisions],
            "refused": [{"kind": one.kind, "decision_id": one.id, "index": one.index} for one in self.refused],
        }


def _without_nulls(shown: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in shown.items() if value is not None}


class Searching:
    """The searches that the HTTP face and the command line offer."""

    def __init__(self, store: SearchStore, log: LogStore, evaluators: Evaluators, orders: SignedOrders) -> None:
        self._store, self._log, self._evaluators, self._orders = store, log, evaluators, orders

    def search(self, query: Query) -> Page:
        """A page of decisions. Raises StoreUnavailable."""
        through = self._log.size()
        found = self._store.search(replace(query, limit=query.limit + 1))
        shown = tuple(found[: query.limit])
        return Page(shown, shown[-1].index if len(found) > query.limit else None, through)

    def records(self, query: Query) -> Iterator[list[tuple[LogEntry, bytes | None]]]:
        """Every record that a query finds, as it is hashed, by ascending index, in chunks.

        The bytes are null where the log has an entry whose record is not stored: `policyctl audit verify` tells more.
        """
        for some in self._store.log_entries(query):
            bodies = self._log.bodies(some)
            yield [(entry, bodies.get(entry.id)) for entry in some]

    def claim(self, key: str) -> History:
        """Every decision on a claim, in the order of the log: those that granted it, and those that refused the same
        reward to the same subject for the same period.

        Empty for a text that is no claim key. A record that is not the service's own counts for nothing: payers follow
        this.

        Raises:
            StoreUnavailable.
        """
        asked = _Asked.of(key)
        if asked is None:
            return History()
        query = Query(
            (term("policy", asked.policy), term("subject", asked.subject)), reveal=True
        )  # who has the key has them
        found, refused = list[tuple[Bearing, Reward | None]](), list[Finding]()
        genuine = Genuine(self._log, self._orders)
        for some in self._store.log_entries(query):
            records = self._log.records(some)
            for entry in some:
                try:
                    found += self._bearings(genuine, entry, records.get(entry.id), asked)
                except NotGenuine as error:
                    refused.append(Finding(error.kind, str(error), entry.index, entry.id))
        return History(tuple(_with_dues(found)), tuple(refused))

    def _bearings(
        self, genuine: Genuine, entry: LogEntry, record: Record | None, asked: "_Asked"
    ) -> list[tuple[Bearing, Reward | None]]:
        """What a decision says of the claim. Raises NotGenuine."""
        decision, said = genuine.decision(entry, record)
        found = list(self._said(entry, _revealed(decision, said), asked))
        if found:
            genuine.check_place(entry, decision)  # the order of the log decides what is due
        return found

    def _said(self, entry: LogEntry, record: RecordBody, asked: "_Asked") -> Iterator[tuple[Bearing, Reward | None]]:
        answer = record["answer"]
        granted = next((r for r in answer["rewards"] if r.get("claim", {}).get("key") == asked.key), None)
        if granted is not None:
            yield _bearing(entry, record, granted["amount"], None), granted
            return
        for refused in answer["not_granted"]:
            same = (refused["policy"], refused["id"], _subject(refused)) == (asked.policy, asked.reward, asked.subject)
            if same and self._period(record, asked.policy, asked.reward) == asked.period:
                yield _bearing(entry, record, None, refused["reason"]), None

    def _period(self, record: RecordBody, policy: str, reward: str) -> str | None:
        """The period of the claim that the decision would have granted; null where there is no claim.

        Raises:
            NotGenuine: the rules that decided are not stored as they were.
        """
        try:
            rules = self._evaluators.of(record["bundle"]).bundle.rules
        except (UnknownBundle, UnusableBundle) as error:
            message = (
                f"the stored sources do not give the bundle {record['bundle']} that decided {record['decision_id']}"
            )
            raise NotGenuine("bundle-altered", message) from error
        as_of = record["request"]["as_of"]
        found = rules.version_for(policy, date.fromisoformat(as_of))
        declared = next((one for one in found.rewards if one.id == reward), None)
        return None if declared is None else declared.claim.period(as_of, found.effective.campaign)


class _Asked(NamedTuple):
    """A claim key and its parts."""

    key: str
    policy: str
    reward: str
    subject: str
    period: str

    @classmethod
    def of(cls, key: str) -> "_Asked | None":
        try:
            named, subject_period = key.split("@", 1)
            subject, period = subject_period.rsplit("#", 1)
            policy, reward = named.split("/", 1)
        except ValueError:
            return None
        return cls(key, policy, reward, subject, period)


def _revealed(record: DecisionRecord, said: RecordBody) -> RecordBody:
    """What it says with the values that are kept behind its commitments. Raises NotGenuine."""
    try:
        return cast(RecordBody, reveal(said, record.privates)) if record.privates else said
    except CommitmentRefused as error:
        raise NotGenuine("private-value-altered", f"{record.id}: {error}") from error


def _subject(entry: NotGranted) -> str:
    subject = entry["subject"]
    return f"{subject['type']}:{subject.get('id', '')}"


def _bearing(entry: LogEntry, record: RecordBody, granted: Amount | None, reason: str | None) -> Bearing:
    return Bearing(
        entry.id,
        entry.index,
        record["decided_at"],
        record["request"]["as_of"],
        record["bundle"],
        granted,
        reason,
        None,
        record["request"].get("supersedes"),
    )


_UNKNOWN = ("insufficient_facts", "rule_conflict")
"""Reasons with which the amount is unknown, which is not zero."""


def _with_dues(bearings: Sequence[tuple[Bearing, Reward | None]]) -> Iterator[Bearing]:
    """Each decision with the amount due after it: what a payer who followed every answer has paid in all.

    `on_increase` and `on_decrease` are those of the last answer that granted the claim. An answer with an unknown
    amount leaves the amount due as it was.
    """
    due: Amount | None = None
    goes: Mapping[str, Any] = {"on_increase": "top_up", "on_decrease": "keep"}
    for bearing, reward in bearings:
        if reward is not None:
            goes = reward["claim"]
        if bearing.reason not in _UNKNOWN:
            due = due_after(due, bearing.granted, goes)
        yield replace(bearing, due=due)


def due_after(due: Amount | None, granted: Amount | None, goes: Mapping[str, Any]) -> Amount:
    """The amount due after an answer.

    Args:
        due: the amount due before it; null before the first.
        goes: `on_increase` and `on_decrease` of the claim.
    """
    amount = granted or 0
    if due is None:
        return amount
    if amount > due:
        return amount if goes["on_increase"] == "top_up" or due == 0 else due
    return amount if goes["on_decrease"] == "claw_back" else due
