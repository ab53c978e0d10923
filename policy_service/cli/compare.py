"""`policyctl compare`: why two decisions differ."""

from typing import Any

import click

from policy_service import canonical
from policy_service.cli.acting import fail
from policy_service.cli.decisions import auditing
from policy_service.cli.revealing import note, reveal_option
from policy_service.cli.terminal import aligned, format_option, write_json
from policy_service.decisions.audit.comparing import FACTORS, ComparedReward, NotComparable
from policy_service.decisions.audit.cost import ComparisonTooCostly
from policy_service.decisions.deciding.recording import ValuesErased


@click.command()
@click.argument("a")
@click.argument("b")
@reveal_option("Evaluate also what depends on hidden values.")
@format_option
def compare(a: str, b: str, reveal: bool, form: str) -> None:
    """Show why decision B is another than A, on the database of POLICY_DATABASE_URL.

    For each reward: what B would have granted with the old facts, rules, parameters or day, and the share of each of
    the four in the difference. The shares are Shapley values over the 16 combinations; they add up exactly. Of rewards
    that depend on hidden values only the recorded amounts are shown.
    """
    with auditing(form) as (assembled, known):
        try:
            found = known.compare(a, b, reveal=reveal)
        except (NotComparable, ComparisonTooCostly, ValuesErased) as error:
            fail(str(error))
        if reveal:
            for id_ in dict.fromkeys((a, b)):
                note(assembled, id_, "comparison")
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
    return (*_named(one), _text(one["from"]), _text(one["to"]), *_by_factor(one["with_old"]))


def _shares(one: ComparedReward) -> tuple[str, ...]:
    shares: Any = one["shares"]
    amounts = shares
    if shares is not None and "hidden" not in shares:
        amounts = {name: share["amount"] for name, share in shares.items()}
    return (*_named(one), _text(one["difference"]), *_by_factor(amounts))


def _by_factor(found: Any) -> tuple[str, ...]:
    """A cell for each factor."""
    if found is not None and "hidden" in found:
        return (_text(found),) * len(FACTORS)
    return tuple("-" if found is None else _text(found[name]) for name in FACTORS)


def _named(one: ComparedReward) -> tuple[str, str]:
    subject = one["subject"]
    id_ = subject.get("id")
    return f"{one['policy']}/{one['id']}", subject["type"] if id_ is None else f"{subject['type']}:{_text(id_)}"


def _text(shown: Any) -> str:
    """An amount or id as text."""
    if isinstance(shown, dict):
        return "hidden"
    if isinstance(shown, str):
        return shown
    return "-" if shown is None else canonical.trusted(shown).decode()
