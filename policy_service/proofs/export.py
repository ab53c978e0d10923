"""The file that proves one decision by itself; tools/verify_decision.py verifies it without this package.

One JSON document:

    {"format": 2,
     "record": "<the record as it was hashed: canonical JSON, a text>",
     "leaf": "sha256:<hex>",
     "bundle": {"id": "sha256:<hex>", "model": "<canonical JSON, a text>", "sources": {"<path>": "<text>"}},
     "inclusion": {"index": 5, "size": 12, "hashes": ["<base64>"]},
     "head": "<the signed head, a C2SP checkpoint, with the cosignatures of witnesses>",
     "receipt": {"digest", "decided_at", "key", "signature"} or null,
     "order": <the act that stored the bundle>,
     "signing": [<the act that began the log>, <each act since that changed the keys that sign it>, ...],
     "keys": ["<name>+<hash>+<base64>"],
     "private": [{"pointer", "salt": "<base64>", "value": "<canonical JSON, a text>"}]}

An act is `{"body": "<as it was hashed>", "receipt": {...}, "inclusion": {...}}`, included under the same head. The id
of the bundle is the SHA-256 of `model`, and `order` has the digest of each text in `sources`: so the record leads to
both. `receipt` is null only for a record from before the first act. `keys` are for information: who verifies brings the
keys to trust from elsewhere. `private` has the values that stand as commitments in the record, as far as they were
exported and are not erased. Only policy_service can tell that the sources give the model.
"""

import json
import re
from dataclasses import dataclass
from typing import Any

from policy_service.proofs.commitments import SALT_SIZE, Private
from policy_service.proofs.keys import base64
from policy_service.proofs.receipts import Receipt, ReceiptRefused, digest_of
from policy_service.proofs.shapes import ShapeRefused, a_count, a_list, a_text, an_object, refuse, some_bytes, texts
from policy_service.proofs.tree import HASH_SIZE

FORMAT = 2
_DIGEST = re.compile("sha256:[0-9a-f]{64}")
_KEYS = {
    "format", "record", "leaf", "bundle", "inclusion", "head", "receipt", "order", "signing", "keys", "private",
}  # fmt: skip


class ExportRefused(ValueError):
    """A document is not of this format; the message says where."""


@dataclass(frozen=True, slots=True)
class Inclusion:
    """Where an entry stands in the tree of a head, and the hashes that show it."""

    index: int
    size: int
    hashes: tuple[bytes, ...]

    @property
    def json(self) -> dict[str, Any]:
        return {"index": self.index, "size": self.size, "hashes": [base64(step) for step in self.hashes]}


@dataclass(frozen=True, slots=True)
class ProvedAct:
    """An act with what shows that it is in the log, and was the service's own.

    body: the bytes that were hashed.
    """

    body: bytes
    receipt: Receipt
    inclusion: Inclusion

    @property
    def json(self) -> dict[str, Any]:
        return {"body": self.body.decode(), "receipt": self.receipt.json, "inclusion": self.inclusion.json}


@dataclass(frozen=True, slots=True)
class ProvedBundle:
    """The rules that decided.

    model: the bytes whose SHA-256 is the id.
    sources: text of each rule file by its path.
    order: the act that stored them.
    """

    id: str
    model: bytes
    sources: dict[str, str]
    order: ProvedAct


@dataclass(frozen=True, slots=True)
class Export:
    """All that verifies one decision.

    Args:
        record: the bytes that were hashed.
        leaf: the leaf hash.
        head: the signed head that every `inclusion` leads to.
        receipt: null where the record has none.
        signing: the acts that say which keys sign the log, as it went on; the first began it.
        keys: verifier keys as texts.
    """

    record: bytes
    leaf: bytes
    bundle: ProvedBundle
    inclusion: Inclusion
    head: str
    receipt: Receipt | None
    signing: tuple[ProvedAct, ...]
    keys: tuple[str, ...]
    private: tuple[Private, ...] = ()

    @property
    def json(self) -> dict[str, Any]:
        """The document."""
        bundle = self.bundle
        return {
            "format": FORMAT,
            "record": self.record.decode(),
            "leaf": digest_of(self.leaf),
            "bundle": {"id": bundle.id, "model": bundle.model.decode(), "sources": dict(bundle.sources)},
            "inclusion": self.inclusion.json,
            "head": self.head,
            "receipt": None if self.receipt is None else self.receipt.json,
            "order": bundle.order.json,
            "signing": [act.json for act in self.signing],
            "keys": list(self.keys),
            "private": [
                {"pointer": one.pointer, "salt": base64(one.salt), "value": one.value.decode()} for one in self.private
            ],
        }

    def dumps(self) -> str:
        """The text of the file: indented, other scripts than Latin as they are."""
        return json.dumps(self.json, ensure_ascii=False, indent=1) + "\n"

    @classmethod
    def loads(cls, text: str) -> "Export":
        """The export in the text of a file. Raises ExportRefused."""
        try:
            return cls.parse(json.loads(text, object_pairs_hook=_once))
        except (ValueError, RecursionError) as error:
            if isinstance(error, ExportRefused):
                raise
            raise ExportRefused("the file is not JSON") from error

    @classmethod
    def parse(cls, value: Any) -> "Export":
        """The export in a document. Raises ExportRefused where it has not exactly this form."""
        try:
            whole = an_object(value, "", {"format"}, further=True)
            if type(whole["format"]) is not int or whole["format"] != FORMAT:
                refuse("/format", str(FORMAT))
            return _export(an_object(value, "", _KEYS))
        except ShapeRefused as error:
            raise ExportRefused(str(error)) from error
        except ReceiptRefused as error:
            raise ExportRefused(f"a receipt in it is none: {error}") from error


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ExportRefused("an object has a key twice")
    return found


def _export(whole: dict[str, Any]) -> Export:
    return Export(
        record=a_text(whole["record"], "/record").encode(),
        leaf=_leaf(whole["leaf"]),
        bundle=_bundle(whole["bundle"], whole["order"]),
        inclusion=_inclusion(whole["inclusion"], "/inclusion"),
        head=a_text(whole["head"], "/head"),
        receipt=None if whole["receipt"] is None else Receipt.parse(whole["receipt"]),
        signing=tuple(_act(one, "/signing") for one in a_list(whole["signing"], "/signing")),
        keys=tuple(a_text(key, "/keys") for key in a_list(whole["keys"], "/keys")),
        private=tuple(_private(one) for one in a_list(whole["private"], "/private")),
    )


def _leaf(value: Any) -> bytes:
    text = a_text(value, "/leaf")
    if _DIGEST.fullmatch(text) is None:
        refuse("/leaf", "`sha256:` and 64 hexadecimal digits")
    return bytes.fromhex(text[-2 * HASH_SIZE :])


def _bundle(value: Any, order: Any) -> ProvedBundle:
    found = an_object(value, "/bundle", {"id", "model", "sources"})
    return ProvedBundle(
        a_text(found["id"], "/bundle/id"),
        a_text(found["model"], "/bundle/model").encode(),
        texts(found["sources"], "/bundle/sources"),
        _act(order, "/order"),
    )


def _act(value: Any, at: str) -> ProvedAct:
    found = an_object(value, at, {"body", "receipt", "inclusion"})
    body = a_text(found["body"], f"{at}/body").encode()
    return ProvedAct(body, Receipt.parse(found["receipt"]), _inclusion(found["inclusion"], f"{at}/inclusion"))


def _inclusion(value: Any, at: str) -> Inclusion:
    found = an_object(value, at, {"index", "size", "hashes"})
    hashes = tuple(some_bytes(step, f"{at}/hashes", HASH_SIZE) for step in a_list(found["hashes"], f"{at}/hashes"))
    return Inclusion(a_count(found["index"], f"{at}/index"), a_count(found["size"], f"{at}/size"), hashes)


def _private(value: Any) -> Private:
    found = an_object(value, "/private", {"pointer", "salt", "value"})
    salt = some_bytes(found["salt"], "/private/salt", SALT_SIZE)
    text = a_text(found["value"], "/private/value")
    return Private(a_text(found["pointer"], "/private/pointer"), salt, text.encode())
