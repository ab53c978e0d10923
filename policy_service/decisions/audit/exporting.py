"""The whole log in a folder, which tools/verify_log.py verifies without this package and its store.

Form: docs/design/0011-nobody-forges.md, "Export of the whole log".
"""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from policy_service.decisions.audit.heads import all_heads
from policy_service.decisions.ports.activations import BundleStore
from policy_service.decisions.ports.cosignatures import CosignatureStore
from policy_service.decisions.ports.log import LogEntry, LogStore, Record, SignedHead
from policy_service.decisions.ports.records import NotFound
from policy_service.decisions.sealed.signing import LogKeys
from policy_service.proofs.cosignatures import joined
from policy_service.proofs.notes import NoteRefused
from policy_service.proofs.tiles import HEIGHT, WIDTH

FORMAT = 1
_AT_ONCE = 1000
_BUNDLE = re.compile("sha256:[0-9a-f]{64}")
_ERASURE = b'"erasure_id":'
"""In an erasure of a version that kept no acts; it has no receipt, and no body of an act has this."""
_IN_A_FILE = 10_000


class ExportBlocked(Exception):
    """The folder cannot be written, or has files in it; the message says which."""


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written: the log up to its last head."""

    size: int
    heads: int
    bundles: int


class LogExport:
    """Writes one folder. Each file is written once, so that it may lie where nothing is ever overwritten."""

    def __init__(
        self, log: LogStore, bundles: BundleStore, cosignatures: CosignatureStore, keys: LogKeys, folder: Path
    ) -> None:
        self._log, self._bundles, self._cosignatures = log, bundles, cosignatures
        self._keys, self._folder = keys, folder

    def write(self, step: Callable[[int], None] = lambda _: None) -> Exported:
        """Write the log as it is at its last head. Values behind commitments, terms and idempotency keys stay out.

        Args:
            step: called after each record, with the number of records written.
        Raises:
            NotFound: nothing is sealed.
            ExportBlocked, StoreUnavailable.
        """
        head = self._log.head()
        if head is None:
            raise NotFound("nothing is sealed yet")
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            if any(self._folder.iterdir()):
                raise ExportBlocked(f"`{self._folder}` is not empty")
            heads = self._write_heads(head.size)
            self._write_records(head.size, step)
            self._write_tiles(head.size)
            bundles = self._write_bundles()
            keys = [verifier.text for verifier in self._keys.verifiers]
            about = {"format": FORMAT, "origin": self._keys.origin, "size": head.size, "keys": keys}
            self._put("log.json", _line(about))  # last: a folder without it was not finished
        except OSError as error:
            raise ExportBlocked(f"`{self._folder}` cannot be written: {error.strerror}") from error
        return Exported(head.size, heads, bundles)

    def _write_heads(self, size: int) -> int:
        lines = []
        for head in all_heads(self._log, 0):
            if head.size <= size:
                lines.append(_line({"size": head.size, "note": self._note(head)}))
        self._put("heads.ndjson", b"".join(lines))
        return len(lines)

    def _note(self, head: SignedHead) -> str:
        """With the cosignatures that there are; what somebody put in its place, as it is: who verifies finds it."""
        try:
            return joined(head.note, [one.line for one in self._cosignatures.of_head(head.size)])
        except NoteRefused:
            return str(head.note)

    def _write_records(self, size: int, step: Callable[[int], None]) -> None:
        for first in range(0, size, _IN_A_FILE):
            path = self._folder / "records" / f"{first:012}.ndjson"
            path.parent.mkdir(exist_ok=True)
            with path.open("xb") as file:
                for entry, record in self._records(first, min(size, first + _IN_A_FILE)):
                    file.write(_record_line(entry, record))
                    step(entry.index + 1)

    def _records(self, first: int, end: int) -> Iterator[tuple[LogEntry, Record | None]]:
        while first < end:
            some = [entry for entry in self._log.entries(first, min(_AT_ONCE, end - first)) if entry.index < end]
            if not some:
                return  # whoever verifies the folder finds the gap
            records = self._log.records(some)
            for entry in some:
                yield entry, records.get(entry.id)
            first = some[-1].index + 1

    def _write_tiles(self, size: int) -> None:
        level = 0
        while size >> HEIGHT * level:
            full, width = divmod(size >> HEIGHT * level, WIDTH)
            for number in range(full):
                self._put(_tile_path(level, number, WIDTH), self._hashes(level, number))
            if width:
                hashes = self._hashes(level, full)
                self._put(_tile_path(level, full, width), hashes[: width * 32])
            level += 1

    def _hashes(self, level: int, number: int) -> bytes:
        """Of a tile; SQLite lets somebody put a text there."""
        found = self._log.tile(level, number)
        return found if isinstance(found, bytes) else b""

    def _write_bundles(self) -> int:
        entries = [entry for entry in self._bundles.bundles() if _BUNDLE.fullmatch(entry.id)]
        for entry in entries:  # under another id there is none: it would be a path to anywhere
            found = {"id": entry.id, "label": entry.label, "files": self._bundles.sources(entry.id) or {}}
            self._put(f"bundles/{entry.id.removeprefix('sha256:')}.json", _line(found))
        return len(entries)

    def _put(self, name: str, data: bytes) -> None:
        path = self._folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as file:
            file.write(data)


def _record_line(entry: LogEntry, record: Record | None) -> bytes:
    found: dict[str, Any] = {"index": entry.index, "kind": entry.kind, "id": entry.id, "body": None, "receipt": None}
    if record is not None:
        found["body"] = record.body.decode("utf-8", "backslashreplace")
        found["receipt"] = _receipt(record.receipt)
        if entry.kind == "act" and record.receipt is None and record.body.find(_ERASURE) >= 0:
            found["kind"] = "erasure"
    return _line(found)


def _receipt(text: str | None) -> Any:
    """A receipt as JSON; what somebody put in its place, as the text that it is: who verifies finds it."""
    try:
        return None if text is None else json.loads(text)
    except (ValueError, RecursionError, TypeError):
        return str(text)


def _line(value: Any) -> bytes:
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, default=repr)  # of bytes where a text is due
    return text.encode("utf-8", "backslashreplace") + b"\n"  # half of a pair becomes the escape of it


def _tile_path(level: int, number: int, width: int) -> str:
    """C2SP tlog-tiles: groups of three digits, all but the last with an `x` before them."""
    groups = [f"{number % 1000:03}"]
    while number := number // 1000:
        groups.insert(0, f"x{number % 1000:03}")
    return f"tile/{level}/{'/'.join(groups)}" + ("" if width == WIDTH else f".p/{width}")
