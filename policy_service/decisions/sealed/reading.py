"""Records read from bytes that anybody may have written."""

from typing import Any, NamedTuple

import orjson

from policy_service.decisions.sealed import acts


class Malformed(ValueError):
    """Bytes are no record of their kind and id; the message says why."""


class ReadRecord(NamedTuple):
    """A record whose parts that the log needs are there, with their types.

    at: of a decision `decided_at`.
    """

    body: Any
    at: str


def read_record(kind: str, id_: str, data: bytes) -> ReadRecord:
    """The record of a kind and id. Raises Malformed."""
    if kind not in ("decision", "act"):
        raise Malformed("there is no such kind of record")
    try:
        body = orjson.loads(data)
        found = _decision(body) if kind == "decision" else _act(body, data)
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError) as error:
        raise Malformed(f"its bytes are no {kind}: {type(error).__name__}") from error
    said, at = found
    if said != id_:
        raise Malformed("it is kept under another id than it says")
    return ReadRecord(body, at)


def _decision(body: Any) -> tuple[str, str]:
    id_, at, day, bundle = body["decision_id"], body["decided_at"], body["request"]["as_of"], body["bundle"]
    answer = body["answer"]
    texts = all(isinstance(one, str) for one in (id_, at, day, bundle))
    if not texts or not isinstance(answer["rewards"], list) or not isinstance(body["request"]["facts"], dict):
        raise TypeError("parts of a decision have other types")
    return id_, at


def _act(body: Any, data: bytes) -> tuple[str, str]:
    if "erasure_id" in body:  # of a version that kept no acts
        return str(body["erasure_id"]), str(body["at"])
    found = acts.parse(data)
    return found.id, found.entry.at
