"""Expressions of a policy with the constants of the epoch in place of their names: parameters, days of the campaign."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from policy_service.engines.plan.outcomes import read
from policy_service.engines.plan.terms import Formula, TemplatePlan
from policy_service.language import ast, typed, types
from policy_service.language.references import CampaignDay, Decision, Parameter, Reference
from policy_service.language.values import exact, shown
from policy_service.policies import model
from policy_service.policies.model import Expression, Policy

Offered = Mapping[Decision, tuple[types.Type, types.Type]]


class Formulas:
    """All formulas of a plan, by their index."""

    def __init__(self) -> None:
        self.made: list[Formula] = []

    def add(self, tree: ast.Node, node: typed.Node) -> Formula:
        self.made.append(Formula(len(self.made), tree, node))
        return self.made[-1]


class Binding:
    """What names mean on the epoch.

    Args:
        owner: the policy whose names they are; empty for the bundle, which names facts alone.
        constants: parameters and days of the campaign.
        literals: parameters by name, as they are shown in the place of the name.
        offered: for decisions of other policies, their types in the file in force and as their readers know them.
    """

    def __init__(
        self,
        formulas: Formulas,
        owner: str = "",
        constants: Mapping[Reference, Any] = MappingProxyType({}),
        literals: Mapping[str, ast.Node] = MappingProxyType({}),
        offered: Offered = MappingProxyType({}),
    ) -> None:
        self._formulas, self._owner = formulas, owner
        self._constants, self._literals, self._offered = constants, literals, offered

    def formula(self, tree: ast.Node, node: typed.Node) -> Formula:
        return self._formulas.add(tree, self.bound(node))

    def expression(self, expression: Expression) -> Formula:
        return self.formula(expression.tree, expression.typed)

    def text(self, texts: model.Texts) -> TemplatePlan:
        return TemplatePlan(
            {
                tongue: tuple(p if isinstance(p, str) else self.expression(p) for p in template.parts)
                for tongue, template in texts.items()
            }
        )

    def bound(self, node: typed.Node) -> typed.Node:
        """The node with constants put in, and with decisions of other policies as this one sees them."""
        return self._seen(typed.bind(node, self._constants))

    def _seen(self, node: typed.Node) -> typed.Node:
        match node:
            case typed.Load(reference=Decision(policy=policy) as decision) if policy != self._owner:
                own, known = self._offered.get(decision, (node.type, node.type))
                return read(policy, typed.converted(replace(node, type=own), known))
        return typed.rebuild(node, self._seen)

    def substituted(self, tree: ast.Node) -> ast.Node:
        """The tree with parameters replaced by their values."""
        return substituted(tree, self._literals)


def binding(formulas: Formulas, policy: Policy, day: date, offered: Offered) -> Binding:
    """What the names of a policy file mean, with the parameter values of a day."""
    values = {name: (one.type, one.at(day)) for name, one in policy.parameters.items()}
    constants: dict[Reference, Any] = {Parameter(policy.id, name): value for name, (_, value) in values.items()}
    claims = (e.typed for one in policy.invariants for e in (one.target, one.low, one.high) if e is not None)
    for node in (*policy.typed_nodes(), *claims):
        constants |= {one: one.ordinal for one in typed.references(node) if isinstance(one, CampaignDay)}
    literals = {name: _literal(kind, value) for name, (kind, value) in values.items()}
    return Binding(formulas, policy.id, constants, literals, offered)


def substituted(tree: ast.Node, literals: Mapping[str, ast.Node]) -> ast.Node:
    """The tree with some names replaced."""
    if isinstance(tree, ast.Name):
        return literals.get(tree.name, tree)
    changes: dict[str, Any] = {}
    for name in tree.__dataclass_fields__:
        value = getattr(tree, name)
        if name == "span" or (isinstance(tree, ast.Call) and name == "function"):
            continue
        if isinstance(value, ast.Node):
            changes[name] = substituted(value, literals)
        elif isinstance(value, tuple) and any(isinstance(v, ast.Node) for v in value):
            changes[name] = tuple(substituted(v, literals) if isinstance(v, ast.Node) else v for v in value)
    return replace(tree, **changes) if changes else tree


def _literal(kind: types.Type, value: Any) -> ast.Node:
    match kind:
        case _ if value is None:
            return ast.NullLiteral()
        case types.Number(scale=scale):
            return ast.NumberLiteral(Decimal(exact(value, scale)))
        case types.Date():
            return ast.Call(ast.Name("date"), (ast.StringLiteral(date.fromordinal(value).isoformat()),))
        case types.Duration() | types.Months():
            return ast.Call(ast.Name("duration"), (ast.StringLiteral(shown(kind, value)),))
        case types.Boolean():
            return ast.BooleanLiteral(value)
    return ast.StringLiteral(value)
