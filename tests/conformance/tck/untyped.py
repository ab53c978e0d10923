"""Expressions that are outside the typed profile, on the tree that the reference walks."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Context, Decimal
from fractions import Fraction
from typing import Any

from policy_service.diagnostics import Report, plain
from policy_service.engines.reference import interpret
from policy_service.language.builtins import SPACED_NAMES
from policy_service.language.parser import parse_expression
from policy_service.language.tokens import Vocabulary
from tests.conformance.tck import models
from tests.conformance.tck.kit import Case, Expected
from tests.conformance.tck.translating import Untranslated, text_of
from tests.conformance.tck.values import Days, Months, Other, same

PASSES, DIFFERS, CANNOT = "passes", "differs", "cannot"
_DIGITS = Context(prec=34)
_GAPS = (NotImplementedError, TypeError, AttributeError, LookupError, ValueError, ArithmeticError)
"""How the reference, which expects checked trees, fails on what it has no meaning for."""


class Cannot(Exception):
    """There is no tree, or a value that the reference does not hold."""


def outcome(expected: Expected, case: Case, model: models.Model) -> str:
    """What the reference makes of a case."""
    try:
        got = _theirs(_decided(expected.decision, case, model, ()))
    except (Cannot, Untranslated, *_GAPS):
        return CANNOT
    return PASSES if same(expected.value, got) else DIFFERS


def _decided(name: str, case: Case, model: models.Model, under_way: tuple[str, ...]) -> Any:
    decision = model.decisions[name]
    if name in under_way:
        raise Cannot(f"a circle through `{name}`")
    names: dict[str, Any] = {}
    for one in decision.required:
        if one in model.inputs:
            names[one] = _held(case.inputs.get(one))
        elif one in model.decisions:
            names[one] = _decided(one, case, model, (*under_way, name))
    return _evaluated(text_of(decision.logic), names)


def _evaluated(text: str, names: Mapping[str, Any]) -> Any:
    tree = parse_expression(text, plain(text), Report(), Vocabulary({*SPACED_NAMES, *names}))
    if tree is None:
        raise Cannot("no tree")
    return interpret.evaluate(tree, interpret.Scope(names, lambda _: None, lambda _: None))


def _held(value: Any) -> Any:
    """A value of the kit as the reference holds it."""
    match value:
        case Days(seconds) if seconds % 1 == 0:
            return timedelta(seconds=int(seconds))
        case Other() | Days():
            raise Cannot(str(value))
        case Months(count):
            return interpret.Months(count)
        case list():
            return [_held(item) for item in value]
        case dict():
            return {name: _held(item) for name, item in value.items()}
    return value


def _theirs(value: Any) -> Any:
    """A value of the reference as the kit means it."""
    match value:
        case None | bool() | str() | Decimal():
            return value
        case Fraction():
            return _DIGITS.divide(Decimal(value.numerator), Decimal(value.denominator))
        case date():
            return value
        case timedelta():
            return Days(Decimal(value.days) * 86400 + value.seconds)
        case interpret.Months(count):
            return Months(count)
        case list():
            return [_theirs(item) for item in value]
        case dict():
            return {name: _theirs(item) for name, item in value.items()}
    raise Cannot(type(value).__name__)
