"""The rules folder that a command reads, and how its faults are printed."""

import gc
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import click

from policy_service.authoring.checking import Check
from policy_service.authoring.folder import Folder
from policy_service.authoring.memory import Memory, folder_of
from policy_service.authoring.program import digest
from policy_service.cli.terminal import found_errors
from policy_service.diagnostics import Diagnostic, as_json, render
from policy_service.policies.bundle import Bundle, load_folder
from policy_service.policies.loader import Sources, check_sources
from policy_service.settings import Settings, read_settings

rules_option = click.option(
    "--rules", "folder", type=click.Path(path_type=Path), envvar="POLICY_RULES", show_envvar=True,
    default=Settings().rules, show_default=True, help="Folder of rule files.",
)  # fmt: skip


def bundle_of(folder: Path) -> Bundle:
    """The bundle of the folder; when it has errors they are printed on standard error and the command ends."""
    _keep_all()
    found, diagnostics, sources = load_folder(folder)
    if found is None:
        tell(folder, diagnostics, sources)
        raise found_errors()
    return found


def check_of(folder: Path, sources: Sources, *, engine: bool = True) -> Check:
    """A check of the folder that uses what earlier ones found, and is remembered for later ones."""
    _keep_all()
    setting = {name: os.environ[name] for name in ("POLICY_CACHE",) if name in os.environ}
    place = folder_of(read_settings(setting).cache, os.environ)
    memory = Memory(place, digest() if place is not None else "")
    return Check(Folder(sources, folder.as_posix(), memory), memory, engine=engine)


def _keep_all() -> None:
    """Turn garbage collection off: what a command loads stays to its end, and walking through it again takes long."""
    gc.disable()
    click.get_current_context().call_on_close(gc.enable)


def tell(folder: Path, diagnostics: Iterable[Diagnostic], sources: Mapping[str, str], *, err: bool = True) -> None:
    """Diagnostics as text, each with its line."""
    places = check_sources(sources, folder.as_posix())
    for diagnostic in diagnostics:
        click.echo(render(diagnostic, places), err=err)


def as_objects(diagnostics: Iterable[Diagnostic]) -> list[dict[str, Any]]:
    return [as_json(d) for d in diagnostics]


def is_error(diagnostic: Diagnostic) -> bool:
    return diagnostic.severity == "error"
