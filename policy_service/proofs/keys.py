"""Keys that sign heads and receipts, and those that verify them: Ed25519, named and numbered as in C2SP signed-note.

Source: RFC 8032; https://c2sp.org/signed-note, "Signatures" and "Ed25519 signatures"; the text of a verifier key is
that of Go's golang.org/x/mod/sumdb/note, `<name>+<key id in hexadecimal>+<base64 of 0x01 || public key>`.
"""

import os
import re
import stat
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Protocol

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_ssh_public_key,
)

KEY_ID_SIZE = 4
SIGNATURE_SIZE = 64
_ED25519 = b"\x01"
_PUBLIC_SIZE = 32
_LARGEST = 65536
_TEXT = re.compile(r"([^+]+)\+([0-9a-f]{8})\+(.+)", re.DOTALL)


class KeyRefused(ValueError):
    """A key, its name or its file cannot be used; the message says why and shows nothing secret."""


@dataclass(frozen=True, slots=True)
class Verifier:
    """A public key and the name it signs under.

    Args:
        public: 32 bytes.
    Raises:
        KeyRefused: the name is empty or has a space, a plus or a control character; the key is not of 32 bytes.
    """

    name: str
    public: bytes
    id: bytes = field(init=False, compare=False)
    """The first four bytes of SHA-256(name || 0x0A || 0x01 || public key)."""

    def __post_init__(self) -> None:
        if not is_name(self.name):
            raise KeyRefused("a key's name must not be empty nor hold a space, a plus or a control character")
        if len(self.public) != _PUBLIC_SIZE:
            raise KeyRefused(f"a public key has {_PUBLIC_SIZE} bytes")
        named = self.name.encode() + b"\n" + _ED25519 + self.public
        object.__setattr__(self, "id", sha256(named).digest()[:KEY_ID_SIZE])

    @classmethod
    def parse(cls, text: str) -> "Verifier":
        """The key of a text `name+hash+base64`. Raises KeyRefused for any other, also where the hash does not fit."""
        parts = _TEXT.fullmatch(text)
        key = unbase64(parts[3]) if parts is not None else None
        if parts is None or key is None:
            raise KeyRefused("a verifier key is `name+hash+base64`")
        if key[:1] != _ED25519:
            raise KeyRefused("the key is not an Ed25519 key")
        found = cls(parts[1], key[1:])
        if found.id.hex() != parts[2]:
            raise KeyRefused("the key's hash is not that of its name and key")
        return found

    @property
    def text(self) -> str:
        """The key as people hand it on: `name+hash+base64`."""
        return f"{self.label}+{base64(_ED25519 + self.public)}"

    @property
    def label(self) -> str:
        """What a receipt calls the key: `name+hash`."""
        return f"{self.name}+{self.id.hex()}"

    def verifies(self, message: bytes, signature: bytes) -> bool:
        """Whether this key signed the message."""
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, message)
        except InvalidSignature:
            return False
        return True


class Signer(Protocol):
    """What signs under one key. Several may be in force, so that a rotation overlaps."""

    @property
    def verifier(self) -> Verifier:
        """The public half, with the name that it signs under."""

    def sign(self, message: bytes) -> bytes:
        """64 bytes, which the verifier verifies. A key that is elsewhere may raise StoreUnavailable."""


class FileSigner:
    """A private key in the memory of this process, read from a file."""

    def __init__(self, name: str, private: Ed25519PrivateKey) -> None:
        self._private = private
        public = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.verifier = Verifier(name, public)

    def sign(self, message: bytes) -> bytes:
        """64 bytes, always the same for the same message."""
        return self._private.sign(message)


def make(path: Path, name: str) -> FileSigner:
    """A new key, written to a new file that its owner alone can read: PKCS#8 in PEM, not encrypted.

    Raises:
        KeyRefused: the name is none.
        OSError: the file cannot be written; FileExistsError where there is one, which is left as it is.
    """
    private = Ed25519PrivateKey.generate()
    signer = FileSigner(name, private)
    text = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    return signer


def load(path: Path, name: str) -> FileSigner:
    """The key in a file.

    Raises:
        KeyRefused: the file holds no Ed25519 key in PEM; or others than its owner may write it, or others than its
            owner and its group may read it, as secrets are mounted for a group.
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        mode = os.fstat(file.fileno()).st_mode
        if not stat.S_ISREG(mode):
            raise KeyRefused(f"`{path}` is not a file")
        if mode & (stat.S_IWGRP | stat.S_IXGRP | stat.S_IRWXO):
            raise KeyRefused(f"`{path}` may be used by others than its owner: make its mode 600, or 440 for a group")
        text = file.read(_LARGEST)
    try:
        private = load_pem_private_key(text, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise KeyRefused(f"`{path}` holds no private key in PEM without a password") from error
    if not isinstance(private, Ed25519PrivateKey):
        raise KeyRefused(f"the key in `{path}` is not an Ed25519 key")
    return FileSigner(name, private)


def load_public(path: Path, name: str) -> Verifier:
    """The key in a file of one line `ssh-ed25519 <base64> <comment>`, as ssh-keygen and ssh-add write it.

    Raises:
        KeyRefused: the file holds anything else.
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        text = file.read(_LARGEST).strip()
    try:
        public = load_ssh_public_key(text) if text.count(b"\n") == 0 else None
    except (ValueError, UnsupportedAlgorithm):
        public = None
    if not isinstance(public, Ed25519PublicKey):
        raise KeyRefused(f"`{path}` is not one line `ssh-ed25519 <base64>`")
    return Verifier(name, public.public_bytes(Encoding.Raw, PublicFormat.Raw))


def is_name(text: str) -> bool:
    """Whether a key may have this name: not empty, in UTF-8, no space of Unicode, no plus, no control character."""
    return bool(text) and not any(c.isspace() or c == "+" or c < " " or "\ud800" <= c <= "\udfff" for c in text)


def base64(data: bytes) -> str:
    return b64encode(data).decode()


def unbase64(text: str) -> bytes | None:
    """The bytes of a base64 text (RFC 4648, section 4) in the one form they have; null for any other text."""
    try:
        found = b64decode(text.encode(), validate=True)
    except (NotBase64, UnicodeEncodeError):
        return None
    return found if base64(found) == text else None
