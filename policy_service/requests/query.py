"""Parts of a query: numbers, flags and the size of a page. What is wrong with one is added to the faults."""

import re
from collections.abc import Mapping

from policy_service.diagnostics import Fault, fault
from policy_service.diagnostics.catalogue import BAD_OPTION

_LARGEST = 2**53


def whole_number(asked: Mapping[str, str], name: str, faults: list[Fault], least: int = 0) -> int | None:
    """A size or index of the log; null where it is not given."""
    text = asked.get(name)
    if text is None:
        return None
    if re.fullmatch("0|[1-9][0-9]{0,15}", text) is None or not least <= int(text) <= _LARGEST:
        faults.append(fault(f"/{name}", BAD_OPTION, f"`{name}` is a whole number from {least}"))
        return None
    return int(text)


def number_to(asked: Mapping[str, str], name: str, most: int, faults: list[Fault]) -> int | None:
    """A whole number from 1 to `most`; null where it is not given, or is none."""
    text = asked.get(name)
    if text is None:
        return None
    if re.fullmatch("[1-9][0-9]{0,9}", text) is None or int(text) > most:
        faults.append(fault(f"/{name}", BAD_OPTION, f"`{name}` is a whole number from 1 to {most}"))
        return None
    return int(text)


def limit_of(asked: Mapping[str, str], *, most: int, usual: int, faults: list[Fault]) -> int:
    """How many entries a page may have."""
    return number_to(asked, "limit", most, faults) or usual


def flag(asked: Mapping[str, str], name: str, faults: list[Fault]) -> bool:
    """`true` or `false`, which is the default."""
    text = asked.get(name, "false")
    if text not in ("true", "false"):
        faults.append(fault(f"/{name}", BAD_OPTION, f"`{name}` is true or false"))
    return text == "true"
