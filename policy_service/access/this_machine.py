"""Whether a request or an address is of this machine: the only ones answered while there are no keys.

A connection over loopback is not enough. A page of another host can send a request over one, by a name of its own that
resolves to 127.0.0.1, so the host that the request names must be ours. And a proxy on this machine passes on what
others ask, so what names a proxy is refused. A proxy that says nothing of itself cannot be told from this machine.
"""

import re
from collections.abc import Mapping
from ipaddress import IPv6Address, ip_address
from typing import Any

_AUTHORITY = re.compile(r"(localhost|127(?:\.[0-9]{1,3}){3}|\[::1\])(?::[0-9]{1,5})?", re.IGNORECASE)
_PROXIED = frozenset({
    "HTTP_FORWARDED", "HTTP_VIA", "HTTP_X_REAL_IP", "HTTP_CLIENT_IP", "HTTP_X_CLIENT_IP", "HTTP_TRUE_CLIENT_IP",
    "HTTP_X_CLUSTER_CLIENT_IP", "HTTP_CF_CONNECTING_IP", "HTTP_FASTLY_CLIENT_IP", "HTTP_FLY_CLIENT_IP",
    "PROXY_PROTOCOL",
})  # fmt: skip
"""What proxies add: headers, and gunicorn's mark of a connection that began with the PROXY protocol."""
_PROXIED_PREFIXES = ("HTTP_X_FORWARDED_", "HTTP_X_ORIGINAL_", "HTTP_X_ENVOY_")


def is_loopback(host: str) -> bool:
    """Whether an address reaches this machine only, or is of it. `localhost` is taken at its word."""
    if host == "localhost":
        return True
    try:
        found = ip_address(host.removeprefix("[").removesuffix("]"))
    except ValueError:
        return False
    within = found.ipv4_mapped if isinstance(found, IPv6Address) else None  # Python 3.13 looks there by itself
    return (within or found).is_loopback


def why_not_here(environ: Mapping[str, Any]) -> str | None:
    """Why a request is not one of this machine, for the caller; null if it is.

    Args:
        environ: of WSGI (PEP 3333).
    """
    if not is_loopback(environ.get("REMOTE_ADDR") or ""):
        return "the request is not from this machine"
    if _AUTHORITY.fullmatch(environ.get("HTTP_HOST", "")) is None:
        return "the host that the request names is not 127.0.0.1, localhost or [::1]"
    return _why_forwarded(environ)


def _why_forwarded(environ: Mapping[str, Any]) -> str | None:
    named = next((one for one in environ if one in _PROXIED or one.startswith(_PROXIED_PREFIXES)), None)
    if named is not None:
        header = named.removeprefix("HTTP_").replace("_", "-").title()
        return f"the request was passed on by a proxy: it has `{header}`"
    if environ.get("SERVER_PROTOCOL") == "HTTP/1.0":
        return "HTTP/1.0 is what nginx asks in by default, for whomever: ask in HTTP/1.1"
    return None
