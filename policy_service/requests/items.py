"""The items of a batch, each as its bytes, in chunks: the elements of a JSON array, or lines as they arrive."""

import json
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NoReturn

from policy_service.diagnostics.catalogue import MALFORMED, TOO_DEEP, TOO_LARGE, TOO_MANY
from policy_service.problems import kinds
from policy_service.problems.refused import Refused, one_fault

CHUNK_ITEMS = 100
"""Most items of one durable commit."""
LINGER_SECONDS = 0.05
"""How long the first item of a chunk waits for others."""
PIECE = 65_536
_SPACE = re.compile(r"[ \t\n\r]*")
# Where an element ends is all that is asked here: numbers stay text, so that none is too long to be one.
_WALK = json.JSONDecoder(parse_float=str, parse_int=str, parse_constant=str)


# ---- a JSON array


def of_array(data: bytes, most_items: int) -> Iterator[list[bytes]]:
    """Chunks of the elements of a body that is an array.

    The whole body is checked to be an array before the first chunk is given.

    Raises:
        Refused: 400 or 413, by the call itself.
    """
    try:
        text = data.decode()
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
        raise one_fault(kinds.MALFORMED, "", TOO_DEEP, "an item is nested far too deeply") from None


def _past_space(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found is not None else at


def _malformed(message: str) -> NoReturn:
    raise one_fault(kinds.MALFORMED, "", MALFORMED, message) from None


def too_many(most: int) -> Refused:
    return one_fault(kinds.TOO_MANY_ITEMS, "", TOO_MANY, f"more than {most} items")


# ---- lines


def always(_seconds: float) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Source:
    """Where the bytes of a body come from.

    read: the next piece, of at most PIECE bytes; empty at the end.
    is_ready: whether there is a piece, or the end, within some seconds.
    close: frees what the body was kept in.
    """

    read: Callable[[], bytes]
    is_ready: Callable[[float], bool] = always
    close: Callable[[], None] = lambda: None


class Lines:
    """The lines of a body without the blank ones; holds one line and one piece in memory."""

    def __init__(self, source: Source, most_bytes: int, most_line: int) -> None:
        self._source, self._most_line, self._most_bytes = source, most_line, most_bytes
        self._ended = False
        self._rest = b""
        self._whole: list[bytes] = []

    def chunks(self, most_items: int) -> Iterator[list[bytes]]:
        """The lines in chunks; those that arrive close together share a chunk.

        Raises:
            Refused: 413 for a line or a body that is too large, after all lines before it were given.
            OSError: the sender is gone; a line that it did not finish is not given.
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
        """The next lines, none at the end of the body; and the refusal that stops the reading, if any."""
        lines: list[bytes] = []
        until = float("inf")
        try:
            while len(lines) < most:
                if self._whole:
                    line = self._whole.pop().strip(b" \t\r")
                    if line:
                        lines.append(line)
                        until = min(until, time.monotonic() + LINGER_SECONDS)
                elif self._ended or (lines and not self._source.is_ready(until - time.monotonic())):
                    break
                else:
                    self._take()
        except Refused as beyond:
            return lines, beyond
        return lines, None

    def _take(self) -> None:
        """Reads a piece and splits it into lines."""
        piece = self._source.read()
        self._most_bytes -= len(piece)
        if self._most_bytes < 0:
            raise one_fault(kinds.BODY_TOO_LARGE, "", TOO_LARGE, "the batch is larger than allowed")
        *ended, self._rest = (self._rest + piece).split(b"\n") if piece else (self._rest, b"")
        self._ended = not piece
        self._whole = ended[::-1]
        if len(self._rest) > self._most_line:
            # What comes before the line that is too long is still given.
            self._whole.insert(0, self._rest)
            self._rest, self._ended = b"", True
