"""Tokens of an OpenID Connect issuer (JWT, RFC 7519), each to the principal that it speaks for."""

import re
from collections.abc import Mapping
from typing import Any

import jwt

from policy_service.access.issuers import ALGORITHMS, SigningKeys, fault_of_address
from policy_service.access.principals import ROLES, Principal, Role, id_of_token
from policy_service.access.rates import slot_of_token
from policy_service.settings import SettingInvalid, Settings

_LONGEST = 8192
_LEEWAY_SECONDS = 30
_REQUIRED = ["exp", "iat", "iss", "aud", "sub"]
_SUBJECT = re.compile(r"[\x21-\x7e]{1,255}")
"""OpenID Connect Core 2: at most 255 ASCII characters; here without blanks and controls."""


class Tokens:
    """Checks the tokens of one issuer.

    Args:
        audience: what a token must be made for.
        roles_claim: the claim that lists roles, by its name or by a path of names with dots.
        rate: requests a second of each subject; null for no limit.
    """

    def __init__(
        self, keys: SigningKeys, issuer: str, audience: str, roles_claim: str, rate: int | None = None
    ) -> None:
        self._keys, self._issuer, self._audience = keys, issuer, audience
        self._roles_claim, self._rate = roles_claim, rate

    def principal(self, token: str) -> Principal | None:
        """Whom the token speaks for; null for one that is not of the issuer, not for us, or not valid now.

        Raises:
            IssuerUnavailable.
        """
        if len(token) > _LONGEST:
            return None
        try:
            claims = self._claims(token)
        except (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError):
            return None  # also a time that no clock shows, in a token that the issuer did sign
        subject = None if claims is None else claims["sub"]
        if claims is None or not isinstance(subject, str) or _SUBJECT.fullmatch(subject) is None:
            return None
        name = f"oidc:{subject}"
        id = id_of_token(self._issuer, subject)
        return Principal(id, name, _roles(claims, self._roles_claim), self._rate, slot_of_token(name))

    def _claims(self, token: str) -> dict[str, Any] | None:
        header = jwt.get_unverified_header(token)
        id = header.get("kid")
        if header.get("alg") not in ALGORITHMS or "crit" in header or not isinstance(id, str):
            return None
        key = self._keys.key(id)
        if key is None:
            return None
        found: dict[str, Any] = jwt.decode(
            token,
            key,
            algorithms=[key.algorithm_name],
            issuer=self._issuer,
            audience=self._audience,
            leeway=_LEEWAY_SECONDS,
            options={"require": _REQUIRED},
        )
        return found


def _roles(claims: Mapping[str, Any], claim: str) -> frozenset[Role]:
    """Those of our roles that the token lists: a list of texts, or one text with blanks between them."""
    found: Any = claims.get(claim)
    if found is None:
        found = claims
        for step in claim.split("."):
            found = found.get(step) if isinstance(found, Mapping) else None
    listed = found.split() if isinstance(found, str) else found if isinstance(found, list) else []
    return frozenset(role for role in ROLES if role in listed)


def tokens_of(settings: Settings) -> Tokens | None:
    """The tokens of the issuer that the settings name; null where they name none. Asks nothing of the issuer.

    Raises:
        SettingInvalid.
    """
    issuer, audience = settings.oidc_issuer, settings.oidc_audience
    if not issuer:
        return None
    if not audience:
        raise SettingInvalid("POLICY_OIDC_AUDIENCE is needed with POLICY_OIDC_ISSUER: what tokens are made for")
    if issuer.startswith("file:") and not settings.oidc_jwks_url:
        raise SettingInvalid("POLICY_OIDC_ISSUER is discovered over the network: a file is POLICY_OIDC_JWKS_URL")
    wrong = fault_of_address(settings.oidc_jwks_url or issuer)
    if wrong is not None:
        raise SettingInvalid(f"POLICY_OIDC_{'JWKS_URL' if settings.oidc_jwks_url else 'ISSUER'}: {wrong}")
    keys = SigningKeys(issuer, settings.oidc_jwks_url)
    return Tokens(keys, issuer, audience, settings.oidc_roles_claim, settings.rate_limit or None)
