"""An export as whoever holds the folder, and no key, can change it."""

import json
from base64 import b64decode
from collections.abc import Callable
from pathlib import Path
from shutil import rmtree
from typing import Any

from tests.tools.verifylog.fabricate import base64, leaf, put, tiles

Lines = list[dict[str, Any]]
Change = Callable[["Folder"], object]
"""A manipulation: it changes the folder."""


class Folder:
    """The files of an export."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def lines(self) -> Lines:
        """All records."""
        files = sorted((self.path / "records").iterdir())
        return [json.loads(line) for file in files for line in file.read_text("utf-8").splitlines()]

    def write(self, lines: Lines) -> None:
        self.write_texts([json.dumps(line, ensure_ascii=False) for line in lines])

    def write_texts(self, texts: list[str]) -> None:
        rmtree(self.path / "records")
        for first in range(0, len(texts), 200):
            some = "".join(f"{text}\n" for text in texts[first : first + 200])
            put(self.path / "records" / f"{first:012}.ndjson", some)

    def fit_tiles(self) -> None:
        """Make the tiles those that the records give."""
        rmtree(self.path / "tile")
        for path, hashes in tiles([leaf(line["body"]) for line in self.lines]):
            put(self.path / path, hashes)

    def json(self, name: str, change: Callable[[Any], object]) -> None:
        """Change the object in a file in its place."""
        found = json.loads((self.path / name).read_text("utf-8"))
        change(found)
        put(self.path / name, json.dumps(found))

    def remove(self, name: str) -> None:
        (self.path / name).unlink()


def lines(change: Callable[[Lines], object], *, fit: bool = False) -> Change:
    """The list of records; with `fit` the tiles follow."""

    def changed(folder: Folder) -> None:
        found = folder.lines
        change(found)
        folder.write(found)
        if fit:
            folder.fit_tiles()

    return changed


def line(index: int, /, **parts: Any) -> Change:
    """Parts of the line of a record."""
    return lines(lambda found: found[index].update(parts))


def receipt_of(index: int, /, **parts: Any) -> Change:
    return lines(lambda found: found[index]["receipt"].update(parts))


def closed(change: Callable[[Lines], object]) -> Change:
    """The list of records, which are then numbered again; tiles and log.json follow."""

    def changed(folder: Folder) -> None:
        found = folder.lines
        change(found)
        folder.write([{**one, "index": index} for index, one in enumerate(found)])
        folder.fit_tiles()
        folder.json("log.json", lambda told: told.update(size=len(found)))

    return changed


def text(index: int, change: Callable[[str], str]) -> Change:
    """The line of a record as a text."""

    def changed(folder: Folder) -> None:
        texts = [json.dumps(one, ensure_ascii=False) for one in folder.lines]
        texts[index] = change(texts[index])
        folder.write_texts(texts)

    return changed


def heads(change: Callable[[Lines], object]) -> Change:
    """The list of heads."""

    def changed(folder: Folder) -> None:
        found = [json.loads(one) for one in (folder.path / "heads.ndjson").read_text("utf-8").splitlines()]
        change(found)
        put(folder.path / "heads.ndjson", "".join(json.dumps(head) + "\n" for head in found))

    return changed


def head(number: int, change: Callable[[str], str]) -> Change:
    """The note of a head."""
    return heads(lambda found: found[number].update(note=change(found[number]["note"])))


def told(**parts: Any) -> Change:
    """What log.json tells."""
    return lambda folder: folder.json("log.json", lambda found: found.update(parts))


def object_in(name: str, change: Callable[[Any], object]) -> Change:
    return lambda folder: folder.json(name, change)


def bytes_of(name: str, change: Callable[[bytes], bytes]) -> Change:
    return lambda folder: put(folder.path / name, change((folder.path / name).read_bytes()))


def removed(name: str) -> Change:
    return lambda folder: folder.remove(name)


def added(name: str, content: str | bytes) -> Change:
    return lambda folder: put(folder.path / name, content)


def altered(one: dict[str, Any]) -> None:
    """Another day in a record."""
    assert '"as_of":"2026-03-01"' in one["body"]
    one["body"] = one["body"].replace('"as_of":"2026-03-01"', '"as_of":"2026-03-02"')


def flipped(text: str) -> str:
    """Base64 of the bytes with a bit of the last one turned."""
    data = b64decode(text)
    return base64(data[:-1] + bytes([data[-1] ^ 1]))
