"""A gunicorn worker whose threads get complete requests only, however slowly clients send and read."""

from policy_service.worker.limits import Limits
from policy_service.worker.loop import Worker

__all__ = ["Limits", "Worker"]
