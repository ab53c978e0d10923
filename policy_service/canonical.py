"""Values to canonical bytes (RFC 8785) and their digest.

Numbers are int or Decimal with at most 15 digits, printed as the shortest exact decimal; floats are refused.
"""

import hashlib
import json
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import orjson

_OPTIONS = orjson.OPT_SORT_KEYS
_SAFE = 2**53


def _number(value: Any) -> orjson.Fragment:
    if type(value) is Decimal:
        text = f"{value.normalize():f}" if value else "0"
        return orjson.Fragment(text.encode())
    raise TypeError(f"{type(value).__name__} has no canonical form")


def dumps(value: Any) -> bytes:
    """Canonical bytes: keys sorted, no spaces, no float.

    Keys are sorted by code point, which is RFC 8785's order of UTF-16 units as long as no key holds a
    character beyond U+FFFF; such keys are refused. Raises TypeError for what has no canonical form.
    """
    _refuse(value)
    return orjson.dumps(value, default=_number, option=_OPTIONS)


def trusted(value: Any) -> bytes:
    """As `dumps`, for values of our own making: known to hold no float and no odd key."""
    return orjson.dumps(value, default=_number, option=_OPTIONS)


def pretty(value: Any) -> bytes:
    """As `dumps`, indented for a person."""
    _refuse(value)
    return orjson.dumps(value, default=_number, option=_OPTIONS | orjson.OPT_INDENT_2)


def joined(whole: bytes, key: str, items: Iterable[bytes]) -> bytes:
    """A canonical object with one of its keys replaced by a list whose items are canonical already."""
    found = json.loads(whole, parse_float=Decimal)
    return trusted({**found, key: [orjson.Fragment(item) for item in items]})


def digest(data: bytes) -> str:
    """`sha256:` and the hexadecimal digest."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


def _refuse(value: Any) -> None:
    if isinstance(value, dict):
        for key, item in value.items():
            if type(key) is not str or (key and max(key) > "\ud7ff"):
                raise TypeError("a key must be a text without characters beyond U+D7FF")
            _refuse(item)
    elif isinstance(value, list | tuple):
        for item in value:
            _refuse(item)
    elif isinstance(value, float):
        raise TypeError("a float has no exact form")
    elif type(value) is int and abs(value) >= _SAFE:
        raise TypeError("an integer beyond 2**53 is not exact for every reader")
