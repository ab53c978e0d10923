"""The service under gunicorn: what `policyctl serve` starts, and the settings that gunicorn.conf.py gives to gunicorn.

Workers are forked before they assemble anything (no preload): each opens the store and compiles the rules for itself, so
that no connection, lock or engine crosses a fork, and a worker that is started anew begins clean. What they share is the
work of the master, done once before the first of them: migrating the store, and adopting the rules folder.
"""

import json
import shlex
import signal
import socket
import struct
import sys
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any

import click
from flask import Flask
from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from gunicorn.http.errors import LimitRequestHeaders, LimitRequestLine, ParseException
from gunicorn.workers.gthread import ThreadWorker

from policy_service.api import examples, problems
from policy_service.api.boundary import is_loopback
from policy_service.api.shared import shared_by
from policy_service.app import create_app
from policy_service.assembly import assemble, load_folder
from policy_service.decisions.records import StoreUnavailable
from policy_service.decisions.service import EvaluateRequest, NoActiveBundle, PolicyService
from policy_service.diagnostics import render_all
from policy_service.policies.loader import check_sources
from policy_service.settings import Settings

_STALLED_SECONDS = 20
"""How long a client may stop in the middle of a request before its thread is taken from it."""
_KEPT_SECONDS = 15
"""How long a connection stays open for the next request."""
_SILENT_SECONDS = 60
"""How long a worker may give no sign of life before it is replaced."""


class Unfit(Exception):
    """The service must not start; the message says why."""


def serve(settings: Settings, host: str, port: int, workers: int) -> int:
    """Serve until SIGTERM or Ctrl-C; requests under way are finished. Returns the exit code.

    Refuses, with 1 and the reason on stderr, a host that others can reach, rules with an error, a store that cannot be
    used. Port 0 takes a free port.
    """
    try:
        refuse_others([host])
        prepare(settings)
    except Unfit as error:
        click.echo(str(error), err=True)
        return 1
    address = f"[{host.strip('[]')}]:{port}" if ":" in host else f"{host}:{port}"
    try:
        _Server(settings, {**gunicorn_settings(settings), "bind": address, "workers": workers}).run()
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else 1
    return 0


def refuse_others(hosts: Iterable[str]) -> None:
    """Raises Unfit for a host that is not loopback: there are no keys, so nobody else may ask."""
    for host in hosts:
        if not is_loopback(host):
            raise Unfit(f"without keys the service binds loopback only, not `{host}`: use 127.0.0.1")


def prepare(settings: Settings) -> None:
    """Store and rules made ready, once for all workers: the folder's bundle is stored, and activated if it is new.

    Raises:
        Unfit: the rules have an error, with every diagnostic; or the store cannot be used.
    """
    found, diagnostics, sources = load_folder(settings.rules)
    if found is None:
        rendered = render_all(diagnostics, check_sources(sources, settings.rules.as_posix()))
        raise Unfit(f"{rendered}\nthe rules in `{settings.rules}` have errors: not started")
    try:
        assemble(settings).adopt_folder(found, actor="serve")
    except StoreUnavailable as error:
        raise Unfit(f"the store cannot be used: {error}") from error


def gunicorn_settings(settings: Settings) -> dict[str, Any]:
    """All settings of gunicorn but address and number of workers."""
    return {
        "worker_class": f"{__name__}.Worker",
        "threads": settings.threads,
        "preload_app": False,
        "graceful_timeout": settings.graceful_seconds,
        "timeout": _SILENT_SECONDS,
        "keepalive": _KEPT_SECONDS,
        "control_socket_disable": True,  # nobody but signals commands it
        "when_ready": when_ready,
        "post_worker_init": post_worker_init,
    }


# ---- hooks of gunicorn


def on_starting(server: Arbiter) -> None:
    """For gunicorn started by itself: what `serve` does before it."""
    try:
        refuse_others(address[0] if isinstance(address, tuple) else address for address in server.cfg.address)
        prepare(server.app.settings if isinstance(server.app, _Server) else _read_settings())
    except Unfit as error:
        click.echo(str(error), err=True)
        sys.exit(1)


def when_ready(server: Arbiter) -> None:
    """The sockets listen: bound the time that a client may stall, and let Ctrl-C finish what is under way."""
    for listener in server.LISTENERS:
        for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
            listener.sock.setsockopt(socket.SOL_SOCKET, option, struct.pack("@ll", _STALLED_SECONDS, 0))
