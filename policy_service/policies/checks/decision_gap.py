"""Decisions that a file needs on days on which no file of their policy gives them: the reader then lacks them."""

from collections.abc import Iterable, Iterator
from datetime import date

from policy_service.diagnostics import Report, Span
from policy_service.diagnostics.catalogue import DECISION_GAP
from policy_service.language import ast
from policy_service.language.references import Decision
from policy_service.policies.building import decision_references
from policy_service.policies.model import Period, Policy, Rules, Table

_Days = tuple[date, date | None]
"""From a day to before another, or to no end."""


def check(rules: Rules, report: Report) -> None:
    for reader in rules.policies:
        for (owner, decision), span in _required(reader, rules.order).items():
            given = [p.effective.period for p in rules.versions(owner) if decision in p.decisions]
            gap = _gap(reader.effective.period, given)
            if gap is not None:
                _warn(owner, decision, gap, span, report)


def _required(reader: Policy, ids: Iterable[str]) -> dict[tuple[str, str], Span]:
    """Policy and decision of what a file cannot do without, where it is named first."""
    found: dict[tuple[str, str], Span] = {}
    for name, span in sorted(_references(reader), key=lambda reference: reference[1]):
        owner = next((id_ for id_ in ids if name.startswith(f"{id_}.")), None)
        if owner is None:
            continue
        decision = name.removeprefix(f"{owner}.").partition(".")[0]
        if Decision(owner, decision) not in reader.optional:
            found.setdefault((owner, decision), span)
    return found


def _references(reader: Policy) -> Iterator[tuple[str, Span]]:
    for tree in _trees(reader):
        yield from decision_references(tree)


def _trees(reader: Policy) -> Iterator[ast.Node]:
    yield from (expression.tree for expression in reader.expressions())
    for decision in reader.decisions.values():
        if isinstance(decision.body, Table):
            yield from (cell.tree for row in decision.body.rows for cell in row.cells)


def _gap(needed: Period, given: Iterable[Period]) -> _Days | None:
    """The first days of a period that none of the others holds."""
    day = needed.start
    for period in sorted(given, key=lambda p: p.start):
        if period.end is not None and period.end <= day:
            continue
        if period.start > day:
            return _clipped(day, period.start, needed)
        if period.end is None:
            return None
        day = period.end
    return _clipped(day, needed.end, needed)


def _clipped(day: date, end: date | None, needed: Period) -> _Days | None:
    ends = [d for d in (end, needed.end) if d is not None]
    last = min(ends) if ends else None
    return None if last is not None and last <= day else (day, last)


def _warn(owner: str, decision: str, gap: _Days, span: Span, report: Report) -> None:
    start, end = gap
    days = f"from {start} on" if end is None else f"from {start} to {end}"
    report.add(
        DECISION_GAP,
        span,
        f"no file of `{owner}` has `{decision}` {days}",
        hint=f"end this file there, give `{owner}` a file that has it, or list `decision({owner}.{decision})` "
        "under `optional`",
    )
