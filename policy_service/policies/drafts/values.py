"""The smallest parts of a draft: words, expressions and texts."""

from collections.abc import Mapping
from dataclasses import dataclass

from policy_service.diagnostics import Span
from policy_service.language import ast

BUILTIN_TYPES = "one of integer, decimal(0) to decimal(6), boolean, date, duration, text, enum(A, B)"
"""The types without a name, as a hint."""


@dataclass(frozen=True, slots=True)
class Written:
    """A value as the author wrote it."""

    value: str
    span: Span


@dataclass(frozen=True, slots=True)
class DraftExpression:
    tree: ast.Node
    span: Span


@dataclass(frozen=True, slots=True)
class DraftTemplate:
    """A text with `{expression}` in it: plain parts and expressions in turn."""

    parts: tuple[str | DraftExpression, ...]


DraftTexts = Mapping[str, DraftTemplate]
"""A template in each of zh and en."""
