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
from tests.oracle.values import Value, shown


@dataclass
class Outcome:
    """What became of one reward for one subject."""

    judged: Judged
    reward: Reward
    id: str
    order: int  # its place in the file
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
    ids = [(reward, id) for reward in judged.file.rewards for id in _ids(judged, reward)]
    found = [Outcome(judged, reward, id, order) for order, (reward, id) in enumerate(ids)]
    for each in found:
        _settle(each, evaluation)
    return found


def _ids(judged: Judged, reward: Reward) -> list[str]:
    if reward.each is None:
        return [reward.name]
    relation = judged.file.decisions[reward.each]
    assert isinstance(relation, Relation)
    return list(relation.rows)


def _settle(found: Outcome, evaluation: Evaluation) -> None:
    if not found.judged.applied:
        found.reason = found.judged.status
    elif Stop(found.judged.file.policy, found.id) in evaluation.rules.folder.stops:
        found.reason = "suspended"
    else:
        _Asked(found, evaluation).settle()


class _Asked:
    """One reward of an applied policy, asked step by step."""

    def __init__(self, found: Outcome, evaluation: Evaluation) -> None:
        assert found.judged.sheet is not None
        self.found, self.reward, self.evaluation = found, found.reward, evaluation
        self.sheet: Sheet = found.judged.sheet
        self.rows: Rows = row_of(self.sheet, self.reward.each, found.id)

    def value(self, node: Node) -> Value:
        return value_of(node, self.sheet, self.rows)

    def settle(self) -> None:
        self.found.because = leaves(self.reward.when, self.sheet, self.rows)
        self.found.reason = self._not_met()
        if self.found.granted:
            self._except()
        if self.found.granted:
            self._grant()

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
        place = ((self.reward.each, self.found.id),) if self.reward.each else ()
        depends = self.evaluation.rules.depends(self.found.judged.file).of(node, place)
        unknown = any(self.evaluation.unknown(read, self.sheet, self.found.subject) for read in depends)
        return "insufficient_facts" if unknown else "not_met"

    def _except(self) -> None:
        """The first exception that holds: the policy's, then the bundle's."""
        own = [(each, self.rows) for each in self.reward.exceptions]
        general: list[tuple[Exception_, Rows]] = [(each, ()) for each in self.evaluation.rules.folder.exclusions]
        for exception, rows in own + general:
            if value_of(exception.when, self.sheet, rows) is True:
                self.found.reason, self.found.exception = "excluded", exception
                self.found.text = said(exception.text, self.sheet, rows)
                return

    def _grant(self) -> None:
        amount = self.value(self.reward.amount)
        ceiling = self.evaluation.rules.folder.ceilings.get(self.reward.kind)
        if ceiling is not None and isinstance(amount, Fraction) and amount > ceiling:
            self.found.reason = "withheld"
            return
        self.found.amount = amount
        details = {name: self.value(node) for name, node in self.reward.details.items()}
        self.found.details = {name: shown(value) for name, value in details.items() if value is not None}


def row_of(sheet: Sheet, relation: str | None, id: str) -> tuple[RelationRow, ...]:
    """The row that a reward or recommendation is for, if it is one per row."""
    return () if relation is None else tuple(row for row in sheet.rows(relation) if row.id == id)


def said(text: Text, sheet: Sheet, rows: Rows) -> dict[str, str]:
    """A text with its values."""
    return {language: "".join(_piece(piece, sheet, rows) for piece in pieces) for language, pieces in text.items()}


def _piece(piece: str | Node, sheet: Sheet, rows: Rows) -> str:
    return piece if isinstance(piece, str) else spoken(value_of(piece, sheet, rows))
