"""Sealed decisions found on SQL."""

from collections.abc import Iterator
from dataclasses import fields
from typing import Any

from sqlalchemy import ColumnElement, Engine, Select, and_, select

from policy_service.decisions.audit.searching import Found, Query
from policy_service.decisions.ports.log import LogEntry
from policy_service.decisions.sealed.terms import term
from policy_service.store.database import reading
from policy_service.store.tables import decisions, log_entries, terms

_PORTION = 500
_FOUND = (
    log_entries.c.index,
    log_entries.c.id,
    log_entries.c.at,
    log_entries.c.as_of,
    decisions.c.bundle,
    decisions.c.merchant_id,
    decisions.c.supersedes,
)
_ENTRY = [log_entries.c[field.name] for field in fields(LogEntry)]


class SqlSearchStore:
    """The inverted index in `terms`, over `log_entries`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def search(self, query: Query) -> list[Found]:
        with reading(self._engine) as connection:
            rows = connection.execute(page(query)).all()
            corrections: dict[str, tuple[str, ...]] = {}
            correcting = select(decisions.c.supersedes, decisions.c.id).where(
                decisions.c.supersedes.in_([row.id for row in rows])
            )
            for corrected, id_ in connection.execute(correcting.order_by(decisions.c.id)):
                corrections[corrected] = (*corrections.get(corrected, ()), id_)
        return [_found(row, corrections.get(row.id, ())) for row in rows]

    def log_entries(self, query: Query) -> Iterator[list[LogEntry]]:
        last = -1
        while True:
            found, walked = _filtered(select(*_ENTRY), query)
            with reading(self._engine) as connection:
                rows = connection.execute(found.where(walked > last).order_by(walked).limit(_PORTION)).all()
            if not rows:
                return
            yield [LogEntry(*row) for row in rows]
            last = rows[-1][0]


def _found(row: Any, superseded_by: tuple[str, ...]) -> Found:
    index, id_, decided_at, as_of, bundle, merchant_id, supersedes = row
    return Found(index, id_, decided_at, as_of, bundle, merchant_id, supersedes, superseded_by)


_CLAIM = term("claim", "")
_RAREST_FIRST = {"claim": 0, "subject": 1, "row": 2, "reward": 3, "policy": 4, "bundle": 5}
"""Kinds of terms, by how few decisions have one of them."""


def page(query: Query) -> Select[Any]:
    """The statement of one page.

    It goes down the index of its rarest term and stops when the page is full: that is also what orders it, since a sort
    would read all that have the term.
    """
    found, walked = _filtered(select(*_FOUND).join(decisions, decisions.c.id == log_entries.c.id), query)
    if query.before is not None:
        found = found.where(walked < query.before)
    return found.order_by(walked.desc()).limit(query.limit)


def _filtered(found: Select[Any], query: Query) -> tuple[Select[Any], ColumnElement[int]]:
    """The statement under a query, and the index that it walks along."""
    walked: ColumnElement[int] = log_entries.c.index
    texts = sorted(query.terms, key=lambda text: _RAREST_FIRST[text.partition(":")[0]])
    for number, text in enumerate(texts):
        one = terms.alias(f"t{number}")
        found = found.join(one, and_(one.c.index == log_entries.c.index, one.c.text == text))
        if not query.reveal and not text.startswith(_CLAIM):
            found = found.where(~one.c.private)
        if number == 0:
            walked = one.c.index
    conditions: list[ColumnElement[bool]] = [log_entries.c.kind == "decision"]
    for column, (first, end) in ((log_entries.c.as_of, query.as_of), (log_entries.c.at, query.decided)):
        if first is not None:
            conditions.append(column >= first)
        if end is not None:
            conditions.append(column < end)
    return found.where(*conditions), walked
