"""The signing keys of an OpenID Connect issuer: found by its discovery document, at an address, or in a file."""

import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Any, NoReturn
from urllib.error import URLError
from urllib.parse import unquote, urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

ALGORITHMS = ("RS256", "ES256", "EdDSA")
"""Asymmetric ones only: a key that is published proves nothing about who made a keyed hash."""
_WELL_KNOWN = "/.well-known/openid-configuration"
_MOST_BYTES, _MOST_KEYS, _LEAST_RSA_BITS = 256 * 1024, 100, 2048
_STALLED_SECONDS, _WHOLE_SECONDS = 3.0, 5.0
_PAUSE_SECONDS, _PAUSE_FAILED_SECONDS = 60.0, 5.0
"""Between two readings: after one that went well, and after one that failed."""
_FRESH_SECONDS, _KEPT_SECONDS = 600.0, 3600.0
"""Age from which keys are read again, and the age at which they end if they cannot be."""
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_NEVER = float("-inf")


class IssuerUnavailable(Exception):
    """The keys of the issuer cannot be read now; the message is for the service's log."""


def fault_of_address(url: str) -> str | None:
    """Why keys cannot be trusted from there; null where they can."""
    parts = urlsplit(url)
    if parts.scheme == "https" or (parts.scheme == "file" and parts.path and not parts.netloc):
        return None
    if parts.scheme == "http" and parts.hostname in _LOOPBACK:
        return None
    return f"`{url}` is neither https://, nor file:///, nor http:// on this machine"


@dataclass(frozen=True, slots=True)
class _Read:
    keys: Mapping[str, jwt.PyJWK]
    read_at: float = _NEVER
    next_at: float = _NEVER


class SigningKeys:
    """The keys by their ids, read when they are needed.

    Args:
        issuer: its URL, from which its discovery document is found.
        jwks_url: of the key set itself, also as file:///; empty where it is to be discovered.
        elapsed: a monotonic clock in seconds.
    """

    def __init__(self, issuer: str, jwks_url: str, elapsed: Callable[[], float] = time.monotonic) -> None:
        self._issuer, self._jwks_url, self._elapsed = issuer, jwks_url, elapsed
        self._read = _Read({})
        self._lock = threading.Lock()

    def key(self, id: str) -> jwt.PyJWK | None:
        """The key with this id; null for an unknown one. An unknown id has the keys read again, once a minute.

        Raises:
            IssuerUnavailable: no keys are known that are young enough.
        """
        read = self._read
        elapsed = self._elapsed()
        if (id not in read.keys or elapsed - read.read_at > _FRESH_SECONDS) and elapsed >= read.next_at:
            read = self._again()
        if elapsed - read.read_at > _KEPT_SECONDS:
            raise IssuerUnavailable("the keys of the issuer are not known")
        return read.keys.get(id)

    def _again(self) -> _Read:
        """The keys, read again by one thread; meanwhile the others use those known before, if there are any."""
        if not self._lock.acquire(blocking=not self._read.keys):
            return self._read
        try:
            kept = self._read
            if self._elapsed() < kept.next_at:
                return kept  # another thread was faster
            try:
                keys = _keys(self._key_set())
            except IssuerUnavailable:
                self._read = _Read(kept.keys, kept.read_at, self._elapsed() + _PAUSE_FAILED_SECONDS)
                if not kept.keys:
                    raise
            else:
                read_at = self._elapsed()
                self._read = _Read(keys, read_at, read_at + _PAUSE_SECONDS)
            return self._read
        finally:
            self._lock.release()

    def _key_set(self) -> Any:
        if self._jwks_url:
            return _document(self._jwks_url)
        found = _document(self._issuer.removesuffix("/") + _WELL_KNOWN)
        if not isinstance(found, dict) or found.get("issuer") != self._issuer:
            raise IssuerUnavailable("the discovery document is of another issuer")
        url = found.get("jwks_uri")
        if not isinstance(url, str) or urlsplit(url).scheme == "file" or fault_of_address(url) is not None:
            raise IssuerUnavailable("the discovery document names no key set that can be read safely")
        return _document(url)


# ---- documents, which may be anything


class _NoRedirects(HTTPRedirectHandler):
    def redirect_request(self, *_: Any, **__: Any) -> None:
        """Follow no redirect: only the configured address is asked."""


_OPENER = build_opener(_NoRedirects)


def _document(url: str) -> Any:
    try:
        data = _of_file(url) if urlsplit(url).scheme == "file" else _of_network(url)
        return json.loads(data)
    except (OSError, HTTPException, ValueError, RecursionError) as error:
        raise IssuerUnavailable(f"{url}: {error}") from error


def _of_file(url: str) -> bytes:
    with Path(unquote(urlsplit(url).path)).open("rb") as file:
        return _bounded(file.read(_MOST_BYTES + 1))


def _of_network(url: str) -> bytes:
    """The body, within a bound of bytes and of time as a whole."""
    end = time.monotonic() + _WHOLE_SECONDS
    request = Request(url, headers={"Accept": "application/json"})  # noqa: S310  checked by fault_of_address
    found = b""
    with _OPENER.open(request, timeout=_STALLED_SECONDS) as response:
        while piece := response.read1(_MOST_BYTES + 1 - len(found)):
            found += piece
            if time.monotonic() > end:
                raise URLError("the document takes too long")
            _bounded(found)
    return found


def _bounded(data: bytes) -> bytes:
    if len(data) > _MOST_BYTES:
        _too_large()
    return data


def _too_large() -> NoReturn:
    raise ValueError(f"the document is larger than {_MOST_BYTES} bytes")


def _keys(document: Any) -> dict[str, jwt.PyJWK]:
    """The keys of a set (RFC 7517) that may sign tokens; others, which a set may also hold, are left out."""
    entries = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(entries, list):
        raise IssuerUnavailable("the document is no set of keys")
    found = {}
    for entry in entries[:_MOST_KEYS]:
        if isinstance(entry, dict) and isinstance(id := entry.get("kid"), str) and (key := _key(entry)) is not None:
            found[id] = key
    return found


def _key(entry: dict[str, Any]) -> jwt.PyJWK | None:
    """The key of an entry; null for one that does not sign, has no algorithm we accept, or is private or weak."""
    if entry.get("use", "sig") != "sig" or entry.get("kty") not in ("RSA", "EC", "OKP") or "d" in entry:
        return None
    try:
        key = jwt.PyJWK(entry)
    except (jwt.PyJWTError, ValueError, TypeError, KeyError):
        return None
    if key.algorithm_name not in ALGORITHMS:
        return None
    if isinstance(key.key, RSAPublicKey) and key.key.key_size < _LEAST_RSA_BITS:
        return None
    return key
