"""What the views of one application share."""

from dataclasses import dataclass
from typing import cast

from flask import Flask, current_app

from policy_service.access.keys import KeyStore
from policy_service.access.trail import TrailStore
from policy_service.decisions.publishing import Publishing
from policy_service.decisions.service import PolicyService
from policy_service.settings import Settings

_KEY = "policy_service"


@dataclass(frozen=True, slots=True)
class Shared:
    """The assembled operations, and the settings of their HTTP face."""

    service: PolicyService
    publishing: Publishing
    keys: KeyStore
    trail: TrailStore
    settings: Settings


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


def settings() -> Settings:
    return shared().settings
