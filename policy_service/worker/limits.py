"""What a worker allows its clients."""

from collections.abc import Mapping, Sequence

from policy_service.settings import Network
from policy_service.worker.framing import NONE_LARGER


class Limits:
    """Set by `serving` before gunicorn starts; the settings of the same names say what each is."""

    max_body = 1_048_576
    larger: Mapping[str, int] = NONE_LARGER
    """Bytes of the largest body, by the path where it may be larger than `max_body`."""
    read_seconds = 10
    write_seconds = 20
    max_waiting = 256
    unfinished = 500
    unfinished_per_address = 100
    proxies: Sequence[Network] = ()
