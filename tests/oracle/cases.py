"""The states of `.test.yaml` files, as a caller would post them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from tests.oracle import sources
from tests.oracle.values import day_of


@dataclass(frozen=True)
class Case:
    """A state judged on a day by a policy."""

    policy: str
    name: str
    as_of: date
    posted: Mapping[str, Any]


def read_cases(files: Mapping[str, str]) -> Iterator[Case]:
    """Every case that stands in a folder, given the text of each file by its path."""
    types = _types(files)
    for path, text in files.items():
        if path.endswith(".test.yaml"):
            policy = sources.read(files[path.removesuffix(".test.yaml") + ".yaml"])["policy"]
            yield from _cases(policy, sources.read(text), types)


Types = Mapping[str, Mapping[str, str]]  # by section and fact


def _types(files: Mapping[str, str]) -> Types:
    sections = sources.read(files["facts.yaml"])["sections"]
    return {name: {fact: each["type"] for fact, each in entry["facts"].items()} for name, entry in sections.items()}


def _cases(policy: str, document: Mapping[str, Any], types: Types) -> Iterator[Case]:
    for case in document["cases"]:
        given = (document.get("states") or {})[case["given"]] if "given" in case else {}
        laid = _laid_over(given, case.get("facts") or {})
        yield Case(policy, case["name"], day_of(case["as_of"]), posted_of(laid, types))


def _laid_over(given: Mapping[str, Any], facts: Mapping[str, Any]) -> dict[str, Any]:
    """Facts over a state; a list takes the place of the whole list, a null of what was there."""
    found = dict(given)
    for section, content in facts.items():
        below = found.get(section)
        if isinstance(content, dict) and isinstance(below, dict):
            found[section] = {**below, **content}
        else:
            found[section] = content
    return found


def posted_of(state: Mapping[str, Any], types: Types) -> dict[str, Any]:
    """A state as it was written in YAML, with values of JSON; nulls are left out."""
    return {
        section: [_section(each, types[section]) for each in content]
        if isinstance(content, list)
        else _section(content, types[section])
        for section, content in state.items()
        if content is not None
    }


def _section(content: Mapping[str, Any], types: Mapping[str, str]) -> dict[str, Any]:
    return {fact: _value(types[fact], value) for fact, value in content.items() if value is not None}


def _value(type: str, scalar: str) -> Any:
    if type == "integer" or type.startswith("decimal"):
        number = Decimal(scalar)
        return int(number) if number == number.to_integral() and "." not in scalar else number
    return sources.is_true(scalar) if type == "boolean" else scalar
