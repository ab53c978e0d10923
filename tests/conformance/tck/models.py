"""A DMN model as its file states it: inputs, types, and the logic of decisions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree  # the files of the kit, which nobody posts
from xml.etree.ElementTree import Element

from tests.conformance.tck.values import below, local


@dataclass(frozen=True)
class Literal:
    """FEEL text."""

    text: str


@dataclass(frozen=True)
class Output:
    name: str
    type: str
    values: str
    default: str


@dataclass(frozen=True)
class Table:
    """A decision table; a rule is its input cells and its output cells."""

    hit: str
    aggregation: str
    inputs: tuple[str, ...]
    outputs: tuple[Output, ...]
    rules: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]


@dataclass(frozen=True)
class Context:
    """Named values, each of which the later ones may use; its value is `result`, or all of them."""

    entries: tuple[tuple[str, str, Logic], ...]
    result: Logic | None


@dataclass(frozen=True)
class Invocation:
    function: str
    bindings: tuple[tuple[str, Logic], ...]


@dataclass(frozen=True)
class Relation:
    columns: tuple[str, ...]
    rows: tuple[tuple[Logic, ...], ...]


@dataclass(frozen=True)
class Several:
    """A boxed list."""

    items: tuple[Logic, ...]


@dataclass(frozen=True)
class Unread:
    """Logic that this reader does not know."""

    kind: str


Logic = Literal | Table | Context | Invocation | Relation | Several | Unread


@dataclass(frozen=True)
class Decision:
    """required: names of the decisions, inputs and functions that its logic may use."""

    name: str
    type: str
    logic: Logic
    required: tuple[str, ...]


@dataclass(frozen=True)
class Function:
    """A business knowledge model."""

    parameters: tuple[tuple[str, str], ...]
    logic: Logic


@dataclass(frozen=True)
class ItemType:
    """A declared type: another one's name, or named parts, in so many lists; `allowed` is FEEL text."""

    base: str
    parts: Mapping[str, ItemType] = field(default_factory=dict)
    lists: int = 0
    allowed: str = ""


@dataclass(frozen=True)
class Model:
    """inputs: types by name. services: of each decision service the type that it gives its result, or nothing."""

    inputs: Mapping[str, str]
    decisions: Mapping[str, Decision]
    functions: Mapping[str, Function]
    services: Mapping[str, str]
    types: Mapping[str, ItemType]

    def resolved(self, name: str) -> ItemType:
        """What a type's name stands for, down to FEEL's own types."""
        found = ItemType(name)
        while found.base in self.types:
            inner = self.types[found.base]
            found = ItemType(inner.base, inner.parts, found.lists + inner.lists, inner.allowed)
        return found


def read_model(path: Path) -> Model:
    root = ElementTree.parse(path).getroot()  # noqa: S314  a file of the kit, kept here
    names = {child.get("id", ""): child.get("name", "") for child in root}
    return Model(
        {e.get("name", ""): _type(e) for e in below(root, "inputData")},
        {e.get("name", ""): _decision(e, names) for e in below(root, "decision")},
        {e.get("name", ""): _function(e) for e in below(root, "businessKnowledgeModel")},
        {e.get("name", ""): _type(e) for e in below(root, "decisionService")},
        {e.get("name", ""): _item_type(e) for e in below(root, "itemDefinition")},
    )


def _decision(element: Element, names: Mapping[str, str]) -> Decision:
    hrefs = [
        child.get("href", "").partition("#")[2]
        for requirement in element
        if local(requirement) in ("informationRequirement", "knowledgeRequirement")
        for child in requirement
    ]
    required = tuple(names[href] for href in hrefs if href in names)
    return Decision(element.get("name", ""), _type(element), _only_logic(element), required)


def _function(element: Element) -> Function:
    body = below(element, "encapsulatedLogic")
    if not body:
        return Function((), Unread("a function without logic"))
    parameters = tuple((p.get("name", ""), p.get("typeRef", "")) for p in below(body[0], "formalParameter"))
    return Function(parameters, _only_logic(body[0]))


def _type(element: Element) -> str:
    """The type that the variable of an element declares; empty where it declares none."""
    for variable in below(element, "variable"):
        return variable.get("typeRef", "")
    return ""


def _item_type(element: Element) -> ItemType:
    parts = {part.get("name", ""): _item_type(part) for part in below(element, "itemComponent")}
    base = _text(element, "typeRef") or ("" if parts else "Any")
    return ItemType(base, parts, int(element.get("isCollection") == "true"), _allowed(element))


def _allowed(element: Element) -> str:
    return "".join(_cells(element, "allowedValues"))


def _text(element: Element, name: str) -> str:
    return "".join((child.text or "").strip() for child in below(element, name))


_LOGIC = {
    "literalExpression",
    "decisionTable",
    "context",
    "invocation",
    "relation",
    "list",
    "functionDefinition",
    "conditional",
    "filter",
    "for",
    "some",
    "every",
}


def _only_logic(element: Element) -> Logic:
    for child in element:
        if local(child) in _LOGIC:
            return _logic(child)
    return Unread("no logic")


def _logic(element: Element) -> Logic:
    match local(element):
        case "literalExpression":
            return Literal(_text(element, "text"))
        case "decisionTable":
            return _table(element)
        case "context":
            return _context(element)
        case "invocation":
            bindings = tuple(
                (below(b, "parameter")[0].get("name", ""), _only_logic(b)) for b in below(element, "binding")
            )
            return Invocation(_text(below(element, "literalExpression")[0], "text"), bindings)
        case "relation":
            columns = tuple(c.get("name", "") for c in below(element, "column"))
            return Relation(columns, tuple(tuple(map(_logic, row)) for row in below(element, "row")))
        case "list":
            return Several(tuple(_logic(child) for child in element if local(child) in _LOGIC))
    return Unread(f"boxed {local(element)}")


def _binding(element: Element) -> tuple[str, Logic]:
    return below(element, "parameter")[0].get("name", ""), _only_logic(element)


def _context(element: Element) -> Context:
    entries: list[tuple[str, str, Logic]] = []
    result: Logic | None = None
    for entry in below(element, "contextEntry"):
        names = below(entry, "variable")
        if names:
            entries.append((names[0].get("name", ""), _type(entry), _only_logic(entry)))
        else:
            result = _only_logic(entry)
    return Context(tuple(entries), result)


def _table(element: Element) -> Table:
    rules = tuple(
        (
            tuple(_text(e, "text") for e in below(r, "inputEntry")),
            tuple(_text(e, "text") for e in below(r, "outputEntry")),
        )
        for r in below(element, "rule")
    )
    return Table(
        element.get("hitPolicy", "UNIQUE"),
        element.get("aggregation", ""),
        tuple(_text(below(i, "inputExpression")[0], "text") for i in below(element, "input")),
        tuple(_output(o, element.get("typeRef", "")) for o in below(element, "output")),
        rules,
    )


def _cells(rule: Element, name: str) -> tuple[str, ...]:
    return tuple(_text(cell, "text") for cell in below(rule, name))


def _output(element: Element, type_: str) -> Output:
    values, default = (
        "".join(_text(child, "text") for child in below(element, name))
        for name in ("outputValues", "defaultOutputEntry")
    )
    return Output(element.get("name", ""), element.get("typeRef", type_), values, default)
