"""The declared facts: what callers may post, with type, unit, range and label."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import cached_property

from policy_service.diagnostics import NOWHERE, Report, Span
from policy_service.diagnostics.catalogue import FACT_DECLARATION, NAME_CLASH
from policy_service.facts.labels import RESERVED, Labels, read_labels
from policy_service.facts.named_types import NO_TYPES, NamedTypes
from policy_service.language import references, types
from policy_service.language.checking import FAULTY
from policy_service.language.typed import Load
from policy_service.language.typed import Node as TypedNode
from policy_service.language.types import Type
from policy_service.language.values import parse_number, scaled
from policy_service.sources import NAME, Form, Node, Text

FIRST_DAY, LAST_DAY = date(1900, 1, 1), date(2199, 12, 31)
"""Days that a fact or `as_of` may be; far inside the calendar, so that adding durations cannot leave it."""
MAX_TEXT, LONGEST_TEXT = 200, 10_000
"""`max_length` of a text, in characters: the default, and the most that a fact may declare."""
_SECTION_KEYS = ("label", "element", "facts")
_FACT_KEYS = (
    "type",
    "unit",
    "scale",
    "range",
    "label",
    "values",
    "max_length",
    "sensitive",
    "actionable",
    "definition",
    "window",
    "reduce",
    "may_be_future",
    "basis",
    "source",
)


@dataclass(frozen=True, slots=True)
class Actionable:
    """How a merchant can change a fact.

    direction: in which it can be changed: `up`, `down`, `true`, `false` or `any`.
    step: the smallest change, in the unit of the fact.
    effort: of one step.
    """

    direction: str
    step: Decimal
    effort: Decimal


@dataclass(frozen=True, slots=True)
class Fact:
    """One declared fact, posted as `key` of a section.

    reference: as expressions name it; a fact of a list by the name of one element.
    max_length: of a text, in characters.
    values: labels by member, of an enumeration.
    """

    section: str
    key: str
    reference: references.Fact
    type: Type
    label: Labels
    unit: str | None = None
    is_id: bool = False
    max_length: int = MAX_TEXT
    values: Mapping[str, Labels] = field(default_factory=dict)
    sensitive: bool = False
    may_be_future: bool = False
    actionable: Actionable | None = None
    definition: Labels | None = None
    window: Mapping[str, str] | None = None
    reduce: str | None = None
    basis: str | None = None
    source: Mapping[str, str] | None = None
    span: Span = NOWHERE

    @property
    def name(self) -> str:
        """As expressions write it."""
        return self.reference.name


@dataclass(frozen=True, slots=True)
class Section:
    """Facts posted together.

    element: of a list, the name of one element; null for a single section.
    """

    name: str
    label: Labels
    element: str | None
    facts: Mapping[str, Fact]

    @property
    def prefix(self) -> str:
        return self.element or self.name

    @property
    def has_id(self) -> bool:
        return "id" in self.facts


@dataclass(frozen=True)
class Dictionary:
    """All sections, in file order.

    faulty: names of facts whose declaration has a fault.
    """

    sections: Mapping[str, Section]
    faulty: frozenset[str] = frozenset()

    @cached_property
    def by_name(self) -> Mapping[str, Fact]:
        """Facts by the name that expressions use."""
        return {fact.name: fact for fact in self}

    @cached_property
    def subjects(self) -> Mapping[str, Section]:
        """Sections that can be the subject of a policy, by the subject's word."""
        return {s.prefix: s for s in self.sections.values() if s.has_id}

    def __iter__(self) -> Iterator[Fact]:
        for section in self.sections.values():
            yield from section.facts.values()

    def names(self, subject: str) -> dict[str, TypedNode]:
        """The facts that a policy of a subject can read, by name; those of a list only if it is about its elements."""
        seen = [s for s in self.sections.values() if s.element is None or s.element == subject]
        return dict.fromkeys(self.faulty, FAULTY) | {
            f.name: Load(f.type, f.reference) for s in seen for f in s.facts.values()
        }

    def hidden(self, subject: str) -> dict[str, str]:
        """The facts that a policy of a subject cannot read, each with the reason."""
        others = [s for s in self.sections.values() if s.element not in (None, subject)]
        return {
            f.name: f"is known per {s.element}, the policy is judged per {subject}"
            for s in others
            for f in s.facts.values()
        }


def read_dictionary(root: Node, report: Report, named: NamedTypes = NO_TYPES) -> Dictionary:
    """Read the dictionary from facts.yaml; every fault is reported.

    Args:
        named: types that facts may have, from types.yaml.
    """
    form = Form(root, "facts.yaml", report, root.span, ("sections", "basis", "source"))
    basis = form.word("basis", ("stated", "assumed"))
    sections: dict[str, Section] = {}
    prefixes: dict[str, Span] = {}
    faulty: set[str] = set()
    for key, node in form.entries("sections", required=True):
        inner = Form(node, f"section `{key.value}`", report, key.span, _SECTION_KEYS)
        element = inner.text("element")
        prefix = element.value if element is not None else key.value
        _check_prefix(element or key, prefixes, report)
        if element is not None:
            _check_name(key, report)
        label = (
            read_labels(inner.node("label"), f"section `{key.value}`", report, key.span, "label")
            if inner.mapping is not None
            else {}
        )
        facts: dict[str, Fact] = {}
        for name, value in inner.entries("facts", required=True):
            fact = _fact(key.value, prefix, name, value, basis, report, named)
            if fact is None:
                faulty.add(f"{prefix}.{name.value}")
            else:
                facts[name.value] = fact
        sections[key.value] = Section(key.value, label, element.value if element is not None else None, facts)
    return Dictionary(sections, frozenset(faulty))


def _check_prefix(text: Text, prefixes: dict[str, Span], report: Report) -> None:
    _check_name(text, report)
    if text.value in RESERVED:
        report.add(NAME_CLASH, text.span, f"`{text.value}` already has a meaning in expressions")
    if text.value in prefixes:
        report.add(
            NAME_CLASH,
            text.span,
            f"`{text.value}` already names a section or its elements",
            related=[(prefixes[text.value], "declared here")],
        )
    prefixes.setdefault(text.value, text.span)


def _check_name(text: Text, report: Report) -> None:
    if not NAME.fullmatch(text.value):
        report.add(
            FACT_DECLARATION, text.span, f"`{text.value}` is not a name", hint="names are lower case: `[a-z][a-z0-9_]*`"
        )


def _fact(
    section: str, prefix: str, key: Text, node: Node, basis: str | None, report: Report, named: NamedTypes
) -> Fact | None:
    what = f"fact `{prefix}.{key.value}`"
    _check_name(key, report)
    form = Form(node, what, report, key.span, _FACT_KEYS)
    type_text = form.text("type", required=True)
    if type_text is None:
        return None
    if key.value == "id" and type_text.value != "id":
        report.add(
            FACT_DECLARATION,
            type_text.span,
            f"{what} names a subject, its type is `id`",
            hint="`type: id`; call a fact of another type something else",
        )
    label = read_labels(form.node("label"), what, report, key.span, "label")
    values: Mapping[str, Labels] = {
        k.value: read_labels(v, f"value `{k.value}` of {what}", report, k.span, "") for k, v in form.entries("values")
    }
    _check_values(form, report)
    declared = named.by_name.get(type_text.value)
    if declared is not None:
        _check_no_values(form, what, type_text.value, report)
        values = declared.labels
    kind = declared.kind if declared is not None else _type(type_text, form, tuple(values), what, report, named)
    if kind is None:
        return None
    _check_keys(kind, form, what, report)
    window = {name: text.value for name, text in form.texts("window").items()} or None
    definition = form.node("definition")
    source = {name: text.value for name, text in form.texts("source").items()} or None
    return Fact(
        section,
        key.value,
        references.Fact(prefix, key.value),
        kind,
        label,
        unit=form.word("unit"),
        is_id=type_text.value == "id",
        max_length=_max_length(form),
        values=values,
        sensitive=form.flag("sensitive"),
        may_be_future=form.flag("may_be_future"),
        actionable=_actionable(form, what, report),
        window=window,
        definition=read_labels(definition, what, report, key.span, "definition") if definition is not None else None,
        reduce=form.word("reduce", ("floor", "half_up")),
        basis=form.word("basis", ("stated", "assumed")) or basis,
        source=source,
        span=key.span,
    )


def _check_values(form: Form, report: Report) -> None:
    """Check that the members of an enumeration are short, printable texts."""
    for key, _ in form.entries("values"):
        text = key.value
        if not 1 <= len(text) <= MAX_TEXT or not text.isprintable() or max(text) > "\ud7ff":
            hint = f"1 to {MAX_TEXT} characters up to U+D7FF, none of them a control sign"
            report.add(FACT_DECLARATION, key.span, "a value of an enum must be a plain text", hint=hint)


def _max_length(form: Form) -> int:
    found = form.integer("max_length")
    if found is not None and not 1 <= found <= LONGEST_TEXT and (text := form.text("max_length")) is not None:
        form.invalid(text, f"`max_length` is from 1 to {LONGEST_TEXT}")
    return found or MAX_TEXT


def _check_keys(kind: Type, form: Form, what: str, report: Report) -> None:
    """Report keys that have no meaning for the type of the fact."""
    belongs = {
        "range": types.Number,
        "scale": types.Number,
        "unit": types.Number,
        "reduce": types.Number,
        "values": types.Enum,
        "max_length": types.Text,
        "may_be_future": types.Date,
    }
    for key, owner in belongs.items():
        if form.mapping is not None and (name := form.mapping.key(key)) is not None and not isinstance(kind, owner):
            report.add(FACT_DECLARATION, name.span, f"{what} is a {types.kind(kind)}, `{key}` has no meaning for it")


def _check_no_values(form: Form, what: str, name: str, report: Report) -> None:
    """Report `values` of a fact of a named type: its members are declared in types.yaml."""
    if form.mapping is not None and (values := form.mapping.key("values")) is not None:
        report.add(FACT_DECLARATION, values.span, f"the values of {what} stand in types.yaml, under `{name}`")


def _type(
    text: Text, form: Form, members: tuple[str, ...], what: str, report: Report, named: NamedTypes
) -> Type | None:
    name = text.value
    if name in ("id", "text"):
        return types.Text()
    if name == "enum":
        if not members:
            report.add(FACT_DECLARATION, text.span, f"{what} is an enum without `values`")
            return None
        return types.Enum(members)
    scale = form.integer("scale")
    if name == "decimal" and scale is not None:
        name = f"decimal({scale})"
    kind = types.declared_type(name)
    if name == text.value and isinstance(kind, types.Number) and (twice := form.text("scale")) is not None:
        hint = "leave `scale` out: it belongs to `type: decimal`"
        report.add(FACT_DECLARATION, twice.span, f"`{name}` says the decimals of {what} already", hint=hint)
        return None
    if isinstance(kind, types.Number):
        return _number(kind, text, form, what, report)
    if isinstance(kind, types.Date):
        return types.Date(FIRST_DAY.toordinal(), LAST_DAY.toordinal())
    if kind is None and named.is_faulty(name):
        return None
    if kind is None or isinstance(kind, types.Enum):
        report.add(
            FACT_DECLARATION,
            text.span,
            f"{what} cannot be of type `{text.value}`",
            hint=", ".join(("one of integer, decimal(N), boolean, date, duration, text, enum, id", *named.by_name)),
        )
        return None
    return kind


def _number(kind: types.Number, text: Text, form: Form, what: str, report: Report) -> Type | None:
    ends = form.words("range")
    if len(ends) != 2:
        report.add(FACT_DECLARATION, text.span, f"{what} is a number without `range: [lowest, highest]`")
        return None
    bounds = []
    for end in ends:
        exact = parse_number(end.value)
        bound = scaled(exact, kind.scale) if exact is not None else None
        if bound is None or abs(bound) > types.MAX_VALUE:
            report.add(FACT_DECLARATION, end.span, f"`{end.value}` is no {kind} of at most 15 digits")
            return None
        bounds.append(bound)
    if bounds[0] > bounds[1]:
        report.add(FACT_DECLARATION, ends[0].span, f"the range of {what} is empty")
        return None
    return types.Number(kind.scale, bounds[0], bounds[1], form.word("unit"))


def _actionable(form: Form, what: str, report: Report) -> Actionable | None:
    node = form.node("actionable")
    if node is None:
        return None
    inner = Form(node, f"`actionable` of {what}", report, node.span, ("direction", "step", "effort", "basis"))
    direction = inner.word("direction", ("up", "down", "true", "false", "any"), required=True)
    numbers = []
    for key in ("step", "effort"):
        text = inner.text(key)
        number = parse_number(text.value) if text else Decimal(1)
        if number is None or number <= 0:
            report.add(FACT_DECLARATION, (text or node).span, f"`{key}` must be a number above 0")
            return None
        numbers.append(number)
    return Actionable(direction, numbers[0], numbers[1]) if direction else None
