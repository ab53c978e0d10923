"""The service under gunicorn: what `policyctl serve` starts, and the settings that gunicorn.conf.py gives to gunicorn.

Workers are forked before they assemble anything (no preload): each opens the store and compiles the rules for itself,
so that no connection, lock or engine crosses a fork, and a worker that is started anew begins clean. What they share
is done in the master before the first of them: the store is migrated, and the rules folder adopted.
"""

import json
import os
import signal
import socket
import struct
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from decimal import Decimal
from types import FrameType
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
from policy_service.decisions.asking import EvaluateRequest, NoActiveBundle
from policy_service.decisions.evaluate import Evaluator
from policy_service.decisions.records import StoreUnavailable
from policy_service.decisions.service import PolicyService
from policy_service.diagnostics import render_all
from policy_service.engines.contract import EngineRefused
from policy_service.engines.registry import engine
from policy_service.policies.loader import check_sources
from policy_service.settings import Settings

_STALLED_SECONDS = 20
"""How long a client may stop in the middle of a request or an answer before its thread is taken from it."""
_KEPT_SECONDS = 15
"""How long a connection stays open for a next request."""
_SILENT_SECONDS = 60
"""How long a worker may give no sign of life before it is replaced."""


class Unfit(Exception):
    """The service must not start; the message says why."""


def serve(settings: Settings, host: str, port: int, workers: int) -> int:
    """Serve until SIGTERM or Ctrl-C, and finish the requests under way; a second Ctrl-C does not wait.

    Refuses a host that others can reach, a port that is taken, rules with an error, a store that cannot be used.

    Args:
        port: 0 takes a free one; the address is printed.
    Returns:
        the exit status: 1, with the reason on standard error, when it did not start or could not go on.
    """
    try:
        refuse_others([host])
        _try(host, port)
        service = prepare(settings)
    except Unfit as error:
        click.echo(str(error), err=True)
        return 1

    def announce(server: Arbiter) -> None:
        when_ready(server)
        click.echo(_announcement(server.LISTENERS[0].sock.getsockname(), service))

    address = f"[{host.strip('[]')}]:{port}" if ":" in host else f"{host}:{port}"
    started = {"bind": address, "workers": workers, "when_ready": announce}
    master = os.getpid()
    try:
        _Server(settings, gunicorn_settings(settings) | started).run()
    except SystemExit as ended:
        if os.getpid() != master:
            raise  # a worker, which ends with its own status
        return 1 if ended.code else 0
    return 0


def for_gunicorn(settings: Settings) -> dict[str, Any]:
    """The settings for gunicorn started by itself, which then refuses and prepares what `serve` does."""

    def on_starting(server: Arbiter) -> None:
        try:
            refuse_others(one[0] if isinstance(one, tuple) else one for one in server.cfg.address)
            prepare(settings)
        except Unfit as error:
            click.echo(str(error), err=True)
            sys.exit(1)

    return {"bind": "127.0.0.1:8000", "workers": 2, **gunicorn_settings(settings), "on_starting": on_starting}


def gunicorn_settings(settings: Settings) -> dict[str, Any]:
    """All that is not a matter of where and how large."""
    return {
        "worker_class": f"{__name__}.Worker",
        "threads": settings.threads,
        "preload_app": False,
        "graceful_timeout": settings.graceful_seconds,
        "timeout": _SILENT_SECONDS,
        "keepalive": _KEPT_SECONDS,
        "control_socket_disable": True,  # signals are enough
        "when_ready": when_ready,
        "post_worker_init": post_worker_init,
    }


# ---- before the first worker


def refuse_others(hosts: Iterable[str]) -> None:
    """Raises Unfit for a host that is not loopback: there are no keys yet, so nobody else may ask."""
    for host in hosts:
        if not is_loopback(host):
            raise Unfit(f"without keys the service binds loopback only: `{host}` is refused, use 127.0.0.1")


def _try(host: str, port: int) -> None:
    """Raises Unfit where nobody can listen now; gunicorn would try for five seconds before it says so."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.create_server((host.strip("[]"), port), family=family).close()
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else error
        raise Unfit(f"not started: cannot listen on {host}, port {port}: {reason}") from error


def prepare(settings: Settings) -> PolicyService:
    """Store and rules made ready: the folder's bundle is stored, and activated unless the folder gave it before.

    Raises:
        Unfit: the rules have an error, with every diagnostic; or the store cannot be used.
    """
    found, diagnostics, sources = load_folder(settings.rules)
    if found is None:
        rendered = render_all(diagnostics, check_sources(sources, settings.rules.as_posix()))
        raise Unfit(f"{rendered}\nnot started: the rules in `{settings.rules}` have errors")
    try:
        Evaluator(found, engine(settings.engine)).try_all()
        assembled = assemble(settings)
        assembled.publishing.adopt_folder(found, actor="serve")
    except EngineRefused as error:
        raise Unfit(f"not started: the engine cannot hold the rules {error}") from error
    except (StoreUnavailable, ValueError) as error:
        raise Unfit(f"not started: the store cannot be used: {error}") from error
    return assembled.service


def _announcement(address: tuple[Any, ...], service: PolicyService) -> str:
    """Where the service listens, and a request to try, if the rules understand it."""
    host, port = address[:2]
    url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    said = f"listening on {url}, the contract is at {url}/docs"
    body = json.dumps(examples.REQUEST)
    request = json.loads(body, parse_float=Decimal)
    if service.asking.faults(EvaluateRequest(request["facts"], request["as_of"], policies=tuple(request["policies"]))):
        return f"{said}\nwhat can be posted: curl -s {url}/v1/facts"
    return f"{said}\ntry: curl -s {url}/v1/evaluate -H 'Content-Type: application/json' -d '{body}'"


# ---- hooks of gunicorn


def when_ready(server: Arbiter) -> None:
    """Bounds the time that a client may stall, and lets Ctrl-C finish the requests under way, as SIGTERM does."""
    for listener in server.LISTENERS:
        for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):  # taken over by the connections it accepts
            listener.sock.setsockopt(socket.SOL_SOCKET, option, struct.pack("@ll", _STALLED_SECONDS, 0))

    def finish(_signal: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, server.signal)  # a second one does not wait
        server.signal(signal.SIGTERM, frame)

    signal.signal(signal.SIGINT, finish)


def post_worker_init(worker: ThreadWorker) -> None:
    """Readies a worker: it leaves Ctrl-C, which a terminal sends to all, to the master; and it reads the rules."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with suppress(NoActiveBundle, StoreUnavailable):  # /readyz tells
        shared_by(worker.app.wsgi()).service.warm_up()


class _Server(BaseApplication):
    """gunicorn on settings of ours; no file and no environment variable of gunicorn's is read."""

    def __init__(self, settings: Settings, options: dict[str, Any]) -> None:
        self._settings, self._options = settings, options
        super().__init__(prog="policyctl serve")

    def load_config(self) -> None:
        for name, value in self._options.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        return create_app(self._settings)


Wsgi = Callable[[dict[str, Any], Any], Iterable[bytes]]


class Worker(ThreadWorker):
    """A worker whose own refusals have the shape of every other: gunicorn's would be HTML."""

    wsgi: Wsgi

    def load_wsgi(self) -> None:
        super().load_wsgi()
        self.wsgi = _chunked(self.wsgi)

    def handle_error(self, _req: Any, client: socket.socket, _addr: Any, exc: BaseException) -> None:
        """Answers what gunicorn cannot read."""
        kind = _kind(exc)
        if kind is problems.INTERNAL:
            self.log.error("a request failed", exc_info=exc)
        else:
            self.log.warning("a request cannot be read: %r", exc)
        body = problems.body(kind, kind.meaning)
        head = (
            f"HTTP/1.1 {kind.status} {kind.title}\r\nConnection: close\r\n"
            f"Content-Type: {problems.PROBLEM_JSON}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        with suppress(OSError):
            client.sendall(head.encode() + body)


def _kind(error: BaseException) -> problems.Kind:
    if isinstance(error, LimitRequestLine):
        return problems.PATH_TOO_LONG
    if isinstance(error, LimitRequestHeaders):
        return problems.HEADERS_TOO_LARGE
    return problems.BAD_REQUEST if isinstance(error, ParseException) else problems.INTERNAL


def _chunked(wsgi: Wsgi) -> Wsgi:
    """The application, which sees a broken chunk as it sees a broken connection: Werkzeug knows OSError only."""

    def called(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if "HTTP_TRANSFER_ENCODING" in environ:
            environ["wsgi.input"] = _Chunks(environ["wsgi.input"])
        return wsgi(environ, start_response)

    return called


class _Chunks:
    """A body that comes in chunks."""

    def __init__(self, body: Any) -> None:
        self._body = body

    def read(self, size: int = -1) -> bytes:
        try:
            data: bytes = self._body.read(size)
        except ParseException as error:
            raise OSError("a chunk of the body is broken") from error
        return data
