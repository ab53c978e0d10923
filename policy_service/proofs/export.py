"""The file that proves one decision by itself; tools/verify_decision.py verifies it without this package.

One JSON document:

    {"format": 1,
     "record": "<the record as it was hashed: canonical JSON, a text>",
     "leaf": "sha256:<hex>",
     "bundle": {"id": "sha256:<hex>", "sources": {"<path>": "<text>"}},
     "inclusion": {"index": 5, "size": 12, "hashes": ["<base64>"]},
     "head": "<the signed head, a C2SP checkpoint>",
     "receipt": {"digest", "decided_at", "key", "signature"} or null,
     "keys": ["<name>+<hash>+<base64>"],
     "private": [{"pointer", "salt": "<base64>", "value": "<canonical JSON, a text>"}]}

`keys` are for information: who verifies brings the keys to trust from elsewhere. `private` has the values that stand as
commitments in the record, as far as they were exported and are not erased. The id of a bundle is the digest of its
model, so only policy_service can tell that the sources give it.
"""

import json
import re
from dataclasses import dataclass
from typing import Any, NoReturn

from policy_service.proofs.commitments import SALT_SIZE, Private
from policy_service.proofs.keys import base64, unbase64
from policy_service.proofs.receipts import Receipt, ReceiptRefused, digest_of
from policy_service.proofs.tree import HASH_SIZE

FORMAT = 1
_SURROGATE = re.compile("[\ud800-\udfff]")
_DIGEST = re.compile("sha256:[0-9a-f]{64}")
_KEYS = {"format", "record", "leaf", "bundle", "inclusion", "head", "receipt", "keys", "private"}


class ExportRefused(ValueError):
    """A document is not of this format; the message says where."""


@dataclass(frozen=True, slots=True)
class Inclusion:
    """Where an entry stands in the tree of a head, and the hashes that show it."""

    index: int
    size: int
    hashes: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Export:
    """All that verifies one decision.

    Args:
        record: the bytes that were hashed.
        leaf: the leaf hash.
        bundle: the bundle's id.
        sources: text of each of its rule files by its path.
        head: the signed head that `inclusion` leads to.
        receipt: null where the record has none.
        keys: verifier keys as texts.
    """

    record: bytes
    leaf: bytes
    bundle: str
    sources: dict[str, str]
    inclusion: Inclusion
    head: str
    receipt: Receipt | None
    keys: tuple[str, ...]
    private: tuple[Private, ...] = ()

    @property
    def json(self) -> dict[str, Any]:
        """The document."""
        inclusion = self.inclusion
        return {
            "format": FORMAT,
            "record": self.record.decode(),
            "leaf": digest_of(self.leaf),
            "bundle": {"id": self.bundle, "sources": dict(self.sources)},
            "inclusion": {
                "index": inclusion.index,
                "size": inclusion.size,
                "hashes": [base64(step) for step in inclusion.hashes],
            },
            "head": self.head,
            "receipt": None if self.receipt is None else self.receipt.json,
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
        whole = _object(value, "", {"format"}, further=True)
        if type(whole["format"]) is not int or whole["format"] != FORMAT:
            raise ExportRefused(f"/format is not {FORMAT}")
        whole = _object(value, "", _KEYS)
        bundle = _object(whole["bundle"], "/bundle", {"id", "sources"})
        sources = bundle["sources"]
        if not isinstance(sources, dict):
            _refuse("/bundle/sources", "an object")
        return cls(
            record=_text(whole["record"], "/record").encode(),
            leaf=_leaf(whole["leaf"]),
            bundle=_text(bundle["id"], "/bundle/id"),
            sources={path: _text(text, "/bundle/sources") for path, text in sources.items()},
            inclusion=_inclusion(whole["inclusion"]),
            head=_text(whole["head"], "/head"),
            receipt=_receipt(whole["receipt"]),
            keys=tuple(_text(key, "/keys") for key in _list(whole["keys"], "/keys")),
            private=tuple(_private(one) for one in _list(whole["private"], "/private")),
        )


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ExportRefused("an object has a key twice")
    return found


def _leaf(value: Any) -> bytes:
    text = _text(value, "/leaf")
    if _DIGEST.fullmatch(text) is None:
        _refuse("/leaf", "`sha256:` and 64 hexadecimal digits")
    return bytes.fromhex(text[-2 * HASH_SIZE :])


def _inclusion(value: Any) -> Inclusion:
    found = _object(value, "/inclusion", {"index", "size", "hashes"})
    hashes = tuple(_bytes(step, "/inclusion/hashes", HASH_SIZE) for step in _list(found["hashes"], "/inclusion/hashes"))
    return Inclusion(_count(found["index"], "/inclusion/index"), _count(found["size"], "/inclusion/size"), hashes)


def _receipt(value: Any) -> Receipt | None:
    try:
        return None if value is None else Receipt.parse(value)
    except ReceiptRefused as error:
        raise ExportRefused(f"/receipt: {error}") from error


def _private(value: Any) -> Private:
    found = _object(value, "/private", {"pointer", "salt", "value"})
    salt = _bytes(found["salt"], "/private/salt", SALT_SIZE)
    return Private(_text(found["pointer"], "/private/pointer"), salt, _text(found["value"], "/private/value").encode())


def _object(value: Any, at: str, keys: set[str], *, further: bool = False) -> dict[str, Any]:
    if not isinstance(value, dict) or not keys <= value.keys() or (value.keys() != keys and not further):
        _refuse(at or "the document", f"an object with {', '.join(sorted(keys))}")
    return value


def _list(value: Any, at: str) -> list[Any]:
    return value if isinstance(value, list) else _refuse(at, "a list")


def _text(value: Any, at: str) -> str:
    return value if isinstance(value, str) and not _SURROGATE.search(value) else _refuse(at, "a text in UTF-8")


def _count(value: Any, at: str) -> int:
    return value if type(value) is int and value >= 0 else _refuse(at, "a number from 0")


def _bytes(value: Any, at: str, size: int) -> bytes:
    found = unbase64(_text(value, at))
    return found if found is not None and len(found) == size else _refuse(at, f"{size} bytes in base64")


def _refuse(at: str, what: str) -> NoReturn:
    raise ExportRefused(f"{at} is not {what}")
