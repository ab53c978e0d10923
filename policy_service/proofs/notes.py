"""Signed notes and the heads of a log in them, as other people's witnesses and monitors read them.

A note is a text that ends with a newline, an empty line, and a line `— <name> <base64 of key id || signature>` for each
signature. The text of a head is its origin, its size, its root in base64, and extension lines, if any.

Source: https://c2sp.org/signed-note; https://c2sp.org/tlog-checkpoint.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from policy_service.proofs.keys import KEY_ID_SIZE, Signer, Verifier, base64, is_name, unbase64
from policy_service.proofs.tree import HASH_SIZE

_DASH = "— "
_MOST_SIGNATURES = 100
"""More are refused, as Go's package does; a verifier must take at least 16."""
_LONGEST = 1_000_000
_SIZE = re.compile("0|[1-9][0-9]{0,18}")


class NoteRefused(ValueError):
    """A text is no signed note or no head, or its signatures do not verify; the message says which."""


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature of a note, not verified."""

    name: str
    key_id: bytes
    value: bytes

    def is_of(self, verifier: Verifier) -> bool:
        """Whether it says to be of this key."""
        return self.name == verifier.name and self.key_id == verifier.id


@dataclass(frozen=True, slots=True)
class Note:
    """The parts of a note, not verified: only what `opened` returns can be trusted.

    Args:
        text: ends with a newline.
    """

    text: str
    signatures: tuple[Signature, ...]


@dataclass(frozen=True, slots=True)
class Head:
    """The state of a log: what its root was at a size.

    Args:
        origin: which log; one line.
        root: 32 bytes.
        extensions: further lines, none of them empty.
    """

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The text that is signed."""
        lines = (self.origin, str(self.size), base64(self.root), *self.extensions)
        return "".join(f"{line}\n" for line in lines)


def sign(text: str, signers: Iterable[Signer]) -> str:
    """The note with a signature of each key, in their order.

    Raises:
        NoteRefused: no note can hold the text, or there is no key.
    """
    data = text.encode()
    made = text + "\n" + "".join(_line(signer, data) for signer in signers)
    parse(made)
    return made


def _line(signer: Signer, data: bytes) -> str:
    verifier = signer.verifier
    return f"{_DASH}{verifier.name} {base64(verifier.id + signer.sign(data))}\n"


def parse(note: str) -> Note:
    """The parts of a note. Raises NoteRefused where it has not exactly the form of one."""
    if len(note) > _LONGEST:
        raise NoteRefused("the note is too long")
    if any((c < " " and c != "\n") or "\ud800" <= c <= "\udfff" for c in note):
        raise NoteRefused("the note holds a control character or is not UTF-8")
    text, blank, signed = note.rpartition("\n\n")
    if not blank or not signed.endswith("\n"):
        raise NoteRefused("a note is a text, an empty line and signature lines, each with a newline at its end")
    lines = signed.removesuffix("\n").split("\n")
    if len(lines) > _MOST_SIGNATURES:
        raise NoteRefused(f"the note has more than {_MOST_SIGNATURES} signatures")
    return Note(text + "\n", tuple(_signature(line) for line in lines))


def _signature(line: str) -> Signature:
    name, _, value = line.removeprefix(_DASH).partition(" ")
    data = unbase64(value)
    if not line.startswith(_DASH) or not is_name(name) or data is None or len(data) <= KEY_ID_SIZE:
        raise NoteRefused("a signature line is `— <name> <base64>`")
    return Signature(name, data[:KEY_ID_SIZE], data[KEY_ID_SIZE:])


def opened(note: str, verifiers: Sequence[Verifier]) -> tuple[str, tuple[Verifier, ...]]:
    """The text of a note, and those of the keys that signed it, each once. Signatures of other keys are ignored.

    Raises:
        NoteRefused: it has not the form of a note, none of these keys signed it, or a signature that says to be of one
            of them is not.
    """
    found = parse(note)
    data = found.text.encode()
    signed: dict[Verifier, None] = {}
    for signature in found.signatures:
        for verifier in verifiers:
            if signature.is_of(verifier):
                if not verifier.verifies(data, signature.value):
                    raise NoteRefused(f"the signature of {verifier.label} does not fit the text")
                signed[verifier] = None
    if not signed:
        raise NoteRefused("no known key signed the note")
    return found.text, tuple(signed)


def sign_head(head: Head, signers: Iterable[Signer]) -> str:
    """The signed head. Raises NoteRefused where a head cannot hold these values, or there is no key."""
    if parse_head(head.text) != head:
        raise NoteRefused("the head holds a newline where none may be")
    return sign(head.text, signers)


def parse_head(text: str) -> Head:
    """The head in a note's text. Raises NoteRefused where it has not exactly the form of one."""
    *lines, end = text.split("\n")
    if end or len(lines) < 3 or not all(lines):
        raise NoteRefused("a head has three lines or more, none of them empty")
    origin, size, root, *extensions = lines
    if _SIZE.fullmatch(size) is None:
        raise NoteRefused("the size of a head is a decimal number without leading zeros")
    data = unbase64(root)
    if data is None or len(data) != HASH_SIZE:
        raise NoteRefused(f"the root of a head is {HASH_SIZE} bytes in base64")
    return Head(origin, int(size), data, tuple(extensions))


def open_head(note: str, verifiers: Sequence[Verifier], origin: str) -> Head:
    """The head of the log `origin` that at least one of these keys signed.

    Raises:
        NoteRefused: as `opened` and `parse_head`; or it is the head of another log.
    """
    text, _ = opened(note, verifiers)
    head = parse_head(text)
    if head.origin != origin:
        raise NoteRefused("the head is of another log")
    return head
