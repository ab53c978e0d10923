"""POST /v1/evaluate/batch."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from itertools import count
from threading import BoundedSemaphore
from typing import Any

import orjson
from flask import Response, request
from flask_smorest import Blueprint

from policy_service import canonical
from policy_service.api import body, examples, problems
from policy_service.api.access import caller, needs
from policy_service.api.body import JSON, NDJSON
from policy_service.api.evaluate import item_of
from policy_service.api.items import Lines, of_array
from policy_service.api.problems import Refused
from policy_service.api.schemas.batch import BatchAnswerSchema, BatchItemSchema
from policy_service.api.shared import Shared, shared
from policy_service.decisions.bundles.evaluators import NoActiveBundle
from policy_service.decisions.deciding.batch import Batch, Item
from policy_service.decisions.deciding.service import Evaluated
from policy_service.decisions.ports.records import StoreUnavailable
from policy_service.diagnostics import InvalidInput, fault
from policy_service.diagnostics.catalogue import TOO_LARGE

blueprint = Blueprint("batch", __name__, url_prefix="/v1", description="Many states at once")
_SCHEMA = BatchItemSchema()
_ITEMS = [
    {**examples.REQUEST, "idempotency_key": "2023-04-01/m-1"},
    {**examples.PREVIEW},
]
_BODY = {
    "required": True,
    "content": {
        JSON: {"schema": {"type": "array", "items": BatchItemSchema}, "example": _ITEMS},
        NDJSON: {"schema": BatchItemSchema, "example": _ITEMS[0]},
    },
}
_ANSWERED = {
    "description": "An entry per item, in order: whatever became of one, the others stand.",
    "content": {
        JSON: {"schema": {"type": "array", "items": BatchAnswerSchema}},
        NDJSON: {"schema": BatchAnswerSchema},
    },
}


@blueprint.route("/evaluate/batch", methods=["POST"])
@blueprint.doc(
    operationId="evaluateBatch",
    requestBody=_BODY,
    responses={"200": _ANSWERED}
    | problems.documented(
        problems.MALFORMED,
        problems.BAD_REQUEST,
        problems.NOT_ACCEPTABLE,
        problems.BODY_TOO_LARGE,
        problems.TOO_MANY_ITEMS,
        problems.MEDIA_TYPE,
        problems.HOST_REFUSED,
        problems.INTERNAL,
        problems.OVERLOADED,
        problems.STORE,
        problems.NO_BUNDLE,
    ),
)
@needs("evaluate")
def batch() -> Response:
    """Judge many states.

    Takes a JSON array or NDJSON, an item a line, and answers in the same form or the one that `Accept` prefers. An item
    is the body of POST /v1/evaluate, and may have an `idempotency_key`. Every item is judged by one bundle; each
    decision is in the log before it is answered. A NDJSON body without announced length is answered while it comes: its
    sender must read while it writes. If it goes beyond a limit, the last entry says so, with the index of the first
    item that was not judged. Give every item a key: then the whole batch may be sent again.
    """
    body.check_type(request, JSON, NDJSON)
    known = shared()
    place = _Place(known.batches)
    try:
        wanted, answers = _answers(known, place)
    except BaseException:
        place.free()
        raise
    answered = Response(place.until_end(answers), content_type=wanted)
    answered.call_on_close(place.free)
    return answered


class _Place:
    """One of the places for batches under way; given back at the end, or when the reader has gone."""

    def __init__(self, places: BoundedSemaphore) -> None:
        if not places.acquire(blocking=False):
            raise Refused(problems.OVERLOADED, problems.OVERLOADED.meaning)
        self.ends = ExitStack()
        self.ends.callback(places.release)
        self.free = self.ends.close  # does so once

    def until_end(self, answers: Iterator[bytes]) -> Iterator[bytes]:
        yield from answers
        self.free()


def _answers(known: Shared, place: _Place) -> tuple[str, Iterator[bytes]]:
    """The media type of the answer, and its chunks."""
    limits = known.settings
    posted = request.mimetype
    other = JSON if posted == NDJSON else NDJSON
    wanted = request.accept_mimetypes.best_match([posted, other], posted)
    opened = Batch(known.service, caller(), limits.batch_seconds)
    chunks: Iterable[list[bytes]]
    if posted == NDJSON:
        lines = Lines(request, limits.max_batch_body, limits.max_body)
        place.ends.callback(lines.close)
        chunks = lines.chunks(limits.max_items)
    else:
        chunks = of_array(request, limits.max_batch_body, limits.max_items)
    answers = _Answers(known, opened).of(chunks)
    return wanted, answers if wanted == NDJSON else _as_array(answers)


def _as_array(lines: Iterable[bytes]) -> Iterator[bytes]:
    """Chunks of lines as chunks of one array."""
    opening = b"["
    for chunk in lines:
        yield opening + chunk[:-1].replace(b"\n", b",\n")
        opening = b",\n"
    yield b"[]" if opening == b"[" else b"]"


class _Answers:
    """What becomes of each item, as lines of canonical JSON."""

    def __init__(self, known: Shared, opened: Batch) -> None:
        self._service, self._settings, self._batch = known.service, known.settings, opened
        self._index = count()

    def of(self, chunks: Iterable[list[bytes]]) -> Iterator[bytes]:
        """The lines of a chunk together, when its decisions are committed."""
        try:
            for chunk in chunks:
                yield self._chunk([self._read(raw) for raw in chunk])
        except Refused as beyond:
            yield self._line(beyond)

    def _read(self, raw: bytes) -> Item | Exception:
        most = self._settings.max_body
        try:
            if len(raw) > most:
                message = f"the item is larger than {most} bytes"
                raise Refused(problems.BODY_TOO_LARGE, message, [fault("", TOO_LARGE, message)])
            return Item(*item_of(body.parse(raw, self._settings.max_depth), self._service, _SCHEMA))
        except (Refused, InvalidInput, NoActiveBundle, StoreUnavailable) as refusal:
            return refusal

    def _chunk(self, read: Sequence[Item | Exception]) -> bytes:
        outcomes = iter(self._outcomes([one for one in read if isinstance(one, Item)]))
        return b"".join(self._line(next(outcomes) if isinstance(one, Item) else one) for one in read)

    def _outcomes(self, items: list[Item]) -> list[Evaluated | Exception]:
        """What became of the items. A fault of ours in one is not to touch the others: then each is tried alone."""
        try:
            return list(self._batch.answer(items))
        except Exception as error:  # noqa: BLE001  told with its instance, and logged with its traceback
            if len(items) == 1:
                return [error]
        return [self._outcomes([item])[0] for item in items]

    def _line(self, outcome: Evaluated | Exception) -> bytes:
        line: dict[str, Any] = {"index": next(self._index)}
        if isinstance(outcome, Evaluated):
            line["status"] = 200 if outcome.decision_id is None else 201
            line["decision"] = outcome.answer
            if outcome.replayed:
                line["replayed"] = True
        else:
            kind, detail, faults = problems.of(outcome)
            instance = problems.logged(outcome, "an item of a batch") if kind is problems.INTERNAL else None
            line["status"] = kind.status
            line["problem"] = orjson.Fragment(problems.body(kind, detail, faults, instance=instance))
        return canonical.trusted(line) + b"\n"
