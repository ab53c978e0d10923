"""`policyctl trail`: who did what."""

import click

from policy_service.access.trail import MOST_ON_A_PAGE, PAGE, Trailed, page
from policy_service.assembly import assemble
from policy_service.cli.requests import reporting_faults
from policy_service.cli.terminal import aligned, format_option, write_json
from policy_service.settings import read_settings


@click.command()
@click.option("--limit", type=click.IntRange(1, MOST_ON_A_PAGE), default=PAGE, show_default=True, help="Acts shown.")
@click.option("--before", type=click.IntRange(1, 2**31 - 1), help="Only acts of a smaller sequence.")
@format_option
def trail(limit: int, before: int | None, form: str) -> None:
    """Show the audit trail of the database of POLICY_DATABASE_URL, newest first: every act of its log.

    What was ordered, from `log.begin` on: bundles, activations, stops, keys, shadows. And what was noted: hidden values
    shown or looked for, erasures, disagreements acknowledged, records that went missing.
    """
    with reporting_faults(form):
        found = assemble(read_settings(), signs=False).trail.trail(before, limit + 1)
    if form == "json":
        write_json(page(found, limit))
        return
    for line in aligned([_cells(one) for one in found[:limit]]):
        click.echo(line)
    if len(found) > limit:
        click.echo(f"older ones: --before {found[limit - 1].sequence}", err=True)


def _cells(one: Trailed) -> tuple[str, ...]:
    detail = ", ".join(f"{name} {value}" for name, value in one.detail.items())
    said = " | ".join(filter(None, (one.reason, detail)))
    return (str(one.sequence), one.at, one.actor, one.action, one.target, said)
