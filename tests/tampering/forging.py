"""What an attacker computes: hashes, receipts and heads as the documents describe them, with no code of the service.

Source: RFC 6962, section 2.1; C2SP signed-note and tlog-checkpoint; docs/design/0011-nobody-forges.md.
"""

import json
from base64 import b64encode
from collections.abc import Iterable, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key


def leaf(body: bytes) -> bytes:
    return sha256(b"\x00" + body).digest()


def root(leaves: Sequence[bytes]) -> bytes:
    """The root over leaf hashes, at least one."""
    if len(leaves) == 1:
        return leaves[0]
    left = 1 << (len(leaves) - 1).bit_length() - 1
    return sha256(b"\x01" + root(leaves[:left]) + root(leaves[left:])).digest()


def canonical(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def bundles(acts: Iterable[bytes]) -> set[str]:
    """The ids of the bundles that some orders have stored."""
    said = [json.loads(body).get("order", {}).get("bundles", ()) for body in acts]
    return {one["id"] for found in said for one in found}


class Key:
    """A key that signs in the name of the log: the attacker's own, or the stolen one."""

    def __init__(self, origin: str, private: Ed25519PrivateKey) -> None:
        self.origin, self._private = origin, private
        public = b"\x01" + private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self._id = sha256(f"{origin}\n".encode() + public).digest()[:4]
        self.label = f"{origin}+{self._id.hex()}"
        self.text = f"{self.label}+{b64encode(public).decode()}"

    @classmethod
    def new(cls, origin: str) -> "Key":
        return cls(origin, Ed25519PrivateKey.generate())

    @classmethod
    def stolen(cls, origin: str, file: Path) -> "Key":
        private = load_pem_private_key(file.read_bytes(), None)
        assert isinstance(private, Ed25519PrivateKey)
        return cls(origin, private)

    def receipt(self, id_: str, at: str, body: bytes) -> str:
        digest = f"sha256:{leaf(body).hex()}"
        signed = "\n".join(("policy-service/receipt/v1", self.origin, id_, at, digest, "")).encode()
        signature = b64encode(self._private.sign(signed)).decode()
        return canonical({"digest": digest, "decided_at": at, "key": self.label, "signature": signature}).decode()

    def note(self, size: int, found: bytes, *extensions: str) -> str:
        lines = (self.origin, str(size), b64encode(found).decode(), *extensions)
        return self.signed("".join(f"{line}\n" for line in lines))

    def signed(self, text: str) -> str:
        return f"{text}\n{self.line(text)}"

    def line(self, text: str) -> str:
        """A signature line of a note."""
        return f"\u2014 {self.origin} {b64encode(self._id + self._private.sign(text.encode())).decode()}\n"
