"""The check of one expression under way: what each typing rule reads and writes."""

from collections.abc import Callable
from dataclasses import dataclass, field

from policy_service.diagnostics import Code, Report, Span
from policy_service.diagnostics.catalogue import DIVISION_UNROUNDED, EXPRESSION_BUDGET, OUTSIDE_PROFILE
from policy_service.language import ast, typed
from policy_service.language.checking.scope import Scope
from policy_service.language.format import print_node
from policy_service.language.references import Local
from policy_service.language.typed import Const, Load, Node
from policy_service.language.types import Relation, Type

MAX_PARTS = 100_000
"""Parts of one expression, with the rows of the relations that it reads unrolled."""


class Fault(Exception):
    """Ends the check of one expression; its diagnostic is in the report already."""


@dataclass(slots=True)
class Ratio:
    """An exact quotient of two integers; it exists only inside a rounding."""

    numerator: Node
    denominator: Node
    unit: str | None = None


@dataclass(slots=True)
class Rows:
    """The rows of a relation that may pass a filter, each with its condition (its guard)."""

    relation: Relation
    rows: tuple[tuple[Node | None, str], ...]


Found = Node | Ratio | Rows
"""What a part of an expression may be; only a `Node` is a value."""
TypeTree = Callable[["Checker", ast.Node, Type | None], Found]


@dataclass(slots=True)
class Budget:
    """How many typed nodes one expression may still become, and how many values it has bound by `Let`."""

    left: int = MAX_PARTS
    bound: int = 0


class Parts:
    """The typed nodes of the parts of one expression, each by its own tree, not by an equal one.

    A caller that wants them hands in an empty one and keeps the tree; nothing else remembers them, so that an
    expression that is only evaluated costs no memory for it. A part is typed as its text alone would be: before it is
    brought to the scale or enumeration of what stands beside it, and as a value of its own where the whole binds it
    once by `Let`. Parts inside the condition of a filter are left out, as each row types them anew.
    """

    def __init__(self) -> None:
        self._found: dict[int, Node] = {}

    def note(self, tree: ast.Node, node: Node) -> None:
        self._found[id(tree)] = node

    def of(self, tree: ast.Node) -> Node:
        """The typed node of a part that is a value.

        Raises:
            KeyError: the tree is none of the parts.
        """
        return self._found[id(tree)]


@dataclass(slots=True)
class Checker:
    """The check of one expression under way.

    type_tree: the rule for every form of expression; handed in, since the rules use each other.
    rounding: how many rounding builtins enclose the present node.
    shared: what the present rounding needs several times; a `Let` around it binds each.
    """

    scope: Scope
    report: Report
    type_tree: TypeTree
    parts: Parts | None = None
    budget: Budget = field(default_factory=Budget)
    rounding: int = 0
    shared: list[tuple[Local, Node]] = field(default_factory=list)

    def within(self, scope: Scope) -> "Checker":
        """The check of the condition of a filter, on one row."""
        return Checker(scope, self.report, self.type_tree, None, self.budget)

    def fail(self, code: Code, span: Span, message: str, hint: str | None = None) -> Fault:
        self.report.add(code, span, message, hint=hint)
        return Fault()

    def spend(self, parts: int, span: Span) -> None:
        """Take typed nodes from the budget; a fault when it is used up."""
        self.budget.left -= parts
        if self.budget.left < 0:
            raise self.fail(
                EXPRESSION_BUDGET,
                span,
                f"the expression comes to more than {MAX_PARTS:,} parts",
                hint="give its inner part a name: a decision, or a column of the relation",
            )

    # ---- values that are read several times

    def reading(self, value: Node, body: Callable[[Node], Node]) -> Node:
        """The result of `body` on a value that it may read several times: a `Let` binds it, unless it is a leaf."""
        if isinstance(value, Const | Load):
            return body(value)
        local = self._local()
        return typed.let(local, value, body(Load(value.type, local)))

    def once(self, node: Node) -> Node:
        """Inside a rounding: a reference to the node, so that it may be used several times but is computed once."""
        if isinstance(node, Const | Load):
            return node
        local = self._local()
        self.shared.append((local, node))
        return Load(node.type, local)

    def _local(self) -> Local:
        """A new name for a value."""
        self.budget.bound += 1
        return Local(self.budget.bound)

    # ---- parts of the expression

    def any_value(self, tree: ast.Node, expected: Type | None = None) -> Found:
        """A value, a quotient or rows."""
        self.spend(1, tree.span)
        found = self.type_tree(self, tree, expected)
        if self.parts is not None and not isinstance(found, Ratio | Rows):
            self.parts.note(tree, found)
        return found

    def value(self, tree: ast.Node, expected: Type | None = None) -> Node:
        """A value that is neither a quotient nor rows."""
        found = self.any_value(tree, expected)
        if isinstance(found, Ratio):
            raise self.fail(
                DIVISION_UNROUNDED,
                tree.span,
                "a quotient has no exact decimal value",
                hint=f"name the scale: `round half up({print_node(tree)}, 2)`",
            )
        if isinstance(found, Rows):
            raise self.fail(
                OUTSIDE_PROFILE,
                tree.span,
                "filtered rows are not a value",
                hint="project a column: `relation[condition].column`",
            )
        if isinstance(found.type, Relation):
            raise self.fail(
                OUTSIDE_PROFILE,
                tree.span,
                "a relation is not a value",
                hint=f"project a column: `{print_node(tree)}.column`, or count it: `count({print_node(tree)})`",
            )
        return found
