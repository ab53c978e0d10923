"""A gunicorn worker whose threads get complete requests only, however slowly clients send and read."""

from policy_service.worker.loop import Limits, Worker

__all__ = ["Limits", "Worker"]
