"""Values of a record replaced by commitments, so that they can be erased while the record's proofs stay valid.

A commitment is HMAC-SHA-256 under a random salt of its own over `<JSON pointer>\\n<canonical value>`. The pointer is in
it, so that a value cannot be moved; each has its own salt, so that equal values cannot be seen to be equal, and that
who has one salt can try values at one place alone. A canonical value holds no raw newline, so the last
one ends the pointer.

Source: docs/design/0006-log.md; RFC 2104, RFC 6901, RFC 8785.
"""

import hmac
import json
import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from policy_service import canonical
from policy_service.diagnostics import escape

SALT_SIZE = 32
COMMITMENT = "commitment"
_PREFIX = "hmac-sha256:"


class CommitmentRefused(ValueError):
    """A value does not fit the commitment at its place, or there is none; the message names the place alone."""


@dataclass(frozen=True, slots=True)
class Private:
    """A value that was taken out of a record.

    Args:
        pointer: RFC 6901, where it stood.
        salt: 32 bytes.
        value: canonical JSON.
    """

    pointer: str
    salt: bytes
    value: bytes


def new_salt() -> bytes:
    return secrets.token_bytes(SALT_SIZE)


def commit(pointer: str, value: bytes, salt: bytes) -> str:
    """The commitment to a canonical value at a place: `hmac-sha256:` and 64 hexadecimal digits.

    Raises:
        ValueError: the salt is not of 32 bytes.
    """
    if len(salt) != SALT_SIZE:
        raise ValueError(f"a salt has {SALT_SIZE} bytes")
    return _PREFIX + hmac.digest(salt, pointer.encode() + b"\n" + value, "sha256").hex()


def fits(commitment: str, private: Private) -> bool:
    """Whether the commitment is to this value at this place under this salt."""
    if len(private.salt) != SALT_SIZE or not commitment.isascii():
        return False
    return hmac.compare_digest(commitment, commit(private.pointer, private.value, private.salt))


def hide(
    document: Any, places: Iterable[str], salts: Callable[[], bytes] = new_salt
) -> tuple[Any, tuple[Private, ...]]:
    """The document with `{"commitment": …}` at these places, and what stood there, sorted by place.

    The document given is not changed; what is not on the way to a place is shared with the new one.

    Args:
        places: JSON pointers of values in it; one named twice is hidden once.
    Raises:
        PlaceUnknown: nothing stands at a place, or a place is inside another or is the whole document.
        TypeError: a value has no canonical form.
    """
    found: list[Private] = []

    def hidden(pointer: str, value: Any) -> Any:
        private = Private(pointer, salts(), canonical.dumps(value))
        found.append(private)
        return {COMMITMENT: commit(pointer, private.value, private.salt)}

    rewritten = _rewritten(document, dict.fromkeys(places, hidden))
    return rewritten, tuple(sorted(found, key=lambda private: private.pointer))


def reveal(document: Any, privates: Iterable[Private]) -> Any:
    """The document with the values back in their places, numbers as int or Decimal. Other commitments stay.

    Raises:
        CommitmentRefused: a place holds no commitment, or one to something else, or is named twice.
    """
    given: dict[str, Private] = {}
    for private in privates:
        if private.pointer in given:
            raise CommitmentRefused(f"two values are given for `{private.pointer}`")
        given[private.pointer] = private

    def revealed(pointer: str, value: Any) -> Any:
        if not is_commitment(value) or not fits(value[COMMITMENT], given[pointer]):
            raise CommitmentRefused(f"the value given for `{pointer}` does not fit what stands there")
        return json.loads(given[pointer].value, parse_float=Decimal)

    try:
        return _rewritten(document, dict.fromkeys(given, revealed))
    except PlaceUnknown as error:
        raise CommitmentRefused(str(error)) from error


def is_commitment(value: Any) -> bool:
    """Whether a value of a record has the form of a commitment."""
    return isinstance(value, dict) and value.keys() == {COMMITMENT} and isinstance(value[COMMITMENT], str)


class PlaceUnknown(LookupError):
    """Nothing stands at a JSON pointer, or two pointers name places one inside the other."""


Change = Callable[[str, Any], Any]
_Changes = dict[str, "tuple[str, Change] | _Changes"]
"""By the first step of a pointer: the pointer and the change where it ends; where it goes on, those by the next."""


def _rewritten(document: Any, changes: Mapping[str, Change]) -> Any:
    """A copy of a document with the values at some places replaced."""
    by_step: _Changes = {}
    for pointer, change in changes.items():
        _add(by_step, pointer, change)
    return _replaced(document, by_step)


def _add(changes: _Changes, pointer: str, change: Change) -> None:
    first, *steps = pointer.split("/")
    if first or not steps:
        raise PlaceUnknown(f"`{pointer}` is no place inside the document")
    for step in steps[:-1]:
        below = changes.setdefault(step, {})
        if isinstance(below, tuple):
            raise PlaceUnknown(f"`{pointer}` is inside `{below[0]}`")
        changes = below
    if steps[-1] in changes:
        raise PlaceUnknown(f"another place is inside `{pointer}`")
    changes[steps[-1]] = (pointer, change)


def _replaced(value: Any, changes: _Changes, at: str = "") -> Any:
    """A copy of an object or a list with the changes made; members keep their order."""
    copy: Any = dict(value) if isinstance(value, dict) else list(value) if isinstance(value, list) else ()
    for step, change in changes.items():
        pointer = f"{at}/{step}"
        key = _key(copy, step)
        if key is None:
            raise PlaceUnknown(f"nothing stands at `{pointer}`")
        below = copy[key]
        copy[key] = change[1](pointer, below) if isinstance(change, tuple) else _replaced(below, change, pointer)
    return copy


def _key(value: Any, step: str) -> str | int | None:
    """The key or index that a step of a pointer names; null where there is none."""
    if isinstance(value, dict):
        key = step.replace("~1", "/").replace("~0", "~")
        return key if key in value and escape(key) == step else None
    if isinstance(value, list) and step.isascii() and step.isdecimal() and len(step) < 10:
        index = int(step)
        return index if index < len(value) and str(index) == step else None
    return None
