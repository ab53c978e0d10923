"""`policyctl compare`: why two decisions differ."""

from typing import Any

import click

from policy_service import canonical
from policy_service.cli.acting import fail
from policy_service.cli.decisions import auditing
from policy_service.cli.terminal import aligned, format_option, write_json
from policy_service.decisions.audit.comparing import FACTORS, ComparedReward, NotComparable
from policy_service.decisions.audit.cost import ComparisonTooCostly
from policy_service.decisions.deciding.recording import ValuesErased


@click.command()
@click.argument("a")
@click.argument("b")
@format_option
def compare(a: str, b: str, form: str) -> None:
    """Show why decision B is another than A, on the database of POLICY_DATABASE_URL.

    For each reward: what B would have granted with the old facts, rules, parameters or day, and the share of each of
    the four in the difference. The shares are Shapley values over the 16 combinations; they add up exactly.
    """
    with auditing(form) as (_, known):
        try:
            found = known.compare(a, b)
        except (NotComparable, ComparisonTooCostly, ValuesErased) as error:
            fail(str(error))
    if form == "json":
        write_json(found)
        return
    rows = [_cells(one) for one in found["rewards"]]
    if not rows:
        click.echo("neither grants anything")
        return
    for line in aligned([("reward", "subject", "a", "b", *(f"old {name}" for name in FACTORS)), *rows]):
        click.echo(line)
    shared = [_shares(one) for one in found["rewards"] if one["difference"] != 0]
    if shared:
        click.echo()
        for line in aligned([("shares", "subject", "b - a", *FACTORS), *shared]):
            click.echo(line)


def _cells(one: ComparedReward) -> tuple[str, ...]:
    return (
        *_named(one), _text(one["from"]), _text(one["to"]), *(_text(one["with_old"][name]) for name in FACTORS)
    )  # fmt: skip


def _shares(one: ComparedReward) -> tuple[str, ...]:
    shares = one["shares"]
    each = ("-" if shares is None else _text(shares[name]["amount"]) for name in FACTORS)
    return (*_named(one), _text(one["difference"]), *each)


def _named(one: ComparedReward) -> tuple[str, str]:
    subject = one["subject"]
    return f"{one['policy']}/{one['id']}", f"{subject['type']}:{subject['id']}" if "id" in subject else subject["type"]


def _text(amount: Any) -> str:
    return "-" if amount is None else canonical.trusted(amount).decode()
