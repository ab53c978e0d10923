"""Exports of a whole log, made from docs/design/0011-nobody-forges.md with `cryptography` alone.

Nothing here is shared with the service, nor with the program that is tested: the tree is the definition of RFC 9162,
section 2.1.1, as it reads.
"""

import json
from base64 import b64encode
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

ORIGIN = "log.example/decisions"
DAY = "2026-03-01T"


def canonical(value: Any) -> str:
    """RFC 8785, for texts, whole numbers and keys of ASCII."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def base64(data: bytes) -> str:
    return b64encode(data).decode()


def leaf(body: str) -> bytes:
    return sha256(b"\0" + body.encode()).digest()


def root(leaves: Sequence[bytes]) -> bytes:
    """MTH over leaf hashes."""
    if len(leaves) < 2:
        return leaves[0] if leaves else sha256(b"").digest()
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return sha256(b"\1" + root(leaves[:k]) + root(leaves[k:])).digest()


def at(second: int) -> str:
    return f"{DAY}{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}.000Z"


def id_of(number: int) -> str:
    return f"01890a5d-ac96-774b-bcce-{number:012x}"


class Key:
    """A private key; `kind` 1 signs heads and receipts, 4 cosigns."""

    def __init__(self, seed: bytes, name: str = ORIGIN, kind: int = 1) -> None:
        self._private = Ed25519PrivateKey.from_private_bytes(seed * 32)
        self.name, self._kind = name, kind
        public = bytes([kind]) + self._private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.id = sha256(name.encode() + b"\n" + public).digest()[:4]
        self.label = f"{name}+{self.id.hex()}"
        self.text = f"{self.label}+{base64(public)}"

    def sign(self, data: str) -> bytes:
        return self._private.sign(data.encode())

    def line(self, text: str, second: int = 1_772_000_000) -> str:
        """A signature line of a note."""
        signature = self.sign(text)
        if self._kind == 4:
            signature = second.to_bytes(8, "big") + self.sign(f"cosignature/v1\ntime {second}\n{text}")
        return f"— {self.name} {base64(self.id + signature)}\n"


FIRST, SECOND, STRANGER = Key(b"1"), Key(b"2"), Key(b"9")
WITNESSES = [Key(bytes([letter]), f"witness.example/{letter:c}", 4) for letter in b"abc"]


@dataclass
class Record:
    kind: str
    id: str
    body: str
    receipt: dict[str, str] | None

    def line(self, index: int) -> str:
        parts = {"index": index, "kind": self.kind, "id": self.id, "body": self.body, "receipt": self.receipt}
        return json.dumps(parts, ensure_ascii=False) + "\n"


def receipt(key: Key, id_: str, time: str, body: str, origin: str = ORIGIN) -> dict[str, str]:
    digest = f"sha256:{leaf(body).hex()}"
    signature = key.sign(f"policy-service/receipt/v1\n{origin}\n{id_}\n{time}\n{digest}\n")
    return {"digest": digest, "decided_at": time, "key": key.label, "signature": base64(signature)}


def note(text: str, *keys: Key) -> str:
    return text + "\n" + "".join(key.line(text) for key in keys)


@dataclass
class Log:
    """A log that is being written. `second` is its clock, `key` the one that signs receipts, `keys` those of heads."""

    key: Key = FIRST
    keys: list[Key] = field(default_factory=lambda: [FIRST])
    told_keys: list[Key] = field(default_factory=lambda: [FIRST, SECOND])
    second: int = 0
    records: list[Record] = field(default_factory=list)
    heads: list[tuple[int, str]] = field(default_factory=list)
    bundles: list[dict[str, Any]] = field(default_factory=list)
    version: int = 0
    previous: str = ""

    @property
    def leaves(self) -> list[bytes]:
        return [leaf(record.body) for record in self.records]

    def add(self, kind: str, names: tuple[str, str], rest: dict[str, Any], *, is_signed: bool = True) -> str:
        """The id of a new record."""
        self.second += 1
        id_ = id_of(len(self.records))
        body = canonical({names[0]: id_, names[1]: at(self.second), **rest})
        signed = receipt(self.key, id_, at(self.second), body) if is_signed else None
        self.records.append(Record(kind, id_, body, signed))
        return id_

    def decide(self, bundle: str, *, is_signed: bool = True, **rest: Any) -> str:
        request = {"as_of": "2026-03-01", "facts": {"shop": {"名": "川\n流"}}, "purpose": "decide"}
        if "supersedes" in rest:
            request["supersedes"] = rest.pop("supersedes")
        whole = {"bundle": f"sha256:{bundle}", "request": request, "asked_by": "cli", "orders": self.version, **rest}
        return self.add("decision", ("decision_id", "decided_at"), whole, is_signed=is_signed)

    def decide_many(self, count: int, bundle: str) -> list[str]:
        return [self.decide(bundle) for _ in range(count)]

    def act(self, action: str, **rest: Any) -> str:
        whole = {"actor": "ann", "action": action, "target": "-", "reason": "T-1", "detail": {}, "service_version": "1"}
        return self.add("act", ("act_id", "at"), {**whole, **rest})

    def order(self, **parts: Any) -> str:
        self.version += 1
        id_ = self.act("order", order={"version": self.version, "previous": self.previous, **parts})
        self.previous = f"sha256:{leaf(self.records[-1].body).hex()}"
        return id_

    def bundle(self, hex_: str, label: str, files: dict[str, str]) -> dict[str, Any]:
        """What an order says of a bundle, whose texts go to the folder."""
        self.bundles.append({"id": f"sha256:{hex_}", "label": label, "files": files})
        digests = {path: f"sha256:{sha256(text.encode()).hexdigest()}" for path, text in files.items()}
        return {"id": f"sha256:{hex_}", "label": label, "files": digests}

    def head(self, second: int | None = None, after: int | None = None, *, is_extended: bool = True) -> None:
        size = len(self.records)
        before = (self.heads[-1][0] if self.heads else 0) if after is None else after
        more = f"time {at(self.second if second is None else second)}\nafter {before}\n" if is_extended else ""
        text = f"{ORIGIN}\n{size}\n{base64(root(self.leaves))}\n{more}"
        self.heads.append((size, note(text, *self.keys)))

    def cosign(self, *witnesses: Key) -> None:
        size, text = self.heads[-1]
        self.heads[-1] = size, text + "".join(one.line(text.rpartition("\n\n")[0] + "\n") for one in witnesses)

    def write(self, folder: Path, lines: int = 200) -> None:
        """Write the export; `lines` records a file."""
        told = {"format": 1, "origin": ORIGIN, "size": len(self.records), "keys": [key.text for key in self.told_keys]}
        put(folder / "log.json", json.dumps(told))
        put(folder / "heads.ndjson", "".join(json.dumps({"size": n, "note": text}) + "\n" for n, text in self.heads))
        for first in range(0, len(self.records), lines):
            some = enumerate(self.records[first : first + lines], first)
            put(folder / "records" / f"{first:012}.ndjson", "".join(one.line(index) for index, one in some))
        for path, hashes in tiles(self.leaves):
            put(folder / path, hashes)
        for one in self.bundles:
            put(folder / "bundles" / f"{one['id'][7:]}.json", json.dumps(one, ensure_ascii=False))


def put(path: Path, content: str | bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())


def tiles(leaves: Sequence[bytes]) -> Iterator[tuple[str, bytes]]:
    """C2SP tlog-tiles: MTH(D[(n * 256 + i) * 256**l : (n * 256 + i + 1) * 256**l]), for fewer than 256,000 tiles."""
    level, hashes = 0, list(leaves)
    while hashes:
        for number in range(-(-len(hashes) // 256)):
            some = hashes[number * 256 : number * 256 + 256]
            yield f"tile/{level}/{number:03}" + ("" if len(some) == 256 else f".p/{len(some)}"), b"".join(some)
        hashes = [root(hashes[n * 256 : n * 256 + 256]) for n in range(len(hashes) // 256)]
        level += 1


A, B = "a" * 64, "b" * 64
LEGACY = 4
"""Records from before the first order: three decisions and an erasure."""
MANY = 270
"""Decisions under the first bundle, so that there is a full tile."""

Step = Callable[[Log], object]


def example(after: str = "", change: Step = lambda _: None, many: int = MANY) -> Log:
    """A log with all that a log can have. `change` is called after the step of this name; the rest follows it."""
    log = Log()
    steps: list[tuple[str, Step]] = [
        ("before", _before),
        ("begin", _begin),
        ("bundle", _bundle),
        ("decisions", lambda log: _decisions(log, many)),
        ("rotation", _rotation),
        ("second bundle", _second_bundle),
        ("end", _end),
    ]
    for name, step in steps:
        step(log)
        if name == after:
            change(log)
    log.decide(B)
    log.head()
    log.cosign(*WITNESSES[:2])
    return log


def _before(log: Log) -> None:
    first = log.decide(A, is_signed=False)
    log.decide(A, is_signed=False)
    log.decide(A)
    log.add("erasure", ("erasure_id", "at"), {"records": [first], "subject": {"type": "member"}}, is_signed=False)
    log.head(is_extended=False)


def _begin(log: Log) -> None:
    log.order(begin={"origin": ORIGIN, "keys": [FIRST.text], "legacy": LEGACY})


def _bundle(log: Log) -> None:
    log.order(bundles=[log.bundle(A, "first", {"rules/a.yaml": "policy: a\n", "rules/川.yaml": "川流\n"})])
    log.order(activations=[{"bundle": f"sha256:{A}", "kind": "publish", "at": at(log.second)}])
    log.head()


def _decisions(log: Log, many: int) -> None:
    decided = log.decide_many(many, A)
    log.head()
    log.decide(A, supersedes=decided[0])
    log.act("decision.reveal")
    log.act("decision.erase", erasure={"subject": {"type": "member"}, "records": decided[1:3]})
    log.head()


def _rotation(log: Log) -> None:
    log.order(signing_keys={"add": [SECOND.text]})
    log.keys = [FIRST, SECOND]
    log.head()
    log.key = SECOND
    log.decide_many(8, A)
    log.order(signing_keys={"retire": [FIRST.text]})
    log.keys = [SECOND]
    log.head(second=log.second - 9)  # the time of the head before, as a host tells whose clock is behind


def _second_bundle(log: Log) -> None:
    log.order(
        bundles=[log.bundle(B, "second", {"rules/a.yaml": "policy: b\n"})],
        activations=[{"bundle": f"sha256:{B}", "kind": "publish", "at": at(log.second)}],
        shadows=[{"action": "end", "bundle": None}],
    )
    log.decide_many(20, B)
    log.head()
    log.order(adopted={"size": log.heads[-1][0], "root": base64(root(log.leaves)), "version": log.version, "lost": {}})


def _end(log: Log) -> None:
    log.version += 1
    log.decide(B)  # it knows of an order that is sealed after it
    log.version -= 1
    log.order(stops=[{"action": "stop", "policy": "a.b"}])
    log.decide_many(3, B)
