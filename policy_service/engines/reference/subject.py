"""A subject: what is posted of it, and what the policies judged before said of it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any, NamedTuple

from policy_service.engines import answer
from policy_service.engines.reference.interpret import Scope
from policy_service.engines.reference.reads import NOTHING, Reads
from policy_service.engines.reference.values import read
from policy_service.facts import Dictionary, Section, State
from policy_service.language.references import Fact, Needed
from policy_service.policies.model import Policy


class Judged(NamedTuple):
    """What a policy came to, as far as other policies read it.

    decisions: their values where it was applied; else none.
    lacks: where it has insufficient facts, what was required and null; else nothing.
    """

    policy: Policy
    applied: bool
    decisions: dict[str, Any]
    lacks: Reads = NOTHING


@dataclass
class Subject:
    """One merchant, influencer, product and so on, on a day.

    id: None where it is not posted.
    facts: all of the dictionary by name; None is null. An element of a list knows those of the single sections too.
    """

    type: str
    id: str | None
    day: date
    posted: frozenset[str]
    facts: dict[str, Any]
    judged: dict[str, Judged] = field(default_factory=dict)

    @property
    def shown(self) -> answer.Subject:
        return {"type": self.type} if self.id is None else {"type": self.type, "id": self.id}

    def decision(self, path: str) -> Any:
        """`family.policy.decision` or `family.policy.decision.output`; null where the policy is not applied."""
        family, name, decision, *output = path.split(".")
        value = self._decided(f"{family}.{name}", decision)
        return value[output[0]] if output and value is not None else value

    def value(self, needed: Needed) -> Any:
        """The value of a fact, or of another policy's decision."""
        if isinstance(needed, Fact):
            return self.facts[needed.name]
        return self._decided(needed.policy, needed.name)

    def _decided(self, policy: str, decision: str) -> Any:
        judged = self.judged.get(policy)
        return None if judged is None else judged.decisions.get(decision)

    def scope(self) -> Scope:
        """What an exclusion of the bundle knows: the day and facts alone."""
        return Scope({"as_of": self.day}, self.facts.get, self.decision)


def single(section: Section, state: State, day: date, facts: dict[str, Any], judged: dict[str, Judged]) -> Subject:
    """The subject of a section that is no list, or of a list without element; all of them share what was judged."""
    id_ = facts[f"{section.prefix}.id"] if section.name in state.posted and section.element is None else None
    return Subject(section.prefix, id_, day, state.posted, facts, judged)


def elements(
    dictionary: Dictionary, section: Section, state: State, day: date, judged: dict[str, Judged]
) -> Iterator[Subject]:
    """The elements of a list section, as posted; each sees what was judged for the single subjects."""
    for own in state.elements.get(section.name, ()):
        facts = known(dictionary, dict(enumerate(state.slots)) | own)
        yield Subject(section.prefix, facts[f"{section.prefix}.id"], day, state.posted, facts, dict(judged))


def known(dictionary: Dictionary, slots: dict[int, Any]) -> dict[str, Any]:
    """All facts by name, of their values by place in the dictionary."""
    return {fact.name: read(fact.type, slots[place]) for place, fact in enumerate(dictionary)}
