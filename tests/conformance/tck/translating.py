"""A folder of the kit as a folder of rule files: inputs become facts, logic becomes decisions.

Only names are changed in the kit's expressions; what they mean is for the rule files' own checker to say.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from policy_service.diagnostics import Report
from policy_service.diagnostics.location import plain
from policy_service.language.builtins import SPACED_NAMES
from policy_service.language.tokens import Vocabulary, tokenize
from tests.conformance.tck import models
from tests.conformance.tck.kit import Folder
from tests.conformance.tck.values import Days, Months, Other, slug

FACTS, POLICY, FRAME = "facts.yaml", "tck/kit.yaml", "bundle.yaml"
_FACTS_HEAD = """\
basis: assumed
sections:
  merchant:
    label: {zh: 商家, en: Merchant}
    facts:
      id: {type: id, label: {zh: 编号, en: Id}}
"""
_POLICY_HEAD = """\
policy: tck.kit
title: {zh: 测试, en: Kit}
subject: merchant
effective: {from: 2000-01-01, basis: assumed}
basis: assumed
optional: ["*"]
decisions:
"""
_KINDS = {
    "number": "number",
    "string": "text",
    "boolean": "boolean",
    "date": "date",
    "days and time duration": "duration",
    "dayTimeDuration": "duration",
    "years and months duration": "months",
    "yearMonthDuration": "months",
    "time": "time",
    "date and time": "datetime",
    "dateTime": "datetime",
}
"""Of FEEL's types what rule files call them; those that rule files do not have keep a name of their own."""
_VALUE_KINDS = {bool: "boolean", str: "text", Decimal: "number", date: "date", Days: "duration", Months: "months"}
_HITS = {"COLLECT": "collect", "RULE ORDER": "rule order", "OUTPUT ORDER": "output order"}
_STRINGS = re.compile(r'\s*"((?:[^"\\]|\\.)*)"\s*')


class Untranslated(Exception):
    """This reader has no rule files for a construct; the message names it."""


@dataclass(frozen=True)
class Entry:
    """One fact or decision of the generated folder.

    lines: as they stand in their file.
    uses: names of entries that it reads.
    declared: the type that the model gives the value of an expression, as rule files call it; empty for any.
    expression: its text, of a decision that is one.
    """

    file: str
    lines: tuple[str, ...]
    uses: frozenset[str]
    declared: str = ""
    expression: str = ""


@dataclass
class Rules:
    """The generated folder.

    entries: by name, `section.fact` or a decision's.
    decisions: names of entries by the names of the kit's decisions.
    posted: the entry of each input or part of one, by its path of names.
    untranslated: why, by names of the kit's decisions.
    """

    entries: dict[str, Entry] = field(default_factory=dict)
    decisions: dict[str, str] = field(default_factory=dict)
    posted: dict[tuple[str, ...], str] = field(default_factory=dict)
    untranslated: dict[str, str] = field(default_factory=dict)


def sources(entries: Mapping[str, Entry]) -> tuple[dict[str, str], dict[tuple[str, int], str]]:
    """The texts of the files, and which entry stands at each file and line."""
    texts, owners = {FACTS: _FACTS_HEAD, POLICY: _POLICY_HEAD, FRAME: "time_zone: Asia/Shanghai\n"}, {}
    begun = set[str]()
    for name, entry in sorted(entries.items(), key=lambda one: one[0].partition(".")[0]):
        section = name.partition(".")[0]
        if entry.file == FACTS and section not in begun:
            begun.add(section)
            texts[FACTS] += f"  {section}:\n    label: {{zh: 输入, en: Input}}\n    facts:\n"
        for line in entry.lines:
            texts[entry.file] += line + "\n"
            owners[entry.file, texts[entry.file].count("\n")] = name
    if texts[POLICY] == _POLICY_HEAD:
        texts[POLICY] += "  nothing: {expression: 'null'}\n"
    return texts, owners


def as_column(name: str, entry: Entry) -> Entry:
    """The expression as a column of a relation, which is where rule files declare a type."""
    kind = "decimal(6)" if entry.declared == "number" else entry.declared
    lines = (f"  {name}:", "    relation: |", _row("row", f"value: {kind}"), _row("r1", entry.expression))
    return Entry(POLICY, lines, entry.uses)


def translate(folder: Folder) -> Rules:
    return _Translation(folder).made()


@dataclass(frozen=True)
class _Known:
    """What a name stands for in rule files; kind as in _KINDS, empty where it is not known."""

    text: str
    kind: str


_Scope = Mapping[str, _Known]


class _Translation:
    def __init__(self, folder: Folder) -> None:
        self.folder, self.model, self.rules = folder, folder.model, Rules()
        self.inputs: dict[str, _Known] = {}
        self.outputs: dict[str, dict[str, _Known]] = {}

    def made(self) -> Rules:
        for name, type_ in self.model.inputs.items():
            self._input((name,), type_, self.model.resolved(type_), [c.inputs.get(name) for c in self.folder.cases])
        for name in self.model.decisions:
            self.rules.decisions[name] = self._free(f"d_{slug(name)}")
        for decision in self.model.decisions.values():
            try:
                self._decision(decision)
            except Untranslated as error:
                self.rules.untranslated[decision.name] = str(error)
        return self.rules

    def _free(self, name: str) -> str:
        """The name, or one like it that no entry has."""
        taken = {*self.rules.entries, *self.rules.decisions.values()}
        names = (name, *(f"{name}_{at}" for at in range(2, len(taken) + 3)))
        return next(one for one in names if one not in taken)

    # ---- inputs

    def _input(self, path: tuple[str, ...], type_: str, kind: models.ItemType, values: list[Any]) -> None:
        """A fact for an input, or one for each of its parts."""
        if kind.parts and not kind.lists:
            for name, part in kind.parts.items():
                inner = [v.get(name) if isinstance(v, dict) else None for v in values]
                found = self.model.resolved(part.base) if not part.parts else part
                self._input((*path, name), part.base, found, inner)
            return
        fact = self._free(f"given_{slug(path[0])}.f_{'_'.join(map(slug, path[1:])) or 'value'}")
        named = _KINDS.get(kind.base, "") or _posted_kind(values)
        written = _written_kind(kind, named, values)
        more = _range(values) if written == "number" else ""
        line = f"      {fact.partition('.')[2]}: {{type: {_fact_type(written, values)}{more}, "
        future = "may_be_future: true, " if written == "date" else ""
        self.rules.entries[fact] = Entry(FACTS, (f"{line}{future}label: {{zh: 值, en: Value}}}}",), frozenset())
        self.rules.posted[path] = fact
        self.inputs[".".join(path)] = _Known(fact, named)

    # ---- decisions

    def _decision(self, decision: models.Decision) -> None:
        scope = self._scope(decision)
        self._logic(self.rules.decisions[decision.name], decision.logic, scope, decision.type)

    def _scope(self, decision: models.Decision) -> dict[str, _Known]:
        found: dict[str, _Known] = {}
        for name in decision.required:
            found |= {n: k for n, k in self.inputs.items() if n == name or n.startswith(f"{name}.")}
            if name in self.rules.decisions:
                found[name] = _Known(self.rules.decisions[name], self._kind(self.model.decisions[name].type))
                found |= self._columns(name)
        return found

    def _columns(self, decision: str) -> dict[str, _Known]:
        logic, entry = self.model.decisions[decision].logic, self.rules.decisions[decision]
        if not isinstance(logic, models.Table) or len(logic.outputs) == 1:
            return {}
        return {f"{decision}.{o.name}": _Known(f"{entry}.{slug(o.name)}", "") for o in logic.outputs}

    def _kind(self, type_: str) -> str:
        """Of a type's name what rule files call it; empty for lists and contexts."""
        found = self.model.resolved(type_)
        return "" if found.lists or found.parts else _KINDS.get(found.base, "")

    def _held_to(self, type_: str) -> str:
        """The type to which the model holds a value; empty for any, and for contexts."""
        found = self.model.resolved(type_)
        kind = _KINDS.get(found.base, "")
        return "list of " * found.lists + kind if kind else ""

    def _logic(self, name: str, logic: models.Logic, scope: _Scope, type_: str) -> None:
        """Adds the entry of a name, and before it those that it needs."""
        match logic:
            case models.Literal(text):
                self._expression(name, text, scope, self._held_to(type_))
            case models.Table():
                self._table(name, logic, scope, type_)
            case models.Context(entries, result):
                self._context(name, entries, result, scope, type_)
            case models.Invocation():
                self._invocation(name, logic, scope, type_)
            case models.Relation():
                self._relation(name, logic, scope, type_)
            case models.Several():
                self._expression(name, text_of(logic), scope, self._held_to(type_))
            case models.Unread(kind):
                raise Untranslated(kind)

    def _expression(self, name: str, text: str, scope: _Scope, declared: str = "") -> None:
        written, uses = renamed(text, scope)
        self._add(name, [f"  {name}: {{expression: {_quoted(written)}}}"], uses, declared, written)

    def _add(self, name: str, lines: list[str], uses: Iterable[str], declared: str = "", expression: str = "") -> None:
        owners = {u if u in self.rules.entries else u.partition(".")[0] for u in uses}
        self.rules.entries[name] = Entry(POLICY, tuple(lines), frozenset(owners), declared, expression)

    def _helper(self, name: str, part: str, logic: models.Logic, scope: _Scope, type_: str) -> _Known:
        """A decision of its own for a part of a larger one."""
        helper = self._free(f"{name}_{slug(part)}")
        self.rules.entries[helper] = Entry(POLICY, (), frozenset())  # takes the name
        try:
            self._logic(helper, logic, scope, type_)
        except Untranslated:
            del self.rules.entries[helper]
            raise
        kind = self._kind(type_) or (_literal_kind(logic.text, scope) if isinstance(logic, models.Literal) else "")
        return _Known(helper, kind)

    def _context(
        self,
        name: str,
        entries: tuple[tuple[str, str, models.Logic], ...],
        result: models.Logic | None,
        scope: _Scope,
        type_: str,
    ) -> None:
        if result is None:
            self._expression(name, text_of(models.Context(entries, None)), scope)
            return
        inner = dict(scope)
        for entry, entry_type, logic in entries:
            if isinstance(logic, models.Context) and logic.result is None:
                raise Untranslated("a context that is the value of a name in a context")
            inner[entry] = self._helper(name, entry, logic, inner, entry_type)
        self._logic(name, result, inner, type_)

    def _invocation(self, name: str, logic: models.Invocation, scope: _Scope, type_: str) -> None:
        """The function's logic, on decisions that stand for its parameters."""
        function = self.model.functions.get(logic.function)
        if function is None:
            raise Untranslated(f"an invocation of `{logic.function}`")
        bound, types = dict(logic.bindings), dict(function.parameters)
        if bound.keys() != types.keys():
            raise Untranslated("an invocation with other parameters than the function has")
        inner = {p: self._helper(name, p, bound[p], scope, types[p]) for p in bound}
        self._logic(name, function.logic, inner, type_)

    def _relation(self, name: str, logic: models.Relation, scope: _Scope, type_: str) -> None:
        parts = self.model.resolved(type_).parts
        kinds = {c: self._kind(parts[c].base) if c in parts else "" for c in logic.columns}
        columns = [f"{slug(c)}: {_output_type(kinds[c], [_literal(row[at]) for row in logic.rows])}"
                   for at, c in enumerate(logic.columns)]  # fmt: skip
        lines, uses = [f"  {name}:", "    relation: |", _row("row", *columns)], set[str]()
        for at, row in enumerate(logic.rows):
            cells = [renamed(_literal(cell), scope) for cell in row]
            uses |= {u for _, found in cells for u in found}
            lines.append(_row(f"r{at + 1}", *(text for text, _ in cells)))
        self._add(name, lines, uses)

    def _table(self, name: str, table: models.Table, scope: _Scope, type_: str) -> None:
        uses: set[str] = set()

        def written(text: str) -> str:
            found, names = renamed(text, scope)
            uses.update(names)
            return found

        hit = _HITS.get(table.hit, table.hit.lower()) + (f" {table.aggregation.lower()}" if table.aggregation else "")
        names = [slug(o.name or "value") for o in table.outputs]
        types = [
            self._column_type(table, at, scope, "" if len(names) > 1 else type_) for at in range(len(table.outputs))
        ]
        lines = [f"  {name}:", f"    hit: {hit}", *_default(table, names, written), "    table: |"]
        outputs = [f"=> {n}: {t}" for n, t in zip(names, types, strict=True)]
        lines.append(_row("row", *map(written, table.inputs), *outputs))
        for at, (cells, answers) in enumerate(table.rules):
            lines.append(_row(f"r{at + 1}", *(written(c) or "-" for c in cells), *map(written, answers)))
        self._add(name, lines, uses)

    def _column_type(self, table: models.Table, at: int, scope: _Scope, type_: str) -> str:
        """The type of an output: its enumeration where its order matters, else what is declared or written."""
        output, cells = table.outputs[at], [answers[at] for _, answers in table.rules]
        declared = self.model.resolved(output.type or type_)
        allowed = _members(output.values or declared.allowed)
        if table.hit in ("PRIORITY", "OUTPUT ORDER") and allowed:
            return f"enum({', '.join(allowed)})"
        kinds = {_literal_kind(c, scope) for c in cells}
        kind = _KINDS.get(declared.base, "") or (kinds.pop() if len(kinds) == 1 else "")
        if not kind:
            raise Untranslated("a table whose output has no type")
        return "integer" if table.aggregation == "COUNT" else _output_type(kind, [*cells, output.default])


def renamed(text: str, scope: _Scope) -> tuple[str, set[str]]:
    """The text with the names of the scope as rule files write them, and which of these it holds."""
    one_line = " ".join(text.split("\n"))
    tokens = tokenize(one_line, plain(one_line), Vocabulary({*SPACED_NAMES, *scope}), Report(), cell=False) or []
    out, at, uses = [], 0, set()
    for index, token in enumerate(tokens):
        before, after = (tokens[i].type if 0 <= i < len(tokens) else "" for i in (index - 1, index + 1))
        if token.type != "NAME" or token.value not in scope or before == "DOT" or after == "COLON":
            continue
        known = scope[token.value]
        uses.add(known.text)
        out += [one_line[at : token.start_pos], known.text]
        at = token.end_pos or 0
    return "".join([*out, one_line[at:]]), uses


def text_of(logic: models.Logic) -> str:
    """FEEL text of a boxed list or context."""
    match logic:
        case models.Literal(text):
            return text
        case models.Several(items):
            return f"[{', '.join(map(text_of, items))}]"
        case models.Context(entries, None):
            return f"{{{', '.join(f'{json.dumps(name)}: {text_of(value)}' for name, _, value in entries)}}}"
    raise Untranslated(f"a {type(logic).__name__.lower()} inside a boxed value")


def _literal(logic: models.Logic) -> str:
    if not isinstance(logic, models.Literal):
        raise Untranslated("a relation with boxed cells")
    return logic.text


def _quoted(text: str) -> str:
    """A scalar of YAML on one line."""
    return json.dumps(text, ensure_ascii=False)


def _row(*cells: str) -> str:
    return f"      | {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _default(table: models.Table, names: list[str], written: Any) -> Iterator[str]:
    defaults = [o.default for o in table.outputs]
    if all(defaults) and len(names) > 1:
        columns = (f"{n}: {_quoted(written(d))}" for n, d in zip(names, defaults, strict=True))
        yield f"    default: {{{', '.join(columns)}}}"
    elif all(defaults):
        yield f"    default: {_quoted(written(defaults[0]))}"
    elif table.hit in ("UNIQUE", "ANY", "FIRST", "PRIORITY"):
        yield "    default: null"


def _members(text: str) -> list[str]:
    return [match[1] for match in _STRINGS.finditer(text)]


def _literal_kind(text: str, scope: _Scope) -> str:
    """The kind of a literal or a known name; empty for anything else."""
    if text in scope:
        return scope[text].kind
    if _STRINGS.fullmatch(text):
        return "text"
    if text in ("true", "false"):
        return "boolean"
    return "number" if _is_number(text) else ""


def _is_number(text: str) -> bool:
    return re.fullmatch(r"-?\d+(?:\.\d+)?", text) is not None


def _output_type(kind: str, cells: list[str]) -> str:
    """The declared type of a column; a number with the most decimals that its cells hold, or all of them."""
    if kind != "number":
        return kind
    written = [c for c in cells if c]
    if not all(map(_is_number, written)):
        return "decimal(6)"
    return _number_type([Decimal(c) for c in written])


def _number_type(values: list[Decimal]) -> str:
    scale = max((max(0, -int(v.normalize().as_tuple().exponent)) for v in values), default=0)
    return f"decimal({scale})" if scale else "integer"


def _any(values: list[Any], kind: type) -> bool:
    return any(isinstance(v, kind) for v in values)


def _written_kind(kind: models.ItemType, named: str, values: list[Any]) -> str:
    """The type of a fact as its declaration writes it; the checker says whether there is such a type."""
    lists = kind.lists or int(kind.base not in _KINDS and _any(values, list))
    return "list of " * lists + (named or "record") if lists else named or kind.base or "record"


def _posted_kind(values: list[Any]) -> str:
    """The kind of values whose type is not declared."""
    for value in values:
        if isinstance(value, Other):
            return value.kind.replace(" and ", "")
        if value is not None:
            return _VALUE_KINDS.get(type(value), "")
    return ""


def _fact_type(kind: str, values: list[Any]) -> str:
    return _number_type([v for v in values if isinstance(v, Decimal)]) if kind == "number" else kind


def _range(values: list[Any]) -> str:
    """From a power of ten to a power of ten around what is posted."""
    most = max((abs(v) for v in values if isinstance(v, Decimal)), default=Decimal(0))
    bound = 10 ** max(1, len(str(int(most))))
    return f", range: [-{bound}, {bound}]"
