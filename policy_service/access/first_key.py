"""The token that the first key needs over HTTP.

While there are no keys, whoever reaches the service may do everything, until it is closed. A key would let them stay,
so one is made only for who read what the service printed at its start. Whoever has the store in their hands needs no
token: they could write the key there as well, and `policyctl keys create` does.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from hmac import compare_digest

from policy_service.access import credentials

HEADER = "First-Key-Token"


class TokenRefused(Exception):
    """The first key is not made. Which of the reasons holds is not told."""

    def __init__(self) -> None:
        super().__init__(
            f"the first key needs `{HEADER}`: the token that this service printed when it started, which holds once; "
            "where the store is, `policyctl keys create` needs none"
        )


class FirstKey:
    """The token of one start, made by the master before it forks; the workers then share it, and that it is spent.

    No token is right before one is made.
    """

    def __init__(self) -> None:
        self._digest: str | None = None
        self._unspent, self._back = -1, -1

    def new_token(self) -> str:
        """256 random bits as base64url, of which only a digest is kept; the token before holds no more."""
        token = credentials.new_secret()
        self._unspent, self._back = os.pipe()
        os.set_blocking(self._unspent, False)
        self._give_back()
        self._digest = credentials.digest(token)
        return token

    @contextmanager
    def spending(self, token: str | None) -> Iterator[None]:
        """Spends the token on what is done within, once for all workers; if that fails, the token holds again.

        Raises:
            TokenRefused: the token is another, or spent.
        """
        if self._digest is None or not compare_digest(self._digest, credentials.digest(token or "")):
            raise TokenRefused
        self._take()
        try:
            yield
        except BaseException:
            self._give_back()
            raise

    def _take(self) -> None:
        """The one byte in the pipe is the right to use the token: of all processes exactly one can read it.

        A worker that is killed before it gives the byte back has spent the token.
        """
        try:
            os.read(self._unspent, 1)
        except BlockingIOError:
            raise TokenRefused from None

    def _give_back(self) -> None:
        os.write(self._back, b"1")


SHARED = FirstKey()
"""Made when the master imports it, before it forks."""
