"""What the views of one application share."""

from dataclasses import dataclass, field
from threading import BoundedSemaphore
from typing import cast

from flask import Flask, current_app

from policy_service.access.first_key import FirstKey
from policy_service.access.keys import KeyStore
from policy_service.access.trail import TrailStore
from policy_service.decisions.audit.auditing import Auditing
from policy_service.decisions.bundles.publishing import Publishing
from policy_service.decisions.deciding.service import PolicyService
from policy_service.decisions.observers.judge import Judge
from policy_service.decisions.observers.shadow import Shadow
from policy_service.decisions.ports.records import StoreUnavailable
from policy_service.settings import Settings

_KEY = "policy_service"
_STOPPING = "policy_service.stopping"


@dataclass(frozen=True, slots=True)
class Shared:
    """The assembled operations, and the settings of their HTTP face."""

    service: PolicyService
    publishing: Publishing
    keys: KeyStore
    trail: TrailStore
    settings: Settings
    judge: Judge
    shadow: Shadow
    recorded: Auditing | None
    first_key: FirstKey
    batches: BoundedSemaphore = field(init=False)
    """A place for each batch that may be under way."""

    def start(self) -> None:
        """Start the background threads, in the process that answers requests."""
        self.judge.queue.start()
        self.shadow.queue.start()
        if self.recorded is not None:
            self.recorded.sealer.start()
            self.recorded.pusher.start()

    def close(self) -> None:
        """Stop them; what is queued is still done, as far as a few seconds allow."""
        self.judge.queue.close()
        self.shadow.queue.close()
        if self.recorded is not None:
            self.recorded.sealer.close()
            self.recorded.pusher.close()

    def __post_init__(self) -> None:
        places = self.settings.max_batches or max(1, self.settings.threads // 2)
        object.__setattr__(self, "batches", BoundedSemaphore(places))


def share(app: Flask, shared: Shared) -> None:
    app.extensions[_KEY] = shared


def shared_by(app: Flask) -> Shared:
    return cast(Shared, app.extensions[_KEY])


def shared() -> Shared:
    return shared_by(current_app)


def service() -> PolicyService:
    return shared().service


def publishing() -> Publishing:
    return shared().publishing


def auditing() -> Auditing:
    """Raises StoreUnavailable where nothing is recorded."""
    found = shared().recorded
    if found is None:
        raise StoreUnavailable("nothing is recorded here")
    return found


def settings() -> Settings:
    return shared().settings


def begin_to_stop(app: Flask) -> None:
    """Make the application not ready: its worker finishes the requests under way, and ends."""
    app.extensions[_STOPPING] = True


def is_stopping() -> bool:
    return _STOPPING in current_app.extensions
