"""Rewards of an applied policy: granted with their amounts, or not with the reason."""

from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from tests.oracle.judging import Evaluation, Judged
from tests.oracle.meaning import Rows, value_of
from tests.oracle.model import Exception_, Relation, Reward, Stop, Text
from tests.oracle.reasons import Leaf, leaves
from tests.oracle.sheets import RelationRow, Sheet
from tests.oracle.state import Subject
from tests.oracle.syntax import Node
from tests.oracle.texts import spoken
from tests.oracle.values import Value, added, shown


@dataclass
class Outcome:
    """What became of one reward for one subject."""

    judged: Judged
    reward: Reward
    id: str
    reason: str | None = None  # why it is not granted
    amount: Value = None
    details: dict[str, Any] = field(default_factory=dict)
    because: list[Leaf] = field(default_factory=list)
    exception: Exception_ | None = None
    text: dict[str, str] | None = None
    cut: dict[str, Any] | None = None
    provisional: bool = False

    @property
    def subject(self) -> Subject:
        return self.judged.subject

    @property
    def granted(self) -> bool:
        return self.reason is None


def outcomes(judged: Judged, evaluation: Evaluation) -> list[Outcome]:
    """What became of every reward that the policy declares."""
    return [
        _outcome(judged, reward, id, evaluation) for reward in judged.file.rewards for id in _ids(judged, reward)
    ]


def _ids(judged: Judged, reward: Reward) -> list[str]:
    if reward.each is None:
        return [reward.name]
    relation = judged.file.decisions[reward.each]
    assert isinstance(relation, Relation)
    return list(relation.rows)


def _outcome(judged: Judged, reward: Reward, id: str, evaluation: Evaluation) -> Outcome:
    if not judged.applied:
        return Outcome(judged, reward, id, judged.status)
    stopped = Stop(judged.file.policy, id) in evaluation.rules.folder.stops
    return Outcome(judged, reward, id, "suspended") if stopped else _Claimed(judged, reward, id, evaluation).outcome()


class _Claimed:
    """One reward of an applied policy, asked step by step."""

    def __init__(self, judged: Judged, reward: Reward, id: str, evaluation: Evaluation) -> None:
        assert judged.sheet is not None
        self.judged, self.reward, self.id, self.evaluation = judged, reward, id, evaluation
        self.sheet: Sheet = judged.sheet
        self.rows: Rows = row_of(self.sheet, reward.each, id)

    def value(self, node: Node) -> Value:
        return value_of(node, self.sheet, self.rows)

    def outcome(self) -> Outcome:
        found = Outcome(self.judged, self.reward, self.id, because=leaves(self.reward.when, self.sheet, self.rows))
        found.reason = self._not_met()
        if found.reason is None:
            self._except(found)
        if found.reason is None:
            self._grant(found)
        return found

    def _not_met(self) -> str | None:
        """Why it is not earned: false or null, or with a null amount."""
        when = self.reward.when
        holds = True if when is None else self.value(when)
        if holds is False:
            return "not_met"
        if holds is None:
            return self._unknown(when)
        return self._unknown(self.reward.amount) if self.value(self.reward.amount) is None else None

    def _unknown(self, node: Node | None) -> str:
        """Whether a null is due to something that is not known."""
        depends = self.evaluation.rules.depends(self.judged.file).of(node, ((self.reward.each, self.id),) if self.reward.each else ())
        unknown = any(self.evaluation.is_null(read, self.sheet) for read in depends)
        return "insufficient_facts" if unknown else "not_met"

    def _except(self, found: Outcome) -> None:
        """The first exception that holds: the policy's, then the bundle's."""
        own = [(each, self.rows) for each in self.reward.exceptions]
        general: list[tuple[Exception_, Rows]] = [(each, ()) for each in self.evaluation.rules.folder.exclusions]
        for exception, rows in own + general:
            if value_of(exception.when, self.sheet, rows) is True:
                found.reason, found.exception = "excluded", exception
                found.text = said(exception.text, self.sheet, rows)
                return

    def _grant(self, found: Outcome) -> None:
        amount = self.value(self.reward.amount)
        ceiling = self.evaluation.rules.folder.ceilings.get(self.reward.kind)
        if ceiling is not None and isinstance(amount, Fraction) and amount > ceiling:
            found.reason = "withheld"
            return
        found.amount = amount
        details = {name: self.value(node) for name, node in self.reward.details.items()}
        found.details = {name: shown(value) for name, value in details.items() if value is not None}


def row_of(sheet: Sheet, relation: str | None, id: str) -> tuple[RelationRow, ...]:
    """The row that a reward or recommendation is for, if it is one per row."""
    return () if relation is None else tuple(row for row in sheet.rows(relation) if row.id == id)


def said(text: Text, sheet: Sheet, rows: Rows) -> dict[str, str]:
    """A text with its values."""
    return {language: "".join(_piece(piece, sheet, rows) for piece in pieces) for language, pieces in text.items()}


def _piece(piece: str | Node, sheet: Sheet, rows: Rows) -> str:
    return piece if isinstance(piece, str) else spoken(value_of(piece, sheet, rows))


# -- how an answer shows it --------------------------------------------------------------------------------------------


def reward_entry(found: Outcome, evaluation: Evaluation, purpose: str, trace: str) -> dict[str, Any]:
    entry = {**_heading(found), "kind": found.reward.kind, "amount": shown(found.amount), "details": found.details}
    if found.reward.unit is not None:
        entry["unit"] = found.reward.unit
    if purpose == "decide" and found.reward.claim.per != "none":
        entry["claim"] = claim(found, evaluation)
    if found.reward.lasts is not None:
        day = evaluation.as_of
        entry["validity"] = {"from": shown(day), "to": shown(added(day, found.reward.lasts))}
    if found.cut:
        entry["cut"] = found.cut
    if found.provisional:
        entry["provisional"] = True
    return entry if trace == "none" else {**entry, "because": found.because}


def refusal_entry(found: Outcome, trace: str) -> dict[str, Any]:
    entry = {**_heading(found), "reason": found.reason}
    if found.exception:
        entry |= {"exception": found.exception.id, "text": found.text}
    if trace == "full" and found.judged.applied and found.reason in ("not_met", "insufficient_facts"):
        entry["because"] = found.because
    return entry


def _heading(found: Outcome) -> dict[str, Any]:
    return {"id": found.id, "policy": found.judged.file.policy, "subject": found.subject.shown()}


def claim(found: Outcome, evaluation: Evaluation) -> dict[str, str]:
    """What a payer settles by: the key of the entitlement, and what to do when it changes."""
    terms, subject, policy = found.reward.claim, found.subject, found.judged.file.policy
    period = {
        "once": "once",
        "campaign": str(found.judged.file.campaign),
        "day": evaluation.as_of.isoformat(),
        "month": evaluation.as_of.isoformat()[:7],
    }[terms.per]
    key = f"{policy}/{found.id}@{subject.type}:{subject.id}#{period}"
    return {"key": key, "per": terms.per, "on_increase": terms.on_increase, "on_decrease": terms.on_decrease}
