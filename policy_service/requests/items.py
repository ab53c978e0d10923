"""The items of a batch's body, each as its bytes, in chunks: elements of a JSON array, or lines as they arrive."""

import json
import re
import time
from collections.abc import Callable, Iterator
from tempfile import SpooledTemporaryFile
from typing import NoReturn

from flask import Request
from werkzeug.exceptions import ClientDisconnected

from policy_service.api import body, problems
from policy_service.api.problems import Refused
from policy_service.diagnostics import fault
from policy_service.diagnostics.catalogue import MALFORMED, TOO_DEEP, TOO_LARGE, TOO_MANY

CHUNK_ITEMS = 100
"""Most items of one durable commit."""
LINGER_SECONDS = 0.05
"""How long the first item of a chunk waits for others."""
_PIECE = 65_536
_IN_MEMORY = 1_048_576
_SPACE = re.compile(r"[ \t\n\r]*")
# Where an element ends is all that is asked here: numbers stay text, so that none is too long to be one.
_WALK = json.JSONDecoder(parse_float=str, parse_int=str, parse_constant=str)


# ---- a JSON array


def of_array(request: Request, most_bytes: int, most_items: int) -> Iterator[list[bytes]]:
    """Chunks of the elements of a body that is an array.

    All of it is read, and seen to be an array, before the first chunk is given.

    Raises:
        Refused: 400 or 413, by the call itself.
    """
    try:
        text = body.whole(request, most_bytes).decode()
    except UnicodeDecodeError as error:
        _malformed(f"the body is not UTF-8: byte {error.start}")
    places = _places(text, most_items)
    return ([text[start:end].encode() for start, end in chunk] for chunk in _chunks(places))


def _chunks(places: list[tuple[int, int]]) -> Iterator[list[tuple[int, int]]]:
    return (places[at : at + CHUNK_ITEMS] for at in range(0, len(places), CHUNK_ITEMS))


def _places(text: str, most: int) -> list[tuple[int, int]]:
    """Where each element of an array begins and ends."""
    at = _past_space(text, 0)
    if text[at : at + 1] != "[":
        _malformed("the body is not a JSON array")
    found: list[tuple[int, int]] = []
    at = _past_space(text, at + 1)
    closed = text[at : at + 1] == "]"
    while not closed:
        if len(found) == most:
            raise too_many(most)
        end = _end(text, at)
        found.append((at, end))
        at = _past_space(text, end)
        closed = text[at : at + 1] == "]"
        if not closed:
            if text[at : at + 1] != ",":
                _malformed(f"the body is not JSON: a comma or `]` is missing behind item {len(found) - 1}")
            at = _past_space(text, at + 1)
    if _past_space(text, at + 1) != len(text):
        _malformed("the body is not JSON: something follows the array")
    return found


def _end(text: str, at: int) -> int:
    try:
        return _WALK.raw_decode(text, at)[1]
    except json.JSONDecodeError as error:
        _malformed(f"the body is not JSON: line {error.lineno}, column {error.colno}")
    except RecursionError:
        message = "an item is nested far too deeply"
        raise Refused(problems.MALFORMED, message, [fault("", TOO_DEEP, message)]) from None


def _past_space(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found is not None else at


def _malformed(message: str) -> NoReturn:
    raise Refused(problems.MALFORMED, message, [fault("", MALFORMED, message)]) from None


def too_many(most: int) -> Refused:
    message = f"more than {most} items"
    return Refused(problems.TOO_MANY_ITEMS, message, [fault("", TOO_MANY, message)])


# ---- lines


class Lines:
    """The lines of a body, blank ones left out; of memory it takes a line and a piece.

    A body of announced length is taken in whole, on the disk if it is long, before the first line is given: its
    sender may write all of it before reading a single answer. One that comes in chunks is read as it comes, so its
    sender must read while writing.

    Raises:
        Refused: 400 or 413, for what can be told before the first line.
    """

    def __init__(self, request: Request, most_bytes: int, most_line: int) -> None:
        self._most_line, self._most_bytes = most_line, most_bytes
        self._ready: Callable[[float], bool] = _always
        self._read: Callable[[], bytes]
        self._ended = False
        self._rest = b""
        self._whole: list[bytes] = []
        self.close: Callable[[], None] = lambda: None
        if request.content_length is not None:
            spool = _spooled(request, most_bytes)
            self._read, self.close = (lambda: spool.read(_PIECE)), spool.close
            return
        source = request.environ["wsgi.input"]
        self._read = getattr(source, "piece", lambda: source.read(_PIECE))
        self._ready = getattr(source, "ready", _always)

    def chunks(self, most_items: int) -> Iterator[list[bytes]]:
        """The lines, as many together as come close together.

        Raises:
            Refused: 413 for the line or the size that goes too far, when all before were given.
            OSError: the sender has gone; a line that it has not ended is not given.
        """
        given = 0
        while True:
            chunk, beyond = self._chunk(min(CHUNK_ITEMS, most_items - given))
            if chunk:
                yield chunk
                given += len(chunk)
            if beyond is not None:
                raise beyond
            if not chunk:
                return
            if given == most_items:
                if self._chunk(1) != ([], None):
                    raise too_many(most_items)
                return

    def _chunk(self, most: int) -> tuple[list[bytes], Refused | None]:
        """The next lines, none at the end of the body; and what ends the body before its end."""
        lines: list[bytes] = []
        until = float("inf")
        try:
            while len(lines) < most:
                if self._whole:
                    line = self._whole.pop().strip(b" \t\r")
                    if line:
                        lines.append(line)
                        until = min(until, time.monotonic() + LINGER_SECONDS)
                elif self._ended or (lines and not self._ready(until - time.monotonic())):
                    break
                else:
                    self._take()
        except Refused as beyond:
            return lines, beyond
        return lines, None

    def _take(self) -> None:
        """Reads a piece, and parts it into lines."""
        piece = self._read()
        self._most_bytes -= len(piece)
        if self._most_bytes < 0:
            message = "the batch is larger than allowed"
            raise Refused(problems.BODY_TOO_LARGE, message, [fault("", TOO_LARGE, message)])
        *ended, self._rest = (self._rest + piece).split(b"\n") if piece else (self._rest, b"")
        self._ended = not piece
        self._whole = ended[::-1]
        if len(self._rest) > self._most_line:
            # What comes before the line that is too long is still given.
            self._whole.insert(0, self._rest)
            self._rest, self._ended = b"", True


def _always(_seconds: float) -> bool:
    return True


def _spooled(request: Request, most: int) -> SpooledTemporaryFile[bytes]:
    """A body, taken in as a whole; on the disk if it is long."""
    announced = request.content_length or 0
    if announced > most:
        message = f"the body is larger than {most} bytes"
        raise Refused(problems.BODY_TOO_LARGE, message, [fault("", TOO_LARGE, message)])
    request.max_content_length = most
    spool: SpooledTemporaryFile[bytes] = SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115  its reader closes it
    taken = 0
    try:
        while piece := request.stream.read(_PIECE):
            spool.write(piece)
            taken += len(piece)
    except ClientDisconnected:
        taken = -1
    if taken != announced:
        spool.close()
        raise Refused(problems.BAD_REQUEST, "the body ends before its announced length")
    spool.seek(0)
    return spool
