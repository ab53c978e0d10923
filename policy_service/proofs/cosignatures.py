"""Cosignatures: what a witness signs once it has seen that a head continues all the heads it saw before.

A cosignature is a signature line of the head's note. Its value is the time in seconds since 1970, eight bytes
big-endian, and an Ed25519 signature over a line `cosignature/v1`, a line with the time, and the whole text of the head.
Of the two kinds that C2SP has, this is the one with Ed25519; a line of the other kind is one of an unknown key.

Source: https://c2sp.org/tlog-cosignature; https://c2sp.org/signed-note, "Verifier keys".
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from policy_service.proofs import notes
from policy_service.proofs.keys import KEY_ID_SIZE, SIGNATURE_SIZE, KeyRefused, base64, is_name, unbase64
from policy_service.proofs.notes import NoteRefused, Signature

_COSIGNATURE = b"\x04"
_PUBLIC_SIZE = 32
_TIME_SIZE = 8
_LATEST = 2**63 - 1
_MOST_ADDED = 50
"""Cosignatures that are shown with a note, which can hold a hundred signatures."""


class CosignatureRefused(ValueError):
    """What says to be a cosignature of a known witness is none; the message says of which one."""


@dataclass(frozen=True, slots=True)
class WitnessKey:
    """The public key of a witness, and its name.

    Args:
        public: 32 bytes.
    Raises:
        KeyRefused: as for a `Verifier`.
    """

    name: str
    public: bytes
    id: bytes = field(init=False, compare=False)
    """The first four bytes of SHA-256(name || 0x0A || 0x04 || public key)."""

    def __post_init__(self) -> None:
        if not is_name(self.name):
            raise KeyRefused("a witness's name must not be empty nor hold a space, a plus or a control character")
        if len(self.public) != _PUBLIC_SIZE:
            raise KeyRefused(f"a public key has {_PUBLIC_SIZE} bytes")
        named = self.name.encode() + b"\n" + _COSIGNATURE + self.public
        object.__setattr__(self, "id", sha256(named).digest()[:KEY_ID_SIZE])

    @classmethod
    def parse(cls, text: str) -> "WitnessKey":
        """The key of a text `name+hash+base64`. Raises KeyRefused for any other, also for a key that signs logs."""
        name, _, rest = text.partition("+")
        hashed, _, data = rest.partition("+")
        key = unbase64(data) or b""
        if key[:1] != _COSIGNATURE:
            raise KeyRefused("a witness's key is `name+hash+base64` of an Ed25519 key that cosigns")
        found = cls(name, key[1:])
        if found.id.hex() != hashed:
            raise KeyRefused("the key's hash is not that of its name and key")
        return found

    @property
    def text(self) -> str:
        """The key as people hand it on: `name+hash+base64`."""
        return f"{self.label}+{base64(_COSIGNATURE + self.public)}"

    @property
    def label(self) -> str:
        return f"{self.name}+{self.id.hex()}"

    def cosigned_at(self, text: str, value: bytes) -> int | None:
        """When this witness cosigned a head, in seconds since 1970; null where the value is no cosignature of it.

        Args:
            text: of the head's note, with the newline at its end.
            value: of the signature, without the key's id.
        """
        at = int.from_bytes(value[:_TIME_SIZE], "big")
        if len(value) != _TIME_SIZE + SIGNATURE_SIZE or not 0 < at <= _LATEST:
            return None
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(value[_TIME_SIZE:], message(text, at))
        except InvalidSignature:
            return None
        return at


@dataclass(frozen=True, slots=True)
class Cosignature:
    """A cosignature that was verified.

    at: seconds since 1970, by the clock of the witness.
    line: as it stands in a note, with the newline at its end.
    """

    key: WitnessKey
    at: int
    line: str


def message(text: str, at: int) -> bytes:
    """What a witness signs: its words, and the whole text of the head's note, extension lines included."""
    return f"cosignature/v1\ntime {at}\n{text}".encode()


def cosign(text: str, name: str, private: Ed25519PrivateKey, at: int) -> str:
    """The line with which a witness cosigns a head's text.

    Raises:
        KeyRefused: the name is none.
    """
    key = WitnessKey(name, private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))
    return _line(name, key.id, at.to_bytes(_TIME_SIZE, "big") + private.sign(message(text, at)))


def _line(name: str, id: bytes, value: bytes) -> str:
    return f"— {name} {base64(id + value)}\n"


def verified(note: str, keys: Sequence[WitnessKey]) -> tuple[Cosignature, ...]:
    """The cosignatures of these witnesses in a note, of each witness the latest. Other signatures are ignored.

    Raises:
        NoteRefused: it has not the form of a note.
        CosignatureRefused: a line that says to be of one of these witnesses is not.
    """
    found = notes.parse(note)
    latest: dict[WitnessKey, Cosignature] = {}
    for signature in found.signatures:
        for key in keys:
            if (signature.name, signature.key_id) == (key.name, key.id):
                one = _verified(found.text, signature, key)
                latest[key] = max(latest.get(key, one), one, key=lambda some: some.at)
    return tuple(latest.values())


def _verified(text: str, signature: Signature, key: WitnessKey) -> Cosignature:
    at = key.cosigned_at(text, signature.value)
    if at is None:
        raise CosignatureRefused(f"the cosignature of {key.label} does not fit the head")
    return Cosignature(key, at, _line(signature.name, signature.key_id, signature.value))


def joined(note: str, lines: Iterable[str]) -> str:
    """The note with cosignatures behind its signatures, each once; what has not the form of one is left out.

    Raises:
        NoteRefused: it has not the form of a note.
    """
    notes.parse(note)
    fit = [line for line in dict.fromkeys(lines) if is_line(line) and line not in note]
    return note + "".join(fit[:_MOST_ADDED])


def is_line(line: str) -> bool:
    """Whether this is one signature line, of the length of a cosignature."""
    try:
        first, *more = notes.parse(f"text\n\n{line}").signatures
    except NoteRefused:
        return False
    return not more and not line.startswith("\n") and len(first.value) == _TIME_SIZE + SIGNATURE_SIZE
