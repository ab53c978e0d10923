"""Where two answers differ."""

from decimal import Decimal
from typing import Any

_ABSENT = object()


def difference(oracle: Any, service: Any, pointer: str = "") -> str | None:
    """The first place (JSON pointer) at which the answers differ, with both values; None where they agree."""
    if isinstance(oracle, dict) and isinstance(service, dict):
        return _of_objects(oracle, service, pointer)
    if isinstance(oracle, list) and isinstance(service, list):
        return _of_lists(oracle, service, pointer)
    return None if _same(oracle, service) else _told(oracle, service, pointer)


def _of_objects(oracle: dict[str, Any], service: dict[str, Any], pointer: str) -> str | None:
    found = (
        difference(oracle.get(key, _ABSENT), service.get(key, _ABSENT), f"{pointer}/{_escaped(key)}")
        for key in sorted({*oracle, *service})
    )
    return next(filter(None, found), None)


def _of_lists(oracle: list[Any], service: list[Any], pointer: str) -> str | None:
    longest = range(max(len(oracle), len(service)))
    found = (difference(_at(oracle, place), _at(service, place), f"{pointer}/{place}") for place in longest)
    return next(filter(None, found), None)


def _at(elements: list[Any], place: int) -> Any:
    return elements[place] if place < len(elements) else _ABSENT


def _same(oracle: Any, service: Any) -> bool:
    """Numbers by value, everything else also by type."""
    if _is_number(oracle) and _is_number(service):
        return bool(oracle == service)
    return type(oracle) is type(service) and bool(oracle == service)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | Decimal) and not isinstance(value, bool)


def _told(oracle: Any, service: Any, pointer: str) -> str:
    return f"{pointer or '/'}: oracle {_text(oracle)}, service {_text(service)}"


def _text(value: Any) -> str:
    return "(absent)" if value is _ABSENT else repr(value)


def _escaped(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")
