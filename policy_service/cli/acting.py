"""What commands share that act on the database: who acts, and how a refusal is shown."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import click

from policy_service.access.trail import Act
from policy_service.assembly import assemble
from policy_service.cli.terminal import found_errors
from policy_service.decisions.bundles.evaluators import NoActiveBundle, UnknownBundle, UnusableBundle
from policy_service.decisions.bundles.publishing import Publishing
from policy_service.decisions.bundles.results import (
    BadInstant,
    Busy,
    NothingBefore,
    NotStopped,
    UnknownPolicy,
    UnknownReward,
)
from policy_service.decisions.ports.records import StoreUnavailable
from policy_service.requests.fields import REASON
from policy_service.settings import read_settings

_ACTOR = "policyctl"
_REFUSALS = (
    BadInstant, Busy, NoActiveBundle, NothingBefore, NotStopped, UnknownBundle, UnknownPolicy, UnknownReward,
    UnusableBundle,
)  # fmt: skip


class OneLine(click.ParamType[str]):
    """A text of one line, as the service takes a reason; `what` names it in the message."""

    name = "text"

    def __init__(self, what: str) -> None:
        self._what = what

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if not REASON.fits(value):
            self.fail(f"a {self._what} is one line of 1 to 500 characters", param, ctx)
        return value


reason_option = click.option(
    "--reason", required=True, type=OneLine("reason"), help="Why, for those who read the trail."
)


def act(reason: str = "") -> Act:
    return Act(_ACTOR, reason)


@contextmanager
def publishing(*, signs: bool = True) -> Iterator[Publishing]:
    """The operations on the database of POLICY_DATABASE_URL; what they refuse is printed, and the command ends."""
    try:
        yield assemble(read_settings(), signs=signs).publishing
    except StoreUnavailable as error:
        fail(f"the store cannot be used: {error}")
    except _REFUSALS as error:
        fail(str(error))


def fail(message: str) -> NoReturn:
    """Prints why the command ends, and ends it with exit status 1."""
    click.echo(f"error: {message}", err=True)
    raise found_errors()
