"""A folder of heads, one file for each size, that this service only adds to.

Whoever is to be kept from changing them must be kept by the file system or the object store: a file is created where
there is none, and written once. An object store with a lock on its objects is such a folder once it is mounted.
"""

import os
import re
from contextlib import suppress
from pathlib import Path

from policy_service.decisions.ports.witnesses import Unreachable

_NAME = re.compile(r"([0-9]{20})\.txt")
_LARGEST = 65_536


class Folder:
    """The files `<size, 20 digits>.txt` of a folder, which must be there."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def largest(self) -> tuple[int, str] | None:
        try:
            with os.scandir(self._path) as entries:
                name = max((one.name for one in entries if _NAME.fullmatch(one.name)), default=None)
            return None if name is None else (int(name[:20]), self._read(name))
        except OSError as error:
            raise Unreachable(f"{error.strerror}: {error.filename}") from error

    def put(self, size: int, note: str) -> str | None:
        name = f"{size:020d}.txt"
        try:
            try:
                self._write(name, note.encode())
            except FileExistsError:
                return self._read(name)
        except OSError as error:
            raise Unreachable(f"{error.strerror}: {error.filename or name}") from error
        return None

    def _write(self, name: str, data: bytes) -> None:
        """Not by way of another name: a mounted object store cannot rename."""
        with os.fdopen(os.open(self._path / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o444), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        folder = os.open(self._path, os.O_RDONLY)
        with suppress(OSError):  # not every mounted store can do it
            os.fsync(folder)
        os.close(folder)

    def _read(self, name: str) -> str:
        with (self._path / name).open("rb") as file:
            return file.read(_LARGEST).decode("utf-8", "replace")
