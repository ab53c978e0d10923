"""UNIQUE tables two of whose rows match one input; FIRST rows behind a row that takes all of theirs; empty cells.

Decided here without a solver where every input of the table is a fact of its own and every end point is
constant on the day: then rows are boxes, and boxes overlap when all their sides do.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from policy_service.diagnostics import Report
from policy_service.diagnostics.catalogue import ROW_OVERLAP, ROW_UNREACHABLE
from policy_service.language import typed, types
from policy_service.language.values import shown
from policy_service.policies.model import Policy, Row, Rules, Table


@dataclass(frozen=True, slots=True)
class _Side:
    """The values a cell admits: integers as intervals, other values as a set, null apart."""

    intervals: tuple[tuple[int, int], ...] = ()
    members: frozenset[Any] = frozenset()
    null: bool = False

    @property
    def is_empty(self) -> bool:
        return not (self.intervals or self.members or self.null)


def check(rules: Rules, report: Report) -> None:
    for policy in rules.policies:
        for day in _days(policy):
            constants = {typed.Symbol("parameter", f"{policy.id}#{p.name}"): p.at(day)
                         for p in policy.parameters.values()}
            for decision in policy.decisions.values():
                if isinstance(decision.body, Table):
                    _check_table(decision.name, decision.body, constants, report)


def _days(policy: Policy) -> Iterator[date]:
    """One day of each stretch with its own parameter values."""
    period = policy.effective.period
    starts = {v.start for p in policy.parameters.values() for v in p.values} | {period.start}
    yield from sorted(d for d in starts if d in period)


def _check_table(name: str, table: Table, constants: dict[typed.Symbol, Any], report: Report) -> None:
    headers = [h.typed for h in table.inputs]
    facts = [h.symbol.name for h in headers if isinstance(h, typed.Load)]
    independent = len(facts) == len(headers) and len(set(facts)) == len(facts)
    boxes: list[tuple[Row, list[_Side | None]]] = []
    for row in table.rows:
        sides = [_side(typed.bind(cell.typed, constants), header)
                 for cell, header in zip(row.cells, headers, strict=True)]
        for side, cell in zip(sides, row.cells, strict=True):
            if side is not None and side.is_empty:
                report.add(ROW_UNREACHABLE, cell.span, f"no value fits the cell, row `{row.id}` never answers")
        if independent:
            _compare(table, row, sides, boxes, report)
        boxes.append((row, sides))


def _compare(
    table: Table, row: Row, sides: list[_Side | None], earlier: list[tuple[Row, list[_Side | None]]], report: Report
) -> None:
    for other, other_sides in earlier:
        if table.hit == "unique":
            shared = [_intersection(a, b) for a, b in zip(sides, other_sides, strict=True)]
            if all(s is None or not s.is_empty for s in shared) and None not in shared:
                _report_overlap(table, row, other, [s for s in shared if s is not None], report)
        elif table.hit == "first":
            pairs = list(zip(sides, other_sides, strict=True))
            if all(a is not None and b is not None and _covers(b, a) for a, b in pairs):
                report.add(ROW_UNREACHABLE, row.span, f"row `{row.id}` is shadowed by row `{other.id}`",
                           related=[(other.span, "it takes all that this row would")])


def _report_overlap(table: Table, row: Row, other: Row, shared: list[_Side], report: Report) -> None:
    witness = [_shown(side, header.type) for side, header in zip(shared, table.inputs, strict=True)]
    interesting = [i for i, cell in enumerate(row.cells) if not cell.tree.is_any or not other.cells[i].tree.is_any]
    at = max(interesting, key=lambda i: row.cells[i] != other.cells[i], default=0)
    cell = row.cells[at] if row.cells else None
    text = ", ".join(f"`{table.inputs[i].text}` = {witness[i]}" for i in interesting) or "any input"
    hint = None
    if cell is not None and shared[at].intervals and shared[at].intervals[0][0] == shared[at].intervals[0][1]:
        hint = "leave one end out: `[a..b)`"
    report.add(ROW_OVERLAP, cell.span if cell else row.span, f"rows `{other.id}` and `{row.id}` both match {text}",
               hint=hint, related=[(other.span, f"row `{other.id}`")])


def _shown(side: _Side, kind: types.Type) -> str:
    if side.intervals:
        return str(shown(kind, side.intervals[0][0]))
    return "null" if side.null else str(min(side.members, key=str))


def _domain(kind: types.Type) -> _Side | None:
    match kind:
        case types.Number(low=low, high=high) | types.Date(low, high) | types.Duration(low, high):
            return _Side(((low, high),), null=True)
        case types.Boolean():
            return _Side(members=frozenset((True, False)), null=True)
        case types.Enum(members):
            return _Side(members=frozenset(members), null=True)
    return None


def _side(test: typed.Node, header: typed.Node) -> _Side | None:
    """What the bound condition of a cell admits, or None when it is not about constants."""
    domain = _domain(header.type)
    match test:
        case typed.Const(value=True):
            return domain
        case typed.Or(operands=operands):
            return _combine([_side(o, header) for o in operands], _join)
        case typed.And(operands=operands):
            return _combine([_side(o, header) for o in operands], _meet)
        case typed.Not(operand=operand) if domain is not None:
            return _complement(_side(operand, header), operand, domain)
        case typed.Compare(operator=operator, left=left, right=typed.Const(value=value)) if domain is not None:
            return _compared(operator, left, header, value, domain)
    return None


def _combine(sides: list[_Side | None], join: Any) -> _Side | None:
    if any(s is None for s in sides) or not sides:
        return None
    out = sides[0]
    for side in sides[1:]:
        out = join(out, side)
    return out


def _compared(operator: str, left: typed.Node, header: typed.Node, value: Any, domain: _Side) -> _Side | None:
    factor = 1
    if isinstance(left, typed.Rescale):
        left, factor = left.operand, left.factor
    if left != header:
        return None
    if value is None:
        return _Side(null=True) if operator == "=" else _Side(domain.intervals, domain.members) if operator == "!=" else _Side()
    if domain.members:
        same = frozenset((value,)) & domain.members
        return _Side(members=same) if operator == "=" else _Side(members=domain.members - same, null=True)
    low, high = domain.intervals[0]
    down, up = value // factor, -(-value // factor)
    spans = {
        "<": [(low, up - 1)], "<=": [(low, down)], ">": [(down + 1, high)], ">=": [(up, high)],
        "=": [(up, down)], "!=": [(low, up - 1), (down + 1, high)],
    }[operator]
    kept = tuple((max(a, low), min(b, high)) for a, b in spans if max(a, low) <= min(b, high))
    return _Side(kept, null=operator == "!=")


def _complement(side: _Side | None, operand: typed.Node, domain: _Side) -> _Side | None:
    if side is None:
        return None
    gaps, at = [], domain.intervals[0][0] if domain.intervals else 0
    for low, high in sorted(side.intervals):
        if at < low:
            gaps.append((at, low - 1))
        at = max(at, high + 1)
    if domain.intervals and at <= domain.intervals[0][1]:
        gaps.append((at, domain.intervals[0][1]))
    only_equal = all(not isinstance(n, typed.Compare) or n.operator in ("=", "!=") for n in _nodes(operand))
    return _Side(tuple(gaps), domain.members - side.members, null=only_equal and not side.null)


def _nodes(node: typed.Node) -> Iterator[typed.Node]:
    yield node
    for child in typed.operands(node):
        yield from _nodes(child)


def _join(one: _Side, two: _Side) -> _Side:
    return _Side(one.intervals + two.intervals, one.members | two.members, one.null or two.null)


def _meet(one: _Side, two: _Side) -> _Side:
    met = tuple((max(a, c), min(b, d)) for a, b in one.intervals for c, d in two.intervals if max(a, c) <= min(b, d))
    return _Side(met, one.members & two.members, one.null and two.null)


def _intersection(one: _Side | None, two: _Side | None) -> _Side | None:
    return None if one is None or two is None else _meet(one, two)


def _covers(outer: _Side, inner: _Side) -> bool:
    inside = all(any(a <= c and d <= b for a, b in outer.intervals) for c, d in inner.intervals)
    return inside and inner.members <= outer.members and (outer.null or not inner.null)
