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
    rules: Rules, day: date, facts: Mapping[str, Any], policies: Collection[str], say: Say
) -> Iterator[Grid]:
    """A table for each posted section; of a list, for each element.

    Args:
        facts: as recorded, with texts in the place of what is withheld.
        policies: ids of the policies of the answer.
    """
    readers = _readers(rules, day, policies)
    phrases = Phrases(rules, rules.policies[0], say.tongue)
    header = (say("name"), say("value"), say("read_by"))
    for section in rules.dictionary.sections.values():
        posted = facts.get(section.name)
        for element in posted if isinstance(posted, list) else [posted]:
            if element is None:
                continue
            label = section.label[say.tongue]
            caption = f"{label} {element['id']}" if "id" in element else label
            rows = list(_rows(section, element, readers, phrases, say))
            yield grid(caption, header, rows)


def _rows(
    section: Section, element: Mapping[str, Any], readers: Mapping[str, list[str]], phrases: Phrases, say: Say
) -> Iterator[tuple[object, ...]]:
    for fact in section.facts.values():
        if element.get(fact.key) is None:
            continue
        links = tuple(Link(policy, f"#{anchor(policy)}") for policy in readers.get(fact.name, ()))
        value = phrases.value(fact.name, element[fact.key])
        yield Cell(fact.label[say.tongue], fact.name), value, Cell("" if links else say("nobody"), links=links)


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
