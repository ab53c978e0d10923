"""Manipulations of an export by somebody who has no key: what was done, the finding due, how it is done."""

import json
from shutil import rmtree
from typing import Any

from tests.tools.verifylog.fabricate import FIRST, ORIGIN, SECOND, STRANGER, A, B, Key, at, canonical, id_of, receipt
from tests.tools.verifylog.folder import (
    Change,
    Folder,
    Lines,
    added,
    altered,
    bytes_of,
    closed,
    flipped,
    head,
    heads,
    line,
    lines,
    object_in,
    receipt_of,
    removed,
    text,
    told,
)

BEGIN, ADD, SIZE = 4, 280, 318
"""Places of the first order and of the one that adds the second key; and the size of the log."""
ONE = "records/000000000000.ndjson"
TWO = "records/000000000200.ndjson"
AT_20 = f"line: {ONE}:21"
TILE, LAST_TILE, UPPER = "tile/0/000", "tile/0/001.p/62", "tile/1/000.p/1"
FIRST_BUNDLE = f"bundles/{A}.json"
BUNDLE = f"bundle: {FIRST_BUNDLE}"


def swapped(one: int, other: int, *names: str, fit: bool = False) -> Change:
    """Parts of two records."""

    def swap(found: Lines) -> None:
        for name in names:
            found[one][name], found[other][name] = found[other][name], found[one][name]

    return lines(swap, fit=fit)


def copied(found: Lines, **parts: Any) -> dict[str, Any]:
    """A record's decision again, under another id."""
    body = json.loads(found[20]["body"]) | {"decision_id": id_of(999)}
    return {**found[20], "id": id_of(999), "body": canonical(body), **parts}


def signed_by(index: int, key: Key, origin: str = ORIGIN) -> Change:
    """Another receipt of a record."""

    def sign(found: Lines) -> None:
        one = found[index]
        one["receipt"] = receipt(key, one["id"], one["receipt"]["decided_at"], one["body"], origin)

    return lines(sign)


def resigned(number: int, *keys: Key) -> Change:
    """Other signatures under a head."""

    def sign(note: str) -> str:
        body = note.rpartition("\n\n")[0] + "\n"
        return body + "\n" + "".join(key.line(body) for key in keys)

    return head(number, sign)


def other_root(note: str) -> str:
    root = note.split("\n")[2]
    return note.replace(root, flipped(root))


def fewer_before(found: Lines) -> None:
    found[BEGIN]["body"] = found[BEGIN]["body"].replace('"legacy":4', '"legacy":5')


def renamed(folder: Folder) -> None:
    (folder.path / ONE).rename(folder.path / "records/000000000100.ndjson")


RECORDS: list[tuple[str, str, Change]] = [
    ("a value", "receipt: record 20", lines(lambda n: altered(n[20]))),
    ("a value, tiles as they were", f"tile: {TILE}", lines(lambda n: altered(n[20]))),
    ("a value in the last tile", f"tile: {LAST_TILE}", lines(lambda n: altered(n[300]))),
    ("a value, and the tiles fit", "root: heads.ndjson:3", lines(lambda n: altered(n[20]), fit=True)),
    ("a value from before", "root: heads.ndjson:1", lines(lambda n: altered(n[1]), fit=True)),
    ("two bodies swapped", "id: record 21", swapped(20, 21, "body")),
    ("two records swapped", "root: heads.ndjson:3", swapped(20, 21, "id", "body", "receipt", fit=True)),
    ("two lines swapped", f"index: {ONE}:22", swapped(20, 21, "index", "id", "body", "receipt")),
    ("a record deleted", "index: record 20", lines(lambda n: n.pop(20))),
    ("a record deleted, the gap closed", "root: heads.ndjson:3", closed(lambda n: n.pop(20))),
    ("the first record deleted", "root: heads.ndjson:1", closed(lambda n: n.pop(0))),
    ("the last records deleted", "head: heads.ndjson:8", closed(lambda n: [n.pop() for _ in range(3)])),
    ("a line twice", f"index: {ONE}:22", lines(lambda n: n.insert(20, n[20]))),
    ("a record again", f"id: record {SIZE}", closed(lambda n: n.append(dict(n[20])))),
    ("a record more, no receipt", f"receipt: record {SIZE}", closed(lambda n: n.append(copied(n, receipt=None)))),
    ("a record more, another's receipt", f"receipt: record {SIZE}", closed(lambda n: n.append(copied(n)))),
    ("a record more, under no head", f"head: record {SIZE}", closed(lambda n: n.append(copied(n)))),
    ("a record inserted", "receipt: record 20", closed(lambda n: n.insert(20, copied(n)))),
    ("one inserted as from before", "root: heads.ndjson:1", closed(lambda n: n.insert(2, copied(n, receipt=None)))),
    ("all records deleted", "log: log.json", lambda folder: rmtree(folder.path / "records")),
]

RECEIPTS: list[tuple[str, str, Change]] = [
    ("removed", "receipt: record 20", line(20, receipt=None)),
    ("swapped", "receipt: record 21", swapped(20, 21, "receipt")),
    ("no object", "receipt: record 20", line(20, receipt="yes")),
    ("with a part more", "receipt: record 20", receipt_of(20, more="x")),
    ("another signature", "receipt: record 20", receipt_of(20, signature="AAAA")),
    ("another time", "receipt: record 20", receipt_of(20, decided_at=at(0))),
    ("another key's name", "receipt: record 20", receipt_of(20, key=SECOND.label)),
    ("a stranger's", "receipt: record 20", signed_by(20, STRANGER)),
    ("of another log", "receipt: record 20", signed_by(20, FIRST, "other")),
    ("of a newline in the origin", "receipt: record 20", receipt_of(20, decided_at="2026\n")),
    ("by a key before it was added", "receipt: record 20", signed_by(20, SECOND)),
    ("by a key after it was retired", "receipt: record 300", signed_by(300, FIRST)),
    ("by the key that it adds", f"receipt: record {ADD}", signed_by(ADD, SECOND)),
    ("of more records from before", f"receipt: record {BEGIN}", lines(fewer_before, fit=True)),
    ("a stranger's, from before", "receipt: record 2", signed_by(2, STRANGER)),
]

LINES: list[tuple[str, str, Change]] = [
    ("no JSON", AT_20, text(20, lambda _: "{")),
    ("empty", AT_20, text(20, lambda _: "")),
    ("no object", AT_20, text(20, lambda _: "[1]")),
    ("nested deeply", AT_20, text(20, lambda _: "[" * 100_000)),
    ("a key twice", AT_20, text(20, lambda one: one.replace('"kind"', '"index": 20, "kind"'))),
    ("half of a pair", AT_20, text(20, lambda one: one.replace("cli", "\\ud800"))),
    ("not UTF-8", f"line: {ONE}:1", bytes_of(ONE, lambda data: data.replace("川".encode(), b"\xff", 1))),
    ("a last line cut", f"line: {TWO}:118", bytes_of(TWO, lambda data: data[:-40])),
    ("an index that is a text", AT_20, line(20, index="20")),
    ("an index beyond all bounds", AT_20, line(20, index=10**15)),
    ("a number of a thousand digits", AT_20, text(20, lambda one: one.replace(" 20,", f" {'9' * 1000},"))),
    ("not a number", AT_20, text(20, lambda one: one.replace(" 20,", " NaN,"))),
    ("an index that jumps", "index: record 20", line(20, index=10**9)),
    ("an index that jumps, roots", f"root: record {SIZE}", line(SIZE - 1, index=10**9)),
    ("a part missing", AT_20, lines(lambda n: n[20].pop("receipt"))),
    ("another kind", "id: record 20", line(20, kind="act")),
    ("an unknown kind", AT_20, line(20, kind="note")),
    ("another id", "id: record 20", line(20, id=id_of(998))),
    ("an id that is none", "id: record 20", line(20, id="20")),
    ("a body that is no text", AT_20, line(20, body={})),
    ("a body that is no object", "record: record 20", line(20, body="1")),
    ("a body that is no JSON", "canonical: record 20", line(20, body="{")),
    ("a body nested deeply", "canonical: record 20", line(20, body="[" * 100_000)),
]

FILES: list[tuple[str, str, Change]] = [
    ("a file of records renamed", "file: records/000000000100.ndjson:1", renamed),
    ("a file of records missing", "index: record 0", removed(ONE)),
    ("a file more", "file: records/more.txt", added("records/more.txt", "x")),
    ("log.json missing", "log: log.json", removed("log.json")),
    ("log.json no object", "log: log.json", added("log.json", "1")),
    ("log.json of another format", "log: log.json", told(format=2)),
    ("log.json of another origin", "log: log.json", told(origin="x")),
    ("log.json of another size", "log: log.json", told(size=SIZE - 1)),
    ("log.json with a stranger's key", "log: log.json", told(keys=[STRANGER.text])),
    ("log.json with no key", "log: log.json", told(keys=["x"])),
]

TILES: list[tuple[str, str, Change]] = [
    ("a bit", f"tile: {TILE}", bytes_of(TILE, lambda data: data[:-1] + bytes([data[-1] ^ 1]))),
    ("a full one missing", f"tile: {TILE}", removed(TILE)),
    ("the last one missing", f"tile: {LAST_TILE}", removed(LAST_TILE)),
    ("the last one too short", f"tile: {LAST_TILE}", bytes_of(LAST_TILE, lambda data: data[:-32])),
    ("an upper one", f"tile: {UPPER}", added(UPPER, bytes(32))),
    ("one too many", "tile: tile/0/002", added("tile/0/002", bytes(32))),
    ("a level too many", "tile: tile/2/000.p/1", added("tile/2/000.p/1", bytes(32))),
    ("wider than the log", "tile: tile/0/001.p/63", added("tile/0/001.p/63", bytes(63 * 32))),
    ("no tile", "tile: tile/0/0", added("tile/0/0", bytes(32))),
    ("an earlier one that differs", "tile: tile/0/000.p/2", added("tile/0/000.p/2", bytes(64))),
]

HEADS: list[tuple[str, str, Change]] = [
    ("another root", "signature: heads.ndjson:8", head(7, other_root)),
    ("another root, in the tree", "root: heads.ndjson:8", head(7, other_root)),
    ("another time", "signature: heads.ndjson:8", head(7, lambda note: note.replace("time 2026", "time 2027"))),
    ("one between removed", "head: heads.ndjson:3", heads(lambda n: n.pop(2))),
    ("the newest removed", "head: record 311", heads(lambda n: n.pop())),
    ("all removed", "head: heads.ndjson", heads(lambda n: n.clear())),
    ("the file removed", "file: heads.ndjson", removed("heads.ndjson")),
    ("two swapped", "head: heads.ndjson:4", heads(lambda n: n.insert(2, n.pop(3)))),
    ("one twice", "head: heads.ndjson:4", heads(lambda n: n.insert(2, n[2]))),
    ("no note", "line: heads.ndjson:3", head(2, lambda _: "x")),
    ("no text", "line: heads.ndjson:3", heads(lambda n: n[2].update(note=1))),
    ("a size that its line does not say", "line: heads.ndjson:3", heads(lambda n: n[2].update(size=1))),
    ("a signature line that is none", "line: heads.ndjson:3", head(2, lambda note: note.replace("— ", "- "))),
    ("an empty line in it", "line: heads.ndjson:3", head(2, lambda note: "\n" + note)),
    ("a line more in it", "line: heads.ndjson:3", head(2, lambda note: note.replace("\n\n", "\nmore\n\n"))),
    ("a time that is none", "line: heads.ndjson:3", head(2, lambda note: note.replace("-03-01T", "-02-30T"))),
    ("signed by nobody known", "signature: heads.ndjson:8", resigned(7, STRANGER)),
    ("signed before the key was added", "signature: heads.ndjson:3", resigned(2, SECOND)),
    ("signed after the key was retired", "signature: heads.ndjson:8", resigned(7, FIRST)),
    ("signed by nobody known, from before", "signature: heads.ndjson:1", resigned(0, STRANGER)),
]

BUNDLES: list[tuple[str, str, Change]] = [
    ("a text", BUNDLE, object_in(FIRST_BUNDLE, lambda one: one["files"].update({"rules/a.yaml": "x"}))),
    ("a file more", BUNDLE, object_in(FIRST_BUNDLE, lambda one: one["files"].update(x="x"))),
    ("a file less", BUNDLE, object_in(FIRST_BUNDLE, lambda one: one["files"].popitem())),
    ("the label", BUNDLE, object_in(FIRST_BUNDLE, lambda one: one.update(label="x"))),
    ("the id", BUNDLE, object_in(FIRST_BUNDLE, lambda one: one.update(id=f"sha256:{B}"))),
    ("one missing", BUNDLE, removed(FIRST_BUNDLE)),
    ("no JSON", BUNDLE, added(FIRST_BUNDLE, "{")),
    ("one more", "bundle: bundles/more.json", added("bundles/more.json", "{}")),
]

TABLES = {
    "records": RECORDS,
    "receipts": RECEIPTS,
    "lines": LINES,
    "files": FILES,
    "tiles": TILES,
    "heads": HEADS,
    "bundles": BUNDLES,
}
