"""Expressions and texts, each with its tree as written and its typed tree."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from policy_service.diagnostics import NOWHERE, Span
from policy_service.language import ast, typed, types
from policy_service.language.checking import Scope
from policy_service.language.format import print_node

_NO_SCOPE = Scope({})


@dataclass(frozen=True, slots=True)
class Expression:
    """A tree with its typed tree, and the scope it was typed in, so that its parts can be typed alike."""

    tree: ast.Node
    typed: typed.Node
    span: Span = field(default=NOWHERE, compare=False)
    scope: Scope = field(default=_NO_SCOPE, compare=False, repr=False)

    @property
    def text(self) -> str:
        return print_node(self.tree)

    @property
    def type(self) -> types.Type:
        return self.typed.type


@dataclass(frozen=True, slots=True)
class Template:
    """A text with `{expression}` in it: plain parts and expressions in turn."""

    parts: tuple[str | Expression, ...]

    @property
    def expressions(self) -> tuple[Expression, ...]:
        return tuple(p for p in self.parts if isinstance(p, Expression))

    @property
    def text(self) -> str:
        return "".join(p if isinstance(p, str) else "{" + p.text + "}" for p in self.parts)


Texts = Mapping[str, Template]
"""A template in each of zh and en."""
