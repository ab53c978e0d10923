"""The compared part of an answer: what a preview says, without the bundle's id."""

from collections.abc import Mapping
from datetime import date
from fnmatch import fnmatchcase
from typing import Any

from tests.oracle import choices, reasons
from tests.oracle.entries import refusal_entry, reward_entry
from tests.oracle.fired import fired_rows, not_fired_rows
from tests.oracle.folder import read_folder
from tests.oracle.granting import Outcome, outcomes, row_of, said
from tests.oracle.judging import Evaluation, Judged, Rules
from tests.oracle.meaning import value_of
from tests.oracle.model import Recommendation, Relation
from tests.oracle.stacking import stack
from tests.oracle.state import State
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
        return _Answer(evaluation, _shown(self.rules, policies), policies or [], trace, purpose).whole()


def _shown(rules: Rules, patterns: list[str] | None) -> list[str]:
    return [
        policy
        for policy in rules.folder.policies
        if patterns is None or any(fnmatchcase(policy, pattern) for pattern in patterns)
    ]


class _Answer:
    def __init__(self, evaluation: Evaluation, shown: list[str], outright: list[str], trace: str, purpose: str) -> None:
        self.evaluation = evaluation
        self.trace = trace
        self.purpose = purpose
        every = [each for policy in shown for each in self._judged(policy)]
        self.judged = [each for each in every if _is_shown(each, outright)]
        self.unposted = {each.subject.type for each in every if not _is_shown(each, outright)}
        self.subjects = {id(each): place for place, each in enumerate(self.judged)}
        self.outcomes = [found for each in self.judged for found in outcomes(each, evaluation)]

    def _judged(self, policy: str) -> list[Judged]:
        return [self.evaluation.judged(policy, subject) for subject in self.evaluation.subjects(policy)]

    def whole(self) -> Entry:
        stack([*self.outcomes, *self._unseen_members()], self.evaluation.rules.folder)
        ordered = sorted(self.outcomes, key=lambda found: self._place(found.judged, found.id, found.order))
        granted = [found for found in ordered if found.granted]
        return {
            "format": 1,
            "as_of": self.evaluation.as_of.isoformat(),
            "purpose": self.purpose,
            "rewards": [reward_entry(found, self.evaluation, self.purpose, self.trace) for found in granted],
            "not_granted": [
                refusal_entry(found, self.evaluation, self.purpose, self.trace)
                for found in ordered
                if not found.granted
            ],
            "recommendations": self._recommendations(),
            "policies": [self._policy_entry(each) for each in self.judged],
            **({} if choices.SHOW_UNPOSTED else {"unposted": self._unposted()}),
        }

    def _unposted(self) -> list[str]:
        """Sections for want of which policies are left out."""
        return sorted(self.evaluation.state.by_subject[type].name for type in self.unposted)

    def _place(self, judged: Judged, name: str, order: int) -> tuple[Any, ...]:
        """Where an entry stands: by policy, by id or the order of the file, and by subject."""
        return (judged.file.policy, name if choices.BY_ID else order, self.subjects[id(judged)])

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
            ((advice.priority, *self._place(each, name, order)), self._recommendation(each, advice, name))
            for each in self.judged
            if each.applied
            for order, (advice, name) in enumerate(_advice(each))
            if _holds(each, advice, name)
        ]
        return [entry for _, entry in sorted(found, key=lambda pair: pair[0])]

    def _recommendation(self, judged: Judged, recommendation: Recommendation, id: str) -> Entry:
        assert judged.sheet is not None
        rows = row_of(judged.sheet, recommendation.each, id)
        text = recommendation.texts.get(None) or recommendation.texts[id]
        entry: Entry = {
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
        entry: Entry = {
            "policy": judged.file.policy,
            "subject": judged.subject.shown(),
            "status": judged.status,
            "decisions": _decisions(judged),
            "missing": list(judged.missing),
        }
        if self.trace != "none":
            entry["fired"] = fired_rows(judged)
        if self.trace == "full":
            entry["not_fired"] = not_fired_rows(judged)
        return entry


def _is_shown(judged: Judged, outright: list[str]) -> bool:
    """Whether a policy is shown: of one whose subject nobody posted perhaps only where it is named."""
    return choices.SHOW_UNPOSTED or judged.subject.id is not None or judged.file.policy in outright


def _advice(judged: Judged) -> list[tuple[Recommendation, str]]:
    """Every recommendation that may be made, with its id: the name, or a row's."""
    assert judged.sheet is not None
    return [
        (each, name)
        for each in judged.file.recommendations
        for name in ([each.name] if each.each is None else [row.id for row in judged.sheet.rows(each.each)])
    ]


def _holds(judged: Judged, recommendation: Recommendation, name: str) -> bool:
    assert judged.sheet is not None
    rows = row_of(judged.sheet, recommendation.each, name)
    return recommendation.when is None or value_of(recommendation.when, judged.sheet, rows) is True


def _decisions(judged: Judged) -> Entry:
    if not judged.applied or judged.sheet is None:
        return {}
    return {name: _decision(judged, name) for name in judged.file.decisions}


def _decision(judged: Judged, name: str) -> Any:
    assert judged.sheet is not None
    if isinstance(judged.file.decisions[name], Relation):
        return [shown(row.record()) for row in judged.sheet.rows(name)]
    return shown(judged.sheet.answer(name).value)
