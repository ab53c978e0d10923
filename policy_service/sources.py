"""YAML to nodes of text with their places: `5.00` keeps its scale, `on` and `no` stay words."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches

import yaml

from policy_service.diagnostics import Lines, Mapped, Report, Span
from policy_service.diagnostics.catalogue import KEY_DUPLICATE, KEY_MISSING, KEY_UNKNOWN, VALUE_INVALID, YAML_SYNTAX

_ESCAPES = {"x": 2, "u": 4, "U": 8}


@dataclass(frozen=True, slots=True)
class Text:
    """A scalar: its text, and where each of its characters stands."""

    value: str
    span: Span
    origin: Mapped
    plain: bool
    """Written without quotes or block sign, so that `null` means null."""

    @property
    def is_null(self) -> bool:
        return self.plain and self.value in ("", "null", "~")


@dataclass(frozen=True, slots=True)
class Sequence:
    """A YAML sequence."""

    items: tuple["Node", ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Mapping:
    """A YAML mapping in file order; keys are texts."""

    entries: tuple[tuple[Text, "Node"], ...]
    span: Span

    def get(self, key: str) -> "Node | None":
        return next((node for name, node in self.entries if name.value == key), None)

    def key(self, key: str) -> Text | None:
        return next((name for name, _ in self.entries if name.value == key), None)

    def __iter__(self) -> Iterator[tuple[Text, "Node"]]:
        return iter(self.entries)


Node = Text | Sequence | Mapping


def read(file: str, text: str, report: Report) -> Node | None:
    """The root node of one YAML document, or None with the fault reported."""
    lines = Lines(file, text)
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        at = lines.offset(mark.line, mark.column) if mark else 0
        hint = "quote a text that holds `: ` or starts with a sign, and indent with spaces"
        report.add(YAML_SYNTAX, lines.span(at, at + 1), f"not readable as YAML: {error.problem}", hint=hint)
        return None
    except yaml.YAMLError as error:
        report.add(YAML_SYNTAX, lines.span(0, 1), f"not readable as YAML: {error}".splitlines()[0])
        return None
    if root is None:
        report.add(YAML_SYNTAX, lines.span(0, 1), "the file is empty")
        return None
    return _Reader(text, lines, report).node(root)


class _Reader:
    def __init__(self, text: str, lines: Lines, report: Report) -> None:
        self.text, self.lines, self.report = text, lines, report
        self.seen: set[int] = set()

    def node(self, node: yaml.Node) -> Node | None:
        start, end = self._range(node)
        span = self.lines.span(start, end)
        if id(node) in self.seen:
            self.report.add(YAML_SYNTAX, span, "anchors and aliases are not used in rule files",
                            hint="write the value out where it is needed")
            return None
        self.seen.add(id(node))
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, start, end)
        if isinstance(node, yaml.SequenceNode):
            items = [self.node(item) for item in node.value]
            return Sequence(tuple(item for item in items if item is not None), span)
        return self._mapping(node, span)

    def _range(self, node: yaml.Node) -> tuple[int, int]:
        start, end = node.start_mark, node.end_mark
        return self.lines.offset(start.line, start.column), self.lines.offset(end.line, end.column)

    def _mapping(self, node: yaml.Node, span: Span) -> Mapping:
        entries: list[tuple[Text, Node]] = []
        names: dict[str, Span] = {}
        for key_node, value_node in node.value:
            key, value = self.node(key_node), self.node(value_node)
            if not isinstance(key, Text):
                self.report.add(YAML_SYNTAX, self.lines.span(*self._range(key_node)), "a key must be a plain word")
                continue
            if key.value in names:
                self.report.add(KEY_DUPLICATE, key.span, f"key `{key.value}` stands twice",
                                related=[(names[key.value], "the first one")])
                continue
            names[key.value] = key.span
            if value is not None:
                entries.append((key, value))
        return Mapping(tuple(entries), span)

    def _scalar(self, node: yaml.ScalarNode, start: int, end: int) -> Text:
        value: str = node.value
        offsets = list(self._offsets(node.style, value, start, end))
        after = offsets[-1] + 1 if offsets else end
        span = self.lines.span(start, end)
        return Text(value, span, Mapped(self.lines, offsets, after), plain=node.style is None)

    def _offsets(self, style: str | None, value: str, start: int, end: int) -> Iterator[int]:
        """Offset in the file of each character of the scalar's value."""
        raw, at = self.text, start
        if style in ("'", '"'):
            at += 1
        elif style in ("|", ">"):
            at = raw.find("\n", start) + 1
            at += len(raw[at:end]) - len(raw[at:end].lstrip(" \n"))
        fresh = False
        for char in value:
            if style == "'" and char == "'" and raw[at : at + 2] == "''":
                yield at
                at += 2
                continue
            if style == '"' and raw[at : at + 1] == "\\" and raw[at + 1 : at + 2] != "\n":
                yield at
                at += 2 + _ESCAPES.get(raw[at + 1], 0)
                continue
            if fresh or (at < end and raw[at] != char):
                at = self._skip(raw, at, end, char)
            fresh = False
            yield min(at, end)
            if at < end and (raw[at] == char or raw[at] == "\n"):
                fresh = raw[at] == "\n"
                at += 1

    @staticmethod
    def _skip(raw: str, at: int, end: int, char: str) -> int:
        """Past the indentation and line folding that stand before the next character of the value."""
        probe = at
        while probe < end and raw[probe] != char and raw[probe] in " \t\r\n\\":
            probe += 1
        return probe if probe < end and raw[probe] == char else at


class Form:
    """Reads the keys of one mapping and reports those that are unknown, missing or of the wrong form."""

    def __init__(self, node: Node | None, what: str, report: Report, span: Span, allowed: Iterable[str]) -> None:
        self.what, self.report, self.span = what, report, span
        self.mapping: Mapping | None = node if isinstance(node, Mapping) else None
        known = tuple(allowed)
        if node is not None and self.mapping is None:
            report.add(VALUE_INVALID, node.span, f"{what} must be a mapping", hint=f"its keys: {', '.join(known)}")
        for key, _ in self.mapping or ():
            if key.value not in known:
                close = get_close_matches(key.value, known, 1)
                hint = f"did you mean `{close[0]}`?" if close else f"allowed: {', '.join(known)}"
                report.add(KEY_UNKNOWN, key.span, f"{what} has no key `{key.value}`", hint=hint)
        if self.mapping is not None:
            self.span = self.mapping.entries[0][0].span if self.mapping.entries else self.mapping.span

    def has(self, key: str) -> bool:
        return self.mapping is not None and self.mapping.get(key) is not None

    def node(self, key: str, *, required: bool = False) -> Node | None:
        found = self.mapping.get(key) if self.mapping is not None else None
        if found is None and required:
            self.report.add(KEY_MISSING, self.span, f"{self.what} lacks `{key}`")
        return found

    def invalid(self, node: Node, message: str, hint: str | None = None) -> None:
        self.report.add(VALUE_INVALID, node.span, message, hint=hint)

    def text(self, key: str, *, required: bool = False) -> Text | None:
        found = self.node(key, required=required)
        if found is not None and not isinstance(found, Text):
            self.invalid(found, f"`{key}` must be a text")
            return None
        return found

    def word(self, key: str, choices: Iterable[str] | None = None, *, required: bool = False) -> str | None:
        """One word, of the choices when they are given."""
        found = self.text(key, required=required)
        if found is None:
            return None
        known = tuple(choices or ())
        if known and found.value not in known:
            close = get_close_matches(found.value, known, 1)
            self.invalid(found, f"`{key}` cannot be `{found.value}`",
                         f"did you mean `{close[0]}`?" if close else f"one of {', '.join(known)}")
            return None
        return found.value

    def flag(self, key: str) -> bool:
        return self.word(key, ("true", "false")) == "true"

    def integer(self, key: str, *, required: bool = False) -> int | None:
        found = self.text(key, required=required)
        if found is None:
            return None
        if not re.fullmatch(r"-?\d{1,15}", found.value, re.ASCII):
            self.invalid(found, f"`{key}` must be a whole number")
            return None
        return int(found.value)

    def sequence(self, key: str, *, required: bool = False) -> tuple[Node, ...]:
        found = self.node(key, required=required)
        if found is None:
            return ()
        if not isinstance(found, Sequence):
            self.invalid(found, f"`{key}` must be a list")
            return ()
        return found.items

    def words(self, key: str) -> tuple[Text, ...]:
        items = self.sequence(key)
        for item in items:
            if not isinstance(item, Text):
                self.invalid(item, f"`{key}` must be a list of words")
        return tuple(item for item in items if isinstance(item, Text))

    def entries(self, key: str, *, required: bool = False) -> tuple[tuple[Text, Node], ...]:
        found = self.node(key, required=required)
        if found is None or (isinstance(found, Text) and found.is_null):
            return ()
        if not isinstance(found, Mapping):
            self.invalid(found, f"`{key}` must be a mapping")
            return ()
        return found.entries
