"""`policyctl resume`: the end of a stop."""

import click

from policy_service.cli.acting import act, publishing, reason_option
from policy_service.cli.stop import reward_option, tell
from policy_service.cli.terminal import format_option


@click.command()
@click.argument("policy")
@reward_option
@reason_option
@format_option
def resume(policy: str, reward: str | None, reason: str, form: str) -> None:
    """End the stop of POLICY, or of one reward of it, on the database of POLICY_DATABASE_URL.

    The same --reward as the stop: a policy that is resumed leaves the stops of its single rewards in force.
    """
    with publishing() as known:
        done = known.resume(policy, reward, act(reason))
    tell(done, form)
