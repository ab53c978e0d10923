"""Witnesses over HTTP, by C2SP tlog-witness.

What a witness answers is believed only as far as its signature goes: in its place may be anybody, so an answer is
bounded in bytes and time, and a redirect is not followed.

Source: https://c2sp.org/tlog-witness, "add-checkpoint".
"""

import re
import time
from collections.abc import Sequence
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

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


class _NoRedirects(HTTPRedirectHandler):
    def redirect_request(self, *_: Any, **__: Any) -> None:
        """Follow no redirect: only the configured address is asked."""


_OPENER = build_opener(_NoRedirects)


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
        self.key, self._url = key, url.rstrip("/") + "/add-checkpoint"

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
        """Status and body of the answer, within a bound of bytes and of time as a whole. Raises Unreachable."""
        end = time.monotonic() + _WHOLE_SECONDS
        headers = {"Content-Type": "text/plain; charset=utf-8", "User-Agent": "policy-service"}
        request = Request(self._url, data, headers, method="POST")  # noqa: S310  its scheme was looked at
        try:
            try:
                response = _OPENER.open(request, timeout=_STALLED_SECONDS)
            except HTTPError as refused:
                response = refused
            with response:
                return response.status, _bounded(response, end)
        except URLError as error:
            raise Unreachable(str(error.reason)) from error
        except (OSError, HTTPException, ValueError) as error:
            raise Unreachable(f"{type(error).__name__}: {error}") from error


def _bounded(response: Any, end: float) -> bytes:
    found = b""
    while piece := response.read1(_MOST_BYTES + 1 - len(found)):
        found += piece
        if len(found) > _MOST_BYTES:
            raise ValueError("the answer is too long")
        if time.monotonic() > end:
            raise TimeoutError("the answer takes too long")
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
    if len({one.key.label for one in found}) != len(found):
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
