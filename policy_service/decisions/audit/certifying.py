"""The certificate that nothing of an erasure is left, as far as the service can see."""

from dataclasses import dataclass
from typing import Any

from policy_service.decisions.audit.auditing import Auditing
from policy_service.decisions.audit.remaining import Remain, remains_of
from policy_service.decisions.deciding.recording import parsed
from policy_service.decisions.ports.records import NotFound
from policy_service.proofs.keys import base64
from policy_service.proofs.receipts import digest_of


@dataclass(frozen=True, slots=True)
class Certified:
    """An erasure looked at again.

    remains: what is not yet gone; where nothing is, `certificate` is one.
    """

    certificate: dict[str, Any]
    remains: tuple[Remain, ...]


def certify(known: Auditing, id_: str, *, renew: bool = False) -> Certified:
    """An erasure and its place in the log, with what is not yet gone of it.

    Raises:
        NotFound: the log has no erasure of this id. NotSealed. StoreUnavailable.
    """
    erasure = _erasure(known, id_)
    records = erasure["records"]
    remains = remains_of(known.erasing.remains, id_, records, renew=renew)
    proof = known.proof(id_)
    return Certified(
        {
            "erasure_id": id_,
            "erased_at": erasure["at"],
            "checked_at": known.now_text(),
            "origin": known.keys.origin,
            "subject": erasure["subject"],
            "records": records,
            "log": {
                "index": proof.inclusion.index,
                "size": proof.inclusion.size,
                "leaf": digest_of(proof.leaf),
                "hashes": [base64(one) for one in proof.inclusion.hashes],
                "head": proof.head.note,
            },
            "gone": not remains,
            "not_yet_gone": [one.message for one in remains],
            "not_covered": list(known.erasing.remains.beyond),
        },
        remains,
    )


def _erasure(known: Auditing, id_: str) -> dict[str, Any]:
    """`at`, `subject` and `records` of an erasure's record."""
    entry = known.log.entry(id_)
    body = None if entry is None else known.log.bodies([entry]).get(id_)
    if body is None and (body := known.log.waiting_body(id_)) is None:
        raise NotFound(f"there is no erasure `{id_}`")
    record = parsed(body)
    found = {"at": record.get("at"), **record.get("erasure", record)}
    if "records" not in found or "subject" not in found:
        raise NotFound(f"`{id_}` is no erasure")
    return found
