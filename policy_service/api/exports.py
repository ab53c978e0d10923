"""GET /v1/decisions/export."""

import csv
from collections.abc import Iterable, Iterator
from io import StringIO
from itertools import chain, islice
from typing import Any

import orjson
from flask import Response, request
from flask_smorest import Blueprint

from policy_service import canonical
from policy_service.api import problems, reading
from policy_service.api.access import needs
from policy_service.api.parameters import filter_parameters
from policy_service.api.reading import NDJSON
from policy_service.api.revealing import noted
from policy_service.api.schemas.search import ExportedSchema
from policy_service.api.shared import auditing
from policy_service.decisions.deciding.recording import record_body
from policy_service.decisions.ports.log import LogEntry
from policy_service.proofs.commitments import is_commitment
from policy_service.proofs.receipts import digest_of
from policy_service.requests import filters

CSV = "text/csv"
_FORMS = {"ndjson": NDJSON, "csv": CSV}
COLUMNS = (
    "decision_id", "index", "decided_at", "as_of", "bundle", "policy", "reward", "subject_type", "subject_id", "kind",
    "amount", "unit", "claim_key",
)  # fmt: skip
HIDDEN = "hidden"
"""What a table shows in the place of a sensitive value."""
Portion = list[tuple[LogEntry, bytes | None]]

blueprint = Blueprint("exports", __name__, url_prefix="/v1/decisions", description="Past decisions, many at once")
_FORMAT = {
    "in": "query",
    "name": "format",
    "schema": {"type": "string", "enum": list(_FORMS)},
    "description": "By default the one that `Accept` prefers, else `ndjson`.",
}
_ANSWERED = {
    "description": "The decisions, oldest index first; nothing where none is found.",
    "content": {
        NDJSON: {"schema": ExportedSchema},
        CSV: {"schema": {"type": "string"}, "example": ",".join(COLUMNS) + "\r\n"},
    },
}


@blueprint.route("/export")
@blueprint.doc(
    operationId="export",
    parameters=filter_parameters(_FORMAT),
    responses={"200": _ANSWERED} | problems.of_route(),
)
@needs("audit")
def export() -> Response:
    """Export all decisions that the filters find, as NDJSON or CSV, while they are read.

    NDJSON has a record a line, byte for byte as it was hashed, with its place and leaf hash. CSV has a line for each
    reward granted; what is sensitive reads `hidden`, and a text that a spreadsheet would take for a formula begins with
    an apostrophe. An answer that breaks off is not complete: its transfer ends without the last chunk.
    """
    params = reading.query(request, *filters.NAMES, "format")
    query = filters.query_of(params)
    form = params.matching("format", "|".join(_FORMS), "`format` is ndjson or csv")
    params.check()
    accepted = request.accept_mimetypes.best_match(list(_FORMS.values()), NDJSON)
    wanted = accepted if form is None else _FORMS[form]
    portions = auditing().searching.records(noted(query))
    first = list(islice(portions, 1))  # now, so that a store that cannot be read is told as a problem
    lines = (table if wanted == CSV else records)(chain(first, portions))
    name = f"decisions.{'csv' if wanted == CSV else 'ndjson'}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(lines, content_type=f"{CSV}; charset=utf-8" if wanted == CSV else NDJSON, headers=headers)


def records(portions: Iterable[Portion]) -> Iterator[bytes]:
    """Lines of NDJSON, in portions."""
    for portion in portions:
        yield b"".join(_line(entry, body) for entry, body in portion)


def _line(entry: LogEntry, body: bytes | None) -> bytes:
    shown = {
        "index": entry.index,
        "leaf": digest_of(bytes.fromhex(entry.leaf)),
        "record": None if body is None else orjson.Fragment(body),
    }
    return canonical.trusted(shown) + b"\n"


def table(portions: Iterable[Portion]) -> Iterator[bytes]:
    """Lines of CSV (RFC 4180), in portions, the header first."""
    yield _rows([COLUMNS])
    for portion in portions:
        yield _rows(row for entry, body in portion for row in _granted(entry, body))


def _granted(entry: LogEntry, body: bytes | None) -> Iterator[list[Any]]:
    """A row for each reward; one without a reward where the record is lost."""
    begun = [entry.id, entry.index, entry.at, entry.as_of]
    if body is None:
        yield [*begun, *[""] * (len(COLUMNS) - len(begun))]
        return
    record = record_body(body)
    for reward in record["answer"]["rewards"]:
        subject = reward["subject"]
        yield [
            *begun,
            record["bundle"],
            reward["policy"],
            reward["id"],
            subject["type"],
            subject.get("id", ""),
            reward["kind"],
            reward["amount"],
            reward.get("unit", ""),
            reward["claim"]["key"] if "claim" in reward else "",
        ]


def _rows(rows: Iterable[Iterable[Any]]) -> bytes:
    written = StringIO()
    csv.writer(written, lineterminator="\r\n").writerows([_cell(value) for value in row] for row in rows)
    return written.getvalue().encode()


def _cell(value: Any) -> str:
    """A value as a cell that no spreadsheet takes for a formula."""
    if is_commitment(value):
        return HIDDEN
    if isinstance(value, str):
        return f"'{value}" if value[:1] in ("=", "+", "-", "@", "\t", "\r", "\n") else value
    return canonical.trusted(value).decode()
