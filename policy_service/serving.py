"""The service under gunicorn: what `policyctl serve` starts, and the settings that gunicorn.conf.py gives to gunicorn.

Workers are forked before they assemble anything (no preload): each opens the store and compiles the rules for itself,
so that no connection, lock or engine crosses a fork, and a worker that is started anew begins clean. What they share
is done in the master before the first of them: the store is migrated, and the rules folder adopted.
"""

import json
import logging
import os
import shutil
import signal
import sys
from contextlib import ExitStack, suppress
from decimal import Decimal
from pathlib import Path
from tempfile import mkdtemp
from types import FrameType
from typing import Any

import click
from flask import Flask
from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from gunicorn.glogging import Logger as GunicornLogger

from policy_service import __version__, listening
from policy_service.access.tokens import tokens_of
from policy_service.api import examples
from policy_service.api.boundary import BATCH_PATH, BUNDLES_PATH
from policy_service.api.shared import Shared, begin_to_stop, shared_by
from policy_service.app import create_app
from policy_service.assembly import assemble, load_folder
from policy_service.background import Periodic
from policy_service.decisions.answers.evaluate import Evaluator
from policy_service.decisions.audit.auditing import Auditing
from policy_service.decisions.bundles.evaluators import NoActiveBundle, UnusableBundle
from policy_service.decisions.deciding.resolving import EvaluateRequest
from policy_service.decisions.deciding.service import PolicyService
from policy_service.decisions.ports.records import StoreUnavailable
from policy_service.decisions.sealed.agents import SigningUnavailable
from policy_service.decisions.sealed.guard import Held
from policy_service.diagnostics import render_all
from policy_service.engines.contracts import EngineRefused
from policy_service.engines.registry import engine
from policy_service.listening import Unfit
from policy_service.policies.loader import check_sources
from policy_service.settings import SettingInvalid, Settings, proxies_of
from policy_service.telemetry import logs, metrics, traces
from policy_service.worker import Limits, Worker

_LOG = logging.getLogger(__name__)
_KEPT_SECONDS = 15
"""How long a connection stays open for a next request."""
_SILENT_SECONDS = 60
"""How long a worker may give no sign of life before it is replaced."""
_HOUR_SECONDS = 3600


def serve(settings: Settings, host: str, port: int, workers: int) -> int:
    """Serve until SIGTERM or Ctrl-C, and finish the requests under way; a second Ctrl-C does not wait.

    Refuses a host that others can reach, a port that is taken, rules with an error, a store that cannot be used.

    Args:
        port: 0 takes a free one; the address is printed.
    Returns:
        the exit status: 1, with the reason on standard error, when it did not start or could not go on.
    """
    try:
        if not listening.is_given():
            listening.refuse_others([host], settings)
            listening.refuse_key_beside([host], settings)
            listening.try_to_bind(host, port)
        service = prepare(settings)
        asks_who = listening.asks_who(settings)
    except Unfit as error:
        click.echo(str(error), err=True)
        return 1
    logs.configure(settings.log_format, settings.log_level)
    options = gunicorn_settings(settings)

    def announce(server: Arbiter) -> None:
        options["when_ready"](server)
        url = listening.url_of(server.LISTENERS[0].sock.getsockname())
        click.echo(_announcement(url, service, asks_who=asks_who))

    address = f"[{host.strip('[]')}]:{port}" if ":" in host else f"{host}:{port}"
    started = {"bind": address, "workers": workers, "when_ready": announce}
    master = os.getpid()
    try:
        _Server(settings, options | started).run()
    except SystemExit as ended:
        if os.getpid() != master:
            raise  # a worker, which ends with its own status
        return 1 if ended.code else 0
    return 0


def for_gunicorn(settings: Settings) -> dict[str, Any]:
    """The settings for gunicorn started by itself, which then refuses and prepares what `serve` does."""

    logs.configure(settings.log_format, settings.log_level)

    def on_starting(server: Arbiter) -> None:
        try:
            if server.cfg.is_ssl:
                raise Unfit("not started: TLS is ended by the proxy before the service, not by gunicorn")
            listening.refuse_others(listening.hosts_of(server), settings)
            listening.refuse_key_beside(listening.hosts_of(server), settings)
            prepare(settings)
        except Unfit as error:
            click.echo(str(error), err=True)
            sys.exit(1)

    return {"bind": "127.0.0.1:8000", **gunicorn_settings(settings), "on_starting": on_starting}


def gunicorn_settings(settings: Settings) -> dict[str, Any]:
    """All that is not a matter of where. What workers allow their clients is theirs from now on."""
    Limits.max_body = settings.max_body
    Limits.read_seconds, Limits.write_seconds = settings.read_seconds, settings.write_seconds
    Limits.max_waiting = settings.max_waiting
    Limits.larger = {BATCH_PATH: settings.max_batch_body, BUNDLES_PATH: settings.max_bundle}
    Limits.unfinished, Limits.unfinished_per_address = settings.unfinished, settings.unfinished_per_address
    Limits.proxies = proxies_of(settings.proxies)

    def ready(server: Arbiter) -> None:
        listening.refuse_listeners(server, settings)
        when_ready(server)
        try:
            if not listening.asks_who(settings):
                listening.tell_first_key(server)
        except Unfit as error:
            listening.stop(server, error)

    def on_reload(server: Arbiter) -> None:
        """SIGHUP: the rules folder is adopted again, unless it is unfit; the workers that follow answer by it."""
        listening.refuse_listeners(server, settings)  # gunicorn binds anew where its configuration says so
        try:
            prepare(settings)
        except Unfit as error:
            _LOG.error("the rules stay as they are: %s", error)

    return {
        "worker_class": Worker,
        "workers": settings.workers,
        "threads": settings.threads,
        "worker_connections": settings.connections,
        "logger_class": Logger,
        "accesslog": None,  # the line of a request is ours: gunicorn's holds its path and query
        "preload_app": False,
        "graceful_timeout": settings.graceful_seconds,
        "timeout": _SILENT_SECONDS,
        "keepalive": _KEPT_SECONDS,
        "control_socket_disable": True,  # signals are enough
        "when_ready": ready,
        "post_worker_init": post_worker_init,
        "worker_exit": worker_exit,
        "child_exit": child_exit,
        "on_reload": on_reload,
        "on_exit": on_exit,
    }


# ---- before the first worker


def prepare(settings: Settings) -> PolicyService:
    """Store and rules made ready: the folder's bundle is stored, and activated unless the folder gave it before.

    Raises:
        Unfit: the rules have an error, with every diagnostic; or the store cannot be used, or was set back.
    """
    found, diagnostics, sources = load_folder(settings.rules)
    if found is None:
        rendered = render_all(diagnostics, check_sources(sources, settings.rules.as_posix()))
        raise Unfit(f"{rendered}\nnot started: the rules in `{settings.rules}` have errors")
    try:
        tokens_of(settings)  # of an issuer whose settings do not fit together nobody could be let in
        Evaluator(found, engine(settings.engine)).try_all()
        assembled = assemble(settings)
        if assembled.auditing is not None:
            assembled.auditing.keys.try_now()
            assembled.orders.may_sign()
        assembled.publishing.adopt_folder(found, actor="serve")
    except EngineRefused as error:
        raise Unfit(f"not started: {error}") from error
    except (SettingInvalid, SigningUnavailable, Held) as error:
        raise Unfit(f"not started: {error}") from error
    except (StoreUnavailable, ValueError) as error:
        raise Unfit(f"not started: the store cannot be used: {error}") from error
    except UnusableBundle as error:
        raise Unfit(f"not started: the active bundle cannot be used: {error}") from error
    return assembled.service


def _announcement(url: str, service: PolicyService, *, asks_who: bool) -> str:
    """Where the service listens, and a request to try, if the rules understand it."""
    said = f"listening on {url}, the contract is at {url}/docs"
    if asks_who:
        return f"{said}\nwho asks needs a key, as `Authorization: Bearer psk_…`: policyctl keys list"
    body = json.dumps(examples.REQUEST)
    request = json.loads(body, parse_float=Decimal)
    if service.resolver.faults(
        EvaluateRequest(request["facts"], request["as_of"], policies=tuple(request["policies"]))
    ):
        return f"{said}\nwhat can be posted: curl -s {url}/v1/facts"
    return f"{said}\ntry: curl -s {url}/v1/evaluate -H 'Content-Type: application/json' -d '{body}'"


# ---- hooks of gunicorn


def when_ready(server: Arbiter) -> None:
    """Makes the folder of the metrics, and lets Ctrl-C finish the requests under way, as SIGTERM does."""
    metrics.share(Path(mkdtemp(prefix="policy-service-metrics-")))

    def finish(_signal: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, server.signal)  # a second one does not wait
        server.signal(signal.SIGTERM, frame)

    signal.signal(signal.SIGINT, finish)


def post_worker_init(worker: Worker) -> None:
    """Readies a worker: it leaves Ctrl-C, which a terminal sends to all, to the master; and it reads the rules."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    app = worker.app.wsgi()
    worker.on_stop = lambda: begin_to_stop(app)
    shared = shared_by(app)
    _ends.callback(metrics.begin())
    worker.watch()
    with suppress(NoActiveBundle, StoreUnavailable, UnusableBundle):  # /readyz tells
        shared.service.warm_up()
    begin_background(shared, _ends)


def begin_background(shared: Shared, ends: ExitStack) -> None:
    """Begins all background work of a worker, and registers its end; the last begun ends first."""
    service, settings = shared.service, shared.settings
    if traces.wanted(settings.traces):
        ends.callback(traces.begin(__version__))
    watch(service)
    watch_log(shared)
    service.evaluators.keep_fresh()
    ends.callback(service.evaluators.close)
    shared.start()
    ends.callback(shared.close)
    forgetting = Periodic("forget-keys", _HOUR_SECONDS, service.forget_old_keys, unavailable=StoreUnavailable)
    forgetting.start()
    ends.callback(forgetting.close)


def watch(service: PolicyService) -> None:
    """Tell the metrics what the worker answers by."""
    evaluators = service.evaluators
    metrics.counts.watch(metrics.ACTIVE, lambda: _active(service))
    metrics.counts.watch(metrics.LOOKED, lambda: [((), evaluators.seconds_since_look or 0.0)])
    metrics.counts.watch(metrics.FAULTY, lambda: [((), float(evaluators.fault is not None))])


def watch_log(shared: Shared) -> None:
    """Tell the metrics how far the seals are behind, and whether what is kept outside contradicts the log."""
    if shared.recorded is not None:
        auditing = shared.recorded
        metrics.counts.watch(metrics.LOG_LAG, lambda: _lag(auditing))
        metrics.counts.watch(metrics.CONTRADICTED, lambda: [((), float(bool(auditing.pusher.alarms)))])


def _lag(auditing: Auditing) -> list[tuple[tuple[()], float]]:
    with suppress(StoreUnavailable):
        return [((), auditing.waiting_seconds())]
    return []


_ends = ExitStack()
"""Of what a worker began; empty in the master."""


def _active(service: PolicyService) -> list[tuple[tuple[str], float]]:
    with suppress(StoreUnavailable, UnusableBundle):
        active = service.evaluators.active()
        return [] if active is None else [((active.bundle.id,), 1.0)]
    return []


def worker_exit(_server: Arbiter, _worker: Worker) -> None:
    """Ends the background work of a worker."""
    _ends.close()


def child_exit(_server: Arbiter, worker: Worker) -> None:
    """In the master: a worker ended."""
    metrics.ended(worker.pid)


def on_exit(_server: Arbiter) -> None:
    """Removes what the master made."""
    if (folder := metrics.shared_folder()) is not None:
        shutil.rmtree(folder, ignore_errors=True)


class Logger(GunicornLogger):
    """gunicorn's log as a part of ours."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        for handler in list(self.error_log.handlers):
            self.error_log.removeHandler(handler)
        self.error_log.setLevel(max(logging.INFO, logging.getLogger().level))  # below it, gunicorn tells paths
        self.error_log.propagate = True


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
