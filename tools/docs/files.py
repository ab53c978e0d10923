"""Every file of which something is generated, as it should be; and which of them are not."""

from collections.abc import Callable
from pathlib import Path

from tools.docs import blocks, command_line, settings
from tools.docs.blocks import BlockFault
from tools.docs.shipped import Shipped

GENERATED = ("docs/policies", "docs/diagnostics")
"""Folders that hold nothing else."""


def pages(root: Path) -> list[str]:
    """The Markdown files that are written by hand."""
    found = [p.relative_to(root).as_posix() for p in (root / "docs").rglob("*.md")]
    return ["README.md", *sorted(p for p in found if not p.startswith(GENERATED))]


def expected(shipped: Shipped) -> dict[str, str]:
    """Text by path."""
    found = {}
    known = block_makers(shipped)
    for path in pages(shipped.root):
        page = (shipped.root / path).read_text("utf-8")
        try:
            found[path] = blocks.filled(page, known)
        except BlockFault as error:
            raise BlockFault(f"{path}: {error}") from error
    return found


def block_makers(shipped: Shipped) -> dict[str, Callable[[], str]]:
    """What makes each generated block, by its name."""
    return {
        "commands": command_line.overview,
        "command line": command_line.reference,
        "settings": settings.settings,
    }


def stale(shipped: Shipped) -> dict[str, str | None]:
    """What differs on disk: the text that should be there, None where nothing should."""
    wanted: dict[str, str | None] = {p: t for p, t in expected(shipped).items() if _on_disk(shipped.root / p) != t}
    return wanted | dict.fromkeys(_superfluous(shipped.root, expected(shipped)))


def _superfluous(root: Path, wanted: dict[str, str]) -> list[str]:
    files = [p for folder in GENERATED for p in (root / folder).rglob("*") if p.is_file()]
    return sorted({p.relative_to(root).as_posix() for p in files} - wanted.keys())


def _on_disk(path: Path) -> str | None:
    return path.read_text("utf-8") if path.is_file() else None
