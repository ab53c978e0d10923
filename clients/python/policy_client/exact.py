"""JSON with exact numbers, both ways."""

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any


def dumps(value: Any) -> bytes:
    """JSON in UTF-8 on one line.

    Raises:
        TypeError: for a float, which is not the number that was meant; post an int or a Decimal.
    """
    return _text(value).encode()


def loads(data: bytes) -> Any:
    """The value; whole numbers as int, others as Decimal. Raises ValueError for what is not JSON."""
    return json.loads(data, parse_float=Decimal)


def _text(value: Any) -> str:
    if value is None or isinstance(value, str | bool):
        return json.dumps(value)
    if isinstance(value, int):
        return str(int(value))
    if isinstance(value, Decimal):
        if not value.is_finite():
            raise TypeError(f"{value} is not a number in JSON")
        return str(value)
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{_key(key)}:{_text(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(_text(item) for item in value) + "]"
    hint = ": post an int or a Decimal" if isinstance(value, float) else ""
    raise TypeError(f"a {type(value).__name__} cannot be posted{hint}")


def _key(key: Any) -> str:
    if not isinstance(key, str):
        raise TypeError(f"a key must be a text, not a {type(key).__name__}")
    return json.dumps(key)
