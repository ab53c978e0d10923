"""How much of a request has arrived. gunicorn's parser reads each head, once; the bytes after it are counted here."""

import re
from collections.abc import Callable, Mapping
from enum import Enum, auto
from types import MappingProxyType
from typing import Any

from gunicorn.config import Config
from gunicorn.http import Request
from gunicorn.http.body import ChunkedReader
from gunicorn.http.errors import LimitRequestHeaders, NoMoreData, ParseException
from gunicorn.http.unreader import Unreader

MOST_HEAD = 65_536
"""Bytes of a head."""
_AT_ONCE = 1_048_576
_SIZE = re.compile(rb"([0-9a-fA-F]{1,16})(?:[ \t]*;[^\r\n]*)?")
"""Of a chunk. With more digits, leading zeros, it counts as broken."""
NONE_LARGER: Mapping[str, int] = MappingProxyType({})


class Arrival(Enum):
    """How far a request has arrived."""

    PART = auto()
    """More of it is to be collected."""
    WHOLE = auto()
    BROKEN = auto()
    """The rest means nothing. What is wrong is the parser's to say, from what is there."""
    TOO_LARGE = auto()
    """Nobody will read its body."""
    COMING = auto()
    """A body that is read as it comes, by a thread that waits for it."""


class Source(Unreader):
    """What gunicorn's parser reads: the bytes that are there, then those that `more` waits for."""

    more: Callable[[int], bytes] | None = None

    def chunk(self, size_hint: int | None = None) -> bytes:
        # the hint is what a client says, of any size
        return b"" if self.more is None else self.more(min(max(size_hint or 0, 8192), _AT_ONCE))


class Incoming:
    """A request on its way.

    Args:
        most: bytes of a body to collect, and of the largest where `larger` does not say.
        larger: bytes of the largest body by path.
        streamed: paths whose bodies in chunks are read as they come, from their head on.
    Attributes:
        data: what came of the head, then what came after it.
        request: as gunicorn's parser read it, as soon as its head is there.
        whole: nothing of it is missing.
    """

    def __init__(
        self,
        cfg: Config,
        address: Any,
        most: int,
        streamed: tuple[str, ...] = (),
        larger: Mapping[str, int] = NONE_LARGER,
    ) -> None:
        self._cfg, self._address, self._most, self._streamed, self._larger = cfg, address, most, streamed, larger
        self.data, self.source = bytearray(), Source()
        self.request: Any = None
        self.whole = self.expects = False
        """The client sends the body only when it is told to go on."""
        self._end: int | None = None  # of the body
        self._at = 0  # of the next chunk's size
        self._passed = self._announced = 0  # bytes of the body in the chunks before it, and with it

    def take(self, data: bytes) -> Arrival:
        """How far the request has arrived, now that more of it came.

        Raises:
            ParseException: it is no HTTP.
        """
        self.data += data
        if self.request is None and not self._headed():
            return Arrival.PART
        if self._end is None:
            return self._chunks()
        self.whole = len(self.data) >= self._end
        if self._end > self._largest:
            return Arrival.TOO_LARGE
        if self.whole:
            return Arrival.WHOLE
        return Arrival.COMING if self._end > self._most else Arrival.PART

    @property
    def _largest(self) -> int:
        return max(self._most, self._larger.get(self.request.path, 0))

    def _chunks(self) -> Arrival:
        """How far a body in chunks has arrived."""
        if not self._count_chunks():
            return Arrival.BROKEN
        if self._end is not None:
            self.whole = True
            return Arrival.WHOLE
        if self.request.path in self._streamed:
            return Arrival.COMING
        if self._announced > self._largest:
            return Arrival.TOO_LARGE
        # In tiny chunks a body takes a multiple of its size, of which twice the size is collected.
        is_long = max(self._announced, len(self.data) // 2) > self._most
        return Arrival.COMING if is_long else Arrival.PART

    @property
    def begun(self) -> bool:
        return bool(self.data) or self.request is not None

    def release(self) -> bytes:
        """Give the parser the body, or what came of it; what came after the request."""
        end = self._end if self.whole else len(self.data)
        self.source.unread(bytes(self.data[:end]))
        return bytes(self.data[end:])

    def is_read(self) -> bool:
        """Whether the body was read to its end, so that the next request can follow. Nothing is awaited."""
        body = self.request.body
        if not isinstance(body.reader, ChunkedReader):
            return self.whole or body.reader.length == 0
        try:
            while self.whole and body.read(MOST_HEAD):
                pass  # what the application did not read
        except (ParseException, OSError):
            return False
        return body.reader.parser is None

    def _headed(self) -> bool:
        """Whether the head has arrived; if so, it is parsed."""
        end = self.data.find(b"\r\n\r\n") + 4
        if end < 4:
            if len(self.data) <= MOST_HEAD and not self._is_no_http():
                return False
            end = len(self.data)  # what is wrong is the parser's to say
        self.source.unread(bytes(self.data[:end]))
        try:
            self.request = Request(self._cfg, self.source, self._address)
        except NoMoreData:
            raise LimitRequestHeaders("the head has no end") from None
        del self.data[:end]
        self.expects = self.request.version >= (1, 1) and any(name == "EXPECT" for name, _ in self.request.headers)
        self._end = getattr(self.request.body.reader, "length", None)
        return True

    def _is_no_http(self) -> bool:
        """Whether the first line ends without a carriage return."""
        end = self.data.find(b"\n")
        return end == 0 or (end > 0 and self.data[end - 1] != 0x0D)

    def _count_chunks(self) -> bool:
        """Find the end of the body, if it is there. False where a chunk is broken."""
        while (line_end := self.data.find(b"\r\n", self._at)) >= 0:
            found = _SIZE.fullmatch(self.data, self._at, line_end)
            if found is None:
                return False
            size = int(found[1], 16)
            if size == 0:
                return self._find_end(line_end)
            self._announced = self._passed + size
            after = line_end + 2 + size + 2
            if len(self.data) < after:
                return True
            self._at, self._passed = after, self._announced
        return len(self.data) - self._at <= MOST_HEAD

    def _find_end(self, last: int) -> bool:
        """Find the end of the trailers behind the last chunk's size. False where they are too long."""
        end = self.data.find(b"\r\n\r\n", last) + 4
        if end >= 4:
            self._end = end
        return end >= 4 or len(self.data) - last <= MOST_HEAD
