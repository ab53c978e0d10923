"""`policyctl judged`: answers that the reference engine does not give."""

import getpass
import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime

import click

from policy_service.access import instants
from policy_service.access.trail import TrailEntry
from policy_service.assembly import Assembled, assemble
from policy_service.decisions.ports.observations import KeptDisagreement
from policy_service.decisions.ports.records import StoreUnavailable
from policy_service.settings import read_settings


@click.command()
@click.option("--acknowledge", "numbers", type=int, multiple=True, help="Number of a case that was looked into.")
@click.option("--acknowledge-all", is_flag=True, help="All that are open: at most 100 at a time.")
@click.option("--all", "everything", is_flag=True, help="Show acknowledged cases too.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.pass_context
def judged(ctx: click.Context, numbers: tuple[int, ...], acknowledge_all: bool, everything: bool, form: str) -> None:
    """Show where the judge disagreed with an answer, newest first, and acknowledge what was looked into.

    While a case is open, `/readyz` says `degraded`. Exit status 1 while one is.
    """
    try:
        assembled = assemble(read_settings(), signs=acknowledge_all or bool(numbers))
        store = assembled.judge.store
        if acknowledge_all:
            numbers = (*numbers, *(one.number for one in store.disagreements()))
        if numbers:
            _acknowledge(assembled, numbers)
        found = store.disagreements(only_open=not everything)
        is_open = store.open() > 0
    except StoreUnavailable as error:
        raise click.ClickException(f"the store cannot be used: {error}") from error
    click.echo(json.dumps([asdict(one) for one in found], ensure_ascii=False) if form == "json" else _text(found))
    ctx.exit(1 if is_open else 0)


def _acknowledge(assembled: Assembled, numbers: Sequence[int]) -> None:
    """Acknowledge cases; that somebody did so is an act in the log, before it is done."""
    at, who = instants.text(datetime.now(UTC)), getpass.getuser()
    assembled.trail.note(TrailEntry(at, who, "disagreement.acknowledge", ", ".join(map(str, sorted(numbers)))))
    done = assembled.judge.store.acknowledge(numbers, who, at)
    click.echo(f"{done} acknowledged", err=True)


def _text(found: Sequence[KeptDisagreement]) -> str:
    if not found:
        return "no disagreement is open"
    return "\n".join(_line(one) for one in found)


def _line(one: KeptDisagreement) -> str:
    what = f"decision {one.decision}" if one.decision is not None else "a preview"
    where = ", ".join(one.policies) or "the whole answer"
    done = f", acknowledged by {one.acknowledged_by}" if one.acknowledged_by is not None else ""
    places = " ".join(one.pointers[:3])
    return f"{one.number}: {one.at}, {what}, bundle {one.bundle}, {where}: {places}{done}"
