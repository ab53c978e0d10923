"""Authentication: by an API key or an issuer's token; while there is neither, nobody needs a credential."""

from dataclasses import replace

from policy_service.access import credentials
from policy_service.access.keyring import KeyRing
from policy_service.access.principals import LOCAL, Principal
from policy_service.access.tokens import Tokens


class Unauthenticated(Exception):
    """The request names no principal: it has no credential, or one that is not valid.

    Args:
        given: a credential was sent. The caller is not told why it is not valid.
    """

    def __init__(self, *, given: bool) -> None:
        super().__init__()
        self.given = given


class Gate:
    """Finds the principal of a request from its credential.

    Args:
        tokens: null without an issuer.
        rate: requests a second of everybody together while the gate is open; null for no limit.
    """

    def __init__(self, ring: KeyRing, tokens: Tokens | None, rate: int | None = None) -> None:
        self._ring, self._tokens = ring, tokens
        self._local = replace(LOCAL, rate=rate)

    def is_open(self) -> bool:
        """Whether requests need no credential. Raises KeysUnknown."""
        return self._tokens is None and not self._ring.any_keys()

    def was_open(self) -> bool | None:
        """`is_open` as it was last known, without asking the store; null if it was never known."""
        if self._tokens is not None:
            return False
        had = self._ring.had_keys()
        return None if had is None else not had

    def principal(self, authorization: str | None) -> Principal:
        """Who sent the header.

        Raises:
            Unauthenticated, KeysUnknown, IssuerUnavailable.
        """
        credential = credentials.bearer(authorization)
        if self.is_open() and (credential is None or not self._ring.look_again()):
            return self._local
        if credential is None:
            raise Unauthenticated(given=False)
        if credentials.is_key(credential):
            found = self._ring.principal(credential)
        else:
            found = self._tokens.principal(credential) if self._tokens is not None else None
        if found is None:
            raise Unauthenticated(given=True)
        return found
