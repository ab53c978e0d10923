"""Named enumerations, from types.yaml: their members, in order and with labels, may change on given days."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from itertools import pairwise

from policy_service.diagnostics import Report, Span
from policy_service.diagnostics.catalogue import BAD_TYPE, NAME_CLASH, VALUE_INVALID
from policy_service.facts.labels import RESERVED, Labels, read_labels
from policy_service.language.types import BUILTIN, MEMBER, Enum
from policy_service.language.values import parse_date
from policy_service.sources import NAME, Form, Node, Text
from policy_service.sources import Mapping as MappingNode

MOST_TYPES, MOST_MEMBERS = 200, 500
_KEYS, _ENTRY_KEYS = ("type", "values"), ("from", "members", "labels")


@dataclass(frozen=True, slots=True)
class NamedType:
    """An enumeration.

    labels: by member, in the order of the members; the one given last counts.
    """

    kind: Enum
    labels: Mapping[str, Labels]
    span: Span


@dataclass(frozen=True, slots=True)
class NamedTypes:
    """Types by name.

    faulty: names whose declaration has a fault that is reported already.
    unread: whether the file cannot be read, so that any name may be declared in it.
    """

    by_name: Mapping[str, NamedType] = field(default_factory=dict)
    faulty: frozenset[str] = frozenset()
    unread: bool = False

    def is_faulty(self, name: str) -> bool:
        return self.unread or name in self.faulty


NO_TYPES = NamedTypes()


def read_types(root: Node, report: Report) -> NamedTypes:
    """Read the types of types.yaml; every fault is reported."""
    if not isinstance(root, MappingNode):
        report.add(VALUE_INVALID, root.span, "types.yaml is a mapping of names")
        return NamedTypes(unread=True)
    if len(root.entries) > MOST_TYPES:
        report.add(BAD_TYPE, root.entries[MOST_TYPES][0].span, f"more than {MOST_TYPES} types")
        return NamedTypes(unread=True)
    found: dict[str, NamedType] = {}
    for key, node in root:
        before = len(report.diagnostics)
        named = _named(key, node, report)
        if named is not None and len(report.diagnostics) == before:
            found[key.value] = named
    return NamedTypes(found, frozenset(key.value for key, _ in root) - found.keys())


@dataclass(frozen=True, slots=True)
class _DatedMembers:
    """The members from a day on, with the labels declared there."""

    day: date
    place: Span
    members: tuple[Text, ...]
    labels: Mapping[str, Labels]


def _named(key: Text, node: Node, report: Report) -> NamedType | None:
    what = f"type `{key.value}`"
    _check_name(key, report)
    form = Form(node, what, report, key.span, _KEYS)
    form.word("type", ("enum",), required=True)
    nodes = form.sequence("values", required=True)
    entries = [e for n in nodes if (e := _entry(n, what, report)) is not None]
    if form.has("values") and not nodes:
        report.add(BAD_TYPE, key.span, f"{what} has no members")
    if not entries or len(entries) < len(nodes):
        return None
    dated = tuple((e.day, tuple(m.value for m in e.members)) for e in entries)
    members = tuple(dict.fromkeys(member for _, those in reversed(dated) for member in those))
    labels = {member: label for entry in entries for member, label in entry.labels.items()}
    _check_members(what, key, entries, members, labels, report)
    in_order = {member: labels[member] for member in members if member in labels}
    return NamedType(Enum(members, key.value, dated), in_order, key.span)


def _check_name(key: Text, report: Report) -> None:
    if not NAME.fullmatch(key.value):
        report.add(BAD_TYPE, key.span, f"`{key.value}` is not a name", hint="names are lower case: `[a-z][a-z0-9_]*`")
    if key.value in BUILTIN:
        report.add(BAD_TYPE, key.span, f"`{key.value}` is a type already")


def _entry(node: Node, what: str, report: Report) -> _DatedMembers | None:
    form = Form(node, f"a dated value of {what}", report, node.span, _ENTRY_KEYS)
    start, members = form.text("from", required=True), form.words("members")
    if form.mapping is not None and not members:
        report.add(BAD_TYPE, form.span, f"{what} has no members from a day on", hint="`members: [S, A, B]`")
    labels = {
        name.value: read_labels(label, f"member `{name.value}` of {what}", report, name.span, "")
        for name, label in form.entries("labels")
    }
    _check_entry(what, members, [name for name, _ in form.entries("labels")], report)
    day = parse_date(start.value) if start is not None else None
    if start is not None and day is None:
        form.invalid(start, f"`{start.value}` is not a date", "dates are `2023-04-01`")
    return _DatedMembers(day, start.span, members, labels) if start is not None and day is not None else None


def _check_entry(what: str, members: tuple[Text, ...], labelled: list[Text], report: Report) -> None:
    seen: dict[str, Span] = {}
    for member in members:
        name = member.value
        if not MEMBER.fullmatch(name):
            hint = "a letter, then letters, digits and `_`"
            report.add(BAD_TYPE, member.span, f"`{name}` cannot be a member", hint=hint)
        elif name in RESERVED:
            report.add(NAME_CLASH, member.span, f"`{name}` already has a meaning in expressions")
        elif name in seen:
            report.add(BAD_TYPE, member.span, f"member `{name}` stands twice", related=[(seen[name], "the first one")])
        seen.setdefault(name, member.span)
    for label in labelled:
        if label.value not in seen:
            report.add(BAD_TYPE, label.span, f"`{label.value}` is not a member of {what} from that day on")


def _check_members(
    what: str,
    key: Text,
    entries: list[_DatedMembers],
    members: tuple[str, ...],
    labels: Mapping[str, Labels],
    report: Report,
) -> None:
    if len(members) > MOST_MEMBERS:
        report.add(BAD_TYPE, key.span, f"{what} has more than {MOST_MEMBERS} members")
    for entry, following in pairwise(entries):
        if following.day <= entry.day:
            report.add(BAD_TYPE, following.place, "the days of dated values ascend")
    for member in _unlabelled(entries, labels):
        hint = f"`labels: {{{member.value}: {{zh: …, en: …}}}}`"
        report.add(BAD_TYPE, member.span, f"member `{member.value}` of {what} has no label", hint=hint)


def _unlabelled(entries: list[_DatedMembers], labels: Mapping[str, Labels]) -> Iterator[Text]:
    """Each member without a label, where it is first named."""
    first = {member.value: member for entry in reversed(entries) for member in reversed(entry.members)}
    yield from (member for name, member in first.items() if name not in labels)
