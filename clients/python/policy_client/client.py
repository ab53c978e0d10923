"""The operations of a policy service."""

import ssl
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from itertools import islice
from typing import Any, Literal, cast
from urllib.parse import quote, urlencode
from uuid import uuid4

from policy_client import exact
from policy_client.errors import PolicyServiceError, Problem, Unreachable, problem_of
from policy_client.retrying import Patience, Retries
from policy_client.shapes import Answer
from policy_client.transport import Response, Transport

Trace = Literal["none", "fired", "full"]
Reason = Literal["data_correction", "appeal", "rule_correction"]
MOST_ITEMS = 10_000
"""Items that a service takes in one request by default."""


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision.

    Args:
        answer: what was decided; it is in the service's log.
        idempotency_key: the key that it was posted under.
        replayed: an earlier request under the key was answered so.
    """

    answer: Answer
    idempotency_key: str
    replayed: bool


@dataclass(frozen=True, slots=True)
class BatchAnswer:
    """What became of one item: `answer`, or else `problem`.

    Args:
        index: place of the item among all that were given, from 0.
        item: the item as it was posted, with the key that it got.
    """

    index: int
    item: Mapping[str, Any]
    answer: Answer | None
    problem: Problem | None
    replayed: bool = False


class PolicyClient:
    """A service. Threads may share it: each has a connection of its own, which is kept.

    Args:
        url: where the service is, such as `https://policies.example`.
        key: an API key or token.
        retries: when to try again, and for how long.
        tls: by default the one that trusts what the system trusts.
    """

    def __init__(
        self, url: str, key: str | None = None, *, retries: Retries | None = None, tls: ssl.SSLContext | None = None
    ) -> None:
        self._retries = retries or Retries()
        self._transport = Transport(url, key, tls)

    def close(self) -> None:
        """Close this thread's connection."""
        self._transport.close()

    # ---- evaluate

    def decide(
        self,
        facts: Mapping[str, Any],
        as_of: date | str,
        *,
        idempotency_key: str | None = None,
        merchant_id: str | None = None,
        policies: Sequence[str] | None = None,
        bundle: str | None = None,
        trace: Trace | None = None,
        unknown_facts: Literal["refuse", "report"] | None = None,
        provenance: Mapping[str, str] | None = None,
        supersedes: str | None = None,
        reason: Reason | None = None,
    ) -> Decided:
        """A decision: logged, and payable.

        Args:
            facts: the state by section; numbers as int or Decimal.
            as_of: the business day judged.
            idempotency_key: by default one is made. Under one key there is one decision, however often it is posted:
                give your own where another process may ask again.
        Raises:
            Problem: it is refused. Unreachable: it is not known whether it was decided; ask again under the
            `idempotency_key` of the error.
        """
        key = idempotency_key or str(uuid4())
        body = _request(
            facts, as_of, "decide", merchant_id, policies, bundle, trace, unknown_facts,
            provenance=provenance, supersedes=supersedes, reason=reason,
        )  # fmt: skip
        try:
            found = self._ask("POST", "/v1/evaluate", body, Idempotency_Key=key)
        except PolicyServiceError as error:
            error.idempotency_key = key
            raise
        return Decided(_parsed(found), key, found.headers.get("idempotent-replayed") == "true")

    def preview(
        self,
        facts: Mapping[str, Any],
        as_of: date | str | None = None,
        *,
        merchant_id: str | None = None,
        policies: Sequence[str] | None = None,
        bundle: str | None = None,
        trace: Trace | None = None,
        unknown_facts: Literal["refuse", "report"] | None = None,
    ) -> Answer:
        """What the rules say of a state, by default today: not logged, never payable. Raises Problem, Unreachable."""
        body = _request(facts, as_of, "preview", merchant_id, policies, bundle, trace, unknown_facts)
        return cast(Answer, _parsed(self._ask("POST", "/v1/evaluate", body)))

    def batch(self, items: Iterable[Mapping[str, Any]], *, chunk: int = 1000) -> Iterator[BatchAnswer]:
        """An answer per item, in order, as they come; takes from `items` a chunk at a time.

        An item is the body of one evaluation, with `idempotency_key` if you have one: a decision without gets one.
        What breaks off is taken up behind the last item answered, under the same keys, so that nothing is decided
        twice. An item of its own fault has its problem, and the others are answered.

        Args:
            chunk: items per request, at most what the service takes.
        Raises:
            Problem: the service refuses the whole. Unreachable. The items answered before were answered.
        """
        if not 1 <= chunk <= MOST_ITEMS:
            raise ValueError(f"a chunk has 1 to {MOST_ITEMS} items")
        todo, place = iter(items), 0
        while taken := [_keyed(item) for item in islice(todo, chunk)]:
            yield from self._chunk(taken, place)
            place += len(taken)

    def _chunk(self, items: list[Mapping[str, Any]], place: int) -> Iterator[BatchAnswer]:
        lines = [exact.dumps(item) + b"\n" for item in items]
        patience, done = Patience(self._retries), 0
        while done < len(items):
            failed: PolicyServiceError | None = None
            try:
                with closing(self._answers(lines[done:], patience)) as answers:
                    for found in answers:
                        failed = _later(found)
                        if failed is not None and patience.may_wait(failed):
                            break
                        failed = None
                        yield _answered(found, place + done, items[done])
                        done += 1
                    if failed is None and done < len(items):
                        raise Unreachable("the answer has fewer items than were posted")
            except PolicyServiceError as error:
                failed = error
            if failed is not None:
                patience.wait(failed)

    def _answers(self, lines: list[bytes], patience: Patience) -> Generator[dict[str, Any], None, None]:
        kinds = {"Content_Type": "application/x-ndjson", "Accept": "application/x-ndjson, application/problem+json"}
        status, headers, parts = self._transport.stream(
            "POST", "/v1/evaluate/batch", patience, b"".join(lines), **kinds
        )
        if status != 200:
            raise problem_of(status, _tolerant(b"".join(parts)), headers.get("retry-after"))
        try:
            for line in _lines(parts):
                yield _object(line)
        finally:
            parts.close()  # what is not read to its end closes its connection

    # ---- what was decided, and what the rules say

    def decision(self, id: str) -> dict[str, Any]:
        """The record of a decision. Raises Problem, Unreachable."""
        return cast(dict[str, Any], _parsed(self._ask("GET", f"/v1/decisions/{quote(id, safe='')}")))

    def replay(self, id: str, bundle: str = "original", as_of: date | str | None = None) -> dict[str, Any]:
        """`identical`, `bundle` and `differences` of a record evaluated again. Raises Problem, Unreachable."""
        body = {"bundle": bundle} | ({} if as_of is None else {"as_of": _day(as_of)})
        return cast(dict[str, Any], _parsed(self._ask("POST", f"/v1/decisions/{quote(id, safe='')}/replay", body)))

    def policies(self, as_of: date | str | None = None) -> list[dict[str, Any]]:
        """Every policy, and whether it is in force on a day, today by default. Raises Problem, Unreachable."""
        found = _parsed(self._ask("GET", "/v1/policies" + _query(as_of=None if as_of is None else _day(as_of))))
        return cast(list[dict[str, Any]], found["policies"])

    def policy(self, id: str, as_of: date | str | None = None) -> dict[str, Any]:
        """All that a policy says on a day. Raises Problem, Unreachable."""
        query = _query(as_of=None if as_of is None else _day(as_of))
        return cast(dict[str, Any], _parsed(self._ask("GET", f"/v1/policies/{quote(id, safe='')}{query}")))

    def facts(self, policies: Sequence[str] | None = None) -> dict[str, Any]:
        """JSON Schema of the state to post: the smallest for some policies. Raises Problem, Unreachable."""
        query = _query(policies=None if policies is None else ",".join(policies))
        return cast(dict[str, Any], _parsed(self._ask("GET", f"/v1/facts{query}")))

    # ---- one request

    def _ask(self, method: str, path: str, body: Any = None, **headers: str) -> Response:
        """An answer, tried again as `Retries` says; everything asked here may be repeated."""
        data = None if body is None else exact.dumps(body)
        if data is not None:
            headers["Content_Type"] = "application/json"
        patience = Patience(self._retries)
        while True:
            try:
                found = self._transport.ask(method, path, patience, data, **headers)
                if found.status < 300:
                    return found
                raise problem_of(found.status, _tolerant(found.body), found.headers.get("retry-after"))
            except PolicyServiceError as error:
                patience.wait(error)


def _request(
    facts: Mapping[str, Any],
    as_of: date | str | None,
    purpose: str,
    merchant_id: str | None,
    policies: Sequence[str] | None,
    bundle: str | None,
    trace: str | None,
    unknown_facts: str | None,
    **more: Any,
) -> dict[str, Any]:
    options = {"trace": trace, "unknown_facts": unknown_facts}
    found = {
        "facts": facts,
        "as_of": None if as_of is None else _day(as_of),
        "purpose": purpose,
        "merchant_id": merchant_id,
        "policies": None if policies is None else list(policies),
        "bundle": bundle,
        "options": {name: value for name, value in options.items() if value is not None} or None,
        **more,
    }
    return {name: value for name, value in found.items() if value is not None}


def _day(as_of: date | str) -> str:
    return as_of if isinstance(as_of, str) else as_of.isoformat()


def _query(**values: str | None) -> str:
    known = {name: value for name, value in values.items() if value is not None}
    return f"?{urlencode(known)}" if known else ""


def _keyed(item: Mapping[str, Any]) -> Mapping[str, Any]:
    """The item; a decision without a key gets one, so that it can be posted again."""
    if item.get("purpose") == "preview" or item.get("idempotency_key") is not None:
        return item
    return {**item, "idempotency_key": str(uuid4())}


def _lines(parts: Iterator[bytes]) -> Iterator[bytes]:
    """Whole lines; what follows the last is an answer that broke off."""
    rest = b""
    for part in parts:
        *whole, rest = (rest + part).split(b"\n")
        yield from (line for line in whole if line.strip())
    if rest.strip():
        raise Unreachable("the answer ends within a line")


def _later(found: Mapping[str, Any]) -> Problem | None:
    """The problem of an item that may be answered when it is posted again."""
    if "problem" not in found:
        return None
    problem = problem_of(int(found["status"]), found["problem"])
    return problem if problem.retryable else None


def _answered(found: Mapping[str, Any], index: int, item: Mapping[str, Any]) -> BatchAnswer:
    if "problem" in found:
        problem = problem_of(int(found["status"]), found["problem"])
        problem.idempotency_key = item.get("idempotency_key")
        return BatchAnswer(index, item, None, problem)
    return BatchAnswer(index, item, cast(Answer, found["decision"]), None, found.get("replayed") is True)


def _parsed(found: Response) -> Any:
    return _object(found.body)


def _object(data: bytes) -> dict[str, Any]:
    try:
        found = exact.loads(data)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise Unreachable("the answer is not of a policy service")
    return found


def _tolerant(data: bytes) -> Any:
    try:
        return exact.loads(data)
    except ValueError:
        return None
