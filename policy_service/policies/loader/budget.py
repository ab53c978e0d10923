"""How much one bundle may hold, counted in its files before anything is made of them.

Loading and checking take time in proportion to rows and to days; only rows that are looked at again for each day on
which a value changes multiply the two. The bounds are far above what rules need and hold a check to about a minute.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from policy_service.diagnostics import Report, Span
from policy_service.diagnostics.catalogue import BUNDLE_BUDGET
from policy_service.policies.packing import Limits
from policy_service.sources import Mapping as MappingNode
from policy_service.sources import Node, Sequence, Text

MOST_FILES, MOST_CHARACTERS = Limits().files, 4 * 1024 * 1024
MOST_TABLE_ROWS, MOST_ROWS, MOST_DAYS = 5000, 20_000, 4000
MOST_ROW_DAYS = 100_000
"""Rows of a file times the days on which something in it changes, in all files together."""
Sources = Mapping[str, str]
_DAY_KEYS = frozenset(("from", "to", "through"))
_RULE = re.compile(r"\|(?:\s*[-:]{3,}\s*\|)+")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


@dataclass(frozen=True, slots=True)
class _File:
    """What one file holds: rows by the place and name of their table, and the days that it names as an end."""

    tables: tuple[tuple[Text, int], ...]
    days: frozenset[str]

    @property
    def rows(self) -> int:
        return sum(rows for _, rows in self.tables)


def is_bounded(sources: Sources) -> bool:
    """Whether a folder is of a size that is read."""
    return len(sources) <= MOST_FILES and sum(map(len, sources.values())) <= MOST_CHARACTERS


def is_surely_within(sources: Sources) -> bool:
    """Whether a folder is within every bound, as far as that shows without reading its YAML.

    No row has fewer than two bars, and no bar or day can be written otherwise without a backslash.
    """
    if not is_bounded(sources):
        return False
    escapes = [text.count("\\") for text in sources.values()]
    rows = [
        (text.count("|") + text.count("｜") + more) // 2 for text, more in zip(sources.values(), escapes, strict=True)
    ]
    days = [len({*_DAY.findall(text)}) + more for text, more in zip(sources.values(), escapes, strict=True)]
    products = sum(one * many for one, many in zip(rows, days, strict=True))
    return sum(rows) <= MOST_TABLE_ROWS and sum(days) <= MOST_DAYS and products <= MOST_ROW_DAYS


def check_bounded(sources: Sources, folder: str, report: Report) -> bool:
    """Whether a folder is of a size that is read; else that is reported."""
    if is_bounded(sources):
        return True
    message = f"more than {MOST_FILES} files or {MOST_CHARACTERS} characters"
    _over(report, Span(folder, 1, 1, 2), message, "leave out files of policies that have ended, or serve two bundles")
    return False


def check_budget(roots: Mapping[str, Node | None], folder: str, report: Report) -> bool:
    """Whether the files hold no more than one bundle may; each bound that they pass is reported.

    Args:
        roots: of each file, by its path; null where it cannot be read.
    """
    before = len(report.diagnostics)
    files = {path: _counted(root) for path, root in roots.items() if root is not None}
    for file in files.values():
        _check_tables(file, report)
    whole = Span(folder, 1, 1, 2)
    if (rows := sum(file.rows for file in files.values())) > MOST_ROWS:
        message = f"the tables have {rows} rows together, a bundle may have {MOST_ROWS}"
        _over(report, whole, message, "say with a range or an expression what many rows say one by one")
    if (days := len(frozenset[str]().union(*(file.days for file in files.values())))) > MOST_DAYS:
        message = f"something changes on {days} days, in a bundle it may on {MOST_DAYS}"
        _over(report, whole, message, "name only the days on which a value changes")
    _check_products(files, folder, report)
    return len(report.diagnostics) == before


def _check_tables(file: _File, report: Report) -> None:
    for name, rows in file.tables:
        if rows > MOST_TABLE_ROWS:
            message = f"`{name.value}` has {rows} rows, a table may have {MOST_TABLE_ROWS}"
            _over(report, name.span, message, "say with a range or an expression what many rows say one by one")


def _check_products(files: Mapping[str, _File], folder: str, report: Report) -> None:
    products = {path: file.rows * len(file.days) for path, file in files.items()}
    if (total := sum(products.values())) <= MOST_ROW_DAYS:
        return
    path = max(products, key=lambda one: (products[one], one))
    rows, days = files[path].rows, len(files[path].days)
    message = (
        f"{rows} rows times {days} days of change, with the other files {total}, a bundle may have {MOST_ROW_DAYS}"
    )
    hint = "put the rows and the values that change often into two policies, or change the values on the same days"
    _over(report, Span(f"{folder}/{path}", 1, 1, 2), message, hint)


def _over(report: Report, place: Span, message: str, hint: str) -> None:
    report.add(BUNDLE_BUDGET, place, message, hint=hint)


# ---- counted


def _counted(root: Node) -> _File:
    return _File(tuple(_tables(root)), frozenset(_days(root)))


def _tables(root: Node) -> Iterator[tuple[Text, int]]:
    decisions = root.get("decisions") if isinstance(root, MappingNode) else None
    for name, decision in decisions if isinstance(decisions, MappingNode) else ():
        for key in ("table", "relation"):
            text = decision.get(key) if isinstance(decision, MappingNode) else None
            if isinstance(text, Text):
                yield name, _rows(text.value)


def _rows(table: str) -> int:
    """The lines of a table that are rows: neither blank, nor its header, nor the rule that Markdown puts below it."""
    lines = [line for line in map(str.strip, table.split("\n")) if line]
    return sum(_RULE.fullmatch(line) is None for line in lines[1:])


def _days(node: Node) -> Iterator[str]:
    """The texts that stand as the beginning or end of something, anywhere in a file."""
    match node:
        case Sequence(items):
            for item in items:
                yield from _days(item)
        case MappingNode(entries):
            for key, value in entries:
                if isinstance(value, Text):
                    if key.value in _DAY_KEYS:
                        yield value.value
                else:
                    yield from _days(value)
