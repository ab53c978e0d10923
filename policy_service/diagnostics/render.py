"""Diagnostics as text with the marked source line, and as JSON."""

import unicodedata
from collections.abc import Iterable, Mapping

from policy_service.diagnostics.diagnostic import Diagnostic


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def render(diagnostic: Diagnostic, sources: Mapping[str, str]) -> str:
    """The fault as a person reads it: place, code, message, the line, a mark under it, a hint."""
    span = diagnostic.span
    place = f"{span}: " if span.file else ""
    out = [f"{place}{diagnostic.severity} {diagnostic.code}: {diagnostic.message}"]
    lines = sources[span.file].split("\n") if span.file in sources else []
    if 0 < span.line <= len(lines):
        line = lines[span.line - 1]
        gutter = f"{span.line:>5} | "
        before = " " * _width(line[: span.column - 1])
        mark = "^" * max(1, _width(line[span.column - 1 : span.end - 1]))
        out += [gutter + line, " " * (len(gutter) - 2) + "| " + before + mark]
    out += [f"   see {place}: {text}" for place, text in diagnostic.related]
    if diagnostic.hint:
        out.append(f"   hint: {diagnostic.hint}")
    return "\n".join(out)


def render_all(diagnostics: Iterable[Diagnostic], sources: Mapping[str, str]) -> str:
    return "\n".join(render(d, sources) for d in diagnostics)


def as_json(diagnostic: Diagnostic) -> dict[str, object]:
    """The same fault for a program."""
    span = diagnostic.span
    out: dict[str, object] = {
        "code": diagnostic.code.code,
        "name": diagnostic.code.name,
        "severity": diagnostic.severity,
        "message": diagnostic.message,
        "file": span.file,
        "line": span.line,
        "column": span.column,
        "end": span.end,
    }
    if diagnostic.hint:
        out["hint"] = diagnostic.hint
    if diagnostic.related:
        out["related"] = [{"place": str(place), "message": text} for place, text in diagnostic.related]
    return out
