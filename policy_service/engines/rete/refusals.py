"""What the C engine cannot be trusted with, as an exception with a code."""

from typing import Literal, TypeAlias

Code: TypeAlias = Literal[
    "empty-group",
    "hash-collision",
    "integer-range",
    "reserved-name",
    "rule-name",
    "stack",
    "string-length",
    "string-order",
    "too-many-fields",
    "too-many-first-conditions",
    "too-many-groups",
    "too-many-rules",
    "too-many-shared-ends",
    "value-type",
]


class PenRefusal(Exception):
    """Rules, or a fact, that the C engine cannot be trusted with."""

    def __init__(self, code: Code, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code: Code = code
        self.message = message
