"""Requests over connections that are kept: one a thread, so that no two threads share one."""

import ssl
import threading
from collections.abc import Generator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from urllib.parse import urlsplit

from policy_client.errors import Unreachable
from policy_client.retrying import Patience

_CHUNK = 65536
Parts = Generator[bytes, None, None]


@dataclass(frozen=True, slots=True)
class Response:
    """A whole answer; the names of headers in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class _Kept:
    """A connection that is closed when it is given up, or its thread ends."""

    def __init__(self, connection: HTTPConnection) -> None:
        self.connection = connection

    def __del__(self) -> None:
        with suppress(OSError):
            self.connection.close()


class Transport:
    """Connections to one service.

    Args:
        url: `http://host:port` or `https://…`, with a path in front of `/v1` if there is one.
        key: an API key or token; null: none is sent.
    Raises:
        ValueError: for another URL.
    """

    def __init__(self, url: str, key: str | None, tls: ssl.SSLContext | None = None) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
            raise ValueError(f"`{url}` is no http or https URL of a service")
        if parts.username is not None:
            raise ValueError("the URL must hold no password")
        self._host, self._port, self._prefix = parts.hostname, parts.port, parts.path.rstrip("/")
        self._tls = (tls or ssl.create_default_context()) if parts.scheme == "https" else None
        self._headers = {"Accept": "application/json"} | ({} if key is None else {"Authorization": f"Bearer {key}"})
        self._kept = threading.local()

    def ask(self, method: str, path: str, patience: Patience, body: bytes | None = None, **headers: str) -> Response:
        """The whole answer. Raises Unreachable; then the request may have been carried out."""
        status, known, parts = self.stream(method, path, patience, body, **headers)
        return Response(status, known, b"".join(parts))

    def stream(
        self, method: str, path: str, patience: Patience, body: bytes | None = None, **headers: str
    ) -> tuple[int, Mapping[str, str], Parts]:
        """Status, headers, and the body in parts as it comes. Raises Unreachable, also while the parts are read."""
        sent = self._headers | {name.replace("_", "-"): value for name, value in headers.items()}
        connection = self._connection(patience)
        try:
            connection.request(method, self._prefix + path, body, sent)
            response = connection.getresponse()
        except (OSError, HTTPException) as error:
            self.close()
            raise Unreachable(f"{method} {path}: {_words(error)}") from error
        known = {name.lower(): value for name, value in response.getheaders()}
        return response.status, known, self._parts(connection, response, patience)

    def close(self) -> None:
        """Close this thread's connection; the next request opens another."""
        self._kept.value = None

    def _connection(self, patience: Patience) -> HTTPConnection:
        kept: _Kept | None = getattr(self._kept, "value", None)
        if kept is None:
            if self._tls is not None:
                kept = _Kept(HTTPSConnection(self._host, self._port, context=self._tls))
            else:
                kept = _Kept(HTTPConnection(self._host, self._port))
            self._kept.value = kept
        found = kept.connection
        found.timeout = patience.left()
        if found.sock is not None:
            found.sock.settimeout(found.timeout)
        return found

    def _parts(self, connection: HTTPConnection, response: HTTPResponse, patience: Patience) -> Parts:
        """The body. A connection whose answer was not read to its end is of no further use."""
        whole = False
        try:
            while True:
                if connection.sock is not None:  # None: the answer ends with the connection, and holds its socket
                    connection.sock.settimeout(patience.left())
                part = response.read1(_CHUNK)
                if not part:
                    break
                yield part
            whole = not response.length  # what is left of an announced length
            if not whole:
                raise Unreachable("the answer ended too soon")
            response.close()  # read1 leaves it open where the last part was the whole rest
        except (OSError, HTTPException) as error:
            raise Unreachable(f"the answer broke off: {_words(error)}") from error
        finally:
            if not whole:
                self.close()


def _words(error: Exception) -> str:
    return str(error) or type(error).__name__
