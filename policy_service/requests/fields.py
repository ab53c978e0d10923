"""Fields that refuse with a code instead of a sentence, and a schema's errors as faults with pointers."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from difflib import get_close_matches
from typing import Any

from marshmallow import RAISE, Schema, ValidationError, fields, validate

from policy_service.diagnostics import Code, Fault, escape, fault
from policy_service.diagnostics.catalogue import BAD_OPTION, BAD_TEXT, KEY_ABSENT, UNKNOWN_KEY, WRONG_TYPE

_MAX_NAME, _MAX_HINTS = 64, 100
_LARGEST = 2**63
_HALF = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Refusal:
    """A fault of a field; marshmallow carries it where it would carry a message."""

    code: Code
    message: str
    hint: str | None = None


def refuse(code: Code, message: str, hint: str | None = None) -> ValidationError:
    return ValidationError([Refusal(code, message, hint)])


def _wrong(message: str, hint: str | None = None) -> Any:
    """The `error_messages` of a field that takes one JSON type."""
    refusal = [Refusal(WRONG_TYPE, message, hint)]
    return {
        "invalid": refusal,
        "type": refusal,
        "null": refusal,
        "required": [Refusal(KEY_ABSENT, "the key is needed")],
    }


class Strict(Schema):
    """Takes the declared keys and no other; an optional key may be null, which is as if it were absent."""

    class Meta:
        unknown = RAISE

    error_messages: Any = {  # noqa: RUF012  # marshmallow reads it from the class
        "unknown": Refusal(UNKNOWN_KEY, "the key is not known"),
        "type": Refusal(WRONG_TYPE, "an object is needed"),
    }


class Text(fields.String):
    default_error_messages = _wrong("a text is needed")


class Flag(fields.Boolean):
    """true or false; no text or number is taken for one."""

    default_error_messages = _wrong("true or false is needed")

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> bool:
        if value is True or value is False:
            return bool(value)
        raise self.make_error("invalid")


class Count(fields.Integer):
    """A whole number, also written `2.0`; no text, flag or fraction is taken for one."""

    default_error_messages = _wrong("a whole number is needed")

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> int:
        if type(value) is int:
            return value
        if isinstance(value, Decimal) and abs(value) < _LARGEST and value == value.to_integral_value():
            return int(value)
        raise self.make_error("invalid")


class Texts(fields.List[str]):
    default_error_messages = _wrong("a list of texts is needed")


class Object(fields.Dict):
    default_error_messages = _wrong("an object is needed")


class Part(fields.Nested):
    default_error_messages = _wrong("an object is needed")


class OneOf(validate.OneOf):
    def __call__(self, value: Any) -> Any:
        if value not in self.choices:
            raise refuse(BAD_OPTION, "the value is not one of those allowed", f"one of {', '.join(self.choices)}")
        return value


class Pattern(validate.Validator):
    """A pattern of the whole text; what does not fit is refused with a code. `regex` is what the contract shows.

    Half of a surrogate pair, which JSON can escape, fits no pattern. `regex` does not say so, because a JSON Schema
    only speaks of whole characters.
    """

    def __init__(self, pattern: str, code: Code, message: str) -> None:
        self.regex = re.compile(f"^{pattern}$")
        self._refusal = (code, message)

    def fits(self, value: str) -> bool:
        return self.regex.fullmatch(value) is not None and _HALF.search(value) is None

    def __call__(self, value: str) -> str:
        if not self.fits(value):
            raise refuse(*self._refusal)
        return value


class Size(validate.Length):
    """A length in characters or elements."""

    def __init__(self, least: int | None, most: int, code: Code, message: str) -> None:
        super().__init__(least, most)
        self._refusal = (code, message)

    def __call__(self, value: Any) -> Any:
        if not (self.min or 0) <= len(value) <= (self.max or 0):
            raise refuse(*self._refusal)
        return value


_NO_SIGN = "\\x00-\\x1f\\x7f-\\x9f\\u2028\\u2029\\ufeff\\ufffe\\uffff"
REASON = Pattern(f"[^\\s{_NO_SIGN}][^{_NO_SIGN}]{{0,499}}", BAD_TEXT, "a reason is one line of 1 to 500 characters")
LABEL = f"[^\\s{_NO_SIGN}][^{_NO_SIGN}]{{0,99}}"


def reason() -> Text:
    return Text(
        required=True,
        validate=REASON,
        metadata={"description": "Why, for those who read the trail.", "examples": ["amounts of April"]},
    )


def faults(schema: Schema, error: ValidationError) -> list[Fault]:
    """The errors of loading a schema, each with its pointer."""
    return list(_faults(error.messages, schema, ""))


def _faults(found: Any, schema: Schema | None, pointer: str) -> Iterator[Fault]:
    if isinstance(found, Mapping):
        for place, (key, inner) in enumerate(found.items()):
            if key == "_schema":
                yield from _faults(inner, schema, pointer)
            elif schema is not None and key not in schema.fields:
                yield _unknown(key, schema, f"{pointer}/{escape(key)}", hinted=place < _MAX_HINTS)
            else:
                field = schema.fields[key] if schema is not None else None
                below = field.schema if isinstance(field, fields.Nested) else None
                yield from _faults(inner, below, f"{pointer}/{escape(str(key))}")
        return
    for refusal in found:
        yield fault(pointer, refusal.code, refusal.message, refusal.hint)


def _unknown(key: str, schema: Schema, pointer: str, *, hinted: bool) -> Fault:
    """The fault of an unknown key, with the known key most like it.

    The search takes time: it is left out for long keys, and beyond the hundredth fault.
    """
    close = get_close_matches(key, schema.fields, 1) if hinted and len(key) <= _MAX_NAME else []
    hint = f"did you mean `{close[0]}`?" if close else f"known are {', '.join(schema.fields)}"
    return fault(pointer, UNKNOWN_KEY, f"there is no key `{key[:_MAX_NAME]}` here", hint)
