"""A private folder that holds what earlier runs found out: small values by keys that say all they were made from.

It is only ever a shortcut. What is damaged, of another program or not surely ours is as if it were not there.
"""

import hashlib
import os
import stat
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson

_MOST_BYTES = 32 * 1024 * 1024
"""Of one program's entries; beyond it those not used for longest go."""
_MOST_PROGRAMS = 3
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


class Memory:
    """The entries of one program in a folder; without a folder, nothing.

    Args:
        program: the digest of all that makes entries besides their keys.
    """

    def __init__(self, folder: Path | None, program: str) -> None:
        self._file = folder / f"{program}.json" if folder is not None and _is_ours(folder) else None
        self._known: dict[str, Any] = {} if self._file is None else _read(self._file)
        self._is_new = False

    def get(self, key: str) -> Any:
        """What is kept under a key; None where nothing is."""
        found = self._known.pop(key, None)
        if found is not None:
            self._known[key] = found  # the last now, and so the last to go
        return found

    def keep(self, key: str, value: Any) -> None:
        """Keep a value that JSON holds; not null."""
        self._known.pop(key, None)
        self._known[key] = value
        self._is_new = True

    def save(self) -> None:
        """Write what is new. A folder that cannot be written to holds nothing the next time."""
        if self._file is None or not self._is_new:
            return
        with suppress(OSError):
            _write(self._file, self._known)
            _forget_others(self._file)


def folder_of(setting: str, environment: Mapping[str, str]) -> Path | None:
    """The folder that POLICY_CACHE names; null where nothing is remembered."""
    if setting == "off":
        return None
    if setting != "auto":
        return Path(setting)
    caches = environment.get("XDG_CACHE_HOME", "")
    home = environment.get("HOME", "")
    if caches.startswith("/"):
        return Path(caches, "policyctl")
    return Path(home, ".cache", "policyctl") if home.startswith("/") else None


def key(*parts: str) -> str:
    """A key of some texts; other texts, or the same ones cut otherwise, give another."""
    return hashlib.sha256(orjson.dumps(parts)).hexdigest()


def _is_ours(folder: Path) -> bool:
    """Whether nobody else can read or write in the folder, which is made where there is none."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = folder.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & _OTHERS


def _read(file: Path) -> dict[str, Any]:
    """The entries of a file that is ours and as it was written."""
    try:
        with open(os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as opened:
            found = os.fstat(opened.fileno())
            if not stat.S_ISREG(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & _OTHERS:
                return {}
            digest, _, body = opened.read(2 * _MOST_BYTES).partition(b"\n")
    except OSError:
        return {}
    if hashlib.sha256(body).hexdigest().encode() != digest:
        return {}
    known: dict[str, Any] = orjson.loads(body)
    return known


def _write(file: Path, known: dict[str, Any]) -> None:
    """Write all or nothing: a run that reads meanwhile sees the old entries or the new ones."""
    body = orjson.dumps(known)
    while len(body) > _MOST_BYTES:
        for one in list(known)[: max(1, len(known) // 4)]:
            del known[one]
        body = orjson.dumps(known)
    descriptor, name = tempfile.mkstemp(prefix=".new-", dir=file.parent)  # for its owner alone
    try:
        with open(descriptor, "wb") as opened:
            opened.write(hashlib.sha256(body).hexdigest().encode() + b"\n" + body)
        os.replace(name, file)
    except OSError:
        os.unlink(name)
        raise


def _forget_others(file: Path) -> None:
    """Delete what programs before the last few have left, and runs that were cut off while they wrote."""
    found = [one for one in file.parent.iterdir() if one.suffix == ".json" or one.name.startswith(".new-")]
    found.sort(key=lambda one: one.lstat().st_mtime, reverse=True)
    for one in found[_MOST_PROGRAMS:]:
        one.unlink(missing_ok=True)
