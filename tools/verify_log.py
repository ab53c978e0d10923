"""Verifies the export of a whole log, offline: `python verify_log.py FOLDER --key NAME+HASH+BASE64`.

FOLDER is what `policyctl audit export --log FOLDER` wrote. This program is one file and needs nothing but Python and
the package `cryptography`, so that an auditor can read all of it and need not trust the service's own code. It reads
the records in order, keeps in memory only what does not grow with them (ids go to a temporary file), and verifies that

- the records have every index once, each its own id and the one spelling of RFC 8785;
- their hashes give the tiles (C2SP tlog-tiles) and the root of every signed head (RFC 9162, section 2.1);
- every head (C2SP tlog-checkpoint) is signed by a key that was in force at its size, follows the head before it, and is
  not of an earlier time than that;
- every record has a receipt of a key in force at its place, but for those from before the first order;
- the orders follow each other without gap, each names the one before by its hash, and keys came and went by orders;
- the texts of each bundle are those whose digests were ordered, every decision was made under a bundle that had been
  activated by an order it names, and erasures and corrections name records that are there.

Whoever can sign can sign another log. So at least one key that you know must have signed the newest head or the first
order; and a head (`--head`) or receipt (`--receipt`) that you kept, or a witness (`--witness`), finds out a log that
was rewritten or cut off with the key. It cannot tell that the rule texts give the bundle of that id, nor that a
decision is what the rules say: `verify_decision.py --evaluate` does, for one decision.

What does not fit is told as `kind: place: message`, a line each. Exit status: 0 all fits; 1 something does not; 2 wrong
usage.
"""

import argparse
import base64
import binascii
import hashlib
import json
import os
import re
import sqlite3
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any, BinaryIO

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

FORMAT = 1
LINES = 10_000
"""The most records of one file."""
LONGEST = 64 * 1024 * 1024
"""The most bytes of one line, and of one file that is read whole."""
SHOWN = 100
"""The most findings of one kind that are shown; the others are only counted."""

KINDS = {
    "file": "a file is missing, too large, or not of the export",
    "log": "log.json is not what it must be, or says another log than the first order",
    "line": "a line is no record or head; it is passed over",
    "index": "an index is missing, or there twice",
    "id": "an id is none, there twice, or not that of the record",
    "canonical": "a record is not JSON in the one spelling of RFC 8785",
    "record": "a record lacks what its kind must have",
    "tile": "a tile is missing or is not what the records give",
    "root": "the root of a head is not what the records give",
    "head": "a head is malformed, or does not follow the one before it",
    "signature": "a head is not signed by a key in force",
    "clock-regressed": "a head tells an earlier time than the one before it",
    "receipt": "a record has no receipt of a key in force at its place",
    "order": "an order does not follow the one before it, or is malformed",
    "signing-keys": "an order adds or retires a key that it cannot",
    "bundle": "the texts of a bundle are not those that were ordered",
    "decision": "a decision names a bundle or an order that was not there for it",
    "erasure": "an erasure names a record that is not there before it",
    "supersedes": "a correction names a decision that is not there",
    "kept-head": "a head that you kept is not of this log",
    "kept-receipt": "a receipt that you kept is for a record that is missing or differs",
    "witness": "too few of the witnesses signed the newest head",
    "trust": "no key that you gave signed the newest head or the first order",
}


class Refused(ValueError):
    """Something does not fit; the message says what."""


# ---- what was found


@dataclass
class Report:
    """Findings as they come, a bounded number of each kind; and what was counted."""

    findings: list[tuple[str, str, str]] = field(default_factory=list)
    """Kind, place and message."""
    kinds: Counter[str] = field(default_factory=Counter)
    counts: Counter[str] = field(default_factory=Counter)

    def add(self, kind: str, place: str, message: str) -> None:
        self.kinds[kind] += 1
        if self.kinds[kind] <= SHOWN:
            self.findings.append((kind, shown(place), shown(message)))

    def trying(self, kind: str, place: str) -> "Trying":
        return Trying(self, kind, place)

    @property
    def json(self) -> dict[str, Any]:
        found = [dict(zip(("kind", "place", "message"), one, strict=True)) for one in self.findings]
        return {"fits": not self.kinds, "counts": self.counts, "findings": found, "further": self.further}

    @property
    def further(self) -> int:
        return self.kinds.total() - len(self.findings)


@dataclass(frozen=True)
class Trying:
    """A refusal within `with` becomes a finding, and what comes after it goes on."""

    report: Report
    kind: str
    place: str

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, refusal: object, trace: object) -> bool:
        if isinstance(refusal, RecursionError):
            refusal = Refused("it is nested too deeply")
        if isinstance(refusal, Refused):
            self.report.add(self.kind, self.place, str(refusal))
        return isinstance(refusal, Refused)


def shown(text: str) -> str:
    """A text from elsewhere that cannot steer a terminal."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text[:300])


# ---- JSON

_DIGITS = 17
_ID = re.compile("[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
_DIGEST = re.compile("sha256:[0-9a-f]{64}")
_INSTANT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?Z")
_SURROGATE = re.compile("[\ud800-\udfff]")
_TOKENS = re.compile(
    r"""(?: [][{}:,]
    | "(?: [^"\\\x00-\x1f] | \\["\\bfnrt] | \\u00(?: 0[0-7bef] | 1[0-9a-f] ) )*+"
    | (?!-0(?:[^.]|$)) -?(?:0|[1-9][0-9]*+)(?:\.[0-9]*[1-9](?![0-9]))?
    | true | false | null )*+""",
    re.VERBOSE,
)
"""What canonical JSON is made of: no space, one spelling of each text and number (this log has no exponents)."""


def parsed(text: str, pairs: Callable[[list[tuple[str, Any]]], dict[str, Any]] | None = None) -> Any:
    """A JSON text; an object with a key twice, which readers read differently, is refused, and so is NaN."""
    try:
        text.encode()
        return json.loads(
            text, object_pairs_hook=pairs or once, parse_constant=no_number, parse_int=number, parse_float=number
        )
    except Refused:
        raise
    except (ValueError, RecursionError):
        raise Refused("it is not JSON in UTF-8") from None


def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Refused("an object has a key twice")
    return found


def ascending(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """By UTF-16 units, as RFC 8785 orders keys."""
    keys = [key.encode("utf-16-be", "surrogatepass") for key, _ in pairs]
    if any(one >= other for one, other in pairwise(keys)):
        raise Refused("the keys of an object are not in order")
    return dict(pairs)


def number(text: str) -> int | Decimal:
    if len(text) > _DIGITS + 2:
        raise Refused("a number has more digits than readers agree on")
    return Decimal(text) if any(c in ".eE" for c in text) else int(text)


def no_number(text: str) -> None:
    raise Refused(f"{text} is no JSON")


def canonical(text: str) -> Any:
    """The value of a text in the one spelling of RFC 8785, as far as this log uses it."""
    value = parsed(text, ascending)
    if _TOKENS.fullmatch(text) is None:
        raise Refused("a space, text or number in it is not spelled as RFC 8785 does")
    return value


_TYPES = {str: "text", int: "whole number", list: "list", dict: "object"}


def typed(value: Any, kind: type, what: str) -> Any:
    if type(value) is not kind or (isinstance(value, str) and _SURROGATE.search(value)):
        raise Refused(f"{what} is no {_TYPES[kind]}")
    return value


def exactly(value: Any, keys: set[str], what: str) -> dict[str, Any]:
    found: dict[str, Any] = typed(value, dict, what)
    if found.keys() != keys:
        raise Refused(f"{what} does not have exactly {', '.join(sorted(keys))}")
    return found


def instant(value: Any, what: str) -> datetime:
    text = typed(value, str, what)
    try:
        if _INSTANT.fullmatch(text):
            return datetime.fromisoformat(text)
    except ValueError:
        pass
    raise Refused(f"{what} is no instant in UTC")


def unbase64(text: str) -> bytes:
    """The bytes of a base64 text in its one right form; none for another text."""
    try:
        found = base64.b64decode(text.encode(), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        return b""
    return found if base64.b64encode(found).decode() == text else b""


# ---- the tree: RFC 9162, section 2.1; C2SP tlog-tiles

TILE = 256


def leaf_hash(data: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + data).digest()


def parent(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


class Tree:
    """A tree that grows leaf by leaf: its root now, and each tile when it is full.

    `tiles` has for each tile level how many tiles are full, and the hashes of the next one so far.
    """

    def __init__(self, full: Callable[[int, int, bytes], None]) -> None:
        self.size = 0
        self.tiles: list[tuple[int, bytes]] = []
        self._full = full
        self._complete: list[tuple[int, bytes]] = []
        """Complete subtrees from the left, each with its height, heights falling."""

    def add(self, leaf: bytes) -> None:
        height, found = 0, leaf
        self._hash(0, leaf)
        while self._complete and self._complete[-1][0] == height:
            height, found = height + 1, parent(self._complete.pop()[1], found)
            if height % 8 == 0:
                self._hash(height // 8, found)
        self._complete.append((height, found))
        self.size += 1

    def root(self) -> bytes:
        if not self._complete:
            return hashlib.sha256(b"").digest()
        found = self._complete[-1][1]
        for _, left in reversed(self._complete[:-1]):
            found = parent(left, found)
        return found

    def _hash(self, level: int, found: bytes) -> None:
        if level == len(self.tiles):
            self.tiles.append((0, b""))
        number, hashes = self.tiles[level][0], self.tiles[level][1] + found
        if len(hashes) == TILE * 32:
            self._full(level, number, hashes)
            number, hashes = number + 1, b""
        self.tiles[level] = number, hashes


def tile_path(level: int, number: int, width: int = TILE) -> str:
    """Where a tile lies: groups of three digits, all but the last with an `x` before them."""
    digits = f"{number:03}"
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    groups = [digits[at : at + 3] for at in range(0, len(digits), 3)]
    path = "/".join([f"x{group}" for group in groups[:-1]] + groups[-1:])
    return f"tile/{level}/{path}" + ("" if width == TILE else f".p/{width}")


_TILE_PATH = re.compile(r"tile/(0|[1-9][0-9]?)/((?:x[0-9]{3}/)*[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?")


def tile_of(path: str) -> tuple[int, int, int] | None:
    """Level, number and width of the tile at a path."""
    parts = _TILE_PATH.fullmatch(path)
    if parts is None:
        return None
    level, number, width = int(parts[1]), int(re.sub("[x/]", "", parts[2])), int(parts[3] or TILE)
    return (level, number, width) if tile_path(level, number, width) == path else None


# ---- keys and signed notes: https://c2sp.org/signed-note, tlog-checkpoint, tlog-cosignature

ED25519, COSIGNATURE = 1, 4
SIGNATURES = 100
"""The most of one note."""


class Key:
    """A verifier key."""

    def __init__(self, name: str, kind: int, public: bytes) -> None:
        self.name, self.kind, self.public = name, kind, public
        self.id = hashlib.sha256(name.encode() + b"\n" + bytes([kind]) + public).digest()[:4]
        self.label = f"{name}+{self.id.hex()}"
        self._key = Ed25519PublicKey.from_public_bytes(public)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Key) and (self.label, self.public) == (other.label, other.public)

    def __hash__(self) -> int:
        return hash((self.label, self.public))

    def verifies(self, message: bytes, signature: bytes) -> bool:
        try:
            self._key.verify(signature, message)
        except InvalidSignature:
            return False
        return True

    def signed(self, text: str, signature: bytes) -> bool:
        """Whether a signature in a note is this key's for its text."""
        if self.kind == ED25519:
            return self.verifies(text.encode(), signature)
        seconds = int.from_bytes(signature[:8], "big")
        message = f"cosignature/v1\ntime {seconds}\n{text}".encode()
        return len(signature) == 72 and seconds < 1 << 63 and self.verifies(message, signature[8:])


def key_of(text: str, kind: int = ED25519) -> Key:
    """The key of a text `name+hash+base64`: that of a log, or (kind 4) of a witness."""
    name, hashed, data = [*typed(text, str, "a verifier key").split("+", 2), "", ""][:3]
    public = unbase64(data)
    if not is_name(name) or len(public) != 33 or public[0] != kind:
        raise Refused(f"{shown(text)} is no Ed25519 verifier key `name+hash+base64` of type {kind}")
    found = Key(name, kind, public[1:])
    if found.id.hex() != hashed:
        raise Refused(f"the hash of the key {shown(text)} is not that of its name and key")
    return found


def is_name(text: str) -> bool:
    return bool(text) and not any(c.isspace() or c == "+" or c < " " for c in text)


@dataclass(frozen=True)
class Note:
    text: str
    signatures: tuple[tuple[str, bytes, bytes], ...]
    """Name, key id and signature of each."""

    def signers(self, keys: Sequence[Key]) -> list[Key]:
        """Those of the keys that signed it; a signature of one of them that is wrong refuses the note."""
        found = []
        for name, key_id, signature in self.signatures:
            for key in keys:
                if (key.name, key.id) == (name, key_id):
                    if not key.signed(self.text, signature):
                        raise Refused(f"the signature of {key.label} does not fit")
                    found.append(key)
        return found


def note_of(note: str) -> Note:
    """A signed note; its signatures are not verified."""
    text, blank, lines = typed(note, str, "the note").rpartition("\n\n")
    if not blank or not lines.endswith("\n") or any(c < " " and c != "\n" for c in note):
        raise Refused("it is no signed note")
    if lines.count("\n") > SIGNATURES:
        raise Refused(f"it has more than {SIGNATURES} signatures")
    signatures = []
    for line in lines[:-1].split("\n"):
        dash, name, data = [*line.split(" "), "", ""][:3]
        value = unbase64(data)
        if line.count(" ") != 2 or dash != "—" or not is_name(name) or len(value) < 5:
            raise Refused("a signature line is not `— <name> <base64>`")
        signatures.append((name, value[:4], value[4:]))
    return Note(text + "\n", tuple(signatures))


@dataclass(frozen=True)
class Head:
    """`time` and `after` (the size of the head before) are none in heads from before the first order."""

    origin: str
    size: int
    root: bytes
    time: datetime | None
    after: int | None
    note: Note


def head_of(text: str) -> Head:
    """The head in a signed note; its signatures are not verified."""
    note = note_of(text)
    origin, size, root, *more = [*note.text[:-1].split("\n"), "", ""]
    extensions = more[:-2]
    if not origin or not is_size(size) or len(unbase64(root)) != 32 or not all(extensions):
        raise Refused("it is not origin, size and root")
    time = after = None
    if extensions:
        time, after = extensions_of(extensions)
    return Head(origin, int(size), unbase64(root), time, after, note)


def extensions_of(lines: Sequence[str]) -> tuple[datetime, int]:
    time, after = [*lines, "", ""][:2]
    if len(lines) != 2 or time[:5] != "time " or after[:6] != "after " or not is_size(after[6:]):
        raise Refused("its further lines are not `time` and `after`")
    return instant(time[5:], "its time"), int(after[6:])


def is_size(text: str) -> bool:
    return re.fullmatch("0|[1-9][0-9]{0,17}", text) is not None


# ---- receipts


@dataclass(frozen=True)
class Receipt:
    digest: str
    at: str
    key: str
    signature: str

    def signer(self, origin: str, id_: str, keys: Sequence[Key]) -> Key:
        """The key that signed it for the record of this id."""
        parts = (origin, id_, self.at, self.digest)
        if any("\n" in part for part in parts):
            raise Refused("a part of the receipt holds a newline")
        message = "\n".join(("policy-service/receipt/v1", *parts, "")).encode()
        known = [key for key in keys if key.label == self.key]
        if not known:
            raise Refused(f"the receipt is signed by {self.key}, which is not in force here")
        for key in known:
            if key.verifies(message, unbase64(self.signature)):
                return key
        raise Refused(f"the signature of {self.key} does not fit the receipt")


def receipt_of(value: Any) -> Receipt:
    found = exactly(value, {"digest", "decided_at", "key", "signature"}, "the receipt")
    names = ("digest", "decided_at", "key", "signature")
    return Receipt(*[typed(found[name], str, f"the receipt's {name}") for name in names])


# ---- the folder


@dataclass(frozen=True)
class Line:
    """A line of a file, not looked into. `first` is the index in the name of its file."""

    first: int
    number: int
    place: str
    data: bytes


@dataclass(frozen=True)
class Entry:
    """A line that has the parts of a record, each of the right type; the receipt is not looked into."""

    index: int
    kind: str
    id: str
    body: str
    receipt: Any


def entry_of(line: Line) -> Entry:
    found = exactly(parsed(decoded(line.data)), {"index", "kind", "id", "body", "receipt"}, "the line")
    index, kind = typed(found["index"], int, "the index"), typed(found["kind"], str, "the kind")
    if not 0 <= index < 10**12 or kind not in NAMES:
        raise Refused("the index or the kind is none")
    id_, body = typed(found["id"], str, "the id"), typed(found["body"], str, "the body")
    return Entry(index, kind, id_, body, found["receipt"])


NAMES = {"decision": ("decision_id", "decided_at"), "act": ("act_id", "at"), "erasure": ("erasure_id", "at")}
"""What a record of each kind calls its id and its time. Erasures of their own are from before the first order."""


def decoded(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise Refused("it is not UTF-8") from None


def lines_of(path: Path, name: str, report: Report) -> Iterator[tuple[int, bytes]]:
    """The lines of a file with their numbers from 1; one that is too long or has no end is a finding, and empty."""
    if not path.is_file():
        report.add("file", name, "it is missing")
        return
    try:
        with path.open("rb") as file:
            for number, data in enumerate(iter(lambda: file.readline(LONGEST), b""), 1):
                is_whole = data.endswith(b"\n")
                if not is_whole:
                    report.add("line", f"{name}:{number}", f"it has no newline within {LONGEST} bytes")
                    pass_over(file)
                yield number, data if is_whole else b""
    except OSError as error:
        report.add("file", name, f"it cannot be read: {error.strerror}")


def pass_over(file: BinaryIO) -> None:
    """The rest of a line, which is not kept."""
    while (data := file.readline(LONGEST)) and not data.endswith(b"\n"):
        pass


def record_lines(folder: Path, report: Report) -> Iterator[Line]:
    """All lines of all files of records, in the order of their names."""
    for name in names_in(folder / "records"):
        parts = re.fullmatch(r"([0-9]{12})\.ndjson", name)
        place = f"records/{name}"
        if parts is None:
            report.add("file", place, "it is no file of records")
            continue
        for number, data in lines_of(folder / place, place, report):
            if number == LINES + 1:
                report.add("file", place, f"it has more than {LINES} records")
            yield Line(int(parts[1]), number, f"{place}:{number}", data)


def names_in(folder: Path) -> list[str]:
    return sorted(os.listdir(folder)) if folder.is_dir() else []


def whole(path: Path) -> bytes:
    """The bytes of a small file."""
    try:
        if not path.is_file() or path.stat().st_size > LONGEST:
            raise Refused("it is missing or too large")
        return path.read_bytes()
    except OSError as error:
        raise Refused(f"it cannot be read: {error.strerror}") from None


# ---- ids and heads: in a temporary file, since there may be millions


class Kept:
    """What must be looked up by id, size or place; the database is a temporary file that is gone at the end."""

    def __init__(self) -> None:
        self._rows = sqlite3.connect("", isolation_level=None)
        self._rows.execute("CREATE TABLE ids (id TEXT PRIMARY KEY, place INTEGER, kind TEXT) WITHOUT ROWID")
        self._rows.execute("CREATE TABLE heads (size INTEGER PRIMARY KEY, line INTEGER, note TEXT)")
        self._rows.execute("CREATE TABLE superseding (place INTEGER, id TEXT)")
        self._rows.execute("CREATE TABLE early (place INTEGER, bundle TEXT, orders INTEGER)")
        self._rows.execute("BEGIN")

    def close(self) -> None:
        self._rows.close()

    def add_id(self, id_: str, place: int, kind: str) -> bool:
        """False if it is there already."""
        return self._rows.execute("INSERT OR IGNORE INTO ids VALUES (?, ?, ?)", (id_, place, kind)).rowcount == 1

    def find(self, id_: str) -> tuple[int, str]:
        """Place and kind of the record of an id; -1 where there is none."""
        found = self._rows.execute("SELECT place, kind FROM ids WHERE id = ?", (id_,)).fetchone()
        return found or (-1, "")

    def add_head(self, size: int, line: int, note: str) -> None:
        self._rows.execute("INSERT OR IGNORE INTO heads VALUES (?, ?, ?)", (size, line, note))

    def heads(self) -> Iterator[tuple[int, int, str]]:
        """Size, line and note of each, sizes rising."""
        yield from self._rows.execute("SELECT size, line, note FROM heads ORDER BY size")

    def head(self, size: int) -> str | None:
        found = self._rows.execute("SELECT note FROM heads WHERE size = ?", (size,)).fetchone()
        return None if found is None else found[0]

    def supersede(self, place: int, id_: str) -> None:
        self._rows.execute("INSERT INTO superseding VALUES (?, ?)", (place, id_))

    def superseding_none(self) -> Iterator[tuple[int, str]]:
        """Corrections that name no decision of the log."""
        yield from self._rows.execute(
            "SELECT place, id FROM superseding WHERE NOT EXISTS"
            " (SELECT 1 FROM ids WHERE ids.id = superseding.id AND kind = 'decision') ORDER BY place"
        )

    def postpone(self, place: int, bundle: str, orders: int) -> None:
        self._rows.execute("INSERT INTO early VALUES (?, ?, ?)", (place, bundle, orders))

    def postponed(self) -> Iterator[tuple[int, str, int]]:
        yield from self._rows.execute("SELECT place, bundle, orders FROM early ORDER BY place")


# ---- orders: what the log itself says is in force


@dataclass
class Orders:
    """The state that orders make. It begins with what the first order will say, found by looking ahead."""

    origin: str = ""
    legacy: int = 0
    """How many records are from before the first order."""
    begun_at: int | None = None
    """The index of the first order."""
    keys: list[Key] = field(default_factory=list)
    """In force."""
    known: list[Key] = field(default_factory=list)
    """Ever in force."""
    version: int = 0
    digest: str = ""
    at: datetime | None = None
    bundles: dict[str, str] = field(default_factory=dict)
    """Digest of what was ordered, by id."""
    activated: dict[str, int] = field(default_factory=dict)
    """The version that first activated a bundle."""

    def begin(self, value: Any, place: int) -> None:
        found = exactly(value, {"origin", "keys", "legacy"}, "its beginning")
        origin, legacy = typed(found["origin"], str, "its origin"), typed(found["legacy"], int, "its `legacy`")
        keys = [key_of(text) for text in typed(found["keys"], list, "its keys")]
        if not 0 <= legacy <= place:
            raise Refused(f"it cannot have {legacy} records before it")
        if not keys:
            raise Refused("it begins without a key")
        self.origin, self.legacy, self.begun_at = origin, legacy, place
        self.keys, self.known = keys, list(keys)

    def keys_at(self, place: int, trusted: Sequence[Key]) -> Sequence[Key]:
        """The keys that may have signed the record at a place."""
        if place < self.legacy:
            return [*self.known, *trusted]
        return self.keys if self.version or place == self.begun_at else []

    def keys_of_head(self, size: int, trusted: Sequence[Key]) -> Sequence[Key]:
        """The keys that may have signed the head of this size, once the records below it are read."""
        return self.keys if self.begun_at is not None and size > self.begun_at else [*self.known, *trusted]

    def follow(self, order: Mapping[str, Any], at: datetime, digest: str) -> None:
        """Check the chain, and take the order as the last one either way, so that one fault is told once."""
        version = typed(order.get("version"), int, "its version")
        due, previous, before = self.version + 1, self.digest, self.at
        self.version, self.digest, self.at = max(version, due), digest, max(at, before or at)
        if version != due:
            raise Refused(f"it is version {version}, {due} is due")
        if order.get("previous") != previous:
            raise Refused(f"it names {order.get('previous')} as the order before, which is {previous or 'none'}")
        if before is not None and at < before:
            raise Refused("it is of an earlier time than the order before")
        if (version == 1) != ("begin" in order) or (version == 1 and len(order) != 3):
            raise Refused("the first order, and only that, begins the log, and does nothing else")
        if version > 1 and not PARTS & order.keys():
            raise Refused("it orders nothing")

    def change_keys(self, value: Any) -> None:
        """Add and retire signing keys. Whoever ordered it signed with a key in force: its receipt says so."""
        found = typed(value, dict, "its signing keys")
        if not found or not found.keys() <= {"add", "retire"}:
            raise Refused("it neither adds nor retires signing keys")
        for text in typed(found.get("add", []), list, "the keys it adds"):
            self._add(key_of(text))
        for text in typed(found.get("retire", []), list, "the keys it retires"):
            self._retire(key_of(text))

    def _add(self, key: Key) -> None:
        if key in self.known:
            raise Refused(f"it adds {key.label}, which the log knew already")
        self.keys.append(key)
        self.known.append(key)

    def _retire(self, key: Key) -> None:
        if key not in self.keys:
            raise Refused(f"it retires {key.label}, which is not in force")
        if len(self.keys) == 1:
            raise Refused("it retires the last key")
        self.keys.remove(key)

    def activate(self, one: Mapping[str, Any]) -> None:
        bundle = typed(one.get("bundle"), str, "the bundle it activates")
        self.activated.setdefault(bundle, self.version)
        if bundle not in self.bundles:
            raise Refused(f"it activates {bundle}, which no order brought")

    def shadow(self, one: Mapping[str, Any]) -> None:
        bundle = one.get("bundle")
        if bundle is not None and bundle not in self.bundles:
            raise Refused(f"it shadows {bundle}, which no order brought")


PARTS = {
    "bundles", "activations", "stops", "keys", "key_ends", "shadows", "signing_keys", "adopted",
}  # fmt: skip
"""What an order after the first may order."""


def orders_ahead(folder: Path) -> Orders:
    """What the first order will say, since records and heads from before it are verified under its keys."""
    orders = Orders()
    for line in record_lines(folder, Report()):
        if b'\\"begin\\"' not in line.data:
            continue
        try:
            entry = entry_of(line)
            order = typed(parsed(entry.body), dict, "the record").get("order")
            if entry.kind == "act" and isinstance(order, dict) and "begin" in order:
                orders.begin(order["begin"], entry.index)
                break
        except Refused:
            continue
    return orders


# ---- bundles


@dataclass(frozen=True)
class Bundles:
    """The texts of bundles, beside the digests that were ordered."""

    folder: Path
    report: Report

    def check(self, ordered: Mapping[str, Any], orders: Orders, here: str) -> None:
        id_ = typed(ordered.get("id"), str, "the id of a bundle")
        if not _DIGEST.fullmatch(id_):
            raise Refused("the id of a bundle is no digest")
        told = hashlib.sha256(json.dumps(ordered, sort_keys=True, default=str).encode()).hexdigest()
        if orders.bundles.setdefault(id_, told) != told:
            raise Refused(f"it brings {id_} otherwise than an order before")
        self.report.counts["bundles"] += 1
        name = f"bundles/{id_.removeprefix('sha256:')}.json"
        with self.report.trying("bundle", name):
            found = exactly(parsed(decoded(whole(self.folder / name))), {"id", "label", "files"}, "it")
            if (found["id"], found["label"]) != (id_, ordered.get("label")):
                raise Refused(f"its id or label is not what {here} ordered")
            self._texts(typed(found["files"], dict, "`files`"), typed(ordered.get("files"), dict, "`files`"), here)

    def _texts(self, texts: Mapping[str, Any], digests: Mapping[str, Any], here: str) -> None:
        if differing := texts.keys() ^ digests.keys():
            raise Refused(f"{min(differing)} is in it or in {here}, and not in the other")
        for path, text in texts.items():
            digest = hashlib.sha256(typed(text, str, path).encode()).hexdigest()
            if digests[path] != f"sha256:{digest}":
                raise Refused(f"the text of {path} is not the one that {here} ordered")

    def others(self, orders: Orders) -> None:
        """Files that no order brought."""
        known = {f"{id_.removeprefix('sha256:')}.json" for id_ in orders.bundles}
        for name in names_in(self.folder / "bundles"):
            if name not in known:
                self.report.add("bundle", f"bundles/{name}", "no order brought it")


# ---- tiles


@dataclass
class Tiles:
    """The tiles of the folder, beside those that the records give."""

    folder: Path
    report: Report
    is_broken: bool = False
    """A leaf is not known: nothing can be compared from here on."""

    def check(self, level: int, number: int, hashes: bytes) -> None:
        name = tile_path(level, number, len(hashes) // 32)
        with self.report.trying("tile", name):
            if not self.is_broken and whole(self.folder / name) != hashes:
                raise Refused("it is not what the records give")
            self.report.counts["tiles"] += 1

    def rest(self, tree: "Tree") -> None:
        """The tiles that are not full yet, and files that are none of this log."""
        for level, (number, hashes) in enumerate(tree.tiles):
            if hashes:
                self.check(level, number, hashes)
        for folder, _, names in os.walk(self.folder / "tile"):
            for name in names:
                path = Path(folder, name).relative_to(self.folder).as_posix()
                with self.report.trying("tile", path):
                    self._is_of(tree, path)

    def _is_of(self, tree: "Tree", path: str) -> None:
        """Every file is a tile of this size, or the beginning of one: a log may keep what it had at earlier sizes."""
        level, number, width = tile_of(path) or (len(tree.tiles), 0, 0)
        full, hashes = tree.tiles[level] if level < len(tree.tiles) else (0, b"")
        if number > full or (number == full and width * 32 > len(hashes)):
            raise Refused("there is no such tile in a log of this size")
        if width < TILE:
            now = hashes if number == full else whole(self.folder / tile_path(level, number))
            if not self.is_broken and whole(self.folder / path) != now[: width * 32]:
                raise Refused("it is not the beginning of the tile that it became")

    def leaf(self, index: int) -> bytes | None:
        """The leaf hash that the tiles have for a record that cannot be read."""
        number, at = divmod(index, TILE)
        full = tile_path(0, number)
        partial = [f"{full}.p/{width}" for width in names_in(self.folder / f"{full}.p")]
        for name in [full, *partial]:
            with Trying(Report(), "", ""):
                found = whole(self.folder / name)[at * 32 : at * 32 + 32]
                if len(found) == 32:
                    return found
        return None


# ---- what an auditor knows from elsewhere


@dataclass(frozen=True)
class Given:
    """Heads and receipts come with the name of their file."""

    keys: Sequence[Key] = ()
    heads: Sequence[tuple[str, Head]] = ()
    receipts: Sequence[tuple[str, str, Receipt]] = ()
    """Name of the file, id of the record, receipt."""
    witnesses: Sequence[Key] = ()
    quorum: int = 0


# ---- heads


class Heads:
    """The heads of the folder and those that were kept, each looked at when the walk has come to its size."""

    def __init__(self, folder: Path, given: Given, orders: Orders, kept: Kept, report: Report) -> None:
        self.given, self.orders, self.kept, self.report = given, orders, kept, report
        self._chain(folder)
        self._waiting = kept.heads()
        self._next = next(self._waiting, None)
        self._kept = sorted(given.heads, key=lambda one: one[1].size, reverse=True)
        """Kept heads that were not reached yet, the smallest last."""
        self._first_other: int | None = None
        """The size of the first head with another root: those after it differ for the same reason."""
        self.newest: Head | None = None
        self.signers: Sequence[Key] = ()
        """Who signed the newest head."""

    def _chain(self, folder: Path) -> None:
        before: Head | None = None
        for number, data in lines_of(folder / "heads.ndjson", "heads.ndjson", self.report):
            place = f"heads.ndjson:{number}"
            with self.report.trying("line", place):
                found = exactly(parsed(decoded(data)), {"size", "note"}, "the line")
                head = head_of(found["note"])
                if found["size"] != head.size or type(found["size"]) is not int:
                    raise Refused(f"it says size {found['size']}, the head {head.size}")
                self.report.counts["heads"] += 1
                self._follows(head, before, place)
                self.kept.add_head(head.size, number, found["note"])
                before = head
        if before is None:
            self.report.add("head", "heads.ndjson", "there is no head")

    def _follows(self, head: Head, before: Head | None, place: str) -> None:
        """Whether a head follows the one before it in the file."""
        last, time = (before.size, before.time) if before is not None else (0, None)
        begun_at = self.orders.begun_at
        if head.origin != self.orders.origin:
            self.report.add("head", place, f"it is of {head.origin}, this log is {self.orders.origin}")
        if before is not None and head.size <= last:
            self.report.add("head", place, f"it is of size {head.size}, the one before it of {last}")
        if head.time is None and (time is not None or (begun_at is not None and head.size > begun_at)):
            self.report.add("head", place, "it has no lines `time` and `after`")
        if head.after not in (None, last):
            self.report.add("head", place, f"it comes after a head of size {head.after}, here that is {last}")
        if head.time is not None and time is not None and head.time < time:
            self.report.add("clock-regressed", place, f"it is of {head.time}, the one before it of {time}")

    def reach(self, size: int, root: Callable[[], bytes] | None) -> None:
        """Look at the heads up to this size. `root` is none where records are missing."""
        while self._next is not None and self._next[0] <= size:
            told, line, text = self._next
            self._look(f"heads.ndjson:{line}", head_of(text), root if told == size else None)
            self._next = next(self._waiting, None)
        while self._kept and self._kept[-1][1].size <= size:
            name, head = self._kept.pop()
            self._compare(name, head, root if head.size == size else None)

    def _look(self, place: str, head: Head, root: Callable[[], bytes] | None) -> None:
        if root is not None and head.root != root():
            self._other_root(place, head)
        self.newest, self.signers = head, ()
        with self.report.trying("signature", place):
            self.signers = head.note.signers(self.orders.keys_of_head(head.size, self.given.keys))
            if not self.signers:
                raise Refused(f"no key that was in force at size {head.size} signed it")

    def _other_root(self, place: str, head: Head) -> None:
        if self._first_other is None:
            self._first_other = head.size
            self.report.add("root", place, f"its root is not that of the first {head.size} records")
        else:
            self.report.counts[f"heads after that of {self._first_other} with another root"] += 1

    def _compare(self, name: str, head: Head, root: Callable[[], bytes] | None) -> None:
        with self.report.trying("kept-head", name):
            self._is_signed(head)
            if root is None:
                raise Refused("whether it is of this log cannot be told: records are missing")
            if head.root != root():
                raise Refused(f"this log had another root at size {head.size}: it was rewritten, or there are two")
            self.report.counts["kept heads"] += 1

    def _is_signed(self, head: Head) -> None:
        if head.origin != self.orders.origin:
            raise Refused(f"it is of {head.origin}, this log is {self.orders.origin}")
        if not head.note.signers([*self.given.keys, *self.orders.known]):
            raise Refused("it is signed by no key that you gave or that is of this log: it proves nothing")

    def end(self, size: int) -> None:
        """What was not reached; and that the newest head is over all records."""
        if self._next is not None:
            for told, line, _ in [self._next, *self._waiting]:
                self.report.add("head", f"heads.ndjson:{line}", f"it is of {told} records, there are {size}")
        elif (last := 0 if self.newest is None else self.newest.size) != size:
            self.report.add("head", f"record {last}", f"{size - last} records from here on are under no head")
        for name, head in self._kept:
            with self.report.trying("kept-head", name):
                self._is_signed(head)
                raise Refused(f"it is of {head.size} records, there are {size}: cut off, or an older copy")
        if self.given.witnesses:
            self._witnesses()

    def _witnesses(self) -> None:
        if self.newest is None:
            self.report.add("witness", "heads.ndjson", "there is no head that a witness could have signed")
            return
        signers: set[Key] = set()
        for note in self._copies(self.newest.note):
            for witness in self.given.witnesses:
                with self.report.trying("witness", f"head {self.newest.size}"):
                    signers |= set(note.signers([witness]))
        self.report.counts["witnesses"] = len(signers)
        if len(signers) < self.given.quorum:
            message = f"{len(signers)} of {len(self.given.witnesses)} witnesses signed it, {self.given.quorum} are due"
            self.report.add("witness", f"head {self.newest.size}", message)

    def _copies(self, newest: Note) -> Iterator[Note]:
        """The newest head; and copies of it that were kept, on which more witnesses may stand."""
        yield newest
        yield from (head.note for _, head in self.given.heads if head.note.text == newest.text)


# ---- the walk over the records


class Walk:
    """One verification."""

    def __init__(self, folder: Path, given: Given) -> None:
        self.folder, self.given = folder, given
        self.report, self.kept = Report(), Kept()
        self.orders = orders_ahead(folder)
        self.tiles, self.bundles = Tiles(folder, self.report), Bundles(folder, self.report)
        self.tree = Tree(self.tiles.check)
        self.place = 0
        """The index that is due."""
        self.is_trusted = False
        """A key that was given signed the first order."""
        self._latest: datetime | None = None
        self._receipts: dict[str, list[tuple[str, Receipt]]] = {}
        """Kept receipts that were not met yet, by id."""
        for name, id_, receipt in given.receipts:
            self._receipts.setdefault(id_, []).append((name, receipt))

    def verify(self, step: Callable[[int], None] = lambda _: None) -> Report:
        size, told = self._log()
        self.heads = Heads(self.folder, self.given, self.orders, self.kept, self.report)
        self._reach()
        for line in record_lines(self.folder, self.report):
            self._line(line)
            step(self.place)
        self._end(size, told)
        self.kept.close()
        return self.report

    def _log(self) -> tuple[int | None, Sequence[Key]]:
        """Size and keys that log.json tells, as far as it can be read."""
        with self.report.trying("log", "log.json"):
            found = parsed(decoded(whole(self.folder / "log.json")))
            found = exactly(found, {"format", "origin", "size", "keys"}, "it")
            if found["format"] != FORMAT or type(found["format"]) is not int:
                raise Refused(f"it is not of format {FORMAT}")
            origin, size = typed(found["origin"], str, "its origin"), typed(found["size"], int, "its size")
            if self.orders.begun_at is None:
                self.orders.origin = origin
            elif origin != self.orders.origin:
                self.report.add("log", "log.json", f"its origin is {origin}, the first order's {self.orders.origin}")
            return int(size), [key_of(text) for text in typed(found["keys"], list, "its keys")]
        return None, ()

    # -- one line after the other

    def _line(self, line: Line) -> None:
        if line.number == 1 and line.first != self.place:
            self.report.add("file", line.place, f"its name says {line.first}, index {self.place} is due")
        entry = None
        with self.report.trying("line", line.place):
            entry = entry_of(line)
        if entry is None:
            self._stand_in()
        elif entry.index < self.place:
            message = f"index {entry.index} is out of order or there twice: this one is not looked into"
            self.report.add("index", line.place, message)
        else:
            self._fill(entry.index)
            self._entry(entry)

    def _fill(self, index: int) -> None:
        """Go on where records are missing, with the hashes that the tiles have for them."""
        if index > self.place:
            message = f"{index - self.place} records from here on are missing"
            self.report.add("index", f"record {self.place}", message)
        while self.place < index and not self.tiles.is_broken:
            self._stand_in()
        self.place = index

    def _stand_in(self) -> None:
        leaf = None if self.tiles.is_broken else self.tiles.leaf(self.place)
        if leaf is None and not self.tiles.is_broken:
            message = "nothing tells its hash: neither roots nor tiles can be computed from here on"
            self.report.add("root", f"record {self.place}", message)
            self.tiles.is_broken = True
        self._grow(leaf or bytes(32))

    def _grow(self, leaf: bytes) -> None:
        self.tree.add(leaf)
        self.place += 1
        self._reach()

    def _reach(self) -> None:
        self.heads.reach(self.place, None if self.tiles.is_broken else self.tree.root)

    # -- one record

    def _entry(self, entry: Entry) -> None:
        here = f"record {self.place}"
        self.report.counts["records"] += 1
        leaf = leaf_hash(entry.body.encode())
        digest = f"sha256:{leaf.hex()}"
        self._id(entry, here)
        record = self._record(entry, here)
        at = None if record is None else self._time(entry, record, here)
        signer = self._receipt(entry, at, digest, here)
        self._kept_receipts(entry.id, digest)
        if record is not None and at is not None:
            with self.report.trying("record", here):
                self._content(entry.kind, record, instant(at, "at"), digest, signer)
        self._grow(leaf)

    def _id(self, entry: Entry, here: str) -> None:
        if not _ID.fullmatch(entry.id):
            self.report.add("id", here, f"{entry.id} is no UUIDv7")
        if not self.kept.add_id(entry.id, self.place, entry.kind):
            self.report.add("id", here, f"{entry.id} is there before")

    def _record(self, entry: Entry, here: str) -> dict[str, Any] | None:
        """The record, also where it is not spelled canonically."""
        value = None
        with self.report.trying("canonical", here):
            value = canonical(entry.body)
        if value is None:
            with Trying(Report(), "", ""):
                value = parsed(entry.body)
        if value is not None and not isinstance(value, dict):
            self.report.add("record", here, "it is no object")
        return value if isinstance(value, dict) else None

    def _time(self, entry: Entry, record: Mapping[str, Any], here: str) -> str | None:
        """The time that a record tells, if it is one."""
        id_name, at_name = NAMES[entry.kind]
        if record.get(id_name) != entry.id:
            self.report.add("id", here, f"the record is {record.get(id_name)}, the line says {entry.id}")
        with self.report.trying("record", here):
            time = instant(record.get(at_name), at_name)
            if self._latest is not None and time < self._latest:
                self.report.counts["records of an earlier time than one before them"] += 1
            self._latest = max(time, self._latest or time)
            return str(record[at_name])
        return None

    def _receipt(self, entry: Entry, at: str | None, digest: str, here: str) -> Key | None:
        """Who signed its receipt."""
        if entry.receipt is None and self.place < self.orders.legacy:
            self.report.counts["records from before, without receipt"] += 1
            return None
        with self.report.trying("receipt", here):
            if entry.receipt is None:
                raise Refused("it has no receipt")
            receipt = receipt_of(entry.receipt)
            if receipt.digest != digest:
                raise Refused(f"its receipt is for {receipt.digest}, it is {digest}")
            if at is not None and receipt.at != at:
                raise Refused(f"its receipt says {receipt.at}, the record {at}")
            return receipt.signer(self.orders.origin, entry.id, self.orders.keys_at(self.place, self.given.keys))
        return None

    def _kept_receipts(self, id_: str, digest: str) -> None:
        for name, receipt in self._receipts.pop(id_, []):
            with self.report.trying("kept-receipt", name):
                receipt.signer(self.orders.origin, id_, [*self.given.keys, *self.orders.known])
                if receipt.digest != digest:
                    raise Refused(f"record {self.place} is {digest}, the receipt is for {receipt.digest}")
                self.report.counts["kept receipts"] += 1

    # -- what a record says

    def _content(self, kind: str, record: Mapping[str, Any], at: datetime, digest: str, signer: Key | None) -> None:
        self.report.counts[f"{kind}s"] += 1
        if kind == "decision":
            self._decision(record)
        elif kind == "act":
            self._act(record, at, digest, signer)
        elif self.place < self.orders.legacy:
            self._erasure(record)
        else:
            raise Refused("an erasure is an act, but for those from before the first order")

    def _decision(self, record: Mapping[str, Any]) -> None:
        request = typed(record.get("request"), dict, "its request")
        if "supersedes" in request:
            self.kept.supersede(self.place, typed(request["supersedes"], str, "supersedes"))
        bundle = typed(record.get("bundle"), str, "its bundle")
        if self.place < self.orders.legacy:
            return
        orders = typed(record.get("orders"), int, "its number of orders")
        if orders < self.orders.version:
            self.report.counts["decisions that know fewer orders than were sealed before them"] += 1
        if not 1 <= orders < 2**53:
            self._no_order(self.place, orders)
        elif self.orders.activated.get(bundle, orders + 1) > orders or orders > self.orders.version:
            self.kept.postpone(self.place, bundle, orders)

    def _no_order(self, place: int, orders: int) -> None:
        self.report.add("decision", f"record {place}", f"it was made under order {orders}, which is not in the log")

    def _act(self, record: Mapping[str, Any], at: datetime, digest: str, signer: Key | None) -> None:
        for name in ("actor", "action"):
            typed(record.get(name), str, f"its {name}")
        if "erasure" in record:
            self._erasure(typed(record["erasure"], dict, "its erasure"))
        if "order" in record:
            self._order(typed(record["order"], dict, "its order"), at, digest, signer)

    def _erasure(self, erasure: Mapping[str, Any]) -> None:
        self.report.counts["erasures that name records"] += 1
        with self.report.trying("erasure", f"record {self.place}"):
            for id_ in typed(erasure.get("records"), list, "its records"):
                if self.kept.find(typed(id_, str, "an id in it"))[1] != "decision":
                    raise Refused(f"it names {id_}, and no decision before it has this id")

    def _order(self, order: Mapping[str, Any], at: datetime, digest: str, signer: Key | None) -> None:
        here = f"record {self.place}"
        self.report.counts["orders"] += 1
        with self.report.trying("order", here):
            self.orders.follow(order, at, digest)
        if "begin" in order:
            with self.report.trying("order", here):
                Orders().begin(order["begin"], self.place)
            self.is_trusted = self.is_trusted or (self.place == self.orders.begun_at and signer in self.given.keys)
        if "signing_keys" in order:
            with self.report.trying("signing-keys", here):
                self.orders.change_keys(order["signing_keys"])
        self._each(order, "bundles", lambda one: self.bundles.check(one, self.orders, here))
        self._each(order, "activations", self.orders.activate)
        self._each(order, "shadows", self.orders.shadow)
        if "adopted" in order:
            with self.report.trying("order", here):
                self._adopted(typed(order["adopted"], dict, "what it adopts"))

    def _each(self, order: Mapping[str, Any], name: str, follow: Callable[[Mapping[str, Any]], None]) -> None:
        with self.report.trying("order", f"record {self.place}"):
            for one in typed(order.get(name, []), list, f"its {name}"):
                with self.report.trying("order", f"record {self.place}"):
                    follow(typed(one, dict, f"one of its {name}"))

    def _adopted(self, value: Mapping[str, Any]) -> None:
        """A restored backup: it was the log as far as one of its heads."""
        self.report.counts["adopted backups"] += 1
        size, root = typed(value.get("size"), int, "the size it adopts"), typed(value.get("root"), str, "its root")
        note = self.kept.head(size) if 0 <= size <= self.place else None
        if note is None:
            raise Refused(f"it adopts a log of {size}, and there is no such head before it")
        found = head_of(note).root
        if root not in (base64.b64encode(found).decode(), found.hex(), f"sha256:{found.hex()}"):
            raise Refused(f"it adopts a log of {size} with another root than this log had")

    # -- the end

    def _end(self, size: int | None, told: Sequence[Key]) -> None:
        if size not in (None, self.place):
            self.report.add("log", "log.json", f"it says {size} records, there are {self.place}")
        if not self.orders.version:
            message = "there is no first order: nothing says which keys and records are the log's"
            self.report.add("order", "log.json", message)
        for key in told:
            if self.orders.version and key not in self.orders.known:
                self.report.add("log", "log.json", f"it names {key.label}, which no order made a key of the log")
        self.tiles.rest(self.tree)
        self.bundles.others(self.orders)
        self._later()
        self.heads.end(self.place)
        if not self.is_trusted and not set(self.heads.signers) & set(self.given.keys):
            self.report.add("trust", "log.json", "no key that you gave signed the newest head or the first order")

    def _later(self) -> None:
        """What could only be told once all records were read."""
        for place, bundle, orders in self.kept.postponed():
            if orders > self.orders.version:
                self._no_order(place, orders)
            elif self.orders.activated.get(bundle, orders + 1) > orders:
                message = f"no order up to {orders} activated its bundle {bundle}"
                self.report.add("decision", f"record {place}", message)
        for place, id_ in self.kept.superseding_none():
            self.report.add("supersedes", f"record {place}", f"it corrects {id_}, which is no decision of this log")
        for id_, given in self._receipts.items():
            for name, receipt in given:
                with self.report.trying("kept-receipt", name):
                    receipt.signer(self.orders.origin, id_, [*self.given.keys, *self.orders.known])
                    raise Refused(f"{id_} is not among the {self.place} records")


# ---- the command


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status."""
    asked, given = read_command(arguments)
    report = Walk(asked.folder, given).verify(progress(asked.folder))
    if asked.format == "json":
        print(json.dumps(report.json, ensure_ascii=False, indent=2))
    else:
        tell(report)
    return 1 if report.kinds else 0


def read_command(arguments: Sequence[str] | None) -> tuple[argparse.Namespace, Given]:
    kinds = "\n".join(f"  {kind:16} {meaning}" for kind, meaning in KINDS.items())
    parser = argparse.ArgumentParser(
        prog="verify_log",
        description=(__doc__ or "").partition("\n")[0],
        epilog=f"kinds of findings:\n{kinds}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="what `policyctl audit export --log` wrote")
    parser.add_argument("--key", action="append", default=[], metavar="VKEY", help="a key of the log to trust")
    parser.add_argument("--head", action="append", default=[], type=Path, metavar="FILE", help="a head that was kept")
    parser.add_argument("--receipt", action="append", default=[], type=Path, metavar="FILE", help="an answer kept")
    parser.add_argument("--witness", action="append", default=[], metavar="VKEY", help="a witness of the newest head")
    parser.add_argument("--quorum", type=int, metavar="N", help="how many witnesses must have signed (default: all)")
    parser.add_argument("--format", choices=("text", "json"), default="text")
    asked = parser.parse_args(arguments)
    try:
        return asked, given_of(asked)
    except Refused as refusal:
        parser.error(str(refusal))


def given_of(asked: argparse.Namespace) -> Given:
    if not asked.folder.is_dir():
        raise Refused(f"{asked.folder} is no folder")
    if not asked.key:
        raise Refused("give the key of the log with --key: those in the folder prove nothing about who signed")
    witnesses = [key_of(text, COSIGNATURE) for text in asked.witness]
    distinct = len({witness.public for witness in witnesses})
    quorum = distinct if asked.quorum is None else asked.quorum
    if distinct < len(witnesses) or (asked.quorum is not None and not 1 <= quorum <= distinct):
        raise Refused("a quorum is from 1 to the number of witnesses, whose keys differ")
    return Given(
        keys=[key_of(text) for text in asked.key],
        heads=[(path.name, kept_head(path)) for path in asked.head],
        receipts=[(path.name, *kept_receipt(path)) for path in asked.receipt],
        witnesses=witnesses,
        quorum=quorum,
    )


def kept_head(path: Path) -> Head:
    """The head in a file: the note itself, or JSON with `note`, as the service gives it."""
    try:
        text = decoded(whole(path))
        return head_of(typed(parsed(text), dict, "it").get("note") if text.startswith("{") else text)
    except Refused as refusal:
        raise Refused(f"{path}: {refusal}") from None


def kept_receipt(path: Path) -> tuple[str, Receipt]:
    """Id and receipt in a file: an answer, or other JSON with `decision_id` (or `act_id`) and `receipt`."""
    try:
        found = typed(parsed(decoded(whole(path))), dict, "it")
        return typed(found.get("decision_id", found.get("act_id")), str, "its id"), receipt_of(found.get("receipt"))
    except Refused as refusal:
        raise Refused(f"{path}: {refusal}") from None


def tell(report: Report) -> None:
    for kind, place, message in report.findings:
        print(f"{kind}: {place}: {message}")
    if report.further:
        print(f"and {report.further} more")
    print(", ".join(f"{what}: {count}" for what, count in report.counts.items()) or "nothing was read")
    total = report.kinds.total()
    print("all fits" if not total else "1 finding" if total == 1 else f"{total} findings")


def progress(folder: Path) -> Callable[[int], None]:
    """Shows at a terminal how far the walk has come."""
    if not sys.stderr.isatty():
        return lambda _: None
    try:
        size = parsed(decoded(whole(folder / "log.json")))["size"]
    except (Refused, LookupError, TypeError):
        size = "?"

    def step(place: int) -> None:
        if place % 1000 == 0 or place == size:
            sys.stderr.write(f"\r{place} of {shown(str(size))} records" + "\n" * (place == size))
            sys.stderr.flush()

    return step


if __name__ == "__main__":
    sys.exit(main())
