"""`policyctl evaluate`: one state answered, as POST /v1/evaluate does."""

from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

import click

from policy_service.cli import requests
from policy_service.cli.folder import bundle_of, rules_option
from policy_service.cli.terminal import write_json
from policy_service.decisions.deciding.previewing import previewing
from policy_service.decisions.deciding.service import PolicyService
from policy_service.engines import registry
from policy_service.policies.bundle import Bundle
from policy_service.settings import Settings, read_settings


@click.command()
@requests.file_argument
@rules_option
@click.option("--decide", is_flag=True, help="Record the decision in the database of POLICY_DATABASE_URL.")
@click.option("--as-of", metavar="DAY", help="The business day judged, instead of the file's.")
@click.option(
    "--policies", metavar="PATTERN", multiple=True, help="Show only these, instead of the file's; repeatable."
)
@click.option("--trace", type=click.Choice(["none", "fired", "full"]), help="Instead of the file's.")
@click.option("--engine", type=click.Choice(registry.NAMES), help="By default that of POLICY_ENGINE.")
@click.option("--pretty", is_flag=True, help="Indent the answer.")
@click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True,
    help="How faults are told; the answer is JSON.",
)  # fmt: skip
def evaluate(
    file: BinaryIO, folder: Path, decide: bool, as_of: str | None, policies: tuple[str, ...], trace: str | None,
    engine: str | None, pretty: bool, form: str,
) -> None:  # fmt: skip
    """Answer the request in FILE, or in standard input with `-`: the body of POST /v1/evaluate.

    A preview, unless --decide is given, whatever `purpose` the file has.
    """
    settings = read_settings()
    settings = replace(settings, engine=engine or settings.engine)
    bundle = bundle_of(folder)
    overrides: dict[str, Any] = {"purpose": "decide" if decide else "preview"}
    overrides |= {"as_of": as_of} if as_of is not None else {}
    overrides |= {"policies": list(policies)} if policies else {}
    overrides |= {"options": {"trace": trace}} if trace is not None else {}
    with requests.reporting_faults(form):
        served = _deciding(settings, bundle) if decide else previewing(bundle, registry.engine(settings.engine))
        request = requests.read(file, served, settings.max_depth, overrides)
        answer = served.evaluate(request, caller="policyctl").answer
    write_json(answer, pretty=pretty)


def _deciding(settings: Settings, bundle: Bundle) -> PolicyService:
    """The service on its database. As `serve` does, it activates the folder's bundle if that has changed."""
    from policy_service.assembly import assemble  # here, so that a preview loads no database

    assembled = assemble(settings)
    active = assembled.publishing.adopt_folder(bundle, actor="policyctl")
    if active != bundle.id:
        click.echo(f"the active bundle decides, not that of the folder: {active}", err=True)
    return assembled.service
