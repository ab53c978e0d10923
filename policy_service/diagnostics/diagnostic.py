"""One fault as a value, and the report that collects them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from policy_service.diagnostics.catalogue import Code
from policy_service.diagnostics.location import Span

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """What is wrong, where, and what to do about it."""

    code: Code
    severity: Severity
    span: Span
    message: str
    hint: str | None = None
    related: tuple[tuple[Span, str], ...] = ()


@dataclass(slots=True)
class Report:
    """All faults found so far; nothing stops at the first."""

    diagnostics: list[Diagnostic] = field(default_factory=list)

    def add(
        self,
        code: Code,
        span: Span,
        message: str,
        *,
        hint: str | None = None,
        related: Iterable[tuple[Span, str]] = (),
    ) -> None:
        line = message.replace("\n", "\\n")  # a message shows texts of the author, and those may have several lines
        self.diagnostics.append(Diagnostic(code, code.severity, span, line, hint, tuple(related)))

    def extend(self, other: Iterable[Diagnostic]) -> None:
        self.diagnostics.extend(other)

    @property
    def has_errors(self) -> bool:
        return any(d.severity == "error" for d in self.diagnostics)

    def sorted(self) -> list[Diagnostic]:
        """By place, then code; each fault once."""
        unique = dict.fromkeys(self.diagnostics)
        return sorted(unique, key=lambda d: (d.span, d.code.code, d.message))

    def __iter__(self) -> Iterator[Diagnostic]:
        return iter(self.sorted())


class PolicyError(Exception):
    """Raised where work cannot go on; carries the whole report."""

    def __init__(self, report: Report) -> None:
        super().__init__("\n".join(f"{d.span}: {d.code} {d.message}" for d in report.sorted()))
        self.report = report
