"""Tree and declared names to typed tree, or diagnostics. Bounds of numbers are carried through every node."""

from calendar import monthrange
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from difflib import get_close_matches
from itertools import pairwise
from typing import Any, cast

from policy_service.diagnostics import Report, Span
from policy_service.diagnostics.catalogue import (
    ARGUMENTS,
    BAD_LITERAL,
    DIVISION_UNROUNDED,
    EXPRESSION_BUDGET,
    NAME_CLASH,
    NAME_UNKNOWN,
    NUMBER_RANGE,
    OUTSIDE_PROFILE,
    SUBJECT_MISMATCH,
    TYPE_MISMATCH,
    UNIT_MISMATCH,
)
from policy_service.language import ast, typed, types
from policy_service.language.builtins import BUILTINS, ROUNDINGS
from policy_service.language.format import number_text, print_node
from policy_service.language.references import Cell, Local
from policy_service.language.tokens import shortened
from policy_service.language.typed import (
    BOOLEAN,
    And,
    Arithmetic,
    Call,
    Compare,
    Const,
    If,
    Item,
    ListOf,
    Load,
    Member,
    Node,
    Not,
    Or,
    Round,
)
from policy_service.language.types import Date, Duration, Enum, List, Months, Null, Number, Relation, Text, Type
from policy_service.language.values import add_months, months_between, parse_date, parse_days, parse_months, scaled

_NULL = Const(Null(), None)
_NO_RATIO = Const(Number(0, 0, 0), None)
FAULTY: Node = Const(Null(), "faulty")
"""Stands for a name whose declaration has a fault: what reads it is not checked, so that one fault is told once."""
_PARTS = {"year": (1, 9999), "month": (1, 12), "day": (1, 31), "weekday": (1, 7)}
_ORDERED = (Number, Date, Duration, Months)
MAX_PARTS = 100_000
"""Parts of one expression, with the rows of the relations that it reads unrolled."""


@dataclass(slots=True, eq=False)
class Scope:
    """Names in reach: bare, and dotted as `section.fact`. A row scope stands inside its policy's.

    hidden: names that are declared but out of reach, each with the reason.
    """

    names: Mapping[str, Node]
    decision: Callable[[str], Node | None] = lambda _name: None
    outer: "Scope | None" = None
    hidden: Mapping[str, str] = field(default_factory=dict)

    def find(self, name: str) -> Node | None:
        found = self.names.get(name)
        if found is not None or self.outer is None:
            return found
        # `this` is one row: what a row inside another lacks is not looked for in the outer one.
        return None if name.startswith("this.") and "this.row" in self.names else self.outer.find(name)

    def all_names(self) -> list[str]:
        return [*self.names, *(self.outer.all_names() if self.outer else ())]


@dataclass(slots=True)
class _Parts:
    """What one expression may still unroll to, and how many values it bound by `Let` so far."""

    left: int = MAX_PARTS
    bound: int = 0


class _Fault(Exception):
    """Ends the check of one expression; its diagnostic is in the report already."""


@dataclass(slots=True)
class _Ratio:
    """An exact quotient of two integers, alive only inside a rounding."""

    numerator: Node
    denominator: Node
    unit: str | None = None


@dataclass(slots=True)
class _Rows:
    """Rows of a relation that a filter left, each with its guard."""

    relation: Relation
    rows: tuple[tuple[Node | None, str], ...]


def check_expression(node: ast.Node, scope: Scope, report: Report, expected: Type | None = None) -> Node | None:
    """The typed tree of an expression, of the expected type when one is given; None with the fault reported."""
    checker = _Checker(scope, report)
    try:
        found = checker.value(node, expected)
        return found if expected is None else checker.fit(found, expected, node.span)
    except _Fault:
        return None


def check_cell(cell: ast.Cell, header: Node, scope: Scope, report: Report) -> Node | None:
    """The typed condition that the cell puts on the value of its header."""
    if not cell.tests:
        return Not(BOOLEAN, typed.TRUE) if cell.negated else typed.TRUE
    try:
        condition = _Checker(scope, report).tested(header, cell.tests)
    except _Fault:
        return None
    return Not(BOOLEAN, condition) if cell.negated else condition


def row_scope(relation: Relation, row: str, columns: tuple[tuple[str, Type], ...], outer: Scope) -> Scope:
    """Scope of one row: its columns by bare name and as `this.column`; `row` is the row's id."""
    names: dict[str, Node] = {}
    for name, type_ in columns:
        names[name] = names[f"this.{name}"] = Load(type_, Cell(relation.policy, relation.decision, row, name))
    names["this.row"] = names["row"] = Const(Text(), row)
    return Scope(names, outer.decision, outer, outer.hidden)


@dataclass(slots=True)
class _Checker:
    """Types one expression.

    rounding: how many rounding builtins are around.
    shared: what the rounding under way needs several times; bound around it by `Let`.
    """

    scope: Scope
    report: Report
    parts: _Parts = field(default_factory=_Parts)
    rounding: int = field(default=0)
    shared: list[tuple[Local, Node]] = field(default_factory=list)

    # ---- helpers

    def spend(self, parts: int, span: Span) -> None:
        """Count parts of the typed tree."""
        self.parts.left -= parts
        if self.parts.left < 0:
            raise self.fail(
                EXPRESSION_BUDGET,
                span,
                f"the expression comes to more than {MAX_PARTS:,} parts",
                hint="give its inner part a name: a decision, or a column of the relation",
            )

    def local(self) -> Local:
        """A name of its own for a value."""
        self.parts.bound += 1
        return Local(self.parts.bound)

    def reading(self, value: Node, body: Callable[[Node], Node]) -> Node:
        """What `body` makes of a value that it may read several times."""
        if isinstance(value, Const | Load):
            return body(value)
        local = self.local()
        return typed.let(local, value, body(Load(value.type, local)))

    def once(self, node: Node) -> Node:
        """Inside a rounding: the node by a name, so that it may stand in several places."""
        if isinstance(node, Const | Load):
            return node
        local = self.local()
        self.shared.append((local, node))
        return Load(node.type, local)

    def fail(self, code: Any, span: Span, message: str, hint: str | None = None) -> _Fault:
        self.report.add(code, span, message, hint=hint)
        return _Fault()

    def fit(self, node: Node, expected: Type, span: Span) -> Node:
        """The node brought to an expected type, in lists and records too: a larger scale, a member of an enumeration.

        A list that is written out, and a choice of texts, lists or records, is brought there part by part: constants
        stay constants, and that a text is a member is known of a literal alone.
        """
        found = node.type
        match node:
            case Const(value=text) if isinstance(found, Text) and isinstance(expected, Enum):
                return self._fit_member(text, expected, span)
            case ListOf(items=items) if isinstance(expected, List):
                kind = replace(expected, most=cast(List, found).most)
                return ListOf(kind, tuple(Item(i.guard, self.fit(i.value, kind.element, span)) for i in items))
            case If() if found != expected and isinstance(found, Text | List | types.Record):
                then, otherwise = (self.fit(n, expected, span) for n in (node.then, node.otherwise))
                return If(expected, node.condition, then, otherwise)
            case Call(name="steps", operands=(value, starts, ListOf(items=items) as values)) if (
                found != expected and isinstance(found, Text | List | types.Record)
            ):
                chosen = self.fit(values, List(expected, len(items)), span)
                return Call(expected, "steps", (value, starts, chosen))
        if (misfit := types.misfit(found, expected)) is not None:
            raise self._misfit(misfit, span)
        if isinstance(found, Number) and isinstance(expected, Number):
            return self.rescaled(node, expected.scale)
        return typed.converted(node, expected)

    def _fit_member(self, text: str | None, expected: Enum, span: Span) -> Const:
        if text is not None and text not in expected.members:
            close = get_close_matches(text, expected.members, 1)
            hint = f"did you mean `{close[0]}`?" if close else f"one of {', '.join(expected.members)}"
            raise self.fail(NAME_UNKNOWN, span, f"`{text}` is not a member of the enumeration", hint)
        return Const(expected, text)

    def _misfit(self, misfit: types.Misfit, span: Span) -> _Fault:
        """The fault of a value that may lie outside its expected type; it names the field where it does."""
        found, expected, where = misfit.found, misfit.wanted, _field(misfit.path)
        match found, expected:
            case Number(), Number():
                return self._misfit_number(found, expected, where, span)
            case types.Record(), types.Record():
                return self.fail(TYPE_MISMATCH, span, where + _lacking(expected, found))
            case Text(), Enum():
                return self.fail(
                    TYPE_MISMATCH,
                    span,
                    f"{where}a text may be none of {', '.join(expected.members)}",
                    hint=f"declare it `{expected}` too",
                )
            case Enum(), Enum():
                return self.fail(TYPE_MISMATCH, span, f"{where}{found} does not fit {expected}")
        wanted = "condition" if isinstance(expected, types.Boolean) else types.kind(expected)
        return self.fail(TYPE_MISMATCH, span, f"{where}a {wanted} is needed, this is a {types.kind(found)}")

    def _misfit_number(self, found: Number, expected: Number, where: str, span: Span) -> _Fault:
        if found.unit and expected.unit and found.unit != expected.unit:
            return self.fail(UNIT_MISMATCH, span, f"{where}unit `{expected.unit}` is needed, this is `{found.unit}`")
        if found.scale > expected.scale:
            return self.fail(
                NUMBER_RANGE,
                span,
                f"{where}a number with {found.scale} decimals does not fit `{expected}`",
                hint=f"round it: `round half up(…, {expected.scale})`, or declare more decimals",
            )
        number = _grown(found, expected.scale)
        return self.fail(
            NUMBER_RANGE,
            span,
            f"{where}values from {_bound(number.low, number)} to {_bound(number.high, number)} do not fit `{expected}`",
        )

    def apart(self, one: Type, two: Type, names: tuple[str, str], span: Span) -> _Fault:
        """The fault of two values that have no type in common; it names the field where they differ."""
        clash = types.clash(one, two)
        first, second, where = clash.found, clash.wanted, _field(clash.path)
        match first, second:
            case Number(unit=unit), Number(unit=other):
                return self.fail(UNIT_MISMATCH, span, f"{where}`{unit}` and `{other}` do not add up")
            case types.Record(), types.Record():
                return self.fail(TYPE_MISMATCH, span, where + _lacking(first, second))
            case Enum(), Enum():
                hint = "two enumerations have no common order: declare the members once, in types.yaml"
                return self.fail(TYPE_MISMATCH, span, f"{where}{first} and {second} are two enumerations", hint)
        message = f"{where}{names[0]} is a {types.kind(first)}, {names[1]} a {types.kind(second)}"
        return self.fail(TYPE_MISMATCH, span, message)

    def member(self, node: Node, other: Type, span: Span) -> Node:
        """A text literal brought to the enumeration that it is compared with."""
        return (
            self.fit(node, other, span)
            if isinstance(node, Const) and isinstance(node.type, Text) and isinstance(other, Enum)
            else node
        )

    def rescaled(self, node: Node, scale: int) -> Node:
        number = cast(Number, node.type)
        if number.scale == scale:
            return node
        return typed.converted(node, _grown(number, scale))

    def number(self, node: Node, result: Number, span: Span, where: str = "") -> Node:
        """The node, if its bounds fit the machine and, outside a rounding, its scale the profile."""
        limit = types.INT128_SAFE if self.rounding else types.INT64
        if max(abs(result.low), abs(result.high)) > limit:
            raise self.fail(
                NUMBER_RANGE,
                span,
                f"{where}the value may become too large to stay exact",
                hint="narrow the range of the facts, or round earlier",
            )
        if result.scale > types.MAX_SCALE and not self.rounding:
            raise self.fail(
                NUMBER_RANGE,
                span,
                f"{where}the value has {result.scale} decimals, {types.MAX_SCALE} are allowed",
                hint="put it inside a rounding: `round half up(…, 2)`",
            )
        return typed.folded(node)

    # ---- expressions

    def value(self, node: ast.Node, expected: Type | None = None) -> Node:
        """A value that is neither a quotient nor rows."""
        found = self.any_value(node, expected)
        if isinstance(found, _Ratio):
            raise self.fail(
                DIVISION_UNROUNDED,
                node.span,
                "a quotient has no exact decimal value",
                hint=f"name the scale: `round half up({print_node(node)}, 2)`",
            )
        if isinstance(found, _Rows):
            raise self.fail(
                OUTSIDE_PROFILE,
                node.span,
                "filtered rows are not a value",
                hint="project a column: `relation[condition].column`",
            )
        if isinstance(found.type, Relation):
            raise self.fail(
                OUTSIDE_PROFILE,
                node.span,
                "a relation is not a value",
                hint=f"project a column: `{print_node(node)}.column`, or count it: `count({print_node(node)})`",
            )
        return found

    def any_value(self, node: ast.Node, expected: Type | None = None) -> Node | _Ratio | _Rows:
        self.spend(1, node.span)
        match node:
            case ast.NumberLiteral(value):
                return self.literal_number(value, node.span)
            case ast.StringLiteral(text):
                return Const(Text(), text)
            case ast.BooleanLiteral(flag):
                return typed.TRUE if flag else typed.FALSE
            case ast.NullLiteral():
                return _NULL
            case ast.AtLiteral(text):
                return self.literal_time(text, node.span)
            case ast.Name(name):
                return self.name(name, node.span, expected)
            case ast.Path():
                return self.path(node)
            case ast.Negation(operand):
                return self.negated(self.operand(operand), node.span)
            case ast.Arithmetic(operator, left, right):
                return self.arithmetic(operator, self.operand(left), self.operand(right), node.span)
            case ast.Comparison(operator, left, right):
                return self.comparison(operator, left, right, node.span)
            case ast.Conjunction(operands):
                return And(BOOLEAN, tuple(self.boolean(o) for o in operands))
            case ast.Disjunction(operands):
                return Or(BOOLEAN, tuple(self.boolean(o) for o in operands))
            case ast.Between(operand, low, high):
                within = ast.Range(low, high, True, True, span=node.span)
                return self.tested(self.told(operand), (within,))
            case ast.In(operand, tests):
                return self.tested(self.told(operand), tests)
            case ast.If():
                return self.choice(node, expected)
            case ast.ListLiteral(items):
                return self.list_of([self.value(i) for i in items], node.span)
            case ast.Filter(base, condition):
                return self.filtered(base, condition, node.span)
            case ast.Call(function, arguments, names):
                return self.call(function, arguments, names, node.span)
        raise self.fail(
            OUTSIDE_PROFILE,
            node.span,
            f"`{print_node(node)}` is FEEL that rule files do not use",
            hint="write it as a decision table or a relation",
        )

    def literal_number(self, value: Any, span: Span) -> Node:
        exponent = value.normalize().as_tuple().exponent
        scale = max(0, -exponent) if value else 0
        number = scaled(value, scale)
        if scale > types.MAX_SCALE or number is None or abs(number) > types.MAX_VALUE:
            shown = shortened(number_text(value))
            raise self.fail(
                BAD_LITERAL,
                span,
                f"`{shown}` has more than {types.MAX_SCALE} decimals or {types.MAX_DIGITS} digits",
            )
        return Const(Number(scale, number, number), number)

    def literal_time(self, text: str, span: Span) -> Node:
        if (day := parse_date(text)) is not None:
            return _date(day)
        if (days := parse_days(text)) is not None:
            return Const(Duration(days, days), days)
        if (months := parse_months(text)) is not None:
            return Const(Months(months, months), months)
        raise self.fail(
            BAD_LITERAL,
            span,
            f"`{text}` is neither a date nor a duration",
            hint="dates are `2023-04-01`, durations `P30D` or `P2M`",
        )

    def name(self, name: str, span: Span, expected: Type | None) -> Node:
        found = self.known(name)
        if isinstance(expected, Enum) and name in expected.members:
            if found is None:
                return Const(expected, name)
            hint = f'write the member in quotes: `"{name}"`, and rename what is not meant'
            raise self.fail(NAME_CLASH, span, f"`{name}` is a name in reach, and a member of `{expected}`", hint)
        if found is not None:
            return found
        raise self.unknown(name, span, expected)

    def known(self, name: str) -> Node | None:
        found = self.scope.find(name)
        if found is FAULTY:
            raise _Fault
        return found

    def unknown(self, name: str, span: Span, expected: Type | None = None) -> _Fault:
        if name in self.scope.hidden:
            return self.fail(SUBJECT_MISMATCH, span, f"`{name}` {self.scope.hidden[name]}")
        known = [*self.scope.all_names(), *(expected.members if isinstance(expected, Enum) else ())]
        close = get_close_matches(name, known, 1, 0.75)
        hint = f"did you mean `{close[0]}`?" if close else None
        if name in BUILTINS:
            hint = f"`{name}` is a builtin: {BUILTINS[name].signature}"
        return self.fail(NAME_UNKNOWN, span, f"`{name}` is not declared", hint)

    def path(self, node: ast.Path) -> Node:
        dotted = _dotted(node)
        if dotted and (found := self.known(dotted)) is not None:
            return found
        if isinstance(node.base, ast.Name) and self.known(node.base.name) is None:
            raise self.unknown(dotted or node.name, node.span)
        base = self.any_value(node.base)
        if isinstance(base, _Ratio):
            raise self.fail(DIVISION_UNROUNDED, node.base.span, "a quotient has no fields")
        if isinstance(base, _Rows) or isinstance(base.type, Relation):
            return self.projected(self.rows(base), node.name, node.span)
        return self.part(base, node.name, node.span)

    def part(self, base: Node, name: str, span: Span) -> Node:
        match base.type:
            case Date() if name in _PARTS:
                return Call(Number(0, *_PARTS[name]), name, (base,))
            case Duration(low, high) if name == "days":
                return Call(Number(0, low, high, "day"), "days", (base,))
            case Months(low, high) if name in ("years", "months"):
                size = max(abs(low), abs(high))
                bounds = (-(size // 12), size // 12) if name == "years" else (-11, 11)
                return Call(Number(0, *bounds), name, (base,))
            case types.Record() as record if (kind := record.field(name)) is not None:
                return Member(kind, base, name)
            case List(types.Record() as record, most) if (kind := record.field(name)) is not None:
                return Member(List(kind, most), base, name)
        raise self.fail(NAME_UNKNOWN, span, f"a {types.kind(base.type)} has no `.{name}`")

    # ---- relations

    def rows(self, value: Node | _Rows) -> _Rows:
        if isinstance(value, _Rows):
            return value
        relation = cast(Relation, value.type)
        return _Rows(relation, tuple((None, row) for row in relation.rows))

    def filtered(self, base: ast.Node, condition: ast.Node, span: Span) -> _Rows:
        found = self.any_value(base)
        if isinstance(found, _Ratio) or not (isinstance(found, _Rows) or isinstance(found.type, Relation)):
            raise self.fail(OUTSIDE_PROFILE, span, "only the rows of a relation can be filtered")
        rows = self.rows(found)
        kept = []
        for guard, row in rows.rows:
            scope = row_scope(rows.relation, row, rows.relation.columns, self.scope)
            inner = _Checker(scope, self.report, self.parts)
            test = inner.boolean(condition)
            kept.append((test if guard is None else And(BOOLEAN, (guard, test)), row))
        return _Rows(rows.relation, tuple(kept))

    def projected(self, rows: _Rows, column: str, span: Span) -> Node:
        self.spend(len(rows.rows), span)
        relation = rows.relation
        if column == "row":
            items = tuple(Item(guard, Const(Text(), row)) for guard, row in rows.rows)
            return ListOf(List(Text(), len(items)), items)
        kind = dict(relation.columns).get(column)
        if kind is None:
            close = get_close_matches(column, [n for n, _ in relation.columns], 1)
            raise self.fail(
                NAME_UNKNOWN,
                span,
                f"relation `{relation.decision}` has no column `{column}`",
                f"did you mean `{close[0]}`?" if close else None,
            )
        items = tuple(
            Item(guard, Load(kind, Cell(relation.policy, relation.decision, row, column))) for guard, row in rows.rows
        )
        return ListOf(List(kind, len(items)), items)

    def list_of(self, values: list[Node], span: Span) -> ListOf:
        kind: Type = Null()
        for value in values:
            joined = types.union(kind, value.type)
            if joined is None:
                raise self.apart(kind, value.type, ("one element", "another"), span)
            kind = joined
        fitted = [Item(None, self.bounded(self.fit(v, kind, span), span)) for v in values]
        return ListOf(List(kind, len(values)), tuple(fitted))

    # ---- conditions

    def boolean(self, node: ast.Node) -> Node:
        found = self.value(node)
        if isinstance(found.type, Null):
            return Const(BOOLEAN, None)
        if found.type != BOOLEAN:
            raise self.fail(
                TYPE_MISMATCH,
                node.span,
                f"a condition is needed, this is a {types.kind(found.type)}",
                hint=f"compare it: `{print_node(node)} = …`",
            )
        return found

    def comparison(self, operator: ast.ComparisonOperator, left: ast.Node, right: ast.Node, span: Span) -> Node:
        one = self.told(left)
        two = self.value(right, one.type)
        two = self.member(two, one.type, right.span)
        one = self.member(one, two.type, left.span)
        return self.compared(operator, one, two, span)

    def told(self, node: ast.Node) -> Node:
        """The value that a condition is about: `because` shows it."""
        found = self.value(node)
        if any(max(abs(n.low), abs(n.high)) > types.MAX_VALUE for _, n in types.numbers(found.type)):
            raise self.fail(
                NUMBER_RANGE,
                node.span,
                f"the value may pass {types.MAX_DIGITS} digits, and `because` shows it",
                hint="narrow the range of the facts, or round to fewer decimals",
            )
        return found

    def compared(self, operator: ast.ComparisonOperator, left: Node, right: Node, span: Span) -> Node:
        self.spend(1, span)
        if isinstance(left.type, Null) or isinstance(right.type, Null):
            if operator not in ("=", "!="):
                raise self.fail(TYPE_MISMATCH, span, "null has no order", hint="test presence with `x != null`")
            return Compare(BOOLEAN, operator, left, right)
        union = types.union(left.type, right.type)
        if isinstance(left.type, Number) and isinstance(right.type, Number):
            if union is None:
                raise self.fail(UNIT_MISMATCH, span, f"`{left.type.unit}` is compared with `{right.type.unit}`")
            scale = max(left.type.scale, right.type.scale)
            left, right = self.rescaled(left, scale), self.rescaled(right, scale)
            self.number(left, cast(Number, left.type), span)
            self.number(right, cast(Number, right.type), span)
            return Compare(BOOLEAN, operator, left, right)
        if isinstance(left.type, Enum) and isinstance(right.type, Enum):
            self.meeting(left.type, right.type, span)
        elif union is None:
            raise self.fail(
                TYPE_MISMATCH, span, f"a {types.kind(left.type)} is compared with a {types.kind(right.type)}"
            )
        if operator not in ("=", "!=") and not isinstance(left.type, _ORDERED):
            raise self.fail(TYPE_MISMATCH, span, f"a {types.kind(left.type)} has no order")
        if isinstance(left.type, List | types.Record | Relation):
            raise self.fail(OUTSIDE_PROFILE, span, "lists and records are not compared")
        return Compare(BOOLEAN, operator, left, right)

    def meeting(self, left: Enum, right: Enum, span: Span) -> None:
        """Two enumerations without a common member are never equal, and two names are two kinds of things."""
        if left.name and right.name and left.name != right.name:
            message = f"a `{left.name}` is compared with a `{right.name}`"
            raise self.fail(TYPE_MISMATCH, span, message, hint="compare values of one type of types.yaml")
        if set(left.members).isdisjoint(right.members):
            message = f"one of {', '.join(left.members)} is compared with one of {', '.join(right.members)}"
            raise self.fail(TYPE_MISMATCH, span, message, hint="no value is in both")

    def test(self, test: ast.Node, value: Node) -> Node:
        """The condition that one unary test puts on a value."""
        match test:
            case ast.ComparisonTest(operator, operand):
                return self.compared(operator, value, self.endpoint(operand, value), test.span)
            case ast.Range(low, high, low_closed, high_closed):
                first, last = self.endpoint(low, value), self.endpoint(high, value)
                return And(
                    BOOLEAN,
                    (
                        self.compared(">=" if low_closed else ">", value, first, low.span),
                        self.compared("<=" if high_closed else "<", value, last, high.span),
                    ),
                )
        found = self.value(test, value.type)
        if isinstance(found.type, List):
            if not isinstance(found, ListOf):
                raise self.fail(
                    OUTSIDE_PROFILE,
                    test.span,
                    f"`{print_node(test)}` may be null, and is then no list",
                    hint=f"write `list contains({print_node(test)}, …)`",
                )
            return self.list_contains(found, value, test.span)
        return self.compared("=", value, self.endpoint(test, value), test.span)

    def endpoint(self, node: ast.Node, value: Node) -> Node:
        return self.member(self.value(node, value.type), value.type, node.span)

    def tested(self, value: Node, tests: tuple[ast.Node, ...]) -> Node:
        """The condition that one of the tests holds for a value."""

        def conditions(named: Node) -> Node:
            found = tuple(self.test(test, named) for test in tests)
            return found[0] if len(found) == 1 else Or(BOOLEAN, found)

        return self.reading(value, conditions)

    def choice(self, node: ast.If, expected: Type | None) -> Node | _Ratio:
        condition = self.boolean(node.condition)
        then = self.any_value(node.then, expected)
        otherwise = self.any_value(node.otherwise, expected)
        if isinstance(then, _Ratio) or isinstance(otherwise, _Ratio):
            one = self.ratio(self.plain(then, node.then.span), node.then.span)
            two = self.ratio(self.plain(otherwise, node.otherwise.span), node.otherwise.span)
            if one.numerator == _NO_RATIO:
                one.denominator = two.denominator
            elif two.numerator == _NO_RATIO:
                two.denominator = one.denominator
            condition = self.once(condition)
            return _Ratio(
                self._either(condition, one.numerator, two.numerator),
                self._either(condition, one.denominator, two.denominator),
                self.same_unit(one.unit, two.unit, node.span),
            )
        if isinstance(then, _Rows) or isinstance(otherwise, _Rows):
            raise self.fail(OUTSIDE_PROFILE, node.span, "a choice is between values, not rows")
        if isinstance(then.type, Relation) or isinstance(otherwise.type, Relation):
            raise self.fail(OUTSIDE_PROFILE, node.span, "a choice is between values, not relations")
        kind = types.union(then.type, otherwise.type)
        if kind is None:
            raise self.apart(then.type, otherwise.type, ("`then`", "`else`"), node.span)
        then, otherwise = self.fit(then, kind, node.then.span), self.fit(otherwise, kind, node.otherwise.span)
        return If(kind, condition, self.bounded(then, node.then.span), self.bounded(otherwise, node.otherwise.span))

    def _either(self, condition: Node, one: Node, two: Node) -> Node:
        return If(cast(Type, types.union(one.type, two.type)), condition, one, two)

    # ---- arithmetic

    def operand(self, node: ast.Node) -> Node | _Ratio:
        return self.plain(self.any_value(node), node.span)

    def plain(self, found: Node | _Ratio | _Rows, span: Span) -> Node | _Ratio:
        if isinstance(found, _Rows):
            raise self.fail(OUTSIDE_PROFILE, span, "rows are not a number")
        return found

    def bounded(self, node: Node, span: Span) -> Node:
        """The node, if its numbers still fit the machine after they were brought to a larger scale."""
        for path, number in types.numbers(node.type):
            self.number(node, number, span, _field(path))
        return node

    def same_unit(self, one: str | None, two: str | None, span: Span) -> str | None:
        if one and two and one != two:
            raise self.fail(UNIT_MISMATCH, span, f"`{one}` and `{two}` do not add up")
        return one or two

    def arithmetic(self, operator: str, left: Node | _Ratio, right: Node | _Ratio, span: Span) -> Node | _Ratio:
        if operator == "**":
            raise self.fail(OUTSIDE_PROFILE, span, "powers are FEEL that rule files do not use")
        if operator == "/" or isinstance(left, _Ratio) or isinstance(right, _Ratio):
            return self.quotient(operator, self.ratio(left, span), self.ratio(right, span), span)
        match left.type, right.type:
            case Number(), Number():
                return self.numbers(operator, left, right, span)
            case (Null(), other) | (other, Null()):
                # Always null, and yet a fact is read: the answer says whether it was there.
                return Arithmetic(other, "+", left, right)
            case (Date(), _) | (_, Date()):
                return self.dates(operator, left, right, span)
        return self.durations(operator, left, right, span)

    def negated(self, operand: Node | _Ratio, span: Span) -> Node | _Ratio:
        """`-x`: nothing of its kind less x."""
        nothing: Node = Const(Number(0, 0, 0), 0)
        match operand.type if not isinstance(operand, _Ratio) else None:
            case Null():
                return _NULL
            case Duration() | Months() as kind:
                nothing = Const(type(kind)(0, 0), 0)
            case Number() | None:
                pass
            case kind:
                raise self.fail(TYPE_MISMATCH, span, f"`-` of a {types.kind(kind)} has no meaning")
        return self.arithmetic("-", nothing, operand, span)

    def numbers(self, operator: str, left: Node, right: Node, span: Span) -> Node:
        one, two = cast(Number, left.type), cast(Number, right.type)
        if operator == "*":
            corners = [a * b for a in (one.low, one.high) for b in (two.low, two.high)]
            unit = _product_unit(one.unit, two.unit)
            result = Number(one.scale + two.scale, min(corners), max(corners), unit)
            return self.number(Arithmetic(result, "*", left, right), result, span)
        unit = self.same_unit(one.unit, two.unit, span)
        scale = max(one.scale, two.scale)
        left, right = self.rescaled(left, scale), self.rescaled(right, scale)
        one, two = cast(Number, left.type), cast(Number, right.type)
        low, high = (
            (one.low + two.low, one.high + two.high) if operator == "+" else (one.low - two.high, one.high - two.low)
        )
        result = Number(scale, low, high, unit)
        return self.number(Arithmetic(result, "+" if operator == "+" else "-", left, right), result, span)

    def dates(self, operator: str, left: Node, right: Node, span: Span) -> Node:
        match left.type, right.type:
            case (Date(a, b), Date(c, d)) if operator == "-":
                return Arithmetic(Duration(a - d, b - c), "-", left, right)
            case (Date(a, b), Duration(c, d)) if operator in "+-":
                low, high = (a + c, b + d) if operator == "+" else (a - d, b - c)
                kind = self.days(low, high, span)
                return typed.folded(Arithmetic(kind, "+" if operator == "+" else "-", left, right))
            case (Duration() | Months(), Date()) if operator == "+":
                return self.dates("+", right, left, span)
            case (Date(a, b), Months(c, d)) if operator == "+":
                return Call(self.days(_month_later(a, c), _month_later(b, d), span), "add months", (left, right))
            case (Date(), Months()) if operator == "-":
                return self.dates("+", left, cast(Node, self.negated(right, span)), span)
        raise self.fail(
            TYPE_MISMATCH, span, f"a {types.kind(left.type)} {operator} a {types.kind(right.type)} has no meaning"
        )

    def days(self, low: int | None, high: int | None, span: Span) -> Date:
        """The days from low to high, if all of them are in the calendar; None is outside."""
        if low is None or high is None or low < types.FIRST_DAY or high > types.LAST_DAY:
            raise self.fail(
                NUMBER_RANGE,
                span,
                "the date may leave the calendar (years 1 to 9999)",
                hint="give the fact a narrower range",
            )
        return Date(low, high)

    def durations(self, operator: str, left: Node, right: Node, span: Span) -> Node:
        match left.type, right.type:
            case (Duration(a, b), Duration(c, d)) | (Months(a, b), Months(c, d)) if operator in "+-":
                low, high = (a + c, b + d) if operator == "+" else (a - d, b - c)
                same = Duration(low, high) if isinstance(left.type, Duration) else Months(low, high)
                return self.length(same, Arithmetic(same, "+" if operator == "+" else "-", left, right), span)
            case ((Duration(a, b) | Months(a, b)) as kind, Number(scale=0, low=c, high=d)) if operator == "*":
                corners = [x * y for x in (a, b) for y in (c, d)]
                grown = type(kind)(min(corners), max(corners))
                return self.length(grown, Arithmetic(grown, "*", left, right), span)
            case (Number(), Duration() | Months()) if operator == "*":
                return self.durations("*", right, left, span)
            case (Duration() | Months(), Number()) if operator == "*":
                raise self.fail(
                    TYPE_MISMATCH,
                    span,
                    "durations are whole days or months",
                    hint='round the factor first: `round up(…, 0) * duration("P1D")`',
                )
        raise self.fail(
            TYPE_MISMATCH, span, f"a {types.kind(left.type)} {operator} a {types.kind(right.type)} has no meaning"
        )

    def length(self, kind: Duration | Months, node: Node, span: Span) -> Node:
        """The node, if its days or months are few enough for every engine."""
        if max(abs(kind.low), abs(kind.high)) > types.MAX_LENGTH:
            raise self.fail(
                NUMBER_RANGE, span, "the duration may become too long", hint="narrow the range of the facts"
            )
        return typed.folded(node)

    def ratio(self, value: Node | _Ratio, span: Span) -> _Ratio:
        if isinstance(value, _Ratio):
            return value
        if isinstance(value.type, Null):
            value = _NO_RATIO
        if not isinstance(value.type, Number):
            raise self.fail(TYPE_MISMATCH, span, f"a number is needed, this is a {types.kind(value.type)}")
        value, _ = typed.unscaled(value)  # the quotient is the same, and a conversion must keep its type
        number = cast(Number, value.type)
        ten = 10**number.scale
        whole = Number(0, number.low, number.high)
        return _Ratio(replace(value, type=whole), Const(Number(0, ten, ten), ten), number.unit)

    def quotient(self, operator: str, left: _Ratio, right: _Ratio, span: Span) -> _Ratio:
        if not self.rounding:
            raise self.fail(
                DIVISION_UNROUNDED,
                span,
                "a quotient has no exact decimal value",
                hint="name the scale: `round half up(a / b, 2)`",
            )
        a, b, c, d = left.numerator, left.denominator, right.numerator, right.denominator
        if operator == "*":
            unit = _product_unit(left.unit, right.unit)
            return _Ratio(self.numbers("*", a, c, span), self.numbers("*", b, d, span), unit)
        if operator == "/":
            unit = None if right.unit else left.unit
            d = self.once(d)
            return _Ratio(self.unless_zero(d, self.numbers("*", a, d, span)), self.numbers("*", b, c, span), unit)
        unit = self.same_unit(left.unit, right.unit, span)
        b, d = self.once(b), self.once(d)
        one, two = self.numbers("*", a, d, span), self.numbers("*", c, b, span)
        return _Ratio(self.numbers(operator, one, two, span), self.numbers("*", b, d, span), unit)

    def unless_zero(self, divisor: Node, node: Node) -> Node:
        """The node; null where the divisor of a quotient inside another is zero, which the whole no longer shows."""
        number = cast(Number, divisor.type)
        if number.low > 0 or number.high < 0:
            return node
        zero = Const(replace(number, low=0, high=0), 0)
        return If(node.type, Compare(BOOLEAN, "=", divisor, zero), Const(node.type, None), node)

    def rounded(self, mode: str, argument: ast.Node, scale: int, span: Span) -> Node:
        around, self.shared = self.shared, []
        self.rounding += 1
        ratio = self.ratio(self.operand(argument), argument.span)
        ten = Const(Number(0, 10**scale, 10**scale), 10**scale)
        numerator = self.numbers("*", ratio.numerator, ten, span)
        self.rounding -= 1
        shared, self.shared = self.shared, around
        bounds = _quotient_bounds(cast(Number, numerator.type), cast(Number, ratio.denominator.type))
        result = Number(scale, *bounds, ratio.unit)
        node = self.number(Round(result, mode, numerator, ratio.denominator), result, span)
        for local, value in reversed(shared):
            node = typed.let(local, value, node)
        return node

    # ---- builtins

    def call(
        self, function: ast.Node, arguments: tuple[ast.Node, ...], names: tuple[str, ...], span: Span
    ) -> Node | _Ratio:
        name = function.name if isinstance(function, ast.Name) else ""
        if name not in BUILTINS:
            close = get_close_matches(name, list(BUILTINS), 1)
            raise self.fail(
                NAME_UNKNOWN,
                function.span,
                f"`{print_node(function)}` is not a builtin",
                f"did you mean `{close[0]}`?" if close else None,
            )
        if names:
            raise self.fail(OUTSIDE_PROFILE, span, "rule files pass arguments by place", BUILTINS[name].signature)
        if name == "decision":
            return self.other_decision(arguments, span)
        if name in ROUNDINGS:
            return self.rounding_call(name, arguments, span)
        handler = {
            "not": self._not,
            "date": self._date,
            "duration": self._duration,
            "steps": self._steps,
            "years and months duration": self._months_between,
            "abs": self._abs,
            "modulo": self._modulo,
            "contains": self._text,
            "starts with": self._text,
            "ends with": self._text,
            "string length": self._length,
            "list contains": self._list_contains,
        }.get(name, self._aggregate)
        return handler(name, arguments, span)

    def wrong(self, name: str, span: Span) -> _Fault:
        return self.fail(ARGUMENTS, span, f"`{name}` takes other arguments", f"call it as {BUILTINS[name].signature}")

    def other_decision(self, arguments: tuple[ast.Node, ...], span: Span) -> Node:
        name = _dotted(arguments[0]) if len(arguments) == 1 else None
        if name is None:
            raise self.wrong("decision", span)
        found = self.scope.decision(name)
        if found is FAULTY:
            raise _Fault
        if found is None:
            raise self.fail(NAME_UNKNOWN, arguments[0].span, f"`{name}` is no decision of another policy in reach")
        return found

    def rounding_call(self, name: str, arguments: tuple[ast.Node, ...], span: Span) -> Node:
        optional = name in ("floor", "ceiling")
        if len(arguments) not in ((1, 2) if optional else (2,)):
            raise self.wrong(name, span)
        scale = 0
        if len(arguments) == 2:
            found = self.value(arguments[1])
            if not (
                isinstance(found, Const)
                and isinstance(found.type, Number)
                and found.type.scale == 0
                and 0 <= found.value <= types.MAX_SCALE
            ):
                raise self.fail(ARGUMENTS, arguments[1].span, f"the scale is a number from 0 to {types.MAX_SCALE}")
            scale = found.value
        return self.rounded(ROUNDINGS[name], arguments[0], scale, span)

    def _not(self, name: str, arguments: tuple[ast.Node, ...], span: Span) -> Node:
        if len(arguments) != 1:
            raise self.wrong(name, span)
        return Not(BOOLEAN, self.boolean(arguments[0]))

    def _date(self, name: str, arguments: tuple[ast.Node, ...], span: Span) -> Node:
        if len(arguments) == 1 and isinstance(arguments[0], ast.StringLiteral):
            day = parse_date(arguments[0].value)
            if day is None:
                raise self.fail(BAD_LITERAL, span, f"there is no day `{arguments[0].value}`", "dates are `2023-04-01`")
            return _date(day)
        if len(arguments) != 3:
            raise self.wrong(name, span)
        parts = tuple(self.whole(a) for a in arguments)
        return Call(_date_of(*(cast(Number, p.type) for p in parts)), "date", parts)

    def whole(self, node: ast.Node) -> Node:
        found = self.value(node)
        if not isinstance(found.type, Number) or found.type.scale:
            raise self.fail(TYPE_MISMATCH, node.span, "a whole number is needed")
        return found

    def _duration(self, name: str, arguments: tuple[ast.Node, ...], span: Span) -> Node:
        if len(arguments) != 1 or not isinstance(arguments[0], ast.StringLiteral):
            raise self.wrong(name, span)
        found = self.literal_time(arguments[0].value, span)
        if isinstance(found.type, Date):
            raise self.fail(BAD_LITERAL, span, f"`{arguments[0].value}` is not a duration")
        return found

    def _months_between(self, name: str, arguments: tuple[ast.Node, ...], span: Span) -> Node:
        if len(arguments) != 2:
            raise self.wrong(name, span)
        start, end = (self.value(a) for a in arguments)
        if not (isinstance(start.type, Date) and isinstance(end.type, Date)):
            raise self.fail(TYPE_MISMATCH, span, "two dates are needed")
        low, high = _months_apart(start.type.high, end.type.low), _months_apart(start.type.low, end.type.high)
        return Call(Months(low, high), name, (start, end))

    def _steps(self, name: str, arguments: tuple[ast.Node, ...], span: Span) -> Node:
        if len(arguments) != 3:
            raise self.wrong(name, span)
        value, starts, values = (self.value(a) for a in arguments)
        if not (
            isinstance(starts, ListOf)
            and isinstance(values, ListOf)
            and starts.items
            and len(starts.items) == len(values.items)
        ):
            raise self.fail(ARGUMENTS, span, "`starts` and `values` are lists of one length, not empty")
        if any(i.guard is not None for i in (*starts.items, *values.items)):
            raise self.fail(ARGUMENTS, span, "`starts` and `values` of `steps` are not filtered")
        self._ascending(starts, arguments[1].span)
        tests = [cast(Compare, self.compared(">=", value, start.value, span)) for start in starts.items]
        kind = _as_fine(cast(List, starts.type).element, tests[0].right.type)
        begun = ListOf(List(kind, len(tests)), tuple(Item(None, test.right) for test in tests))
        return Call(cast(List, values.type).element, "steps", (tests[0].left, begun, values))

    def _ascending(self, starts: ListOf, span: Span) -> None:
        known = [i.value.value for i in starts.items if isinstance(i.value, Const)]
        if any(a is None or b is None or a >= b for a, b in pairwise(known)):
            raise self.fail(ARGUMENTS, span, "the starts of `steps` ascend")

    def _abs(self, name: str, arguments: tuple[ast.Node, ...], span: Span) -> Node:
        if len(arguments) != 1:
            raise self.wrong(name, span)
        value = self.value(arguments[0])
        if not isinstance(value.type, Number | Duration | Months):
            raise self.fail(TYPE_MISMATCH, span, f"`abs` of a {types.kind(value.type)} has no meaning")
        low, high = value.type.low, value.type.high
        least = 0 if low <= 0 <= high else min(abs(low), abs(high))
        return Call(replace(value.type, low=least, high=max(abs(low), abs(high))), name, (value,))

    def _modulo(self, name: str, arguments: tuple[ast.Node, ...], span: Span) -> Node:
        if len(arguments) != 2:
            raise self.wrong(name, span)
        one, two = (self.value(a) for a in arguments)
        if not isinstance(one.type, Number) or not isinstance(two.type, Number):
            raise self.fail(TYPE_MISMATCH, span, "two numbers are needed")
        self.same_unit(one.type.unit, two.type.unit, span)
        scale = max(one.type.scale, two.type.scale)
        one, two = (self.bounded(self.rescaled(n, scale), span) for n in (one, two))
        size = max(abs(cast(Number, two.type).low), abs(cast(Number, two.type).high))
        result = Number(scale, -size, size, cast(Number, one.type).unit)
        return self.number(Call(result, name, (one, two)), result, span)

    def _texts(self, name: str, arguments: tuple[ast.Node, ...], count: int, span: Span) -> tuple[Node, ...]:
        if len(arguments) != count:
            raise self.wrong(name, span)
        found = tuple(self.value(a) for a in arguments)
        if not all(isinstance(f.type, Text | Enum) for f in found):
            raise self.fail(TYPE_MISMATCH, span, f"`{name}` is about texts")
        return found

    def _text(self, name: str, arguments: tuple[ast.Node, ...], span: Span) -> Node:
        return Call(BOOLEAN, name, self._texts(name, arguments, 2, span))

    def _length(self, name: str, arguments: tuple[ast.Node, ...], span: Span) -> Node:
        return Call(Number(0, 0, 1_000_000), name, self._texts(name, arguments, 1, span))

    def _list_contains(self, name: str, arguments: tuple[ast.Node, ...], span: Span) -> Node:
        if len(arguments) != 2:
            raise self.wrong(name, span)
        elements, value = self.value(arguments[0]), self.value(arguments[1])
        return self.reading(value, lambda named: self.list_contains(elements, named, span))

    def list_contains(self, elements: Node, value: Node, span: Span) -> Node:
        if not isinstance(elements.type, List):
            raise self.wrong("list contains", span)
        if not isinstance(elements, ListOf):
            kind = _boundless(_as_fine(elements.type.element, value.type))
            elements = self.fit(elements, List(kind, elements.type.most), span)
            return Call(BOOLEAN, "list contains", (elements, self.bounded(self.fit(value, kind, span), span)))
        tests = []
        for item in elements.items:
            element = self.member(item.value, value.type, span)
            test = self.compared("=", self.member(value, element.type, span), element, span)
            tests.append(test if item.guard is None else And(BOOLEAN, (_true(item.guard), test)))
        return Or(BOOLEAN, tuple(tests)) if tests else Call(BOOLEAN, "list contains", (elements, value))

    def _aggregate(self, name: str, arguments: tuple[ast.Node, ...], span: Span) -> Node | _Ratio:
        elements = self.elements(name, arguments, span)
        kind = cast(List, elements.type)
        if name == "count":
            return Call(Number(0, 0, kind.most), "count", (elements,))
        if name in ("all", "any"):
            if kind.most and not isinstance(kind.element, types.Boolean | Null):
                raise self.fail(TYPE_MISMATCH, span, f"`{name}` is about conditions")
            return Call(BOOLEAN, name, (elements,))
        if name in ("min", "max"):
            if not isinstance(kind.element, _ORDERED):
                raise self.fail(TYPE_MISMATCH, span, f"`{name}` of a {types.kind(kind.element)} has no meaning")
            low, high = _extreme(name, _bounds(elements), kind.element)
            return Call(replace(kind.element, low=low, high=high), name, (elements,))
        if not isinstance(kind.element, Number):
            raise self.fail(TYPE_MISMATCH, span, f"`{name}` is about numbers")
        bounds = _bounds(elements)
        if bounds is None:
            bounds = [(min(0, kind.element.low), max(0, kind.element.high))] * kind.most
        result = replace(kind.element, low=sum(low for low, _ in bounds), high=sum(high for _, high in bounds))
        if name == "mean" and self.rounding:
            elements = self.once(elements)
        total = self.number(Call(result, "sum", (elements,)), result, span)
        return total if name == "sum" else self.mean(total, elements, span)

    def mean(self, total: Node, elements: Node, span: Span) -> _Ratio:
        if not self.rounding:
            raise self.fail(
                DIVISION_UNROUNDED,
                span,
                "an average has no exact decimal value",
                hint="name the scale: `round half up(mean(…), 2)`",
            )
        most = cast(List, elements.type).most
        count = Call(Number(0, 0, most), "count", (elements,))
        ratio = self.ratio(total, span)
        return _Ratio(ratio.numerator, self.numbers("*", ratio.denominator, count, span), ratio.unit)

    def elements(self, name: str, arguments: tuple[ast.Node, ...], span: Span) -> Node:
        if not arguments:
            raise self.wrong(name, span)
        if len(arguments) > 1:
            return self.list_of([self.value(a) for a in arguments], span)
        found = self.any_value(arguments[0])
        if isinstance(found, _Ratio):
            raise self.fail(DIVISION_UNROUNDED, span, "a quotient is no list")
        if isinstance(found, _Rows) or isinstance(found.type, Relation):
            if name != "count":
                raise self.fail(ARGUMENTS, span, f"`{name}` needs a column: `relation.column`")
            return self.projected(self.rows(found), "row", span)
        if isinstance(found.type, List):
            return found
        if name == "count":
            raise self.wrong(name, span)  # of one value it would be 1, but null when the value is null
        return self.list_of([found], span)


def _bounds(elements: Node) -> list[tuple[int, int]] | None:
    """The bounds of each element, or None when it is not known beforehand which elements there are."""
    items = elements.items if isinstance(elements, ListOf) else ()
    known = [
        (i.value.type.low, i.value.type.high) for i in items if i.guard is None and isinstance(i.value.type, _ORDERED)
    ]
    return known if items and len(known) == len(items) else None


def _extreme(
    name: str, bounds: list[tuple[int, int]] | None, kind: Number | Date | Duration | Months
) -> tuple[int, int]:
    """The bounds of the least or the greatest: `min(x, 5)` is at most 5."""
    if bounds is None:
        return kind.low, kind.high
    choose = min if name == "min" else max
    return choose(low for low, _ in bounds), choose(high for _, high in bounds)


def _boundless(kind: Type) -> Type:
    """The type with the widest bounds for its numbers."""
    match kind:
        case Number():
            return replace(kind, low=-types.INT64, high=types.INT64)
        case List(element, most):
            return List(_boundless(element), most)
        case types.Record(fields):
            return types.Record(tuple((name, _boundless(inner)) for name, inner in fields))
    return kind


def _as_fine(kind: Type, other: Type) -> Type:
    """The kind with the decimals of the other, where both are numbers and the other has more."""
    if isinstance(kind, Number) and isinstance(other, Number) and other.scale > kind.scale:
        return _grown(kind, other.scale)
    return kind


def _grown(number: Number, scale: int) -> Number:
    """The type of a number at a larger scale."""
    factor = 10 ** (scale - number.scale)
    return Number(scale, number.low * factor, number.high * factor, number.unit)


def _field(path: tuple[str, ...]) -> str:
    """How a message says which field of a record it is about."""
    return f"field `{'.'.join(path)}`: " if path else ""


def _lacking(one: types.Record, two: types.Record) -> str:
    """What keeps two records apart: the first field that one of them has alone."""
    ones, twos = dict(one.fields), dict(two.fields)
    name = next(n for n in (*ones, *twos) if n not in ones or n not in twos)
    return f"one record has a field `{name}`, the other has none"


def _product_unit(one: str | None, two: str | None) -> str | None:
    return None if one and two else one or two


def _true(guard: Node) -> Node:
    """A filter keeps only true; null must not spread out of it."""
    return If(BOOLEAN, guard, typed.TRUE, typed.FALSE)


def _date(day: date) -> Const:
    return Const(Date(day.toordinal(), day.toordinal()), day.toordinal())


def _months_apart(start: int, end: int) -> int:
    return months_between(date.fromordinal(start), date.fromordinal(end))


def _date_of(year: Number, month: Number, day: Number) -> Date:
    """The days that `date(year, month, day)` may give; where there is no such day it gives null."""
    low, high = max(year.low, 1), min(year.high, 9999)
    if low > high:
        return Date()
    first = date(low, *_in_year(low, month.low, day.low))
    last = date(high, *_in_year(high, month.high, day.high))
    return Date(first.toordinal(), last.toordinal()) if first <= last else Date()


def _in_year(year: int, month: int, day: int) -> tuple[int, int]:
    """The nearest month and day of a year that there are."""
    month = min(max(month, 1), 12)
    return month, min(max(day, 1), monthrange(year, month)[1])


def _month_later(day: int, months: int) -> int | None:
    """The ordinal of a day some months later, which never falls as either grows; None outside the calendar."""
    found = add_months(date.fromordinal(day), months)
    return found.toordinal() if found is not None else None


def _dotted(node: ast.Node) -> str | None:
    """`a.b.c` of nested paths over a name."""
    if isinstance(node, ast.Name):
        return node.name
    base = _dotted(node.base) if isinstance(node, ast.Path) else None
    return f"{base}.{cast(ast.Path, node).name}" if base else None


def _bound(scaled_value: int, number: Number) -> str:
    sign, digits = ("-" if scaled_value < 0 else ""), str(abs(scaled_value)).rjust(number.scale + 1, "0")
    if not number.scale:
        return sign + digits
    return f"{sign}{digits[: -number.scale]}.{digits[-number.scale :]}"


def _quotient_bounds(numerator: Number, denominator: Number) -> tuple[int, int]:
    size = max(abs(numerator.low), abs(numerator.high))
    straddles = denominator.low <= 0 <= denominator.high
    least = 1 if straddles else min(abs(denominator.low), abs(denominator.high))
    most = -(-size // least)
    same_sign = numerator.low >= 0 and denominator.low >= 0
    return (0 if same_sign else -most, most)
