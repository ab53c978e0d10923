"""Where a record shows what `facts.yaml` calls sensitive.

Sensitive are the facts themselves, the ids of subjects whose id is sensitive, with their claim keys, and what is
computed from a sensitive fact: decisions, details, texts, values in `because`. Not hidden are which rewards were
granted, their amounts and reasons, and which rows fired: they say nothing of a person once the rest is gone.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from policy_service.diagnostics import escape
from policy_service.engines.plan import Leaf, Shown
from policy_service.language import typed
from policy_service.language.references import Cell, Decision, Reference
from policy_service.language.typed import Node
from policy_service.policies.dependencies import decision_nodes
from policy_service.policies.model import Expression, Rules, Texts

AnswerEntry = Mapping[str, Any]
Leaves = Mapping[Shown, Sequence[Leaf]]


class Sensitivity:
    """What is sensitive in the records of one bundle. A name is sensitive if it is so in any file of its policy."""

    def __init__(self, rules: Rules) -> None:
        facts = [fact for fact in rules.dictionary if fact.sensitive]
        self._keys: dict[str, list[str]] = {}
        for fact in facts:
            self._keys.setdefault(fact.section, []).append(fact.key)
        self._subjects = {word for word, section in rules.dictionary.subjects.items() if self._hides_id(section.name)}
        self._reached = _reached(rules, {fact.reference for fact in facts})
        self._texts = frozenset(_texts(rules, self._reached))
        self._details = frozenset(_details(rules, self._reached))

    def _hides_id(self, section: str) -> bool:
        return "id" in self._keys.get(section, ())

    def hides(self, subject: str) -> bool:
        """Whether the ids of subjects of a kind are sensitive."""
        return subject in self._subjects

    def places(self, request: Mapping[str, Any], answer: Mapping[str, Any], leaves: Callable[[], Leaves]) -> list[str]:
        """JSON Pointers into a record, in order; none where nothing sensitive was posted.

        Args:
            request: as it is recorded, its facts normalised, at `/request` of the record.
            answer: its compared part, at `/answer`.
            leaves: gives those of the plan of the day; called only where they are needed.
        """
        facts = request["facts"]
        named = "merchant_id" in request and self.hides("merchant")
        if not named and not any(section in self._keys for section in facts):
            return []
        return [*(["/request/merchant_id"] if named else []), *self._facts(facts), *self._answer(answer, leaves())]

    def without(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """A request as it is recorded, with nothing in it that is sensitive."""
        left = {key: value for key, value in request.items() if key != "merchant_id" or not self.hides("merchant")}
        return left | {"facts": {section: self._left(section, posted) for section, posted in request["facts"].items()}}

    def _left(self, section: str, posted: Any) -> Any:
        if isinstance(posted, list):
            return [self._left(section, element) for element in posted]
        return {key: value for key, value in posted.items() if key not in self._keys.get(section, ())}

    def _facts(self, facts: Mapping[str, Any]) -> Iterator[str]:
        for section, keys in self._keys.items():
            posted = facts.get(section)
            elements = enumerate(posted) if isinstance(posted, list) else [(None, posted)]
            for at, element in elements:
                below = f"/request/facts/{section}" + ("" if at is None else f"/{at}")
                yield from (f"{below}/{key}" for key in keys if element is not None and element.get(key) is not None)

    def _answer(self, answer: Mapping[str, Any], leaves: Leaves) -> Iterator[str]:
        for part in ("rewards", "not_granted", "recommendations", "policies"):
            for at, entry in enumerate(answer[part]):
                yield from self._entry(entry, f"/answer/{part}/{at}", leaves)

    def _entry(self, entry: AnswerEntry, pointer: str, leaves: Leaves) -> Iterator[str]:
        policy, subject = entry["policy"], entry["subject"]
        if "id" in subject and subject["type"] in self._subjects:
            yield f"{pointer}/subject/id"
            if "claim" in entry:
                yield f"{pointer}/claim/key"
        yield from self._because(entry, policy, pointer, leaves)
        id_ = entry.get("id", "")
        yield from (
            f"{pointer}/details/{name}" for name in entry.get("details", ()) if (policy, id_, name) in self._details
        )
        if "text" in entry and (policy, id_, entry.get("exception")) in self._texts:
            yield from (f"{pointer}/text/{tongue}" for tongue in entry["text"])
        for name, value in entry.get("decisions", {}).items():
            if value is not None and Decision(policy, name) in self._reached:
                yield f"{pointer}/decisions/{escape(name)}"
        for part in ("fired", "not_fired"):
            for at, row in enumerate(entry.get(part, ())):
                yield from self._because(row, policy, f"{pointer}/{part}/{at}", leaves)

    def _because(self, entry: AnswerEntry, policy: str, pointer: str, leaves: Leaves) -> Iterator[str]:
        for at, leaf in enumerate(entry.get("because", ())):
            if leaf["value"] is not None and self._reads_sensitive(leaves.get((policy, leaf["fact"], leaf["test"]))):
                yield f"{pointer}/because/{at}/value"

    def _reads_sensitive(self, leaves: Sequence[Leaf] | None) -> bool:
        """Whether a comparison reads anything sensitive; one that the plan does not know is taken to."""
        return leaves is None or any(_whole(read) in self._reached for leaf in leaves for read in leaf.reads)


def _reached(rules: Rules, sensitive: Iterable[Reference]) -> frozenset[Reference]:
    """The sensitive facts, and every decision that is computed from them."""
    reads: dict[Reference, set[Reference]] = {}
    for policy in rules.policies:
        for decision in policy.decisions.values():
            known = reads.setdefault(Decision(policy.id, decision.name), set())
            known.update(read for node in decision_nodes(decision) for read in _references(node))
    found: set[Reference] = set(sensitive)
    while new := {decision for decision, read in reads.items() if decision not in found and not found.isdisjoint(read)}:
        found |= new
    return frozenset(found)


def _references(node: Node) -> Iterator[Reference]:
    """What a typed tree reads; for a cell of a relation, the decision."""
    return map(_whole, typed.references(node))


def _whole(read: Reference) -> Reference:
    return read.decision if isinstance(read, Cell) else read


def _texts(rules: Rules, reached: Collection[Reference]) -> Iterator[tuple[str, str, str | None]]:
    """Policy, reward and exception, or policy, recommendation and None, of the texts that show something sensitive."""
    for policy in rules.policies:
        for recommendation in policy.recommendations:
            if _shows(_expressions(recommendation.text), reached):
                yield policy.id, recommendation.id, None
        for reward in policy.rewards:
            for exception in (*reward.exceptions, *rules.settings.exclusions):
                if _shows(_expressions(exception.text), reached):
                    yield policy.id, reward.id, exception.id


def _details(rules: Rules, reached: Collection[Reference]) -> Iterator[tuple[str, str, str]]:
    for policy in rules.policies:
        for reward in policy.rewards:
            for name, expression in reward.details.items():
                if _shows([expression], reached):
                    yield policy.id, reward.id, name


def _expressions(texts: Texts) -> Iterator[Expression]:
    for template in texts.values():
        yield from template.expressions


def _shows(expressions: Iterable[Expression], reached: Collection[Reference]) -> bool:
    return any(read in reached for expression in expressions for read in _references(expression.typed))
