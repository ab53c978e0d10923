"""The inputs of a decision as tables: every posted fact with label, value and the policies that read it."""

from collections.abc import Collection, Iterator, Mapping
from datetime import date
from typing import Any

from policy_service.decisions.explaining.phrasing import Phrases
from policy_service.facts import Section
from policy_service.language.references import Fact
from policy_service.pages.grids import Cell, Grid, Link, Pair, Say, grid, pair
from policy_service.pages.ruletext import anchor
from policy_service.pages.words import PROVENANCE
from policy_service.policies.dependencies import Dependencies
from policy_service.policies.model import Rules


def input_grids(
    rules: Rules,
    day: date,
    facts: Mapping[str, Any],
    judged: frozenset[str],
    policies: Collection[str],
    say: Say,
) -> Iterator[Grid]:
    """A table for each posted section, of a list for each element; and for one of which policies miss facts.

    Args:
        facts: as recorded, with texts in the place of what is withheld.
        judged: ids of the policies that judged something: of facts that these read, those that are not known are shown.
        policies: ids of all policies of the answer.
    """
    tables = _Inputs(rules, _readers(rules, day, policies), judged, say)
    for section in rules.dictionary.sections.values():
        for element in _elements(section, facts.get(section.name)):
            yield from tables.of(section, element)


def _elements(section: Section, posted: Any) -> list[Mapping[str, Any]]:
    """The elements of a section; of a single one that was not posted, one without facts."""
    if isinstance(posted, list):
        return posted
    return [posted or {}] if section.element is None else []


class _Inputs:
    """Writes the facts of elements of sections."""

    def __init__(self, rules: Rules, readers: Mapping[str, list[str]], judged: frozenset[str], say: Say) -> None:
        self._readers, self._judged, self._say = readers, judged, say
        self._phrases = Phrases(rules, rules.policies[0], say.tongue)

    def of(self, section: Section, element: Mapping[str, Any]) -> Iterator[Grid]:
        """One table; none where nothing was posted and nothing is missed."""
        say = self._say
        label = section.label[say.tongue]
        rows = list(self._rows(section, element))
        if rows:
            caption = f"{label} {element['id']}" if "id" in element else label
            yield grid(caption, (say("name"), say("value"), say("read_by")), rows)

    def _rows(self, section: Section, element: Mapping[str, Any]) -> Iterator[tuple[object, ...]]:
        say = self._say
        for fact in section.facts.values():
            readers = self._readers.get(fact.name, ())
            value = element.get(fact.key)
            if value is None and self._judged.isdisjoint(readers):
                continue
            said = say("unknown") if value is None else self._phrases.value(fact.name, value)
            links = tuple(Link(policy, f"#{anchor(policy)}") for policy in readers)
            yield Cell(fact.label[say.tongue], fact.name), said, Cell("" if links else say("nobody"), links=links)


def _readers(rules: Rules, day: date, policies: Collection[str]) -> dict[str, list[str]]:
    """By fact, the policies of the answer that read it, or whose subject it identifies."""
    found: dict[str, list[str]] = {}
    for id_ in sorted(policies):
        policy = rules.version_for(id_, day)
        reads = Dependencies(rules, policy).reads
        names = {read.name for read in reads.required | reads.optional if isinstance(read, Fact)}
        for name in names | {f"{policy.subject}.id"}:
            found.setdefault(name, []).append(id_)
    return found


def provenance_pairs(request: Mapping[str, Any], say: Say) -> tuple[Pair, ...]:
    return tuple(pair(say.of(PROVENANCE, key), text) for key, text in request.get("provenance", {}).items())
