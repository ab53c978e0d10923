"""Parameters, their dated values brought to their types."""

from collections.abc import Mapping, Sequence
from datetime import date
from itertools import pairwise
from typing import Any

from policy_service.diagnostics import Report
from policy_service.diagnostics.catalogue import (
    KEY_MISSING,
    NUMBER_UNSOURCED,
    PARAMETER_UNCOVERED,
    TYPE_MISMATCH,
    VALUE_INVALID,
)
from policy_service.language import references, types
from policy_service.language.checking import FAULTY
from policy_service.language.typed import Load
from policy_service.language.values import parse_date, parse_days, parse_months, parse_number, scaled
from policy_service.policies.building.context import Context
from policy_service.policies.building.named_types import with_type
from policy_service.policies.building.periods import report_no_date
from policy_service.policies.building.sources import SOURCE_HINT, lacks_source
from policy_service.policies.drafts import DraftParameter, DraftValue
from policy_service.policies.model import DatedValue, Parameter, Period
from policy_service.policies.stretches import entries

_HINTS: Mapping[type[types.Type], str] = {
    types.Number: "digits alone, as `1200.5`: at most 15, and no more decimals than declared",
    types.Date: "dates are `2023-04-01`",
    types.Duration: "`P30D` or `P2M`",
    types.Boolean: "`true` or `false`",
}


def build_parameters(context: Context, period: Period | None) -> dict[str, Parameter]:
    """The parameters of a file that is in force for a period, each usable by its name from then on."""
    found: dict[str, Parameter] = {}
    for draft in context.draft.parameters.values():
        known = with_type(draft, context.registry)
        parameter = _parameter(known, period, context) if known is not None else None
        if parameter is None:
            context.names[draft.name] = FAULTY
        else:
            found[draft.name] = parameter
            context.names[draft.name] = Load(parameter.type, references.Parameter(context.draft.id, draft.name))
    return found


def _parameter(draft: DraftParameter, period: Period | None, context: Context) -> Parameter | None:
    report = context.report
    starts = [_start(entry, report) for entry in draft.values]
    dated = [(start, entry) for start, entry in zip(starts, draft.values, strict=True) if start is not None]
    is_sound = _ascend(dated, report) and len(dated) == len(starts)
    values: list[DatedValue] = []
    kinds: list[types.Type] = []
    for start, entry in dated:
        value, kind = _constant(entry, draft, report)
        is_sound = is_sound and (kind is not None or entry.value is None)
        kinds += [kind] if kind is not None else []
        values.append(_dated(start, value, entry, draft, context))
    if is_sound and not kinds:
        report.add(KEY_MISSING, draft.span, f"parameter `{draft.name}` has no value")
    if not is_sound or not kinds:
        return None
    if period is not None:
        _check_covered(draft, values, period, report)
    joined = _joined(kinds)
    if joined is None:
        report.add(TYPE_MISMATCH, draft.span, f"parameter `{draft.name}` counts now in days, now in months")
        return None
    return Parameter(draft.name, joined, draft.unit, tuple(values), draft.declared)


def _start(entry: DraftValue, report: Report) -> date | None:
    start = parse_date(entry.start.value)
    if start is None:
        report_no_date(entry.start, report)
    return start


def _ascend(dated: Sequence[tuple[date, DraftValue]], report: Report) -> bool:
    late = [entry for (before, _), (start, entry) in pairwise(dated) if start <= before]
    for entry in late:
        report.add(VALUE_INVALID, entry.start.span, "the days of dated values ascend")
    return not late


def _dated(start: date, value: Any, entry: DraftValue, draft: DraftParameter, context: Context) -> DatedValue:
    basis, source = entry.basis or draft.basis, entry.source or draft.source
    if basis == "stated" and source is None and value is not None and not lacks_source(context.draft):
        message = f"`{entry.value}` is stated without a source"
        context.report.add(NUMBER_UNSOURCED, entry.span, message, hint=SOURCE_HINT)
    return DatedValue(start, value, basis, source, entry.span)


def _joined(kinds: list[types.Type]) -> types.Type | None:
    """The type that holds all values; None where they do not go together."""
    joined: types.Type | None = kinds[0]
    for kind in kinds[1:]:
        joined = types.union(joined, kind) if joined is not None else None
    return joined


def _check_covered(draft: DraftParameter, values: list[DatedValue], period: Period, report: Report) -> None:
    """A parameter has a value on every day of the period."""
    what = f"parameter `{draft.name}`"
    if values[0].start > period.start:
        message = f"{what} has no value before {values[0].start}, the policy begins on {period.start}"
        report.add(PARAMETER_UNCOVERED, draft.span, message)
    for entry, days in entries(values):
        if entry.value is None and days.common(period) is not None:
            message = f"{what} ends on {entry.start}, the policy is still in force"
            report.add(PARAMETER_UNCOVERED, draft.span, message, hint="end the policy on that day, or give a value")


def _constant(entry: DraftValue, draft: DraftParameter, report: Report) -> tuple[Any, types.Type | None]:
    """The value and a type that holds it alone; neither of a null, or where it does not fit, which is reported."""
    if entry.value is None:
        return None, None
    found = _fitting(entry.value, draft.type, draft.unit)
    if found is None:
        message = f"`{entry.value}` does not fit type `{draft.declared}`"
        report.add(VALUE_INVALID, entry.span, message, hint=_HINTS.get(type(draft.type)))
    return found or (None, None)


def _fitting(text: str, kind: types.Type, unit: str | None) -> tuple[Any, types.Type] | None:
    match kind:
        case types.Number(scale=scale):
            return _number(text, scale, unit)
        case types.Boolean() if text in ("true", "false"):
            return text == "true", kind
        case types.Date() if (day := parse_date(text)) is not None:
            return day.toordinal(), types.Date(day.toordinal(), day.toordinal())
        case types.Duration() if (days := parse_days(text)) is not None:
            return days, types.Duration(days, days)
        case types.Duration() if (months := parse_months(text)) is not None:
            return months, types.Months(months, months)
        case types.Text():
            return text, kind
        case types.Enum(members) if text in members:
            return text, kind
    return None


def _number(text: str, scale: int, unit: str | None) -> tuple[int, types.Type] | None:
    exact = parse_number(text)
    number = scaled(exact, scale) if exact is not None else None
    if number is None or abs(number) > types.MAX_VALUE:
        return None
    return number, types.Number(scale, number, number, unit)
