"""Values between the state, this engine and an answer."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from policy_service.engines.reference.interpret import Months
from policy_service.language import types
from policy_service.language.values import days_text, months_text


def read(kind: types.Type, value: Any) -> Any:
    """A value of a state or a parameter, where a number is a scaled integer and a day an ordinal; None is null."""
    match kind:
        case _ if value is None:
            return None
        case types.Number(scale=scale):
            return Decimal(value).scaleb(-scale)
        case types.Date():
            return date.fromordinal(value)
        case types.Duration():
            return timedelta(days=value)
        case types.Months():
            return Months(value)
    return value


def shown(value: Any) -> Any:
    """A value as an answer shows it: exact numbers, ISO 8601 texts, lists and records of them."""
    match value:
        case Decimal():
            return int(value) if value == value.to_integral_value() else value.normalize()
        case date():
            return value.isoformat()
        case timedelta():
            return days_text(value.days)
        case Months(count):
            return months_text(count)
        case list():
            return [shown(item) for item in value]
        case dict():
            return {name: shown(item) for name, item in value.items()}
    return value
