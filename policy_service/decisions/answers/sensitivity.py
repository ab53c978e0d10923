"""Where a record shows what `facts.yaml` calls sensitive.

Sensitive are the facts themselves, the ids of subjects whose id is sensitive, with their claim keys, and all that tells
them: decisions computed from them, null ones too, details, texts, the comparisons behind a reward or an advice that
read them, and the rows of a policy where one of its tables or relations tests them: which row fired, and how many did,
is what is hidden. Free texts of `provenance` may name a person. Not hidden are which rewards were granted, their
amounts and reasons: they are owed, and say nothing more than what is owed.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from policy_service.diagnostics import escape
from policy_service.language import typed
from policy_service.language.references import Cell, Decision, Fact, Reference
from policy_service.language.typed import Node
from policy_service.policies import model
from policy_service.policies.dependencies import decision_nodes, exclusion_facts, needed_policies
from policy_service.policies.model import Expression, Policy, Recommendation, Reward, Rules, Table, Texts

AnswerEntry = Mapping[str, Any]
NAMING = ("ticket", "snapshot")
"""Texts of `provenance` that others chose, and may name a person; `source` is a system, `observed_at` an instant."""


class Sensitivity:
    """What is sensitive in the records of one bundle. A name is sensitive if it is so in any file of its policy."""

    def __init__(self, rules: Rules) -> None:
        facts = [fact for fact in rules.dictionary if fact.sensitive]
        self._keys: dict[str, list[str]] = {}
        for fact in facts:
            self._keys.setdefault(fact.section, []).append(fact.key)
        self._subjects = {word for word, section in rules.dictionary.subjects.items() if self._hides_id(section.name)}
        reached = _reached(rules, {fact.reference for fact in facts})
        self._decisions = frozenset((read.policy, read.name) for read in reached if isinstance(read, Decision))
        self._rows = frozenset(_rows(rules, reached))
        self._traced = frozenset(policy for policy, _ in self._rows)
        self._reasons = frozenset(_reasons(rules, reached))
        self._texts = frozenset(_texts(rules, reached))
        self._details = frozenset(_details(rules, reached))
        names = {fact.reference: (fact.section, fact.key) for fact in facts}
        self._behind = {id_: frozenset(names[one] for one in read) for id_, read in _behind(rules, set(names)).items()}

    def _hides_id(self, section: str) -> bool:
        return "id" in self.keys(section)

    def keys(self, section: str) -> Collection[str]:
        """The sensitive facts of a section."""
        return self._keys.get(section, ())

    def hides(self, subject: str) -> bool:
        """Whether the ids of subjects of a kind, or of a section, are sensitive."""
        return subject in self._subjects or self._hides_id(subject)

    def hides_rows(self, policy: str, decision: str) -> bool:
        """Whether it tells something sensitive which rows of a decision fired."""
        return (policy, decision) in self._rows

    def telling(self, facts: Mapping[str, Any]) -> frozenset[str]:
        """The policies whose outcomes depend on a sensitive fact that was posted: they read it, use a decision of a
        policy that does, or share a stacking group with one.

        Args:
            facts: by section, normalised.
        """
        posted = {(section, key) for section, keys in self._keys.items() for key in keys if _has(facts, section, key)}
        return frozenset(policy for policy, behind in self._behind.items() if not posted.isdisjoint(behind))

    def places(self, request: Mapping[str, Any], answer: Mapping[str, Any]) -> list[str]:
        """JSON Pointers into a record, in order; of the facts and the answer none where nothing sensitive was posted.

        Args:
            request: as it is recorded, its facts normalised, at `/request` of the record.
            answer: its compared part, at `/answer`.
        """
        given = request.get("provenance", {})
        texts = [f"/request/provenance/{key}" for key in NAMING if key in given]
        facts = request["facts"]
        named = "merchant_id" in request and self.hides("merchant")
        if not named and not any(section in self._keys for section in facts):
            return texts
        return [*(["/request/merchant_id"] if named else []), *texts, *self._facts(facts), *self._answer(answer)]

    def without(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """A request as it is recorded, with nothing in it that is sensitive."""
        left = {key: value for key, value in request.items() if key != "merchant_id" or not self.hides("merchant")}
        return left | {"facts": {section: self._left(section, posted) for section, posted in request["facts"].items()}}

    def _left(self, section: str, posted: Any) -> Any:
        if isinstance(posted, list):
            return [self._left(section, element) for element in posted]
        return {key: value for key, value in posted.items() if key not in self.keys(section)}

    def _facts(self, facts: Mapping[str, Any]) -> Iterator[str]:
        for section, keys in self._keys.items():
            posted = facts.get(section)
            elements = enumerate(posted) if isinstance(posted, list) else [(None, posted)]
            for at, element in elements:
                below = f"/request/facts/{section}" + ("" if at is None else f"/{at}")
                yield from (f"{below}/{key}" for key in keys if element is not None and element.get(key) is not None)

    def _answer(self, answer: Mapping[str, Any]) -> Iterator[str]:
        for part in ("rewards", "not_granted", "recommendations", "policies"):
            for at, entry in enumerate(answer[part]):
                yield from self._entry(entry, f"/answer/{part}/{at}")

    def _entry(self, entry: AnswerEntry, pointer: str) -> Iterator[str]:
        policy, subject = entry["policy"], entry["subject"]
        if "id" in subject and subject["type"] in self._subjects:
            yield f"{pointer}/subject/id"
            if "claim" in entry:
                yield f"{pointer}/claim/key"
        id_ = entry.get("id", "")
        if "because" in entry and (policy, id_) in self._reasons:
            yield f"{pointer}/because"
        yield from (
            f"{pointer}/details/{name}" for name in entry.get("details", ()) if (policy, id_, name) in self._details
        )
        if "text" in entry and (policy, id_, entry.get("exception")) in self._texts:
            yield from (f"{pointer}/text/{tongue}" for tongue in entry["text"])
        for name in entry.get("decisions", ()):
            if (policy, name) in self._decisions:
                yield f"{pointer}/decisions/{escape(name)}"
        if policy in self._traced:
            yield from (f"{pointer}/{part}" for part in ("fired", "not_fired") if part in entry)


def _has(facts: Mapping[str, Any], section: str, key: str) -> bool:
    posted = facts.get(section)
    elements = posted if isinstance(posted, list) else [posted]
    return any(element is not None and element.get(key) is not None for element in elements)


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


def _behind(rules: Rules, sensitive: Collection[Fact]) -> dict[str, set[Fact]]:
    """By policy, the sensitive facts that its outcomes depend on, through whatever policies."""
    direct: dict[str, set[Fact]] = {}
    excluding = exclusion_facts(rules)
    for policy in rules.policies:
        read = {one for one in policy.reads if isinstance(one, Fact)}
        direct.setdefault(policy.id, set()).update((read | excluding if policy.rewards else read) & set(sensitive))
    return {id_: set[Fact]().union(*(direct[one] for one in needed_policies(rules.policies, [id_]))) for id_ in direct}


def _references(node: Node) -> Iterator[Reference]:
    """What a typed tree reads; for a cell of a relation, the decision."""
    return map(_whole, typed.references(node))


def _whole(read: Reference) -> Reference:
    return read.decision if isinstance(read, Cell) else read


def _rows(rules: Rules, reached: Collection[Reference]) -> Iterator[tuple[str, str]]:
    """Policy and decision of the tables and relations whose rows fire by something sensitive."""
    for policy in rules.policies:
        for name, decision in policy.decisions.items():
            if any(read in reached for node in _firing(policy, decision) for read in _references(node)):
                yield policy.id, name


def _granting(policy: Policy) -> Iterator[Reward | Recommendation]:
    yield from policy.rewards
    yield from policy.recommendations


def _firing(policy: Policy, decision: model.Decision) -> Iterator[Node]:
    """The conditions by which the rows of a table or relation fire."""
    if isinstance(decision.body, Table):
        yield from (cell.typed for row in decision.body.rows for cell in row.cells)
    for one in _granting(policy):
        if one.row is not None and one.row.relation == decision.name and one.when is not None:
            yield one.when.typed


def _reasons(rules: Rules, reached: Collection[Reference]) -> Iterator[tuple[str, str]]:
    """Policy and reward, or policy and recommendation, whose condition reads something sensitive."""
    for policy in rules.policies:
        for one in _granting(policy):
            if one.when is not None and _shows([one.when], reached):
                yield policy.id, one.id


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
