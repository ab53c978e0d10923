"""The state that callers may post, from rules/facts.yaml."""

from collections.abc import Iterable, Iterator

from policy_service.facts import Fact, Section
from policy_service.language import references, typed, types
from policy_service.language.values import exact
from tools.docs.markdown import code, sections, table
from tools.docs.shipped import Shipped


def facts(shipped: Shipped) -> str:
    """Every section with its facts: type, label, how they are measured, and which policies read them."""
    readers = _readers(shipped)
    return sections(*(_section(s, readers) for s in shipped.rules.dictionary.sections.values()))


def _readers(shipped: Shipped) -> dict[str, list[str]]:
    """What reads a fact, by its name: links to policies, and the exclusions of the bundle."""
    found: dict[str, set[str]] = {}
    for policy in shipped.rules.policies:
        for read in _facts_of(policy.reads):
            found.setdefault(read.name, set()).add(_link(policy.id))
    for exclusion in shipped.rules.settings.exclusions:
        for read in _facts_of(typed.references(exclusion.when.typed)):
            found.setdefault(read.name, set()).add(f"every reward, by the exclusion {code(exclusion.id)}")
    return {name: sorted(readers) for name, readers in found.items()}


def _facts_of(read: Iterable[references.Reference]) -> Iterator[references.Fact]:
    return (one for one in read if isinstance(one, references.Fact))


def _section(section: Section, readers: dict[str, list[str]]) -> str:
    label = f"{section.label['zh']} · {section.label['en']}"
    element = f" A list; expressions call its element `{section.element}`." if section.element else ""
    rows = [
        [code(f.key), _type(f), f"{f.label['zh']} · {f.label['en']}", _notes(f), "\n".join(readers.get(f.name, []))]
        for f in section.facts.values()
    ]
    return sections(
        f"### {section.name}", f"{label}.{element}", table(["fact", "value", "label", "notes", "read by"], rows)
    )


def _type(fact: Fact) -> str:
    """Type, unit and range."""
    if fact.is_id:
        return "id"
    match fact.type:
        case types.Number(scale, low, high):
            unit = f", unit {code(fact.unit)}" if fact.unit else ""
            return f"{fact.type}, {exact(low, scale):,} to {exact(high, scale):,}{unit}"
        case types.Enum():
            members = (f"{code(name)} {label['zh']} · {label['en']}" for name, label in fact.values.items())
            return "\n".join(members)
        case types.Text():
            return f"text of at most {fact.max_length}"
    return str(fact.type)


def _notes(fact: Fact) -> str:
    """How the fact is measured and how a caller brings it to its scale; what else is to know of it."""
    said = []
    if fact.definition is not None:
        said.append(f"{fact.definition['zh']} · {fact.definition['en']}")
    if fact.window is not None:
        said.append(f"window of {fact.window['days']} days, ends {code(fact.window['ends'])}")
    if fact.reduce is not None:
        said.append("cut to its decimals" if fact.reduce == "floor" else "rounded half up to its decimals")
    if isinstance(fact.type, types.Enum):
        said += [f"from {day}: {', '.join(members)}" for day, members in fact.type.dated]
    if fact.may_be_future:
        said.append("may lie after `as_of`")
    if fact.sensitive:
        said.append("sensitive")
    if fact.actionable is not None:
        said.append(f"actionable: {_way(fact)}")
    return "\n".join(said)


def _way(fact: Fact) -> str:
    way = fact.actionable
    if way is None:
        return ""
    steps = f", a step of {way.step} costs effort {way.effort}" if way.direction in ("up", "down", "any") else (
        f", effort {way.effort}"
    )  # fmt: skip
    return f"{way.direction}{steps}"


def _link(policy: str) -> str:
    return f"[{policy}](policies/{policy.replace('.', '/')}.md)"
