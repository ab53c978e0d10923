"""`policyctl bundle`: rules folders packed, stored, activated, taken back."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from policy_service.cli.acting import act, publishing, reason_option
from policy_service.cli.folder import as_objects, tell
from policy_service.cli.terminal import aligned, counted, format_option, found_errors, write_json
from policy_service.decisions.answers.days import moment_of
from policy_service.decisions.bundles.checking import check, errors
from policy_service.decisions.bundles.results import BundleInvalid, Ordered, listed
from policy_service.diagnostics import PolicyError
from policy_service.policies.bundle import load_folder
from policy_service.policies.loader import read_folder
from policy_service.policies.packing import Limits, NotUnpacked, pack, unpack
from policy_service.settings import read_settings

_SOURCE = click.Path(exists=True, path_type=Path)
_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


@click.group()
def bundle() -> None:
    """Pack, store, activate and take back bundles.

    All but `build` act on the database of POLICY_DATABASE_URL; running services follow within
    POLICY_BUNDLE_REFRESH_MS.
    """


@bundle.command()
@click.argument("folder", type=_FOLDER)
@click.option("-o", "--out", type=click.Path(dir_okay=False, path_type=Path), required=True, help="The zip to write.")
@format_option
def build(folder: Path, out: Path, form: str) -> None:
    """Check FOLDER and write it as one zip, which POST /v1/bundles takes: the same bytes for the same files."""
    found, diagnostics, sources = load_folder(folder)
    diagnostics = check(found, diagnostics, sources, folder.as_posix())
    if found is None or errors(diagnostics):
        tell(folder, diagnostics, sources)
        raise found_errors()
    data = pack(sources)
    out.write_bytes(data)
    if form == "json":
        write_json({"bundle": found.id, "files": len(sources), "bytes": len(data)})
    else:
        click.echo(f"{out}: {counted(len(sources), 'file')}, {len(data)} bytes: {found.id}")


@bundle.command()
@click.argument("source", type=_SOURCE)
@click.option("--label", help="Instead of the one in bundle.yaml.")
@format_option
def publish(source: Path, label: str | None, form: str) -> None:
    """Check SOURCE, a rules folder or its zip, and store it; it is not activated."""
    sources = _sources(source)
    with publishing() as known:
        try:
            done = known.upload(sources, act(), label=label)
        except BundleInvalid as error:
            if form == "json":
                write_json({"diagnostics": as_objects(error.diagnostics)})
            else:
                tell(Path("rules"), error.diagnostics, sources)
            raise found_errors() from error
    if form == "json":
        write_json(
            {
                "id": done.id,
                "label": done.label,
                "new": done.new,
                "files": list(done.files),
                "diagnostics": as_objects(done.warnings),
            }
        )
        return
    tell(Path("rules"), done.warnings, sources)
    click.echo(f"{'stored' if done.new else 'stored before'}: {done.id}")


def _sources(source: Path) -> dict[str, str]:
    try:
        if source.is_dir():
            return read_folder(source)
        return unpack(source.read_bytes(), Limits(unpacked=read_settings().max_bundle_unpacked))
    except PolicyError as error:
        tell(source, error.report.sorted(), {})
    except NotUnpacked as error:
        for fault in error.faults:
            click.echo(f"{source if fault.path is None else fault.path}: error: {fault.message}", err=True)
    raise found_errors()


class _Instant(click.ParamType[datetime]):
    name = "instant"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        moment = moment_of(value)
        if moment is None:
            self.fail("an instant with its offset is needed: 2023-04-01T00:00:00+08:00", param, ctx)
        return moment


@bundle.command()
@click.argument("id")
@reason_option
@click.option("--at", type=_Instant(), metavar="INSTANT", help="From when; now by default.")
@format_option
def activate(id: str, reason: str, at: datetime | None, form: str) -> None:
    """Make the stored bundle ID the active one, now or at an instant."""
    with publishing() as known:
        done = known.activate(id, act(reason), at=at)
    _tell(done, form)


@bundle.command()
@reason_option
@format_option
def rollback(reason: str, form: str) -> None:
    """Activate now what was published before the present bundle."""
    with publishing() as known:
        done = known.rollback(act(reason))
    _tell(done, form)


def _tell(done: Ordered, form: str) -> None:
    if form == "json":
        write_json(done.json)
        return
    click.echo(f"from {done.order.effective_at}: {done.order.published}")
    for warning in done.warnings:
        click.echo(f"warning: {warning}", err=True)


@bundle.command("list")
@format_option
def list_(form: str) -> None:
    """List the stored bundles, newest first, and which answer now or later."""
    with publishing(signs=False) as known:
        stored = sorted(known.bundles.bundles(), key=lambda one: (one.seen_at, one.id), reverse=True)
        state = known.activation_state()
    rows = [listed(one, state) for one in stored]
    if form == "json":
        write_json({"bundles": rows})
    elif rows:
        for line in aligned([(row["seen_at"], row["id"], _state(row), row["label"] or "") for row in rows]):
            click.echo(line)


def _state(row: Mapping[str, Any]) -> str:
    words = [word for word in ("active", "published") if row[word]]
    return ", ".join([*words, *(f"from {instant}" for instant in row["pending"])]) or "-"
