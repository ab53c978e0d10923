"""The text of an API key, `psk_<id>_<secret>`, and how a request carries it."""

import hashlib
import secrets

_PREFIX = "psk_"
_ID_BYTES, _SECRET_BYTES = 8, 32
ID = "[0-9a-f]{16}"
"""Pattern of the visible part."""


def new_id() -> str:
    return secrets.token_hex(_ID_BYTES)


def new_secret() -> str:
    """256 random bits as base64url."""
    return secrets.token_urlsafe(_SECRET_BYTES)


def written(id: str, secret: str) -> str:
    return f"{_PREFIX}{id}_{secret}"


def is_key(credential: str) -> bool:
    return credential.startswith(_PREFIX)


def parts(credential: str) -> tuple[str, str]:
    """Id and secret of the text of a key; a malformed text gives parts that no key has."""
    id, _, secret = credential[len(_PREFIX) :].partition("_")
    return id, secret


def digest(secret: str) -> str:
    """SHA-256, hexadecimal."""
    return hashlib.sha256(secret.encode()).hexdigest()


def bearer(authorization: str | None) -> str | None:
    """The credential in the header `Authorization`; null without the header, or for a scheme other than Bearer."""
    if authorization is None or authorization[:7].lower() != "bearer ":
        return None
    return authorization[7:].strip()
