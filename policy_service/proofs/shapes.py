"""JSON read strictly: each reader takes a value and where it stands, and gives it with its type."""

from typing import Any, NoReturn

from policy_service.proofs.keys import unbase64


class ShapeRefused(ValueError):
    """A value has another shape than is due; the message says where."""


def an_object(value: Any, at: str, keys: set[str], *, further: bool = False) -> dict[str, Any]:
    """An object with these keys, and no others unless `further`. Raises ShapeRefused."""
    if not isinstance(value, dict) or not keys <= value.keys() or (value.keys() != keys and not further):
        refuse(at or "the document", f"an object with {', '.join(sorted(keys))}")
    return value


def a_list(value: Any, at: str) -> list[Any]:
    """Raises ShapeRefused."""
    return value if isinstance(value, list) else refuse(at, "a list")


def a_text(value: Any, at: str) -> str:
    """A text that UTF-8 can hold. Raises ShapeRefused."""
    if not isinstance(value, str) or any("\ud800" <= c <= "\udfff" for c in value):
        refuse(at, "a text in UTF-8")
    return value


def texts(value: Any, at: str) -> dict[str, str]:
    """An object of texts. Raises ShapeRefused."""
    if not isinstance(value, dict):
        refuse(at, "an object")
    return {a_text(key, at): a_text(text, at) for key, text in value.items()}


def a_count(value: Any, at: str) -> int:
    """A whole number from 0. Raises ShapeRefused."""
    return value if type(value) is int and value >= 0 else refuse(at, "a number from 0")


def some_bytes(value: Any, at: str, size: int) -> bytes:
    """So many bytes, from base64. Raises ShapeRefused."""
    found = unbase64(a_text(value, at))
    return found if found is not None and len(found) == size else refuse(at, f"{size} bytes in base64")


def refuse(at: str, what: str) -> NoReturn:
    """Raises ShapeRefused."""
    raise ShapeRefused(f"{at} is not {what}")
