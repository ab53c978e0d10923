"""Every file of which something is generated, as it should be; and which of them are not."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from tools.docs import (
    blocks,
    command_line,
    design,
    diagnostics,
    examples,
    facts,
    http,
    kit,
    language,
    policies,
    settings,
    telemetry,
)
from tools.docs.blocks import BlockFault
from tools.docs.shipped import Shipped

GENERATED = (policies.FOLDER, diagnostics.FOLDER)
"""Folders that hold nothing else."""


def expected(shipped: Shipped) -> dict[str, str]:
    """Text by path."""
    return _filled(shipped) | policies.pages(shipped) | diagnostics.pages(shipped) | examples.answers(shipped)


def stale(shipped: Shipped) -> dict[str, str | None]:
    """What differs on disk: the text that should be there, None where nothing should."""
    wanted = expected(shipped)
    differing: dict[str, str | None] = {p: t for p, t in wanted.items() if _on_disk(shipped.root / p) != t}
    return differing | dict.fromkeys(_superfluous(shipped.root, wanted))


def pages(root: Path) -> list[str]:
    """The Markdown files that are written by hand, but for their blocks."""
    found = [
        p.relative_to(root).as_posix()
        for folder in ("docs", "examples", "clients")
        for p in (root / folder).rglob("*.md")
    ]
    return ["README.md", *sorted(p for p in found if not p.startswith(GENERATED))]


def _filled(shipped: Shipped) -> dict[str, str]:
    """The pages with their blocks as they should be."""
    found, known = {}, makers(shipped)
    for path in pages(shipped.root):
        try:
            found[path] = blocks.filled((shipped.root / path).read_text("utf-8"), known)
        except BlockFault as error:
            raise BlockFault(f"{path}: {error}") from error
    return found


def makers(shipped: Shipped) -> dict[str, Callable[[], str]]:
    """What makes each generated block, by its name."""
    contract = http.Contract(shipped)
    return {
        "answer": contract.answer,
        "builtins": language.builtins,
        "cells": language.cells,
        "commands": command_line.overview,
        "command line": command_line.reference,
        "design": partial(design.design, shipped.root),
        "facts": partial(facts.facts, shipped),
        "families": partial(policies.family_table, shipped, f"{policies.FOLDER}/"),
        "idempotency": contract.idempotency,
        "kit": partial(kit.counts, shipped.root),
        "limits": http.limits,
        "null": language.nulls,
        "numbers": language.numbers,
        "problem": contract.faulty,
        "problems": http.problems,
        "refused": language.refused,
        "request": contract.request,
        "route details": contract.details,
        "routes": contract.routes,
        "settings": settings.settings,
        "metrics": telemetry.metrics,
        "retries": telemetry.retries,
        "state": language.state,
        "time": language.times,
    }


def _superfluous(root: Path, wanted: dict[str, str]) -> list[str]:
    """Files of a generated kind that nothing generates any more."""
    files = [p for folder in GENERATED for p in (root / folder).rglob("*") if p.is_file()]
    files += (root / examples.FOLDER).glob("*.answer.json")
    return sorted({p.relative_to(root).as_posix() for p in files} - wanted.keys())


def _on_disk(path: Path) -> str | None:
    return path.read_text("utf-8") if path.is_file() else None
