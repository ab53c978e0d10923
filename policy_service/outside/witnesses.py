"""Witnesses over HTTP, by C2SP tlog-witness.

What a witness answers is believed only as far as its signature goes: in its place may be anybody, so an answer is
bounded in bytes and time, and a redirect is not followed. `http.client` is used as it is, since with what stands above
it nobody can end an answer whose headers trickle; nor are proxies that the environment names used.

Source: https://c2sp.org/tlog-witness, "add-checkpoint".
"""

import re
import socket
from collections.abc import Sequence
from contextlib import closing, suppress
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from threading import Event, Timer
from urllib.parse import urlsplit

from policy_service.decisions.ports.witnesses import Unreachable, WitnessAnswer
from policy_service.proofs.cosignatures import WitnessKey
from policy_service.proofs.keys import KeyRefused, base64

MOST_WITNESSES = 16
_MOST_BYTES = 16_384
_STALLED_SECONDS, _WHOLE_SECONDS = 3.0, 5.0
_SIZE = re.compile(rb"(0|[1-9][0-9]{0,18})\n")
_NAMED = re.compile(r"([^=]*\+[0-9a-f]{8}\+[A-Za-z0-9+/]{44})=(.+)")
"""A key, which ends without `=`, and the address behind it."""
_BUSY = (408, 425, 429)


class WitnessRefused(ValueError):
    """A witness is named wrongly; the message says how."""


class HttpWitness:
    """A witness at an address.

    Args:
        url: its submission prefix, `https://witness.example/w1`.
    Raises:
        WitnessRefused: that is no address.
    """

    def __init__(self, key: WitnessKey, url: str) -> None:
        try:
            parts = urlsplit(url)
            fits = parts.scheme in ("http", "https") and bool(parts.hostname) and not (parts.query or parts.fragment)
            _ = parts.port
        except ValueError:
            fits = False
        if not fits or not url.isascii() or not url.isprintable() or "@" in url:
            raise WitnessRefused(f"the address of `{key.name}` is not https://host/path or http://host/path")
        self.key, self.url = key, url.rstrip("/") + "/add-checkpoint"

    def add_checkpoint(self, old: int, proof: Sequence[bytes], note: str) -> WitnessAnswer:
        hashes = "".join(f"{base64(one)}\n" for one in proof)
        status, body = self._post(f"old {old}\n{hashes}\n{note}".encode())
        match status:
            case 200:
                return WitnessAnswer("cosigned", lines=_lines(body))
            case 409 if (size := _SIZE.fullmatch(body)) is not None:
                return WitnessAnswer("other_size", size=int(size[1]))
            case 422:
                return WitnessAnswer("inconsistent")
            case busy if busy >= 500 or busy in _BUSY:
                raise Unreachable(f"it answers {busy}")
        return WitnessAnswer("refused", reason=f"it answers {status}")

    def _post(self, data: bytes) -> tuple[int, bytes]:
        """Status and body of the answer. Raises Unreachable."""
        headers = {"Content-Type": "text/plain; charset=utf-8", "User-Agent": "policy-service"}
        try:
            with closing(self._connected()) as connection:
                late = Event()
                cut = Timer(_WHOLE_SECONDS, _cut, [connection.sock, late])
                cut.daemon = True
                cut.start()
                try:
                    connection.request("POST", urlsplit(self.url).path, data, headers)
                    response = connection.getresponse()
                    found = response.status, _bounded(response)
                finally:
                    cut.cancel()
                if late.is_set():
                    raise TimeoutError("the answer takes too long")
                return found
        except (OSError, HTTPException, ValueError) as error:
            raise Unreachable(f"{type(error).__name__}: {error}") from error

    def _connected(self) -> HTTPConnection:
        parts = urlsplit(self.url)
        kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        connection = kind(parts.hostname or "", parts.port, timeout=_STALLED_SECONDS)
        connection.connect()
        return connection


def _cut(connection: socket.socket, late: Event) -> None:
    """End a connection in whatever the other thread does with it."""
    late.set()
    with suppress(OSError):
        socket.socket.shutdown(connection, socket.SHUT_RDWR)


def _bounded(response: HTTPResponse) -> bytes:
    found = b""
    while piece := response.read1(_MOST_BYTES + 1 - len(found)):
        found += piece
        if len(found) > _MOST_BYTES:
            raise ValueError("the answer is too long")
    return found


def _lines(body: bytes) -> tuple[str, ...]:
    try:
        return tuple(body.decode().splitlines(keepends=True))
    except UnicodeDecodeError:
        return ()


def witnesses_of(text: str) -> tuple[HttpWitness, ...]:
    """The witnesses of a setting, `<verifier key>=<url>`, separated by blanks.

    Raises:
        WitnessRefused: one is named wrongly or twice, or there are too many.
    """
    found = tuple(_witness(one) for one in text.split())
    if len({one.key.name for one in found}) != len(found):
        raise WitnessRefused("a witness is named twice")
    if len(found) > MOST_WITNESSES:
        raise WitnessRefused(f"there are more than {MOST_WITNESSES} witnesses")
    return found


def _witness(text: str) -> HttpWitness:
    parts = _NAMED.fullmatch(text)
    if parts is None:
        raise WitnessRefused(f"a witness is `<verifier key>=<url>`, not `{text[:100]}`")
    try:
        return HttpWitness(WitnessKey.parse(parts[1]), parts[2])
    except KeyRefused as error:
        raise WitnessRefused(f"`{parts[1]}`: {error}") from error
