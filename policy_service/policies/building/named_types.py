"""Declared types with a name, looked up in types.yaml."""

from dataclasses import replace
from difflib import get_close_matches
from typing import TypeVar

from policy_service.diagnostics import Report, Span
from policy_service.diagnostics.catalogue import VALUE_INVALID
from policy_service.facts import NamedTypes
from policy_service.language import types
from policy_service.policies.building.registry import Registry
from policy_service.policies.drafts import BUILTIN_TYPES, DraftColumn, DraftParameter

Declared = TypeVar("Declared", DraftColumn, DraftParameter)


def with_types(columns: tuple[DraftColumn, ...], registry: Registry) -> tuple[DraftColumn, ...] | None:
    """The columns with their types, if all are known."""
    found = [with_type(column, registry) for column in columns]
    known = tuple(column for column in found if column is not None)
    return known if len(known) == len(columns) else None


def with_type(draft: Declared, registry: Registry) -> Declared | None:
    """The declaration with the type that its name stands for; None where there is none, which is reported."""
    if not isinstance(draft.type, types.Enum) or draft.type.name is None:
        return draft
    found = registry.named.by_name.get(draft.type.name)
    if found is not None:
        return replace(draft, type=found.kind)
    if not registry.named.is_faulty(draft.type.name):
        _report_unknown(draft.type.name, draft.type_span, registry.named, registry.report)
    return None


def _report_unknown(name: str, span: Span, named: NamedTypes, report: Report) -> None:
    close = get_close_matches(name, (*named.by_name, "integer", "boolean", "date", "duration", "text"), 1)
    hint = f"did you mean `{close[0]}`?" if close else ", ".join((BUILTIN_TYPES, *named.by_name))
    report.add(VALUE_INVALID, span, f"`{name}` is not a type", hint=hint)
