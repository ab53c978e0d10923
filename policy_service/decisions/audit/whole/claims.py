"""The idempotency keys that are kept: each leads to the decision made for it, and none is gone before its time."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from policy_service.access import instants
from policy_service.decisions.audit.whole.noting import Findings, Read
from policy_service.decisions.deciding.recording import check_answers, record_body
from policy_service.decisions.deciding.service import KEY_DAYS
from policy_service.decisions.ports.log import KeptClaim, LogStore, Record
from policy_service.decisions.ports.records import Appended, DecisionRecord, DecisionStore, IdempotencyClaim
from policy_service.decisions.sealed.receipted import NotReceipted

_AT_ONCE = 1000
_SLACK = timedelta(days=1)
"""Of the time that a key is promised to hold: meanwhile the hour comes at which it is forgotten."""


class ClaimsSeen:
    """See above. Keys of erased decisions are forgotten with them."""

    def __init__(
        self, log: LogStore, decisions: DecisionStore, findings: Findings, now: Callable[[], datetime]
    ) -> None:
        self._log, self._decisions, self._findings = log, decisions, findings
        self._since = instants.text(now() - timedelta(days=KEY_DAYS) + _SLACK)
        self._due: set[str] = set()
        self._erased: set[str] = set()

    def record(self, read: Read) -> None:
        self.meanwhile(read.record, read.body)

    def meanwhile(self, record: Record, body: Any) -> None:
        if not isinstance(record, DecisionRecord):
            self._erased |= set(body.get("erasure", body).get("records", ()))
        elif "idempotency" in body and body["decided_at"] >= self._since:
            self._due.add(record.id)

    def end(self) -> None:
        self._due -= self._erased
        after = ("", "")
        while some := self._log.claims(after, _AT_ONCE):
            for claim in some:
                self._check(claim)
            after = (some[-1].caller, some[-1].key)
        for id_ in sorted(self._due):
            self._findings.add("claim-lost", f"the idempotency key of decision {id_} is not kept", id=id_)

    def _check(self, claim: KeptClaim) -> None:
        record = self._decisions.decision(claim.decision)
        try:
            if record is None:
                raise NotReceipted("it is not stored")
            self._fits(record, claim)
        except (NotReceipted, KeyError, ValueError, TypeError) as error:
            message = f"an idempotency key leads to decision {claim.decision}, which was not made for it: {error}"
            self._findings.add("claim-altered", message, id=claim.decision)
        self._due.discard(claim.decision)

    def _fits(self, record: DecisionRecord, claim: KeptClaim) -> None:
        given = IdempotencyClaim(claim.caller, claim.key, claim.request_digest)
        check_answers(Appended(record, replayed=True, salt=claim.salt), given, None)
        if record_body(record.body)["decided_at"] != claim.created_at:
            raise NotReceipted("it was made at another instant")
