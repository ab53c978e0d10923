"""UNIQUE tables two of whose rows match one input; FIRST rows behind a row that takes all of theirs; empty cells.

Decided here without a solver where every input of the table is a fact of its own and every end point is
constant on the day: then rows are boxes, and boxes overlap when all their sides do.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import reduce
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


Sides = list[_Side | None]
Boxes = list[Sides]
"""The sides of each row of a table, on one day."""


def check(rules: Rules, report: Report) -> None:
    for policy in rules.policies:
        for decision in policy.decisions.values():
            if isinstance(decision.body, Table):
                _check_table(decision.body, list(_constants(policy)), report)


def _constants(policy: Policy) -> Iterator[dict[typed.Symbol, Any]]:
    """The parameters' values, once for each stretch of days that has its own."""
    for day in _days(policy):
        yield {typed.Symbol("parameter", f"{policy.id}#{p.name}"): p.at(day) for p in policy.parameters.values()}


def _days(policy: Policy) -> Iterator[date]:
    """One day of each stretch with its own parameter values."""
    period = policy.effective.period
    starts = {v.start for p in policy.parameters.values() for v in p.values} | {period.start}
    yield from sorted(d for d in starts if d in period)


def _check_table(table: Table, days: list[dict[typed.Symbol, Any]], report: Report) -> None:
    """An overlap on one day is a fault; a row is unreachable when it is so on every day."""
    headers = [h.typed for h in table.inputs]
    boxes = [[_sides(row, headers, constants) for row in table.rows] for constants in days]
    facts = [h.symbol.name for h in headers if isinstance(h, typed.Load) and h.symbol.kind == "fact"]
    empty = _check_cells(table, boxes, report)
    for index, row in enumerate(table.rows):
        for earlier, other in enumerate(table.rows[:index]):
            if row.id in empty or other.id in empty:
                continue
            if table.hit == "unique" and len(facts) == len(headers) and len(set(facts)) == len(facts):
                _check_overlap(table, row, other, [(day[index], day[earlier]) for day in boxes], report)
            elif table.hit == "first" and all(_covered(day[index], day[earlier]) for day in boxes):
                report.add(
                    ROW_UNREACHABLE,
                    row.span,
                    f"row `{row.id}` is shadowed by row `{other.id}`",
                    hint="put the narrower row first, or delete it",
                    related=[(other.span, "it takes all that this row would")],
                )
                break


def _sides(row: Row, headers: list[typed.Node], constants: dict[typed.Symbol, Any]) -> Sides:
    return [_side(typed.bind(cell.typed, constants), header) for cell, header in zip(row.cells, headers, strict=True)]


def _check_cells(table: Table, boxes: list[Boxes], report: Report) -> set[str]:
    """Ids of the rows with a cell that no value fits on any day."""
    empty = set()
    for index, row in enumerate(table.rows):
        for column, cell in enumerate(row.cells):
            sides = [day[index][column] for day in boxes]
            if all(side is not None and side.is_empty for side in sides):
                empty.add(row.id)
                report.add(ROW_UNREACHABLE, cell.span, f"no value fits the cell, row `{row.id}` never answers")
    return empty


def _check_overlap(table: Table, row: Row, other: Row, days: list[tuple[Sides, Sides]], report: Report) -> None:
    for sides, other_sides in days:
        shared = [_meet(a, b) for a, b in zip(sides, other_sides, strict=True) if a is not None and b is not None]
        if len(shared) == len(sides) and not any(s.is_empty for s in shared):
            touching = [
                _touch(a, b) for a, b in zip(sides, other_sides, strict=True) if a is not None and b is not None
            ]
            _report_overlap(table, row, other, shared, touching, report)
            return


def _covered(sides: Sides, by: Sides) -> bool:
    return all(a is not None and b is not None and _covers(b, a) for a, b in zip(sides, by, strict=True))


def _report_overlap(
    table: Table, row: Row, other: Row, shared: list[_Side], touching: list[bool], report: Report
) -> None:
    witness = [_shown(side, header.type) for side, header in zip(shared, table.inputs, strict=True)]
    interesting = [i for i, cell in enumerate(row.cells) if not cell.tree.is_any or not other.cells[i].tree.is_any]
    at = max(interesting, key=lambda i: row.cells[i] != other.cells[i], default=0)
    cell = row.cells[at] if row.cells else None
    text = ", ".join(f"`{table.inputs[i].text}` = {witness[i]}" for i in interesting) or "any input"
    hint = "leave one end out: `[a..b)`" if cell is not None and touching[at] else None
    report.add(
        ROW_OVERLAP,
        cell.span if cell else row.span,
        f"rows `{other.id}` and `{row.id}` both match {text}",
        hint=hint,
        related=[(other.span, f"row `{other.id}`")],
    )


def _shown(side: _Side, kind: types.Type) -> str:
    if side.intervals:
        return str(shown(kind, side.intervals[0][0]))
    return "null" if side.null else _member_text(min(side.members, key=str))


def _member_text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _touch(one: _Side, two: _Side) -> bool:
    """Whether the sides share nothing but a common end of two ranges."""
    wide = [[(low, high) for low, high in side.intervals if low < high] for side in (one, two)]
    shared = _meet(one, two).intervals
    return len(shared) == 1 and any(
        (shared[0][0], shared[0][1]) in ((b, c), (d, a)) for a, b in wide[0] for c, d in wide[1]
    )


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


def _combine(sides: Sides, join: Callable[[_Side, _Side], _Side]) -> _Side | None:
    known = [s for s in sides if s is not None]
    return reduce(join, known) if known and len(known) == len(sides) else None


def _compared(operator: str, left: typed.Node, header: typed.Node, value: Any, domain: _Side) -> _Side | None:
    operand, factor = typed.unscaled(left)
    if operand != header:
        return None
    if value is None:
        present = _Side(domain.intervals, domain.members)
        return {"=": _Side(null=True), "!=": present}.get(operator, _Side())
    if domain.members:
        same = frozenset((value,)) & domain.members
        return _Side(members=same) if operator == "=" else _Side(members=domain.members - same, null=True)
    low, high = domain.intervals[0]
    down, up = value // factor, -(-value // factor)
    spans = {
        "<": [(low, up - 1)],
        "<=": [(low, down)],
        ">": [(down + 1, high)],
        ">=": [(up, high)],
        "=": [(up, down)],
        "!=": [(low, up - 1), (down + 1, high)],
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


def _merged(side: _Side) -> list[tuple[int, int]]:
    """The intervals, with those joined that touch or overlap."""
    out: list[tuple[int, int]] = []
    for low, high in sorted(side.intervals):
        if out and low <= out[-1][1] + 1:
            out[-1] = (out[-1][0], max(out[-1][1], high))
        else:
            out.append((low, high))
    return out


def _covers(outer: _Side, inner: _Side) -> bool:
    inside = all(any(a <= c and d <= b for a, b in _merged(outer)) for c, d in inner.intervals)
    return inside and inner.members <= outer.members and (outer.null or not inner.null)
