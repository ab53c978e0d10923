"""What the views of one application share."""

from dataclasses import dataclass
from typing import cast

from flask import Flask, current_app

from policy_service.decisions.service import PolicyService
from policy_service.settings import Settings

_KEY = "policy_service"


@dataclass(frozen=True, slots=True)
class Shared:
    """The assembled service, and the settings of its HTTP face."""

    service: PolicyService
    settings: Settings


def share(app: Flask, shared: Shared) -> None:
    app.extensions[_KEY] = shared


def shared_by(app: Flask) -> Shared:
    return cast(Shared, app.extensions[_KEY])


def service() -> PolicyService:
    return shared_by(current_app).service


def settings() -> Settings:
    return shared_by(current_app).settings
