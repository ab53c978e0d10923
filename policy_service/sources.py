"""YAML to nodes of text with their places: `5.00` keeps its scale, `on` and `no` stay words."""

import re
from collections.abc import Iterable, Iterator
from collections.abc import Sequence as SequenceOf
from dataclasses import dataclass
from difflib import get_close_matches

import yaml
from yaml.reader import ReaderError

from policy_service.diagnostics import Lines, Mapped, Report, Span
from policy_service.diagnostics.catalogue import KEY_DUPLICATE, KEY_MISSING, KEY_UNKNOWN, VALUE_INVALID, YAML_SYNTAX

NAME = re.compile(r"[a-z][a-z0-9_]*")
_FAST = getattr(yaml, "CSafeLoader", None)
_ESCAPES = {"x": 2, "u": 4, "U": 8}
_BREAKS = re.compile(r"[ \t]*(?:\r?\n[ \t]*)+")
_ESCAPED_BREAK = re.compile(r"\\\r?\n[ \t]*")
_LONG_ESCAPE = re.compile(r"\\U([0-9A-Fa-f]{8})")
_LAST_CHARACTER = 0x10FFFF
_BREAK_ELSEWHERE = re.compile("[\x85\u2028\u2029]|\r(?!\n)")
"""What YAML takes for the end of a line and no editor does: places would not be those that the author sees."""
_NO_TEXT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]")
"""Signs that a file can hold only as an escape, and that no text of an answer may hold."""
_DEEP = 2000
_LEVELS = 100
"""Of mappings and lists inside each other; what reads them goes down level by level."""
Offsets = SequenceOf[int]


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
    reader = _Reader(text, lines, report)
    if (odd := _BREAK_ELSEWHERE.search(text)) is not None:
        _refuse_sign(ord(odd.group()), lines.span(*odd.span()), report, "delete it: lines end in LF or CRLF")
        return None
    try:
        root = _compose(text)
        node = reader.node(root) if root is not None else None
    except yaml.MarkedYAMLError as error:
        at = _place(error, len(text.rstrip()))
        hint = "quote a text that holds `: ` or starts with a sign, and indent with spaces"
        report.add(YAML_SYNTAX, lines.span(at, at + 1), f"not readable as YAML: {error.problem}", hint=hint)
        return None
    except ReaderError as error:
        _refuse_sign(error.character, lines.span(error.position, error.position + 1), report, "delete it")
        return None
    except RecursionError:
        reader.refuse_depth()
        return None
    except (ValueError, OverflowError):  # what PyYAML makes of an escape beyond the last character
        _report_no_character(lines, text, report)
        return None
    if root is None:
        report.add(YAML_SYNTAX, lines.span(0, 1), "the file is empty")
        return None
    return None if reader.refused else node


def _report_no_character(lines: Lines, text: str, report: Report) -> None:
    escapes = [m for m in _LONG_ESCAPE.finditer(text) if int(m[1], 16) > _LAST_CHARACTER]
    for match in escapes[:1]:
        report.add(
            YAML_SYNTAX,
            lines.span(match.start(), match.end()),
            f"`{match.group()}` is no character",
            hint=f"the last one is `\\U{_LAST_CHARACTER:08X}`",
        )


def _refuse_sign(number: int, span: Span, report: Report, hint: str) -> None:
    report.add(YAML_SYNTAX, span, f"a rule file may not hold the sign with number {number:#06x}", hint=hint)


def _place(error: yaml.MarkedYAMLError, end: int) -> int:
    """Where the fault is: what was never closed has its fault where it opens, not at the end of the file."""
    marks = [m.index for m in (error.problem_mark, error.context_mark) if m is not None]
    return next((at for at in marks if at < end), marks[0] if marks else 0)


def _compose(text: str) -> yaml.Node | None:
    """PyYAML's tree. Its C parser is a dozen times faster; what that one refuses, the other explains.

    The C parser overflows the stack on deep nesting, which takes a long line or many brackets.
    """
    shallow = text.count("[") + text.count("{") < _DEEP and all(len(line) < _DEEP for line in text.split("\n"))
    if _FAST is not None and shallow and not text.startswith("\ufeff"):
        try:
            return yaml.compose(text, Loader=_FAST)
        except (yaml.YAMLError, UnicodeEncodeError):
            pass
    return yaml.compose(text, Loader=yaml.SafeLoader)


class _Reader:
    """PyYAML's nodes to ours; `refused` when the file uses YAML that rule files do not."""

    def __init__(self, text: str, lines: Lines, report: Report) -> None:
        self.text, self.lines, self.report = text, lines, report
        self.seen: set[int] = set()
        self.refused = False
        self.level = 0

    def refuse(self, span: Span, message: str, hint: str | None = None) -> None:
        self.refused = True
        self.report.add(YAML_SYNTAX, span, message, hint=hint)

    def refuse_depth(self) -> None:
        self.refuse(self.lines.span(0, 1), "the file is nested too deeply")

    def node(self, node: yaml.Node) -> Node | None:
        if self.level >= _LEVELS:
            self.refuse_depth()
            return None
        self.level += 1
        found = self._node(node)
        self.level -= 1
        return found

    def _node(self, node: yaml.Node) -> Node | None:
        start, end = node.start_mark.index, node.end_mark.index
        span = self.lines.span(start, end)
        if id(node) in self.seen or self.text[start : start + 1] == "&":
            self.refuse(
                span, "anchors and aliases are not used in rule files", "write the value out where it is needed"
            )
            return None
        if self.text[start : start + 1] == "!":
            self.refuse(span, "tags are not used in rule files", "quote a text that starts with `!`")
            return None
        self.seen.add(id(node))
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, start, end)
        if isinstance(node, yaml.SequenceNode):
            items = [self.node(item) for item in node.value]
            return Sequence(tuple(item for item in items if item is not None), span)
        return self._mapping(node, span)

    def _mapping(self, node: yaml.Node, span: Span) -> Mapping:
        entries: list[tuple[Text, Node]] = []
        names: dict[str, Span] = {}
        for key_node, value_node in node.value:
            key, value = self.node(key_node), self.node(value_node)
            if not isinstance(key, Text):
                if key is not None:
                    self.refuse(key.span, "a key must be a plain word", "quote a text that starts with `{` or `[`")
                continue
            if key.value in names:
                self.report.add(
                    KEY_DUPLICATE,
                    key.span,
                    f"key `{key.value}` stands twice",
                    related=[(names[key.value], "the first one")],
                )
                continue
            names[key.value] = key.span
            if value is not None:
                entries.append((key, value))
        return Mapping(tuple(entries), span)

    def _scalar(self, node: yaml.ScalarNode, start: int, end: int) -> Text:
        value, style = node.value, node.style or None
        offsets = self._offsets(style, value, start, end)
        after = offsets[-1] + 1 if offsets else end
        span = self.lines.span(start, end)
        if (odd := _NO_TEXT.search(value)) is not None:
            self.refused = True
            _refuse_sign(ord(odd.group()), span, self.report, "delete it, or write the character itself")
        return Text(value, span, Mapped(self.lines, offsets, after), plain=style is None)

    def _offsets(self, style: str | None, value: str, start: int, end: int) -> Offsets:
        """Offset in the file of each character of the scalar's value."""
        if style in ("|", ">"):
            return _block_offsets(self.text, value, start, end, folded=style == ">")
        inner = (start + 1, end - 1) if style else (start, end)
        if self.text[slice(*inner)] == value:
            return range(*inner)
        return _flow_offsets(self.text, value, *inner, style)


def _flow_offsets(raw: str, value: str, start: int, end: int, style: str | None) -> Offsets:
    """Offsets of a plain or quoted scalar with escapes, or over several lines: each break is folded."""
    out: list[int] = []
    at = start
    while len(out) < len(value):
        if style == '"' and raw[at : at + 1] == "\\":
            if (gap := _ESCAPED_BREAK.match(raw, at, end)) is not None:
                at = gap.end()
                continue
            out.append(at)
            at += 2 + _ESCAPES.get(raw[at + 1 : at + 2], 0)
        elif (gap := _BREAKS.match(raw, at, end)) is not None:
            breaks = [at + i for i, char in enumerate(gap.group()) if char == "\n"]
            out += breaks[: max(1, len(breaks) - 1)]
            at = gap.end()
        else:
            out.append(min(at, end))
            at += 2 if style == "'" and raw[at : at + 2] == "''" else 1
    return out[: len(value)]


def _block_offsets(raw: str, value: str, start: int, end: int, *, folded: bool) -> Offsets:
    """Offsets of a block scalar: literal lines stand one to one, folded ones may be joined by a blank."""
    rows = _rows(raw, raw.find("\n", start) + 1, end)
    filled = [i for i, (first, last) in enumerate(rows) if raw[first:last].strip(" ")]
    shown = value.lstrip("\n")
    indent = 0
    if filled and shown:
        first, last = rows[filled[0]]
        text = raw[first:last]
        indent = len(text) - len(text.lstrip(" ")) - (len(shown) - len(shown.lstrip(" ")))
    out: list[int] = []
    index = 0
    while len(out) < len(value) and index < len(rows):
        first, last = rows[index]
        out += range(min(first + indent, last), last)
        following = next((i for i in filled if i > index), len(rows)) if folded else index + 1
        breaks = [rows[i][1] for i in range(index, following)]
        wanted = _breaks_wanted(value, len(out))
        out += breaks[:wanted] if folded else breaks
        index = following
    return [*out, *(end for _ in range(len(value) - len(out)))][: len(value)]


def _breaks_wanted(value: str, at: int) -> int:
    """How many characters of the value stand for the line breaks at an offset: one blank, or a run of breaks."""
    if value[at : at + 1] == " ":
        return 1
    return len(value[at:]) - len(value[at:].lstrip("\n"))


def _rows(raw: str, start: int, end: int) -> list[tuple[int, int]]:
    """Start and end of each line, without its break."""
    rows, at = [], start
    for line in raw[start:end].split("\n"):
        rows.append((at, at + len(line.removesuffix("\r"))))
        at += len(line) + 1
    return rows


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
        if found is None and required and self.mapping is not None:
            self.report.add(KEY_MISSING, self.span, f"{self.what} lacks `{key}`")
        return found

    def invalid(self, node: Node, message: str, hint: str | None = None) -> None:
        self.report.add(VALUE_INVALID, node.span, message, hint=hint)

    def text(self, key: str, *, required: bool = False, nullable: bool = False) -> Text | None:
        """A single value; `null` is one only where the key may say that there is none."""
        found = self.node(key, required=required)
        if found is None:
            return None
        if not isinstance(found, Text):
            self.invalid(found, f"`{key}` must be a single value")
            return None
        if found.is_null and not nullable:
            self._without_value(key)
            return None
        return found

    def _without_value(self, key: str) -> None:
        name = self.mapping.key(key) if self.mapping is not None else None
        if name is not None:
            self.invalid(name, f"`{key}` has no value", "leave the key out, or give it one")

    def word(self, key: str, choices: Iterable[str] | None = None, *, required: bool = False) -> str | None:
        """One word, of the choices when they are given."""
        found = self.text(key, required=required)
        if found is None:
            return None
        known = tuple(choices or ())
        if known and found.value not in known:
            close = get_close_matches(found.value, known, 1)
            self.invalid(
                found,
                f"`{key}` cannot be `{found.value}`",
                f"did you mean `{close[0]}`?" if close else f"one of {', '.join(known)}",
            )
            return None
        return found.value

    def flag(self, key: str) -> bool:
        return self.word(key, ("true", "false")) == "true"

    def integer(self, key: str, *, required: bool = False) -> int | None:
        found = self.text(key, required=required)
        if found is None:
            return None
        if not re.fullmatch(r"-?(?:0|[1-9]\d{0,14})", found.value, re.ASCII):
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

    def texts(self, key: str) -> dict[str, Text]:
        """The entries of a mapping whose keys are names and whose values are single values."""
        found = {}
        for name, node in self.entries(key):
            if not NAME.fullmatch(name.value):
                self.invalid(name, f"`{name.value}` is not a name", "names are lower case: `[a-z][a-z0-9_]*`")
            if isinstance(node, Text) and not node.is_null:
                found[name.value] = node
            else:
                self.invalid(name, f"`{name.value}` must be a single value")
        return found

    def entries(self, key: str, *, required: bool = False) -> tuple[tuple[Text, Node], ...]:
        found = self.node(key, required=required)
        if found is None:
            return ()
        if isinstance(found, Text) and found.is_null:
            self._without_value(key)
            return ()
        if not isinstance(found, Mapping):
            self.invalid(found, f"`{key}` must be a mapping")
            return ()
        return found.entries
