"""`policyctl keys`: who may ask the service."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn

import click

from policy_service.access import instants
from policy_service.access.issuing import MOST_A_SECOND, Issuing, KeyEnded, Made, NameInForce, UnknownKey, shown, state
from policy_service.access.principals import ROLES
from policy_service.assembly import assemble
from policy_service.cli.acting import reason_option
from policy_service.cli.requests import reporting_faults
from policy_service.cli.terminal import aligned, format_option, found_errors, write_json
from policy_service.settings import read_settings

_ACTOR = "policyctl"
_NEVER = "never"


class _Span(click.ParamType[timedelta]):
    """`30d`, `24h`, `15m`, `10s`."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        found = value if isinstance(value, timedelta) else instants.span(value)
        if found is None:
            self.fail(f"`{value}` is no duration as 30d, 24h, 15m or 0s, of at most ten years", param, ctx)
        return found


class _End(click.ParamType[datetime]):
    """A span from now, the start of a day in UTC, or an instant with its offset."""

    name = "duration|date"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        found = value if isinstance(value, datetime) else instants.end(value, _now())
        if found is None:
            self.fail(f"`{value}` is neither a duration as 90d or 12h, nor a date, nor an instant", param, ctx)
        return found


_expires_option = click.option("--expires", type=_End(), help="When it ends: 90d, 12h, 2027-01-31, or an instant.")


@click.group()
def keys() -> None:
    """Make, list, rotate and revoke API keys, on the database of POLICY_DATABASE_URL.

    From the first key on nobody is answered without one; running services follow within POLICY_KEY_REFRESH_MS.
    """


@keys.command()
@click.option("--name", required=True, help="Whose it is: the actor of the trail.")
@click.option("--role", "roles", multiple=True, required=True, type=click.Choice(ROLES), help="Repeatable.")
@click.option("--rate", type=click.IntRange(1, MOST_A_SECOND), help="Requests a second; else POLICY_RATE_LIMIT.")
@_expires_option
@format_option
def create(name: str, roles: tuple[str, ...], rate: int | None, expires: datetime | None, form: str) -> None:
    """Make a key; it is shown this once."""
    with _issuing(form) as issuing:
        made = issuing.create(name, roles, rate=rate, expires_at=expires, actor=_ACTOR)
    _tell(made, form)


@keys.command(name="list")
@format_option
def list_(form: str) -> None:
    """List all keys that ever were, oldest first."""
    with _issuing(form, signs=False) as issuing:
        found = issuing.listed()
    if form == "json":
        write_json({"keys": [shown(key, now) for key, now in found]})
        return
    rows = [
        (key.id, key.name, now, " ".join(key.roles), key.created_at, key.revoked_at or key.expires_at or _NEVER)
        for key, now in found
    ]
    for line in aligned([("id", "name", "state", "roles", "made", "ends"), *rows]):
        click.echo(line)


@keys.command()
@click.argument("id")
@click.option(
    "--grace", type=_Span(), default="24h", show_default=True, help="How long the old key still holds; 0s: not at all."
)
@_expires_option
@format_option
def rotate(id: str, grace: timedelta, expires: datetime | None, form: str) -> None:
    """Replace the key ID by a new one of the same name, roles and rate, which is shown this once.

    Without --expires the new one lives as long as the old one was made to.
    """
    with _issuing(form) as issuing:
        made = issuing.rotate(id, grace=grace, expires_at=expires, actor=_ACTOR)
    _tell(made, form)


@keys.command()
@click.argument("id")
@reason_option
@format_option
def revoke(id: str, reason: str, form: str) -> None:
    """End the key ID at once."""
    with _issuing(form) as issuing:
        ended = issuing.revoke(id, reason, actor=_ACTOR)
    if form == "json":
        write_json(shown(ended, state(ended, instants.text(_now()))))
    else:
        click.echo(f"revoked: {ended.id} of {ended.name}")


def _now() -> datetime:
    return datetime.now(UTC)


@contextmanager
def _issuing(form: str, *, signs: bool = True) -> Iterator[Issuing]:
    """The operations on keys; what they refuse is printed, and the command ends."""
    with reporting_faults(form):
        try:
            yield Issuing(assemble(read_settings(), signs=signs).keys, now=_now)
        except (UnknownKey, KeyEnded, NameInForce) as error:
            _refuse(str(error))


def _refuse(message: str) -> NoReturn:
    click.echo(f"error: {message}", err=True)
    raise found_errors()


def _tell(made: Made, form: str) -> None:
    """The key alone on standard output, so that it can be piped to where it is kept."""
    key = made.key
    if form == "json":
        write_json({**shown(key, state(key, instants.text(_now()))), "key": made.text})
        return
    click.echo(f"{key.id}: {key.name}, {' '.join(key.roles)}, ends {key.expires_at or _NEVER}", err=True)
    click.echo("the key is shown this once, only a digest of it is kept:", err=True)
    click.echo(made.text)
