"""`policyctl audit begin|rotate-key|retire-key|adopt-backup|repair`: what a person does to the log itself."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from policy_service.access.trail import Act
from policy_service.cli.acting import act, fail, reason_option
from policy_service.cli.decisions import auditing
from policy_service.cli.terminal import counted, format_option, write_json
from policy_service.decisions.sealed.ceremonies import Ceremonies, CeremonyRefused
from policy_service.decisions.sealed.guard import GuardRefused
from policy_service.decisions.sealed.ordering import KeyUnknown
from policy_service.proofs import keys
from policy_service.proofs.keys import KeyRefused, Verifier
from policy_service.settings import read_settings


@contextmanager
def _ceremonies(reason: str) -> Iterator[tuple[Ceremonies, Act]]:
    """The operations on the database of POLICY_DATABASE_URL; what they refuse is printed, and the command ends."""
    with auditing(signs=True) as (assembled, _):
        try:
            yield assembled.ceremonies, act(reason)
        except (CeremonyRefused, GuardRefused, KeyUnknown) as error:
            fail(str(error))


@click.command()
@reason_option
@format_option
def begin(reason: str, form: str) -> None:
    """Begin the log of a store that has records of an earlier version.

    They get their indices, and are from then on the closed set that needs no receipts; what bundles, stops and keys
    there were becomes acts. The log of a new store begins by itself.
    """
    with _ceremonies(reason) as (known, by):
        records = known.begin(by)
    if form == "json":
        write_json({"legacy": records})
    else:
        click.echo(f"the log is begun, after {counted(records, 'record')} from before")


@click.command(name="rotate-key")
@click.argument("key")
@reason_option
@format_option
def rotate_key(key: str, reason: str, form: str) -> None:
    """Let KEY, a verifier key or the file of a new key, sign the log from here on; one that signs already vouches.

    Then name it first in POLICY_SIGNING_KEY on every host, with the old one behind it; and when all do, retire the old
    one.
    """
    with _ceremonies(reason) as (known, by):
        found = _verifier(key)
        known.add_key(found, by)
    _told(form, "added", found.label)


@click.command(name="retire-key")
@click.argument("label", metavar="NAME+HASH")
@reason_option
@format_option
def retire_key(label: str, reason: str, form: str) -> None:
    """Let a key sign no more: what it signs from here on is refused. What it signed before stays valid.

    Take it out of POLICY_SIGNING_KEY on every host first, and put its verifier key into the file of
    POLICY_RETIRED_KEYS.
    """
    with _ceremonies(reason) as (known, by):
        known.retire_key(label, by)
    _told(form, "retired", label)


def _told(form: str, what: str, label: str) -> None:
    if form == "json":
        write_json({what: label})
    else:
        click.echo(f"{what}: {label}")


@click.command(name="adopt-backup")
@reason_option
@format_option
def adopt_backup(reason: str, form: str) -> None:
    """Go on signing on a store that was set back, as by a restored backup; the log says what was lost.

    Stop the service on every host first. Decisions that were answered and are not in the store are lost to it: whoever
    kept their receipts can show it. On each host with a guard of its own the command is given once.
    """
    with _ceremonies(reason) as (known, by):
        found = known.adopt_backup(by)
    lost, at = found.lost, found.at
    if form == "json":
        write_json({"size": at.size, "version": at.version, "lost": {"size": lost.size, "version": lost.version}})
    else:
        click.echo(f"adopted at {counted(at.size, 'record')} and {counted(at.version, 'order')}")
        click.echo(f"{lost.size} and {lost.version} were signed before: what is missing is lost to this store")


@click.command()
@reason_option
@format_option
def repair(reason: str, form: str) -> None:
    """Put records that lost their place in the queue back into it, if they have a valid receipt; the log says so.

    Orders that are none of the service's, which keep it from following any other, are taken out of its way.
    """
    with _ceremonies(reason) as (known, by):
        queued, removed = known.repair(by)
    if form == "json":
        write_json({"queued": queued, "removed": removed})
    else:
        click.echo(f"queued again: {counted(queued, 'record')}; taken out: {counted(removed, 'forged order')}")


def _verifier(text: str) -> Verifier:
    path = Path(text)
    try:
        if not path.exists():
            return Verifier.parse(text)
        origin = read_settings().log_origin
        return keys.load_public(path, origin) if path.suffix == ".pub" else keys.load(path, origin).verifier
    except (KeyRefused, OSError) as error:
        fail(f"`{text}` is neither a verifier key nor the file of a key: {error}")


COMMANDS = (begin, rotate_key, retire_key, adopt_backup, repair)
