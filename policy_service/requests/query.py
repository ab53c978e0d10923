"""The parameters of a query. Faults are collected, so that one answer lists them all."""

import re
from collections.abc import Mapping
from typing import TypeVar

from policy_service.diagnostics import Code, Fault, InvalidInput, fault
from policy_service.diagnostics.catalogue import BAD_OPTION, KEY_ABSENT

_LARGEST = 2**53
Found = TypeVar("Found")


class Parameters:
    """The parameters that were given. One that is absent or wrong reads as null, or as its default."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values
        self.faults: list[Fault] = []

    def text(self, name: str) -> str | None:
        return self._values.get(name)

    def matching(
        self, name: str, pattern: str, message: str, hint: str | None = None, *, longest: int = 100
    ) -> str | None:
        """A text that a pattern fits as a whole."""
        text = self.text(name)
        if text is not None and (len(text) > longest or re.fullmatch(pattern, text) is None):
            self.refuse(name, message, hint)
            return None
        return text

    def whole_number(self, name: str) -> int | None:
        """A size or index of the log."""
        return self._number(name, 0, _LARGEST, f"`{name}` is a whole number from 0")

    def number_to(self, name: str, most: int) -> int | None:
        """A whole number from 1."""
        return self._number(name, 1, most, f"`{name}` is a whole number from 1 to {most}")

    def _number(self, name: str, least: int, most: int, message: str) -> int | None:
        text = self.matching(name, "0|[1-9][0-9]{0,15}", message)
        if text is None or least <= int(text) <= most:
            return None if text is None else int(text)
        self.refuse(name, message)
        return None

    def limit(self, *, most: int, usual: int) -> int:
        """How many entries a page may have."""
        return self.number_to("limit", most) or usual

    def flag(self, name: str) -> bool:
        """`true` or `false`, which is the default."""
        return self.matching(name, "true|false", f"`{name}` is true or false") == "true"

    def refuse(self, name: str, message: str, hint: str | None = None, code: Code = BAD_OPTION) -> None:
        self.faults.append(fault(f"/{name}", code, message, hint))

    def needed(self, name: str, found: Found | None, message: str) -> Found:
        """The value found of a parameter that must be given. Raises InvalidInput, if any parameter is wrong."""
        if self.text(name) is None:
            self.refuse(name, message, code=KEY_ABSENT)
        if found is None or self.faults:
            raise InvalidInput(self.faults)
        return found

    def check(self) -> None:
        """Raises InvalidInput with all faults, if there are any."""
        if self.faults:
            raise InvalidInput(self.faults)
