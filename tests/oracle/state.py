"""The posted state as values, and the subjects that it holds."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Any

from tests.oracle.model import Folder, Section
from tests.oracle.values import Value, day_of, duration_of

Posted = Mapping[str, Any]
Facts = dict[str, dict[str, Value]]


@dataclass(frozen=True)
class Subject:
    """Who is judged: a section, or an element of a list; without an id nobody was posted."""

    type: str
    id: str | None = None
    facts: Facts = field(default_factory=dict, compare=False)

    def shown(self) -> dict[str, str]:
        return {"type": self.type} if self.id is None else {"type": self.type, "id": self.id}


class State:
    """What was posted: facts of single sections, and the elements of lists."""

    def __init__(self, folder: Folder, posted: Posted) -> None:
        self.folder = folder
        self.by_subject = {section.subject: section for section in folder.sections.values()}
        known = {name: content for name, content in posted.items() if content is not None}
        self.facts: Facts = {}
        self.elements: dict[str, list[dict[str, Value]]] = {}
        for name, content in known.items():
            self._take(folder.sections[name], content)

    def _take(self, section: Section, content: Any) -> None:
        if section.element:
            self.elements[section.element] = [_facts(section, each) for each in content]
        else:
            self.facts[section.name] = _facts(section, content)

    def has(self, section: str) -> bool:
        """Whether a section was posted; of a list, whether it has an element."""
        element = self.folder.sections[section].element
        return bool(self.elements.get(element)) if element else section in self.facts

    def subjects(self, type: str) -> list[Subject]:
        """All of a type that were posted, in their order."""
        if self.by_subject[type].element:
            elements = self.elements.get(type, [])
            return [Subject(type, each["id"], {**self.facts, type: each}) for each in elements]
        return [Subject(type, self.facts[type]["id"], self.facts)] if type in self.facts else []


def _facts(section: Section, content: Mapping[str, Any]) -> dict[str, Value]:
    """The facts that are known."""
    return {name: _value(section.types[name], value) for name, value in content.items() if value is not None}


def _value(type: str, value: Any) -> Value:
    if isinstance(value, bool):
        return value
    if isinstance(value, int | Decimal):
        return Fraction(value)
    if isinstance(value, str):
        return {"date": day_of, "duration": duration_of}.get(type, str)(value)
    raise TypeError(f"not a posted value: {value!r}")
