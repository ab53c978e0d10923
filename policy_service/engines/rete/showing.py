"""Closures that give a value as answers show it; integers, texts and conditions pass as they are."""

from datetime import date
from typing import Any

from policy_service.engines.rete.closures import Closure, Slots
from policy_service.language import types
from policy_service.language.values import exact, shown


def show(kind: types.Type, compute: Closure) -> Closure:
    """The closure whose values are those of `compute`, shown."""
    match kind:
        case types.Boolean() | types.Text() | types.Enum() | types.Null() | types.Number(scale=0):
            return compute
        case types.Number(scale=scale):
            return _decimal(scale, compute)
        case types.Date():
            return _date(compute)

    def general(slots: Slots) -> Any:
        return shown(kind, compute(slots))

    return general


def _decimal(scale: int, compute: Closure) -> Closure:
    def run(slots: Slots) -> Any:
        value = compute(slots)
        return None if value is None else exact(value, scale)

    return run


def _date(compute: Closure) -> Closure:
    def run(slots: Slots) -> Any:
        value = compute(slots)
        return None if value is None else date.fromordinal(value).isoformat()

    return run
