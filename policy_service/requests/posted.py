"""The JSON that was posted: exact numbers, and every fault of the text at once, each with its pointer."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from itertools import islice
from typing import Any, NoReturn

from policy_service.diagnostics import Fault, escape, fault
from policy_service.diagnostics.catalogue import BAD_TEXT, DUPLICATE_KEY, MALFORMED, TOO_DEEP
from policy_service.problems import kinds
from policy_service.problems.bodies import MOST_SHOWN
from policy_service.problems.refused import Refused, one_fault

_BOM = b"\xef\xbb\xbf"
_HALF = re.compile("[\ud800-\udfff]")
_MOST_POINTED = 1_000_000
"""Characters that the pointers of one problem may take."""
_HALF_MESSAGE = "the text holds control signs or half of a character"


@dataclass(frozen=True, slots=True)
class Posted:
    """A body that is JSON; numbers are int or Decimal, never float.

    faults: texts and keys that hold half of a surrogate pair, which JSON can escape and UTF-8 cannot carry.
    """

    value: Any
    faults: tuple[Fault, ...] = ()


# ---- text to values


class _Repeated(dict[str, Any]):
    """An object that holds a key twice; `pairs` are all it holds."""

    pairs: list[tuple[str, Any]]


class _Constant(str):
    """NaN, Infinity or -Infinity where a number belongs."""

    __slots__ = ()


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    repeated = _Repeated(found)
    repeated.pairs = pairs
    return repeated


def _long_number(text: str) -> Decimal:
    """A number of any length. One beyond what Decimal can hold becomes one that no declared range or scale holds."""
    try:
        return Decimal(text)
    except InvalidOperation:
        digits, _, exponent = text.lower().partition("e")
        sign, side = "-" if digits.startswith("-") else "", "-" if exponent.startswith("-") else "+"
        return Decimal(f"{sign}1E{side}9999") if Decimal(digits) else Decimal(0)


_FAST = json.JSONDecoder(object_pairs_hook=_object, parse_float=Decimal, parse_constant=_Constant)
_SLOW = json.JSONDecoder(
    object_pairs_hook=_object, parse_float=_long_number, parse_int=_long_number, parse_constant=_Constant
)
"""For numbers of more digits than an int takes in, or of an exponent beyond what Decimal holds."""


def parse(data: bytes, most_deep: int) -> Posted:
    """The value of a JSON text. Raises Refused with 400 and every fault."""
    value = _value(_text(data), most_deep)
    if _is_flawed(value, most_deep):
        raise Refused(kinds.MALFORMED, "the body is JSON that cannot be trusted", _bounded(_flaws(value, most_deep)))
    return Posted(value, tuple(_bounded(_halves(value, most_deep))) if b"\\u" in data else ())


def _text(data: bytes) -> str:
    if not data:
        _malformed("the body is empty")
    if data.startswith(_BOM):
        _malformed("the body begins with a byte order mark")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        _malformed(f"the body is not UTF-8: byte {error.start}")


def _value(text: str, most_deep: int) -> Any:
    try:
        try:
            return _FAST.decode(text)
        except json.JSONDecodeError:
            raise
        except (ValueError, InvalidOperation):
            return _SLOW.decode(text)
    except json.JSONDecodeError as error:
        _malformed(f"the body is not JSON: line {error.lineno}, column {error.colno}")
    except RecursionError:
        raise one_fault(kinds.MALFORMED, "", TOO_DEEP, f"the body is nested deeper than {most_deep}") from None


def _malformed(message: str) -> NoReturn:
    raise one_fault(kinds.MALFORMED, "", MALFORMED, message) from None


# ---- what JSON allows and we do not


def _is_flawed(value: Any, most_deep: int) -> bool:
    """Whether `_flaws`, which is slower, would find a fault. Goes level by level, without recursion."""
    level = [value]
    for _ in range(most_deep):
        below: list[Any] = []
        for item in level:
            kind = type(item)
            if kind is dict:
                below.extend(item.values())
            elif kind is list:
                below.extend(item)
            elif kind is _Repeated or kind is _Constant:
                return True
        if not below:
            return False
        level = below
    return any(isinstance(item, dict | list | _Constant) for item in level)


def _flaws(value: Any, most_deep: int) -> Iterator[Fault]:
    """Repeated keys, NaN and Infinity, and what is nested too deeply."""
    for path, depth, item in _places(value, most_deep):
        if isinstance(item, _Constant):
            yield fault(_pointer(path), MALFORMED, f"`{item}` is not a number in JSON")
        elif isinstance(item, dict | list) and depth > most_deep:
            yield fault(_pointer(path), TOO_DEEP, f"nested deeper than {most_deep}")
        if isinstance(item, _Repeated):
            for name, times in Counter(name for name, _ in item.pairs).items():
                if times > 1:
                    yield fault(_pointer((path, name)), DUPLICATE_KEY, f"the key stands {times} times")


def _halves(value: Any, most_deep: int) -> Iterator[Fault]:
    """Texts and keys that hold a surrogate without its partner."""
    for path, _, item in _places(value, most_deep):
        if isinstance(item, str) and _HALF.search(item):
            yield fault(_pointer(path), BAD_TEXT, _HALF_MESSAGE)
        elif isinstance(item, dict):
            for key in item:
                if _HALF.search(key):
                    yield fault(_pointer((path, key)), BAD_TEXT, _HALF_MESSAGE)


_Path = tuple[Any, str] | None
"""The path of what holds a value, and its key there; None for the whole body."""


def _places(value: Any, most_deep: int) -> Iterator[tuple[_Path, int, Any]]:
    """Every value with its path and depth; the whole body has depth 1. Nothing inside what is too deep."""
    todo: list[tuple[_Path, int, Any]] = [(None, 1, value)]
    while todo:
        path, depth, item = todo.pop()
        yield path, depth, item
        if depth > most_deep:
            continue
        if isinstance(item, dict):
            pairs = item.pairs if isinstance(item, _Repeated) else list(item.items())
            todo.extend(((path, key), depth + 1, inner) for key, inner in reversed(pairs))
        elif isinstance(item, list):
            todo.extend(((path, str(at)), depth + 1, item[at]) for at in reversed(range(len(item))))


def _pointer(path: _Path) -> str:
    steps = []
    while path is not None:
        path, step = path
        steps.append(escape(step))
    return "".join(f"/{step}" for step in reversed(steps))


def _bounded(faults: Iterator[Fault]) -> list[Fault]:
    """At most as many faults as a problem shows, and a bounded length of pointers: a body may have many long keys."""
    found: list[Fault] = []
    room = _MOST_POINTED
    for one in islice(faults, MOST_SHOWN):
        found.append(one)
        room -= len(one.pointer)
        if room < 0:
            break
    return found
