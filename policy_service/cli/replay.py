"""`policyctl replay`: recorded decisions evaluated again."""

import sys
import time
from collections.abc import Iterator
from typing import Any

import click

from policy_service import canonical
from policy_service.cli.acting import fail
from policy_service.cli.decisions import auditing, filter_options, query_of
from policy_service.cli.revealing import note, noted, reveal_option
from policy_service.cli.terminal import counted, format_option, found_errors, write_json
from policy_service.decisions.answers.days import moment_of
from policy_service.decisions.audit.sealed_replay import ReplayOutcome, ReplayResult, SealedReplay, Tally
from policy_service.decisions.bundles.evaluators import NoActiveBundle, UnknownBundle, UnusableBundle
from policy_service.decisions.deciding.recording import ValuesErased
from policy_service.decisions.deciding.replay import NotReplayable
from policy_service.decisions.ports.records import NotFound
from policy_service.language.values import parse_date

_OUTCOMES = ("identical", "different", "erased", "refused")
_SHOWN = 5
"""Differences of one decision that are shown as text."""
_BAR_STEP = 100


def _day_or_instant(_context: click.Context, _option: click.Parameter, text: str | None) -> str | None:
    if text is not None and parse_date(text) is None and moment_of(text) is None:
        raise click.BadParameter("a day is written 2023-04-01, an instant 2023-04-01T08:00:00+08:00")
    return text


@click.command()
@click.argument("id", required=False)
@filter_options(without=frozenset({"bundle"}), renamed={"decided_from": "from", "decided_to": "to"})
@click.option(
    "--bundle", "under", metavar="BUNDLE", default="original", show_default=True,
    help="The rules to ask: original, active, or the id of a stored bundle.",
)  # fmt: skip
@click.option("--as-of", metavar="DAY", callback=_day_or_instant, help="Another business day than the recorded one.")
@reveal_option("Evaluate and compare also what depends on hidden values.")
@format_option
def replay(id: str | None, under: str, as_of: str | None, reveal: bool, form: str, **given: Any) -> None:
    """Evaluate the decision ID again, or all sealed ones that the filters find, and tell where the answers differ.

    It acts on the database of POLICY_DATABASE_URL and records nothing. A decision is refused, with the reason, where
    its bytes do not fit its place in the log, or its version of the language or of answers is not known; one whose
    values were erased is counted as erased. With --format json there is a line for each decision that is not identical,
    and the counts in the last.

    Policies that depend on hidden values are left out of the differences; under other rules or another day they are not
    evaluated.

    Exit status 1 where one is refused, or differs under its original bundle and day.
    """
    query = query_of(given)
    if id is not None and any(text is not None for text in given.values()):
        raise click.UsageError("either ID, or filters")
    tally, original = Tally(), under == "original" and as_of is None
    with auditing(form) as (assembled, known):
        began = time.monotonic()
        try:
            replays = SealedReplay(assembled.service, known, reveal=reveal)
            if id is None:
                found = replays.all(noted(assembled, query), under, as_of)
            else:
                found = _one(replays, id, under, as_of)
            for one in _bar(found, known.log.size() if id is None else 1):
                tally.add(one)
                if reveal and (one.outcome == "different" or (one.outcome == "identical" and not original)):
                    note(assembled, one.decision_id, "replay")
                if one.outcome != "identical":
                    _tell(one, form)
        except (UnknownBundle, UnusableBundle, NoActiveBundle, NotFound) as error:
            fail(str(error))
    _total(tally, time.monotonic() - began, form)
    if tally.outcomes["refused"] or (original and tally.outcomes["different"]):
        raise found_errors()


def _one(replays: SealedReplay, id: str, under: str, as_of: str | None) -> Iterator[ReplayResult]:
    """One decision, whether it is sealed or not. Raises NotFound, InvalidInput, NoActiveBundle."""
    try:
        found = replays.one(id, under, as_of)
    except ValuesErased as error:
        yield ReplayResult(id, None, "erased", reason=str(error))
    except NotReplayable as error:
        yield ReplayResult(id, None, "refused", reason=error.reason)
    else:
        outcome: ReplayOutcome = "identical" if found.identical else "different"
        yield ReplayResult(id, None, outcome, found.bundle, found.differences, hidden=found.hidden)


def _bar(found: Iterator[ReplayResult], most: int) -> Iterator[ReplayResult]:
    """The decisions one by one; at a terminal a bar on standard error shows how far they are in the log."""
    if not sys.stderr.isatty() or most < _BAR_STEP:
        yield from found
        return
    with click.progressbar(length=most, label="replay", file=sys.stderr) as bar:
        seen = 0
        for one in found:
            yield one
            if one.index is not None and one.index - seen >= _BAR_STEP:
                bar.update(one.index - seen)
                seen = one.index
        bar.update(most - seen)


def _tell(one: ReplayResult, form: str) -> None:
    if form == "json":
        write_json(_as_json(one))
        return
    place = "" if one.index is None else f", index {one.index}"
    click.echo(f"{one.outcome}: {one.decision_id}{place}{'' if one.reason is None else f': {one.reason}'}")
    for difference in one.differences[:_SHOWN]:
        click.echo(f"  {difference.pointer}: {_text(difference.recorded)} -> {_text(difference.replayed)}")
    if len(one.differences) > _SHOWN:
        click.echo(f"  and {counted(len(one.differences) - _SHOWN, 'further difference')}")
    if one.hidden:
        click.echo(f"  hidden: {', '.join(one.hidden)}")


def _as_json(one: ReplayResult) -> dict[str, Any]:
    found: dict[str, Any] = {"decision_id": one.decision_id, "outcome": one.outcome}
    found |= {name: value for name in ("index", "bundle", "reason") if (value := getattr(one, name)) is not None}
    if one.outcome == "different":
        found["differences"] = [
            {"pointer": d.pointer, "recorded": d.recorded, "replayed": d.replayed} for d in one.differences
        ]
        found["hidden"] = list(one.hidden)
    return found


def _total(tally: Tally, seconds: float, form: str) -> None:
    number = tally.outcomes.total()
    if form == "json":
        write_json({name: tally.outcomes[name] for name in _OUTCOMES} | {"refusals": dict(tally.reasons)})
    else:
        click.echo(
            f"{counted(number, 'decision')}: {', '.join(f'{tally.outcomes[name]} {name}' for name in _OUTCOMES)}"
        )
        for reason, times in tally.reasons.most_common():
            click.echo(f"  {times} times: {reason}")
    rate = number / seconds if seconds > 0 else 0.0
    click.echo(f"{counted(number, 'decision')} in {seconds:.1f} s, {rate:.0f} a second", err=True)


def _text(value: Any) -> str:
    return canonical.trusted(value).decode()
