"""A folder of the kit as a folder of rule files: inputs become facts, logic becomes decisions.

Only names are changed in the kit's expressions; what they mean is for the rule files' own checker to say.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from tests.conformance.tck import models
from tests.conformance.tck.entries import FACTS, POLICY, Entry, Rules, grid_line, quoted
from tests.conformance.tck.kinds import (
    KINDS,
    fact_type,
    literal_kind,
    members,
    output_type,
    posted_kind,
    range_of,
    written_kind,
)
from tests.conformance.tck.kit import Folder
from tests.conformance.tck.names import Known, Scope, renamed
from tests.conformance.tck.values import slug

_HITS = {"COLLECT": "collect", "RULE ORDER": "rule order", "OUTPUT ORDER": "output order"}


class Untranslated(Exception):
    """This reader has no rule files for a construct; the message names it."""


def translate(folder: Folder) -> Rules:
    return _Translation(folder).made()


class _Translation:
    def __init__(self, folder: Folder) -> None:
        self.folder, self.model, self.rules = folder, folder.model, Rules()
        self.inputs: dict[str, Known] = {}

    def made(self) -> Rules:
        for name, type_ in self.model.inputs.items():
            self._input((name,), self.model.resolved(type_), [c.inputs.get(name) for c in self.folder.cases])
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

    def _input(self, path: tuple[str, ...], kind: models.ItemType, values: list[Any]) -> None:
        """A fact for an input, or one for each of its parts."""
        if kind.parts and not kind.lists:
            for name, part in kind.parts.items():
                inner = [v.get(name) if isinstance(v, dict) else None for v in values]
                found = self.model.resolved(part.base) if not part.parts else part
                self._input((*path, name), found, inner)
            return
        fact = self._free(f"given_{slug(path[0])}.f_{'_'.join(map(slug, path[1:])) or 'value'}")
        named = KINDS.get(kind.base, "") or posted_kind(values)
        written = written_kind(kind, named, values)
        more = range_of(values) if written == "number" else ""
        line = f"      {fact.partition('.')[2]}: {{type: {fact_type(written, values)}{more}, "
        future = "may_be_future: true, " if written == "date" else ""
        self.rules.entries[fact] = Entry(FACTS, (f"{line}{future}label: {{zh: 值, en: Value}}}}",), frozenset())
        self.rules.posted[path] = fact
        self.inputs[".".join(path)] = Known(fact, named)

    # ---- decisions

    def _decision(self, decision: models.Decision) -> None:
        scope = self._scope(decision)
        self._logic(self.rules.decisions[decision.name], decision.logic, scope, decision.type)

    def _scope(self, decision: models.Decision) -> dict[str, Known]:
        found: dict[str, Known] = {}
        for name in decision.required:
            found |= {n: k for n, k in self.inputs.items() if n == name or n.startswith(f"{name}.")}
            if name in self.rules.decisions:
                found[name] = Known(self.rules.decisions[name], self._kind(self.model.decisions[name].type))
                found |= self._columns(name)
        return found

    def _columns(self, decision: str) -> dict[str, Known]:
        logic, entry = self.model.decisions[decision].logic, self.rules.decisions[decision]
        if not isinstance(logic, models.Table) or len(logic.outputs) == 1:
            return {}
        return {f"{decision}.{o.name}": Known(f"{entry}.{slug(o.name)}", "") for o in logic.outputs}

    def _kind(self, type_: str) -> str:
        """Of a type's name what rule files call it; empty for lists and contexts."""
        found = self.model.resolved(type_)
        return "" if found.lists or found.parts else KINDS.get(found.base, "")

    def _held_to(self, type_: str) -> str:
        """The type to which the model holds a value; empty for any, and for contexts."""
        found = self.model.resolved(type_)
        kind = KINDS.get(found.base, "")
        return "list of " * found.lists + kind if kind else ""

    def _logic(self, name: str, logic: models.Logic, scope: Scope, type_: str) -> None:
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

    def _expression(self, name: str, text: str, scope: Scope, declared: str = "") -> None:
        written, uses = renamed(text, scope)
        self._add(name, [f"  {name}: {{expression: {quoted(written)}}}"], uses, declared, written)

    def _add(self, name: str, lines: list[str], uses: Iterable[str], declared: str = "", expression: str = "") -> None:
        owners = {u if u in self.rules.entries else u.partition(".")[0] for u in uses}
        self.rules.entries[name] = Entry(POLICY, tuple(lines), frozenset(owners), declared, expression)

    def _helper(self, name: str, part: str, logic: models.Logic, scope: Scope, type_: str) -> Known:
        """A decision of its own for a part of a larger one."""
        helper = self._free(f"{name}_{slug(part)}")
        self.rules.entries[helper] = Entry(POLICY, (), frozenset())  # takes the name
        try:
            self._logic(helper, logic, scope, type_)
        except Untranslated:
            del self.rules.entries[helper]
            raise
        kind = self._kind(type_) or (literal_kind(logic.text, scope) if isinstance(logic, models.Literal) else "")
        return Known(helper, kind)

    def _context(
        self,
        name: str,
        entries: tuple[tuple[str, str, models.Logic], ...],
        result: models.Logic | None,
        scope: Scope,
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

    def _invocation(self, name: str, logic: models.Invocation, scope: Scope, type_: str) -> None:
        """The function's logic, on decisions that stand for its parameters."""
        function = self.model.functions.get(logic.function)
        if function is None:
            raise Untranslated(f"an invocation of `{logic.function}`")
        bound, types = dict(logic.bindings), dict(function.parameters)
        if bound.keys() != types.keys():
            raise Untranslated("an invocation with other parameters than the function has")
        inner = {p: self._helper(name, p, bound[p], scope, types[p]) for p in bound}
        self._logic(name, function.logic, inner, type_)

    def _relation(self, name: str, logic: models.Relation, scope: Scope, type_: str) -> None:
        parts = self.model.resolved(type_).parts
        kinds = {c: self._kind(parts[c].base) if c in parts else "" for c in logic.columns}
        columns = [
            f"{slug(column)}: {output_type(kinds[column], [_literal(cells[at]) for cells in logic.rows])}"
            for at, column in enumerate(logic.columns)
        ]
        lines, uses = [f"  {name}:", "    relation: |", grid_line("row", *columns)], set[str]()
        for at, row in enumerate(logic.rows):
            cells = [renamed(_literal(cell), scope) for cell in row]
            uses |= {u for _, found in cells for u in found}
            lines.append(grid_line(f"r{at + 1}", *(text for text, _ in cells)))
        self._add(name, lines, uses)

    def _table(self, name: str, table: models.Table, scope: Scope, type_: str) -> None:
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
        lines.append(grid_line("row", *map(written, table.inputs), *outputs))
        for at, (cells, answers) in enumerate(table.rules):
            lines.append(grid_line(f"r{at + 1}", *(written(c) or "-" for c in cells), *map(written, answers)))
        self._add(name, lines, uses)

    def _column_type(self, table: models.Table, at: int, scope: Scope, type_: str) -> str:
        """The type of an output: its enumeration where its order matters, else what is declared or written."""
        output, cells = table.outputs[at], [answers[at] for _, answers in table.rules]
        declared = self.model.resolved(output.type or type_)
        allowed = members(output.values or declared.allowed)
        if table.hit in ("PRIORITY", "OUTPUT ORDER") and allowed:
            return f"enum({', '.join(allowed)})"
        kinds = {literal_kind(c, scope) for c in cells}
        kind = KINDS.get(declared.base, "") or (kinds.pop() if len(kinds) == 1 else "")
        if not kind:
            raise Untranslated("a table whose output has no type")
        return "integer" if table.aggregation == "COUNT" else output_type(kind, [*cells, output.default])


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


def _default(table: models.Table, names: list[str], written: Callable[[str], str]) -> Iterator[str]:
    defaults = [o.default for o in table.outputs]
    if all(defaults) and len(names) > 1:
        columns = (f"{n}: {quoted(written(d))}" for n, d in zip(names, defaults, strict=True))
        yield f"    default: {{{', '.join(columns)}}}"
    elif all(defaults):
        yield f"    default: {quoted(written(defaults[0]))}"
    elif table.hit in ("UNIQUE", "ANY", "FIRST", "PRIORITY"):
        yield "    default: null"
