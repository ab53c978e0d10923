"""POST /v1/evaluate/batch."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from itertools import count
from threading import BoundedSemaphore
from typing import Any

import orjson
from flask import Response, request
from flask_smorest import Blueprint

from policy_service import canonical
from policy_service.api import examples, problems, reading
from policy_service.api.access import caller, counting, needs, principal
from policy_service.api.bodies import Content, takes
from policy_service.api.reading import JSON, NDJSON
from policy_service.api.schemas.batch import BatchAnswerSchema
from policy_service.api.shared import Shared, shared
from policy_service.api.streaming import source_of
from policy_service.decisions.bundles.evaluators import NoActiveBundle
from policy_service.decisions.deciding.batch import Batch, Item, together
from policy_service.decisions.deciding.service import Evaluated
from policy_service.decisions.ports.records import StoreUnavailable
from policy_service.diagnostics import InvalidInput
from policy_service.problems import kinds
from policy_service.problems.bodies import body as problem
from policy_service.problems.refused import Refused, logged, refusal_of, too_large
from policy_service.requests.evaluation import item_of
from policy_service.requests.items import Lines, of_array
from policy_service.requests.posted import parse
from policy_service.requests.schemas import BatchItemSchema

blueprint = Blueprint("batch", __name__, url_prefix="/v1", description="Many states at once")
_ITEMS = [
    {**examples.REQUEST, "idempotency_key": "2023-04-01/m-1"},
    {**examples.PREVIEW},
]
_ANSWERED = {
    "description": "An entry per item, in order: whatever became of one, the others stand.",
    "content": {
        JSON: {"schema": {"type": "array", "items": BatchAnswerSchema}},
        NDJSON: {"schema": BatchAnswerSchema},
    },
}


def _array_or_lines(schema: type[BatchItemSchema]) -> Content:
    return {
        JSON: {"schema": {"type": "array", "items": schema}, "example": _ITEMS},
        NDJSON: {"schema": schema, "example": _ITEMS[0]},
    }


def _item_by_item(schema: BatchItemSchema) -> BatchItemSchema:
    """The schema itself: the body is read while it is answered."""
    reading.check_type(request, JSON, NDJSON)
    return schema


@blueprint.route("/evaluate/batch", methods=["POST"])
@takes(BatchItemSchema, content=_array_or_lines, reader=_item_by_item)
@blueprint.doc(
    operationId="evaluateBatch",
    responses={"200": _ANSWERED}
    | problems.documented(
        kinds.MALFORMED,
        kinds.BAD_REQUEST,
        kinds.NOT_ACCEPTABLE,
        kinds.BODY_TOO_LARGE,
        kinds.TOO_MANY_ITEMS,
        kinds.MEDIA_TYPE,
        kinds.HOST_REFUSED,
        kinds.INTERNAL,
        kinds.OVERLOADED,
        kinds.STORE,
        kinds.NO_BUNDLE,
    ),
)
@needs("evaluate")
def batch(body: BatchItemSchema) -> Response:
    """Judge many states.

    Takes a JSON array or NDJSON, an item a line, and answers in the same form or the one that `Accept` prefers. An item
    is the body of POST /v1/evaluate, and may have an `idempotency_key`. Every item is judged by one bundle; each
    decision is in the log before it is answered. A NDJSON body without announced length is answered while it comes: its
    sender must read while it writes. If it goes beyond a limit, the last entry says so, with the index of the first
    item that was not judged. Give every item a key: then the whole batch may be sent again. Each item counts against
    the caller's rate as a request does.
    """
    known = shared()
    slot = _Slot(known.batches)
    try:
        wanted, answers = _answers(known, slot, body)
    except BaseException:
        slot.free()
        raise
    answered = Response(slot.until_end(answers), content_type=wanted)
    answered.call_on_close(slot.free)
    return answered


class _Slot:
    """One of the slots for batches under way; it is freed at the end of the answer, or when the reader is gone."""

    def __init__(self, places: BoundedSemaphore) -> None:
        if not places.acquire(blocking=False):
            raise Refused(kinds.OVERLOADED, kinds.OVERLOADED.meaning)
        self.ends = ExitStack()
        self.ends.callback(places.release)
        self.free = self.ends.close  # does so once

    def until_end(self, answers: Iterator[bytes]) -> Iterator[bytes]:
        yield from answers
        self.free()


def _answers(known: Shared, slot: _Slot, schema: BatchItemSchema) -> tuple[str, Iterator[bytes]]:
    """The media type of the answer, and its chunks."""
    limits = known.settings
    posted = request.mimetype
    other = JSON if posted == NDJSON else NDJSON
    wanted = request.accept_mimetypes.best_match([posted, other], posted)
    opened = Batch(known.service, caller(), limits.batch_seconds, principal().id)
    chunks: Iterable[list[bytes]]
    if posted == NDJSON:
        source = source_of(request, limits.max_batch_body)
        slot.ends.callback(source.close)
        chunks = Lines(source, limits.max_batch_body, limits.max_body).chunks(limits.max_items)
    else:
        chunks = of_array(reading.whole(request, limits.max_batch_body), limits.max_items)
    answers = _Answers(known, opened, schema, counting()).of(chunks)
    return wanted, answers if wanted == NDJSON else _as_array(answers)


def _as_array(lines: Iterable[bytes]) -> Iterator[bytes]:
    """Chunks of lines as chunks of one array."""
    opening = b"["
    for chunk in lines:
        yield opening + chunk[:-1].replace(b"\n", b",\n")
        opening = b",\n"
    yield b"[]" if opening == b"[" else b"]"


class _Answers:
    """The result of each item, as a line of canonical JSON.

    Args:
        counted: is told how many more items were read, since the rate of the caller is one of decisions.
    """

    def __init__(self, known: Shared, opened: Batch, schema: BatchItemSchema, counted: Callable[[int], None]) -> None:
        self._service, self._settings, self._batch, self._schema = known.service, known.settings, opened, schema
        self._index, self._counted = count(), counted

    def of(self, chunks: Iterable[list[bytes]]) -> Iterator[bytes]:
        """The lines of each chunk, once its decisions are committed."""
        try:
            before = 1  # the request itself
            for chunk in chunks:
                self._counted(len(chunk) - before)
                before = 0
                read = [self._read(raw) for raw in chunk]
                for run in together([one.elements if isinstance(one, Item) else 0 for one in read]):
                    yield self._chunk(read[run])
        except Refused as beyond:
            yield self._line(beyond)

    def _read(self, raw: bytes) -> Item | Exception:
        most = self._settings.max_body
        try:
            if len(raw) > most:
                raise too_large("item", most)
            return Item(*item_of(parse(raw, self._settings.max_depth), self._schema, self._service))
        except (Refused, InvalidInput, NoActiveBundle, StoreUnavailable) as refusal:
            return refusal

    def _chunk(self, read: Sequence[Item | Exception]) -> bytes:
        results = iter(self._results([one for one in read if isinstance(one, Item)]))
        return b"".join(self._line(next(results) if isinstance(one, Item) else one) for one in read)

    def _results(self, items: list[Item]) -> list[Evaluated | Exception]:
        """The result of each item. If one hits a fault of ours, each is tried alone, so that the others succeed."""
        try:
            return list(self._batch.answer(items))
        except Exception as error:  # noqa: BLE001  told with its instance, and logged with its traceback
            if len(items) == 1:
                return [error]
        return [self._results([item])[0] for item in items]

    def _line(self, result: Evaluated | Exception) -> bytes:
        line: dict[str, Any] = {"index": next(self._index)}
        if isinstance(result, Evaluated):
            line["status"] = 200 if result.decision_id is None else 201
            line["decision"] = result.answer
            if result.replayed:
                line["replayed"] = True
        else:
            found = refusal_of(result)
            instance = logged(result, "an item of a batch") if found.kind is kinds.INTERNAL else None
            line["status"] = found.kind.status
            line["problem"] = orjson.Fragment(problem(found.kind, found.detail, found.faults, instance=instance))
        return canonical.trusted(line) + b"\n"
