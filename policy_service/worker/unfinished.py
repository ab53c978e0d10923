"""Connections whose request has not wholly arrived: bounded per address and in all, the oldest makes room."""

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import Any

from policy_service.settings import Network
from policy_service.worker.connection import Connection

_SITE = 64
"""Bits of an IPv6 address that one client cannot choose: the rest of it is its own to fill (RFC 4291, 2.5.1)."""


@dataclass(frozen=True, slots=True)
class Displaced:
    """A connection that has to make room, and the bound that was reached: `address` or `unfinished`."""

    connection: Connection
    bound: str


class Unfinished:
    """Connections in the order in which they became unfinished.

    Args:
        most: in all.
        most_of_address: of one client; 0 for no bound.
        proxies: whose clients share an address, so that none is displaced for what another one does.
    """

    def __init__(self, most: int, most_of_address: int, proxies: Sequence[Network] = ()) -> None:
        self._most, self._most_of_address, self._proxies = most, most_of_address, proxies
        self._all: dict[Connection, str | None] = {}
        self._by_client: dict[str, dict[Connection, None]] = {}

    def __len__(self) -> int:
        return len(self._all)

    def add(self, connection: Connection) -> Displaced | None:
        """The one that has to make room for a connection, if any. One that is there keeps its place."""
        if connection in self._all:
            return None
        client = self._all[connection] = self._client(connection.address)
        if client is not None:
            of_client = self._by_client.setdefault(client, {})
            of_client[connection] = None
            if len(of_client) > self._most_of_address:
                return Displaced(next(iter(of_client)), "address")
        return Displaced(next(iter(self._all)), "unfinished") if len(self._all) > self._most else None

    def remove(self, connection: Connection) -> None:
        """Its request is there, or it is not waited for any more. One that is not there is left alone."""
        client = self._all.pop(connection, None)
        if client is not None:
            del self._by_client[client][connection]
            if not self._by_client[client]:
                del self._by_client[client]

    def _client(self, address: Any) -> str | None:
        """Who is counted as one; null for a proxy, to which a UNIX socket leads too, and where nobody is counted."""
        if not self._most_of_address or not isinstance(address, tuple):
            return None
        found = ip_address(address[0].partition("%")[0])
        found = getattr(found, "ipv4_mapped", None) or found
        if any(found in proxies for proxies in self._proxies):
            return None
        return str(found) if found.version == 4 else str(ip_network((int(found), _SITE), strict=False))
