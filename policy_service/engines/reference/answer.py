"""A whole answer: every policy for every subject, then what concerns several of them together."""

from collections.abc import Collection, Iterator
from datetime import date
from typing import Any, NamedTuple, cast

from policy_service.engines.answer import AnswerParts
from policy_service.engines.asked import Wanted
from policy_service.engines.reference import tracing
from policy_service.engines.reference.dated import DatedPolicy, Rulebook
from policy_service.engines.reference.evaluation import Evaluation
from policy_service.engines.reference.reasons import of_condition
from policy_service.engines.reference.rewards import decided, refused
from policy_service.engines.reference.stacking import Member, stack
from policy_service.engines.reference.statuses import Status, status
from policy_service.engines.reference.subject import Judged, Subject, elements, known, single
from policy_service.engines.reference.texts import filled
from policy_service.engines.reference.values import shown
from policy_service.facts import State
from policy_service.language.references import Decision
from policy_service.policies.model import BundleSettings, Recommendation, Reward, Rules

Entry = dict[str, Any]


class ReferenceEngine:
    """The meaning of the rules: short, slow, obvious. Every other engine must agree with it."""

    name = "reference"

    def answers(self, rules: Rules) -> "Answers":
        return Answers(rules)


class Answers:
    """Answers of one bundle."""

    def __init__(self, rules: Rules) -> None:
        self.book = Rulebook(rules)

    def answer(self, state: State, as_of: date, wanted: Wanted) -> AnswerParts:
        """`rewards`, `not_granted`, `recommendations` and `policies`, each in its order."""
        policies, settings = self.book.on(as_of), self.book.rules.settings
        needed = policies if wanted.shown is None else _closure(policies, wanted.shown)
        found = list(_results(self.book, needed, state, as_of, wanted))
        for key in {_group(reward, result.subject) for result in found for reward, _ in result.rewards}:
            _stack(settings, key, found)
        shown_alone = [r for r in found if wanted.shown is None or r.policy in wanted.shown]
        return cast(AnswerParts, _ordered(sorted(shown_alone, key=lambda result: result.policy)))


class _Result(NamedTuple):
    """What one policy says of one subject."""

    policy: str
    subject: Subject
    entry: Entry
    rewards: list[Member]
    recommendations: list[Entry]


# ---- which policies


def _closure(policies: list[DatedPolicy], ids: Collection[str]) -> list[DatedPolicy]:
    """Those to evaluate so as to show some: also those whose decisions they use, and other members of their groups."""
    found: set[str] = set()
    more = set(ids)
    while more - found:
        found |= more
        chosen = [p for p in policies if p.policy.id in found]
        used = {one.policy for p in chosen for one in p.file.reads if isinstance(one, Decision)}
        groups = {reward.stack for p in chosen for reward in p.policy.rewards} - {None}
        members = {p.policy.id for p in policies if any(r.stack in groups for r in p.policy.rewards)}
        more = used | members
    return [p for p in policies if p.policy.id in found]


def _results(book: Rulebook, policies: list[DatedPolicy], state: State, day: date, wanted: Wanted) -> Iterator[_Result]:
    """The single subjects first: what is judged of them is known to each element of a list."""
    dictionary, judged = book.rules.dictionary, dict[str, Judged]()
    facts = known(dictionary, dict(enumerate(state.slots)))
    subjects = {word: single(section, state, day, facts, judged) for word, section in dictionary.subjects.items()}
    lists = {word: section for word, section in dictionary.subjects.items() if section.element is not None}
    for one in policies:
        if one.policy.subject not in lists:
            wanted.go_on()
            yield _result(book, one, subjects[one.policy.subject], wanted)
    for word, section in lists.items():
        asked = [one for one in policies if one.policy.subject == word]
        for subject in elements(dictionary, section, state, day, judged) if asked else ():
            wanted.go_on()
            yield from (_result(book, one, subject, wanted) for one in asked)
        if not state.elements.get(section.name):
            yield from (_result(book, one, subjects[word], wanted) for one in asked)


# ---- one policy for one subject


def _result(book: Rulebook, one: DatedPolicy, subject: Subject, wanted: Wanted) -> _Result:
    found, policy, settings = status(one, subject, book.excluding), one.policy, book.rules.settings
    applied = found.evaluation if found.name == "applied" else None
    decisions = applied.decisions if applied is not None else {}
    subject.judged[policy.id] = Judged(policy, found.name, decisions, found.lacks)
    entry: Entry = {
        "policy": policy.id,
        "subject": subject.shown,
        "status": found.name,
        "decisions": shown(decisions),
        "missing": list(found.missing),
    }
    if applied is not None:
        rewards = [(reward, decided(reward, applied, settings, wanted)) for reward in policy.rewards]
        recommendations = [_recommendation(r, applied, wanted) for r in policy.recommendations if _is_due(r, applied)]
    else:
        rewards = [(reward, refused(reward, policy, subject, found.name)) for reward in policy.rewards]
        recommendations = []
    return _Result(policy.id, subject, entry | _trace(found, wanted), rewards, recommendations)


def _trace(found: Status, wanted: Wanted) -> Entry:
    entry: Entry = {}
    for name, asked, holds in (("fired", wanted.traced, True), ("not_fired", wanted.full and wanted.traced, False)):
        if asked and found.evaluation is not None:
            entry[name] = tracing.fired(found.evaluation, holds=holds, conflict=found.name == "rule_conflict")
        elif asked:
            entry[name] = []
    return entry


def _is_due(recommendation: Recommendation, evaluation: Evaluation) -> bool:
    return evaluation.holds(recommendation.when, recommendation.row) is True


def _recommendation(recommendation: Recommendation, evaluation: Evaluation, wanted: Wanted) -> Entry:
    entry: Entry = {
        "id": recommendation.id,
        "policy": evaluation.policy.id,
        "subject": evaluation.subject.shown,
        "priority": recommendation.priority,
        "text": filled(recommendation.text, evaluation.scope(recommendation.row)),
    }
    if wanted.traced:
        entry["because"] = of_condition(evaluation, recommendation.when, recommendation.row)
    return entry


# ---- several together

Group = tuple[str | None, str, str | None]
"""A stacking group of one subject."""


def _group(reward: Reward, subject: Subject) -> Group:
    return reward.stack, subject.type, subject.id


def _stack(settings: BundleSettings, key: Group, results: list[_Result]) -> None:
    """Settle one group for one subject; those that are in none stay as they are."""
    if key[0] is None:
        return
    members = [m for result in results for m in result.rewards if _group(m[0], result.subject) == key]
    lacking = any(entry.get("reason") == "insufficient_facts" for _, entry in members)
    stack(settings.stacking[key[0]], [m for m in members if "reason" not in m[1]], provisional=lacking)


def _ordered(results: list[_Result]) -> Entry:
    """The lists of an answer, of results by policy and then by subject as posted.

    Rewards stand by policy, id and subject; recommendations by priority, policy, id and subject.
    """
    rewards = sorted((entry for r in results for _, entry in r.rewards), key=lambda e: (e["policy"], e["id"]))
    recommendations = [entry for result in results for entry in result.recommendations]
    return {
        "rewards": [entry for entry in rewards if "reason" not in entry],
        "not_granted": [entry for entry in rewards if "reason" in entry],
        "recommendations": sorted(recommendations, key=lambda e: (e["priority"], e["policy"], e["id"])),
        "policies": [result.entry for result in results],
    }
