"""Members of named types that a file gives on days on which they do not belong, or that belong on none of its days.

To compare with a member that is not there yet is simply false, so that a row may wait for it; what a row gives, or a
branch of a choice, counts only on the days on which it can be reached.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from policy_service.diagnostics import Report, Span
from policy_service.diagnostics.catalogue import MEMBER_FOREIGN
from policy_service.language import ast, typed, types
from policy_service.policies.model import Expression, Parameter, Period, Policy, RelationTable, Rules, Table
from policy_service.policies.stretches import cut, entries, joined

_Place = tuple[Span, str]
"""Where a member is written, and which."""


@dataclass(frozen=True, slots=True)
class _Given:
    """A value that a file gives where a type is needed, and the condition of its row."""

    node: typed.Node
    kind: types.Enum
    tree: ast.Node
    span: Span
    condition: typed.Node = typed.TRUE


def check(rules: Rules, report: Report) -> None:
    kinds = [named.kind for named in rules.types.values()]
    for policy in rules.policies if kinds else ():
        days = cut(policy.effective.period, (day for kind in kinds for day, _ in kind.dated))
        reported = set(_check_named(policy, days, report))
        for given in _all_given(policy):
            _check_given(given, days, reported, report)
        for parameter in policy.parameters.values():
            _check_parameter(parameter, days, report)


# ---- named on no day


def _check_named(policy: Policy, days: Sequence[Period], report: Report) -> Iterator[_Place]:
    """Members that belong on no day of the file, each place once; yields those it reports."""
    for tree, node, span in _expressions(policy):
        for kind, member in dict.fromkeys(_constants(node)):
            if not any(member in kind.at(one.start) for one in days):
                place = _place(tree, member, span)
                known = ", ".join(dict.fromkeys(m for one in days for m in kind.at(one.start)))
                hint = f"then it has {known}" if known else f"`{kind}` begins later"
                message = f"`{member}` belongs to `{kind}` on no day of this file"
                report.add(MEMBER_FOREIGN, place, message, hint=hint)
                yield place, member


def _expressions(policy: Policy) -> Iterator[tuple[ast.Node, typed.Node, Span]]:
    yield from ((e.tree, e.typed, e.span) for e in policy.expressions())
    for decision in policy.decisions.values():
        if isinstance(decision.body, Table):
            yield from ((cell.tree, cell.typed, cell.span) for row in decision.body.rows for cell in row.cells)


def _constants(node: typed.Node) -> Iterator[tuple[types.Enum, str]]:
    match node:
        case typed.Const(type=types.Enum() as kind, value=str() as member) if kind.name is not None:
            yield kind, member
    for operand in typed.operands(node):
        yield from _constants(operand)


def _place(tree: ast.Node, member: str, whole: Span) -> Span:
    """Where a member is written in an expression."""
    for node in ast.walk(tree):
        if node in (ast.StringLiteral(member), ast.Name(member)):
            return node.span
    return whole


# ---- given


def _all_given(policy: Policy) -> Iterator[_Given]:
    for decision in policy.decisions.values():
        match decision.body:
            case Expression() as expression:
                yield from _given(expression, expression.type)
            case Table(outputs=outputs, rows=rows, default=default):
                for row in rows:
                    condition = typed.And(typed.BOOLEAN, tuple(cell.typed for cell in row.cells))
                    for output, value in zip(outputs, row.outputs, strict=True):
                        yield from _given(value, output.type, condition)
                for output, value in zip(outputs, default or (), strict=False):
                    yield from _given(value, output.type)
            case RelationTable(columns=columns, rows=relation_rows):
                for relation_row in relation_rows:
                    for column, value in zip(columns, relation_row.cells, strict=True):
                        yield from _given(value, column.type)
    for reward in policy.rewards:
        for value in (reward.amount, *reward.details.values()):
            yield from _given(value, value.type)


def _given(value: Expression, kind: types.Type, condition: typed.Node = typed.TRUE) -> Iterator[_Given]:
    one = kind.element if isinstance(kind, types.List) else kind
    if isinstance(one, types.Enum) and one.name is not None:
        yield _Given(value.typed, one, value.tree, value.span, condition)


def _check_given(given: _Given, days: Sequence[Period], reported: set[_Place], report: Report) -> None:
    lacking: dict[str, list[Period]] = {}
    for stretch in days:
        day = stretch.start
        for member in _reached(given.node, day) if _may_hold(given.condition, day) else ():
            if member not in given.kind.at(day):
                lacking.setdefault(member, []).append(stretch)
    for member, stretches in lacking.items():
        place = _place(given.tree, member, given.span)
        if (place, member) not in reported:
            _report(member, given.kind, stretches, days[0].start, place, report)


def _reached(node: typed.Node, day: date) -> Iterator[str]:
    """Members that a value may be on a day; what is of a named type itself has only those that belong."""
    match node:
        case typed.Const(value=str() as member):
            yield member
        case typed.Load(type=types.Enum(members, name)) | typed.Member(type=types.Enum(members, name)):
            yield from members if name is None else ()
        case typed.If(condition=condition, otherwise=otherwise) if not _may_hold(condition, day):
            yield from _reached(otherwise, day)
        case _:
            for operand in typed.operands(node):
                if isinstance(operand.type, types.Enum | types.List):
                    yield from _reached(operand, day)


def _may_hold(condition: typed.Node, day: date) -> bool:
    """Whether a condition can be true on a day, as far as its comparisons with members tell."""
    match condition:
        case typed.And(operands=operands):
            return all(_may_hold(operand, day) for operand in operands)
        case typed.Or(operands=operands):
            return any(_may_hold(operand, day) for operand in operands)
        case typed.Compare(operator="=", left=left, right=right):
            sides = [side for side in (left, right) if isinstance(side, typed.Const)]
            return all(member in kind.at(day) for side in sides for kind, member in _constants(side))
    return True


def _check_parameter(parameter: Parameter, days: Sequence[Period], report: Report) -> None:
    kind = parameter.type
    if not isinstance(kind, types.Enum) or kind.name is None:
        return
    for entry, held in entries(parameter.values):
        stretches = [common for one in days if (common := one.common(held)) is not None]
        lacking = [one for one in stretches if entry.value is not None and entry.value not in kind.at(one.start)]
        if lacking:
            _report(entry.value, kind, lacking, days[0].start, entry.span, report)


def _report(member: str, kind: types.Enum, lacking: Sequence[Period], begin: date, place: Span, report: Report) -> None:
    """Tell the first days on which the member does not belong, of a file that begins on a day."""
    first = joined(lacking)[0]
    days = f"from {first.start} on" if first.end is None else f"from {first.start} to {first.end}"
    day = first.end if first.start == begin and first.end is not None else first.start
    report.add(
        MEMBER_FOREIGN,
        place,
        f"`{member}` does not belong to `{kind}` {days}",
        hint=f"end the file on {day} and begin another, or give it only where a `{kind}` equals it",
    )
