"""A client that costs little: one process, one thread, prepared bytes, and answers read by their announced length."""

import select
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from time import perf_counter, process_time

_END = b"\r\n\r\n"
_LENGTH = b"content-length: "
_PATIENCE = 30.0
Address = tuple[str, int]


def post(path: str, body: bytes, *headers: str, kind: str = "application/json") -> bytes:
    """A whole request."""
    lines = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", f"Content-Type: {kind}", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, *headers]).encode() + _END + body


@dataclass(slots=True)
class Load:
    """What a stretch of load gave.

    latencies: seconds, one for each answer.
    statuses: number of answers by status; 0 stands for a connection that broke.
    """

    seconds: float = 0.0
    processor: float = 0.0
    latencies: list[float] = field(default_factory=list)
    statuses: dict[int, int] = field(default_factory=dict)

    @property
    def rate(self) -> float:
        """Answers per second."""
        return len(self.latencies) / self.seconds if self.seconds else 0.0

    def quantile(self, share: float) -> float:
        """Milliseconds within which this share of the answers came."""
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] * 1000 if ordered else float("nan")

    def add(self, other: "Load") -> None:
        self.seconds += other.seconds
        self.processor += other.processor
        self.latencies += other.latencies
        for status, count in other.statuses.items():
            self.statuses[status] = self.statuses.get(status, 0) + count


class _Talk:
    """One kept-alive connection: a request, its answer, the next request."""

    __slots__ = ("begun", "data", "sent", "socket", "whole")

    def __init__(self, address: Address) -> None:
        self.socket = socket.create_connection(address, timeout=_PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.begun, self.whole, self.data = 0.0, 0, b""

    def ask(self, request: bytes) -> None:
        self.data, self.whole, self.begun = b"", 0, perf_counter()
        self.socket.sendall(request)

    def heard(self) -> bool:
        """Takes what has come; whether the answer is whole. Raises ConnectionError."""
        more = self.socket.recv(262_144)
        if not more:
            raise ConnectionError("closed")
        self.data = self.data + more if self.data else more
        if not self.whole:
            end = self.data.find(_END)
            if end < 0:
                return False
            head = self.data[: end + 2].lower()
            at = head.find(_LENGTH)
            if at < 0:
                raise ConnectionError("an answer without its length")
            self.whole = end + 4 + int(head[at + len(_LENGTH) : head.index(b"\r", at)])
        return len(self.data) >= self.whole


def load(
    address: Address,
    requests: Iterator[bytes],
    connections: int,
    seconds: float,
    seen: Callable[[bytes], None] | None = None,
) -> Load:
    """Keeps every connection busy with one request after the other for a time, and waits for the last answers.

    Args:
        seen: gets each whole answer; what it does counts as the client's work.
    """
    found, talks, poll = Load(), {}, select.epoll()
    for _ in range(connections):
        talk = _Talk(address)
        talks[talk.socket.fileno()] = talk
        poll.register(talk.socket.fileno(), select.EPOLLIN)
    start, spent = perf_counter(), process_time()
    until = start + seconds
    for talk in talks.values():
        talk.ask(next(requests))
    busy, last = len(talks), start
    while busy and last < until + _PATIENCE:
        for number, _ in poll.poll(1.0):
            talk = talks[number]
            try:
                if not talk.heard():
                    continue
            except OSError:
                _count(found, 0)
                poll.unregister(number)
                busy -= 1
                continue
            last = perf_counter()
            found.latencies.append(last - talk.begun)
            _count(found, int(talk.data[9:12]))
            if seen is not None:
                seen(talk.data)
            if last < until:
                talk.ask(next(requests))
            else:
                busy -= 1
        last = perf_counter()
    found.seconds, found.processor = last - start, process_time() - spent
    for talk in talks.values():
        talk.socket.close()
    poll.close()
    return found


def _count(found: Load, status: int) -> None:
    found.statuses[status] = found.statuses.get(status, 0) + 1
