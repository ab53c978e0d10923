"""How much of a request is there: enough of HTTP/1.1 to know its end. What it means is gunicorn's parser's to say.

Where the bytes are no HTTP the request counts as whole, so that the parser refuses it at once.
"""

import re

MOST_HEAD = 65_536
"""Bytes of a head without an end, after which the parser is to refuse it."""
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*([0-9]{1,18})[ \t]*\r\n", re.IGNORECASE)
_FRAMED = re.compile(rb"\r\n(?:content-length|transfer-encoding)[ \t]*:", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding:", re.IGNORECASE)
_CONTINUE = re.compile(rb"\r\nexpect:[ \t]*100-continue[ \t]*\r\n", re.IGNORECASE)
_SIZE = re.compile(rb"([0-9a-fA-F]{1,8})[ \t]*(?:;[^\r\n]*)?")


class Incoming:
    """A request on its way.

    Args:
        most: bytes of a body to wait for; a larger one is handed over as soon as that is known.
        streamed: beginnings of request lines whose bodies in chunks are handed over as they come.
    Attributes:
        data: what came so far.
        whole: nothing of the request is missing.
    """

    __slots__ = ("_at", "_end", "_most", "_streamed", "data", "expects", "whole")

    def __init__(self, most: int, streamed: tuple[bytes, ...] = ()) -> None:
        self.data = bytearray()
        self.whole = False
        self.expects = False
        """The client sends the body only when it is told to go on."""
        self._most, self._streamed = most, streamed
        self._end: int | None = None  # of the request
        self._at: int | None = None  # of the next chunk's size

    def take(self, data: bytes) -> bool:
        """Whether the request can be handed over, now that more of it came."""
        self.data += data
        if self._end is None and self._at is None and not self._headed():
            return len(self.data) > MOST_HEAD or self._is_no_http()
        return self._ready()

    def _headed(self) -> bool:
        """Whether the head is whole; then it says where the request ends."""
        head_end = self.data.find(b"\r\n\r\n") + 4
        if head_end < 4:
            return False
        head = bytes(self.data[:head_end])
        if _FRAMED.search(head) is None:
            self._end = head_end
            return True
        self.expects = _CONTINUE.search(head) is not None
        length = _LENGTH.search(head)
        if _CHUNKED.search(head) is not None:
            self._at = head_end
        else:
            self._end = head_end + (int(length[1]) if length else 0)  # one that is no number is refused when parsed
        return True

    def _ready(self) -> bool:
        if self._end is not None:
            self.whole = len(self.data) >= self._end
            return self.whole or self._end > self._most + MOST_HEAD
        return self.data.startswith(self._streamed) or len(self.data) > self._most or self._last_chunk()

    def _last_chunk(self) -> bool:
        """Whether the body's last chunk and its trailers are there, or a chunk is broken."""
        while self._at is not None:
            line_end = self.data.find(b"\r\n", self._at)
            if line_end < 0:
                return len(self.data) - self._at > MOST_HEAD
            size = _SIZE.fullmatch(self.data, self._at, line_end)
            if size is None:
                return True
            if int(size[1], 16) == 0:
                trailers = self.data.startswith(b"\r\n", line_end + 2) or self.data.find(b"\r\n\r\n", line_end) >= 0
                self.whole = trailers
                return trailers
            after = line_end + 2 + int(size[1], 16) + 2
            if len(self.data) < after:
                return False
            self._at = after
        return True

    def _is_no_http(self) -> bool:
        """Whether a line ends without a carriage return, which the parser refuses."""
        end = self.data.find(b"\n")
        return end == 0 or (end > 0 and self.data[end - 1] != 0x0D)
