"""PostgreSQL through pg8000: the URL, the connections, and what its faults mean.

The driver begins nothing by itself here: a statement alone is its own transaction, and `writing` says BEGIN and COMMIT
as plain queries, one round trip each, where the driver's own `commit()` takes three.
"""

import os
import select
import ssl
from contextlib import suppress
from typing import Any
from weakref import WeakKeyDictionary

import pg8000
from sqlalchemy import URL, Engine, create_engine, event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.pool import NullPool

_DRIVER = "postgresql+pg8000"
_STATEMENT_MS = 15_000
"""No statement of a request takes as long."""
_SILENT_SECONDS = 20.0
"""Longer than any statement: a server that says nothing for so long is gone."""


def postgresql_engine(url: URL, timeout: float, connections: int) -> Engine:
    """The engine of a database, which connects when it is first used; see connect()."""
    arguments = _arguments(url)
    limits = {
        "lock_timeout": f"{int(timeout * 1000)}",
        "statement_timeout": f"{_STATEMENT_MS}",
        "idle_in_transaction_session_timeout": f"{_STATEMENT_MS}",  # a host that hangs gives back what it locked
    }
    quick = arguments | {"timeout": _SILENT_SECONDS, "startup_params": arguments["startup_params"] | limits}
    engine = _engine(
        quick,
        pool_size=connections,
        max_overflow=0,
        pool_timeout=timeout,
        pool_use_lifo=True,  # usual load needs few connections; the others are there for bursts
    )
    event.listen(engine, "checkout", _refuse_dropped)
    _unhurried[engine] = _engine(arguments, poolclass=NullPool)
    return engine


def unhurried(engine: Engine) -> Engine:
    """An engine of the same database without limits of time, for migrations; it keeps no connection."""
    return _unhurried[engine]


def sqlstate(fault: BaseException | None) -> str | None:
    """The five characters of a fault that the server reported; None for one of the connection."""
    reported = fault.args[0] if fault is not None and fault.args else None
    return reported.get("C") if isinstance(reported, dict) else None


def said(fault: BaseException | None) -> str:
    """The message of the server without its detail, which shows values."""
    reported = fault.args[0] if fault is not None and fault.args else None
    return f"{reported.get('M')} ({reported.get('C')})" if isinstance(reported, dict) else str(fault)


_unhurried: WeakKeyDictionary[Engine, Engine] = WeakKeyDictionary()


def _engine(arguments: dict[str, Any], **pool: Any) -> Engine:
    made = create_engine(
        f"{_DRIVER}://",
        creator=lambda: _Connection(**arguments),
        isolation_level="AUTOCOMMIT",
        hide_parameters=True,
        **pool,
    )
    event.listen(made, "handle_error", _note_lost)
    return made


# ---- the URL

_SSL_MODES = ("disable", "prefer", "require", "verify-ca", "verify-full")
_QUERY = ("application_name", "host", "sslmode", "sslrootcert", "unix_sock")


def _arguments(url: URL) -> dict[str, Any]:
    """What pg8000 is given. Raises ValueError for a URL that asks for what it cannot."""
    if url.drivername not in ("postgresql", _DRIVER):
        raise ValueError(f"the driver of PostgreSQL is pg8000: write `{_DRIVER}://`, not `{url.drivername}://`")
    query = {name: value for name, value in url.query.items() if isinstance(value, str)}
    if unknown := sorted(set(url.query) - set(_QUERY)):
        raise ValueError(f"`{unknown[0]}` is not known in the URL of PostgreSQL; known are {', '.join(_QUERY)}")
    if not url.username:
        raise ValueError("the URL of PostgreSQL names no user")
    socket = query.get("unix_sock")
    if socket is None and query.get("host", "").startswith("/"):
        socket = f"{query['host']}/.s.PGSQL.{url.port or 5432}"
    return {
        "user": url.username,
        "password": url.password,
        "database": url.database,
        "host": url.host or query.get("host", "localhost"),
        "port": url.port or 5432,
        "unix_sock": socket,
        "ssl_context": False if socket else _ssl_context(query.get("sslmode", "prefer"), query.get("sslrootcert")),
        "application_name": query.get("application_name", "policy-service"),
        "startup_params": {"synchronous_commit": "on"},  # whatever the database's own default is
    }


def _ssl_context(mode: str, root: str | None) -> Any:
    """TLS by the mode, as libpq has it: `prefer` and `require` encrypt, only `verify-…` check who the server is."""
    if mode not in _SSL_MODES:
        raise ValueError(f"`sslmode` is one of {', '.join(_SSL_MODES)}, not `{mode}`")
    if mode in ("disable", "prefer"):
        return False if mode == "disable" else None
    context = ssl.create_default_context(cafile=root)
    context.check_hostname = mode == "verify-full"
    if mode == "require":
        context.verify_mode = ssl.CERT_NONE
    return context


# ---- lost connections


class _Connection(pg8000.Connection):  # type: ignore[misc]  # pg8000 ships no types
    """A connection that can be closed when it is lost: pg8000 would complain, and leave its socket open."""

    def close(self) -> None:
        opened = self._usock
        with suppress(pg8000.InterfaceError, OSError):
            super().close()
        if opened is not None and (descriptor := opened.detach()) >= 0:
            os.close(descriptor)


_OVER = ("08", "57P", "25006")
"""Classes and states after which a connection is of no use: lost, shut down, or to a server that became a standby."""


def _note_lost(context: ExceptionContext) -> None:
    """Tells the pool of what SQLAlchemy does not see: pg8000 lets faults of the socket through as they are."""
    fault = context.original_exception
    state = sqlstate(fault)
    if isinstance(fault, OSError | pg8000.InterfaceError) or (state is not None and state.startswith(_OVER)):
        context.is_disconnect = True


def _refuse_dropped(connection: Any, _record: object, _proxy: object) -> None:
    """Drops what the pool holds when the server has hung up, so that the next statement does not find it out.

    A server says nothing to an idle connection but that it ends: what can be read means so. It costs one system call,
    where the ping of SQLAlchemy costs a round trip; what it cannot see, a host that vanished, ends as StoreUnavailable.
    """
    waiting = select.poll()
    waiting.register(connection._usock.fileno(), select.POLLIN)
    if waiting.poll(0):
        raise InvalidatePoolError("the server has closed the connection")


def _close_idle() -> None:
    for engine in list(_unhurried):
        engine.dispose()


def _forget_inherited() -> None:
    for engine in list(_unhurried):
        engine.dispose(close=False)  # in use by a thread of the parent: it is not ours to say goodbye


os.register_at_fork(before=_close_idle, after_in_child=_forget_inherited)
