"""What a store keeps, read with SQL of our own, and the commitments of idempotency keys computed by hand."""

import hmac
import json
from collections.abc import Iterable
from hashlib import sha256
from typing import Any, NamedTuple

from sqlalchemy import text

from policy_service.store import connect
from tests.hosts.host import parsed

_CLAIMS = """
    select idempotency.key, idempotency.caller, idempotency.request_digest, idempotency.salt, idempotency.decision,
    decisions.body from idempotency join decisions on decisions.id = idempotency.decision
"""


class Claim(NamedTuple):
    """An idempotency key, the decision that it leads to, and what the record of that says of it."""

    key: str
    caller: str
    digest: str
    salt: bytes
    decision: str
    record: dict[str, Any]

    @property
    def tag(self) -> str:
        tag: str = self.record["idempotency"]
        return tag


def claims(url: str) -> dict[str, Claim]:
    """By key: for a store with one caller."""
    found = [Claim(*row[:3], bytes(row[3]), row[4], parsed(bytes(row[5]))) for row in _rows(url, _CLAIMS)]
    assert len({claim.key for claim in found}) == len(found)
    return {claim.key: claim for claim in found}


def names(claim: Claim) -> bool:
    """Whether the record is of this id, and commits to this key, its caller and its request."""
    said = json.dumps([claim.caller, claim.key, claim.digest], separators=(",", ":"), ensure_ascii=False).encode()
    tag = hmac.new(claim.salt, b"/idempotency\n" + said, sha256).hexdigest()
    return (claim.record["decision_id"], claim.tag) == (claim.decision, f"hmac-sha256:{tag}")


def bodies(url: str) -> list[dict[str, Any]]:
    """The record of every decision."""
    return [parsed(bytes(row[0])) for row in _rows(url, "select body from decisions")]


def number_of_acts(url: str) -> int:
    ((found,),) = _rows(url, "select count(*) from acts")
    return int(found)


def _rows(url: str, query: str) -> Iterable[Any]:
    engine = connect(url)
    try:
        with engine.connect() as connection:
            return connection.execute(text(query)).all()
    finally:
        engine.dispose()
