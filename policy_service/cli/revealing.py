"""Hidden values shown at the command line: noted in the audit trail, as over HTTP."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from policy_service.access import instants
from policy_service.access.trail import REVEAL, TrailEntry
from policy_service.assembly import Assembled, assemble
from policy_service.cli.acting import act
from policy_service.decisions.audit.searching import Query
from policy_service.requests import filters
from policy_service.settings import read_settings

Command = TypeVar("Command", bound=Callable[..., Any])


def reveal_option(meaning: str) -> Callable[[Command], Command]:
    """The option `--reveal`."""
    return click.option("--reveal", is_flag=True, help=f"{meaning} It is noted in the audit trail.")


def note(assembled: Assembled, id_: str, shown_in: str) -> None:
    """Puts into the trail that hidden values of a decision are shown; see `policy_service.api.revealing`.

    The trail is signed: here the key is needed that those can do without who only read.
    """
    signing = assembled if assembled.orders.keys.signers else assemble(read_settings())
    at = instants.text(assembled.service.now())
    signing.trail.note(TrailEntry(at, act().actor, REVEAL, id_, detail={"shown_in": shown_in}))


def noted(assembled: Assembled, query: Query) -> Query:
    """The query, allowed to look for hidden values where it does, which is noted."""
    active = assembled.service.evaluators.active()
    sought = () if active is None else filters.hidden_in(query, active.sensitivity)
    for kind in sought:
        note(assembled, kind, "search")
    return query.revealing() if sought else query
