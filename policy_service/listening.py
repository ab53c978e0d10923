"""Where the service may listen: while nobody is asked who they are, on loopback addresses only, whoever bound them."""

import json
import os
import socket
from collections.abc import Iterable
from typing import Any, NoReturn

import click
from gunicorn import systemd
from gunicorn.arbiter import Arbiter

from policy_service.access import first_key
from policy_service.access.this_machine import is_loopback
from policy_service.access.tokens import tokens_of
from policy_service.assembly import assemble
from policy_service.decisions.ports.records import StoreUnavailable
from policy_service.settings import SettingInvalid, Settings

_FIRST_KEY = {"name": "admin", "roles": ["admin"]}


class Unfit(Exception):
    """The service must not start; the message says why."""


def asks_who(settings: Settings) -> bool:
    """Whether there is an issuer, or was ever a key. Raises Unfit."""
    try:
        return tokens_of(settings) is not None or assemble(settings).keys.any_keys()
    except (StoreUnavailable, SettingInvalid) as error:
        raise Unfit(f"not started: whether there are keys cannot be told: {error}") from error


# ---- before anything is bound


def refuse_others(hosts: Iterable[str], settings: Settings) -> None:
    """Raises Unfit for a host that is not loopback while nobody would be asked who they are."""
    others = [host for host in hosts if not is_loopback(host)]
    if others and not asks_who(settings):
        raise Unfit(
            f"without keys the service binds loopback only: `{others[0]}` is refused; make a key first: "
            "policyctl keys create --name admin --role admin"
        )


def hosts_of(server: Arbiter) -> list[str]:
    """The hosts, or paths of sockets, that gunicorn was told to bind. What another has bound is seen later."""
    return [_host(one) for one in server.cfg.address if not isinstance(one, int)]


def is_given() -> bool:
    """Whether systemd gives us the sockets (LISTEN_FDS), so that what we are told to bind is not bound."""
    return bool(systemd.listen_fds(unset_environment=False))


def try_to_bind(host: str, port: int) -> None:
    """Raises Unfit where nobody can listen now; gunicorn would try for five seconds before it says so."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.create_server((host.strip("[]"), port), family=family).close()
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else error
        raise Unfit(f"not started: cannot listen on {host}, port {port}: {reason}") from error


# ---- of what is bound


def refuse_listeners(server: Arbiter, settings: Settings) -> None:
    """As `refuse_others`, of the sockets as they are: those of systemd or of a master before this one, too.

    It ends the service; no worker has taken a connection of these sockets yet.
    """
    try:
        refuse_others([_host(one.sock.getsockname()) for one in server.LISTENERS], settings)
    except Unfit as error:
        stop(server, error)


def stop(server: Arbiter, error: Unfit) -> NoReturn:
    """End the service, with the reason on standard error."""
    click.echo(str(error), err=True)
    server.halt(exit_status=1)
    raise AssertionError("gunicorn has ended")


def tell_first_key(server: Arbiter) -> None:
    """Print, once, how the first key is made over HTTP."""
    url = url_of(server.LISTENERS[0].sock.getsockname() if server.LISTENERS else server.cfg.address[0])
    token = first_key.SHARED.new_token()
    click.echo(
        "there are no keys: who is on this machine may do everything. The first key, once, ends that:\n"
        f"curl -s {url}/v1/keys -H 'Content-Type: application/json' -H '{first_key.HEADER}: {token}' "
        f"-d '{json.dumps(_FIRST_KEY)}'",
        err=True,
    )


def url_of(address: Any) -> str:
    """The URL of a socket's address; of a UNIX socket its path."""
    if not isinstance(address, tuple):
        return _host(address)
    host, port = address[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _host(address: Any) -> str:
    """The host of an address as Python has it: a tuple, or the path of a UNIX socket."""
    if isinstance(address, tuple):
        return str(address[0])
    return f"unix:{os.fsdecode(address)}"
