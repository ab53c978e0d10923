"""A rules folder as one zip, and back: in memory, every entry checked before its text is used."""

import stat
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from io import BytesIO

_FIXED = (1980, 1, 1, 0, 0, 0)
_PLAIN_FILE = (stat.S_IFREG | 0o644) << 16
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_CHUNK = 65536
_LONGEST_PATH = 200
_BROKEN = (
    zipfile.BadZipFile, zlib.error, struct.error, EOFError, NotImplementedError, RuntimeError, ValueError, OSError,
    OverflowError, LookupError,
)  # fmt: skip
"""What zipfile raises on bytes that are no sound zip."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a packed folder may hold.

    unpacked: bytes of all files together, counted while they are read.
    """

    files: int = 2000
    unpacked: int = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a file; `path` is null where it is the whole."""

    path: str | None
    message: str
    hint: str | None = None


class NotUnpacked(Exception):
    """What was given is no rules folder; with every fault."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("; ".join(f"{f.path or 'the whole'}: {f.message}" for f in self.faults))


def pack(sources: Mapping[str, str]) -> bytes:
    """A zip of rule files: the same bytes for the same files."""
    out = BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for path in sorted(sources):
            entry = zipfile.ZipInfo(path, _FIXED)
            entry.external_attr, entry.create_system = _PLAIN_FILE, 3
            archive.writestr(entry, sources[path].encode(), zipfile.ZIP_DEFLATED, 9)
    return out.getvalue()


def unpack(data: bytes, limits: Limits) -> dict[str, str]:
    """Text of each rule file of a zip by its path, sorted; a folder that holds all the others is left out.

    Raises:
        NotUnpacked: with every fault.
    """
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            return _unpacked(archive, limits)
    except _BROKEN:
        raise NotUnpacked([Fault(None, "it is not a zip that can be read")]) from None


def accepted(files: Mapping[str, str], limits: Limits) -> dict[str, str]:
    """Rule files by path, sorted, checked as those of a zip are.

    Raises:
        NotUnpacked: with every fault.
    """
    _refuse_many(len(files), limits)
    faults = list(path_faults(files))
    if sum(len(text.encode("utf-8", "surrogatepass")) for text in files.values()) > limits.unpacked:
        faults.append(_too_large(limits))
    if faults:
        raise NotUnpacked(faults)
    return {path: files[path] for path in sorted(files)}


def path_faults(paths: Iterable[str]) -> Iterator[Fault]:
    """What is wrong with paths; of two that some file system would hold for one, the second is at fault."""
    seen: dict[str, str] = {}
    for path in paths:
        message = _path_fault(path)
        if message is None and not path.endswith(".yaml"):
            yield Fault(path, "only .yaml files belong to a bundle", "leave it out")
        elif message is not None:
            yield Fault(path, message, "a path inside the rules folder: `family/policy.yaml`")
        folded = unicodedata.normalize("NFC", path).casefold()
        if folded in seen:
            yield Fault(path, "the file stands twice" if seen[folded] == path else "its path differs in case only")
        seen.setdefault(folded, path)


def _path_fault(path: str) -> str | None:
    steps = path.split("/")
    if len(path.encode("utf-8", "surrogatepass")) > _LONGEST_PATH:
        return f"its path is longer than {_LONGEST_PATH} bytes"
    if not path.isprintable() or "\\" in path or ":" in path:
        return "its path holds a sign that none may hold"
    if path.startswith("/"):
        return "its path is absolute"
    if any(step in ("", ".", "..") for step in steps):
        return "its path has an empty step, `.` or `..`"
    return None


def _refuse_many(count: int, limits: Limits) -> None:
    if count > limits.files:
        raise NotUnpacked([Fault(None, f"more than {limits.files} files")])


def _too_large(limits: Limits) -> Fault:
    return Fault(None, f"the files have more than {limits.unpacked} bytes together")


def _unpacked(archive: zipfile.ZipFile, limits: Limits) -> dict[str, str]:
    entries = archive.infolist()
    _refuse_many(len(entries), limits)
    faults = [Fault(e.orig_filename, message) for e in entries if (message := _entry_fault(e)) is not None]
    files = [entry for entry in entries if not entry.is_dir()]
    faults += path_faults(entry.orig_filename for entry in files)
    faults += [
        Fault(entry.orig_filename, message, "a path inside the rules folder")
        for entry in entries
        if entry.is_dir() and (message := _path_fault(entry.orig_filename.removesuffix("/"))) is not None
    ]
    if faults:
        raise NotUnpacked(faults)
    left = limits.unpacked
    found: dict[str, str] = {}
    for entry in files:
        data = _read(archive, entry, left)
        if len(data) > left:
            raise NotUnpacked([_too_large(limits)])
        left -= len(data)
        try:
            found[entry.orig_filename] = data.decode("utf-8")
        except UnicodeDecodeError as error:
            faults.append(Fault(entry.orig_filename, f"the file is not UTF-8: byte {error.start}"))
    if faults:
        raise NotUnpacked(faults)
    return _inside(found)


def _entry_fault(entry: zipfile.ZipInfo) -> str | None:
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if entry.flag_bits & 0x1:
        return "it is encrypted"
    if kind not in (0, stat.S_IFDIR if entry.is_dir() else stat.S_IFREG):
        return "it is not a plain file"
    if entry.compress_type not in _METHODS:
        return "only stored and deflated files are read"
    if entry.orig_filename != entry.filename:
        return "it has two names"
    return None


def _read(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, most: int) -> bytes:
    """The bytes of an entry, at most one more than allowed: its declared size is not trusted."""
    parts, left = [], most + 1
    with archive.open(entry) as file:
        while left > 0 and (part := file.read(min(_CHUNK, left))):
            parts.append(part)
            left -= len(part)
    return b"".join(parts)


def _inside(files: Mapping[str, str]) -> dict[str, str]:
    """Files without the folder that all of them lie in: zips of `rules/` have it."""
    tops = {path.partition("/")[0] for path in files}
    if len(tops) == 1 and all("/" in path for path in files):
        files = {path.partition("/")[2]: text for path, text in files.items()}
    return {path: files[path] for path in sorted(files)}
