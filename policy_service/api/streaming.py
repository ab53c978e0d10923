"""The body of a request as a source of lines."""

from tempfile import SpooledTemporaryFile

from flask import Request
from werkzeug.exceptions import ClientDisconnected

from policy_service.problems import kinds
from policy_service.problems.refused import Refused, too_large
from policy_service.requests.items import PIECE, Source, always

_IN_MEMORY = 1_048_576


def source_of(request: Request, most: int) -> Source:
    """The bytes of a body.

    A body of announced length is taken in whole, on the disk if it is long, before the first line is given: its
    sender may write all of it before reading a single answer. One that comes in chunks is read as it comes, so its
    sender must read while writing.

    Raises:
        Refused: 400 or 413, for what can be told before the first line.
    """
    if request.content_length is not None:
        spool = _spooled(request, most)
        return Source(lambda: spool.read(PIECE), close=spool.close)
    source = request.environ["wsgi.input"]
    return Source(getattr(source, "piece", lambda: source.read(PIECE)), getattr(source, "ready", always))


def _spooled(request: Request, most: int) -> SpooledTemporaryFile[bytes]:
    """A body, taken in as a whole; on the disk if it is long."""
    announced = request.content_length or 0
    if announced > most:
        raise too_large("body", most)
    request.max_content_length = most
    spool: SpooledTemporaryFile[bytes] = SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115  its reader closes it
    taken = 0
    try:
        while piece := request.stream.read(PIECE):
            spool.write(piece)
            taken += len(piece)
    except ClientDisconnected:
        taken = -1
    if taken != announced:
        spool.close()
        raise Refused(kinds.BAD_REQUEST, "the body ends before its announced length")
    spool.seek(0)
    return spool
