"""`policyctl check`: every fault of the rule files and their cases, all at once."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from policy_service.cli.folder import as_objects, check_of, is_error, rules_option, tell
from policy_service.cli.terminal import counted, format_option, found_errors, write_json
from policy_service.diagnostics import Diagnostic, PolicyError
from policy_service.policies.loader import FRAME, Sources, is_case_file, read_folder


@click.command()
@rules_option
@click.option("--strict", is_flag=True, help="Warnings count as errors.")
@format_option
def check(folder: Path, strict: bool, form: str) -> None:
    """Check rule files and their cases: every fault of every file, with its place."""
    sources, found, bundle = _checked(folder)
    errors = sum(map(is_error, found))
    summary = {
        "policies": _policies(sources),
        "files": len(sources),
        "errors": errors,
        "warnings": len(found) - errors,
        "bundle": bundle,
    }
    if form == "json":
        write_json({**summary, "diagnostics": as_objects(found)})
    else:
        tell(folder, found, sources, err=False)
        click.echo(_line(summary))
    if errors or (strict and found):
        raise found_errors()


def _checked(folder: Path) -> tuple[Sources, list[Diagnostic], str | None]:
    """The sources of the folder, every diagnostic, and the id of the bundle where there is no error."""
    try:
        sources = read_folder(folder)
    except PolicyError as error:
        return {}, error.report.sorted(), None
    found = check_of(folder, sources).run()
    return sources, found.diagnostics, found.bundle


def _policies(sources: Sources) -> int:
    """How many policies the files are about; a policy may have several, dated files."""
    files = (p for p in sources if p not in FRAME and not is_case_file(p))
    return len({path.removesuffix(".yaml").partition("@")[0] for path in files})


def _line(summary: Mapping[str, Any]) -> str:
    words = {"policies": "policy", "files": "file", "errors": "error", "warnings": "warning"}
    counts = ", ".join(counted(summary[key], one, key) for key, one in words.items())
    return counts if summary["bundle"] is None else f"{counts}: {summary['bundle']}"
