"""`policyctl decisions`: past decisions, found by what they are about."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import click

from policy_service.assembly import Assembled, assemble
from policy_service.cli.acting import fail
from policy_service.cli.requests import reporting_faults
from policy_service.cli.revealing import noted
from policy_service.cli.terminal import aligned, format_option, write_json
from policy_service.decisions.audit.auditing import Auditing
from policy_service.decisions.audit.evidence import NotProvable
from policy_service.decisions.audit.proving import NotSealed
from policy_service.decisions.audit.searching import MOST_ON_A_PAGE, PAGE, Query
from policy_service.decisions.ports.records import NotFound, StoreRefused
from policy_service.proofs.tiles import TreeDamaged
from policy_service.requests import filters
from policy_service.requests.query import Parameters
from policy_service.settings import read_settings

Command = TypeVar("Command", bound=Callable[..., Any])
_MEANINGS = {
    "merchant": "Of a merchant: its id.",
    "subject": "About a subject: TYPE:ID.",
    "claim": "That granted a claim key.",
    "policy": "That show a policy.",
    "reward": "That granted a reward: POLICY/ID.",
    "row": "In which a row fired: POLICY.DECISION/ROW.",
    "bundle": "By a bundle.",
    "as_of_from": "For this business day or a later one.",
    "as_of_to": "For an earlier business day than this.",
    "decided_from": "Decided at this instant or later; a day is one in UTC.",
    "decided_to": "Decided before this instant.",
}


def filter_options(
    *, without: frozenset[str] = frozenset(), renamed: dict[str, str] | None = None
) -> Callable[[Command], Command]:
    """Options for the filters of a search.

    Args:
        without: filters that the command has no option for.
        renamed: other names of options by filter.
    """

    def decorated(command: Command) -> Command:
        for name in reversed(filters.NAMES):
            if name not in without:
                word = (renamed or {}).get(name, name.replace("_", "-"))
                command = click.option(f"--{word}", name, metavar="TEXT", help=_MEANINGS[name])(command)
        return command

    return decorated


def query_of(given: dict[str, Any]) -> Query:
    """The query of options. Raises click.BadParameter where one cannot be."""
    params = Parameters({name: str(text) for name, text in given.items() if text is not None})
    found = filters.query_of(params)
    if params.faults:
        first = params.faults[0]
        hint = f" ({first.hint})" if first.hint else ""
        raise click.UsageError(f"--{first.pointer[1:].replace('_', '-')}: {first.message}{hint}")
    return found


@contextmanager
def auditing(form: str = "text", *, signs: bool = False) -> Iterator[tuple[Assembled, Auditing]]:
    """The operations on the database of POLICY_DATABASE_URL; what they refuse is printed, and the command ends.

    Args:
        signs: whether something is to be recorded or sealed: only then a private key is needed, and made on first use.
    """
    with reporting_faults(form):
        try:
            assembled = assemble(read_settings(), signs=signs)
            if assembled.auditing is None:
                fail("nothing is recorded here")
            yield assembled, assembled.auditing
        except (NotFound, NotProvable) as error:
            fail(str(error))
        except NotSealed as error:
            fail(f"{error}: policyctl audit seal")
        except (TreeDamaged, StoreRefused) as error:
            fail(f"the log is damaged: {error}: policyctl audit verify")


@click.command()
@filter_options()
@click.option("--limit", type=click.IntRange(1, MOST_ON_A_PAGE), default=PAGE, show_default=True, help="On a page.")
@click.option("--cursor", metavar="TEXT", help="The next page, as the one before says.")
@format_option
def decisions(form: str, **given: Any) -> None:
    """Find sealed decisions in the database of POLICY_DATABASE_URL, newest first.

    Every filter that is given must hold. To look for a subject whose id is sensitive, or for a row that tells a hidden
    value, is noted in the audit trail.
    """
    query = query_of(given)
    with auditing(form) as (assembled, known):
        found = known.searching.search(noted(assembled, query))
    if form == "json":
        write_json(found.json)
        return
    rows = [
        (str(one.index), one.id, one.decided_at, one.as_of, one.merchant_id or "-", _corrected(one.superseded_by))
        for one in found.decisions
    ]
    for line in aligned(rows):
        click.echo(line)
    if found.cursor is not None:
        click.echo(f"older ones: --cursor {found.cursor}", err=True)


def _corrected(by: tuple[str, ...]) -> str:
    return f"corrected by {' '.join(by)}" if by else ""
