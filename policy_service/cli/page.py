"""`policyctl page`: the case of a decision as one readable page."""

from typing import BinaryIO

import click

from policy_service.assembly import assemble
from policy_service.cli.requests import telling
from policy_service.cli.terminal import found_errors
from policy_service.cli.tongue import lang_option, tongue
from policy_service.console.casepage import case_page
from policy_service.decisions.auditing import NoDecision
from policy_service.settings import read_settings


@click.command()
@click.argument("id")
@lang_option
@click.option(
    "-o", "--output", type=click.File("wb", lazy=True), default="-", metavar="FILE", help="By default standard output."
)
def page(id: str, lang: str | None, output: BinaryIO) -> None:
    """Write a page about the decision ID: what was decided, the rules then in force, inputs, proof status.

    One HTML file that loads nothing and can be printed. Sensitive values are not in it.
    """
    with telling("text"):
        auditing = assemble(read_settings()).auditing
        if auditing is None:
            raise AssertionError("what is assembled on a database records")
        try:
            found = auditing.case(id)
        except NoDecision as error:
            click.echo(f"error: {error}", err=True)
            raise found_errors() from None
        output.write(case_page(found, tongue(lang)).encode())
