"""`policyctl stop`: the red button at the command line."""

import click

from policy_service.cli.acting import act, publishing, reason_option
from policy_service.cli.terminal import format_option, write_json
from policy_service.decisions.bundles.results import Stopped

reward_option = click.option("--reward", metavar="ID", help="One reward of it; the whole policy by default.")


@click.command()
@click.argument("policy")
@reward_option
@reason_option
@format_option
def stop(policy: str, reward: str | None, reason: str, form: str) -> None:
    """Stop POLICY at once, on the database of POLICY_DATABASE_URL, until it is resumed.

    Running services follow within POLICY_BUNDLE_REFRESH_MS; no bundle that is activated later grants it.
    """
    with publishing() as known:
        done = known.stop(policy, reward, act(reason))
    tell(done, form)


def tell(done: Stopped, form: str) -> None:
    """What was done, on standard output."""
    if form == "json":
        write_json(done.json)
        return
    event = done.event
    what = event.policy if event.reward is None else f"{event.policy}/{event.reward}"
    state = "stopped" if event.action == "stop" else "resumed"
    when = "" if done.new else f" already, since {event.at} by {event.actor}: {event.reason}"
    click.echo(f"{what} is {state}{when}\nactive: {done.bundle}")
    for warning in done.warnings:
        click.echo(f"warning: {warning}", err=True)
