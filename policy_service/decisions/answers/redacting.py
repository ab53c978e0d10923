"""Answers computed anew from hidden values, for those who may not see these.

Whoever writes rules could ask hidden values out of a record: a reward for every level of a member tells the level by
being granted. So a policy whose outcomes depend on a hidden value, under either of the bundles that are compared, is
left out whole, as what it grants, how often and where in the lists would tell. What is left is compared as usual; it is
computed without the hidden values.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final, TypedDict, cast

from policy_service.decisions.answers.sensitivity import Sensitivity
from policy_service.engines.answer import PARTS, AnswerParts


class Hidden(TypedDict):
    """What stands in the place of a value that is not shown; always true."""

    hidden: bool


HIDDEN: Final[Hidden] = {"hidden": True}


class Redaction:
    """What is left out of answers, given the facts that they are about and the bundles that give them."""

    def __init__(self, given: Iterable[Mapping[str, Any]], sensitivities: Iterable[Sensitivity]) -> None:
        self._known = tuple(sensitivities)
        some = tuple(given)
        self.policies = frozenset[str]().union(*(one.telling(facts) for one in self._known for facts in some))

    def hides(self, subject: str) -> bool:
        """Whether the ids of subjects of a kind are hidden."""
        return any(one.hides(subject) for one in self._known)

    def facts(self, facts: Mapping[str, Any]) -> dict[str, Any]:
        """The facts without those that are sensitive, whose values would else tell themselves by being refused; in the
        place of hidden ids stand others, as rules can have a subject without a level, but none without an id."""
        return {section: self._section(section, posted) for section, posted in facts.items()}

    def _section(self, section: str, posted: Any) -> Any:
        hidden = {key for one in self._known for key in one.keys(section)}
        if isinstance(posted, list):
            return [_without(element, hidden, f"hidden-{number}") for number, element in enumerate(posted)]
        return _without(posted, hidden, "hidden")

    def of(self, answer: AnswerParts) -> AnswerParts:
        """The answer without the entries of the policies left out, and without hidden ids and claim keys."""
        left: dict[str, Any] = dict(answer)
        for part in PARTS:
            left[part] = [self._entry(one) for one in left[part] if one["policy"] not in self.policies]
        return cast(AnswerParts, left)

    def subject(self, subject: Mapping[str, Any]) -> Mapping[str, Any]:
        """The subject of an entry, its id hidden if need be."""
        return {**subject, "id": HIDDEN} if "id" in subject and self.hides(subject["type"]) else subject

    def _entry(self, entry: Mapping[str, Any]) -> Mapping[str, Any]:
        shown = {**entry, "subject": self.subject(entry["subject"])}
        if "claim" in entry and self.hides(entry["subject"]["type"]):
            shown["claim"] = {**entry["claim"], "key": HIDDEN}
        return shown


def _without(element: Mapping[str, Any], hidden: Collection[str], id_: str) -> dict[str, Any]:
    left = {key: value for key, value in element.items() if key not in hidden}
    return left | {"id": id_} if "id" in hidden and "id" in element else left
