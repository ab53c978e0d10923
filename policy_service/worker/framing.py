"""How much of a request has arrived. gunicorn's parser reads each head, once; the bytes after it are counted here."""

import re
from collections.abc import Callable
from typing import Any

from gunicorn.config import Config
from gunicorn.http import Request
from gunicorn.http.body import ChunkedReader
from gunicorn.http.errors import LimitRequestHeaders, NoMoreData, ParseException
from gunicorn.http.unreader import Unreader

MOST_HEAD = 65_536
"""Bytes of a head."""
_AT_ONCE = 1_048_576
_SIZE = re.compile(rb"([0-9a-fA-F]{1,8})(?:[ \t]*;[^\r\n]*)?")


class Source(Unreader):
    """What gunicorn's parser reads: the bytes that are there, then those that `more` waits for."""

    more: Callable[[int], bytes] | None = None

    def chunk(self, size_hint: int | None = None) -> bytes:
        # the hint is what a client says, of any size
        return b"" if self.more is None else self.more(min(max(size_hint or 0, 8192), _AT_ONCE))


class Incoming:
    """A request on its way.

    Args:
        most: bytes of a body to wait for; a request with a larger one is ready as soon as that is known.
        streamed: paths whose bodies in chunks are read as they come: the request is ready with its head.
    Attributes:
        data: what came of the head, then what came after it.
        request: as gunicorn's parser read it, as soon as its head is there.
        whole: nothing of it is missing.
    """

    def __init__(self, cfg: Config, address: Any, most: int, streamed: tuple[str, ...] = ()) -> None:
        self._cfg, self._address, self._most, self._streamed = cfg, address, most, streamed
        self.data, self.source = bytearray(), Source()
        self.request: Any = None
        self.whole = self.expects = False
        """The client sends the body only when it is told to go on."""
        self._end: int | None = None  # of the body
        self._at = 0  # of the next chunk's size

    def take(self, data: bytes) -> bool:
        """Whether the request is ready to be answered, now that more of it came.

        Raises:
            ParseException: it is no HTTP.
        """
        self.data += data
        if self.request is None and not self._headed():
            return False
        is_broken = self._end is None and not self._count_chunks()
        self.whole = self._end is not None and len(self.data) >= self._end
        is_large = max(len(self.data), self._end or 0) > self._most
        return self.whole or is_broken or is_large or (self._end is None and self.request.path in self._streamed)

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
        """Find the end of the body, if it is there. False where a chunk is broken: that is the parser's to say."""
        while (line_end := self.data.find(b"\r\n", self._at)) >= 0:
            size = _SIZE.fullmatch(self.data, self._at, line_end)
            if size is None:
                return False
            if int(size[1], 16) == 0:
                end = self.data.find(b"\r\n\r\n", line_end) + 4  # of the trailers
                self._end = end if end >= 4 else None
                return True
            after = line_end + 2 + int(size[1], 16) + 2
            if len(self.data) < after:
                return True
            self._at = after
        return len(self.data) - self._at <= MOST_HEAD
