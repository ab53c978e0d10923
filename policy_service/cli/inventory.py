"""`policyctl inventory`: every constant with basis and source; `--assumed` is the list to confirm."""

import csv
import io
from collections.abc import Sequence
from datetime import date
from itertools import groupby
from pathlib import Path
from typing import Any

import click

from policy_service.cli.folder import bundle_of, rules_option
from policy_service.cli.terminal import aligned, write_json
from policy_service.cli.tongue import Tongue, lang_option, tongue
from policy_service.policies.inventory import Constant, totals
from policy_service.policies.inventory import inventory as constants_of


@click.command()
@rules_option
@click.option("--assumed", is_flag=True, help="Only assumed ones: the policy team's list to confirm.")
@click.option("--format", "form", type=click.Choice(["text", "json", "csv"]), default="text", show_default=True)
@lang_option
def inventory(folder: Path, assumed: bool, form: str, lang: str | None) -> None:
    """List every constant of the rules: value, unit, validity, basis and source."""
    found = bundle_of(folder)
    constants = constants_of(found.rules)
    shown = [c for c in constants if c.basis == "assumed" or not assumed]
    counts = {family: {"stated": t.stated, "assumed": t.assumed} for family, t in totals(constants).items()}
    if form == "json":
        write_json({"bundle": found.id, "constants": [_object(c) for c in shown], "totals": counts})
    elif form == "csv":
        click.echo(_csv(shown, tongue(lang)), nl=False)
    else:
        _write_text(shown, counts, tongue(lang))


def _object(constant: Constant) -> dict[str, Any]:
    value, source = constant.value, constant.source
    return {
        "family": constant.family, "policy": constant.policy, "kind": constant.kind, "name": constant.name,
        "row": constant.row, "column": constant.column,
        "value": value if isinstance(value, str) else dict(value), "unit": constant.unit,
        "from": _day(constant.start), "to": _day(constant.end), "basis": constant.basis,
        "source": dict(source) if source is not None else None,
    }  # fmt: skip


def _csv(constants: Sequence[Constant], lang: Tongue) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(
        ("family", "policy", "kind", "name", "row", "column", "value", "unit", "from", "to", "basis", "source")
    )
    for c in constants:
        place = (c.family, c.policy, c.kind, c.name, c.row, c.column)
        writer.writerow((*place, _value(c, lang), c.unit, _day(c.start), _day(c.end), c.basis, _source(c)))
    return out.getvalue()


def _write_text(constants: Sequence[Constant], counts: dict[str, dict[str, int]], lang: Tongue) -> None:
    for family, members in groupby(sorted(constants, key=lambda c: c.family), lambda c: c.family):
        click.echo(f"{family}: {_total(counts[family])}")
        for line in aligned([_cells(c, lang) for c in members]):
            click.echo(f"  {line}")
    every = {basis: sum(count[basis] for count in counts.values()) for basis in ("stated", "assumed")}
    click.echo(f"all: {_total(every)}")


def _total(count: dict[str, int]) -> str:
    return f"{count['stated']} stated, {count['assumed']} assumed"


def _cells(constant: Constant, lang: Tongue) -> tuple[str, ...]:
    """A line of the list; the value comes last, since it may be long."""
    start, end = _day(constant.start), _day(constant.end)
    days = "" if start is None else f"{start} .. {end or ''}".rstrip()
    value = " ".join(filter(None, (_value(constant, lang), constant.unit)))
    name = f"{constant.policy}: {constant.place}" if constant.policy is not None else constant.place
    return (name, constant.kind, constant.basis, _source(constant), days, value)


def _value(constant: Constant, lang: Tongue) -> str:
    return constant.value if isinstance(constant.value, str) else constant.value.get(lang, "")


def _source(constant: Constant) -> str:
    """`004 2.1.3`: file and section."""
    return " ".join((constant.source or {}).values())


def _day(day: date | None) -> str | None:
    return day.isoformat() if day is not None else None
