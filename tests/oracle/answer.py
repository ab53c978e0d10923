"""The compared part of an answer: what a preview says, without the bundle's id."""

from collections.abc import Mapping
from datetime import date
from fnmatch import fnmatchcase
from typing import Any

from tests.oracle import choices, reasons
from tests.oracle.folder import read_folder
from tests.oracle.granting import Outcome, outcomes, refusal_entry, reward_entry, row_of, said
from tests.oracle.judging import Evaluation, Judged, Rules
from tests.oracle.meaning import value_of
from tests.oracle.model import Recommendation, Relation, Table
from tests.oracle.sheets import RelationRow, Sheet
from tests.oracle.stacking import stack
from tests.oracle.state import State
from tests.oracle.syntax import Node
from tests.oracle.values import shown

Entry = dict[str, Any]


class Oracle:
    """Answers by the rule files of a folder, given the text of each by its path."""

    def __init__(self, sources: Mapping[str, str]) -> None:
        self.rules = Rules(read_folder(sources))

    def answer(
        self,
        posted: Mapping[str, Any],
        as_of: date,
        policies: list[str] | None = None,
        trace: str = "fired",
        purpose: str = "preview",
    ) -> Entry:
        """What the rules say of a state on a day; `policies` are ids or patterns of what is shown."""
        evaluation = Evaluation(self.rules, State(self.rules.folder, posted), as_of)
        return _Answer(evaluation, _shown(self.rules, policies), trace, purpose).whole()


def _shown(rules: Rules, patterns: list[str] | None) -> list[str]:
    return [
        policy
        for policy in rules.folder.policies
        if patterns is None or any(fnmatchcase(policy, pattern) for pattern in patterns)
    ]


class _Answer:
    def __init__(self, evaluation: Evaluation, shown: list[str], trace: str, purpose: str) -> None:
        self.evaluation = evaluation
        self.trace = trace
        self.purpose = purpose
        self.judged = [each for policy in shown for each in self._judged(policy)]
        self.outcomes = [found for each in self.judged for found in outcomes(each, evaluation)]

    def _judged(self, policy: str) -> list[Judged]:
        return [self.evaluation.judged(policy, subject) for subject in self.evaluation.subjects(policy)]

    def whole(self) -> Entry:
        stack([*self.outcomes, *self._unseen_members()], self.evaluation.rules.folder)
        ordered = sorted(self.outcomes, key=lambda found: self._place(found.judged, found.id))
        granted = [found for found in ordered if found.granted]
        return {
            "format": 1,
            "as_of": self.evaluation.as_of.isoformat(),
            "purpose": self.purpose,
            "rewards": [reward_entry(found, self.evaluation, self.purpose, self.trace) for found in granted],
            "not_granted": [refusal_entry(found, self.trace) for found in ordered if not found.granted],
            "recommendations": self._recommendations(),
            "policies": [self._policy_entry(each) for each in self.judged],
        }

    def _place(self, judged: Judged, id: str) -> tuple[Any, ...]:
        """Where an entry stands: by policy, id and subject."""
        return (judged.file.policy, id, self.judged.index(judged)) if choices.BY_ID else (judged.file.policy,)

    def _unseen_members(self) -> list[Outcome]:
        """Members of the groups of what is shown, of policies that are not."""
        groups = {found.reward.group for found in self.outcomes} - {None}
        seen = {each.file.policy for each in self.judged}
        return [
            found
            for policy in self.evaluation.rules.folder.policies
            if groups and policy not in seen and self._may_join(policy, groups)
            for each in self._judged(policy)
            for found in outcomes(each, self.evaluation)
            if found.reward.group in groups
        ]

    def _may_join(self, policy: str, groups: set[str | None]) -> bool:
        file = self.evaluation.rules.nearest(policy, self.evaluation.as_of)
        return any(reward.group in groups for reward in file.rewards)

    # -- recommendations

    def _recommendations(self) -> list[Entry]:
        found = [
            ((recommendation.priority, *self._place(each, id)), self._recommendation(each, recommendation, id))
            for each in self.judged
            if each.applied
            for recommendation in each.file.recommendations
            for id in _held(each, recommendation)
        ]
        return [entry for _, entry in sorted(found, key=lambda pair: pair[0])]

    def _recommendation(self, judged: Judged, recommendation: Recommendation, id: str) -> Entry:
        assert judged.sheet is not None
        rows = row_of(judged.sheet, recommendation.each, id)
        text = recommendation.texts.get(None) or recommendation.texts[id]
        entry = {
            "id": id,
            "policy": judged.file.policy,
            "subject": judged.subject.shown(),
            "priority": recommendation.priority,
            "text": said(text, judged.sheet, rows),
        }
        if self.trace != "none":
            entry["because"] = reasons.leaves(recommendation.when, judged.sheet, rows)
        return entry

    # -- policies

    def _policy_entry(self, judged: Judged) -> Entry:
        entry = {
            "policy": judged.file.policy,
            "subject": judged.subject.shown(),
            "status": judged.status,
            "decisions": _decisions(judged),
            "missing": list(judged.missing),
        }
        if self.trace != "none":
            entry["fired"] = _fired(judged)
        if self.trace == "full":
            entry["not_fired"] = _not_fired(judged)
        return entry


def _held(judged: Judged, each: Recommendation) -> list[str]:
    """Ids of what is recommended: the name, or the rows whose condition holds."""
    assert judged.sheet is not None
    if each.each is None:
        return [each.name] if each.when is None or value_of(each.when, judged.sheet) is True else []
    rows = judged.sheet.rows(each.each)
    return [row.id for row in rows if each.when is None or value_of(each.when, judged.sheet, (row,)) is True]


def _decisions(judged: Judged) -> Entry:
    if not judged.applied or judged.sheet is None:
        return {}
    return {name: _decision(judged, name) for name in judged.file.decisions}


def _decision(judged: Judged, name: str) -> Any:
    assert judged.sheet is not None
    if isinstance(judged.file.decisions[name], Relation):
        return [shown(row.record()) for row in judged.sheet.rows(name)]
    return shown(judged.sheet.answer(name).value)


# -- rows that fired, and rows that did not ---------------------------------------------------------------------------


def _fired(judged: Judged) -> list[Entry]:
    return [entry for name in sorted(judged.file.decisions) for entry in _rows(judged, name, fired=True)]


def _not_fired(judged: Judged) -> list[Entry]:
    return [entry for name in sorted(judged.file.decisions) for entry in _rows(judged, name, fired=False)]


def _rows(judged: Judged, name: str, *, fired: bool) -> list[Entry]:
    if judged.sheet is None:
        return []
    decision = judged.file.decisions[name]
    if isinstance(decision, Table):
        return _table_rows(judged, name, decision, fired)
    return _relation_rows(judged, name, decision, fired) if isinstance(decision, Relation) and judged.applied else []


def _table_rows(judged: Judged, name: str, table: Table, fired: bool) -> list[Entry]:
    sheet = judged.sheet
    assert sheet is not None
    answer = sheet.answer(name)
    if not judged.applied and not (answer.conflict or choices.CONFLICT_SHOWS_ALL_ROWS):
        return []
    return [
        {"decision": name, "row": row.id, "because": reasons.of_table_row(table, row, sheet, answer.inputs)}
        for row in table.rows
        if (row in answer.fired) == fired
    ]


def _relation_rows(judged: Judged, name: str, relation: Relation, fired: bool) -> list[Entry]:
    """Rows of a relation for which the condition of a reward or recommendation holds, or holds for none."""
    sheet, file = judged.sheet, judged.file
    assert sheet is not None
    conditions = [each.when for each in (*file.rewards, *file.recommendations) if each.each == name]
    return [
        {"decision": name, "row": row.id, "because": reasons.of_relation_row(relation, row, sheet)}
        for row in sheet.rows(name)
        if conditions and _any_holds(conditions, sheet, row) == fired
    ]


def _any_holds(conditions: list[Node | None], sheet: Sheet, row: RelationRow) -> bool:
    return any(when is None or value_of(when, sheet, (row,)) is True for when in conditions)
