"""`policyctl audit page`: the case of a decision as one readable page."""

from pathlib import Path

import click

from policy_service.cli.decisions import auditing
from policy_service.cli.tongue import lang_option, tongue
from policy_service.pages.casepage import case_page

_FILE = click.Path(dir_okay=False, path_type=Path)


@click.command()
@click.argument("id")
@lang_option
@click.option("-o", "--output", type=_FILE, metavar="FILE", help="Else standard output.")
def page(id: str, lang: str | None, output: Path | None) -> None:
    """Write a page about the decision ID: who asked, what was decided, by whose orders, inputs, proof status.

    One HTML file that loads nothing and can be printed. Sensitive values are not in it.
    """
    with auditing("text") as (_, known):
        found = case_page(known.case(id), tongue(lang)).encode()
    if output is None:
        click.echo(found, nl=False)
        return
    try:
        output.write_bytes(found)
    except OSError as error:
        raise click.FileError(str(output), error.strerror) from error
