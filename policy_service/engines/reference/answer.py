"""A whole answer: every policy for every subject, then what concerns several of them together."""

from collections.abc import Collection, Iterator
from datetime import date

from policy_service.engines.answer import AnswerParts
from policy_service.engines.asked import Wanted
from policy_service.engines.reference.dated import DatedPolicy, Rulebook
from policy_service.engines.reference.results import Result, result
from policy_service.engines.reference.stacking import stack
from policy_service.engines.reference.subject import Judged, Subject, elements, known, single
from policy_service.facts import State
from policy_service.language.references import Decision
from policy_service.policies.model import BundleSettings, Reward, Rules


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
        for key in {_group(reward, one.subject) for one in found for reward, _ in one.granted}:
            _stack(settings, key, found)
        shown_alone = [r for r in found if wanted.shown is None or r.policy in wanted.shown]
        return _ordered(sorted(shown_alone, key=lambda one: one.policy))


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


def _results(book: Rulebook, policies: list[DatedPolicy], state: State, day: date, wanted: Wanted) -> Iterator[Result]:
    """The single subjects first: what is judged of them is known to each element of a list."""
    dictionary, settings, judged = book.rules.dictionary, book.rules.settings, dict[str, Judged]()
    facts = known(dictionary, dict(enumerate(state.slots)))
    subjects = {word: single(section, state, day, facts, judged) for word, section in dictionary.subjects.items()}
    lists = {word: section for word, section in dictionary.subjects.items() if section.element is not None}
    for one in policies:
        if one.policy.subject not in lists:
            wanted.go_on()
            yield result(one, subjects[one.policy.subject], settings, book.excluding, wanted)
    for word, section in lists.items():
        asked = [one for one in policies if one.policy.subject == word]
        for subject in elements(dictionary, section, state, day, judged) if asked else ():
            wanted.go_on()
            yield from (result(one, subject, settings, book.excluding, wanted) for one in asked)
        if not state.elements.get(section.name):
            yield from (result(one, subjects[word], settings, book.excluding, wanted) for one in asked)


# ---- several together

Group = tuple[str | None, str, str | None]
"""A stacking group of one subject."""


def _group(reward: Reward, subject: Subject) -> Group:
    return reward.stack, subject.type, subject.id


def _stack(settings: BundleSettings, key: Group, results: list[Result]) -> None:
    """Settle one group for one subject; those that are in none stay as they are."""
    if key[0] is None:
        return
    members = [(reward, entry) for r in results for reward, entry in r.granted if _group(reward, r.subject) == key]
    others = [entry for r in results for reward, entry in r.refused if _group(reward, r.subject) == key]
    lacking = any(entry["reason"] == "insufficient_facts" for entry in others)
    stack(settings.stacking[key[0]], members, provisional=lacking)


def _ordered(results: list[Result]) -> AnswerParts:
    """The lists of an answer, of results by policy and then by subject as posted.

    Rewards stand by policy, id and subject; recommendations by priority, policy, id and subject.
    """
    granted = [entry for one in results for _, entry in one.granted]
    refused = [entry for one in results for _, entry in one.refused]
    recommendations = [entry for one in results for entry in one.recommendations]
    return {
        "rewards": sorted(granted, key=lambda entry: (entry["policy"], entry["id"])),
        "not_granted": sorted(refused, key=lambda entry: (entry["policy"], entry["id"])),
        "recommendations": sorted(recommendations, key=lambda e: (e["priority"], e["policy"], e["id"])),
        "policies": [one.entry for one in results],
    }
