"""The list of design notes, by their headings."""

from pathlib import Path

FOLDER = "docs/design"


def design(root: Path) -> str:
    """A link to each note."""
    notes = sorted(p for p in (root / FOLDER).glob("*.md") if p.name != "index.md")
    return "\n".join(f"- [{_heading(note)}]({note.name})" for note in notes)


def _heading(note: Path) -> str:
    return note.read_text("utf-8").partition("\n")[0].lstrip("# ")
