"""One request answered by the application, in the thread that has its connection."""

from collections.abc import Callable, Iterable
from typing import Any

from gunicorn.config import Config
from gunicorn.http.wsgi import create

from policy_service.worker.connection import ComingBody, Connection, TooSlow
from policy_service.worker.refusals import kind_of, refusal

Headers = list[tuple[str, str]]


def is_answered(connection: Connection, cfg: Config, wsgi: Callable[..., Iterable[bytes]], *, is_last: bool) -> bool:
    """Whether an answer was given, and another may follow it."""
    try:
        response, environ = create(connection.incoming.request, connection, connection.address, connection.server, cfg)
        if is_last:
            response.force_close()
        _write(response, wsgi(_completed(environ, connection), _closing(response, connection)))
        connection.flush()
    except (ConnectionError, TooSlow):
        connection.broken = True
        return False
    except Exception as error:  # noqa: BLE001  whatever the application raises ends its request only
        kind = kind_of(error)
        if not connection.begun:
            connection.unsent += refusal(kind)
        return False
    return not response.should_close()


def _completed(environ: dict[str, Any], connection: Connection) -> dict[str, Any]:
    environ["wsgi.multithread"] = True
    if not connection.incoming.whole or "HTTP_TRANSFER_ENCODING" in environ:
        environ["wsgi.input"] = ComingBody(environ["wsgi.input"], connection)
    return environ


def _closing(response: Any, connection: Connection) -> Callable[..., Any]:
    """`start_response`, which of a body refused unread tells that the rest of it is not awaited."""
    incoming = connection.incoming

    def start_response(status: str, headers: Headers, exc_info: Any = None) -> Any:
        if not (status.startswith("2") or incoming.whole or incoming.is_read()):
            response.force_close()
        return response.start_response(status, headers, exc_info)

    return start_response


def _write(response: Any, pieces: Iterable[bytes]) -> None:
    try:
        for piece in pieces:
            response.write(piece)
        response.close()
    finally:
        if hasattr(pieces, "close"):
            pieces.close()
